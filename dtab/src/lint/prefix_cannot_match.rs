//! A prefix that names do not have.

use std::collections::BTreeMap;

use super::{Findings, Linted, Rule};
use crate::dentry::Element;
use crate::diagnostic::{Code, Severity};

pub(super) const RULE: Rule = Rule {
    code: Code::PrefixCannotMatch,
    severity: Severity::Warning,
    rule: "A prefix begins names that requests or other entries bring. `\\x2a` is the label `*`, which \
           no name has, not the wildcard; and a first label whose letters are swapped is not the one \
           that all other entries have.",
    bad: "/svc => /#/io.l5d.fs ;\n/svc/api => /svc/web ;\n/scv/old => ! ;",
    good: "/svc => /#/io.l5d.fs ;\n/svc/api => /svc/web ;\n/svc/old => ! ;",
    check,
};

fn check(linted: &Linted<'_>, findings: &mut Findings<'_>) {
    // How often a label is the first of a prefix or of what an entry leads to.
    let mut firsts = BTreeMap::<&[u8], usize>::new();
    for dentry in linted.dtab {
        if let Some(Element::Label(first)) = dentry.prefix.iter().next() {
            *firsts.entry(first).or_default() += 1;
        }
        dentry.dst.for_each_leaf(&mut |leaf| {
            if let Some(first) = leaf.first() {
                *firsts.entry(first).or_default() += 1;
            }
        });
    }
    let common: Vec<_> =
        firsts.iter().filter(|(_, count)| **count > 1).map(|(first, _)| *first).collect();
    for (at, dentry) in linted.dtab.iter().enumerate() {
        if findings.are_enough() {
            return;
        }
        if dentry.prefix.iter().any(|element| element == Element::Label(b"*")) {
            let message = format!("{} matches the label `*` alone", dentry.prefix);
            let help = "write `*` for any one label".to_owned();
            findings.add(linted.prefix(at), message, "an escaped star is a label", help);
            continue;
        }
        let Some(Element::Label(first)) = dentry.prefix.iter().next() else { continue };
        if firsts.get(first) != Some(&1) {
            continue;
        }
        if let Some(meant) = common.iter().find(|common| are_swapped(first, common)) {
            let [first, meant] = [first, meant].map(String::from_utf8_lossy);
            let message = format!("nothing else begins with /{first}");
            let label = format!("other entries have /{meant}");
            findings.add(linted.prefix(at), message, label, format!("did you mean /{meant}?"));
        }
    }
}

/// Whether two neighbours change places, and nothing else.
fn are_swapped(a: &[u8], b: &[u8]) -> bool {
    let differ: Vec<usize> =
        a.iter().zip(b).enumerate().filter(|(_, (a, b))| a != b).map(|(at, _)| at).collect();
    match differ.as_slice() {
        &[first, second] if a.len() == b.len() && second == first + 1 => {
            a[first] == b[second] && a[second] == b[first]
        }
        _ => false,
    }
}
