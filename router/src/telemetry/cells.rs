//! The handles that record, and the entries that merge them.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use super::histogram::{Buckets, Merged, Totals};
use super::{Key, Registry, Summary, Value, lock};

/// What a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Stat,
    Level,
    Gauge,
}

/// One name of the tree, with the cells of all its handles.
pub(super) struct Entry {
    key: Key,
    kind: Kind,
    state: Mutex<State>,
}

struct State {
    /// Pruned while in use: to be removed with the last handle. Reset when a handle is made.
    doomed: bool,
    /// Handles made and not yet dropped.
    handles: usize,
    cells: Cells,
}

enum Cells {
    Counter { retired: u64, live: Vec<Arc<AtomicU64>> },
    Stat(Box<StatCells>),
    Level(Vec<Arc<AtomicI64>>),
    Gauge(Vec<Reader>),
}

#[derive(Default)]
struct StatCells {
    merged: Merged,
    live: Vec<Arc<Buckets>>,
    last: Option<Summary>,
}

type Reader = Arc<dyn Fn() -> f64 + Send + Sync>;

impl Entry {
    pub(super) fn new(key: &[Arc<str>], kind: Kind) -> Arc<Self> {
        let cells = match kind {
            Kind::Counter => Cells::Counter { retired: 0, live: Vec::new() },
            Kind::Stat => Cells::Stat(Box::default()),
            Kind::Level => Cells::Level(Vec::new()),
            Kind::Gauge => Cells::Gauge(Vec::new()),
        };
        let state = Mutex::new(State { doomed: false, handles: 0, cells });
        Arc::new(Entry { key: key.to_vec(), kind, state })
    }

    pub(super) fn key(&self) -> &[Arc<str>] {
        &self.key
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Counts one more handle.
    pub(super) fn admit(&self) {
        let mut state = lock(&self.state);
        state.doomed = false;
        state.handles += 1;
    }

    /// Counts one more handle, which changes nothing for one that is marked for removal.
    fn keep(&self) {
        lock(&self.state).handles += 1;
    }

    /// Marks for removal; whether it can be removed at once.
    pub(super) fn doom(&self) -> bool {
        let mut state = lock(&self.state);
        state.doomed = true;
        state.handles == 0
    }

    pub(super) fn is_doomed_and_idle(&self) -> bool {
        let state = lock(&self.state);
        state.doomed && state.handles == 0
    }

    pub(super) fn value(&self) -> Value {
        let state = lock(&self.state);
        match &state.cells {
            Cells::Counter { retired, live } => {
                Value::Counter(live.iter().fold(*retired, |sum, cell| {
                    sum.wrapping_add(cell.load(Relaxed)) // as each cell wraps
                }))
            }
            Cells::Stat(cells) => Value::Stat(cells.last.clone()),
            Cells::Level(live) => {
                Value::Gauge(live.iter().map(|cell| cell.load(Relaxed)).sum::<i64>() as f64)
            }
            Cells::Gauge(readers) => {
                let newest = readers.last().cloned();
                drop(state); // the reader may itself look at metrics
                Value::Gauge(newest.map_or(0.0, |read| read()))
            }
        }
    }

    /// What a stat has recorded in all; none for anything else.
    pub(super) fn totals(&self) -> Option<Totals> {
        match &lock(&self.state).cells {
            Cells::Stat(cells) => Some(cells.merged.totals(&cells.live)),
            Cells::Counter { .. } | Cells::Level(_) | Cells::Gauge(_) => None,
        }
    }

    pub(super) fn summarize(&self) {
        if let Cells::Stat(cells) = &mut lock(&self.state).cells {
            cells.last = Some(cells.merged.summarize(&cells.live));
        }
    }
}

/// A handle's part in an entry.
pub(super) struct Membership {
    registry: Arc<Registry>,
    entry: Arc<Entry>,
}

impl Membership {
    /// `entry` already counts this handle.
    pub(super) fn new(registry: Arc<Registry>, entry: Arc<Entry>) -> Self {
        Membership { registry, entry }
    }

    /// One that no handle has.
    pub(super) fn keep(registry: &Arc<Registry>, entry: &Arc<Entry>) -> Self {
        entry.keep();
        Membership { registry: registry.clone(), entry: entry.clone() }
    }

    fn with_cells<R>(&self, f: impl FnOnce(&mut Cells) -> R) -> R {
        f(&mut lock(&self.entry.state).cells)
    }
}

impl Clone for Membership {
    fn clone(&self) -> Self {
        self.entry.admit();
        Membership { registry: self.registry.clone(), entry: self.entry.clone() }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let mut state = lock(&self.entry.state);
        state.handles -= 1;
        let gone = state.doomed && state.handles == 0;
        drop(state);
        if gone {
            self.registry.remove_if_idle(&self.entry);
        }
    }
}

impl fmt::Debug for Membership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.entry.key.join("/"))
    }
}

