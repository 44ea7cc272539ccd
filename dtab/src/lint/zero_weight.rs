//! A branch without a share.

use super::{Findings, Linted, Rule, places};
use crate::diagnostic::{Code, Severity};
use crate::path::Path;
use crate::tree::NameTree;

pub(super) const RULE: Rule = Rule {
    code: Code::ZeroWeight,
    severity: Severity::Warning,
    rule: "A branch of the weight 0 gets no requests as long as another one exists, and is no \
           fallback: a `|` makes one. If all weights are 0, all branches share alike.",
    bad: "/svc => 1 * /#/io.l5d.fs/web & 0 * /#/io.l5d.fs/backup ;",
    good: "/svc => /#/io.l5d.fs/web | /#/io.l5d.fs/backup ;",
    check,
};

fn check(linted: &Linted<'_>, findings: &mut Findings<'_>) {
    for dentry in linted.dtab {
        let mut zeros = Vec::new();
        each_zero(&dentry.dst, &mut 0, &mut zeros);
        if zeros.is_empty() {
            continue;
        }
        let places = places::branches(linted.text, dentry.span);
        for (branch, all) in zeros {
            let place = places.get(branch);
            let span = place.map_or(dentry.span, |place| place.weight.unwrap_or(place.span));
            let (message, label) = if all {
                ("all weights are 0", "so all branches share alike")
            } else {
                ("a branch has the weight 0", "no requests come here while another branch exists")
            };
            let help = "remove the branch, or make it a fallback with `|`".to_owned();
            findings.add(span, message, label, help);
            if findings.are_enough() {
                return;
            }
        }
    }
}

/// The first leaf or constant of each branch that has no weight, and whether no branch has one.
fn each_zero(tree: &NameTree<Path>, at: &mut usize, zeros: &mut Vec<(usize, bool)>) {
    match tree {
        NameTree::Alt(trees) => trees.iter().for_each(|tree| each_zero(tree, at, zeros)),
        NameTree::Union(branches) => {
            let all = branches.iter().all(|branch| branch.weight == 0.0);
            for (nth, branch) in branches.iter().enumerate() {
                if branch.weight == 0.0 && (!all || nth == 0) {
                    zeros.push((*at, all));
                }
                each_zero(&branch.tree, at, zeros);
            }
        }
        _ => *at += 1,
    }
}
