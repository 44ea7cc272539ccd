//! What is counted of balancers and of the health of endpoints, under Linkerd's names.
//!
//! Each worker counts what it does itself. What holds for the client as a whole is computed when it
//! is read, from what the workers share.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use crate::accrual::Change;
use crate::client::health::{ClientHealth, EndpointView, Update};
use crate::config::kinds::BalancerKind;
use crate::telemetry::{Counter, Gauge, Level, Scope};

/// `loadbalancer/…` of a client, on one worker.
pub(crate) struct BalancerStats {
    pub(super) rebuilds: Counter,
    pub(super) max_effort_exhausted: Counter,
    /// Draws that met a class without an open endpoint: a counter in Linkerd, too.
    pub(super) busy_weight_classes: Counter,
    adds: Counter,
    removes: Counter,
    updates: Counter,
    pub(super) health: Rc<HealthStats>,
    /// There if the balancer is an aperture.
    pub(super) aperture: Option<Rc<ApertureStats>>,
    _gauges: Vec<Gauge>,
}

impl BalancerStats {
    pub(crate) fn new(client: &Scope, kind: BalancerKind, health: &Arc<ClientHealth>) -> Self {
        let scope = client.scope("loadbalancer");
        let gauge = |name: &str, read: fn(&[EndpointView]) -> f64| {
            let health = health.clone();
            scope.gauge(name, move || read(&health.view(Instant::now())))
        };
        let mut gauges = vec![
            gauge("size", |all| all.len() as f64),
            gauge("available", |all| count(all, |it| it.busy.is_none())),
            gauge("busy", |all| count(all, |it| it.busy.is_some())),
            // An endpoint that is closed is no longer there.
            gauge("closed", |_| 0.0),
            gauge("load", |all| all.iter().map(|it| f64::from(it.load)).sum()),
            gauge("meanweight", mean_weight),
            gauge("num_weight_classes", weight_classes),
            scope.scope("algorithm").gauge(super::name(kind), || 1.0),
        ];
        if health.has_fail_fast() {
            gauges.extend(fail_fast(client, health));
        }
        let is_aperture = matches!(kind, BalancerKind::Aperture { .. });
        BalancerStats {
            rebuilds: scope.counter("rebuilds"),
            max_effort_exhausted: scope.counter("max_effort_exhausted"),
            busy_weight_classes: scope.counter("busy_weight_classes"),
            adds: scope.counter("adds"),
            removes: scope.counter("removes"),
            updates: scope.counter("updates"),
            health: Rc::new(HealthStats::new(client, health.has_fail_fast())),
            aperture: is_aperture.then(|| Rc::new(ApertureStats::new(&scope, health))),
            _gauges: gauges,
        }
    }

    /// The addresses have changed.
    pub(crate) fn updated(&self, update: Update) {
        self.updates.incr();
        self.rebuilds.incr();
        self.adds.add(update.adds as u64);
        self.removes.add(update.removes as u64);
    }
}

fn count(endpoints: &[EndpointView], counts: impl Fn(&EndpointView) -> bool) -> f64 {
    endpoints.iter().filter(|endpoint| counts(endpoint)).count() as f64
}

fn mean_weight(endpoints: &[EndpointView]) -> f64 {
    let sum: f64 = endpoints.iter().map(|endpoint| endpoint.weight).sum();
    if endpoints.is_empty() { 0.0 } else { sum / endpoints.len() as f64 }
}

fn weight_classes(endpoints: &[EndpointView]) -> f64 {
    let mut weights: Vec<_> = endpoints.iter().map(|endpoint| endpoint.weight).collect();
    weights.sort_by(f64::total_cmp);
    weights.dedup();
    weights.len() as f64
}

/// The gauges of `failfast/…`.
fn fail_fast(client: &Scope, health: &Arc<ClientHealth>) -> [Gauge; 3] {
    let scope = client.scope("failfast");
    let gauge = |name: &str, read: fn(&ClientHealth) -> f64| {
        let health = health.clone();
        scope.gauge(name, move || read(&health))
    };
    [
        gauge("unhealthy_for_ms", |health| health.failed_fast(Instant::now()).0.as_millis() as f64),
        gauge("unhealthy_num_tries", |health| f64::from(health.failed_fast(Instant::now()).1)),
        gauge("is_marked_dead", |health| health.failed_fast(Instant::now()).2 as f64),
    ]
}

/// `failure_accrual/…` and the counters of `failfast/…`, on one worker.
pub(crate) struct HealthStats {
    removals: Counter,
    revivals: Counter,
    probes: Counter,
    removed_for_ms: Counter,
    fail_fast: Option<FailFastStats>,
}

/// The counters of `failfast/…`, which are there only if it is set.
struct FailFastStats {
    marked_dead: Counter,
    marked_available: Counter,
}

impl HealthStats {
    fn new(client: &Scope, fail_fast: bool) -> Self {
        let scope = client.scope("failure_accrual");
        HealthStats {
            removals: scope.counter("removals"),
            revivals: scope.counter("revivals"),
            probes: scope.counter("probes"),
            removed_for_ms: scope.counter("removed_for_ms"),
            fail_fast: fail_fast.then(|| {
                let scope = client.scope("failfast");
                FailFastStats {
                    marked_dead: scope.counter("marked_dead"),
                    marked_available: scope.counter("marked_available"),
                }
            }),
        }
    }

    pub(super) fn count(&self, change: Change) {
        match change {
            Change::Probing => self.probes.incr(),
            Change::Revived => self.revivals.incr(),
            Change::Removed(wait) => {
                self.removals.incr();
                self.removed_for_ms.add(wait.as_millis() as u64);
            }
            Change::StillDead(wait) => self.removed_for_ms.add(wait.as_millis() as u64),
        }
    }

    pub(super) fn marked_dead(&self) {
        if let Some(fail_fast) = &self.fail_fast {
            fail_fast.marked_dead.incr();
        }
    }

    pub(super) fn marked_available(&self) {
        if let Some(fail_fast) = &self.fail_fast {
            fail_fast.marked_available.incr();
        }
    }
}

/// What `loadbalancer/…` has for an aperture. Every worker has one of its own, and each class of
/// weights in it: widths and loads are those of all together.
pub(super) struct ApertureStats {
    pub(super) widen: Counter,
    pub(super) narrow: Counter,
    widths: [Level; 2],
    health: Arc<ClientHealth>,
    _gauges: [Gauge; 2],
}

impl ApertureStats {
    pub(super) fn new(balancer: &Scope, health: &Arc<ClientHealth>) -> Self {
        let band = balancer.scope("loadband");
        let offered = health.clone();
        ApertureStats {
            widen: band.counter("widen"),
            narrow: band.counter("narrow"),
            widths: ["logical_aperture", "physical_aperture"].map(|name| balancer.level(name)),
            health: health.clone(),
            _gauges: [
                balancer.gauge("use_deterministic_ordering", || 0.0),
                band.gauge("offered_load_ema", move || offered.offered_load()),
            ],
        }
    }

    /// Where one aperture tells its width; both are the same without deterministic ordering.
    pub(super) fn widths(&self) -> [Level; 2] {
        self.widths.clone()
    }

    /// Where one aperture tells its average load, as bits.
    pub(super) fn load(&self) -> Arc<AtomicU64> {
        self.health.join_offered_load()
    }
}
