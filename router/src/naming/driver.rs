//! Drivers: each keeps one name bound.

use std::any::Any;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use dtab::{
    Activity, Addr, AddrSet, Bound, Delegation, Dtab, Explore, Failure, FailureKind, NameTree,
    Outcome, Path, Resolver, Step, Transformer,
};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::{Asked, LiveNamers};

/// Bursts of changes are taken together for so long.
const BURST: Duration = Duration::from_millis(1);

/// How long the first answers to what is asked are waited for before anything is published. A union
/// leaves out what is not known yet as long as anything is known, be it that there is nobody: without
/// the wait, the first request for a name would be turned away, or sent to where others are not. Files
/// answer within milliseconds, on a machine with nothing to spare within some hundred.
pub(crate) const FIRST_ANSWERS: Duration = Duration::from_secs(1);

/// How soon a resolution that panicked is tried again if nothing changes.
const AFTER_PANIC: Duration = Duration::from_secs(1);

/// What a name is bound to now.
#[derive(Clone, Debug)]
pub struct Binding {
    /// The newest resolution, with the branches that decide.
    pub delegation: Arc<Delegation>,
    /// What it comes to; or, if it does not come to anything now but did before, the last good
    /// tree, and `stale` says why.
    ///
    /// An address set that has not changed is the same `Arc` from one binding to the next.
    pub tree: Activity<Arc<NameTree<Bound>>>,
    /// Why `tree` is not that of the newest resolution.
    pub stale: Option<Failure>,
    /// Goes up with every publish of any driver: of two bindings, the one with the higher version is
    /// the newer one, whatever their names and configurations. 0 is "not resolved yet".
    pub version: u64,
}

/// Keeps a name bound: its driver ends with the last handle.
#[derive(Clone)]
pub struct BindingHandle {
    /// The present binding, and notice of every change.
    pub rx: watch::Receiver<Arc<Binding>>,
    lease: Arc<Lease>,
}

impl BindingHandle {
    /// The present binding.
    pub fn current(&self) -> Arc<Binding> {
        self.rx.borrow().clone()
    }

    /// Waits until the binding is known, for at most this long; then the binding as it is.
    pub async fn settled(&mut self, timeout: Duration) -> Arc<Binding> {
        let known = self.rx.wait_for(|binding| binding.tree != Activity::Pending);
        let _ = tokio::time::timeout(timeout, known).await;
        self.current()
    }

    /// The name that is bound.
    pub fn path(&self) -> &Path {
        &self.lease.name.path
    }
}

impl fmt::Debug for BindingHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BindingHandle").field(&self.lease.name.path).finish()
    }
}

/// What all drivers of an interpreter resolve against.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) base: Dtab,
    pub(crate) namers: Arc<LiveNamers>,
    pub(crate) transformers: Vec<Transformer>,
}

/// The running drivers by what they bind. There is one for each (local table, path) of which there
/// is a handle, so the holders' own limits bound their number.
#[derive(Debug, Default)]
pub(crate) struct Drivers {
    leases: Mutex<HashMap<Arc<BoundName>, Weak<Lease>>>,
}

/// The version of the newest binding of any driver: what is known of endpoints outlasts a
/// configuration, and must tell what is newer.
static PUBLISHED: AtomicU64 = AtomicU64::new(0);

#[derive(Debug)]
struct BoundName {
    local: Dtab,
    /// As the canonical form rounds weights, equal tables have equal forms, not the reverse.
    shown: String,
    path: Path,
}

impl Hash for BoundName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.shown.hash(state);
        self.path.hash(state);
    }
}

impl PartialEq for BoundName {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path && self.local == other.local
    }
}

impl Eq for BoundName {}

#[derive(Debug)]
struct Lease {
    name: Arc<BoundName>,
    rx: watch::Receiver<Arc<Binding>>,
    task: AbortHandle,
    drivers: Arc<Drivers>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.task.abort();
        let mut leases = self.drivers.leases.lock().unwrap_or_else(PoisonError::into_inner);
        // By now another thread may have started a new driver for the same name.
        if let Entry::Occupied(entry) = leases.entry(self.name.clone())
            && std::ptr::eq(entry.get().as_ptr(), self)
        {
            entry.remove();
        }
    }
}

impl Drivers {
    /// All leaves of all bindings.
    pub(crate) fn bound(&self) -> Vec<Bound> {
        let leases: Vec<_> = {
            let leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
            leases.values().filter_map(Weak::upgrade).collect()
        };
        let mut all = Vec::new();
        for lease in leases {
            if let Activity::Ok(tree) = &lease.rx.borrow().tree {
                tree.for_each_leaf(&mut |bound| all.push(bound.clone()));
            }
        }
        all
    }

