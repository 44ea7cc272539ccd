//! Which entries and branches of a table resolutions reach.
//!
//! A *branch* is a path or a constant of a destination: `/a | 3 * /b & !` has three. It is *evaluated*
//! if the resolution needs to know what it comes to, and *taken* if requests go there; of a name that
//! is not bound, if it decides that. A branch that says that nothing is here, a `~` anywhere and a `!`
//! in a union, can do no more than that: it is taken when its choice is.

use std::collections::BTreeSet;
use std::ops::AddAssign;

use crate::delegation::{Delegation, Layer, Outcome, Step, Via};
use crate::dtab::Dtab;
use crate::path::Path;
use crate::tree::{DEFAULT_WEIGHT, NameTree, show_weight};
use crate::view::{ViewNode, view};

/// What one resolution reaches in the base table. A branch is the number of its entry and its own
/// within the destination, both from 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reach {
    /// Entries that requests go by.
    pub entries: BTreeSet<usize>,
    /// Branches that are taken.
    pub taken: BTreeSet<(usize, usize)>,
    /// Branches that are evaluated.
    pub evaluated: BTreeSet<(usize, usize)>,
    /// The table, if anything of it was met.
    pub(super) dtab: Option<Dtab>,
}

impl Reach {
    /// What this resolution reaches.
    pub fn of(delegation: &Delegation) -> Self {
        let shown = view(delegation);
        let bound = matches!(delegation.outcome, Outcome::Found | Outcome::Empty);
        let mut walk = Walk { bound, reach: Reach::default() };
        walk.name(delegation, &shown, true);
        walk.reach
    }
}

/// Follows a resolution, its view, and the destinations that it comes by, side by side.
struct Walk {
    /// Whether requests go anywhere at all.
    bound: bool,
    reach: Reach,
}

/// A branch, or all branches from there on.
struct At<'v> {
    via: &'v Via,
    branch: usize,
    /// Whether what it comes to is needed.
    evaluated: bool,
    /// Whether the choice that it is a branch of is taken.
    choice: bool,
    /// Whether that choice is a union.
    union: bool,
}

impl Walk {
    fn takes(&self, shown: &ViewNode) -> bool {
        if self.bound { shown.probability > 0.0 } else { shown.taken }
    }

    /// A name that was looked up.
    fn name(&mut self, node: &Delegation, shown: &ViewNode, evaluated: bool) {
        let children = || node.children().into_iter().zip(&shown.children);
        match &node.step {
            Step::Delegate(_) => {
                let choice = self.takes(shown);
                for (child, shown) in children() {
                    self.entry(child, shown, evaluated, choice);
                }
            }
            Step::Overlooked(via, _) => {
                let taken = self.takes(shown);
                self.mark(via, 0, evaluated, taken);
                for (child, shown) in children() {
                    self.name(child, shown, evaluated);
                }
            }
            Step::Alt(branches) => {
                let entries = is_several_entries(branches);
                let (needed, choice) = (needed(branches), self.takes(shown));
                for (at, (child, shown)) in children().enumerate() {
                    let evaluated = evaluated && at < needed;
                    if entries {
                        self.entry(child, shown, evaluated, choice);
                    } else {
                        self.name(child, shown, evaluated);
                    }
                }
            }
            Step::Renamed(_) | Step::Transformed { .. } | Step::Union(_) => {
                for (child, shown) in children() {
                    self.name(child, shown, evaluated);
                }
            }
            Step::Leaf(_)
            | Step::Neg { .. }
            | Step::Fail { .. }
            | Step::Empty
            | Step::Pending
            | Step::Failed(_)
            | Step::Unreached => {}
        }
    }

    /// The destination of an entry; `choice` as in [`At`].
    fn entry(&mut self, node: &Delegation, shown: &ViewNode, evaluated: bool, choice: bool) {
        let Some(via) = &node.dentry else { return };
        let at = At { via, branch: 0, evaluated, choice, union: false };
        self.tree(node, shown, &via.dentry().dst, at);
    }

    fn tree(&mut self, node: &Delegation, shown: &ViewNode, tree: &NameTree<Path>, at: At<'_>) {
        let At { via, branch, evaluated, choice, union } = at;
        let takes = self.takes(shown);
        match (tree, &node.step) {
            (NameTree::Leaf(_), _) => {
                self.mark(via, branch, evaluated, takes);
                self.name(node, shown, evaluated);
            }
            (NameTree::Neg, _) => self.mark(via, branch, evaluated, evaluated && choice),
            (NameTree::Fail, _) => {
                self.mark(via, branch, evaluated, takes || (union && evaluated && choice));
            }
            (NameTree::Empty, _) => self.mark(via, branch, evaluated, takes),
            (NameTree::Alt(trees), Step::Alt(branches)) => {
                let needed = needed(branches);
                let mut branch = branch;
                let parts = trees.iter().zip(branches).zip(&shown.children);
                for (nth, ((tree, node), shown)) in parts.enumerate() {
                    let evaluated = evaluated && nth < needed;
                    let at = At { via, branch, evaluated, choice: takes, union: false };
                    self.tree(node, shown, tree, at);
                    branch += width(tree);
                }
            }
            (NameTree::Union(parts), Step::Union(branches)) => {
                let mut branch = branch;
                for ((part, (_, node)), shown) in parts.iter().zip(branches).zip(&shown.children) {
                    let at = At { via, branch, evaluated, choice: takes, union: true };
                    self.tree(node, shown, &part.tree, at);
                    branch += width(&part.tree);
                }
            }
            // It was not walked: there have been too many steps.
            (NameTree::Alt(_) | NameTree::Union(_), _) => {}
        }
    }

