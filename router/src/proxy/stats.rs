//! What is counted of requests, under Linkerd's names.
//!
//! Every worker has handles of its own (see [`telemetry`](crate::telemetry)), made once per server,
//! service and client, so that counting is a store or two.

mod connections;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ahash::RandomState;
use http::StatusCode;

pub(crate) use self::connections::{Connecting, ConnectionStats};
use super::cause::Cause;
use crate::classifier::Class;
use crate::retry::budget::{Account, Budget};
use crate::telemetry::{Counter, Gauge, Level, Scope, Stat};

/// `requests`, `success`, `failures`, `request_latency_ms`, `pending`: what servers, services and
/// clients all have.
struct Requests {
    requests: Counter,
    success: Counter,
    failures: Counter,
    latency: Stat,
    pending: Level,
    scope: Scope,
    /// `failures/<cause>`, made as causes are first seen.
    causes: RefCell<Vec<(Cause, Counter)>>,
}

impl Requests {
    fn new(scope: &Scope) -> Self {
        Requests {
            scope: scope.clone(),
            causes: RefCell::default(),
            requests: scope.counter("requests"),
            success: scope.counter("success"),
            failures: scope.counter("failures"),
            latency: scope.stat("request_latency_ms"),
            pending: scope.level("pending"),
        }
    }

    /// One has ended; `failed` says why it counts as a failure, if it does.
    fn end(&self, failed: Option<Cause>, took: Duration) {
        self.requests.incr();
        match failed {
            None => self.success.incr(),
            Some(cause) => {
                self.failures.incr();
                self.count(cause);
            }
        }
        self.latency.record(took.as_millis() as u64);
    }

    fn count(&self, cause: Cause) {
        let mut causes = self.causes.borrow_mut();
        match causes.iter().find(|(known, _)| *known == cause) {
            Some((_, counter)) => counter.incr(),
            None => {
                let counter = self.scope.scope("failures").counter(cause.name());
                counter.incr();
                causes.push((cause, counter));
            }
        }
    }
}

/// `status/<code>`, `status/<n>XX`, `status/error`, `time/…`: made as codes are first seen, but for
/// the classes, which are there from the start.
struct Statuses {
    scope: Scope,
    _classes: [Counter; 6],
    /// Few, and the usual one is first.
    codes: RefCell<Vec<(Option<u16>, StatusCounters)>>,
}

/// Of a code, of its class, and the times of its class.
struct StatusCounters {
    exact: Counter,
    class: Option<Counter>,
    time: Stat,
}

impl Statuses {
    fn new(scope: &Scope) -> Self {
        let statuses = scope.scope("status");
        let classes = ["1XX", "2XX", "3XX", "4XX", "5XX", "error"];
        let classes = classes.map(|class| statuses.counter(class));
        Statuses { scope: scope.clone(), _classes: classes, codes: RefCell::default() }
    }

    fn count(&self, code: Option<StatusCode>, took: Duration) {
        let mut codes = self.codes.borrow_mut();
        let key = code.map(|code| code.as_u16());
        let at = codes.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            codes.push((key, self.counters(key)));
            codes.len() - 1
        });
        let (_, StatusCounters { exact, class, time }) = &codes[at];
        exact.incr();
        if let Some(class) = class {
            class.incr();
        }
        time.record(took.as_millis() as u64);
    }

    fn counters(&self, code: Option<u16>) -> StatusCounters {
        let (statuses, times) = (self.scope.scope("status"), self.scope.scope("time"));
        match code {
            Some(code) => {
                let class = format!("{}XX", code / 100);
                StatusCounters {
                    exact: statuses.counter(&code.to_string()),
                    class: Some(statuses.counter(&class)),
                    time: times.stat(&class),
                }
            }
            None => StatusCounters {
                exact: statuses.counter("error"),
                class: None,
                time: times.stat("error"),
            },
        }
    }
}

/// What is counted of a server: `rt/<router>/server/<ip>/<port>`.
pub(crate) struct ServerStats {
    requests: Requests,
    statuses: Statuses,
    connects: Counter,
    connections: Rc<Level>,
    tls_connections: Rc<Level>,
    /// Handshakes with callers that came to nothing.
    pub(crate) tls_failures: Counter,
    pub(crate) nacks: Counter,
    pub(crate) timeouts: Counter,
}

