//! A right dtab with its comments: what is laid out.

use std::collections::VecDeque;

use crate::dentry::Prefix;
use crate::path::Path;
use crate::syntax::scan::{self, Kind};
use crate::syntax::trivia;

/// Entries, and the comments behind the last.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) entries: Vec<Entry>,
    pub(super) after: Vec<Comment>,
}

/// An entry with the comments around it.
#[derive(Debug)]
pub(super) struct Entry {
    /// Comments on lines of their own before it.
    pub(super) before: Vec<Comment>,
    /// Whether a blank line stands right before it.
    pub(super) blank_before: bool,
    pub(super) prefix: String,
    pub(super) dst: Operand,
    /// The comment behind its `;`.
    pub(super) behind: Option<String>,
}

/// A comment on a line of its own.
#[derive(Debug)]
pub(super) struct Comment {
    pub(super) text: String,
    pub(super) blank_before: bool,
}

/// A destination or a branch of one.
///
/// The comments before and behind a choice without parentheses are its own, not its first and
/// last operand's.
#[derive(Debug)]
pub(super) struct Operand {
    /// Comments before it.
    pub(super) leading: Vec<String>,
    /// Digits as written.
    pub(super) weight: Option<String>,
    pub(super) body: Body,
    /// Comments behind it.
    pub(super) trailing: Vec<String>,
}

/// What an operand is.
#[derive(Debug)]
pub(super) enum Body {
    /// A path or a constant.
    Atom(String),
    /// Operands between operators. One alone has a weight, and parentheses that keep it.
    Choice { operator: char, operands: Vec<Operand>, parentheses: bool },
}

/// Reads a text that the grammar accepts.
pub(super) fn table(text: &str) -> Table {
    let (pieces, last) = pieces(text);
    let mut reader = Reader { pieces };
    let mut table = Table::default();
    let mut carried: Vec<Comment> = Vec::new();
    while let Some(prefix) = reader.pieces.pop_front() {
        let mut before = std::mem::take(&mut carried);
        before.extend(prefix.before);
        let mut comments: Vec<String> = prefix.behind.into_iter().collect();
        comments.extend(reader.take().into_iter().flat_map(Piece::into_comments)); // the arrow
        let mut dst = reader.alt();
        dst.leading.splice(0..0, comments);
        let mut behind = std::mem::take(&mut dst.trailing);
        if reader.next_is(';') {
            behind.extend(reader.take().into_iter().flat_map(Piece::into_comments));
        }
        let mut behind = behind.into_iter();
        table.entries.push(Entry {
            before,
            blank_before: prefix.blank_before,
            prefix: Prefix::parse(prefix.text).map_or(prefix.text.to_owned(), |it| it.to_string()),
            dst,
            behind: behind.next(),
        });
        carried.extend(behind.map(|text| Comment { text, blank_before: false }));
    }
    table.after = carried;
    table.after.extend(last);
    table
}

/// A token with the comments that belong to it.
#[derive(Debug)]
struct Piece<'a> {
    kind: Kind,
    text: &'a str,
    /// Comments before it, each on a line of its own.
    before: Vec<Comment>,
    blank_before: bool,
    /// The comment behind it on its line.
    behind: Option<String>,
}

impl Piece<'_> {
    fn into_comments(self) -> impl Iterator<Item = String> {
        self.before.into_iter().map(|comment| comment.text).chain(self.behind)
    }
}

/// The tokens of a text, and the comments behind the last one's line.
fn pieces(text: &str) -> (VecDeque<Piece<'_>>, Vec<Comment>) {
    let mut pieces: VecDeque<Piece<'_>> = VecDeque::new();
    let mut end = 0;
    for scan::Token { range, kind } in scan::tokens(text, 0) {
        let (before, blank_before) = comments(&text[end..range.start], pieces.back_mut());
        end = range.end;
        let text = &text[range];
        pieces.push_back(Piece { kind, text, before, blank_before, behind: None });
    }
    let (last, _) = comments(&text[end..], pieces.back_mut());
    (pieces, last)
}

/// The comments between two tokens that have lines of their own, and whether a blank line stands
/// behind them. One on the line of the token before goes to it.
fn comments(mut gap: &str, mut token: Option<&mut Piece<'_>>) -> (Vec<Comment>, bool) {
    let mut found = Vec::new();
    loop {
        let Some(start) = gap.find('#') else {
            return (found, is_blank(gap));
        };
        let length = 1 + trivia::comment_length(&gap.as_bytes()[start + 1..]);
        let text = gap[start..start + length].trim_end().to_owned();
        let white = &gap[..start];
        match token.take() {
            Some(token) if !white.contains('\n') => token.behind = Some(text),
            _ => found.push(Comment { text, blank_before: is_blank(white) }),
        }
        gap = &gap[start + length..];
    }
}

/// Whether this white space holds a blank line.
fn is_blank(white: &str) -> bool {
    white.matches('\n').nth(1).is_some()
}

struct Reader<'a> {
    pieces: VecDeque<Piece<'a>>,
}

