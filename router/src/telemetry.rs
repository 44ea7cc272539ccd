//! Metrics: one tree of names, filled by many threads, merged when it is read.
//!
//! Every handle ([`Counter`], [`Stat`], [`Level`]) owns a cell of its own that only it writes, so
//! recording is a load and a store of a value that no other thread writes: no lock, no shared
//! cache line, no allocation once warm. What is shown is the sum of the cells of a name, plus what
//! dropped handles left behind. Handles are made per worker, once, and kept; making and dropping
//! one takes a lock.
//!
//! Names are lists of elements under which Linkerd knows them (`rt/http/server/127.0.0.1/4140/…`);
//! an element may itself contain `/`. Callers take elements from configured or bound names only,
//! never from what a client sends, which bounds how many there are.

mod cells;
mod histogram;
mod influxdb;
mod json;
mod labels;
pub(crate) mod live;
pub(crate) mod process;
mod prometheus;
pub(crate) mod recent_requests;
pub(crate) mod statsd;
pub(crate) mod tap;
pub(crate) mod telemeters;
pub(crate) mod tracelog;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use cells::{Counter, Gauge, Level, Stat};
pub use histogram::Summary;
pub use json::{NoSuchSubtree, Query};

use cells::{Entry, Kind, Membership};

/// How often histograms are summarised and reset, as Linkerd does it.
pub const SUMMARY_INTERVAL: Duration = Duration::from_mins(1);

/// The elements of a metric's name.
type Key = Vec<Arc<str>>;

/// The whole tree of metrics. A clone is the same tree.
#[derive(Clone, Default)]
pub struct Metrics {
    registry: Arc<Registry>,
}

#[derive(Default)]
struct Registry {
    entries: Mutex<BTreeMap<Key, Arc<Entry>>>,
    /// Changed, under the lock, whenever a name appears or goes.
    generation: AtomicU64,
}

/// One metric as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The elements of its name.
    pub path: Vec<Arc<str>>,
    /// What it says.
    pub value: Value,
}

/// What a metric says.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// How often something happened since the name appeared.
    Counter(u64),
    /// What something is now.
    Gauge(f64),
    /// The last summary of a histogram; none before the first one.
    Stat(Option<Summary>),
}

impl Metrics {
    /// An empty tree.
    pub fn new() -> Self {
        Metrics::default()
    }

    /// The place of the tree with this name.
    pub fn scope(&self, path: &[&str]) -> Scope {
        let path = path.iter().map(|&element| Arc::from(element)).collect();
        Scope { registry: self.registry.clone(), path }
    }

    /// Every metric, sorted by name.
    pub fn samples(&self) -> Vec<Sample> {
        self.entries()
            .iter()
            .map(|entry| Sample { path: entry.key().to_vec(), value: entry.value() })
            .collect()
    }

    /// Summarises every histogram over the time since the last call, and begins anew.
    pub fn summarize(&self) {
        for entry in self.entries() {
            entry.summarize();
        }
    }

    /// Every entry, sorted by name. The tree is locked only to list it: workers that add a name do not
    /// wait for the sums.
    fn entries(&self) -> Vec<Arc<Entry>> {
        lock(&self.registry.entries).values().cloned().collect()
    }

    /// Another number whenever a name has appeared or gone.
    fn generation(&self) -> u64 {
        self.registry.generation.load(Relaxed)
    }

    /// What `wanted` makes of the entries, sorted by name, with the generation that they are of. The
    /// tree is locked meanwhile.
    fn select<T>(&self, wanted: impl FnMut(&Arc<Entry>) -> Option<T>) -> (u64, Vec<T>) {
        let entries = lock(&self.registry.entries);
        (self.generation(), entries.values().filter_map(wanted).collect())
    }

    /// Summarises every `interval` for as long as it is polled: a task of the control runtime.
    pub async fn summarize_every(self, interval: Duration) {
        let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + interval, interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            self.summarize();
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.samples().into_iter().map(|s| (s.path, s.value))).finish()
    }
}

/// A place of the tree, under which metrics are made. Cheap to clone; holds no metric alive.
#[derive(Clone)]
pub struct Scope {
    registry: Arc<Registry>,
    path: Key,
}

