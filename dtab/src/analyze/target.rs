//! What a class of names comes to: a tree of targets, told in terms of the name.

use std::fmt;

use super::names::{Label, Names, Shown};
use crate::name::FailureKind;
use crate::path::Path;
use crate::tree::{NameTree, Weighted};

/// A path that is made of parts of a name: `/#/io.l5d.fs/*/…` is what `/svc/*/…` becomes where its
/// second element and all that follows are taken over.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Part {
    /// This label, whatever the name.
    Label(Label),
    /// The element of the name at this place.
    Element(usize),
    /// All of the name that its class leaves open at the end.
    Rest,
}

impl Template {
    pub(super) fn new(parts: Vec<Part>) -> Self {
        Template { parts }
    }

    /// The path that it is for `name`, a name of the class `of`.
    pub fn of(&self, name: &Path, of: &Names) -> Path {
        let mut path = Path::root();
        for part in &self.parts {
            match part {
                Part::Label(label) => path.push(label),
                Part::Element(at) => {
                    if let Some(label) = name.iter().nth(*at) {
                        path.push(label);
                    }
                }
                Part::Rest => {
                    name.iter().skip(of.elements().len()).for_each(|label| path.push(label));
                }
            }
        }
        path
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.parts.is_empty() {
            return f.write_str("/");
        }
        self.parts.iter().try_for_each(|part| match part {
            Part::Label(label) => write!(f, "/{}", Shown(label)),
            Part::Element(_) => f.write_str("/*"),
            Part::Rest => f.write_str("/…"),
        })
    }
}

/// An end of a resolution.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// Bound to this name, whatever is discovered.
    Bound {
        /// What it is called.
        id: Template,
        /// What is left of the name behind it.
        residual: Template,
    },
    /// What a namer says of this name: discovery knows whether it exists.
    Named(Template),
    /// A built-in name that reads the labels of the name as text. Where it leads is not told.
    Rewritten(Template),
    /// The name fails as a whole.
    Failed(FailureKind),
    /// The analysis has not come to an end here.
    Unknown(Unclosed),
}

/// Why an analysis stopped before it came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unclosed {
    /// Longer and longer names would have to be told apart.
    TooLong,
    /// One name fans out into too many steps.
    TooManySteps,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Bound { id, .. } => id.fmt(f),
            Target::Named(name) => name.fmt(f),
            Target::Rewritten(name) => write!(f, "<whatever {name} is>"),
            Target::Failed(kind) => f.write_str(match kind {
                FailureKind::TooDeep => "<endless>",
                FailureKind::UnknownNamer => "<unknown namer>",
                FailureKind::BadName | FailureKind::Namer => "<bad name>",
                FailureKind::TooManySteps => "<too many steps>",
            }),
            Target::Unknown(Unclosed::TooLong) => f.write_str("<not told: too long>"),
            Target::Unknown(Unclosed::TooManySteps) => f.write_str("<not told: too many steps>"),
        }
    }
}

/// The outcomes that a tree can have, depending on what is discovered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Can {
    /// Found, be it with nobody behind it.
    pub(crate) be_found: bool,
    pub(crate) be_negative: bool,
    pub(crate) refuse: bool,
    pub(crate) fail: bool,
}

impl Can {
    const FOUND: Can = Can { be_found: true, be_negative: false, refuse: false, fail: false };
    const NEGATIVE: Can = Can { be_found: false, be_negative: true, refuse: false, fail: false };
    const REFUSED: Can = Can { be_found: false, be_negative: false, refuse: true, fail: false };
    const FAILED: Can = Can { be_found: false, be_negative: false, refuse: false, fail: true };

    pub(super) fn or(self, other: Can) -> Can {
        Can {
            be_found: self.be_found || other.be_found,
            be_negative: self.be_negative || other.be_negative,
            refuse: self.refuse || other.refuse,
            fail: self.fail || other.fail,
        }
    }
}

/// A tree without what cannot matter, by the evaluator's rules: an alt without its negative branches
/// and what follows a decisive one, a union without branches that drop out. It comes to the same as
/// before, whatever is discovered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reduced {
    pub(super) tree: NameTree<Target>,
    /// What it can come to, or more.
    pub(super) can: Can,
}