impl ServerStats {
    pub(crate) fn new(scope: &Scope) -> Self {
        ServerStats {
            requests: Requests::new(scope),
            statuses: Statuses::new(scope),
            connects: scope.counter("connects"),
            connections: Rc::new(scope.level("connections")),
            tls_connections: Rc::new(scope.scope("tls").level("connections")),
            tls_failures: scope.scope("tls").counter("failures"),
            nacks: scope.counter("nacks"),
            timeouts: scope.scope("limits").counter("request_timeout"),
        }
    }

    /// A connection is open until the guard is dropped.
    pub(crate) fn connected(&self) -> Open {
        self.connects.incr();
        Open::new(&self.connections)
    }

    /// A connection is one with TLS until the guard is dropped.
    pub(crate) fn tls_connected(&self) -> Open {
        Open::new(&self.tls_connections)
    }

    pub(crate) fn begin(&self) -> Pending<'_> {
        Pending::new(&self.requests.pending)
    }

    pub(crate) fn end(&self, status: StatusCode, is_success: bool, took: Duration) {
        // Whatever went wrong behind it, it is a response by now.
        self.requests.end((!is_success).then_some(Cause::Response), took);
        self.statuses.count(Some(status), took);
    }

    /// There was no response.
    pub(crate) fn reset(&self, took: Duration) {
        self.requests.end(Some(Cause::Broken), took);
        self.statuses.count(None, took);
    }
}

/// What is counted of a service: `rt/<router>/service/<logical name>`. Only names that bind to
/// something are counted, since any others are whatever a caller made up.
pub(crate) struct ServiceStats {
    scope: Scope,
    name: String,
    budget: Arc<Budget>,
    counted: RefCell<Option<ServiceCounters>>,
}

struct ServiceCounters {
    requests: Requests,
    retries: Counter,
    retries_per_request: Stat,
    budget_exhausted: Counter,
    /// `request_stream_too_long`, `response_stream_too_long`, `classification_timeout`: made once they
    /// are needed, since only streams of gRPC do.
    streams: Scope,
    _budget: Gauge,
}

impl ServiceCounters {
    fn new(scope: &Scope, budget: &Arc<Budget>) -> Self {
        let retries = scope.scope("retries");
        ServiceCounters {
            requests: Requests::new(scope),
            retries: retries.counter("total"),
            retries_per_request: retries.stat("per_request"),
            budget_exhausted: retries.counter("budget_exhausted"),
            streams: retries.clone(),
            _budget: budget_gauge(&retries, budget),
        }
    }
}

/// `retries/budget`: the retries that are left, of all workers together.
fn budget_gauge(retries: &Scope, budget: &Arc<Budget>) -> Gauge {
    let budget = budget.clone();
    retries.gauge("budget", move || budget.balance() as f64)
}

impl ServiceStats {
    pub(crate) fn new(router: &Scope, name: &dtab::Path, budget: &Account) -> Self {
        let name = label(name);
        let scope = router.scope("service").scope(&name);
        ServiceStats { scope, name, budget: budget.budget().clone(), counted: RefCell::default() }
    }

    /// The name is bound: from now on it is counted.
    pub(crate) fn bound(&self) {
        let counters = || ServiceCounters::new(&self.scope, &self.budget);
        self.counted.borrow_mut().get_or_insert_with(counters);
    }

    /// A request begins; whether it is counted, which [`ServiceStats::done`] is to be told.
    pub(crate) fn begin(&self) -> bool {
        let counted = self.counted.borrow();
        if let Some(counted) = &*counted {
            counted.requests.pending.inc();
        }
        counted.is_some()
    }

    pub(crate) fn done(&self) {
        if let Some(counted) = &*self.counted.borrow() {
            counted.requests.pending.dec();
        }
    }

    /// A request has ended; `failed` says why it counts as a failure, if it does.
    pub(crate) fn end(&self, failed: Option<Cause>, took: Duration) {
        if let Some(counted) = &*self.counted.borrow() {
            counted.requests.end(failed, took);
        }
    }

    /// A request has been answered, or given up, after so many retries.
    pub(crate) fn retried(&self, times: u64) {
        if let Some(counted) = &*self.counted.borrow() {
            counted.retries.add(times);
            counted.retries_per_request.record(times);
        }
    }

