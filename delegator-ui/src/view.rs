//! Pictures of a resolution: a tree for terminals, a graph for Graphviz.
//!
//! Each draws the model of [`dtab::view`] and decides nothing; its JSON is [`dtab::wire::view`].
//! Texts may come from a remote router, so control characters are never passed on.

mod dot;
mod text;

use std::borrow::Cow;

use dtab::Path;
use dtab::view::{ViewDentry, ViewKind, ViewNode, percent};

pub use dot::dot;
pub use text::text;

/// How a step is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// Requests go this way.
    Taken,
    /// It leads nowhere.
    Dead,
    /// Nobody knows yet.
    Pending,
    /// An earlier branch decides, here or further up.
    Unused,
}

impl Mark {
    /// `unused` if an earlier branch decides.
    fn of(node: &ViewNode, unused: bool) -> Self {
        match node.kind {
            _ if unused => Mark::Unused,
            _ if node.probability > 0.0 => Mark::Taken,
            ViewKind::Pending => Mark::Pending,
            _ => Mark::Dead,
        }
    }
}

/// How many of the children count: in an alt, those up to the first that is not negative.
fn reached(node: &ViewNode) -> usize {
    let all = node.children.len();
    match node.kind {
        ViewKind::Alt => {
            node.children.iter().position(|c| !is_negative(c)).map_or(all, |at| at + 1)
        }
        _ => all,
    }
}

/// Whether an alt passes on to the branch behind this one.
fn is_negative(node: &ViewNode) -> bool {
    match node.kind {
        ViewKind::Neg => true,
        ViewKind::Union if node.children.len() > 1 => node.children.iter().all(is_dropped),
        ViewKind::Fail
        | ViewKind::Exception
        | ViewKind::Leaf
        | ViewKind::Empty
        | ViewKind::Pending
        | ViewKind::Unreached => false,
        _ => node.children.iter().all(is_negative),
    }
}

/// Whether a union goes on as if this branch were not there: it is negative, or refuses.
fn is_dropped(node: &ViewNode) -> bool {
    match node.kind {
        ViewKind::Fail => true,
        ViewKind::Delegate | ViewKind::Overlooked | ViewKind::Transformation => {
            node.children.iter().all(is_dropped)
        }
        ViewKind::Alt => {
            node.children.iter().find(|child| !is_negative(child)).is_none_or(is_dropped)
        }
        _ => is_negative(node),
    }
}

/// The tree with every cycle cut off where it begins again. A name that comes up below itself
/// leads where it led before, a hundred look-ups deep.
fn without_rounds(root: &ViewNode) -> ViewNode {
    fn cut<'n>(node: &'n ViewNode, above: &mut Vec<&'n Path>) -> ViewNode {
        let hop = above.last() != Some(&&node.path);
        if hop && let Some(at) = above.iter().position(|name| *name == &node.path) {
            let round = above[at..].iter().map(|name| format!("{name} -> "));
            let reason = format!("a cycle: {}{}", round.collect::<String>(), node.path);
            let kind = ViewKind::Exception;
            return ViewNode { kind, reason, children: Vec::new(), ..node.clone() };
        }
        if hop {
            above.push(&node.path);
        }
        // What a transformer puts in the place of a name is resolved anew.
        let mut anew = Vec::new();
        let transformed = node.kind == ViewKind::Transformation;
        let names = if transformed { &mut anew } else { &mut *above };
        let children = node.children.iter().map(|child| cut(child, names)).collect();
        if hop {
            above.pop();
        }
        let ViewNode {
            path,
            dentry,
            kind,
            residual,
            weight,
            probability,
            taken,
            reason,
            bound,
            ..
        } = node;
        ViewNode {
            path: path.clone(),
            dentry: dentry.clone(),
            kind: *kind,
            residual: residual.clone(),
            weight: *weight,
            probability: *probability,
            taken: *taken,
            reason: reason.clone(),
            bound: bound.clone(),
            children,
        }
    }
    cut(root, &mut Vec::new())
}

/// `/svc => /host`.
fn entry(dentry: &ViewDentry) -> String {
    format!("{} => {}", dentry.prefix, dentry.dst)
}

/// The text with control characters made visible.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) {
        Cow::Owned(text.chars().flat_map(shown).collect())
    } else {
        Cow::Borrowed(text)
    }
}

fn shown(c: char) -> impl Iterator<Item = char> {
    let escaped = c.is_control().then(|| c.escape_default());
    let plain = (!c.is_control()).then_some(c);
    escaped.into_iter().flatten().chain(plain)
}
