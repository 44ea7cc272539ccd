//! From a class of names to what it comes to, by the evaluator itself.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::Scope;
use super::markers::{self, Marker, Markers};
use super::names::{Label, Names};
use super::open::{Need, Open, Told};
use super::target::{Can, Reduced, Target, Unclosed};
use crate::delegation::{Delegation, Step};
use crate::dentry::{Dentry, Element};
use crate::dtab::Dtab;
use crate::name::FailureKind;
use crate::path::Path;
use crate::resolve::{Explore, Resolver};
use crate::tree::NameTree;

/// The most steps of one class. All branches are walked, also those that are never needed.
const MOST_STEPS: usize = crate::MAX_OVERRIDDEN_STEPS;

/// A table, and where its prefixes tell labels apart.
#[derive(Debug)]
pub(super) struct Table<'a> {
    pub(super) dtab: &'a Dtab,
    /// A trie over the elements of the prefixes.
    nodes: Vec<Node>,
    /// The elements of the longest prefix.
    pub(super) longest: usize,
}

#[derive(Debug, Default)]
struct Node {
    labels: BTreeMap<Label, usize>,
    any: Option<usize>,
}

/// A branch of a dentry that names of a class may take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reached {
    /// Which dentry of the table.
    pub(super) dentry: usize,
    /// Which of its leaves and constants, in the order of the text.
    pub(super) branch: usize,
    /// What it comes to there.
    pub(super) can: Can,
}

/// What a class comes to by one table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Way {
    pub(super) tree: NameTree<Target>,
    /// In the order in which they are looked at; a branch that several steps take, several times.
    pub(super) reached: Vec<Reached>,
}

impl<'a> Table<'a> {
    pub(super) fn new(dtab: &'a Dtab) -> Self {
        dtab.compile();
        let mut nodes = vec![Node::default()];
        for dentry in dtab {
            let mut at = 0;
            for element in dentry.prefix.iter() {
                let next = nodes.len();
                let node = &mut nodes[at];
                at = match element {
                    Element::Any => *node.any.get_or_insert(next),
                    Element::Label(label) => match node.labels.get(label) {
                        Some(&known) => known,
                        None => *node.labels.entry(label.into()).or_insert(next),
                    },
                };
                if at == next {
                    nodes.push(Node::default());
                }
            }
        }
        let longest = dtab.iter().map(|dentry| dentry.prefix.len()).max().unwrap_or(0);
        Table { dtab, nodes, longest }
    }

    /// What has to be known before all entries are known that begin `path`, a name with markers.
    fn need(&self, path: &Path, names: &Names, markers: &Markers) -> Option<Need> {
        let mut reached = vec![0];
        for label in path {
            let nodes = reached.iter().map(|&at| &self.nodes[at]);
            let any = nodes.clone().filter_map(|node| node.any);
            let marker = markers.get(label);
            if let Some(marker) = marker {
                if marker == Marker::Rest && any.clone().next().is_some() {
                    return Some(Need::Rest);
                }
                let told_apart: BTreeSet<Label> =
                    nodes.flat_map(|node| node.labels.keys().cloned()).collect();
                if let Some(need) = names.need(marker, told_apart) {
                    return Some(need);
                }
                reached = any.collect();
            } else {
                let labels = nodes.filter_map(|node| node.labels.get(label).copied());
                reached = labels.chain(any).collect();
            }
            if reached.is_empty() {
                return None;
            }
        }
        None
    }

    /// What the class comes to, or what has to be known first; `steps` counts the steps of it.
    pub(super) fn tell(
        &self,
        names: &Names,
        markers: &Markers,
        scope: &Scope,
        steps: &mut usize,
    ) -> Result<Way, Need> {
        let open = Open { names, markers, scope, told: RefCell::default() };
        let none = Dtab::empty();
        let resolver = Resolver { base: self.dtab, local: &none, namers: &open, transformers: &[] };
        let path = markers.path(names);
        let (delegation, taken) = resolver.resolve_within(&path, Explore::All, MOST_STEPS);
        *steps += taken;
        let mut walk = Walk { table: self, open: &open, reached: Vec::new() };
        let tree = walk.look_up(&delegation)?.tree;
        Ok(Way { tree, reached: walk.reached })
    }
}

/// Reads a delegation as the tree of its ends.
struct Walk<'a> {
    table: &'a Table<'a>,
    open: &'a Open<'a>,
    reached: Vec<Reached>,
}

type Tree = Result<Reduced, Need>;

