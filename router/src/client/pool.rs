//! The connections of one worker to one endpoint that nobody uses, and the limit of all workers'
//! connections to it (`hostConnectionPool`).

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use hyper::client::conn::http1::SendRequest;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::patience::Patience;
use super::traffic::Traffic;
use crate::config::{PoolConfig, SessionConfig};
use crate::retry::replay::RequestBody;
use crate::telemetry::Level;

/// A connection that nobody has used for this long is closed, unless `idleTimeMs` says otherwise.
const IDLE_TIME: Duration = Duration::from_secs(90);

/// Of so many connections that come back while requests wait here and elsewhere, one is for elsewhere.
const TURNS: u32 = 8;

/// A connection, apart from who uses it.
pub(super) struct Channel {
    pub(super) sender: SendRequest<RequestBody>,
    pub(super) patience: Patience,
    pub(super) traffic: Traffic,
    opened: Instant,
    /// Its part of the limit, given back with it.
    _permit: Option<OwnedSemaphorePermit>,
}

impl Channel {
    pub(super) fn new(
        sender: SendRequest<RequestBody>,
        patience: Patience,
        traffic: Traffic,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Channel { sender, patience, traffic, opened: Instant::now(), _permit: permit }
    }
}

/// Connections of one worker that wait for a request, the last used last.
pub(super) struct Pool {
    idle: RefCell<Vec<Idle>>,
    cached: Rc<Level>,
    closed: Cell<bool>,
    /// Requests of this worker that wait for a connection, and what wakes them.
    waiting: Cell<u32>,
    returned: Notify,
    turn: Cell<u32>,
    config: PoolConfig,
    session: SessionConfig,
    limit: Option<Arc<PoolLimit>>,
}

struct Idle {
    channel: Channel,
    since: Instant,
}

impl Pool {
    pub(super) fn new(
        config: PoolConfig,
        session: SessionConfig,
        limit: Option<Arc<PoolLimit>>,
        cached: Rc<Level>,
    ) -> Rc<Self> {
        let pool = Rc::new(Pool {
            idle: RefCell::default(),
            cached,
            closed: Cell::new(false),
            waiting: Cell::new(0),
            returned: Notify::new(),
            turn: Cell::new(0),
            config,
            session,
            limit,
        });
        if let Some(limit) = &pool.limit {
            tokio::task::spawn_local(give_up_when_wanted(limit.clone(), Rc::downgrade(&pool)));
        }
        pool
    }

    /// The limit of connections to this endpoint, if there is one.
    pub(super) fn limit(&self) -> Option<&Arc<PoolLimit>> {
        self.limit.as_ref()
    }

    /// `idleTimeMs`
    pub(super) fn idle_time(&self) -> Option<Duration> {
        self.config.idle_time
    }

    /// The connection that was used last of those that are ready; if none is, just the last.
    pub(super) fn take(&self) -> Option<Channel> {
        let mut idle = self.idle.borrow_mut();
        let ready = idle.iter().rposition(|idle| idle.channel.sender.is_ready());
        let at = ready.or_else(|| idle.len().checked_sub(1))?;
        self.cached.dec();
        Some(idle.remove(at).channel)
    }

    /// Takes a connection back whose response has been read to its end.
    pub(super) fn give_back(&self, channel: Channel) {
        let old = self.session.life_time.is_some_and(|life| channel.opened.elapsed() >= life);
        if self.closed.get() || old || channel.sender.is_closed() || self.owes_it() {
            return;
        }
        self.cached.inc();
        self.idle.borrow_mut().push(Idle { channel, since: Instant::now() });
        if self.waiting.get() > 0 {
            self.returned.notify_one();
        }
    }

    /// Whether a connection that comes back is closed so that another worker may open one: if that
    /// waits and this does not, and now and then if both do.
    fn owes_it(&self) -> bool {
        let Some(limit) = &self.limit else { return false };
        let here = self.waiting.get();
        if limit.waiting.load(Relaxed) <= here {
            return false;
        }
        let turn = self.turn.get().wrapping_add(1);
        self.turn.set(turn);
        here == 0 || turn.is_multiple_of(TURNS)
    }

