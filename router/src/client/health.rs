//! What the workers know together of an endpoint: whether it takes connections.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// The first wait after a failed connect; each further failure doubles it.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Whether an endpoint takes connections.
///
/// A failed connect marks it down for a time that doubles with each failure in a row. After that one
/// request probes it: the mark is set anew by the first who asks, so that the others stay away until
/// the probe has an answer.
#[derive(Debug)]
pub(crate) struct Health {
    epoch: Instant,
    /// Milliseconds since `epoch` until which nobody should try; 0 if it is up.
    down_until: AtomicU64,
    failures: AtomicU32,
}

impl Health {
    fn new(epoch: Instant) -> Self {
        Health { epoch, down_until: AtomicU64::new(0), failures: AtomicU32::new(0) }
    }

    fn now(&self) -> u64 {
        self.epoch.elapsed().as_millis() as u64
    }

    /// Whether a request may go there. For an endpoint whose wait is over this is true once.
    pub(crate) fn is_open(&self) -> bool {
        let until = self.down_until.load(Relaxed);
        if until == 0 {
            return true;
        }
        let now = self.now();
        if now < until {
            return false;
        }
        let next = now + self.wait().as_millis() as u64;
        self.down_until.compare_exchange(until, next, Relaxed, Relaxed).is_ok()
    }

    /// Whether [`Health::is_open`] may say yes, without asking for a probe.
    pub(crate) fn may_open(&self) -> bool {
        match self.down_until.load(Relaxed) {
            0 => true,
            until => self.now() >= until,
        }
    }

    /// Whether it is marked down.
    pub(crate) fn is_down(&self) -> bool {
        self.down_until.load(Relaxed) != 0
    }

    /// When the mark ends; 0 if there is none.
    pub(crate) fn down_until(&self) -> u64 {
        self.down_until.load(Relaxed)
    }

    /// It does not take a connection.
    pub(crate) fn connect_failed(&self) {
        self.failures.fetch_add(1, Relaxed);
        let wait = self.wait().as_millis() as u64;
        // Jitter, so that the workers and routers do not all come back at once.
        let wait = wait - crate::entropy::next_u64() % (wait / 4 + 1);
        self.down_until.store(self.now() + wait.max(1), Relaxed);
    }

    /// It has answered.
    pub(crate) fn answered(&self) {
        if self.is_down() {
            self.failures.store(0, Relaxed);
            self.down_until.store(0, Relaxed);
        }
    }

    fn wait(&self) -> Duration {
        let doublings = self.failures.load(Relaxed).saturating_sub(1).min(10);
        (FIRST_WAIT * (1 << doublings)).min(LONGEST_WAIT)
    }
}

/// The health of every endpoint that some worker has.
#[derive(Debug)]
pub(crate) struct HealthTable {
    epoch: Instant,
    known: Mutex<HashMap<SocketAddr, Weak<Health>>>,
}

impl HealthTable {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(HealthTable { epoch: Instant::now(), known: Mutex::default() })
    }

    /// The health of an endpoint, shared with every worker that has it. Asked when addresses change,
    /// not for requests.
    pub(crate) fn of(&self, address: SocketAddr) -> Arc<Health> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(health) = known.get(&address).and_then(Weak::upgrade) {
            return health;
        }
        known.retain(|_, health| health.strong_count() > 0);
        let health = Arc::new(Health::new(self.epoch));
        known.insert(address, Arc::downgrade(&health));
        health
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_endpoint_is_probed_by_one_request_at_a_time() {
        let health = Health::new(Instant::now().checked_sub(Duration::from_mins(1)).unwrap());
        assert!(health.is_open());
        health.connect_failed();
        assert!(!health.is_open());
        health.down_until.store(health.now(), Relaxed);
        assert!(health.is_open(), "the wait is over: one may try");
        assert!(!health.is_open(), "the others stay away");
        health.answered();
        assert!(health.is_open() && health.is_open());
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let health = Health::new(Instant::now());
        let mut waits = Vec::new();
        for _ in 0..9 {
            health.failures.fetch_add(1, Relaxed);
            waits.push(health.wait().as_millis());
        }
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
    }

    #[test]
    fn workers_share_what_they_know_and_forget_it_together() {
        let table = HealthTable::new();
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let (one, other) = (table.of(address), table.of(address));
        one.connect_failed();
        assert!(other.is_down());
        drop((one, other));
        assert!(!table.of(address).is_down());
    }
}
