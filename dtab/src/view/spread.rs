//! How a client's requests spread over a bound tree.

use crate::name::Bound;
use crate::tree::NameTree;

/// The outcomes of a bound tree in tree order, each with the probability that a request meets it:
/// a leaf, or `None` for nobody ("no brokers"). They sum to 1; a tree that is negative or failing
/// is one outcome, nobody.
///
/// A client draws a branch of a union by weight, again at each union below. Weights that are all
/// zero are even; infinite ones share everything. Alts are decided before that, by their first
/// branch that is not negative, and negative and failing branches of a union are not drawn.
pub fn spread(tree: &NameTree<Bound>) -> Vec<(Option<&Bound>, f64)> {
    let mut outcomes = Vec::new();
    if usable(tree) {
        draw(tree, 1.0, &mut outcomes);
    } else {
        outcomes.push((None, 1.0));
    }
    outcomes
}

fn draw<'t>(tree: &'t NameTree<Bound>, share: f64, outcomes: &mut Vec<(Option<&'t Bound>, f64)>) {
    match tree {
        NameTree::Alt(trees) => {
            if let Some(chosen) = trees.iter().find(|tree| usable(tree)) {
                draw(chosen, share, outcomes);
            }
        }
        NameTree::Union(branches) => {
            let weights: Vec<_> = branches
                .iter()
                .map(|branch| usable(&branch.tree).then_some(branch.weight))
                .collect();
            for ((branch, weight), part) in branches.iter().zip(&weights).zip(shares(&weights)) {
                if weight.is_some() {
                    draw(&branch.tree, share * part, outcomes);
                }
            }
        }
        NameTree::Leaf(bound) => outcomes.push((Some(bound), share)),
        NameTree::Empty => outcomes.push((None, share)),
        NameTree::Neg | NameTree::Fail => {}
    }
}

/// Whether requests are sent there, be it to nobody: as [`NameTree::eval`] finds something.
fn usable(tree: &NameTree<Bound>) -> bool {
    tree.eval().is_some()
}

/// The part that each weight has of all; 0 for a branch that has dropped out (`None`).
pub(crate) fn shares(weights: &[Option<f64>]) -> Vec<f64> {
    let kept = || weights.iter().flatten();
    // An infinite weight leaves nothing to finite ones; if all are zero, all count alike.
    let level: fn(f64) -> f64 = if kept().any(|weight| weight.is_infinite()) {
        |weight| if weight.is_infinite() { 1.0 } else { 0.0 }
    } else if kept().all(|&weight| weight == 0.0) {
        |_| 1.0
    } else {
        |weight| weight
    };
    // Halved until the sum cannot overflow.
    let highest = kept().map(|&weight| level(weight)).fold(0.0, f64::max);
    let scaled = |weight: f64| level(weight) / highest;
    let sum: f64 = kept().map(|&weight| scaled(weight)).sum();
    weights.iter().map(|weight| weight.map_or(0.0, |weight| scaled(weight) / sum)).collect()
}