    /// The endpoint has gone: connections are closed as they come back.
    pub(super) fn close(&self) {
        self.closed.set(true);
        self.keep(|_| false);
    }

    /// Closes what has waited or lived for too long.
    pub(super) fn reap(&self) {
        if self.idle.borrow().is_empty() {
            return;
        }
        let idle_time = match (self.config.idle_time, self.session.idle_time) {
            (Some(surplus), Some(session)) => surplus.min(session),
            (given, other) => given.or(other).unwrap_or(IDLE_TIME),
        };
        // The oldest are first; `minSize` of those used last may wait for as long as a session may.
        let surplus = self.idle.borrow().len().saturating_sub(self.config.min_size as usize);
        let mut at = 0;
        self.keep(|idle| {
            let limit = if at < surplus { Some(idle_time) } else { self.session.idle_time };
            at += 1;
            let old =
                self.session.life_time.is_some_and(|life| idle.channel.opened.elapsed() >= life);
            !old && !idle.channel.sender.is_closed()
                && limit.is_none_or(|limit| idle.since.elapsed() < limit)
        });
    }

    fn keep(&self, keep: impl FnMut(&Idle) -> bool) {
        let mut idle = self.idle.borrow_mut();
        let before = idle.len();
        idle.retain(keep);
        (idle.len()..before).for_each(|_| self.cached.dec());
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.keep(|_| false);
        if let Some(limit) = &self.limit {
            limit.wanted.notify_waiters();
        }
    }
}

/// Closes an unused connection whenever a worker waits for one, so that no worker holds what others
/// need. Ends with the pool.
async fn give_up_when_wanted(limit: Arc<PoolLimit>, pool: Weak<Pool>) {
    loop {
        let wanted = limit.wanted.notified();
        let Some(pool) = pool.upgrade() else { return };
        if limit.waiting.load(Relaxed) > pool.waiting.get() {
            drop(pool.take());
        }
        drop(pool);
        wanted.await;
    }
}

/// How many connections all workers together may have to an endpoint.
#[derive(Debug)]
pub(crate) struct PoolLimit {
    permits: Arc<Semaphore>,
    waiting: AtomicU32,
    max_waiters: u32,
    wanted: Notify,
}

/// As many requests as may wait for a connection already do.
#[derive(Debug)]
pub(super) struct TooManyWaiters;

impl PoolLimit {
    /// The limit that a configuration asks for, if any.
    pub(super) fn of(config: &PoolConfig) -> Option<Arc<Self>> {
        let permits = config.max_size? as usize;
        Some(Arc::new(PoolLimit {
            permits: Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS))),
            waiting: AtomicU32::new(0),
            max_waiters: config.max_waiters.unwrap_or(u32::MAX),
            wanted: Notify::new(),
        }))
    }

    /// One more connection, if there may be one.
    pub(super) fn try_open(&self) -> Option<OwnedSemaphorePermit> {
        self.permits.clone().try_acquire_owned().ok()
    }
}

/// A request that waits for a connection.
pub(super) struct Waiting<'p> {
    pool: &'p Pool,
    limit: &'p PoolLimit,
}

impl<'p> Waiting<'p> {
    pub(super) fn new(pool: &'p Pool, limit: &'p PoolLimit) -> Result<Self, TooManyWaiters> {
        let before = limit.waiting.fetch_add(1, Relaxed);
        pool.waiting.set(pool.waiting.get() + 1);
        let waiting = Waiting { pool, limit };
        if before >= limit.max_waiters { Err(TooManyWaiters) } else { Ok(waiting) }
    }

    /// Waits until a connection has come back to this worker, or one more may be opened.
    pub(super) async fn wait(&self) -> Option<OwnedSemaphorePermit> {
        self.limit.wanted.notify_waiters();
        tokio::select! {
            biased;
            () = self.pool.returned.notified() => None,
            permit = self.limit.permits.clone().acquire_owned() => permit.ok(),
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.limit.waiting.fetch_sub(1, Relaxed);
        self.pool.waiting.set(self.pool.waiting.get() - 1);
    }
}
