//! What is under the pointer: where a name goes, or what a sign means.

use anstream::adapter::strip_str;
use dtab::view::view;
use dtab::{Addr, Delegation, Dtab, Path, Span, Step, TokenKind};
use lsp_types::{Hover, HoverContents, MarkupContent, MarkupKind, Range};

use super::discovery::{Resolved, World};
use super::document::{Document, Kind};
use crate::view::{clean, text};

/// More lines of a resolution are for `fingerpost delegate` to show.
const MAX_LINES: usize = 60;

/// What there is to be told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Where a name goes by a table.
    Name {
        /// The name.
        path: Path,
        /// Which table.
        table: usize,
    },
    /// What something means.
    Words(&'static str),
}

/// What is told of what is under the pointer, and where that is.
pub(super) fn at(document: &Document, offset: usize) -> Option<(Span, Told)> {
    let (table, token) = document.token_at(offset)?;
    let name = |path: Path| Told::Name { path, table };
    let told = match token.kind {
        TokenKind::Prefix | TokenKind::Path => match token.written().path() {
            Some(_) => name(Path::parse(&token.text).ok()?),
            None => Told::Words(
                "`*` stands for any one label. What it matched is not added to the destination.",
            ),
        },
        TokenKind::Arrow => {
            let entry = document.tables[table].entry_at(offset)?;
            return Some((entry.span, name(Path::parse(&entry.prefix.to_string()).ok()?)));
        }
        TokenKind::Constant | TokenKind::Operator | TokenKind::Weight => {
            Told::Words(meaning(&token.text, token.kind))
        }
        TokenKind::Comment | TokenKind::Parenthesis | TokenKind::Separator | TokenKind::Unknown => {
            return None;
        }
    };
    Some((token.span, told))
}

fn meaning(sign: &str, kind: TokenKind) -> &'static str {
    match (sign, kind) {
        ("~", _) => "`~` is negative: not here, so the next branch of an alternative is tried.",
        ("!", _) => "`!` fails: the name is refused, and no later branch is tried.",
        ("$", _) => "`$` is empty: the name is found, with nobody behind it.",
        ("|", _) => "`a | b` is a fallback: the first branch that is not negative is taken.",
        ("&", _) => "`3 * a & b` shares: every branch gets its part of the requests, by weight.",
        _ => {
            "The weight of the branch behind it: its share of the requests, relative to the sum of \
             the weights between `&`. Without one it is 1."
        }
    }
}

/// Resolves a name, and shows how.
pub(super) async fn resolve(world: &World, question: Question) -> Hover {
    let Question { kind, table, stale, path, range, markdown } = question;
    let resolved = world.resolve(kind, &table, &path).await;
    let mut notes = Vec::new();
    if stale {
        notes.push("The table has mistakes; this is by the last one that had none.");
    }
    if matches!(world, World::TableAlone) && is_open(&resolved) {
        notes.push("This is what the table alone says: there is no discovery to ask.");
    }
    shown(&picture(&resolved), &notes, markdown, range)
}

/// A name whose resolution is to be shown.
#[derive(Debug)]
pub(super) struct Question {
    /// What the document is.
    pub(super) kind: Kind,
    /// The table.
    pub(super) table: Dtab,
    /// Whether that is how it was before the mistakes that it has now.
    pub(super) stale: bool,
    /// The name.
    pub(super) path: Path,
    /// Where it stands.
    pub(super) range: Range,
    /// Whether the client draws Markdown.
    pub(super) markdown: bool,
}

/// A meaning, shown.
pub(super) fn words(words: &str, range: Range, markdown: bool) -> Hover {
    hover(words.to_owned(), range, markdown)
}

/// The tree, and what it comes to.
fn picture(resolved: &Resolved) -> String {
    let tree = strip_str(&text(&view(&resolved.delegation))).to_string();
    let count = tree.lines().count();
    let mut lines: Vec<_> = tree.lines().take(MAX_LINES).collect();
    let more = format!("… and {} lines more", count.saturating_sub(MAX_LINES));
    if count > MAX_LINES {
        lines.push(&more);
    }
    format!("{}\n\n{}", lines.join("\n"), clean(&resolved.verdict()))
}

/// Whether any of it would be for discovery to say.
fn is_open(resolved: &Resolved) -> bool {
    fn open(node: &Delegation) -> bool {
        match &node.step {
            Step::Pending => true,
            Step::Leaf(bound) => bound.addr == Addr::Pending,
            _ => node.children().into_iter().any(open),
        }
    }
    open(&resolved.delegation)
}

fn shown(picture: &str, notes: &[&str], markdown: bool, range: Range) -> Hover {
    let mut value = if markdown { fenced(picture) } else { picture.to_owned() };
    for note in notes {
        value.push_str("\n\n");
        value.push_str(note);
    }
    hover(value, range, markdown)
}

fn hover(value: String, range: Range, markdown: bool) -> Hover {
    let kind = if markdown { MarkupKind::Markdown } else { MarkupKind::PlainText };
    let contents = HoverContents::Markup(MarkupContent { kind, value });
    Hover { contents, range: Some(range) }
}

/// A text as a block of Markdown, whatever is in it.
fn fenced(text: &str) -> String {
    let longest = text.split(|char| char != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{text}\n{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_block() {
        assert_eq!(fenced("a"), "```text\na\n```");
        assert_eq!(fenced("a\n````\nb"), "`````text\na\n````\nb\n`````");
    }
}