impl Scope {
    /// The place one element below. The element is not split at `/`.
    pub fn scope(&self, name: &str) -> Scope {
        Scope { registry: self.registry.clone(), path: self.key(name) }
    }

    /// The elements of this place.
    pub fn path(&self) -> &[Arc<str>] {
        &self.path
    }

    /// A counter with a cell of its own. It is shown, as 0, from now on; what it has counted is
    /// kept when it is dropped, until the name is pruned.
    pub fn counter(&self, name: &str) -> Counter {
        Counter::join(self.member(name, Kind::Counter))
    }

    /// A histogram with cells of its own.
    pub fn stat(&self, name: &str) -> Stat {
        Stat::join(self.member(name, Kind::Stat))
    }

    /// A share of a number that goes up and down, such as of open connections; shown is the sum
    /// of all live handles.
    pub fn level(&self, name: &str) -> Level {
        Level::join(self.member(name, Kind::Level))
    }

    /// A number that is computed when it is read, on the reader's thread; removed when the handle
    /// is dropped. Of several under one name the newest is shown.
    pub fn gauge(&self, name: &str, read: impl Fn() -> f64 + Send + Sync + 'static) -> Gauge {
        Gauge::join(self.member(name, Kind::Gauge), Arc::new(read))
    }

    /// Deletes every metric at and below this place, as when a client leaves the binding cache:
    /// at once if no handle writes to it, otherwise with the last handle, unless a new one is
    /// made before that. So each worker may prune what it no longer uses.
    pub fn prune(&self) {
        let mut entries = lock(&self.registry.entries);
        let below: Vec<Key> = entries
            .range(self.path.clone()..)
            .take_while(|(key, _)| key.starts_with(&self.path))
            .filter(|(_, entry)| entry.doom())
            .map(|(key, _)| key.clone())
            .collect();
        for key in below {
            entries.remove(&key);
            self.registry.changed();
        }
    }

    /// Keeps every metric at and below this place until it is dropped, pruned or not: handles that
    /// are made meanwhile go on where others have ended. Gauges are not kept.
    pub(crate) fn keep(&self) -> KeptMetrics {
        let entries = lock(&self.registry.entries);
        let below = entries.range(self.path.clone()..);
        let below = below.take_while(|(key, _)| key.starts_with(&self.path));
        let kept = below.filter(|(_, entry)| entry.kind() != Kind::Gauge);
        let kept = kept.map(|(_, entry)| Membership::keep(&self.registry, entry));
        KeptMetrics { _members: kept.collect() }
    }

    fn key(&self, name: &str) -> Key {
        let mut key = Vec::with_capacity(self.path.len() + 1);
        key.extend_from_slice(&self.path);
        key.push(Arc::from(name));
        key
    }

    /// The entry of this name, made if need be. A name that is already something else stays what
    /// it was, and the new handle works without being shown.
    fn member(&self, name: &str, kind: Kind) -> Membership {
        let key = self.key(name);
        let mut entries = lock(&self.registry.entries);
        let entry = entries.entry(key).or_insert_with_key(|key| {
            self.registry.changed();
            Entry::new(key, kind)
        });
        let entry = entry.clone();
        let entry = if entry.kind() == kind {
            entry
        } else {
            tracing::warn!(name = %entry.key().join("/"), ?kind, "metric of another kind exists");
            Entry::new(entry.key(), kind)
        };
        entry.admit();
        drop(entries); // only now: a pruned entry is removed under this lock
        Membership::new(self.registry.clone(), entry)
    }
}

/// Metrics that are kept; see [`Scope::keep`].
#[must_use = "what nobody keeps may be pruned"]
pub(crate) struct KeptMetrics {
    _members: Vec<Membership>,
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({})", self.path.join("/"))
    }
}

impl Registry {
    /// Removes a pruned entry whose last handle has gone.
    fn remove_if_idle(&self, entry: &Arc<Entry>) {
        let mut entries = lock(&self.entries);
        let same = entries.get(entry.key()).is_some_and(|found| Arc::ptr_eq(found, entry));
        if same && entry.is_doomed_and_idle() {
            entries.remove(entry.key());
            self.changed();
        }
    }

    /// To be called under the lock of the entries.
    fn changed(&self) {
        self.generation.fetch_add(1, Relaxed);
    }
}

/// Metrics stay usable though a thread panicked while it held the lock: every change is complete
/// at each point where it could.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
