//! What all names together make of each entry of a table: what lint rules go by.

use super::target::{Can, Target};
use super::{Classes, Scope};
use crate::delegation::Delegation;
use crate::dtab::Dtab;
use crate::name::FailureKind;
use crate::path::Path;
use crate::resolve::{Explore, Resolver};
use crate::tree::NameTree;

/// A name that fails, for each dentry that leads to it the first one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Endless {
    /// The dentry that leads back.
    pub(crate) dentry: usize,
    /// A name that takes this way.
    pub(crate) witness: Path,
    /// The names of one round.
    pub(crate) round: Vec<Path>,
}

/// What becomes of each branch of each entry.
#[derive(Debug)]
pub(crate) struct Survey {
    /// For each dentry and each of its leaves and constants what it comes to; `None` where no name
    /// comes to it.
    reach: Vec<Vec<Option<Can>>>,
    /// Endless ways.
    pub(crate) endless: Vec<Endless>,
    /// Whether all names were looked at, to the end.
    pub(crate) is_closed: bool,
}

/// More endless ways than this are not shown.
const MOST_ENDLESS: usize = 20;

impl Survey {
    pub(crate) fn of(dtab: &Dtab, scope: &Scope) -> Survey {
        let reach = dtab.iter().map(|dentry| vec![None; super::walk::ends(&dentry.dst)]).collect();
        let mut survey = Survey { reach, endless: Vec::new(), is_closed: true };
        let classes = Classes::of([dtab], scope);
        let cut = classes.visit(&mut |names, [way]| {
            for reached in &way.reached {
                let branches = &mut survey.reach[reached.dentry];
                if let Some(before) = branches.get_mut(reached.branch) {
                    *before = Some(before.unwrap_or_default().or(reached.can));
                }
            }
            let mut endless = false;
            way.tree.for_each_leaf(&mut |target| match target {
                Target::Failed(FailureKind::TooDeep) => endless = true,
                Target::Unknown(_) => survey.is_closed = false,
                _ => {}
            });
            if endless && survey.endless.len() < MOST_ENDLESS {
                survey.round(dtab, classes.example(names));
            }
        });
        survey.is_closed &= !cut;
        survey
    }

    /// Adds the round that a name goes, unless its last dentry is known for one.
    fn round(&mut self, dtab: &Dtab, witness: Path) {
        let (local, namers) = (&Dtab::empty(), &crate::NamerTable::new());
        let resolver = Resolver { base: dtab, local, namers, transformers: &[] };
        let (delegation, _) =
            resolver.resolve_within(&witness, Explore::All, crate::MAX_OVERRIDDEN_STEPS);
        let Some(round) = delegation.cycle() else { return };
        let Some(dentry) = last_of(&delegation) else { return };
        if self.endless.iter().all(|known| known.dentry != dentry) {
            self.endless.push(Endless { dentry, witness, round });
        }
    }

    /// Whether some name comes to some branch of a dentry.
    pub(crate) fn is_reached(&self, dentry: usize) -> bool {
        self.reach[dentry].iter().any(Option::is_some)
    }

    /// What the branches of a dentry come to, in the order of the text; `None` where no name comes.
    pub(crate) fn branches(&self, dentry: usize) -> &[Option<Can>] {
        &self.reach[dentry]
    }
}

/// The dentry with the smallest number on the first way to a look-up that is one too many, of those
/// that its last steps take: the same for every name that ends in the round.
fn last_of(delegation: &Delegation) -> Option<usize> {
    fn deepest(node: &Delegation, on_the_way: &mut Vec<usize>) -> bool {
        if let Some(via) = &node.dentry {
            on_the_way.push(via.at);
        }
        let found = match &node.step {
            crate::Step::Failed(failure) => failure.kind == FailureKind::TooDeep,
            _ => node.children().iter().any(|child| deepest(child, on_the_way)),
        };
        if !found && node.dentry.is_some() {
            on_the_way.pop();
        }
        found
    }
    let mut on_the_way = Vec::new();
    deepest(delegation, &mut on_the_way);
    let round = on_the_way.len().saturating_sub(crate::MAX_DEPTH / 2);
    on_the_way[round..].iter().copied().min()
}

/// Whether a tree says nothing else than `~` and `!`.
pub(crate) fn is_all_negative(tree: &NameTree<Path>) -> bool {
    match tree {
        NameTree::Neg | NameTree::Fail => true,
        NameTree::Leaf(_) | NameTree::Empty => false,
        NameTree::Alt(trees) => trees.iter().all(is_all_negative),
        NameTree::Union(branches) => branches.iter().all(|branch| is_all_negative(&branch.tree)),
    }
}
