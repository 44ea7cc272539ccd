//! Pictures of a resolution: a tree for terminals, a graph for Graphviz.
//!
//! Each draws the model of [`dtab::view`] and decides nothing; its JSON is [`dtab::wire::view`].
//! Texts may come from a remote router, so control characters are never passed on.

mod dot;
mod text;

use std::borrow::Cow;

use dtab::view::{ViewBound, ViewDentry, ViewKind, ViewNode, percent};
use dtab::{Addr, Path};

pub use dot::dot;
pub use text::text;

/// How a step is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
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
    pub(crate) fn of(node: &ViewNode, unused: bool) -> Self {
        match node.kind {
            _ if unused => Mark::Unused,
            _ if node.probability > 0.0 => Mark::Taken,
            ViewKind::Pending => Mark::Pending,
            _ => Mark::Dead,
        }
    }
}

/// How something that is said of a step is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As the step is marked.
    Mark(Mark),
    /// Beside the point.
    Dim,
    /// Simply so.
    Plain,
    /// A reason why nothing arrives.
    Bad,
    /// Not known yet.
    Pending,
}

/// Where a step stands, as far as it matters to what is said of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    /// How it is marked.
    pub(crate) mark: Mark,
    /// Whether it is one of several.
    pub(crate) branch: bool,
    /// Whether the step above is unused already, so that there is no need to say so again.
    pub(crate) in_unused: bool,
}

/// What is said of a step: why it is as it is, and what is bound there, but for its address.
pub(crate) fn said(node: &ViewNode, at: Standing) -> Vec<(Tone, String)> {
    let Standing { mark, branch, in_unused } = at;
    let mut lines = Vec::new();
    let passed = matches!(node.kind, ViewKind::Delegate | ViewKind::Leaf);
    let end = node.children.is_empty() && node.kind != ViewKind::Leaf;
    if if in_unused { end } else { branch || !passed } {
        lines.push((Tone::Mark(mark), node.reason.clone()));
    }
    if let Some(choice) = choice(node).filter(|_| !branch) {
        lines.push((Tone::Dim, choice.reason.clone()));
    }
    if let Some(ViewBound { id, residual, .. }) = &node.bound {
        let was = if node.kind == ViewKind::Transformation { "was bound" } else { "bound" };
        let rest =
            if residual.is_empty() { String::new() } else { format!(", residual {residual}") };
        lines.push((Tone::Dim, format!("{was} to {id}{rest}")));
    }
    lines
}

/// What is said of an address; none if it is one or several that can be listed.
pub(crate) fn address(addr: &Addr) -> Option<(Tone, String)> {
    Some(match addr {
        Addr::Bound(set) if set.endpoints().is_empty() => (Tone::Bad, "no address".to_owned()),
        Addr::Bound(_) => return None,
        Addr::Pending => (Tone::Pending, "address not known yet".to_owned()),
        Addr::Neg => (Tone::Bad, "it has no address".to_owned()),
        Addr::Failed(cause) => (Tone::Bad, format!("the address cannot be known: {cause}")),
        Addr::Status(code) => (Tone::Plain, format!("answered at once with status {code}")),
    })
}

/// The choice that a hop is: one under the same name is not a step of its own.
pub(crate) fn choice(node: &ViewNode) -> Option<&ViewNode> {
    match node.children.as_slice() {
        [only] if node.kind == ViewKind::Delegate && is_choice(only) => {
            (only.path == node.path).then_some(only)
        }
        _ => None,
    }
}

/// Whether one or several of its branches are chosen.
pub(crate) fn is_choice(node: &ViewNode) -> bool {
    matches!(node.kind, ViewKind::Alt | ViewKind::Union)
}

/// How many of the children count: in an alt, those up to the first that is not negative.
pub(crate) fn reached(node: &ViewNode) -> usize {
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
pub(crate) fn without_rounds(root: &ViewNode) -> ViewNode {
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
pub(crate) fn entry(dentry: &ViewDentry) -> String {
    format!("{} => {}", dentry.prefix, dentry.dst)
}

/// `routes.dtab:4:1`, or which entry of its table it is.
pub(crate) fn place(dentry: &ViewDentry) -> String {
    match &dentry.place {
        Some(place) => clean(&place.to_string()).into_owned(),
        None => format!("entry {} of {}", dentry.index + 1, dentry.of),
    }
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
