//! Whether a resolution is as a case expects it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::SocketAddr;

use super::{Case, End, Entries, ErrorClass, Reach};
use crate::delegation::Delegation;
use crate::name::{Activity, Addr, Bound};
use crate::path::Path;
use crate::view::{explain_short, percent, spread};

/// What is not as it was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The key of the expectation: `bound`, `error`, `endpoints`, `residual`, `through` or
    /// `not-through`.
    pub what: &'static str,
    /// What was expected, in words.
    pub expected: String,
    /// What there is.
    pub got: String,
}

impl Case {
    /// All that is not as expected; nothing for a case that holds. `resolved` is the resolution of its
    /// name by its override, if it has a name; `prefixes` are those of the namers there are, to explain
    /// by.
    pub fn judge(&self, resolved: Option<&Delegation>, prefixes: &[Path]) -> Vec<Mismatch> {
        let Some(delegation) = resolved else { return self.judge_unnamed() };
        let mut found = Vec::new();
        let (outcomes, class) = (outcomes(delegation), ErrorClass::of(delegation));
        let told = || explain_short(delegation, prefixes);
        let is_bound = class.is_none_or(|class| class == ErrorClass::Empty);
        match &self.expected.end {
            Some(End::Bound(expected)) if !(is_bound && self.same_shares(expected, &outcomes)) => {
                let got = if is_bound { listed(&shares(&outcomes)) } else { told() };
                found.push(Mismatch { what: "bound", expected: listed(expected), got });
            }
            Some(End::Error(expected)) if !class.is_some_and(|class| expected.holds(class)) => {
                let got = match class {
                    None => listed(&shares(&outcomes)),
                    Some(class) => format!("{class}: {}", told()),
                };
                found.push(Mismatch { what: "error", expected: expected.to_string(), got });
            }
            Some(End::Bound(_) | End::Error(_)) | None => {}
        }
        let bound: Vec<&Bound> = outcomes.iter().filter_map(|(bound, _)| bound.as_ref()).collect();
        let nowhere = || if bound.is_empty() { told() } else { "none".to_owned() };
        if let Some(expected) = &self.expected.endpoints {
            let got: BTreeSet<_> = bound.iter().flat_map(|bound| endpoints(bound)).collect();
            if got != *expected {
                let shown = |set: &BTreeSet<SocketAddr>| {
                    set.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(", ")
                };
                let expected =
                    if expected.is_empty() { "none".to_owned() } else { shown(expected) };
                let got = if got.is_empty() { nowhere() } else { shown(&got) };
                found.push(Mismatch { what: "endpoints", expected, got });
            }
        }
        if let Some(expected) = &self.expected.residual {
            let got: BTreeSet<_> = bound.iter().map(|bound| &bound.residual).collect();
            if got != BTreeSet::from([expected]) {
                let shown: Vec<_> = got.iter().map(|residual| residual.to_string()).collect();
                let got = if got.is_empty() { nowhere() } else { shown.join(", ") };
                found.push(Mismatch { what: "residual", expected: expected.to_string(), got });
            }
        }
        self.judge_entries(delegation, &mut found);
        found
    }

    fn judge_unnamed(&self) -> Vec<Mismatch> {
        let got = match &self.name {
            Err(why) => format!("{}: {why}", ErrorClass::Unidentified),
            Ok(name) => format!("{name} was not resolved"),
        };
        let (what, expected) = match &self.expected.end {
            Some(End::Error(ErrorClass::Unidentified)) if self.name.is_err() => return Vec::new(),
            Some(End::Error(class)) => ("error", class.to_string()),
            Some(End::Bound(expected)) => ("bound", listed(expected)),
            None => ("bound", "a request that has a name".to_owned()),
        };
        vec![Mismatch { what, expected, got }]
    }