    /// The request of a stream was too long to be sent again.
    pub(crate) fn request_too_long(&self) {
        self.count_stream("request_stream_too_long");
    }

    /// The response of a stream was too long to be kept until its end.
    pub(crate) fn response_too_long(&self) {
        self.count_stream("response_stream_too_long");
    }

    /// The end of a response was not waited for any longer.
    pub(crate) fn judged_too_late(&self) {
        self.count_stream("classification_timeout");
    }

    fn count_stream(&self, name: &str) {
        if let Some(counted) = &*self.counted.borrow() {
            counted.streams.counter(name).incr();
        }
    }

    /// A failure is passed on since there is no retry left.
    pub(crate) fn budget_exhausted(&self) {
        if let Some(counted) = &*self.counted.borrow() {
            counted.budget_exhausted.incr();
        }
    }
}

impl Drop for ServiceStats {
    fn drop(&mut self) {
        if self.counted.borrow().is_some() {
            self.scope.prune();
        }
    }
}

/// What is counted of a client: `rt/<router>/client/<bound name>`.
pub(crate) struct ClientStats {
    scope: Scope,
    requests: Rc<Requests>,
    statuses: Rc<Statuses>,
    connections: Rc<Level>,
    of_connections: Rc<ConnectionStats>,
    services: RefCell<HashMap<String, Rc<Requests>, RandomState>>,
    cached: Rc<Level>,
    in_use: Rc<Level>,
    waiters: Rc<Level>,
    waited: Counter,
    budget: Option<Gauge>,
    /// Connections refused because too many requests wait for one.
    pub(crate) too_many_waiters: Counter,
    /// Requests refused by `maxInFlight`.
    pub(crate) in_flight_refused: Counter,
    pub(crate) requeues: Counter,
    pub(crate) requeues_per_request: Stat,
    pub(crate) budget_exhausted: Counter,
    pub(crate) request_limit: Counter,
    pub(crate) cannot_retry: Counter,
    pub(crate) not_open: Counter,
    pub(crate) connect_failures: Counter,
}

/// Services counted apart under one client and worker.
const MAX_SERVICES: usize = 1000;

impl ClientStats {
    pub(crate) fn new(router: &Scope, id: &dtab::Path) -> Self {
        let scope = router.scope("client").scope(&label(id));
        let retries = scope.scope("retries");
        ClientStats {
            requests: Rc::new(Requests::new(&scope)),
            statuses: Rc::new(Statuses::new(&scope)),
            connections: Rc::new(scope.level("connections")),
            of_connections: Rc::new(ConnectionStats::new(&scope)),
            services: RefCell::default(),
            cached: Rc::new(scope.level("pool_cached")),
            in_use: Rc::new(scope.level("pool_size")),
            waiters: Rc::new(scope.level("pool_waiters")),
            waited: scope.counter("pool_num_waited"),
            budget: None,
            too_many_waiters: scope.counter("pool_num_too_many_waiters"),
            in_flight_refused: scope.scope("limits").counter("in_flight"),
            requeues: retries.counter("requeues"),
            requeues_per_request: retries.stat("requeues_per_request"),
            budget_exhausted: retries.counter("budget_exhausted"),
            request_limit: retries.counter("request_limit"),
            cannot_retry: retries.counter("cannot_retry"),
            not_open: retries.counter("not_open"),
            connect_failures: scope.scope("service_creation").counter("failures"),
            scope,
        }
    }

    /// What is counted of its connections.
    pub(crate) fn of_connections(&self) -> Rc<ConnectionStats> {
        self.of_connections.clone()
    }

    /// A connection is being made until [`Connecting::ended`].
    pub(crate) fn connecting(&self) -> Connecting {
        Connecting::new(self.of_connections.clone())
    }

    /// A connection is open until the guard is dropped.
    pub(crate) fn open_connection(&self) -> Open {
        Open::new(&self.connections)
    }

    /// A connection has a request on it until the guard is dropped.
    pub(crate) fn in_use(&self) -> Open {
        Open::new(&self.in_use)
    }

    /// A request waits for a connection until the guard is dropped.
    pub(crate) fn waiting(&self) -> Open {
        self.waited.incr();
        Open::new(&self.waiters)
    }

