//! The latest requests, for people to look at: a share of those that succeeded, and failures.
//!
//! Each worker remembers its own, for each router, behind a lock that only readers ever contend for.
//! Unless `io.l5d.recentRequests` says otherwise, of successes about [`A_SECOND`] a second are taken,
//! evenly spaced; for the others a request counts a number down. Of failures the first
//! [`A_SECOND`] of each second are taken. Both are in rings of their own, of [`CAPACITY`] requests, so
//! that successes do not push failures out.
//!
//! How a name resolved is remembered by the binding itself, which is shared with whoever uses it. A
//! ring keeps those of its newest requests that are not in use any more alive, [`BINDINGS`] at the most,
//! with [`STEPS`] steps together. With texts cut at [`LONGEST`] bytes, a worker has at the most about
//! 4 MiB of them for a router, and some 200 KiB as a rule.

mod page;
mod ring;

use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use dtab::Path;
use http::{Method, StatusCode, Uri};
use jiff::Timestamp;
use serde_json::{Value, json};

use self::ring::Rings;
use crate::config::kinds::RecentRequestsConfig;
use crate::entropy;
use crate::http::headers::trace::TraceId;
use crate::naming::Binding;
use crate::telemetry::tap::trace_hex;

/// Requests of either kind that are kept for a worker and router, unless configured.
const CAPACITY: usize = 200;

/// Requests of either kind that are taken in a second by a worker.
const A_SECOND: u32 = 10;

/// Bindings that a ring keeps alive.
const BINDINGS: usize = 64;

/// The steps that those bindings may have together.
const STEPS: usize = 5000;

/// The longest text that is kept; more is cut off.
const LONGEST: usize = 1024;

/// The latest requests of all routers and workers, from the start of the program to its end.
#[derive(Default)]
pub(crate) struct RecentRequests {
    workers: Mutex<Vec<Weak<Mutex<Rings>>>>,
    /// What workers knew whose configuration has been replaced.
    retired: Mutex<Rings>,
    /// Of either kind that are shown.
    capacity: AtomicUsize,
}

/// Which requests of a router are remembered, and where.
pub(crate) struct Sampling {
    recent: Arc<RecentRequests>,
    /// The share of requests, if it is configured.
    rate: Option<f64>,
    capacity: usize,
}

/// The requests of one router on one worker.
pub(crate) struct LocalRecentRequests {
    router: Arc<str>,
    recent: Arc<RecentRequests>,
    rings: Arc<Mutex<Rings>>,
    rate: Option<f64>,
    capacity: usize,
    /// Successes to be passed over before one is taken, and what that number was at first.
    left: Cell<u32>,
    wait: Cell<u32>,
    /// Successes to be passed over between two that are taken.
    between: Cell<u32>,
    /// Successes in this second, but for those since the last that was taken.
    seen: Cell<u64>,
    /// What may still be taken in this second.
    successes: Cell<u32>,
    failures: Cell<u32>,
}

/// A request that has ended.
pub(crate) struct Ended<'r> {
    pub(crate) caller: SocketAddr,
    /// The server that it came to.
    pub(crate) server: SocketAddr,
    /// Its logical name, if it has one.
    pub(crate) service: Option<&'r Path>,
    /// The bound name that it was sent to.
    pub(crate) client: Option<&'r Path>,
    /// Who has answered.
    pub(crate) endpoint: Option<SocketAddr>,
    pub(crate) method: &'r Method,
    pub(crate) uri: &'r Uri,
    pub(crate) status: StatusCode,
    /// From its head to that of its response.
    pub(crate) took: Duration,
    pub(crate) retries: u64,
    /// Its own table.
    pub(crate) overrides: Option<String>,
    pub(crate) error: Option<&'r str>,
    pub(crate) trace: Option<TraceId>,
    pub(crate) failed: bool,
    /// What its name was bound to.
    pub(crate) binding: Option<&'r Arc<Binding>>,
}

