//! Transformers: what rewrites the addresses of bound names.

use std::fmt;
use std::sync::Arc;

use crate::delegation::{Delegation, Outcome, Step};
use crate::name::{Addr, AddrSet, Address, Bound};
use crate::path::Path;

/// Changes every bound name of an interpreter or a namer, and its id, which gets a prefix.
#[derive(Clone)]
pub struct Transformer {
    /// What the ids of changed names begin with, `/%/io.l5d.port/4141`.
    pub prefix: Path,
    /// What Linkerd's delegator calls it.
    pub name: &'static str,
    /// What it does.
    pub rule: Rule,
}

/// What a [`Transformer`] does.
#[derive(Clone)]
pub enum Rule {
    /// Changes each endpoint.
    EachAddress(Arc<dyn Fn(&Address) -> Address + Send + Sync>),
    /// Keeps the endpoints for which this holds. Where none is left, or was, the address is
    /// negative: the name stays bound, so nothing falls through to another branch.
    Filter(Arc<dyn Fn(&Address) -> bool + Send + Sync>),
    /// Every bound name becomes what this path is bound to by namers alone, without the dtab.
    Replace(Path),
    /// The same for every name, bound or not.
    Const(Path),
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::EachAddress(_) => f.write_str("EachAddress"),
            Rule::Filter(_) => f.write_str("Filter"),
            Rule::Replace(path) => write!(f, "Replace({path})"),
            Rule::Const(path) => write!(f, "Const({path})"),
        }
    }
}

impl fmt::Debug for Transformer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transformer({} at {})", self.name, self.prefix)
    }
}

impl Transformer {
    /// The delegation with every leaf changed. `resolve` resolves a path by namers alone.
    pub(crate) fn apply(
        &self,
        delegation: Delegation,
        resolve: &mut dyn FnMut(&Path) -> Delegation,
    ) -> Delegation {
        if let Rule::Const(path) = &self.rule {
            let mut constant = resolve(path);
            self.rename(&mut constant, path);
            return constant;
        }
        self.apply_to_leaves(delegation, resolve)
    }

    /// What this makes of one bound name; `None` if it takes a resolution to know.
    pub fn bound(&self, bound: &Bound) -> Option<Bound> {
        let addr = match (&self.rule, &bound.addr) {
            (Rule::Replace(_) | Rule::Const(_), _) => return None,
            (Rule::EachAddress(change), Addr::Bound(set)) => {
                Addr::bound(set.endpoints().iter().map(|address| change(address)))
            }
            (Rule::Filter(keep), Addr::Bound(set)) => {
                let kept = set.endpoints().iter().filter(|address| keep(address));
                match AddrSet::new(kept.cloned()) {
                    none if none.endpoints().is_empty() => Addr::Neg,
                    some => Addr::Bound(Arc::new(some)),
                }
            }
            (_, other) => other.clone(),
        };
        // What is answered with a status is no name of anything.
        let id = match addr {
            Addr::Status(_) => bound.id.clone(),
            _ => self.prefix.concat(&bound.id),
        };
        Some(Bound { id, addr, residual: bound.residual.clone(), weight: bound.weight })
    }

    fn apply_to_leaves(
        &self,
        delegation: Delegation,
        resolve: &mut dyn FnMut(&Path) -> Delegation,
    ) -> Delegation {
        let Delegation { path, dentry, step, .. } = delegation;
        let mut next = |node: Box<Delegation>| Box::new(self.apply_to_leaves(*node, resolve));
        let step = match step {
            Step::Delegate(node) => Step::Delegate(next(node)),
            Step::Renamed(node) => Step::Renamed(next(node)),
            Step::Overlooked(via, node) => Step::Overlooked(via, next(node)),
            Step::Transformed { by, before, after, replaced } => {
                Step::Transformed { by, before, after: next(after), replaced }
            }
            Step::Alt(nodes) => Step::Alt(
                nodes.into_iter().map(|node| self.apply_to_leaves(node, resolve)).collect(),
            ),
            Step::Union(nodes) => Step::Union(
                nodes
                    .into_iter()
                    .map(|(weight, node)| (weight, self.apply_to_leaves(node, resolve)))
                    .collect(),
            ),
            Step::Leaf(before) => {
                let (after, replaced) = match (self.bound(&before), &self.rule) {
                    (Some(bound), _) => {
                        let path = match bound.addr {
                            Addr::Status(_) => path.clone(),
                            _ => bound.id.clone(),
                        };
                        (Delegation::new(path, dentry.clone(), Step::Leaf(bound)), false)
                    }
                    (None, Rule::Replace(path)) => {
                        let mut replacement = resolve(path);
                        self.rename(&mut replacement, path);
                        (replacement, true)
                    }
                    (None, _) => return Delegation::new(path, dentry, Step::Leaf(before)),
                };
                let (before, after) = (Box::new(before), Box::new(after));
                Step::Transformed { by: self.name, before, after, replaced }
            }
            other => other,
        };
        Delegation::new(path, dentry, step)
    }

    /// Gives every bound name the id that a replacement has in Linkerd: the prefix and then the
    /// whole of the configured path, whatever it is bound to.
    fn rename(&self, node: &mut Delegation, path: &Path) {
        if node.outcome == Outcome::Unreached {
            return;
        }
        match &mut node.step {
            Step::Leaf(bound) => bound.id = self.prefix.concat(path),
            Step::Delegate(next) | Step::Renamed(next) | Step::Overlooked(_, next) => {
                self.rename(next, path);
            }
            Step::Transformed { after, .. } => self.rename(after, path),
            Step::Alt(nodes) => nodes.iter_mut().for_each(|node| self.rename(node, path)),
            Step::Union(nodes) => nodes.iter_mut().for_each(|(_, node)| self.rename(node, path)),
            _ => {}
        }
    }
}
