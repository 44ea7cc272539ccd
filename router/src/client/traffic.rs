//! What has gone over one connection to a service.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use crate::proxy::stats::ConnectionStats;

/// The bytes and requests of one connection. All who count are on one thread; it is atomic since the
/// connection may become a tunnel, which has to be `Send`.
#[derive(Clone, Debug)]
pub(super) struct Traffic(Arc<Totals>);

#[derive(Debug)]
struct Totals {
    began: Instant,
    received: AtomicU64,
    sent: AtomicU64,
    requests: AtomicU64,
    /// What of the bytes is in the metrics.
    told: (AtomicU64, AtomicU64),
}

fn add(total: &AtomicU64, n: u64) {
    total.store(total.load(Relaxed).wrapping_add(n), Relaxed);
}

impl Traffic {
    pub(super) fn new() -> Self {
        let [received, sent, requests] = [(); 3].map(|()| AtomicU64::new(0));
        let (began, told) = (Instant::now(), Default::default());
        Traffic(Arc::new(Totals { began, received, sent, requests, told }))
    }

    pub(super) fn received(&self, bytes: usize) {
        add(&self.0.received, bytes as u64);
    }

    pub(super) fn sent(&self, bytes: usize) {
        add(&self.0.sent, bytes as u64);
    }

    pub(super) fn request(&self) {
        add(&self.0.requests, 1);
    }

    /// Adds the bytes since the last time to the metrics.
    pub(super) fn tell(&self, stats: &ConnectionStats) {
        let news = |total: &AtomicU64, told: &AtomicU64| {
            let now = total.load(Relaxed);
            let before = told.load(Relaxed);
            told.store(now, Relaxed);
            now.wrapping_sub(before)
        };
        stats.received_bytes.add(news(&self.0.received, &self.0.told.0));
        stats.sent_bytes.add(news(&self.0.sent, &self.0.told.1));
    }

    /// The connection has ended.
    pub(super) fn end(&self, stats: &ConnectionStats) {
        self.tell(stats);
        let Totals { began, received, sent, requests, .. } = &*self.0;
        stats.closes.incr();
        stats.duration.record(began.elapsed().as_millis() as u64);
        stats.requests.record(requests.load(Relaxed));
        stats.received.record(received.load(Relaxed));
        stats.sent.record(sent.load(Relaxed));
    }
}
