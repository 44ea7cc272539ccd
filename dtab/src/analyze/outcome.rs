//! When two trees come to the same, whatever is discovered.

use super::target::{Reduced, Target, Template};
use crate::name::FailureKind;
use crate::tree::NameTree;
use crate::view::shares;

/// What discovery is taken to say: whether each of these names exists.
pub type Assumed = Vec<(Template, bool)>;

/// Whether two tables send a class of names to the same place.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// They do, whatever is discovered.
    Same,
    /// They do not if discovery says this.
    Changed(Assumed),
    /// The names lead to other names, and change where those do.
    Follows,
    /// Nobody can tell from the tables alone.
    Unknown,
}

/// The most that is looked at for one class: leaves, in all cases of what discovery may say.
const MOST_LEAVES: usize = 100_000;

/// Compares what a class comes to by two tables; both trees are reduced.
///
/// Names that a namer answers for may each exist or not. They are taken one after the other, and
/// both trees cut down by each answer, until the trees are equal or nothing is left to ask.
pub(super) fn compare(before: &NameTree<Target>, after: &NameTree<Target>) -> Verdict {
    let mut cases = Cases { left: MOST_LEAVES, assumed: Vec::new() };
    cases.compare(before, after)
}

struct Cases {
    left: usize,
    assumed: Assumed,
}

impl Cases {
    fn compare(&mut self, before: &NameTree<Target>, after: &NameTree<Target>) -> Verdict {
        if before == after {
            let unknown = any(before, &|target| matches!(target, Target::Unknown(_)));
            return if unknown { Verdict::Unknown } else { Verdict::Same };
        }
        let mut leaves = 1;
        before.for_each_leaf(&mut |_| leaves += 1);
        after.for_each_leaf(&mut |_| leaves += 1);
        let Some(left) = self.left.checked_sub(leaves) else { return Verdict::Unknown };
        self.left = left;
        let Some(name) = first_named(before).or_else(|| first_named(after)).cloned() else {
            return match (settled(before), settled(after)) {
                (Some(before), Some(after)) if same(&before, &after) => Verdict::Same,
                (Some(_), Some(_)) => Verdict::Changed(self.assumed.clone()),
                _ => Verdict::Unknown,
            };
        };
        let mut unknown = false;
        for exists in [true, false] {
            let [before, after] = [before, after].map(|tree| assume(tree, &name, exists));
            self.assumed.push((name.clone(), exists));
            let verdict = self.compare(&before, &after);
            self.assumed.pop();
            match verdict {
                Verdict::Changed(_) => return verdict,
                Verdict::Unknown => unknown = true,
                Verdict::Same | Verdict::Follows => {}
            }
        }
        if unknown { Verdict::Unknown } else { Verdict::Same }
    }
}

/// The tree if a name exists, or if it does not.
pub(super) fn assume(tree: &NameTree<Target>, name: &Template, exists: bool) -> NameTree<Target> {
    let leaf = &mut |target: &Target| match target {
        Target::Named(this) if this == name && exists => {
            let residual = Template::new(Vec::new());
            Reduced::leaf(Target::Bound { id: name.clone(), residual })
        }
        Target::Named(this) if this == name => Reduced::NEGATIVE,
        target => Reduced::leaf(target.clone()),
    };
    Reduced::of(tree, leaf).tree
}

fn any(tree: &NameTree<Target>, is: &dyn Fn(&Target) -> bool) -> bool {
    let mut found = false;
    tree.for_each_leaf(&mut |leaf| found |= is(leaf));
    found
}

fn first_named(tree: &NameTree<Target>) -> Option<&Template> {
    let mut first = None;
    tree.for_each_leaf(&mut |leaf| {
        if let Target::Named(name) = leaf {
            first = first.or(Some(name));
        }
    });
    first
}

/// What becomes of requests where discovery has answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Settled {
    /// Not here.
    Negative,
    /// Refused.
    Refused,
    /// It fails.
    Failed(FailureKind),
    /// Each of these gets its share, 0 to 1; `None` is nobody. Sorted, no target twice.
    Spread(Vec<(Option<(Template, Template)>, f64)>),
}

/// What a reduced tree comes to; `None` if that depends on what is discovered, or is not known.
pub(super) fn settled(tree: &NameTree<Target>) -> Option<Settled> {
    if any(tree, &|target| !matches!(target, Target::Bound { .. } | Target::Failed(_))) {
        return None;
    }
    Some(match tree {
        NameTree::Neg => Settled::Negative,
        NameTree::Fail => Settled::Refused,
        NameTree::Leaf(Target::Failed(kind)) => Settled::Failed(*kind),
        tree => {
            let mut spread = Vec::new();
            draw(tree, 1.0, &mut spread);
            spread.sort_by(|(a, _), (b, _)| a.cmp(b));
            spread.dedup_by(|(again, more), (target, share)| {
                let same = again == target;
                *share += if same { *more } else { 0.0 };
                same
            });
            spread.retain(|(_, share)| *share > 0.0);
            Settled::Spread(spread)
        }
    })
}

/// As [`view::spread`](crate::view::spread), for a reduced tree in which all is known.
fn draw(
    tree: &NameTree<Target>,
    share: f64,
    spread: &mut Vec<(Option<(Template, Template)>, f64)>,
) {
    match tree {
        NameTree::Leaf(Target::Bound { id, residual }) => {
            spread.push((Some((id.clone(), residual.clone())), share));
        }
        NameTree::Empty => spread.push((None, share)),
        NameTree::Alt(trees) => {
            if let Some(first) = trees.first() {
                draw(first, share, spread);
            }
        }
        NameTree::Union(branches) => {
            let weights: Vec<_> = branches.iter().map(|branch| Some(branch.weight)).collect();
            for (branch, part) in branches.iter().zip(shares(&weights)) {
                draw(&branch.tree, share * part, spread);
            }
        }
        NameTree::Leaf(_) | NameTree::Neg | NameTree::Fail => {}
    }
}

/// Shares are sums of products: the last digits do not count.
const TOLERANCE: f64 = 1e-9;

pub(super) fn same(a: &Settled, b: &Settled) -> bool {
    match (a, b) {
        (Settled::Spread(a), Settled::Spread(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b)
                    .all(|((a, share), (b, other))| a == b && (share - other).abs() <= TOLERANCE)
        }
        (a, b) => a == b,
    }
}
