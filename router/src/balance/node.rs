//! What a balancer knows of an endpoint, on one worker.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use super::Status;
use super::aperture::LoadBand;
use super::stats::HealthStats;
use crate::accrual::{Change, FailFast, Outcome};
use crate::client::health::{Health, Meter};
use crate::entropy;

/// How long `failFast` waits for a connection, as Finagle's `connectTimeout`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// An endpoint as balancers see it.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    pub(crate) weight: f64,
    pub(super) health: Arc<Health>,
    meter: Arc<Meter>,
    /// Its place in the order of an aperture.
    pub(super) token: u64,
    /// The aperture that its requests count for.
    band: Option<Rc<LoadBand>>,
    kept: Cell<bool>,
    stats: Rc<HealthStats>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.keep(false);
    }
}

impl Node {
    pub(super) fn new(
        address: SocketAddr,
        weight: f64,
        health: Arc<Health>,
        band: Option<Rc<LoadBand>>,
        stats: Rc<HealthStats>,
        now: Instant,
    ) -> Self {
        let (meter, token) = (health.meter(now), entropy::next_u64());
        Node { address, weight, health, meter, token, band, kept: Cell::new(false), stats }
    }

    pub(crate) fn status(&self, now: Instant) -> Status {
        self.health.status(now)
    }

    /// Whether `failFast` says that it takes no connection: a request that gets it shall fail.
    pub(crate) fn has_failed_fast(&self) -> bool {
        self.health.fail_fast.as_ref().is_some_and(FailFast::is_marked)
    }

    /// The endpoint stays although its address has gone, or no longer.
    pub(crate) fn keep(&self, keep: bool) {
        if self.kept.replace(keep) != keep {
            self.health.keep(keep);
        }
    }

    /// Whether it stays although its address has gone.
    pub(crate) fn is_kept(&self) -> bool {
        self.kept.get()
    }

    /// Requests in flight from this worker.
    pub(crate) fn load(&self) -> u32 {
        self.meter.load()
    }

    /// See [`PeakEwma::load`](super::PeakEwma::load).
    pub(super) fn cost(&self, now: Instant) -> f64 {
        match &self.meter.ewma {
            Some(ewma) => ewma.load(self.load(), now),
            None => f64::from(self.load()),
        }
    }

    /// A request to the endpoint begins. It is in flight until the guard is dropped.
    pub(crate) fn begin(self: &Rc<Self>, now: Instant) -> Attempt {
        self.meter.inc();
        if let Some(band) = &self.band {
            band.changed(1, now);
        }
        self.count(self.health.accrual.begin(now));
        Attempt { node: self.clone(), started: now, finished: Cell::new(false), ended: false }
    }

    fn count(&self, change: Option<Change>) {
        let Some(change) = change else { return };
        let address = self.address;
        match change {
            Change::Removed(wait) => {
                tracing::info!(%address, ?wait, "an endpoint has failed too often: left alone");
            }
            Change::Revived => tracing::info!(%address, "an endpoint works again"),
            Change::StillDead(wait) => tracing::debug!(%address, ?wait, "a probe has failed"),
            Change::Probing => tracing::debug!(%address, "a probe begins"),
        }
        self.stats.count(change);
    }

    /// It took no connection: with `failFast` it is left alone until it takes one.
    fn fail_fast(&self, now: Instant) {
        let health = &self.health;
        if !health.fail_fast.as_ref().is_some_and(|it| it.mark(now)) {
            return;
        }
        self.stats.marked_dead();
        let (health, address, stats) = (health.clone(), self.address, self.stats.clone());
        tokio::task::spawn_local(async move {
            // The mark goes with this task, however that ends: nobody else takes it away.
            let marked = Marked(health);
            let Some(fail_fast) = &marked.0.fail_fast else { return };
            let connect = async || {
                let socket = TcpStream::connect(address);
                matches!(tokio::time::timeout(CONNECT_TIMEOUT, socket).await, Ok(Ok(_)))
            };
            if fail_fast.probe(connect, || Arc::strong_count(&marked.0) > 1).await {
                stats.marked_available();
            }
        });
    }
}

/// An endpoint that `failFast` has marked; not once this is dropped.
struct Marked(Arc<Health>);

impl Drop for Marked {
    fn drop(&mut self) {
        if let Some(fail_fast) = &self.0.fail_fast {
            fail_fast.unmark();
        }
    }
}

/// A request in flight.
pub(crate) struct Attempt {
    node: Rc<Node>,
    started: Instant,
    finished: Cell<bool>,
    ended: bool,
}

impl Attempt {
    /// The head of the response has come, or there will be none. Told once; a request that is
    /// dropped before was given up.
    pub(crate) fn finished(&self, outcome: Outcome, now: Instant) {
        if !self.finished.replace(true) {
            self.count(outcome, now);
        }
    }

    /// As [`finished`](Attempt::finished): there is no connection.
    pub(crate) fn unconnected(&self) {
        let now = Instant::now();
        self.finished(Outcome::Failure, now);
        self.node.fail_fast(now);
    }

    fn count(&self, outcome: Outcome, now: Instant) {
        let Node { health, meter, .. } = &*self.node;
        if let Some(ewma) = &meter.ewma {
            ewma.finished(outcome, now.saturating_duration_since(self.started), now);
        }
        self.node.count(health.accrual.finished(outcome, now));
    }

    /// The request is over; the clock is read only by what needs it.
    fn end(&mut self, clock: impl Fn() -> Instant) {
        if !self.finished.replace(true) {
            self.count(Outcome::Ignored, clock());
        }
        if !std::mem::replace(&mut self.ended, true) {
            self.node.meter.dec();
            if let Some(band) = &self.node.band {
                band.changed(-1, clock());
            }
        }
    }

    /// As if it came to this at that time, and was over.
    #[cfg(test)]
    pub(super) fn finished_at(mut self, outcome: Outcome, now: Instant) {
        self.finished.set(true);
        self.count(outcome, now);
        self.end(|| now);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.end(Instant::now);
    }
}
