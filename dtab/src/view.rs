//! A resolution as people are shown it: each step with the entry that led there, what became of
//! it and why, and the share of the requests that takes it.
//!
//! It is a projection of the same [`Delegation`] that the data path binds by, so what is shown is
//! what happens. The command line, the admin JSON and the web page all draw this model.

mod explain;
mod spread;

use std::fmt;

use crate::delegation::{Delegation, Layer, Outcome, Step, Via};
use crate::name::{Addr, Bound, Failure, FailureKind};
use crate::path::Path;

pub use explain::explain_short;
pub(crate) use explain::{bound, endless};
pub(crate) use spread::shares;
pub use spread::spread;

/// One step of a resolution.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewNode {
    /// The name at this step.
    pub path: Path,
    /// The entry that led here; none at the root and where a namer led.
    pub dentry: Option<ViewDentry>,
    /// What became of the name.
    pub kind: ViewKind,
    /// What was left of the name before behind the entry's prefix, and was taken over into this
    /// one; empty where nothing was.
    pub residual: Path,
    /// The weight as a branch of a union, as written.
    pub weight: Option<f64>,
    /// The share of the requests that is bound by way of this step, 0 to 1. The shares of all
    /// leaves and empties sum to 1, or to 0 if the name is not bound.
    pub probability: f64,
    /// Whether this step decides what becomes of the name.
    pub taken: bool,
    /// Why it is taken or dropped, or what it does, in words.
    pub reason: String,
    /// What is bound here: at a leaf, and at a transformation what it was before.
    pub bound: Option<ViewBound>,
    /// The steps that follow, in order of preference.
    pub children: Vec<ViewNode>,
}

/// An entry of one of the tables in force.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewDentry {
    /// Which table.
    pub layer: Layer,
    /// Its place in that table, from 0.
    pub index: usize,
    /// How many entries that table has.
    pub of: usize,
    /// Its left side.
    pub prefix: String,
    /// Its right side.
    pub dst: String,
    /// Where it was read from, if that text has a name.
    pub place: Option<ViewPlace>,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewPlace {
    /// The name of the text.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for ViewPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A bound name and where it is.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewBound {
    /// What it is called.
    pub id: Path,
    /// What is left of the path behind the name.
    pub residual: Path,
    /// Its address.
    pub addr: Addr,
}

/// What became of a name at one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewKind {
    /// One entry matched, or a namer gave another name.
    Delegate,
    /// Alternatives in order of preference.
    Alt,
    /// Shares by weight.
    Union,
    /// Bound.
    Leaf,
    /// Nothing here.
    Neg,
    /// Refused.
    Fail,
    /// Found, with nobody behind it.
    Empty,
    /// Cannot be known.
    Exception,
    /// Not known yet.
    Pending,
    /// A transformer changed a bound name.
    Transformation,
    /// The matching entry says `~`, so the namers are asked as if there were none.
    Overlooked,
    /// Not looked at.
    Unreached,
}

impl ViewKind {
    /// All kinds with their names.
    pub const ALL: [(ViewKind, &str); 12] = [
        (ViewKind::Delegate, "delegate"),
        (ViewKind::Alt, "alt"),
        (ViewKind::Union, "union"),
        (ViewKind::Leaf, "leaf"),
        (ViewKind::Neg, "neg"),
        (ViewKind::Fail, "fail"),
        (ViewKind::Empty, "empty"),
        (ViewKind::Exception, "exception"),
        (ViewKind::Pending, "pending"),
        (ViewKind::Transformation, "transformation"),
        (ViewKind::Overlooked, "overlooked"),
        (ViewKind::Unreached, "unreached"),
    ];

    /// Its name, as the delegator has it where it has one.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }
}

/// The whole resolution, as people are shown it.
pub fn view(delegation: &Delegation) -> ViewNode {
    let mut walk = Walk { names: Vec::new() };
    let share = f64::from(u8::from(is_bound(delegation.outcome)));
    let (mut root, cause) = walk.node(delegation, &Path::root(), share, true);
    if delegation.outcome == Outcome::Failed || root.reason.is_empty() {
        root.reason = cause;
    }
    root
}

/// Whether requests are sent there, be it to nobody.
fn is_bound(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Found | Outcome::Empty)
}

/// The share of each branch of a union.
pub(crate) fn shares_of(branches: &[(f64, Delegation)]) -> Vec<f64> {
    let weights: Vec<_> = branches
        .iter()
        .map(|(weight, branch)| is_bound(branch.outcome).then_some(*weight))
        .collect();
    shares(&weights)
}

