//! The one way to lay out a dtab.
//!
//! Every entry stands on a line of its own, `/prefix => destination ;`, and the arrows of
//! consecutive entries are aligned. A destination that is too long, or that holds comments, is
//! broken over several lines, one for each branch. Comments stay where they are, as far as the
//! layout allows; one blank line stays where there were any. Weights stay digit for digit.

use std::fmt::Write;

use crate::diagnostic::Diagnostic;
use crate::span::Source;
use crate::syntax::check_dtab;

mod read;

use read::{Body, Entry, Operand, Table};

/// Lines are broken to stay within this many columns, as far as that is possible.
const WIDTH: usize = 100;

/// How far a broken destination is indented.
const INDENT: usize = 4;

/// Lays out a dtab. The result means just what `text` means, weights to the last digit; laying it
/// out again changes nothing; it ends in a new line unless it is empty.
///
/// What is no dtab is not touched: the findings say why, in places of `text`.
///
/// ```
/// let text = "/svc=>/host # all\n;/svc/web =>0.90*/web-v1&.1*/web-v2";
/// let formatted = dtab::format(text).expect("a dtab");
/// assert_eq!(
///     formatted,
///     "/svc     => /host ; # all\n/svc/web => 0.90 * /web-v1 & .1 * /web-v2 ;\n",
/// );
/// ```
pub fn format(text: &str) -> Result<String, Vec<Diagnostic>> {
    let (_, found) = check_dtab(&Source::new("", text));
    if !found.is_empty() {
        return Err(found);
    }
    let table = read::table(text);
    Ok(layout(&table))
}

fn layout(table: &Table) -> String {
    let lines: Vec<Option<String>> = table.entries.iter().map(one_line).collect();
    let mut out = String::new();
    let mut width = 0;
    for (at, (entry, line)) in table.entries.iter().zip(&lines).enumerate() {
        comments(&entry.before, &mut out);
        if entry.blank_before && !out.is_empty() {
            out.push('\n');
        }
        let alone = entry.blank_before || !entry.before.is_empty();
        let begins_block = alone || at == 0 || lines.get(at - 1).is_some_and(Option::is_none);
        if begins_block {
            width = block_width(&table.entries[at..], &lines[at..]);
        }
        match line {
            Some(line) => {
                let _ = write!(out, "{:width$} => {line}", entry.prefix);
            }
            None => {
                let _ = write!(out, "{} =>", entry.prefix);
                comments_within(&entry.dst, INDENT, &mut out);
                new_line(INDENT, &mut out);
                operand(&entry.dst, INDENT, INDENT - 2, &mut out);
            }
        }
        out.push_str(" ;");
        if let Some(comment) = &entry.behind {
            let _ = write!(out, " {comment}");
        }
        out.push('\n');
    }
    comments(&table.after, &mut out);
    out
}

/// The widest prefix of the entries that follow one another on a line each.
fn block_width(entries: &[Entry], lines: &[Option<String>]) -> usize {
    let rest = entries.iter().skip(1).map(|entry| !entry.blank_before && entry.before.is_empty());
    let consecutive = std::iter::once(true).chain(rest);
    entries
        .iter()
        .zip(lines)
        .zip(consecutive)
        .take_while(|((_, line), follows)| line.is_some() && *follows)
        .map(|((entry, _), _)| entry.prefix.len())
        .max()
        .unwrap_or(0)
}

/// Comments between entries, each on its own line.
fn comments(comments: &[read::Comment], out: &mut String) {
    for comment in comments {
        if comment.blank_before && !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&comment.text);
        out.push('\n');
    }
}

/// The destination of an entry, if it fits on the entry's line. Alignment does not count, so that
/// the neighbours of an entry have no say in how it is broken.
fn one_line(entry: &Entry) -> Option<String> {
    if has_comments(&entry.dst) {
        return None;
    }
    let line = flat(&entry.dst);
    let fits = entry.prefix.len() + " => ".len() + line.len() + " ;".len() <= WIDTH;
    // Breaking helps only where there is a choice to break at.
    let unbreakable = matches!(entry.dst.body, Body::Atom(_));
    (fits || unbreakable).then_some(line)
}

fn has_comments(operand: &Operand) -> bool {
    !operand.leading.is_empty() || !operand.trailing.is_empty() || has_inner_comments(operand)
}

fn has_inner_comments(operand: &Operand) -> bool {
    match &operand.body {
        Body::Atom(_) => false,
        Body::Choice { operands, .. } => operands.iter().any(has_comments),
    }
}

fn flat(operand: &Operand) -> String {
    let mut out = String::new();
    write_flat(operand, &mut out);
    out
}

fn write_flat(operand: &Operand, out: &mut String) {
    weight(operand, out);
    match &operand.body {
        Body::Atom(text) => out.push_str(text),
        Body::Choice { operator, operands, parentheses } => {
            out.push_str(if *parentheses { "(" } else { "" });
            for (at, operand) in operands.iter().enumerate() {
                if at > 0 {
                    let _ = write!(out, " {operator} ");
                }
                write_flat(operand, out);
            }
            out.push_str(if *parentheses { ")" } else { "" });
        }
    }
}

fn weight(operand: &Operand, out: &mut String) {
    if let Some(weight) = &operand.weight {
        let _ = write!(out, "{weight} * ");
    }
}

/// A new line that goes on at `column`.
fn new_line(column: usize, out: &mut String) {
    let _ = write!(out, "\n{:column$}", "");
}

/// The comments before an operand, each on a line of its own.
fn comments_within(operand: &Operand, column: usize, out: &mut String) {
    for comment in &operand.leading {
        new_line(column, out);
        out.push_str(comment);
    }
}

/// An operand at `column`, broken if it must be; its own comments are the caller's. The operators
/// of a broken choice without parentheses stand at `outdent`.
fn operand(operand: &Operand, column: usize, outdent: usize, out: &mut String) {
    let one_line = flat(operand);
    let fits = column + one_line.len() <= WIDTH && !has_inner_comments(operand);
    match &operand.body {
        Body::Choice { operands, operator, parentheses } if !fits => {
            weight(operand, out);
            if *parentheses {
                out.push('(');
                let inner = column + INDENT;
                choice(operands, *operator, inner, inner - 2, out);
                new_line(column, out);
                out.push(')');
            } else {
                branches(operands, *operator, column, outdent, out);
            }
        }
        _ => out.push_str(&one_line),
    }
}

/// A choice that begins on a new line, with the comments before it.
fn choice(operands: &[Operand], operator: char, column: usize, outdent: usize, out: &mut String) {
    for first in operands.iter().take(1) {
        comments_within(first, column, out);
    }
    new_line(column, out);
    branches(operands, operator, column, outdent, out);
}

/// Operands on a line each: the first at `column`, the operators of the others at `outdent`.
fn branches(operands: &[Operand], operator: char, column: usize, outdent: usize, out: &mut String) {
    for (at, each) in operands.iter().enumerate() {
        if at == 0 {
            operand(each, column, column + 2, out);
        } else {
            comments_within(each, outdent, out);
            new_line(outdent, out);
            let _ = write!(out, "{operator} ");
            operand(each, outdent + 2, outdent + 4, out);
        }
        for (at, comment) in each.trailing.iter().enumerate() {
            if at == 0 {
                out.push(' ');
            } else {
                new_line(outdent, out);
            }
            out.push_str(comment);
        }
    }
}
