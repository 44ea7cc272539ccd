//! A built-in name that is not written as it must be.

use super::{Findings, Linted, Rule};
use crate::analyze::Can;
use crate::builtin;
use crate::diagnostic::{Code, Severity};
use crate::path::Path;

pub(super) const RULE: Rule = Rule {
    code: Code::NamerRefuses,
    severity: Severity::Error,
    rule: "Built-in names want their elements in a certain form: `/$/inet/<host>/<port>` a port from 0 \
           to 65535, `/$/io.buoyant.http.status/<code>` a code from 100 to 599.",
    bad: "/svc => /$/inet/127.1/80800 ;",
    good: "/svc => /$/inet/127.1/8080 ;",
    check,
};

fn check(linted: &Linted<'_>, findings: &mut Findings<'_>) {
    for at in 0..linted.dtab.len() {
        for (branch, leaf) in linted.leaves(at) {
            let mut elements = leaf.iter();
            let class = match (elements.next(), elements.next().map(String::from_utf8_lossy)) {
                (Some(b"$"), Some(class)) if builtin::CLASSES.contains(&&*class) => class,
                _ => continue,
            };
            let reach = linted.survey.branches(at).get(branch).copied().flatten();
            let Some(why) = refused(leaf, &class, reach.filter(|_| linted.survey.is_closed)) else {
                continue;
            };
            let span = linted.branch(at, branch);
            let message = format!("{leaf} can never be bound");
            findings.add(span, message, why, format!("write {}", form(&class)));
            if findings.are_enough() {
                return;
            }
        }
    }
}

/// Why nothing can come of a leaf.
fn refused(leaf: &Path, class: &str, reach: Option<Can>) -> Option<&'static str> {
    let rest: Vec<_> = leaf.iter().skip(2).map(String::from_utf8_lossy).collect();
    let number = |at: usize| rest.get(at).and_then(|text| text.parse::<i32>().ok());
    match class {
        "inet" | "fixedinet" => {
            // The second element if it is a number, else the first.
            let port = number(1).or_else(|| number(0).filter(|_| rest.len() > 1));
            if port.is_some_and(|port| u16::try_from(port).is_err()) {
                return Some("a port is a number from 0 to 65535");
            }
        }
        "io.buoyant.http.status"
            if !rest.is_empty() && !number(0).is_some_and(|code| (100..600).contains(&code)) =>
        {
            return Some("a status is a number from 100 to 599");
        }
        _ => {}
    }
    (reach == Some(Can { fail: true, ..Can::default() })).then_some("no name is taken in this form")
}

fn form(class: &str) -> String {
    let elements = match class {
        "inet" | "fixedinet" => "<host>/<port>",
        "io.buoyant.rinet" => "<port>/<host>",
        "io.buoyant.http.status" => "<code>",
        _ => "…",
    };
    format!("/$/{class}/{elements}")
}