struct Walk<'d> {
    /// The names from the root to here, to show a cycle by.
    names: Vec<&'d Path>,
}

impl<'d> Walk<'d> {
    /// The step, and in words what it comes to.
    fn node(
        &mut self,
        node: &'d Delegation,
        before: &Path,
        share: f64,
        taken: bool,
    ) -> (ViewNode, String) {
        let another = self.names.last() != Some(&&node.path);
        if another {
            self.names.push(&node.path);
        }
        let (kind, reason, cause, children, bound) = self.step(node, share, taken);
        if another {
            self.names.pop();
        }
        let view = ViewNode {
            path: node.path.clone(),
            dentry: node.dentry.as_ref().map(ViewDentry::from),
            kind,
            residual: residual(node, before),
            weight: None,
            probability: if is_bound(node.outcome) { share } else { 0.0 },
            taken,
            reason,
            bound,
            children,
        };
        (view, cause)
    }

    fn step(
        &mut self,
        node: &'d Delegation,
        share: f64,
        taken: bool,
    ) -> (ViewKind, String, String, Vec<ViewNode>, Option<ViewBound>) {
        match &node.step {
            Step::Delegate(next) => {
                let (child, cause) = self.node(next, &node.path, share, taken);
                (ViewKind::Delegate, "one dentry matches".to_owned(), cause, vec![child], None)
            }
            Step::Renamed(next) => {
                let (child, cause) = self.node(next, &node.path, share, taken);
                let reason = format!("a namer says that this is {}", next.path);
                (ViewKind::Delegate, reason, cause, vec![child], None)
            }
            Step::Overlooked(via, next) => {
                let (child, cause) = self.node(next, &node.path, share, taken);
                let reason = format!(
                    "the only dentry that matches, {}, counts as none: the namers are asked",
                    shown(via)
                );
                (ViewKind::Overlooked, reason, cause, vec![child], None)
            }
            Step::Transformed { by, before, after, .. } => {
                let (child, cause) = self.node(after, &node.path, share, taken);
                let bound = Some(ViewBound::from(before.as_ref()));
                (ViewKind::Transformation, format!("changed by {by}"), cause, vec![child], bound)
            }
            Step::Alt(branches) => self.alt(node, branches, share, taken),
            Step::Union(branches) => self.union(node, branches, share, taken),
            Step::Leaf(bound) => {
                let reason = explain::bound(bound);
                (ViewKind::Leaf, reason.clone(), reason, Vec::new(), Some(bound.into()))
            }
            Step::Neg { written: true } => end(ViewKind::Neg, "the dentry says ~".to_owned()),
            Step::Neg { written: false } => end(ViewKind::Neg, explain::nothing(&node.path)),
            Step::Fail { written: true } => end(ViewKind::Fail, "the dentry says !".to_owned()),
            Step::Fail { written: false } => end(ViewKind::Fail, format!("{} refuses", node.path)),
            Step::Empty => end(ViewKind::Empty, "found, with nobody behind it".to_owned()),
            Step::Pending => end(ViewKind::Pending, format!("{} is not known yet", node.path)),
            Step::Failed(failure) => end(ViewKind::Exception, self.failure(failure)),
            Step::Unreached => {
                end(ViewKind::Unreached, "not reached: an earlier branch decides".to_owned())
            }
        }
    }

    fn alt(
        &mut self,
        node: &'d Delegation,
        branches: &'d [Delegation],
        share: f64,
        taken: bool,
    ) -> (ViewKind, String, String, Vec<ViewNode>, Option<ViewBound>) {
        let decider = branches.iter().position(|branch| branch.outcome != Outcome::Neg);
        let mut cause = "every branch is negative".to_owned();
        let mut children = Vec::with_capacity(branches.len());
        for (at, branch) in branches.iter().enumerate() {
            let decides = decider == Some(at);
            let share = if decides { share } else { 0.0 };
            let (mut child, why) = self.node(branch, &node.path, share, taken && decides);
            child.reason = match branch.outcome {
                _ if decider.is_some_and(|decider| at > decider) => {
                    "not reached: an earlier branch decides".to_owned()
                }
                Outcome::Neg => format!("dropped: {why}"),
                Outcome::Found => "taken: first branch that is not negative".to_owned(),
                Outcome::Empty => {
                    format!("taken: first branch that is not negative, but {why}")
                }
                Outcome::Pending => format!("waited for: {why}"),
                Outcome::Fail | Outcome::Failed | Outcome::Unreached => {
                    format!("decides: no later branch is tried, for {why}")
                }
            };
            if decides || branches.len() == 1 {
                cause = why;
            }
            children.push(child);
        }
        let entries = distinct_entries(branches);
        let reason = if entries > 1 {
            format!("{entries} dentries match: the last one comes first")
        } else {
            "the first branch that is not negative".to_owned()
        };
        (ViewKind::Alt, reason, cause, children, None)
    }

