//! An entry that says nothing.

use super::{Findings, Linted, Rule};
use crate::analyze::is_all_negative;
use crate::diagnostic::{Code, Severity};
use crate::tree::NameTree;

pub(super) const RULE: Rule = Rule {
    code: Code::OnlyNegative,
    severity: Severity::Warning,
    rule: "`~` passes a name on to what would be tried without the entry, so an entry of nothing else \
           has no effect. To refuse names, write `!` alone.",
    bad: "/svc => /#/io.l5d.fs ;\n/svc/old => ~ ;",
    good: "/svc => /#/io.l5d.fs ;\n/svc/old => ! ;",
    check,
};

fn check(linted: &Linted<'_>, findings: &mut Findings<'_>) {
    for (at, dentry) in linted.dtab.iter().enumerate() {
        if !is_all_negative(&dentry.dst) || matches!(dentry.dst, NameTree::Fail) {
            continue;
        }
        let message = format!("the entry for {} names no destination", dentry.prefix);
        let label = "`~` leaves names to the entries before";
        let help = "write `!` to refuse these names, or remove the entry".to_owned();
        findings.add(linted.branch(at, 0), message, label, help);
        if findings.are_enough() {
            return;
        }
    }
}
