//! Reading for people: every mistake of a text in one run.
//!
//! The strict productions read; this looks at the place where they stop. There it decides what was
//! probably meant, reports it, writes that into a draft of the entry, and lets the productions read
//! the draft again. So one entry can show several mistakes, each told by the grammar itself, and
//! what is accepted is by construction just what the strict parser accepts.

use std::ops::Range;
use std::sync::Arc;

use nom::Parser;

use super::{Expected, Input, Parsed, Unexpected, dtab, path, scan, tree, trivia};
use crate::dentry::Dentry;
use crate::diagnostic::{Code, Diagnostic, Fix};
use crate::dtab::Dtab;
use crate::path::Path;
use crate::span::{Source, Span};
use crate::tree::NameTree;

mod diagnose;

use diagnose::{Finding, Goal, Spot};

/// The most findings reported for one text. A text with more of them is hardly a dtab.
const MOST_FINDINGS: usize = 1_000;

/// The most mistakes looked for in one entry. Bounds the work on a text that is no dtab.
const MOST_IN_ENTRY: usize = 50;

/// Reads a table, reporting every mistake rather than the first.
///
/// The table holds the entries that are right, with their places; the findings are in the order
/// of the text. There are none if and only if [`Dtab::parse`] accepts the text, and then the
/// tables are equal.
pub fn check_dtab(source: &Arc<Source>) -> (Dtab, Vec<Diagnostic>) {
    let error = match Dtab::parse_source(source) {
        Ok(dtab) => return (dtab, Vec::new()),
        Err(error) => error,
    };
    let mut reader = Reader { text: source.text(), kept: Vec::new(), found: Vec::new() };
    reader.read();
    let Reader { mut kept, mut found, .. } = reader;
    if found.is_empty() {
        // Whatever was not recognised is still refused.
        let span = Span::new(error.offset(), error.offset());
        found.push(unexpected(error.expected(), span));
    }
    for dentry in &mut kept {
        dentry.source = Some(source.clone());
    }
    found.sort_by_key(Diagnostic::span);
    (Dtab::from(kept), found)
}

/// Reads a path, reporting every mistake rather than the first. There is a path if and only if
/// nothing is reported.
pub fn check_path(source: &Source) -> (Option<Path>, Vec<Diagnostic>) {
    check(source.text(), Goal::Path, path::path)
}

/// Reads a name tree, reporting every mistake rather than the first. There is a tree if and only
/// if nothing is reported.
pub fn check_tree(source: &Source) -> (Option<NameTree<Path>>, Vec<Diagnostic>) {
    check(source.text(), Goal::Tree, tree::tree)
}

