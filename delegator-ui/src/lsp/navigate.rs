//! From a path to the entries that belong to it, and the outline of a table.

use dtab::{Dentry, Path, Span, TokenKind};
use lsp_types::{DocumentSymbol, Location, SymbolKind};

use super::document::Document;
use super::name::Written;
use super::table::{Table, Token};

/// The entries for what is under a cursor, that which comes first in a look-up first.
///
/// For a path of a destination, those by which it would be looked up next, or, if there are none, those
/// by which a longer name would be: what a destination gets of the name before is added to it. For a
/// prefix, itself, and those that also match names that begin with it.
pub(super) fn definition(document: &Document, offset: usize) -> Vec<Location> {
    let Some((nth, token)) = document.token_at(offset) else { return Vec::new() };
    let table = &document.tables[nth];
    let found = match token.kind {
        TokenKind::Path => match Path::parse(&token.text) {
            Ok(path) => next_entries(table, &path),
            Err(_) => Vec::new(),
        },
        TokenKind::Prefix => {
            let this = token.written();
            let others = table.prefixes().rev().filter(|other| other.span != token.span);
            let meeting = others.filter(|other| other.written().meets(&this));
            std::iter::once(token).chain(meeting).map(|token| token.span).collect()
        }
        _ => Vec::new(),
    };
    found.into_iter().map(|span| location(document, span)).collect()
}

/// The prefixes of the entries that take `path`, or else those that take longer names.
fn next_entries(table: &Table, path: &Path) -> Vec<Span> {
    let entries = |takes: &dyn Fn(&Dentry) -> bool| -> Vec<Span> {
        let takes = table.dtab.iter().rev().filter(|dentry| takes(dentry));
        takes.filter_map(|dentry| Some(table.prefix_of(dentry)?.span)).collect()
    };
    let now = entries(&|dentry| dentry.prefix.matches(path));
    if !now.is_empty() {
        return now;
    }
    let written = Written::from(path);
    entries(&|dentry| Written::new(&dentry.prefix.to_string()).meets(&written))
}

/// All places whose path begins with what is under a cursor, up to the element there.
pub(super) fn references(document: &Document, offset: usize) -> Vec<Location> {
    let Some((nth, token)) = document.token_at(offset).filter(|(_, token)| token.is_path()) else {
        return Vec::new();
    };
    let written = token.written();
    let into = offset.saturating_sub(token.span.start as usize);
    let meant = &written.elements()[..written.up_to(into)];
    let places = document.tables[nth].paths().filter_map(|token| {
        let written = token.written();
        let begins = written.starts_with(meant);
        begins.then(|| front(token, &written, meant.len()))
    });
    places.map(|span| location(document, span)).collect()
}

/// The place of the first elements of a path; all of it where they have no place of their own.
pub(super) fn front(token: &Token, written: &Written, elements: usize) -> Span {
    let start = token.span.start as usize;
    let end = if token.exact && elements > 0 {
        start + written.end(elements)
    } else {
        token.span.end as usize
    };
    Span::new(start, end)
}

fn location(document: &Document, span: Span) -> Location {
    Location::new(document.uri.clone(), document.text.range(span))
}

/// The entries of all tables that are right, for an outline.
pub(super) fn symbols(document: &Document) -> Vec<DocumentSymbol> {
    let entries = document.tables.iter().flat_map(|table| {
        table.dtab.iter().map(move |dentry| {
            let place = table.prefix_of(dentry).map_or(dentry.span, |token| token.span);
            #[allow(deprecated)] // there is no other way to make one
            DocumentSymbol {
                name: dentry.prefix.to_string(),
                detail: Some(detail(table, dentry)),
                kind: SymbolKind::KEY,
                tags: None,
                deprecated: None,
                range: document.text.range(dentry.span),
                selection_range: document.text.range(place),
                children: None,
            }
        })
    });
    entries.collect()
}

/// The destination, and in a configuration with labels the router.
fn detail(table: &Table, dentry: &Dentry) -> String {
    match &table.label {
        Some(label) => format!("=> {} ({label})", dentry.dst),
        None => format!("=> {}", dentry.dst),
    }
}
