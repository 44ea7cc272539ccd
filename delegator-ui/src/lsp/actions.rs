//! Code actions: the changes that mend what is found.

use dtab::Fix;
use lsp_types::{CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, TextEdit};

use super::document::Document;
use super::edit::{edit, replacing};
use super::findings::{Finding, fixed};

/// The kinds there are.
pub(super) fn kinds() -> Vec<CodeActionKind> {
    vec![CodeActionKind::QUICKFIX, CodeActionKind::SOURCE_FIX_ALL]
}

/// What can be done about the findings in a range, and about all of them.
pub(super) fn actions(
    document: &Document,
    params: &CodeActionParams,
    related: bool,
) -> Vec<CodeActionOrCommand> {
    let asked = |kind| wants(params.context.only.as_deref(), &kind);
    let mut actions = Vec::new();
    if asked(CodeActionKind::QUICKFIX) {
        let span = document.text.span(params.range);
        let here = document.findings.iter().filter(|finding| finding.touches(span));
        actions.extend(here.filter_map(|finding| quick_fix(document, finding, related)));
    }
    if asked(CodeActionKind::SOURCE_FIX_ALL)
        && let Some(mended) = fixed(document.kind, document.text.source())
    {
        actions.push(CodeAction {
            title: "Fix all that can be fixed".to_owned(),
            kind: Some(CodeActionKind::SOURCE_FIX_ALL),
            edit: Some(edit(document, vec![replacing(&document.text, &mended)])),
            ..CodeAction::default()
        });
    }
    actions.into_iter().map(CodeActionOrCommand::CodeAction).collect()
}

/// Whether a kind is asked for: it or one that it is a kind of.
fn wants(only: Option<&[CodeActionKind]>, kind: &CodeActionKind) -> bool {
    only.is_none_or(|only| {
        only.iter().any(|wanted| {
            let rest = kind.as_str().strip_prefix(wanted.as_str());
            rest.is_some_and(|rest| {
                wanted.as_str().is_empty() || rest.is_empty() || rest.starts_with('.')
            })
        })
    })
}

fn quick_fix(document: &Document, finding: &Finding, related: bool) -> Option<CodeAction> {
    let fix = finding.fix.as_ref()?;
    let change = TextEdit::new(document.text.range(fix.span), fix.replacement.clone());
    Some(CodeAction {
        title: title(document, fix),
        kind: Some(CodeActionKind::QUICKFIX),
        diagnostics: Some(vec![finding.diagnostic(document, related)]),
        edit: Some(edit(document, vec![change])),
        is_preferred: Some(true),
        ..CodeAction::default()
    })
}

/// What a fix does. The help of its finding may know of other ways.
fn title(document: &Document, Fix { span, replacement }: &Fix) -> String {
    let old = document.text.slice(*span);
    match (old.is_empty(), replacement.is_empty()) {
        (true, _) => format!("Insert `{replacement}`"),
        (false, true) => format!("Remove `{old}`"),
        (false, false) => format!("Replace `{old}` by `{replacement}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_asked_for_by_itself_or_by_what_it_is_a_kind_of() {
        let all = CodeActionKind::SOURCE_FIX_ALL;
        assert!(wants(None, &all));
        assert!(wants(Some(&[CodeActionKind::SOURCE]), &all));
        assert!(wants(Some(&[CodeActionKind::QUICKFIX, all.clone()]), &all));
        assert!(wants(Some(&[CodeActionKind::EMPTY]), &all));
        assert!(!wants(Some(&[CodeActionKind::QUICKFIX]), &all));
        assert!(!wants(Some(&[CodeActionKind::new("sour")]), &all));
        assert!(!wants(Some(&[]), &all));
    }
}
