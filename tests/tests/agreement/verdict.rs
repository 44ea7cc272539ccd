//! What becomes of the requests to a name, read from each of the forms that tell it.

use std::collections::BTreeMap;

use dtab::view::spread;
use dtab::{Activity, Addr, Bound, NameTree};
use serde_json::Value;

/// What becomes of the requests to a name.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    Pending,
    Failed,
    Neg,
    Fail,
    Empty,
    /// Each bound name and residual with its share of the requests; the shares of those that
    /// nobody answers are under `None`.
    Spread(BTreeMap<Option<(String, String)>, f64>),
}

impl PartialEq for Verdict {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Verdict::Spread(ours), Verdict::Spread(theirs)) => {
                ours.len() == theirs.len()
                    && ours.iter().zip(theirs).all(|((name, p), (other_name, other_p))| {
                        name == other_name && (p - other_p).abs() < 1e-9
                    })
            }
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

impl Verdict {
    /// The verdict of a bound tree.
    pub(crate) fn of_binding(bound: &Activity<NameTree<Bound>>) -> Self {
        match bound {
            Activity::Pending => Verdict::Pending,
            Activity::Failed(_) => Verdict::Failed,
            Activity::Ok(tree) => Verdict::of_tree(tree),
        }
    }

    fn of_tree(tree: &NameTree<Bound>) -> Self {
        match tree {
            NameTree::Neg => Verdict::Neg,
            NameTree::Fail => Verdict::Fail,
            NameTree::Empty => Verdict::Empty,
            NameTree::Leaf(bound) => {
                let (id, residual) = name_of(bound);
                Verdict::of_name(id, residual)
            }
            NameTree::Alt(trees) => first_not_neg(trees.iter().map(Verdict::of_tree)),
            NameTree::Union(branches) => union(
                branches
                    .iter()
                    .map(|branch| (branch.weight, Verdict::of_tree(&branch.tree)))
                    .collect(),
            ),
        }
    }

    /// The verdict of the client's draw over a bound tree.
    pub(crate) fn of_client(tree: &NameTree<Bound>) -> Self {
        match tree {
            NameTree::Neg => Verdict::Neg,
            NameTree::Fail => Verdict::Fail,
            NameTree::Empty => Verdict::Empty,
            tree => {
                let mut shares = BTreeMap::new();
                for (bound, share) in spread(tree) {
                    let name = bound.map(name_of);
                    *shares.entry(name).or_default() += share;
                }
                Verdict::Spread(shares)
            }
        }
    }

    /// The verdict of a tree of `/delegator.json`.
    pub(crate) fn of_delegator(tree: &Value) -> Self {
        let string = |value: &Value| value.as_str().expect("a string").to_owned();
        let list = |value: &'_ Value| value.as_array().expect("a list").clone();
        match tree["type"].as_str().expect("a type") {
            "neg" => Verdict::Neg,
            "fail" => Verdict::Fail,
            "empty" => Verdict::Empty,
            "exception" => Verdict::Failed,
            "delegate" => Verdict::of_delegator(&tree["delegate"]),
            "transformation" => Verdict::of_delegator(&tree["tree"]),
            "leaf" => {
                Verdict::of_name(string(&tree["bound"]["id"]), string(&tree["bound"]["path"]))
            }
            "alt" => first_not_neg(list(&tree["alt"]).iter().map(Verdict::of_delegator)),
            "union" => union(
                list(&tree["union"])
                    .iter()
                    .map(|branch| {
                        let weight = branch["weight"].as_f64().unwrap_or(f64::INFINITY);
                        (weight, Verdict::of_delegator(&branch["tree"]))
                    })
                    .collect(),
            ),
            other => panic!("no such node: {other}"),
        }
    }

    fn of_name(id: String, residual: String) -> Self {
        Verdict::Spread(BTreeMap::from([(Some((id, residual)), 1.0)]))
    }
}

/// The id and the residual of a bound name. An answer with a status has no id of its own: the
/// delegator shows the name that led to it.
fn name_of(bound: &Bound) -> (String, String) {
    let id = match bound.addr {
        Addr::Status(_) => bound.id.concat(&bound.residual),
        _ => bound.id.clone(),
    };
    (id.to_string(), bound.residual.to_string())
}

/// An alt's verdict is that of the first branch that is not negative.
fn first_not_neg(mut branches: impl Iterator<Item = Verdict>) -> Verdict {
    branches.find(|verdict| *verdict != Verdict::Neg).unwrap_or(Verdict::Neg)
}

/// A union draws one of the branches that are known and found, by weight, or evenly where none has
/// any. What fails or is pending is left out while anything is known.
fn union(mut branches: Vec<(f64, Verdict)>) -> Verdict {
    if branches.len() == 1 {
        return branches.remove(0).1;
    }
    let unknown = |verdict: &Verdict| matches!(verdict, Verdict::Failed | Verdict::Pending);
    if branches.iter().all(|(_, verdict)| unknown(verdict)) {
        let failed = branches.iter().any(|(_, verdict)| *verdict == Verdict::Failed);
        return if failed { Verdict::Failed } else { Verdict::Pending };
    }
    branches.retain(|(_, verdict)| matches!(verdict, Verdict::Spread(_) | Verdict::Empty));
    match branches.len() {
        0 => return Verdict::Neg,
        1 => return branches.remove(0).1,
        _ => {}
    }
    let total: f64 = branches.iter().map(|(weight, _)| weight).sum();
    let even = 1.0 / branches.len() as f64;
    let mut spread = BTreeMap::new();
    for (weight, verdict) in branches {
        let share = if total > 0.0 { weight / total } else { even };
        match verdict {
            Verdict::Spread(names) => {
                for (name, p) in names {
                    *spread.entry(name).or_default() += share * p;
                }
            }
            _ => *spread.entry(None).or_default() += share,
        }
    }
    Verdict::Spread(spread)
}
