//! The tables of a document, with everything in them placed in the document.

use std::sync::Arc;

use dtab::{Dentry, Diagnostic, Dtab, Severity, Source, Span, TokenKind, check_dtab, tokens};
use router::config::{self, EmbeddedDtab};

use super::document::Kind;
use super::name::Written;

/// One table: a dtab file, or the `dtab` of a router in a configuration.
#[derive(Debug)]
pub(super) struct Table {
    /// The label of its router, if it has one.
    pub(super) label: Option<String>,
    /// The entries that are right, placed in the document.
    pub(super) dtab: Dtab,
    /// Whether all of its text is right.
    pub(super) clean: bool,
    /// All of its text, piece by piece.
    pub(super) tokens: Vec<Token>,
}

/// A piece of a table, placed in the document.
#[derive(Debug)]
pub(super) struct Token {
    /// What it looks like.
    pub(super) kind: TokenKind,
    /// Its bytes in the document.
    pub(super) span: Span,
    /// What it says, which the document may have with escapes of YAML.
    pub(super) text: String,
    /// Whether it stands there just as it is, so that a part of it has a place, too.
    pub(super) exact: bool,
}

impl Token {
    /// Whether it is a path, on either side.
    pub(super) fn is_path(&self) -> bool {
        matches!(self.kind, TokenKind::Prefix | TokenKind::Path)
    }

    /// Its elements, if it is a path.
    pub(super) fn written(&self) -> Written {
        if self.is_path() { Written::new(&self.text) } else { Written::default() }
    }

    /// Whether a cursor at `offset` is in it or right behind it.
    pub(super) fn touches(&self, offset: usize) -> bool {
        (self.span.start as usize..=self.span.end as usize).contains(&offset)
    }
}

impl Table {
    /// The tables of a text.
    pub(super) fn all(kind: Kind, source: &Arc<Source>) -> Vec<Table> {
        match kind {
            Kind::Dtab => vec![Table::new(None, source.text(), source, &|span| span)],
            Kind::Config => {
                let mark = mark(source.text());
                let table = |dtab: EmbeddedDtab| {
                    let place = |span| shifted(dtab.place(span), mark);
                    Table::new(dtab.label.clone(), &dtab.text, source, &place)
                };
                config::dtabs(&source.text()[mark..]).into_iter().map(table).collect()
            }
            Kind::Other => Vec::new(),
        }
    }

    fn new(
        label: Option<String>,
        text: &str,
        source: &Arc<Source>,
        place: &dyn Fn(Span) -> Span,
    ) -> Self {
        let (dtab, found) = check_dtab(&Source::new("", text));
        let placed = |dentry: &Dentry| Dentry {
            span: place(dentry.span),
            source: Some(source.clone()),
            ..dentry.clone()
        };
        let token = |token: dtab::Token| {
            let written = |text: &str, span: Span| {
                text.get(span.start as usize..span.end as usize).unwrap_or_default().to_owned()
            };
            let (text, span) = (written(text, token.span), place(token.span));
            let exact = written(source.text(), span) == text;
            Token { kind: token.kind, span, text, exact }
        };
        Table {
            label,
            dtab: dtab.iter().map(placed).collect(),
            clean: !found.iter().any(is_error),
            tokens: tokens(text).map(token).collect(),
        }
    }

    /// The piece under a cursor: of two that touch it, a path, else the one behind it.
    pub(super) fn token_at(&self, offset: usize) -> Option<&Token> {
        let touching = || self.tokens.iter().filter(|token| token.touches(offset));
        touching().find(|token| token.is_path()).or_else(|| touching().next_back())
    }

    /// The entry in which an offset lies.
    pub(super) fn entry_at(&self, offset: usize) -> Option<&Dentry> {
        let within = |span: Span| (span.start as usize..=span.end as usize).contains(&offset);
        self.dtab.iter().find(|dentry| within(dentry.span))
    }

    /// The prefix of an entry, where it stands.
    pub(super) fn prefix_of(&self, dentry: &Dentry) -> Option<&Token> {
        let at = self.tokens.partition_point(|token| token.span.start < dentry.span.start);
        self.tokens.get(at).filter(|token| token.kind == TokenKind::Prefix)
    }

    /// The paths that are written, on both sides.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Token> {
        self.tokens.iter().filter(|token| token.is_path())
    }

    /// The prefixes that are written.
    pub(super) fn prefixes(&self) -> impl DoubleEndedIterator<Item = &Token> {
        self.tokens.iter().filter(|token| token.kind == TokenKind::Prefix)
    }
}

/// Whether a text with this finding means nothing yet.
fn is_error(found: &Diagnostic) -> bool {
    found.severity == Severity::Error
}

/// The length of a byte order mark. It is no part of a configuration, whose places do not count it.
pub(super) fn mark(text: &str) -> usize {
    if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }
}

/// A span `by` bytes further on.
pub(super) fn shifted(span: Span, by: usize) -> Span {
    Span::new(span.start as usize + by, span.end as usize + by)
}
