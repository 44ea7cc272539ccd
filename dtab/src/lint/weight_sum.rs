//! Shares that are not what they look like.

use super::places::{self, Branch};
use super::{Findings, Linted, Rule};
use crate::diagnostic::{Code, Severity};
use crate::path::Path;
use crate::tree::{NameTree, Weighted};
use crate::view::{percent, shares};

pub(super) const RULE: Rule = Rule {
    code: Code::WeightSum,
    severity: Severity::Warning,
    rule: "Weights are relative to each other, and a branch without one has the weight 1. Fractions \
           that do not add up to 1, or hundreds that do not add up to 100, give other shares than they \
           seem to.",
    bad: "/svc => 0.1 * /#/io.l5d.fs/canary & /#/io.l5d.fs/web ;",
    good: "/svc => 0.1 * /#/io.l5d.fs/canary & 0.9 * /#/io.l5d.fs/web ;",
    check,
};

fn check(linted: &Linted<'_>, findings: &mut Findings<'_>) {
    for dentry in linted.dtab {
        let mut unions = Vec::new();
        each_union(&dentry.dst, &mut 0, &mut unions);
        for (first, branches) in unions {
            let Some(told) = told(branches) else { continue };
            let places = places::branches(linted.text, dentry.span);
            let span = places.get(first).map_or(dentry.span, |Branch { span, weight }| {
                crate::Span { start: weight.unwrap_or(*span).start, end: span.end }
            });
            let weights: Vec<_> = branches.iter().map(|branch| Some(branch.weight)).collect();
            let shares: Vec<_> = shares(&weights).into_iter().map(percent).collect();
            let label = format!("the shares are {}", shares.join(", "));
            let help = "let the weights add up to 1 or 100, or write whole numbers".to_owned();
            findings.add(span, told, label, help);
            if findings.are_enough() {
                return;
            }
        }
    }
}

/// The unions of a tree, each with the place of its first leaf or constant.
fn each_union<'t>(
    tree: &'t NameTree<Path>,
    at: &mut usize,
    unions: &mut Vec<(usize, &'t [Weighted<Path>])>,
) {
    match tree {
        NameTree::Alt(trees) => trees.iter().for_each(|tree| each_union(tree, at, unions)),
        NameTree::Union(branches) => {
            unions.push((*at, branches));
            for branch in branches {
                each_union(&branch.tree, at, unions);
            }
        }
        _ => *at += 1,
    }
}

/// What is odd about the weights.
fn told(branches: &[Weighted<Path>]) -> Option<String> {
    let weights: Vec<f64> = branches.iter().map(|branch| branch.weight).collect();
    let sum: f64 = weights.iter().sum();
    if weights.len() < 2 || !sum.is_finite() {
        return None;
    }
    let is_fraction = |weight: f64| weight < 1.0;
    let near = |wanted: f64| (sum - wanted).abs() < wanted * 1e-3;
    let whole = weights.iter().filter(|weight| **weight == 1.0).count();
    let fractions = weights.iter().filter(|weight| is_fraction(**weight) && **weight > 0.0).count();
    if fractions + whole == weights.len() && whole == 1 && fractions > 0 {
        return Some("a weight of 1 beside fractions of it".to_owned());
    }
    if weights.iter().all(|weight| is_fraction(*weight)) && fractions > 0 && !near(1.0) {
        return Some(format!("the weights add up to {}, not to 1", rounded(sum)));
    }
    let hundreds =
        (90.0..=110.0).contains(&sum) && weights.iter().all(|weight| weight.fract() == 0.0);
    if hundreds && weights.iter().any(|weight| *weight >= 50.0) && !near(100.0) {
        return Some(format!("the weights add up to {}, not to 100", rounded(sum)));
    }
    None
}

fn rounded(sum: f64) -> f64 {
    (sum * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_of_whole_numbers_may_be_any() {
        let is_odd = |text: &str| match crate::parse_tree(text).unwrap() {
            NameTree::Union(branches) => told(&branches).is_some(),
            other => panic!("{other}"),
        };
        for fine in ["9*/a & /b", "/a & /b", "0.5*/a & .5*/b", "99*/a & 1*/b", "3*/a & 0.5*/b"] {
            assert!(!is_odd(fine), "{fine}");
        }
        for thirds in ["0.333333*/a & 0.333333*/b & 0.333334*/c", "0*/a & 1*/b", "0*/a & 0*/b"] {
            assert!(!is_odd(thirds), "{thirds}");
        }
        for odd in ["0.1*/a & /b", "0.9*/a & 0.2*/b", "90*/a & 5*/b", "0.3*/a & 0.3*/b & 0.3*/c"] {
            assert!(is_odd(odd), "{odd}");
        }
    }
}
