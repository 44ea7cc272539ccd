//! What was probably meant where a production stopped.

use std::ops::Range;

use crate::diagnostic::{Code, Diagnostic};
use crate::span::Span;
use crate::syntax::scan::{self, Kind, Token};
use crate::syntax::{Expected, MAX_NESTING, trivia};

mod destination;
mod label;
mod prefix;
mod weight;

use destination::{after_destination, no_destination};
use label::{bad_escape, no_label};
use prefix::{broken_arrow, no_arrow, no_prefix};
use weight::bad_number;

/// What the text should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    Entry,
    Tree,
    Path,
}

/// The place where a production stopped, and what stands before it.
pub(super) struct Spot<'a> {
    text: &'a str,
    at: usize,
    expected: Expected,
    goal: Goal,
    /// The tokens of the entry before the place.
    before: Vec<Token>,
    /// Whether the place is left of the arrow.
    in_prefix: bool,
}

/// A finding, in offsets of the draft, and how to go on after it.
pub(super) struct Finding {
    pub(super) diagnostic: Diagnostic,
    /// What to replace by what; nothing if the rest of the entry is beyond understanding.
    pub(super) mend: Option<(Range<usize>, String)>,
}

/// What stands in for a destination that is missing. The entry is not kept, so any will do.
const PLACEHOLDER: &str = " ! ";

impl<'a> Spot<'a> {
    pub(super) fn new(
        text: &'a str,
        start: usize,
        at: usize,
        expected: Expected,
        goal: Goal,
    ) -> Self {
        let before: Vec<Token> = scan::tokens(text, start)
            .take_while(|token| token.range.start < at)
            .map(|Token { range, kind }| Token { range: range.start..range.end.min(at), kind })
            .collect();
        let arrow = before.iter().any(|token| token.kind == Kind::Arrow);
        Spot { text, at, expected, goal, before, in_prefix: goal == Goal::Entry && !arrow }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn found(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// What stands at `at` in words.
    fn found_name(&self) -> String {
        match self.found() {
            None => "the end".to_owned(),
            Some(found) => name(found),
        }
    }

    /// The range of the character at the place; empty at the end of the text.
    fn here(&self) -> Range<usize> {
        self.at..self.at + self.found().map_or(0, char::len_utf8)
    }

    /// The next `length` bytes.
    fn next(&self, length: usize) -> Range<usize> {
        self.at..self.at + length
    }

    fn last(&self) -> Option<&Token> {
        self.before.last()
    }

    /// Behind the last token before the place.
    fn behind(&self) -> usize {
        self.last().map_or(self.at, |token| token.range.end)
    }

    /// The last token, if nothing stands between it and the place.
    fn touching(&self) -> Option<&Token> {
        self.last().filter(|token| token.range.end == self.at)
    }

    fn touches(&self, kind: Kind) -> bool {
        self.touching().is_some_and(|token| token.kind == kind)
    }

    /// Whether nothing more of the entry follows.
    fn at_end(&self) -> bool {
        matches!(self.found(), None | Some(';'))
    }

    /// The text behind `offset`, without white space and comments at its front.
    fn skipped(&self, offset: usize) -> &'a str {
        let left = trivia::skip(&self.text.as_bytes()[offset..]).len();
        &self.text[self.text.len() - left..]
    }

    /// The parentheses that are open at the place, as offsets.
    fn open_parentheses(&self) -> Vec<usize> {
        let mut open = Vec::new();
        for Token { range, kind } in &self.before {
            match kind {
                Kind::Char('(') => open.push(range.start),
                Kind::Char(')') => {
                    open.pop();
                }
                _ => {}
            }
        }
        open
    }
}

fn error(code: Code, range: Range<usize>, message: impl Into<String>, label: &str) -> Diagnostic {
    Diagnostic::error(code, Span::new(range.start, range.end), message, label)
}

impl Diagnostic {
    /// Offers `replacement` as the fix, and goes on as if it were made.
    fn mended(self, range: Range<usize>, replacement: impl Into<String>) -> Finding {
        let replacement = replacement.into();
        let fixed = self.fix(Span::new(range.start, range.end), replacement.clone());
        fixed.assuming(range, replacement)
    }

    /// Goes on as if `replacement` were there, which only the author can know.
    fn assuming(self, range: Range<usize>, replacement: impl Into<String>) -> Finding {
        Finding { diagnostic: self, mend: Some((range, replacement.into())) }
    }

