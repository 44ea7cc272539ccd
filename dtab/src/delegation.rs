//! The explained resolution of a name, and what it binds to.

use std::fmt;

use crate::dentry::Dentry;
use crate::dtab::Dtab;
use crate::name::{Activity, Bound, Failure, FailureKind};
use crate::path::Path;
use crate::tree::{NameTree, Weighted};

/// One step of a resolution, and all that follows from it.
///
/// The data path's bound tree is a projection of this ([`Delegation::bind`]), so what is shown to
/// people is what happens to requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Delegation {
    /// The name at this step.
    pub path: Path,
    /// The entry that led here; none at the root.
    pub dentry: Option<Via>,
    /// What became of the name.
    pub step: Step,
    /// What that comes to.
    pub outcome: Outcome,
}

/// What became of a name at one step.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// One entry matched, and this follows.
    Delegate(Box<Delegation>),
    /// A namer said that the name is another one.
    Renamed(Box<Delegation>),
    /// The only matching entry says `~`, which is as good as none: the namers were asked, and this
    /// is what they said.
    Overlooked(Via, Box<Delegation>),
    /// Several entries matched, or a tree has a `|`: in order of preference.
    Alt(Vec<Delegation>),
    /// Each gets a share.
    Union(Vec<(f64, Delegation)>),
    /// Bound.
    Leaf(Bound),
    /// A transformer changed a bound name.
    Transformed {
        /// Who did it, as Linkerd's delegator names it.
        by: &'static str,
        /// The bound name before.
        before: Box<Bound>,
        /// What it was changed to.
        after: Box<Delegation>,
        /// Whether that is another name, which has nothing of the one before: no weight, either.
        replaced: bool,
    },
    /// Nothing here. `written` if by a `~` in the table or in the tree of a namer; otherwise
    /// nothing took the name.
    Neg {
        /// Whether a `~` says so.
        written: bool,
    },
    /// Refused. `written` if by a `!` in the table.
    Fail {
        /// Whether a `!` says so.
        written: bool,
    },
    /// Found, with nobody behind it.
    Empty,
    /// Not known yet.
    Pending,
    /// Cannot be known.
    Failed(Failure),
    /// An earlier branch of the alt decides, so this one was not looked at.
    Unreached,
}

/// What a step comes to in the end: why a branch is taken or dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It binds to something.
    Found,
    /// Negative: an alt tries its next branch, a union drops this one.
    Neg,
    /// Failing: an alt stops here, a union drops this one.
    Fail,
    /// Chosen, with nobody behind it.
    Empty,
    /// An alt waits for it, a union leaves it out while it can.
    Pending,
    /// An alt fails with it, a union leaves it out while it can.
    Failed,
    /// Not looked at.
    Unreached,
}

/// Which of the tables in force an entry stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layer {
    /// The table of the interpreter and router.
    Base,
    /// The override of this request.
    Local,
}

/// A dentry of one of the tables in force.
#[derive(Clone)]
pub struct Via {
    /// Which table.
    pub layer: Layer,
    /// The table itself, shared.
    pub dtab: Dtab,
    /// Which entry, from 0.
    pub at: usize,
}

impl Via {
    /// The entry.
    pub fn dentry(&self) -> &Dentry {
        &self.dtab.dentries()[self.at]
    }
}

impl PartialEq for Via {
    fn eq(&self, other: &Self) -> bool {
        self.layer == other.layer && self.at == other.at && self.dentry() == other.dentry()
    }
}

impl fmt::Debug for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}[{}] {}", self.layer, self.at, self.dentry())
    }
}

impl Delegation {
    /// A step that `dentry` led to; what it comes to follows from what became of the name.
    pub fn new(path: Path, dentry: Option<Via>, step: Step) -> Self {
        let outcome = step.outcome();
        Delegation { path, dentry, step, outcome }
    }

    /// Whether the name was one look-up too many.
    pub(crate) fn is_too_deep(&self) -> bool {
        matches!(&self.step, Step::Failed(failure) if failure.kind == FailureKind::TooDeep)
    }

    /// What the name is bound to, as Finagle's `Namer.bind` has it.
    pub fn bind(&self) -> Activity<NameTree<Bound>> {
        self.bind_weighted(None)
    }

    fn bind_weighted(&self, weight: Option<f64>) -> Activity<NameTree<Bound>> {
        match &self.step {
            Step::Delegate(next) | Step::Renamed(next) | Step::Overlooked(_, next) => {
                next.bind_weighted(weight)
            }
            Step::Transformed { replaced: true, after, .. } => after.bind_weighted(None),
            Step::Transformed { after, .. } => after.bind_weighted(weight),
            Step::Alt(branches) => branches
                .iter()
                .find(|branch| branch.outcome != Outcome::Neg)
                .map_or(Activity::Ok(NameTree::Neg), |branch| branch.bind_weighted(weight)),
            Step::Union(branches) => self.bind_union(branches),
            Step::Leaf(bound) => Activity::Ok(NameTree::Leaf(Bound { weight, ..bound.clone() })),
            Step::Neg { .. } => Activity::Ok(NameTree::Neg),
            Step::Fail { .. } => Activity::Ok(NameTree::Fail),
            Step::Empty => Activity::Ok(NameTree::Empty),
            Step::Pending | Step::Unreached => Activity::Pending,
            Step::Failed(failure) => Activity::Failed(failure.clone()),
        }
    }

