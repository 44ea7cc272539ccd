//! A branch that no name comes to.

use super::{Findings, Linted, Rule};
use crate::diagnostic::{Code, Severity};

pub(super) const RULE: Rule = Rule {
    code: Code::UnusedFallback,
    severity: Severity::Warning,
    rule: "`|` tries its next branch only if the one before it is negative. Addresses (`/$/inet/…`), \
           `!` and `$` never are, not even if nobody listens there, so what follows them is never \
           used.",
    bad: "/svc => /$/inet/127.1/8080 | /$/inet/127.1/9090 ;",
    good: "/svc => /#/io.l5d.fs | /$/inet/127.1/9090 ;",
    check,
};

fn check(linted: &Linted<'_>, findings: &mut Findings<'_>) {
    if !linted.survey.is_closed {
        return;
    }
    for (at, dentry) in linted.dtab.iter().enumerate() {
        if findings.are_enough() {
            return;
        }
        if !linted.survey.is_reached(at) {
            continue;
        }
        let branches = linted.survey.branches(at);
        for (branch, reached) in branches.iter().enumerate() {
            if reached.is_some() {
                continue;
            }
            // Only the first one: what follows it has the same reason.
            if branch > 0 && branches[branch - 1].is_none() {
                continue;
            }
            let message = format!("a fallback of {} is never used", dentry.prefix);
            let label = "what stands before it is never negative";
            let help =
                "`|` goes on only from a name that does not exist; put what always exists last";
            findings.add(linted.branch(at, branch), message, label, Some(help.to_owned()));
        }
    }
}