    /// The handle of the driver for this name, which is started if there is none.
    pub(crate) fn bind(
        self: &Arc<Self>,
        table: &Arc<Table>,
        rt: &Handle,
        local: &Dtab,
        path: &Path,
    ) -> BindingHandle {
        let shown = if local.is_empty() { String::new() } else { local.to_string() };
        let name = BoundName { local: local.clone(), shown, path: path.clone() };
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lease) = leases.get(&name).and_then(Weak::upgrade) {
            return BindingHandle { rx: lease.rx.clone(), lease };
        }
        let name = Arc::new(name);
        let (tx, rx) = watch::channel(Arc::new(unresolved(path)));
        let task = rt.spawn(drive(table.clone(), name.clone(), tx)).abort_handle();
        let lease = Lease { name: name.clone(), rx: rx.clone(), task, drivers: self.clone() };
        let lease = Arc::new(lease);
        // The key of a lease that is just being dropped would be kept by an insertion.
        leases.remove(&name);
        leases.insert(name, Arc::downgrade(&lease));
        BindingHandle { rx, lease }
    }

    /// The names that are bound by the base table alone.
    pub(crate) fn names(&self) -> Vec<Path> {
        let leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        leases.keys().filter(|name| name.local.is_empty()).map(|name| name.path.clone()).collect()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

fn unresolved(path: &Path) -> Binding {
    let delegation = delegation(path, Step::Pending, Outcome::Pending);
    Binding { delegation: Arc::new(delegation), tree: Activity::Pending, stale: None, version: 0 }
}

fn delegation(path: &Path, step: Step, outcome: Outcome) -> Delegation {
    Delegation { path: path.clone(), dentry: None, step, outcome }
}

async fn drive(table: Arc<Table>, name: Arc<BoundName>, tx: watch::Sender<Arc<Binding>>) {
    let mut asked = Asked::default();
    loop {
        let resolution = catch_unwind(AssertUnwindSafe(|| {
            asked.resolve(&table.namers, |namers| {
                let Table { base, transformers, .. } = &*table;
                Resolver { base, local: &name.local, namers, transformers }
                    .resolve(&name.path, Explore::Needed)
            })
        }));
        if resolution.is_ok()
            && let Some(until) = asked.pending_since().map(|since| since + FIRST_ANSWERS)
            && until > Instant::now()
            && tokio::time::timeout_at(until, asked.changed()).await.is_ok()
        {
            continue;
        }
        let panicked = resolution.is_err();
        let resolution = resolution.unwrap_or_else(|panic| {
            let message = format!("resolving it panicked: {}", panic_message(&*panic));
            tracing::error!(path = %name.path, "{message}");
            let failure = Failure::new(FailureKind::Namer, message);
            delegation(&name.path, Step::Failed(failure), Outcome::Failed)
        });
        tx.send_if_modified(|now| match successor(now, resolution) {
            Some(next) => {
                *now = Arc::new(next);
                true
            }
            None => false,
        });
        if panicked {
            let _ = tokio::time::timeout(AFTER_PANIC, asked.changed()).await;
        } else {
            asked.changed().await;
        }
        tokio::time::sleep(BURST).await;
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "(no message)",
    }
}

/// The binding after `now`, if the new resolution differs.
fn successor(now: &Binding, resolution: Delegation) -> Option<Binding> {
    let good = match &now.tree {
        Activity::Ok(tree) => Some(tree),
        _ => None,
    };
    let (tree, stale) = match (resolution.bind(), good) {
        (Activity::Ok(tree), Some(good)) => match with_known_sets(&tree, good) {
            tree if tree == **good => (Activity::Ok(good.clone()), None),
            tree => (Activity::Ok(Arc::new(tree)), None),
        },
        (Activity::Ok(tree), None) => (Activity::Ok(Arc::new(tree)), None),
        (Activity::Failed(failure), Some(good)) => (Activity::Ok(good.clone()), Some(failure)),
        (Activity::Failed(failure), None) => (Activity::Failed(failure), None),
        (Activity::Pending, Some(good)) => {
            let failure = Failure::new(FailureKind::Namer, "a namer's answer is awaited");
            (Activity::Ok(good.clone()), Some(failure))
        }
        (Activity::Pending, None) => (Activity::Pending, None),
    };
    let same =
        now.version > 0 && tree == now.tree && stale == now.stale && resolution == *now.delegation;
    let delegation = Arc::new(resolution);
    (!same).then(|| {
        let version = PUBLISHED.fetch_add(1, Relaxed) + 1;
        Binding { delegation, tree, stale, version }
    })
}

/// `tree` with the address sets of `known` where they are equal, so that equal is identical.
fn with_known_sets(tree: &NameTree<Bound>, known: &NameTree<Bound>) -> NameTree<Bound> {
    let mut sets: HashMap<&Path, &Arc<AddrSet>> = HashMap::new();
    known.for_each_leaf(&mut |bound| {
        if let Addr::Bound(set) = &bound.addr {
            sets.insert(&bound.id, set);
        }
    });
    tree.map(&mut |bound| match (&bound.addr, sets.get(&bound.id)) {
        (Addr::Bound(set), Some(&known)) if set == known => {
            Bound { addr: Addr::Bound(known.clone()), ..bound.clone() }
        }
        _ => bound.clone(),
    })
}