    fn bind_union(&self, branches: &[(f64, Delegation)]) -> Activity<NameTree<Bound>> {
        if let [(weight, only)] = branches {
            return only.bind_weighted(Some(*weight));
        }
        match self.outcome {
            Outcome::Found | Outcome::Empty => {}
            Outcome::Failed => {
                let failed = branches.iter().find(|(_, branch)| branch.outcome == Outcome::Failed);
                return failed.map_or(Activity::Pending, |(_, branch)| branch.bind_weighted(None));
            }
            Outcome::Pending | Outcome::Unreached => return Activity::Pending,
            Outcome::Neg | Outcome::Fail => return Activity::Ok(NameTree::Neg),
        }
        let mut kept = Vec::with_capacity(branches.len());
        for (weight, branch) in branches {
            if matches!(branch.outcome, Outcome::Found | Outcome::Empty)
                && let Activity::Ok(tree) = branch.bind_weighted(Some(*weight))
            {
                kept.push(Weighted { weight: *weight, tree });
            }
        }
        if kept.len() == 1 {
            return Activity::Ok(kept.remove(0).tree);
        }
        Activity::Ok(NameTree::Union(kept))
    }

    /// The steps right behind this one.
    pub fn children(&self) -> Vec<&Delegation> {
        match &self.step {
            Step::Delegate(next) | Step::Renamed(next) | Step::Overlooked(_, next) => vec![next],
            Step::Transformed { after, .. } => vec![after],
            Step::Alt(branches) => branches.iter().collect(),
            Step::Union(branches) => branches.iter().map(|(_, branch)| branch).collect(),
            _ => Vec::new(),
        }
    }

    /// The names that led to the first look-up beyond the depth limit, if one did: the steps of
    /// the cycle from the first time its name was seen to the second. If no name comes twice
    /// (each round adds to it), the last few names.
    pub fn cycle(&self) -> Option<Vec<Path>> {
        fn deepest<'d>(node: &'d Delegation, names: &mut Vec<&'d Path>) -> bool {
            let looked_up = names.last() != Some(&&node.path);
            if looked_up {
                names.push(&node.path);
            }
            let found = match &node.step {
                Step::Failed(_) => node.is_too_deep(),
                _ => node.children().iter().any(|child| deepest(child, names)),
            };
            if !found && looked_up {
                names.pop();
            }
            found
        }
        let mut names = Vec::new();
        if !deepest(self, &mut names) {
            return None;
        }
        for (at, name) in names.iter().enumerate() {
            if let Some(again) = names[at + 1..].iter().position(|other| other == name) {
                return Some(names[at..=at + 1 + again].iter().map(|&name| name.clone()).collect());
            }
        }
        // A name that becomes itself in one step is not listed twice.
        if names.len() == 1 {
            return Some(vec![names[0].clone(), names[0].clone()]);
        }
        Some(names[names.len().saturating_sub(3)..].iter().map(|&name| name.clone()).collect())
    }
}

impl Step {
    fn outcome(&self) -> Outcome {
        match self {
            Step::Delegate(next) | Step::Renamed(next) | Step::Overlooked(_, next) => next.outcome,
            Step::Transformed { after, .. } => after.outcome,
            Step::Alt(branches) => branches
                .iter()
                .map(|branch| branch.outcome)
                .find(|&outcome| outcome != Outcome::Neg)
                .unwrap_or(Outcome::Neg),
            Step::Union(branches) => union_outcome(branches),
            Step::Leaf(_) => Outcome::Found,
            Step::Neg { .. } => Outcome::Neg,
            Step::Fail { .. } => Outcome::Fail,
            Step::Empty => Outcome::Empty,
            Step::Pending => Outcome::Pending,
            Step::Failed(_) => Outcome::Failed,
            Step::Unreached => Outcome::Unreached,
        }
    }
}

/// Negative and failing branches drop out, and so do failed and pending ones while any branch is
/// known; one that is known to be negative is enough for that.
fn union_outcome(branches: &[(f64, Delegation)]) -> Outcome {
    if let [(_, only)] = branches {
        return only.outcome;
    }
    let count =
        |wanted: Outcome| branches.iter().filter(|(_, branch)| branch.outcome == wanted).count();
    match (count(Outcome::Found), count(Outcome::Empty)) {
        (0, 1) => Outcome::Empty,
        (0, 0) if count(Outcome::Neg) + count(Outcome::Fail) > 0 || branches.is_empty() => {
            Outcome::Neg
        }
        (0, 0) if count(Outcome::Failed) > 0 => Outcome::Failed,
        (0, 0) => Outcome::Pending,
        _ => Outcome::Found,
    }
}
