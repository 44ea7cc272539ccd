//! Tokens of a text that may be wrong: where entries end, and what stands before a place.

use std::ops::Range;

use crate::path::is_showable;
use crate::syntax::trivia;

/// A token, as a range of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) range: Range<usize>,
    pub(crate) kind: Kind,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Something like a path or a word.
    Run,
    /// Digits and dots.
    Number,
    /// `=>`.
    Arrow,
    /// Any other character.
    Char(char),
}

/// A stretch of text that should be one entry.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) start: usize,
    /// Where its `;`, the next entry, or the end of the text is.
    pub(crate) end: usize,
    /// Whether a `;` ends it.
    pub(crate) closed: bool,
}

/// The tokens from `at` on.
pub(crate) fn tokens(text: &str, mut at: usize) -> impl Iterator<Item = Token> + '_ {
    std::iter::from_fn(move || {
        let start = text.len() - trivia::skip(&text.as_bytes()[at..]).len();
        let rest = &text[start..];
        let char = rest.chars().next()?;
        let (length, kind) = if rest.starts_with("=>") {
            (2, Kind::Arrow)
        } else if let length @ 1.. = number(rest).len() {
            (length, Kind::Number)
        } else if let length @ 1.. = run(rest).len() {
            (length, Kind::Run)
        } else {
            (char.len_utf8(), Kind::Char(char))
        };
        at = start + length;
        Some(Token { range: start..at, kind })
    })
}

/// The digits and dots at the front of `text`.
pub(crate) fn number(text: &str) -> &str {
    let end = text.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text.len());
    &text[..end]
}

/// What looks like a path or a word at the front of `text`: a `#` in it is part of it, as are
/// characters that no label may hold but people write into one.
pub(crate) fn run(text: &str) -> &str {
    let path = text.starts_with('/');
    let mut end = 0;
    for char in text.chars() {
        let part = match char {
            '*' => path,
            '/' | '\\' => true,
            _ if char.is_ascii() => is_showable(char as u8),
            _ => !is_spacelike(char) && !char.is_whitespace() && !"→⇒⟶➔≥“”‘’".contains(char),
        };
        if !part {
            break;
        }
        end += char.len_utf8();
    }
    &text[..end]
}

/// Characters that look like a space or like nothing and are not read as white space.
pub(crate) fn is_spacelike(char: char) -> bool {
    matches!(char, '\u{85}' | '\u{a0}' | '\u{2007}' | '\u{202f}')
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ffff}')
}

/// The entry that begins at `at`.
pub(crate) fn entry(text: &str, at: usize) -> Entry {
    let mut before = at;
    for Token { range, kind } in tokens(text, at) {
        if kind == Kind::Char(';') {
            return Entry { start: at, end: range.start, closed: true };
        }
        let new_line = range.start > at && text[before..range.start].contains('\n');
        if new_line && kind == Kind::Run && begins_entry(text, range.start) {
            return Entry { start: at, end: range.start, closed: false };
        }
        before = range.end;
    }
    Entry { start: at, end: text.len(), closed: false }
}

/// Whether a path, or what should be one, and an arrow, or what should be one, stand at `at`.
pub(crate) fn begins_entry(text: &str, at: usize) -> bool {
    let mut tokens = tokens(text, at);
    let Some(Token { kind: Kind::Run, .. }) = tokens.next() else { return false };
    tokens.next().is_some_and(|next| arrow(&text[next.range.start..]).is_some())
}

/// The arrow at the front of `text`, right or wrong.
pub(crate) fn arrow(text: &str) -> Option<&str> {
    const ARROWS: [&str; 18] = [
        "=>", "==>", "= >", "=->", "-->", "->", "~>", ":=>", ":=", "=:", ">=", "==", "=", "⇒", "→",
        "⟶", "➔", ">",
    ];
    let longest =
        ARROWS.iter().filter(|arrow| text.starts_with(**arrow)).max_by_key(|arrow| arrow.len());
    longest.map(|arrow| &text[..arrow.len()])
}