/// A request that is remembered.
#[derive(Debug)]
pub(crate) struct Recent {
    id: u64,
    ended: Timestamp,
    caller: SocketAddr,
    server: SocketAddr,
    pub(crate) router: Arc<str>,
    pub(crate) service: Option<String>,
    client: Option<String>,
    endpoint: Option<SocketAddr>,
    method: Method,
    uri: String,
    status: u16,
    ms: f64,
    retries: u64,
    pub(crate) overrides: Option<String>,
    error: Option<String>,
    trace: Option<String>,
    failed: bool,
    binding: Weak<Binding>,
}

/// Which requests are asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// The most of them; as many as there are unless given.
    pub(crate) limit: Option<usize>,
    /// Only failures.
    pub(crate) failed: bool,
    /// Only those of the router with this label.
    pub(crate) router: Option<String>,
}

impl RecentRequests {
    /// None yet.
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Those that are asked for, newest first.
    pub(crate) fn newest(&self, wanted: &Wanted) -> Vec<Arc<Recent>> {
        let capacity = self.capacity.load(Relaxed);
        let mut all = Vec::new();
        for failed in [false, true] {
            if wanted.failed && !failed {
                continue;
            }
            let mut kind = Vec::new();
            self.for_each(|rings| kind.extend(rings.of(failed).iter().cloned()));
            kind.sort_by_key(|recent| std::cmp::Reverse((recent.ended, recent.id)));
            kind.truncate(capacity);
            all.extend(kind);
        }
        if let Some(router) = &wanted.router {
            all.retain(|recent| *recent.router == **router);
        }
        all.sort_by_key(|recent| std::cmp::Reverse((recent.ended, recent.id)));
        all.truncate(wanted.limit.unwrap_or(usize::MAX));
        all
    }

    /// The request with this id, if it is still known.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Recent>> {
        let id = u64::from_str_radix(id, 16).ok()?;
        let mut found = None;
        self.for_each(|rings| found = found.take().or_else(|| rings.get(id)));
        found
    }

    /// Those that are new since the last call, oldest first.
    pub(crate) fn news(&self) -> Vec<Arc<Recent>> {
        let mut news = Vec::new();
        self.for_each(|rings| news.extend(rings.news()));
        news.sort_by_key(|recent| (recent.ended, recent.id));
        news
    }

    fn for_each(&self, mut see: impl FnMut(&mut Rings)) {
        let workers: Vec<_> = lock(&self.workers).iter().filter_map(Weak::upgrade).collect();
        see(&mut lock(&self.retired));
        for rings in workers {
            see(&mut lock(&rings));
        }
    }
}

impl Sampling {
    /// As it is configured, or by default.
    pub(crate) fn new(recent: Arc<RecentRequests>, config: Option<&RecentRequestsConfig>) -> Self {
        let rate = config.map(|config| config.sample_rate);
        let capacity = config.map_or(CAPACITY, |config| config.capacity);
        Sampling { recent, rate, capacity }
    }

    /// A worker's part, for the router with this label.
    pub(crate) fn local(&self, router: &str) -> LocalRecentRequests {
        let Sampling { recent, rate, capacity } = self;
        recent.capacity.store(*capacity, Relaxed);
        let rings = Arc::<Mutex<Rings>>::default();
        let mut workers = lock(&recent.workers);
        workers.retain(|worker| worker.strong_count() > 0);
        workers.push(Arc::downgrade(&rings));
        LocalRecentRequests {
            router: router.into(),
            recent: recent.clone(),
            rings,
            rate: *rate,
            capacity: *capacity,
            left: Cell::new(0),
            wait: Cell::new(0),
            between: Cell::new(0),
            seen: Cell::new(0),
            successes: Cell::new(A_SECOND),
            failures: Cell::new(A_SECOND),
        }
    }
}

