//! `failFast`: an endpoint that takes no connection gets no request until it takes one again.
//!
//! Finagle's `FailFastFactory`. The worker whose connection failed tries again by itself, and the
//! others go by what it finds.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::backoff::Backoff;

/// The first wait before a connection is tried again, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(32));

/// Whether an endpoint is marked.
#[derive(Debug)]
pub(crate) struct FailFast {
    epoch: Instant,
    /// Milliseconds from `epoch` since which it is marked, plus one; 0 if it is not.
    marked: AtomicU64,
    tries: AtomicU32,
}

impl FailFast {
    pub(crate) fn new(now: Instant) -> Self {
        FailFast { epoch: now, marked: AtomicU64::new(0), tries: AtomicU32::new(0) }
    }

    pub(crate) fn is_marked(&self) -> bool {
        self.marked.load(Relaxed) != 0
    }

    /// For how long it has been marked; zero if it is not.
    pub(crate) fn marked_for(&self, now: Instant) -> Duration {
        match self.marked.load(Relaxed).checked_sub(1) {
            None => Duration::ZERO,
            Some(since) => now.saturating_duration_since(self.epoch + Duration::from_millis(since)),
        }
    }

    /// Connections tried in vain since it is marked.
    pub(crate) fn tries(&self) -> u32 {
        self.tries.load(Relaxed)
    }

    /// Marks it; whether it was not, in which case the caller shall [`probe`](FailFast::probe).
    pub(crate) fn mark(&self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.epoch).as_millis() as u64 + 1;
        self.marked.compare_exchange(0, since, Relaxed, Relaxed).is_ok()
    }

    /// Takes the mark away.
    pub(crate) fn unmark(&self) {
        self.tries.store(0, Relaxed);
        self.marked.store(0, Relaxed);
    }

    /// Tries to connect, with longer and longer waits, until that succeeds or nobody `is_wanted`
    /// it any more.
    pub(crate) async fn probe(
        &self,
        connect: impl AsyncFn() -> bool,
        is_wanted: impl Fn() -> bool,
    ) {
        let mut backoff = Backoff::exponential(WAITS.0, WAITS.1);
        loop {
            tokio::time::sleep(backoff.next()).await;
            if !is_wanted() || connect().await {
                return;
            }
            self.tries.store(self.tries().saturating_add(1), Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_tried_until_it_takes_a_connection() {
        let (now, left) = (Instant::now(), Cell::new(7));
        let fail_fast = FailFast::new(now);
        assert!(fail_fast.mark(now));
        assert!(!fail_fast.mark(now), "one probes");
        let connect = async || {
            left.set(left.get() - 1);
            left.get() == 0
        };
        fail_fast.probe(connect, || true).await;
        assert_eq!((left.get(), fail_fast.tries()), (0, 6));
        assert!(fail_fast.is_marked());
        let later = now + Duration::from_secs(3);
        assert_eq!(fail_fast.marked_for(later), Duration::from_secs(3));
        fail_fast.unmark();
        assert_eq!((fail_fast.is_marked(), fail_fast.tries()), (false, 0));
        assert_eq!(fail_fast.marked_for(later), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_has_any_more_is_not_tried() {
        let fail_fast = FailFast::new(Instant::now());
        fail_fast.probe(async || unreachable!("nobody wants it"), || false).await;
    }
}
