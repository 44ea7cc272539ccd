//! Name trees: what a path can become.

use std::fmt;

/// What a name stands for: one thing, or a choice among several.
///
/// ```text
/// a | b | c            Alt: the first that is not negative
/// 0.7 * a & 0.3 * b    Union: a share of the requests each
/// ~                    Neg: not here, try the next
/// !                    Fail: not here, and stop looking
/// $                    Empty: here, but with nobody behind it
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum NameTree<T> {
    /// The first branch that is not negative.
    Alt(Vec<NameTree<T>>),
    /// Each branch gets a share of the requests, by weight.
    Union(Vec<Weighted<T>>),
    /// One thing.
    Leaf(T),
    /// `!`: stop looking.
    Fail,
    /// `~`: look at the next branch.
    Neg,
    /// `$`: found, but empty.
    Empty,
}

/// A branch of a [`NameTree::Union`].
#[derive(Clone, Debug, PartialEq)]
pub struct Weighted<T> {
    /// Its share, relative to the weights of its siblings. Never negative; may be infinite.
    pub weight: f64,
    /// What the share goes to.
    pub tree: NameTree<T>,
}

/// The weight of a union branch for which none is written.
pub const DEFAULT_WEIGHT: f64 = 1.0;

impl<T> NameTree<T> {
    /// The tree itself, or, if it is a choice of one, that one.
    pub(crate) fn peeled(&self) -> &NameTree<T> {
        match self {
            NameTree::Alt(trees) if trees.len() == 1 => trees[0].peeled(),
            NameTree::Union(branches) if branches.len() == 1 => branches[0].tree.peeled(),
            tree => tree,
        }
    }

    /// The same tree with every leaf mapped.
    pub fn map<U>(&self, f: &mut impl FnMut(&T) -> U) -> NameTree<U> {
        match self {
            NameTree::Alt(trees) => NameTree::Alt(trees.iter().map(|tree| tree.map(f)).collect()),
            NameTree::Union(branches) => NameTree::Union(
                branches
                    .iter()
                    .map(|branch| Weighted { weight: branch.weight, tree: branch.tree.map(f) })
                    .collect(),
            ),
            NameTree::Leaf(leaf) => NameTree::Leaf(f(leaf)),
            NameTree::Fail => NameTree::Fail,
            NameTree::Neg => NameTree::Neg,
            NameTree::Empty => NameTree::Empty,
        }
    }

    /// Calls `f` with every leaf, in order.
    pub fn for_each_leaf<'a>(&'a self, f: &mut impl FnMut(&'a T)) {
        match self {
            NameTree::Alt(trees) => trees.iter().for_each(|tree| tree.for_each_leaf(f)),
            NameTree::Union(branches) => {
                for branch in branches {
                    branch.tree.for_each_leaf(f);
                }
            }
            NameTree::Leaf(leaf) => f(leaf),
            NameTree::Fail | NameTree::Neg | NameTree::Empty => {}
        }
    }
}

impl<T: Clone> NameTree<T> {
    /// The tree without the branches that can never be chosen.
    ///
    /// As Finagle's `NameTree.simplified`: negative branches of an alt go, and so does all behind
    /// a failing one; negative and failing branches of a union go; an alt or union of one branch
    /// is that branch, and of none is negative. Nested alts and unions stay nested.
    #[must_use]
    pub fn simplified(&self) -> NameTree<T> {
        match self.peeled() {
            NameTree::Alt(trees) => {
                let mut kept = Vec::with_capacity(trees.len());
                for tree in trees {
                    match tree.simplified() {
                        NameTree::Neg => {}
                        NameTree::Fail => {
                            kept.push(NameTree::Fail);
                            break;
                        }
                        tree => kept.push(tree),
                    }
                }
                single_or(kept, NameTree::Alt)
            }
            NameTree::Union(branches) => {
                let mut kept = Vec::with_capacity(branches.len());
                for branch in branches {
                    match branch.tree.simplified() {
                        NameTree::Neg | NameTree::Fail => {}
                        tree => kept.push(Weighted { weight: branch.weight, tree }),
                    }
                }
                if kept.len() > 1 {
                    return NameTree::Union(kept);
                }
                kept.pop().map_or(NameTree::Neg, |only| only.tree)
            }
            other => other.clone(),
        }
    }
}