impl LocalRecentRequests {
    /// Whether a request is to be recorded.
    #[inline]
    pub(crate) fn wants(&self, failed: bool, trace: TraceId) -> bool {
        let left = self.left.get();
        if left > 0 && !failed {
            self.left.set(left - 1);
            return false;
        }
        match self.rate {
            _ if failed && self.wants_failure() => true,
            // As the caller of the trace has decided; by its id if nobody has.
            Some(rate) => trace.with_sample_rate(rate as f32).sampled() == Some(true),
            None => !failed && self.wants_success(),
        }
    }

    /// Whether a failure is to be recorded.
    pub(crate) fn wants_failure(&self) -> bool {
        take_one(&self.failures)
    }

    fn wants_success(&self) -> bool {
        self.seen.set(self.seen.get() + u64::from(self.wait.get()) + 1);
        let taken = take_one(&self.successes);
        self.pass(if taken { self.between.get() } else { u32::MAX });
        taken
    }

    fn pass(&self, successes: u32) {
        self.left.set(successes);
        self.wait.set(successes);
    }

    /// To be called each second.
    pub(crate) fn begin_second(&self) {
        let since = u64::from(self.wait.get() - self.left.get());
        let seen = self.seen.replace(0) + since;
        self.between.set(u32::try_from(seen / u64::from(A_SECOND)).unwrap_or(u32::MAX));
        self.pass(0);
        self.successes.set(A_SECOND);
        self.failures.set(A_SECOND);
    }

    /// Remembers a request.
    pub(crate) fn record(&self, ended: &Ended<'_>) {
        let target = ended.uri.path_and_query().map_or("/", |target| target.as_str());
        let recent = Recent {
            id: NEXT_ID.fetch_add(1, Relaxed),
            ended: Timestamp::now(),
            caller: ended.caller,
            server: ended.server,
            router: self.router.clone(),
            service: ended.service.map(|name| clipped(&name.to_string())),
            client: ended.client.map(|name| clipped(&name.to_string())),
            endpoint: ended.endpoint,
            method: ended.method.clone(),
            uri: clipped(target),
            status: ended.status.as_u16(),
            ms: ended.took.as_micros() as f64 / 1000.0,
            retries: ended.retries,
            overrides: ended.overrides.as_deref().map(clipped),
            error: ended.error.map(|error| clipped(error.trim())),
            trace: ended.trace.map(trace_hex),
            failed: ended.failed,
            binding: ended.binding.map(Arc::downgrade).unwrap_or_default(),
        };
        lock(&self.rings).push(Arc::new(recent), ended.binding, self.capacity);
    }
}

impl Drop for LocalRecentRequests {
    fn drop(&mut self) {
        lock(&self.rings).move_to(&mut lock(&self.recent.retired), self.capacity);
    }
}

/// Ids go on from a number of chance, so that a link into what was before a restart leads nowhere.
static NEXT_ID: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(entropy::next_u64() >> 16));

impl Recent {
    /// What its name was bound to, if that is still known.
    pub(crate) fn binding(&self) -> Option<Arc<Binding>> {
        self.binding.upgrade()
    }

    /// As it is in `/requests.json`.
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": format!("{:x}", self.id),
            "time": format!("{:.3}", self.ended),
            "source": self.caller.to_string(),
            "server": self.server.to_string(),
            "router": &*self.router,
            "service": self.service,
            "client": self.client,
            "destination": self.endpoint.map(|endpoint| endpoint.to_string()),
            "method": self.method.as_str(),
            "uri": self.uri,
            "status": self.status,
            "ms": self.ms,
            "retries": self.retries,
            "override": self.overrides,
            "error": self.error,
            "failed": self.failed,
            "trace": self.trace,
        })
    }
}

/// Takes one of what is left, if any is.
fn take_one(left: &Cell<u32>) -> bool {
    let some = left.get().checked_sub(1);
    some.map(|less| left.set(less)).is_some()
}

fn clipped(text: &str) -> String {
    text[..text.floor_char_boundary(LONGEST)].to_owned()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
