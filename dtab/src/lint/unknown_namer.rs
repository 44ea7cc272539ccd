//! A namer that there is not.

use std::collections::HashMap;

use super::{Findings, Linted, Rule};
use crate::builtin;
use crate::diagnostic::{Code, Severity};
use crate::path::Path;

pub(super) const RULE: Rule = Rule {
    code: Code::UnknownNamer,
    severity: Severity::Error,
    rule: "`/#/` is followed by the prefix of a configured namer, `/$/` by one of the built-in names. \
           An unknown `/$/` name fails; an unknown `/#/` name is negative.",
    bad: "/svc => /#/io.l5d.fss ;",
    good: "/svc => /#/io.l5d.fs ;",
    check,
};

/// Prefixes of namers have two elements, or a few more.
const LOOKED_AT: usize = 4;

/// The prefixes that Linkerd's namers have unless they are configured with others.
const USUAL: &[&str] = &[
    "io.l5d.fs",
    "io.l5d.consul",
    "io.l5d.curator",
    "io.l5d.dnssrv",
    "io.l5d.k8s",
    "io.l5d.k8s.external",
    "io.l5d.k8s.ns",
    "io.l5d.k8s.istio",
    "io.l5d.marathon",
    "io.l5d.rewrite",
    "io.l5d.serversets",
    "io.l5d.zkLeader",
];

fn check(linted: &Linted<'_>, findings: &mut Findings<'_>) {
    // Tables have thousands of leaves with few namers.
    let mut told = HashMap::new();
    for at in 0..linted.dtab.len() {
        for (branch, leaf) in linted.leaves(at) {
            let mut elements = leaf.iter();
            let (kind, name) = (elements.next(), elements.next());
            let Some(name) = name.map(String::from_utf8_lossy) else { continue };
            let (known, what) = match kind {
                Some(b"$") => (classes(&name), "built-in name"),
                Some(b"#") => {
                    let known = told.entry(leaf.take(LOOKED_AT));
                    let known = known.or_insert_with_key(|leaf| namers(linted, leaf, &name));
                    (known.clone(), "namer")
                }
                _ => continue,
            };
            let Err(similar) = known else { continue };
            if findings.are_enough() {
                return;
            }
            if is_matched(linted, leaf) {
                continue;
            }
            let span = linted.branch(at, branch);
            let message = format!("there is no {what} {}", leaf.take(2));
            let help = similar.map(|similar| format!("did you mean {similar}?"));
            findings.add(span, message, "unknown", help);
        }
    }
}

/// Whether some entry has a prefix of its own for names of this namer.
fn is_matched(linted: &Linted<'_>, leaf: &Path) -> bool {
    let namer = leaf.take(2);
    linted.dtab.iter().any(|dentry| {
        dentry.prefix.iter().zip(namer.iter()).all(|(element, label)| match element {
            crate::Element::Any => true,
            crate::Element::Label(wanted) => wanted == label,
        })
    })
}

/// Otherwise what may have been meant.
type Known = Result<(), Option<String>>;

fn classes(name: &str) -> Known {
    if builtin::CLASSES.contains(&name) {
        return Ok(());
    }
    Err(nearest(name, builtin::CLASSES.iter().copied()).map(|class| format!("/$/{class}")))
}

fn namers(linted: &Linted<'_>, leaf: &Path, name: &str) -> Known {
    let Some(prefixes) = &linted.known.prefixes else {
        // Any name may be configured: only what is nearly a usual one is hardly meant.
        if USUAL.contains(&name) {
            return Ok(());
        }
        let nearest = nearest(name, USUAL.iter().copied());
        return nearest.map_or(Ok(()), |usual| Err(Some(format!("/#/{usual}"))));
    };
    if prefixes.iter().any(|prefix| leaf.starts_with(prefix) || prefix.starts_with(leaf)) {
        return Ok(());
    }
    let shown: Vec<String> = prefixes.iter().map(ToString::to_string).collect();
    Err(nearest(&leaf.to_string(), shown.iter().map(String::as_str)).map(str::to_owned))
}

/// The one that differs in a letter or two.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|known| (strsim::damerau_levenshtein(name, known), known))
        .filter(|(distance, known)| *distance <= 2 && *distance * 3 <= known.len())
        .min()
        .map(|(_, known)| known)
}
