//! A branch that leads nowhere.

use super::{Findings, Linted, Rule};
use crate::analyze::Can;
use crate::diagnostic::{Code, Severity};
use crate::dtab::Dtab;
use crate::path::Path;

pub(super) const RULE: Rule = Rule {
    code: Code::DeadBranch,
    severity: Severity::Warning,
    rule: "Every path must lead somewhere: to another entry, to a namer (`/#/…`), or to a built-in \
           name (`/$/…`). A path that no entry matches is negative, whatever is discovered.",
    bad: "/host => /#/io.l5d.fs ;\n/svc => /hots ;",
    good: "/host => /#/io.l5d.fs ;\n/svc => /host ;",
    check,
};

fn check(linted: &Linted<'_>, findings: &mut Findings<'_>) {
    if !linted.survey.is_closed {
        return;
    }
    for at in 0..linted.dtab.len() {
        for (branch, leaf) in linted.leaves(at) {
            let negative = Can { be_negative: true, ..Can::default() };
            if linted.survey.branches(at).get(branch) != Some(&Some(negative)) || is_explained(leaf)
            {
                continue;
            }
            // The entries behind it may say `~`, on purpose: then that is what is found.
            if is_matched(linted.dtab, leaf) {
                continue;
            }
            let help = match similar(linted.dtab, leaf) {
                Some(similar) => format!("did you mean {similar}?"),
                None => format!("add an entry for {leaf}, or write `~` if nothing is meant"),
            };
            let (span, message) = (linted.branch(at, branch), format!("{leaf} leads nowhere"));
            findings.add(span, message, "no entry matches this", help);
            if findings.are_enough() {
                return;
            }
        }
    }
}

/// The prefix that differs from `leaf` in a letter or two.
fn similar(dtab: &Dtab, leaf: &Path) -> Option<String> {
    let shown = leaf.to_string();
    let prefixes = dtab.iter().take(MOST_COMPARED).map(|dentry| dentry.prefix.to_string());
    prefixes
        .map(|prefix| (strsim::damerau_levenshtein(&shown, &prefix), prefix))
        .filter(|(distance, _)| (1..=2).contains(distance) && distance * 2 < shown.len())
        .min()
        .map(|(_, prefix)| prefix)
}

/// So many prefixes are compared with what leads nowhere.
const MOST_COMPARED: usize = 1_000;

/// Whether other rules say what is wrong with it.
fn is_explained(leaf: &Path) -> bool {
    matches!(leaf.first(), Some(b"#" | b"$"))
}

/// Whether some entry matches `leaf`, or a name that begins with it.
fn is_matched(dtab: &Dtab, leaf: &Path) -> bool {
    dtab.iter().any(|dentry| {
        let mut elements = leaf.iter();
        dentry.prefix.iter().all(|element| match (element, elements.next()) {
            (_, None) | (crate::Element::Any, _) => true,
            (crate::Element::Label(wanted), Some(label)) => wanted == label,
        })
    })
}