    /// Does not look at the rest of the entry.
    fn giving_up(self) -> Finding {
        Finding { diagnostic: self, mend: None }
    }
}

/// A character as it can be shown to people.
fn name(char: char) -> String {
    match char {
        '\u{a0}' => "a non-breaking space (U+00A0)".to_owned(),
        '\u{200b}' => "a zero-width space (U+200B)".to_owned(),
        '\u{feff}' => "a byte order mark (U+FEFF)".to_owned(),
        _ if scan::is_spacelike(char) => {
            format!("an invisible character (U+{:04X})", u32::from(char))
        }
        '`' => "a backtick".to_owned(),
        _ if char.is_control() => {
            format!("a control character (U+{:04X})", u32::from(char))
        }
        _ => format!("`{char}`"),
    }
}

/// There is more that is wrong than is worth telling.
pub(super) fn too_many(span: Span, what: &str) -> Diagnostic {
    Diagnostic::error(
        Code::TooManyErrors,
        span,
        format!("too many errors: the rest of {what} was not looked at"),
        "from here on",
    )
    .help("mend the errors above first; perhaps this file is not a dtab")
}

pub(super) fn needless_semicolon(first: bool, range: Range<usize>) -> Diagnostic {
    let span = Span::new(range.start, range.end);
    let found = if first {
        error(Code::LeadingSemicolon, range, "a `;` before the first entry", "no entry ends here")
    } else {
        let message = "a second `;` without an entry in between";
        error(Code::DoubledSemicolon, range, message, "the entry has already ended")
    };
    found.help("remove it: each entry ends with one `;`").fix(span, "")
}

pub(super) fn missing_semicolon(at: usize, next: Range<usize>) -> Diagnostic {
    error(Code::MissingSemicolon, at..at, "missing `;` between two entries", "`;` is missing here")
        .label(Span::new(next.start, next.end), "another entry begins here")
        .help("end each entry with `;`; a new line alone does not")
        .fix(Span::new(at, at), " ;")
}

/// Finds out what is wrong at the place.
pub(super) fn diagnose(spot: &Spot<'_>) -> Finding {
    if let Some(finding) = anywhere(spot) {
        return finding;
    }
    match spot.expected {
        Expected::HexDigit | Expected::Char('x') => bad_escape(spot),
        Expected::LabelChar => no_label(spot),
        Expected::Char('/') => no_prefix(spot),
        Expected::Char('=') => no_arrow(spot),
        Expected::Char('>') => broken_arrow(spot),
        Expected::Char('*') | Expected::Number | Expected::NumberChar => bad_number(spot),
        Expected::Simple => no_destination(spot),
        Expected::LessNesting => error(
            Code::TooDeep,
            spot.here(),
            format!("parentheses are nested more than {MAX_NESTING} deep"),
            "one too many",
        )
        .help("give the inner part a name of its own: make it an entry, and refer to its prefix")
        .giving_up(),
        Expected::Char(_) | Expected::End => after_destination(spot),
    }
}

/// Mistakes that look the same wherever they are.
fn anywhere(spot: &Spot<'_>) -> Option<Finding> {
    let found = spot.found()?;
    if scan::is_spacelike(found) {
        let length = spot.rest().chars().take_while(|&char| scan::is_spacelike(char));
        let range = spot.next(length.map(char::len_utf8).sum());
        let (label, replacement) = match found {
            '\u{85}' | '\u{a0}' | '\u{2007}' | '\u{202f}' => {
                ("looks like a space, but is not read as one", " ")
            }
            _ => ("this cannot be seen", ""),
        };
        let message = format!("{} in the text", name(found));
        let error =
            error(Code::NonBreakingSpace, range.clone(), message, label).help(match found {
                '\u{feff}' => "remove it; some editors put one before everything they save",
                _ => "it often comes with copied text; put a plain space in its place, or nothing",
            });
        return Some(error.mended(range, replacement));
    }
    if matches!(found, '"' | '\'' | '`' | '“' | '”' | '‘' | '’') {
        return Some(quotation_mark(spot, found));
    }
    comment(spot, found)
}

/// A comment in the manner of another language.
fn comment(spot: &Spot<'_>, found: char) -> Option<Finding> {
    let help = "begin comments with `#`; they go on to the end of the line";
    // `/*` reads as a path; only what follows shows what was meant.
    let before = spot.text[..spot.at].trim_end();
    if before.ends_with("/*")
        && let Some(length) = spot.rest().find("*/")
    {
        let range = before.len() - 2..spot.at + length + 2;
        let message = "a comment cannot be written `/* */`";
        let error = error(Code::SlashComment, range.clone(), message, "this is read as a path");
        return Some(error.help(help).assuming(range, ""));
    }
    // The first slash is a path of its own, the production stops at the second.
    let start = spot.at.checked_sub(1)?;
    let rest = spot.text.get(start..).filter(|rest| found == '/' && rest.starts_with("//"))?;
    let spaced = rest[2..].starts_with(['/', ' ', '\t']);
    let begins = spot.before.iter().all(|token| token.range.start >= start);
    if !spaced || !(begins || spot.text[..start].ends_with(char::is_whitespace)) {
        return None;
    }
    let line = rest.find('\n').unwrap_or(rest.len());
    let slashes = rest.bytes().take_while(|&byte| byte == b'/').count();
    let (message, label) = ("a comment cannot begin with `//`", "two slashes are read as a path");
    let found = error(Code::SlashComment, start..start + slashes, message, label)
        .help(help)
        .fix(Span::new(start, start + slashes), "#");
    Some(found.assuming(start..start + line, ""))
}

/// A quotation mark, with the one that closes it on the same line if there is one.
fn quotation_mark(spot: &Spot<'_>, open: char) -> Finding {
    let close = match open {
        '“' => '”',
        '‘' => '’',
        _ => open,
    };
    let quoted = &spot.rest()[open.len_utf8()..];
    let line = quoted.split([';', '\n']).next().unwrap_or_default();
    let (range, inner) = match line.find(close) {
        Some(length) => {
            let range = spot.next(open.len_utf8() + length + close.len_utf8());
            (range, &quoted[..length])
        }
        None => (spot.here(), ""),
    };
    error(Code::QuotationMark, range.clone(), "quotation marks", "not part of the language")
        .help("write paths without quotation marks")
        .mended(range, inner)
}

/// A character that fits nowhere.
fn stray(spot: &Spot<'_>, found: char) -> Finding {
    let message = format!("{} has no meaning here", name(found));
    error(Code::UnexpectedText, spot.here(), message, "not understood")
        .help("remove it; an entry is `/prefix => /destination ;`")
        .assuming(spot.here(), "")
}