    fn same_shares(&self, expected: &[(Option<Path>, f64)], got: &[(Option<Bound>, f64)]) -> bool {
        let got = shares(got);
        let share = |of: &[(Option<Path>, f64)], id: &Option<Path>| {
            of.iter().filter(|(other, _)| other == id).map(|(_, share)| share).sum::<f64>()
        };
        let near = |id: &Option<Path>| {
            (share(expected, id) - share(&got, id)).abs() <= self.expected.tolerance
        };
        expected.iter().chain(&got).all(|(id, _)| near(id))
    }

    fn judge_entries(&self, delegation: &Delegation, found: &mut Vec<Mismatch>) {
        let (through, not) = (&self.expected.through, &self.expected.not_through);
        if through.is_empty() && not.is_empty() {
            return;
        }
        let reach = Reach::of(delegation);
        let passed = |entries: &&Entries| entries.at.iter().any(|at| reach.entries.contains(at));
        let names = |entries: Vec<&Entries>| {
            entries.iter().map(|it| it.written.as_str()).collect::<Vec<_>>().join(", ")
        };
        let missed: Vec<_> = through.iter().filter(|it| !passed(it)).collect();
        if !missed.is_empty() {
            let (expected, got) = (names(missed), way(delegation));
            found.push(Mismatch { what: "through", expected, got });
        }
        let passed: Vec<_> = not.iter().filter(passed).collect();
        if !passed.is_empty() {
            let (expected, got) = (format!("not by way of {}", names(passed)), way(delegation));
            found.push(Mismatch { what: "not-through", expected, got });
        }
    }
}

/// What requests meet, each with its share; nothing if the name is not bound. A share of zero is met
/// by nobody.
fn outcomes(delegation: &Delegation) -> Vec<(Option<Bound>, f64)> {
    match delegation.bind() {
        Activity::Ok(tree) if tree.eval().is_some() => spread(&tree)
            .into_iter()
            .filter(|(_, share)| *share > 0.0)
            .map(|(bound, share)| (bound.cloned(), share))
            .collect(),
        _ => Vec::new(),
    }
}

/// The share of each name, in the order in which they come up.
fn shares(outcomes: &[(Option<Bound>, f64)]) -> Vec<(Option<Path>, f64)> {
    let mut shares: Vec<(Option<Path>, f64)> = Vec::new();
    for (bound, share) in outcomes {
        let id = bound.as_ref().map(|bound| bound.id.clone());
        match shares.iter_mut().find(|(known, _)| *known == id) {
            Some((_, sum)) => *sum += share,
            None => shares.push((id, *share)),
        }
    }
    shares
}

fn endpoints(bound: &Bound) -> Vec<SocketAddr> {
    match &bound.addr {
        Addr::Bound(set) => set.endpoints().iter().map(|address| address.socket).collect(),
        Addr::Pending | Addr::Neg | Addr::Failed(_) | Addr::Status(_) => Vec::new(),
    }
}

/// `/a`, or `90 % to /a, 10 % to nobody`.
fn listed(shares: &[(Option<Path>, f64)]) -> String {
    let name = |id: &Option<Path>| id.as_ref().map_or("nobody".to_owned(), Path::to_string);
    match shares {
        [(id, 1.0)] => name(id),
        shares => {
            let part = |(id, share): &(_, f64)| format!("{} to {}", percent(*share), name(id));
            shares.iter().map(part).collect::<Vec<_>>().join(", ")
        }
    }
}

/// The entries of the base table that requests go by, each with its place.
fn way(delegation: &Delegation) -> String {
    let reach = Reach::of(delegation);
    let Some(dtab) = &reach.dtab else { return "no entry".to_owned() };
    let mut text = String::new();
    for at in &reach.entries {
        let Some(dentry) = dtab.dentries().get(*at) else { continue };
        text.push_str(if text.is_empty() { "" } else { ", " });
        let _ = match dentry.place() {
            Some(place) => write!(text, "{place}"),
            None => write!(text, "{} => {}", dentry.prefix, dentry.dst),
        };
    }
    if text.is_empty() { "no entry".to_owned() } else { text }
}