fn single_or<T>(
    mut trees: Vec<NameTree<T>>,
    many: fn(Vec<NameTree<T>>) -> NameTree<T>,
) -> NameTree<T> {
    match trees.len() {
        0 => NameTree::Neg,
        1 => trees.remove(0),
        _ => many(trees),
    }
}

impl<T> NameTree<T> {
    /// The leaves that may be chosen, in tree order; `None` when nothing is (neg or fail).
    ///
    /// As Finagle's `NameTree.eval`, which forgets weights. The caller makes a set of it.
    pub fn eval(&self) -> Option<Vec<&T>> {
        enum Outcome<'a, T> {
            Found(Vec<&'a T>),
            Neg,
            Fail,
        }
        fn go<T>(tree: &NameTree<T>) -> Outcome<'_, T> {
            match tree.peeled() {
                NameTree::Alt(trees) => trees
                    .iter()
                    .map(go)
                    .find(|outcome| !matches!(outcome, Outcome::Neg))
                    .unwrap_or(Outcome::Neg),
                NameTree::Union(branches) => {
                    let mut found = None::<Vec<&T>>;
                    for branch in branches {
                        if let Outcome::Found(more) = go(&branch.tree) {
                            found.get_or_insert_default().extend(more);
                        }
                    }
                    found.map_or(Outcome::Neg, Outcome::Found)
                }
                NameTree::Leaf(leaf) => Outcome::Found(vec![leaf]),
                NameTree::Empty => Outcome::Found(Vec::new()),
                NameTree::Neg => Outcome::Neg,
                NameTree::Fail => Outcome::Fail,
            }
        }
        match go(self) {
            Outcome::Found(leaves) => Some(leaves),
            Outcome::Neg | Outcome::Fail => None,
        }
    }
}

/// Shows a weight with two decimals as Finagle does: the shortest decimal digits of the double,
/// rounded half up (0.125 is `0.13`, 1.005 is `1.01`).
pub(crate) fn show_weight(weight: f64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if !weight.is_finite() {
        return f.write_str("Infinity");
    }
    let shortest = weight.to_string(); // Rust prints the shortest digits that read back
    let (whole, fraction) = shortest.split_once('.').unwrap_or((&shortest, ""));
    let digit = |at: usize| fraction.as_bytes().get(at).map_or(0, |byte| byte - b'0');
    let hundredths = digit(0) * 10 + digit(1) + u8::from(digit(2) >= 5);
    if hundredths < 100 {
        return write!(f, "{whole}.{hundredths:02}");
    }
    // 0.995 and the like: the carry runs through the whole part.
    let mut digits = whole.as_bytes().to_vec();
    let mut carry = true;
    for digit in digits.iter_mut().rev() {
        if *digit == b'9' {
            *digit = b'0';
        } else {
            *digit += 1;
            carry = false;
            break;
        }
    }
    if carry {
        digits.insert(0, b'1');
    }
    write!(f, "{}.00", String::from_utf8_lossy(&digits))
}

impl<T: fmt::Display> fmt::Display for NameTree<T> {
    /// The canonical form: weights with two decimals, 1 not shown, nested choices in parentheses,
    /// a choice of one shown as that one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.peeled() {
            NameTree::Alt(trees) => trees.iter().enumerate().try_for_each(|(at, tree)| {
                f.write_str(if at == 0 { "" } else { " | " })?;
                match tree.peeled() {
                    tree @ NameTree::Alt(_) => write!(f, "({tree})"),
                    tree => tree.fmt(f),
                }
            }),
            NameTree::Union(branches) => {
                branches.iter().enumerate().try_for_each(|(at, branch)| {
                    f.write_str(if at == 0 { "" } else { " & " })?;
                    if branch.weight != DEFAULT_WEIGHT {
                        show_weight(branch.weight, f)?;
                        f.write_str("*")?;
                    }
                    match branch.tree.peeled() {
                        tree @ (NameTree::Alt(_) | NameTree::Union(_)) => write!(f, "({tree})"),
                        tree => tree.fmt(f),
                    }
                })
            }
            NameTree::Leaf(leaf) => leaf.fmt(f),
            NameTree::Fail => f.write_str("!"),
            NameTree::Neg => f.write_str("~"),
            NameTree::Empty => f.write_str("$"),
        }
    }
}
