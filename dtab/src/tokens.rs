//! What stands where in the text of a table, right or wrong.
//!
//! Whether a text is a dtab is the grammar's to say, and a [`Dentry`](crate::Dentry) knows only where
//! it stands as a whole. An editor also wants to know what is under the cursor while the text is being
//! written, which is what this tells.

use crate::span::Span;
use crate::syntax::scan::{self, Kind};
use crate::syntax::trivia;

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it looks like.
    pub kind: TokenKind,
    /// Its bytes.
    pub span: Span,
}

/// What a [`Token`] looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// From `#` to the end of the line.
    Comment,
    /// A path left of the arrow, with its `*`.
    Prefix,
    /// `=>`, or what was meant for it.
    Arrow,
    /// The number before a `*`.
    Weight,
    /// A path right of the arrow.
    Path,
    /// `~`, `!` or `$`.
    Constant,
    /// `|`, `&`, or the `*` behind a weight.
    Operator,
    /// `(` or `)`.
    Parenthesis,
    /// `;`.
    Separator,
    /// What has no place in a dtab, or not there.
    Unknown,
}

/// The tokens of a table, in the order of the text; what lies between them is white space.
///
/// Takes any text. An entry that begins on a new line begins there even if the `;` before it is
/// missing.
///
/// ```
/// use dtab::{TokenKind, tokens};
///
/// let text = "/svc/* => 3 * /host | ~ ; # rest";
/// let told: Vec<_> = tokens(text)
///     .map(|token| (token.kind, &text[token.span.start as usize..token.span.end as usize]))
///     .collect();
/// assert_eq!(told, [
///     (TokenKind::Prefix, "/svc/*"),
///     (TokenKind::Arrow, "=>"),
///     (TokenKind::Weight, "3"),
///     (TokenKind::Operator, "*"),
///     (TokenKind::Path, "/host"),
///     (TokenKind::Operator, "|"),
///     (TokenKind::Constant, "~"),
///     (TokenKind::Separator, ";"),
///     (TokenKind::Comment, "# rest"),
/// ]);
/// ```
pub fn tokens(text: &str) -> impl Iterator<Item = Token> + '_ {
    let next = behind_trivia(text, 0);
    Tokens { text, at: 0, next, end: 0, left: true }
}

struct Tokens<'t> {
    text: &'t str,
    /// All before it has been told.
    at: usize,
    /// Where the next token that is no comment begins; only comments and white space are before it.
    next: usize,
    /// Where the last token that is no comment ends.
    end: usize,
    /// Whether the arrow of the entry is still to come.
    left: bool,
}

fn behind_trivia(text: &str, at: usize) -> usize {
    text.len() - trivia::skip(&text.as_bytes()[at..]).len()
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        if let Some(hash) = memchr::memchr(b'#', &self.text.as_bytes()[self.at..self.next]) {
            let start = self.at + hash;
            let length = 1 + trivia::comment_length(&self.text.as_bytes()[start + 1..]);
            self.at = start + length;
            return Some(Token { kind: TokenKind::Comment, span: Span::new(start, self.at) });
        }
        let scan::Token { range, kind } = scan::tokens(self.text, self.next).next()?;
        let start = range.start;
        if !self.left && kind == Kind::Run {
            let new_line = memchr::memchr(b'\n', &self.text.as_bytes()[self.end..start]).is_some();
            self.left = new_line && scan::begins_entry(self.text, start);
        }
        let (length, kind) = self.tell(&self.text[start..], range.len(), kind);
        match kind {
            TokenKind::Arrow => self.left = false,
            TokenKind::Separator => self.left = true,
            _ => {}
        }
        self.end = start + length;
        self.at = self.end;
        self.next = behind_trivia(self.text, self.end);
        Some(Token { kind, span: Span::new(start, self.end) })
    }
}

impl Tokens<'_> {
    /// The length and kind of the token at the front of `rest`.
    fn tell(&self, rest: &str, length: usize, kind: Kind) -> (usize, TokenKind) {
        let path = rest.starts_with('/');
        if self.left
            && !path
            && let Some(arrow) = scan::arrow(rest)
        {
            return (arrow.len(), TokenKind::Arrow);
        }
        let kind = match kind {
            Kind::Arrow => TokenKind::Arrow,
            Kind::Char(';') => TokenKind::Separator,
            Kind::Run if path && self.left => TokenKind::Prefix,
            _ if self.left => TokenKind::Unknown,
            Kind::Run if path => TokenKind::Path,
            Kind::Run if &rest[..length] == "$" => TokenKind::Constant,
            Kind::Number => TokenKind::Weight,
            Kind::Char('~' | '!') => TokenKind::Constant,
            Kind::Char('|' | '&' | '*') => TokenKind::Operator,
            Kind::Char('(' | ')') => TokenKind::Parenthesis,
            Kind::Run | Kind::Char(_) => TokenKind::Unknown,
        };
        (length, kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tokens with a letter for each kind, such as `P/svc`.
    fn told(text: &str) -> String {
        let letter = |kind| match kind {
            TokenKind::Comment => '#',
            TokenKind::Prefix => 'P',
            TokenKind::Arrow => 'A',
            TokenKind::Weight => 'W',
            TokenKind::Path => 'L',
            TokenKind::Constant => 'C',
            TokenKind::Operator => 'O',
            TokenKind::Parenthesis => 'B',
            TokenKind::Separator => 'S',
            TokenKind::Unknown => '?',
        };
        let told = tokens(text).map(|Token { kind, span }| {
            format!("{}{}", letter(kind), &text[span.start as usize..span.end as usize])
        });
        told.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_table_is_told_piece_by_piece() {
        assert_eq!(
            told("/a/*=>.5*/b&(!|$)|~;/#/x => /$/nil"),
            "P/a/* A=> W.5 O* L/b O& B( C! O| C$ B) O| C~ S; P/#/x A=> L/$/nil"
        );
    }

    #[test]
    fn comments_are_pieces_wherever_they_stand() {
        assert_eq!(
            told("# one\n# two\n/a # left\n=> # right\n/b#c # end"),
            "## one ## two P/a ## left A=> ## right L/b#c ## end"
        );
        // The reference takes U+FFFF for the end, within a comment, too.
        assert_eq!(told("# a\u{ffff}/b"), "## a ?\u{ffff} P/b");
    }

    #[test]
    fn an_entry_that_is_being_written_is_told_as_far_as_it_goes() {
        assert_eq!(told("/svc"), "P/svc");
        assert_eq!(told("/svc/ =>"), "P/svc/ A=>");
        assert_eq!(told("/a => /b |"), "P/a A=> L/b O|");
        assert_eq!(told("/a -> /b"), "P/a A-> L/b");
        assert_eq!(told("/a = /b => /c"), "P/a A= L/b A=> L/c");
        assert_eq!(told("svc => \"/b\", 5%"), "?svc A=> ?\" L/b ?\" ?, W5 ?%");
    }

    #[test]
    fn an_entry_on_a_new_line_needs_no_separator_to_be_seen() {
        assert_eq!(told("/a => /b\n/c => /d"), "P/a A=> L/b P/c A=> L/d");
        assert_eq!(told("/a =>\n  /b\n  | /c"), "P/a A=> L/b O| L/c");
        assert_eq!(told("/a => /b /c => /d"), "P/a A=> L/b L/c A=> L/d");
    }

    #[test]
    fn places_are_bytes() {
        let text = "/é => /ü # ö";
        let places: Vec<_> = tokens(text).map(|token| (token.span.start, token.span.end)).collect();
        assert_eq!(places, [(0, 3), (4, 6), (7, 10), (11, 15)]);
    }
}