impl Walk<'_> {
    /// A name that was looked up.
    fn look_up(&mut self, node: &Delegation) -> Tree {
        if let Step::Failed(failure) = &node.step
            && matches!(failure.kind, FailureKind::TooDeep | FailureKind::TooManySteps)
        {
            return Ok(failed(failure.kind));
        }
        if let Some(need) = self.table.need(&node.path, self.open.names, self.open.markers) {
            return Err(need);
        }
        match &node.step {
            Step::Delegate(next) => self.entry(next),
            Step::Alt(branches) => self.alt(branches.len(), |walk, at| walk.entry(&branches[at])),
            Step::Overlooked(via, next) => {
                let tree = self.answer(next)?;
                let can = Reduced::NEGATIVE.can;
                self.reached.push(Reached { dentry: via.at, branch: 0, can });
                Ok(tree)
            }
            _ => self.answer(node),
        }
    }

    /// What the namers said.
    fn answer(&mut self, node: &Delegation) -> Tree {
        let target = |path: &Path| self.open.markers.template(path);
        Ok(match &node.step {
            Step::Leaf(bound) => match self.open.told.borrow().get(&node.path) {
                Some(Told::Need(need)) => return Err(need.clone()),
                Some(Told::Named) => Reduced::leaf(Target::Named(target(&node.path))),
                Some(Told::Rewritten) => Reduced::leaf(Target::Rewritten(target(&node.path))),
                None => {
                    let (id, residual) = (target(&bound.id), target(&bound.residual));
                    Reduced::leaf(Target::Bound { id, residual })
                }
            },
            Step::Renamed(next) => return self.look_up(next),
            Step::Neg { .. } => Reduced::NEGATIVE,
            Step::Fail { .. } => Reduced::REFUSED,
            Step::Empty => Reduced::EMPTY,
            Step::Failed(failure) => failed(failure.kind),
            // No other answer is given to an analysis.
            _ => Reduced::leaf(Target::Unknown(Unclosed::TooManySteps)),
        })
    }

    /// What an entry that matches makes of the name.
    fn entry(&mut self, node: &Delegation) -> Tree {
        let Some(via) = node.dentry.clone() else { return self.answer(node) };
        let mut at = Place { dentry: via.at, branch: 0 };
        self.branch(node, &via.dentry().dst, &mut at)
    }

    /// A part of an entry's tree, and the step that came of it.
    fn branch(&mut self, node: &Delegation, dst: &NameTree<Path>, at: &mut Place) -> Tree {
        if let (Step::Failed(failure), false) = (&node.step, matches!(dst, NameTree::Leaf(_))) {
            return Ok(failed(failure.kind));
        }
        match (dst, &node.step) {
            (NameTree::Alt(trees), Step::Alt(branches)) => {
                let mut here = Place { ..*at };
                at.branch += ends(dst);
                self.alt(trees.len().min(branches.len()), |walk, nth| {
                    walk.branch(&branches[nth], &trees[nth], &mut here)
                })
            }
            (NameTree::Union(trees), Step::Union(branches)) => {
                let pairs = trees.iter().zip(branches);
                let pairs = pairs.map(|(tree, (weight, branch))| {
                    Ok((*weight, self.branch(branch, &tree.tree, at)?))
                });
                Ok(Reduced::union(pairs.collect::<Result<_, _>>()?))
            }
            (dst, _) => {
                let tree = match dst {
                    NameTree::Neg => Reduced::NEGATIVE,
                    NameTree::Fail => Reduced::REFUSED,
                    NameTree::Empty => Reduced::EMPTY,
                    _ => self.look_up(node)?,
                };
                let Place { dentry, branch } = *at;
                self.reached.push(Reached { dentry, branch, can: tree.can });
                at.branch += 1;
                Ok(tree)
            }
        }
    }

    /// Branches in order, up to the first that is sure to decide.
    fn alt(&mut self, count: usize, mut branch: impl FnMut(&mut Self, usize) -> Tree) -> Tree {
        let mut trees = Vec::with_capacity(count);
        for at in 0..count {
            let tree = branch(self, at)?;
            let is_decided = !tree.can.be_negative;
            trees.push(tree);
            if is_decided {
                break;
            }
        }
        Ok(Reduced::alt(trees))
    }
}

/// Where in a table a branch stands.
struct Place {
    dentry: usize,
    branch: usize,
}

fn failed(kind: FailureKind) -> Reduced {
    Reduced::leaf(match kind {
        FailureKind::TooManySteps => Target::Unknown(Unclosed::TooManySteps),
        kind => Target::Failed(kind),
    })
}

/// How many leaves and constants a tree has.
pub(super) fn ends(tree: &NameTree<Path>) -> usize {
    match tree {
        NameTree::Alt(trees) => trees.iter().map(ends).sum(),
        NameTree::Union(branches) => branches.iter().map(|branch| ends(&branch.tree)).sum(),
        _ => 1,
    }
}

/// The labels of a table, of its prefixes and of what they become, that markers must not be.
pub(super) fn labels(dtab: &Dtab, into: &mut BTreeSet<Label>) {
    let mut add = |label: &[u8]| {
        if markers::may_be(label) && !into.contains(label) {
            into.insert(label.into());
        }
    };
    for Dentry { prefix, dst, .. } in dtab {
        for element in prefix.iter() {
            if let Element::Label(label) = element {
                add(label);
            }
        }
        dst.for_each_leaf(&mut |leaf| leaf.iter().for_each(&mut add));
    }
}
