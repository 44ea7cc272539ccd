//! An entry that no name comes to.

use super::{Findings, Linted, Rule};
use crate::diagnostic::{Code, Label, Severity};
use crate::tree::NameTree;

pub(super) const RULE: Rule = Rule {
    code: Code::UnreachableDentry,
    severity: Severity::Warning,
    rule: "Entries that come later are tried first. If they match every name that an entry matches, \
           and are never negative, that entry is never used.",
    bad: "/svc/web => /$/inet/127.1/8080 ;\n/svc => /$/inet/127.1/9090 ;",
    good: "/svc => /$/inet/127.1/9090 ;\n/svc/web => /$/inet/127.1/8080 ;",
    check,
};

fn check(linted: &Linted<'_>, findings: &mut Findings<'_>) {
    if !linted.survey.is_closed {
        return;
    }
    let entries = linted.dtab.dentries();
    for (at, dentry) in entries.iter().enumerate() {
        if findings.are_enough() {
            return;
        }
        // What says nothing, or says it again, is the business of other rules.
        let is_told = linted.again[at].is_some() || matches!(dentry.dst, NameTree::Neg);
        if linted.survey.is_reached(at) || is_told {
            continue;
        }
        let message = format!("no name comes to the entry for {}", dentry.prefix);
        let help =
            "entries that come later are tried first: move this one behind them, or remove it";
        let help = Some(help.to_owned());
        let finding = findings.add(linted.prefix(at), message, "never used", help);
        // The nearest later entry with a prefix that begins this one takes all of its names, or
        // leaves them to others that do.
        let mut later = entries.iter().enumerate().skip(at + 1);
        let taking = later.find(|(_, later)| begins(&later.prefix, &dentry.prefix));
        if let Some((taking, _)) = taking {
            let text = "names with that prefix are taken here".to_owned();
            finding.labels.push(Label { span: linted.prefix(taking), text });
        }
    }
}

/// Whether all names that begin with `longer` begin with `prefix`.
fn begins(prefix: &crate::Prefix, longer: &crate::Prefix) -> bool {
    let mut elements = longer.iter();
    prefix.iter().all(|element| match (element, elements.next()) {
        (_, None) => false,
        (crate::Element::Any, Some(_)) => true,
        (element, Some(other)) => element == other,
    })
}