    fn mark(&mut self, via: &Via, branch: usize, evaluated: bool, taken: bool) {
        if via.layer != Layer::Base {
            return;
        }
        self.reach.dtab.get_or_insert_with(|| via.dtab.clone());
        if evaluated {
            self.reach.evaluated.insert((via.at, branch));
        }
        if taken {
            self.reach.taken.insert((via.at, branch));
            self.reach.entries.insert(via.at);
        }
    }
}

/// Whether these are the destinations of several entries, rather than what a namer answered: that is
/// all told by the one entry that led to the namer.
fn is_several_entries(branches: &[Delegation]) -> bool {
    let distinct = |pair: &[Delegation]| match pair {
        [one, next] => one.dentry.is_some() && next.dentry.is_some() && one.dentry != next.dentry,
        _ => false,
    };
    branches.len() > 1 && branches.windows(2).all(distinct)
}

/// How many branches of an alt have to be known.
fn needed(branches: &[Delegation]) -> usize {
    let decider = branches.iter().position(|branch| branch.outcome != Outcome::Neg);
    decider.map_or(branches.len(), |decider| decider + 1)
}

/// How many branches a tree has.
fn width(tree: &NameTree<Path>) -> usize {
    match tree {
        NameTree::Alt(trees) => trees.iter().map(width).sum(),
        NameTree::Union(branches) => branches.iter().map(|branch| width(&branch.tree)).sum(),
        NameTree::Leaf(_) | NameTree::Fail | NameTree::Neg | NameTree::Empty => 1,
    }
}

/// What a number of resolutions have reached of a table.
#[derive(Clone, Debug)]
pub struct Coverage {
    dtab: Dtab,
    taken: BTreeSet<(usize, usize)>,
    evaluated: BTreeSet<(usize, usize)>,
}

/// A branch that no resolution takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// The number of its entry, from 0.
    pub entry: usize,
    /// Its number in the destination, from 0.
    pub branch: usize,
    /// How many branches the destination has.
    pub of: usize,
    /// As it is shown, with its weight.
    pub text: String,
    /// Whether it was at least evaluated.
    pub evaluated: bool,
}

/// How much is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Entries of which a branch is taken.
    pub entries: usize,
    /// All entries.
    pub all_entries: usize,
    /// Branches that are taken.
    pub taken: usize,
    /// Branches that are evaluated.
    pub evaluated: usize,
    /// All branches.
    pub all_branches: usize,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.entries += other.entries;
        self.all_entries += other.all_entries;
        self.taken += other.taken;
        self.evaluated += other.evaluated;
        self.all_branches += other.all_branches;
    }
}

impl Count {
    /// How many of a hundred branches are taken; all of none.
    pub fn percent(&self) -> f64 {
        match self.all_branches {
            0 => 100.0,
            all => self.taken as f64 * 100.0 / all as f64,
        }
    }
}

impl Coverage {
    /// Nothing of a table.
    pub fn new(dtab: Dtab) -> Self {
        Coverage { dtab, taken: BTreeSet::new(), evaluated: BTreeSet::new() }
    }

    /// The table.
    pub fn dtab(&self) -> &Dtab {
        &self.dtab
    }

    /// Adds what a resolution by this table reaches.
    pub fn add(&mut self, delegation: &Delegation) {
        let Reach { taken, evaluated, .. } = Reach::of(delegation);
        self.taken.extend(taken);
        self.evaluated.extend(evaluated);
    }

    /// Adds what others have reached of the same table.
    pub fn join(&mut self, other: &Coverage) {
        self.taken.extend(&other.taken);
        self.evaluated.extend(&other.evaluated);
    }

    /// How much is reached.
    pub fn count(&self) -> Count {
        let entries: BTreeSet<_> = self.taken.iter().map(|(entry, _)| entry).collect();
        Count {
            entries: entries.len(),
            all_entries: self.dtab.len(),
            taken: self.taken.len(),
            evaluated: self.evaluated.union(&self.taken).count(),
            all_branches: self.dtab.iter().map(|dentry| width(&dentry.dst)).sum(),
        }
    }

    /// The branches that no resolution takes, in the order of the table.
    pub fn missed(&self) -> Vec<Missed> {
        let mut missed = Vec::new();
        for (entry, dentry) in self.dtab.iter().enumerate() {
            let mut texts = Vec::new();
            branches(&dentry.dst, DEFAULT_WEIGHT, &mut texts);
            let of = texts.len();
            for (branch, text) in texts.into_iter().enumerate() {
                if !self.taken.contains(&(entry, branch)) {
                    let evaluated = self.evaluated.contains(&(entry, branch));
                    missed.push(Missed { entry, branch, of, text, evaluated });
                }
            }
        }
        missed
    }
}

/// Every branch, as it is shown.
fn branches(tree: &NameTree<Path>, weight: f64, texts: &mut Vec<String>) {
    struct Share(f64);
    impl std::fmt::Display for Share {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            show_weight(self.0, f)
        }
    }
    match tree {
        NameTree::Alt(trees) => {
            for tree in trees {
                branches(tree, DEFAULT_WEIGHT, texts);
            }
        }
        NameTree::Union(parts) => {
            for part in parts {
                branches(&part.tree, part.weight, texts);
            }
        }
        single if weight == DEFAULT_WEIGHT => texts.push(single.to_string()),
        single => texts.push(format!("{} * {single}", Share(weight))),
    }
}