/// Handles may move between threads, but only one thread at a time may record: a cell has a
/// single writer, which is what makes a load and a store enough.
type SingleWriter = PhantomData<Cell<()>>;

/// Counts how often something happens. A clone counts under the same name, in a cell of its own.
#[derive(Debug)]
pub struct Counter {
    cell: Arc<AtomicU64>,
    member: Membership,
    single: SingleWriter,
}

impl Counter {
    pub(super) fn join(member: Membership) -> Self {
        let cell = Arc::<AtomicU64>::default();
        member.with_cells(|cells| {
            if let Cells::Counter { live, .. } = cells {
                live.push(cell.clone());
            }
        });
        Counter { cell, member, single: PhantomData }
    }

    /// Adds 1.
    #[inline]
    pub fn incr(&self) {
        self.add(1);
    }

    /// Adds `n`.
    #[inline]
    pub fn add(&self, n: u64) {
        self.cell.store(self.cell.load(Relaxed).wrapping_add(n), Relaxed);
    }
}

impl Clone for Counter {
    fn clone(&self) -> Self {
        Counter::join(self.member.clone())
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.member.with_cells(|cells| {
            if let Cells::Counter { retired, live } = cells {
                *retired = retired.wrapping_add(self.cell.load(Relaxed));
                live.retain(|cell| !Arc::ptr_eq(cell, &self.cell));
            }
        });
    }
}

/// A share of a number that goes up and down. What is left of it goes when it is dropped.
/// A clone begins at 0, in a cell of its own.
#[derive(Debug)]
pub struct Level {
    cell: Arc<AtomicI64>,
    member: Membership,
    single: SingleWriter,
}

impl Level {
    pub(super) fn join(member: Membership) -> Self {
        let cell = Arc::<AtomicI64>::default();
        member.with_cells(|cells| {
            if let Cells::Level(live) = cells {
                live.push(cell.clone());
            }
        });
        Level { cell, member, single: PhantomData }
    }

    /// One more.
    #[inline]
    pub fn inc(&self) {
        self.add(1);
    }

    /// One less.
    #[inline]
    pub fn dec(&self) {
        self.add(-1);
    }

    /// `n` more, or less if negative.
    #[inline]
    pub fn add(&self, n: i64) {
        self.cell.store(self.cell.load(Relaxed).wrapping_add(n), Relaxed);
    }

    /// Makes this handle's share `n`.
    #[inline]
    pub fn set(&self, n: i64) {
        self.cell.store(n, Relaxed);
    }

    /// This handle's share.
    #[inline]
    pub fn get(&self) -> i64 {
        self.cell.load(Relaxed)
    }
}

impl Clone for Level {
    fn clone(&self) -> Self {
        Level::join(self.member.clone())
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        self.member.with_cells(|cells| {
            if let Cells::Level(live) = cells {
                live.retain(|cell| !Arc::ptr_eq(cell, &self.cell));
            }
        });
    }
}

/// Keeps a computed number in the tree for as long as it lives.
#[must_use = "the gauge is removed when its handle is dropped"]
pub struct Gauge {
    reader: Reader,
    member: Membership,
}

impl Gauge {
    pub(super) fn join(member: Membership, reader: Reader) -> Self {
        member.with_cells(|cells| {
            if let Cells::Gauge(readers) = cells {
                readers.push(reader.clone());
            }
        });
        Gauge { reader, member }
    }
}

impl fmt::Debug for Gauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gauge({:?})", self.member)
    }
}

impl Drop for Gauge {
    fn drop(&mut self) {
        self.member.with_cells(|cells| {
            if let Cells::Gauge(readers) = cells {
                readers.retain(|reader| !Arc::ptr_eq(reader, &self.reader));
            }
        });
        // A gauge without a reader says nothing, so its name goes with the last one.
        self.member.entry.doom();
    }
}

/// A histogram of integers such as milliseconds or bytes. A clone records under the same name,
/// in cells of its own.
#[derive(Debug)]
pub struct Stat {
    cell: Arc<Buckets>,
    member: Membership,
    single: SingleWriter,
}

impl Stat {
    pub(super) fn join(member: Membership) -> Self {
        let cell = Arc::<Buckets>::default();
        member.with_cells(|cells| {
            if let Cells::Stat(cells) = cells {
                cells.live.push(cell.clone());
            }
        });
        Stat { cell, member, single: PhantomData }
    }

    /// Records one value. Values beyond 2147483647 count as that in all but the sum.
    #[inline]
    pub fn record(&self, value: u64) {
        self.cell.record(value);
    }
}

impl Clone for Stat {
    fn clone(&self) -> Self {
        Stat::join(self.member.clone())
    }
}

impl Drop for Stat {
    fn drop(&mut self) {
        self.member.with_cells(|cells| {
            if let Cells::Stat(cells) = cells {
                cells.merged.retire(&self.cell);
                cells.live.retain(|cell| !Arc::ptr_eq(cell, &self.cell));
            }
        });
    }
}