impl<'a> Reader<'a> {
    fn next_is(&self, char: char) -> bool {
        self.pieces.front().is_some_and(|piece| piece.kind == Kind::Char(char))
    }

    fn take(&mut self) -> Option<Piece<'a>> {
        self.pieces.pop_front()
    }

    fn alt(&mut self) -> Operand {
        let mut operands = self.operands('|', Self::union);
        if operands.len() == 1
            && let Some(only) = operands.pop()
        {
            // Alone, in an entry or in the parentheses of another operand.
            return without_parentheses(only);
        }
        let operands = operands.into_iter().map(|operand| match &operand.body {
            Body::Choice { operator: '&', .. } => without_parentheses(operand),
            _ => operand,
        });
        choice('|', operands.collect())
    }

    fn union(&mut self) -> Operand {
        let mut operands = self.operands('&', Self::weighted);
        if operands.len() == 1
            && let Some(only) = operands.pop()
        {
            return only;
        }
        choice('&', operands)
    }

    fn operands(&mut self, operator: char, one: fn(&mut Self) -> Operand) -> Vec<Operand> {
        let mut operands = vec![one(self)];
        while self.next_is(operator) {
            let comments: Vec<String> =
                self.take().into_iter().flat_map(Piece::into_comments).collect();
            let mut operand = one(self);
            operand.leading.splice(0..0, comments);
            operands.push(operand);
        }
        operands
    }

    fn weighted(&mut self) -> Operand {
        let mut leading = Vec::new();
        let mut weight = None;
        if self.pieces.front().is_some_and(|piece| piece.kind == Kind::Number) {
            weight = self.pieces.front().map(|piece| piece.text.to_owned());
            for piece in [self.take(), self.take()].into_iter().flatten() {
                leading.extend(piece.into_comments());
            }
        }
        let mut operand = self.simple();
        operand.leading.splice(0..0, leading);
        if weight.is_some() {
            operand.weight = weight;
        }
        operand
    }

    fn simple(&mut self) -> Operand {
        let Some(piece) = self.take() else { return atom(String::new()) };
        let mut leading: Vec<String> =
            piece.before.into_iter().map(|comment| comment.text).collect();
        if piece.kind == Kind::Char('(') {
            let mut inner = self.alt();
            inner.leading.splice(0..0, piece.behind);
            let mut behind = None;
            if let Some(closing) = self.take() {
                inner.trailing.extend(closing.before.into_iter().map(|comment| comment.text));
                behind = closing.behind;
            }
            let mut operand = in_parentheses(inner);
            operand.leading.splice(0..0, leading);
            operand.trailing.extend(behind);
            return operand;
        }
        let text = match Path::parse(piece.text) {
            Ok(path) => path.to_string(),
            Err(_) => piece.text.to_owned(), // a constant
        };
        let mut operand = atom(text);
        operand.leading.append(&mut leading);
        operand.trailing.extend(piece.behind);
        operand
    }
}

fn atom(text: String) -> Operand {
    Operand { leading: Vec::new(), weight: None, body: Body::Atom(text), trailing: Vec::new() }
}

/// Several operands. The comments at the ends become the choice's.
fn choice(operator: char, mut operands: Vec<Operand>) -> Operand {
    let leading = operands.first_mut().map(|it| std::mem::take(&mut it.leading));
    let trailing = operands.last_mut().map(|it| std::mem::take(&mut it.trailing));
    Operand {
        leading: leading.unwrap_or_default(),
        weight: None,
        body: Body::Choice { operator, operands, parentheses: false },
        trailing: trailing.unwrap_or_default(),
    }
}

/// An operand as it is within parentheses, without those that say nothing.
fn in_parentheses(mut inner: Operand) -> Operand {
    match (&mut inner.body, &inner.weight) {
        (Body::Atom(_) | Body::Choice { parentheses: true, .. }, None) => inner,
        (Body::Choice { operands, parentheses, .. }, None) => {
            *parentheses = true;
            if let Some(first) = operands.first_mut() {
                first.leading.splice(0..0, std::mem::take(&mut inner.leading));
            }
            if let Some(last) = operands.last_mut() {
                last.trailing.append(&mut inner.trailing);
            }
            inner
        }
        // A weight alone means nothing, but a second one could not stand before it.
        (_, Some(_)) => Operand {
            leading: Vec::new(),
            weight: None,
            body: Body::Choice { operator: '&', operands: vec![inner], parentheses: true },
            trailing: Vec::new(),
        },
    }
}

/// The operand where its parentheses are not needed.
fn without_parentheses(mut operand: Operand) -> Operand {
    if operand.weight.is_some() {
        return operand;
    }
    let Body::Choice { operator, operands, parentheses: true } = operand.body else {
        return operand;
    };
    let mut bare = match <[Operand; 1]>::try_from(operands) {
        Ok([only]) => only,
        Err(operands) => choice(operator, operands),
    };
    operand.leading.append(&mut bare.leading);
    bare.trailing.append(&mut operand.trailing);
    Operand { leading: operand.leading, ..bare }
}