fn check<T>(
    text: &str,
    goal: Goal,
    production: impl Fn(Input<'_>) -> Parsed<'_, T>,
) -> (Option<T>, Vec<Diagnostic>) {
    let mut draft = Draft::of(text, 0..text.len());
    let mut found = Vec::new();
    for _ in 0..MOST_IN_ENTRY {
        let bytes = draft.text.as_bytes();
        let start = bytes.len() - trivia::skip(bytes).len();
        if start == bytes.len() && !found.is_empty() {
            break;
        }
        let (at, expected) = match production(&bytes[start..]) {
            Ok((rest, value)) => match trivia::skip(rest) {
                [] if found.is_empty() => return (Some(value), found),
                [] => break,
                more => (bytes.len() - more.len(), Expected::End),
            },
            Err(error) => failure(bytes, error),
        };
        let spot = Spot::new(&draft.text, start, at, expected, goal);
        if !draft.take(diagnose::diagnose(&spot), &mut found) {
            break;
        }
    }
    found.sort_by_key(Diagnostic::span);
    (None, found)
}

/// Where a production of `bytes` failed, and what it wanted there.
fn failure(bytes: &[u8], error: nom::Err<Unexpected>) -> (usize, Expected) {
    match error {
        nom::Err::Error(error) | nom::Err::Failure(error) => {
            (bytes.len() - error.left, error.expected)
        }
        nom::Err::Incomplete(_) => (bytes.len(), Expected::End),
    }
}

fn unexpected(expected: Expected, span: Span) -> Diagnostic {
    let label = format!("{expected} expected here");
    Diagnostic::error(Code::UnexpectedText, span, "this is not understood", label)
}

/// Reads a table entry by entry.
struct Reader<'a> {
    text: &'a str,
    kept: Vec<Dentry>,
    found: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn read(&mut self) {
        let bytes = self.text.as_bytes();
        let mut at = 0;
        let mut first = true;
        loop {
            at = bytes.len() - trivia::skip(&bytes[at..]).len();
            let Some(&byte) = bytes.get(at) else { return };
            if self.found.len() >= MOST_FINDINGS {
                self.found.push(diagnose::too_many(Span::new(at, at), "this text"));
                return;
            }
            if byte == b';' {
                let more = bytes[at..].iter().take_while(|&&byte| byte == b';').count();
                self.found.push(diagnose::needless_semicolon(first, at..at + more));
                at += more;
            } else if let Some(after) = self.good_entry(at) {
                at = after;
            } else {
                let entry = scan::entry(self.text, at);
                self.bad_entry(&entry);
                at = entry.end + usize::from(entry.closed);
            }
            first = false;
        }
    }

    /// Keeps the entry at `at` if it is right and ended; the offset behind it and its `;`.
    fn good_entry(&mut self, at: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let (rest, dentry) = dtab::dentry(bytes.len()).parse(&bytes[at..]).ok()?;
        let after = match trivia::skip(rest) {
            [] => bytes.len(),
            [b';', after @ ..] => bytes.len() - after.len(),
            _ => return None,
        };
        self.kept.push(dentry);
        Some(after)
    }

    /// Reports what is wrong with a stretch of text that ends where the next entry must begin.
    fn bad_entry(&mut self, entry: &scan::Entry) {
        let mut draft = Draft::of(self.text, entry.start..entry.end);
        let before = self.found.len();
        let mut start = 0;
        // Findings when the entry that is being read began: more of them, and it is not kept.
        let mut clean = before;
        for _ in 0..MOST_IN_ENTRY {
            let bytes = draft.text.as_bytes();
            start = bytes.len() - trivia::skip(&bytes[start..]).len();
            if start == bytes.len() {
                return;
            }
            let (at, expected) = match dtab::dentry(bytes.len()).parse(&bytes[start..]) {
                Ok((rest, dentry)) => {
                    let end = bytes.len() - rest.len();
                    let next = bytes.len() - trivia::skip(rest).len();
                    let ended = matches!(bytes.get(next), None | Some(b';'));
                    let span = draft.original(start..end);
                    // What was mended in one entry may have become a part of the next.
                    let read = self.text.get(span.start as usize..span.end as usize);
                    let unmended = read == draft.text.get(start..end);
                    if ended && unmended && clean == self.found.len() {
                        self.kept.push(Dentry { span, ..dentry });
                    }
                    if next == bytes.len() {
                        return self.end_entry(entry, &draft, end, before);
                    }
                    if ended {
                        start = next + 1;
                        clean = self.found.len();
                        continue;
                    }
                    (next, Expected::End)
                }
                Err(error) => failure(bytes, error),
            };
            let finding =
                diagnose::diagnose(&Spot::new(&draft.text, start, at, expected, Goal::Entry));
            // A missing `;` is a mistake between two entries that may both be right.
            let between = finding.diagnostic.code == Code::MissingSemicolon;
            if !draft.take(finding, &mut self.found) {
                return;
            }
            if between && clean + 1 == self.found.len() {
                clean += 1;
            }
        }
        // What is left of a stretch with so many mistakes is passed over, but not in silence.
        let at = self.found.last().map(Diagnostic::span).unwrap_or_default().end;
        self.found.push(diagnose::too_many(Span { start: at, end: at }, "this entry"));
    }

    /// Reports the `;` that is missing where the next entry begins on a new line.
    fn end_entry(&mut self, entry: &scan::Entry, draft: &Draft, end: usize, before: usize) {
        if entry.closed || entry.end == self.text.len() {
            return;
        }
        // An entry that breaks off has said so already.
        let broken_off = [Code::MissingDestination, Code::MissingOperand, Code::MissingArrow];
        let last = self.found.get(before..).and_then(|found| found.last());
        if last.is_some_and(|last| broken_off.contains(&last.code)) {
            return;
        }
        let at = draft.original(end..end).start as usize;
        let next = scan::run(&self.text[entry.end..]).len();
        self.found.push(diagnose::missing_semicolon(at, entry.end..entry.end + next));
    }
}

/// A stretch of the text with the mistakes found so far mended.
struct Draft {
    text: String,
    /// For every byte of the draft, and its end, where it stands in the whole text.
    origin: Vec<usize>,
}

impl Draft {
    fn of(text: &str, range: Range<usize>) -> Self {
        Draft { text: text[range.clone()].to_owned(), origin: (range.start..=range.end).collect() }
    }

    fn original(&self, range: Range<usize>) -> Span {
        let end = self.origin.len() - 1;
        let start = self.origin[range.start.min(end)];
        Span::new(start, self.origin[range.end.min(end)].max(start))
    }

    /// Reports a finding in terms of the whole text and mends the draft. False if it cannot be.
    fn take(&mut self, finding: Finding, found: &mut Vec<Diagnostic>) -> bool {
        let Finding { mut diagnostic, mend } = finding;
        let original = |span: Span| self.original(span.start as usize..span.end as usize);
        for label in &mut diagnostic.labels {
            label.span = original(label.span);
        }
        diagnostic.fix = diagnostic.fix.and_then(|Fix { span, replacement }| {
            // What was only assumed to be there cannot be changed.
            let whole = original(span);
            let read = whole.end - whole.start == span.end - span.start;
            read.then_some(Fix { span: whole, replacement })
        });
        found.push(diagnostic);
        let Some((range, replacement)) = mend else { return false };
        let origin = self.origin[range.start.min(self.origin.len() - 1)];
        self.origin.splice(range.clone(), std::iter::repeat_n(origin, replacement.len()));
        self.text.replace_range(range, &replacement);
        true
    }
}
