//! What a resolution asked, and the wait until any of it changes.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::{Future, pending, poll_fn};
use std::hash::Hash;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::Poll;

use dtab::{
    Activity, Bound, Dtab, Explore, Failure, FailureKind, Name, NameTree, Namers, Path, Resolver,
    Rule, Transformer, Weighted, first_not_neg,
};

use tokio::time::Instant;

use super::{LiveNamers, Watch};

/// How often a namer's `replace` or `const` may lead to a namer with another one.
const MAX_NESTED: usize = 8;

/// The watches that the newest resolution asked for. The same ones are kept from one resolution to
/// the next; those that are asked no longer are dropped.
#[derive(Default)]
pub(crate) struct Asked {
    round: u64,
    paths: HashMap<(usize, Path), Asking<NameTree<Name>>>,
    hosts: HashMap<String, Asking<Option<Vec<IpAddr>>>>,
}

struct Asking<T> {
    watch: Watch<T>,
    round: u64,
    since: Instant,
}

impl<T> Asking<T> {
    fn is_pending(&self) -> bool {
        matches!(*self.watch.borrow(), Activity::Pending)
    }
}

impl Asked {
    /// Runs `resolve` against the present states, noting what it asks.
    pub(crate) fn resolve<R>(
        &mut self,
        live: &LiveNamers,
        resolve: impl FnOnce(&dyn Namers) -> R,
    ) -> R {
        self.round += 1;
        let round = self.round;
        let snapshot = Snapshot { live, asked: RefCell::new(&mut *self), nested: Cell::new(0) };
        let resolved = resolve(&snapshot);
        self.paths.retain(|_, asking| asking.round == round);
        self.hosts.retain(|_, asking| asking.round == round);
        resolved
    }

    /// When that which has no answer yet was asked for, if there is any: the newest of it.
    pub(crate) fn pending_since(&self) -> Option<Instant> {
        let paths = self.paths.values().filter(|asking| asking.is_pending()).map(|it| it.since);
        let hosts = self.hosts.values().filter(|asking| asking.is_pending()).map(|it| it.since);
        paths.chain(hosts).max()
    }

    /// Waits until any of what was asked has changed since it was answered.
    pub(crate) async fn changed(&mut self) {
        let paths =
            self.paths.values_mut().map(|asking| Box::pin(next(&mut asking.watch)) as Wait<'_>);
        let hosts =
            self.hosts.values_mut().map(|asking| Box::pin(next(&mut asking.watch)) as Wait<'_>);
        first(paths.chain(hosts).collect()).await;
    }
}

/// Waits until any of these has changed since it was last read.
pub(crate) async fn any_changed<'w, T: Send + Sync + 'w>(
    watches: impl Iterator<Item = &'w mut Watch<T>>,
) {
    first(watches.map(|watch| Box::pin(next(watch)) as Wait<'_>).collect()).await;
}

type Wait<'w> = Pin<Box<dyn Future<Output = ()> + Send + 'w>>;

async fn first(mut waits: Vec<Wait<'_>>) {
    poll_fn(|context| {
        let changed = waits.iter_mut().any(|wait| wait.as_mut().poll(context).is_ready());
        if changed { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

async fn next<T>(watch: &mut Watch<T>) {
    if watch.changed().await.is_err() {
        pending::<()>().await; // final: see `Watch`
    }
}

fn read<K: Eq + Hash, T: Clone>(
    asked: &mut HashMap<K, Asking<T>>,
    key: K,
    round: u64,
    start: impl FnOnce(&K) -> Watch<T>,
) -> Activity<T> {
    match asked.get_mut(&key) {
        // What changes while it is in use is not marked as seen, so that it is resolved again.
        Some(asking) if asking.round == round => asking.watch.borrow().clone(),
        Some(asking) => {
            asking.round = round;
            asking.watch.borrow_and_update().clone()
        }
        None => {
            let mut watch = start(&key);
            let state = watch.borrow_and_update().clone();
            asked.insert(key, Asking { watch, round, since: Instant::now() });
            state
        }
    }
}

/// The configured namers at this moment.
struct Snapshot<'a> {
    live: &'a LiveNamers,
    asked: RefCell<&'a mut Asked>,
    nested: Cell<usize>,
}

impl Namers for Snapshot<'_> {
    fn lookup(&self, path: &Path) -> Activity<NameTree<Name>> {
        first_not_neg(self.live.matching(path).map(|(at, namer)| {
            let answer = {
                let mut asked = self.asked.borrow_mut();
                let round = asked.round;
                read(&mut asked.paths, (at, path.clone()), round, |_| namer.watch(path))
            };
            namer.transformers().iter().fold(answer, |answer, by| self.transform(answer, by))
        }))
    }

    fn host(&self, name: &str) -> Activity<Option<Vec<IpAddr>>> {
        let mut asked = self.asked.borrow_mut();
        let round = asked.round;
        read(&mut asked.hosts, name.to_owned(), round, |name| self.live.hosts().watch(name))
    }

    fn prefixes(&self) -> Vec<Path> {
        self.live.prefixes()
    }
}

impl Snapshot<'_> {
    /// What a namer's own transformer makes of its answer. Names still to be rewritten stay.
    fn transform(
        &self,
        answer: Activity<NameTree<Name>>,
        by: &Transformer,
    ) -> Activity<NameTree<Name>> {
        match &by.rule {
            Rule::Const(path) => self.elsewhere(path, by),
            Rule::Replace(path) => match answer {
                Activity::Ok(tree) if has_bound(&tree) => self
                    .elsewhere(path, by)
                    .map(|replacement| with_bound_replaced(&tree, &replacement)),
                answer => answer,
            },
            Rule::EachAddress(_) | Rule::Filter(_) => answer.map(|tree| {
                tree.map(&mut |name| match name {
                    Name::Bound(bound) => {
                        Name::Bound(by.bound(bound).unwrap_or_else(|| bound.clone()))
                    }
                    Name::Path(path) => Name::Path(path.clone()),
                })
            }),
        }
    }

    /// What namers alone bind `path` to.
    fn elsewhere(&self, path: &Path, by: &Transformer) -> Activity<NameTree<Name>> {
        let nested = self.nested.get();
        if nested >= MAX_NESTED {
            let message = format!("{} leads to itself by way of {path}", by.prefix);
            return Activity::Failed(Failure::new(FailureKind::TooDeep, message));
        }
        self.nested.set(nested + 1);
        let none = Dtab::empty();
        let resolver = Resolver { base: &none, local: &none, namers: self, transformers: &[] };
        let bound = resolver.resolve(path, Explore::Needed).bind();
        self.nested.set(nested);
        bound.map(|tree| {
            tree.map(&mut |bound: &Bound| {
                Name::Bound(Bound { id: by.prefix.concat(path), ..bound.clone() })
            })
        })
    }
}

fn has_bound(tree: &NameTree<Name>) -> bool {
    let mut found = false;
    tree.for_each_leaf(&mut |name| found |= matches!(name, Name::Bound(_)));
    found
}

fn with_bound_replaced(tree: &NameTree<Name>, by: &NameTree<Name>) -> NameTree<Name> {
    match tree {
        NameTree::Leaf(Name::Bound(_)) => by.clone(),
        NameTree::Alt(trees) => {
            NameTree::Alt(trees.iter().map(|tree| with_bound_replaced(tree, by)).collect())
        }
        NameTree::Union(branches) => NameTree::Union(
            branches
                .iter()
                .map(|branch| Weighted {
                    weight: branch.weight,
                    tree: with_bound_replaced(&branch.tree, by),
                })
                .collect(),
        ),
        other => other.clone(),
    }
}