    fn union(
        &mut self,
        node: &'d Delegation,
        branches: &'d [(f64, Delegation)],
        share: f64,
        taken: bool,
    ) -> (ViewKind, String, String, Vec<ViewNode>, Option<ViewBound>) {
        let kept = |branch: &Delegation| is_bound(branch.outcome);
        let shares = shares_of(branches);
        let mut causes = Vec::new();
        let mut children = Vec::with_capacity(branches.len());
        for ((weight, branch), part) in branches.iter().zip(shares) {
            // What fails or waits as a whole does so by its first such branch.
            let decides = branch.outcome == node.outcome && !is_bound(node.outcome);
            let takes = kept(branch) || decides;
            let (mut child, why) = self.node(branch, &node.path, share * part, taken && takes);
            child.weight = Some(*weight);
            child.reason = match branch.outcome {
                Outcome::Found | Outcome::Empty if part == 0.0 => {
                    "no request comes here: its share is 0".to_owned()
                }
                Outcome::Found => format!("taken: {} by weight", percent(part)),
                Outcome::Empty => format!("taken: {} by weight, but {why}", percent(part)),
                _ if is_bound(node.outcome) => {
                    format!("dropped, its share goes to the other branches: {why}")
                }
                _ => format!("dropped: {why}"),
            };
            if branch.outcome == node.outcome || branches.len() == 1 {
                causes.push(why);
            }
            children.push(child);
        }
        let cause = match (node.outcome, causes.into_iter().next()) {
            (Outcome::Neg, _) if branches.len() > 1 => "no branch of the union is left".to_owned(),
            (_, Some(cause)) => cause,
            (_, None) => "each branch gets its share".to_owned(),
        };
        (ViewKind::Union, "each branch gets its share".to_owned(), cause, children, None)
    }

    fn failure(&self, failure: &Failure) -> String {
        match failure.kind {
            FailureKind::TooDeep => explain::endless(&self.names),
            FailureKind::UnknownNamer => {
                self.names.last().map_or_else(String::new, |path| explain::unknown_class(path))
            }
            FailureKind::Namer | FailureKind::BadName | FailureKind::TooManySteps => {
                failure.message.to_string()
            }
        }
    }
}

fn end(
    kind: ViewKind,
    why: String,
) -> (ViewKind, String, String, Vec<ViewNode>, Option<ViewBound>) {
    (kind, why.clone(), why, Vec::new(), None)
}

/// A share from 0 to 1 in words, such as `12.5 %`.
pub fn percent(share: f64) -> String {
    let percent = (share * 10_000.0).round() / 100.0;
    format!("{percent} %")
}

fn distinct_entries(branches: &[Delegation]) -> usize {
    let mut entries: Vec<_> =
        branches.iter().filter_map(|b| b.dentry.as_ref()).map(|via| (via.layer, via.at)).collect();
    entries.dedup();
    entries.len()
}

/// What was left of `before` behind the prefix of the entry that led to this node.
fn residual(node: &Delegation, before: &Path) -> Path {
    match &node.dentry {
        Some(via) if via.dentry().prefix.matches(before) && node.path != *before => {
            before.drop_front(via.dentry().prefix.len())
        }
        _ => Path::root(),
    }
}

/// The entry as it is written, with its place.
pub(crate) fn shown(via: &Via) -> String {
    let dentry = via.dentry();
    match dentry.place() {
        Some(place) => format!("{} => {} ({place})", dentry.prefix, dentry.dst),
        None => format!("{} => {}", dentry.prefix, dentry.dst),
    }
}

impl From<&Via> for ViewDentry {
    fn from(via: &Via) -> Self {
        let dentry = via.dentry();
        let place = dentry.place().map(|place| {
            let position = place.position();
            ViewPlace {
                file: place.source.name().to_owned(),
                line: position.line,
                column: position.column,
            }
        });
        ViewDentry {
            layer: via.layer,
            index: via.at,
            of: via.dtab.dentries().len(),
            prefix: dentry.prefix.to_string(),
            dst: dentry.dst.to_string(),
            place,
        }
    }
}

impl From<&Bound> for ViewBound {
    fn from(bound: &Bound) -> Self {
        let Bound { id, residual, addr, .. } = bound;
        ViewBound { id: id.clone(), residual: residual.clone(), addr: addr.clone() }
    }
}

#[cfg(test)]
mod tests;
