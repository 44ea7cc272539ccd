//! Where the parts of an entry stand in its text.

use crate::span::Span;
use crate::syntax::scan::{Kind, Token, tokens};

/// A leaf or constant of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Branch {
    pub(super) span: Span,
    /// The number before it, or before the parentheses that it is the first in.
    pub(super) weight: Option<Span>,
}

/// The tokens of an entry.
fn of(text: &str, entry: Span) -> impl Iterator<Item = Token> {
    let end = (entry.end as usize).min(text.len());
    let start = (entry.start as usize).min(end);
    let text = text.get(..end).unwrap_or_default();
    let start = if text.is_char_boundary(start) { start } else { text.len() };
    tokens(text, start)
}

/// The leaves and constants, in the order of the tree.
pub(super) fn branches(text: &str, entry: Span) -> Vec<Branch> {
    let mut weight = None;
    let mut branches = Vec::new();
    for Token { range, kind } in of(text, entry).skip_while(|token| token.kind != Kind::Arrow) {
        let span = Span::new(range.start, range.end);
        match kind {
            Kind::Number => weight = Some(span),
            // `$` and a label are of the same characters; a path begins with `/`.
            Kind::Run | Kind::Char('~' | '!') => {
                branches.push(Branch { span, weight: weight.take() });
            }
            Kind::Arrow | Kind::Char(_) => {}
        }
    }
    branches
}

/// The prefix.
pub(super) fn prefix(text: &str, entry: Span) -> Option<Span> {
    let first = of(text, entry).next().filter(|token| token.kind == Kind::Run)?;
    Some(Span::new(first.range.start, first.range.end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dtab, Source};

    #[test]
    fn every_leaf_and_constant_has_its_place() {
        let text = "/a => /b ;\n/svc/* => 0.9 * (/x | # one\n ~) & .1*/y/\\x2d & $ | ! ;";
        let dtab = Dtab::parse_source(&Source::new("t", text)).unwrap();
        let entry = dtab.dentries()[1].span;
        let shown = |span: Span| &text[span.start as usize..span.end as usize];
        let branches = branches(text, entry);
        let told: Vec<_> = branches.iter().map(|b| (shown(b.span), b.weight.map(shown))).collect();
        let wanted =
            [("/x", Some("0.9")), ("~", None), ("/y/\\x2d", Some(".1")), ("$", None), ("!", None)];
        assert_eq!(told, wanted);
        assert_eq!(prefix(text, entry).map(shown), Some("/svc/*"));
    }
}