impl Reduced {
    pub(super) const NEGATIVE: Reduced = Reduced { tree: NameTree::Neg, can: Can::NEGATIVE };
    pub(super) const REFUSED: Reduced = Reduced { tree: NameTree::Fail, can: Can::REFUSED };
    pub(super) const EMPTY: Reduced = Reduced { tree: NameTree::Empty, can: Can::FOUND };

    pub(super) fn leaf(target: Target) -> Self {
        let can = match &target {
            Target::Bound { .. } => Can::FOUND,
            Target::Named(_) => Can::FOUND.or(Can::NEGATIVE),
            Target::Rewritten(_) | Target::Unknown(_) => {
                Can::FOUND.or(Can::NEGATIVE).or(Can::REFUSED).or(Can::FAILED)
            }
            Target::Failed(_) => Can::FAILED,
        };
        Reduced { tree: NameTree::Leaf(target), can }
    }

    /// The first of these that is not negative. What follows one that never is need not be given.
    pub(super) fn alt(branches: impl IntoIterator<Item = Reduced>) -> Self {
        let mut kept = Vec::new();
        let mut can = Can::default();
        let mut is_decided = false;
        for Reduced { tree, can: this } in branches {
            if this == Can::NEGATIVE {
                continue;
            }
            match tree {
                NameTree::Alt(inner) => kept.extend(inner),
                tree => kept.push(tree),
            }
            can = can.or(Can { be_negative: false, ..this });
            if !this.be_negative {
                is_decided = true;
                break;
            }
        }
        can.be_negative = !is_decided;
        match kept.len() {
            0 => Reduced::NEGATIVE,
            1 => Reduced { tree: kept.remove(0), can },
            _ => Reduced { tree: NameTree::Alt(kept), can },
        }
    }

    /// Each of these by its weight.
    pub(super) fn union(mut branches: Vec<(f64, Reduced)>) -> Self {
        if branches.len() == 1 {
            return branches.remove(0).1;
        }
        let before = branches.len();
        branches.retain(|(_, branch)| branch.can != Can::NEGATIVE && branch.can != Can::REFUSED);
        if branches.iter().all(|(_, branch)| branch.can == Can::FAILED) {
            // One branch that is negative, or that refuses, is enough for the union to be negative.
            let none_dropped = branches.len() == before;
            let first = branches.into_iter().next().filter(|_| none_dropped);
            return first.map_or(Reduced::NEGATIVE, |(_, first)| first);
        }
        let is_found = branches.iter().any(|(_, branch)| branch.can == Can::FOUND);
        if is_found {
            branches.retain(|(_, branch)| branch.can != Can::FAILED);
        }
        let dropped = branches.len() < before;
        let can = Can {
            be_found: true,
            be_negative: !is_found,
            refuse: false,
            fail: !is_found && !dropped && branches.iter().all(|(_, branch)| branch.can.fail),
        };
        let alone = branches.len() == 1;
        if alone && !branches[0].1.can.refuse && !branches[0].1.can.fail {
            return branches.remove(0).1;
        }
        // Alone these would refuse or fail where the union, of which a branch has dropped out, is
        // negative.
        if dropped && branches.iter().all(|(_, branch)| branch.can.refuse || branch.can.fail) {
            branches.push((crate::DEFAULT_WEIGHT, Reduced::NEGATIVE));
        }
        let branches = branches.into_iter();
        let branches = branches.map(|(weight, Reduced { tree, .. })| Weighted { weight, tree });
        Reduced { tree: NameTree::Union(branches.collect()), can }
    }

    /// The tree with each leaf made anew.
    pub(super) fn of(tree: &NameTree<Target>, leaf: &mut impl FnMut(&Target) -> Reduced) -> Self {
        match tree {
            NameTree::Alt(trees) => Reduced::alt(trees.iter().map(|tree| Reduced::of(tree, leaf))),
            NameTree::Union(branches) => Reduced::union(
                branches
                    .iter()
                    .map(|branch| (branch.weight, Reduced::of(&branch.tree, leaf)))
                    .collect(),
            ),
            NameTree::Leaf(target) => leaf(target),
            NameTree::Neg => Reduced::NEGATIVE,
            NameTree::Fail => Reduced::REFUSED,
            NameTree::Empty => Reduced::EMPTY,
        }
    }
}
