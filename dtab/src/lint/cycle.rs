//! A name that comes back to itself.

use super::{Findings, Linted, Rule};
use crate::diagnostic::{Code, Severity};

pub(super) const RULE: Rule = Rule {
    code: Code::Cycle,
    severity: Severity::Error,
    rule: "A name that becomes itself again, or a longer one of the same kind, is looked up a hundred \
           times and then fails. A cycle does not fall through to the next branch of a `|`.",
    bad: "/svc => /host ;\n/host => /svc ;",
    good: "/svc => /host ;\n/host => /#/io.l5d.fs ;",
    check,
};

fn check(linted: &Linted<'_>, findings: &mut Findings<'_>) {
    for endless in &linted.survey.endless {
        let dentry = &linted.dtab.dentries()[endless.dentry];
        let round: Vec<_> = endless.round.iter().map(ToString::to_string).collect();
        let again = endless.round.first() == endless.round.last();
        let message = if again {
            format!("{} leads back to itself: {}", endless.round[0], round.join(" -> "))
        } else {
            format!("{} goes on without end: {} -> …", endless.witness, round.join(" -> "))
        };
        let help = format!(
            "`fingerpost delegate {}` shows the steps; let one of its entries lead to a namer",
            endless.witness
        );
        findings.add(dentry.span, message, "by this entry", help);
    }
}
