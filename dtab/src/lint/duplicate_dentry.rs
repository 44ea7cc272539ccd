//! An entry that stands in the table again.

use ahash::AHashMap;

use super::{Findings, Linted, Rule};
use crate::dentry::Prefix;
use crate::diagnostic::{Code, Label, Severity};
use crate::dtab::Dtab;

pub(super) const RULE: Rule = Rule {
    code: Code::DuplicateDentry,
    severity: Severity::Warning,
    rule: "Of two equal entries the later one is tried first, and the earlier one then says the same \
           again.",
    bad: "/svc => /#/io.l5d.fs ;\n/host => /svc ;\n/svc => /#/io.l5d.fs ;",
    good: "/svc => /#/io.l5d.fs ;\n/host => /svc ;",
    check,
};

fn check(linted: &Linted<'_>, findings: &mut Findings<'_>) {
    for (at, dentry) in linted.dtab.iter().enumerate() {
        let Some(again) = linted.again[at] else { continue };
        if findings.are_enough() {
            return;
        }
        let span = linted.dtab.dentries()[again].span;
        let message = format!("the entry for {} stands here twice", dentry.prefix);
        let help = "remove the first one".to_owned();
        let finding = findings.add(dentry.span, message, "needless", help);
        finding.labels.push(Label { span, text: "the same again".to_owned() });
    }
}

/// For each entry the next one that is equal to it.
pub(super) fn again(dtab: &Dtab) -> Vec<Option<usize>> {
    let entries = dtab.dentries();
    let mut later = AHashMap::<&Prefix, Vec<usize>>::new();
    let mut again = vec![None; entries.len()];
    for (at, dentry) in entries.iter().enumerate().rev() {
        let same = later.entry(&dentry.prefix).or_default();
        let newest = same.iter().rev().take(MOST_COMPARED);
        again[at] = newest.copied().find(|later| entries[*later].dst == dentry.dst);
        same.push(at);
    }
    again
}

/// So many entries with one prefix are compared with each other.
const MOST_COMPARED: usize = 100;