    /// Connections that wait for a request.
    pub(crate) fn cached(&self) -> Rc<Level> {
        self.cached.clone()
    }

    /// Shows what is left of the requeue budget.
    pub(crate) fn shows_budget(&mut self, requeues: &Account) {
        self.budget = Some(budget_gauge(&self.scope.scope("retries"), requeues.budget()));
    }

    /// Where everything of the client is counted.
    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Counts one exchange, for the client as a whole and for the service within it.
    pub(crate) fn begin(&self, service: &ServiceStats, now: Instant) -> Attempt {
        let known = self.services.borrow().get(&service.name).cloned();
        let service = known.or_else(|| {
            let mut services = self.services.borrow_mut();
            (services.len() < MAX_SERVICES).then(|| {
                let scope = self.scope.scope("service").scope(&service.name);
                let requests = Rc::new(Requests::new(&scope));
                services.insert(service.name.clone(), requests.clone());
                requests
            })
        });
        self.requests.pending.inc();
        if let Some(service) = &service {
            service.pending.inc();
        }
        let (requests, statuses) = (self.requests.clone(), self.statuses.clone());
        Attempt { requests, statuses, service, started: now }
    }
}

impl Drop for ClientStats {
    fn drop(&mut self) {
        self.scope.prune();
    }
}

/// One exchange with an endpoint, as far as the head of the response.
pub(crate) struct Attempt {
    requests: Rc<Requests>,
    statuses: Rc<Statuses>,
    service: Option<Rc<Requests>>,
    started: Instant,
}

impl Attempt {
    /// It has ended with this status, or with no response for this cause.
    pub(crate) fn end(&self, status: Result<StatusCode, Cause>, class: Class, now: Instant) {
        let took = now.saturating_duration_since(self.started);
        let cause = status.err().unwrap_or(Cause::Response);
        let failed = (!class.is_success()).then_some(cause);
        self.requests.end(failed, took);
        if let Some(service) = &self.service {
            service.end(failed, took);
        }
        self.statuses.count(status.ok(), took);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.requests.pending.dec();
        if let Some(service) = &self.service {
            service.pending.dec();
        }
    }
}

/// What is counted of the binding cache: `rt/<router>/bindcache`. A name and its tree are one entry of
/// it, and so are a bound name and its client: each is counted for both.
pub(crate) struct RouterStats {
    pub(crate) path: CacheStats,
    pub(crate) client: CacheStats,
}

/// `misses`, `evicts`, `expires`, `oneshots` of one level.
pub(crate) struct CacheStats {
    pub(crate) misses: Levels,
    pub(crate) evicts: Levels,
    pub(crate) expires: Levels,
    pub(crate) oneshots: Levels,
}

/// One counter of two levels that are one here.
pub(crate) struct Levels([Counter; 2]);

impl Levels {
    pub(crate) fn incr(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, n: u64) {
        let Levels([one, other]) = self;
        one.add(n);
        other.add(n);
    }
}

impl RouterStats {
    pub(crate) fn new(router: &Scope) -> Self {
        let cache = router.scope("bindcache");
        let levels = |names: [&str; 2]| {
            let both = |counter: &str| Levels(names.map(|name| cache.scope(name).counter(counter)));
            CacheStats {
                misses: both("misses"),
                evicts: both("evicts"),
                expires: both("expires"),
                oneshots: both("oneshots"),
            }
        };
        RouterStats { path: levels(["path", "tree"]), client: levels(["client", "bound"]) }
    }
}

/// Something that is open until this is dropped.
pub(crate) struct Open {
    level: Rc<Level>,
}

impl Open {
    fn new(level: &Rc<Level>) -> Self {
        level.inc();
        Open { level: level.clone() }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.level.dec();
    }
}

/// Something that is pending until this is dropped.
pub(crate) struct Pending<'s> {
    level: &'s Level,
}

impl<'s> Pending<'s> {
    fn new(level: &'s Level) -> Self {
        level.inc();
        Pending { level }
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.level.dec();
    }
}

/// A name as metrics have it, without the leading slash.
fn label(name: &dtab::Path) -> String {
    let shown = name.to_string();
    shown.strip_prefix('/').map(str::to_owned).unwrap_or(shown)
}
