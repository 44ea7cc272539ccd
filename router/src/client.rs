//! The client of one bound name: its endpoints, and the way of a request to one of them.
//!
//! Each worker has its own client of a name, with its own connections. What is known of an
//! endpoint's health is shared by all ([`health`]), and so are budgets and limits ([`shared`]).

mod connect;
pub(crate) mod endpoint;
pub(crate) mod exchange;
pub(crate) mod health;
pub(crate) mod limit;
mod patience;
pub(crate) mod pool;
mod settings;
pub(crate) mod shared;
mod streams;
mod traffic;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dtab::{AddrSet, Address, Path};
use h2::Reason;
use http::uri::Scheme;
use http::{Request, Response, Version};
use http_body::Body as _;
use hyper::body::Incoming;

use self::endpoint::{Connection, Endpoint, Unconnected};
pub(crate) use self::exchange::Exchange;
use self::exchange::{Judge, Judged};
use self::health::ClientHealth;
use self::limit::{Limit, within};
use self::pool::Pool;
use self::shared::SharedClients;
use self::streams::Streams;
use crate::accrual;
use crate::balance::{self, Balancer, BalancerStats, Set, Status};
use crate::classifier::{Class, Outcome, classify};
use crate::config::kinds::ClassifierConfig;
use crate::config::{ClientConfig, HttpVersion};
use crate::http::nack::is_nack;
use crate::http::version::{self, BadHead};
use crate::proxy::answer::h2_error;
use crate::proxy::cause::Cause;
use crate::proxy::stats::{self, ClientStats, ServiceStats};
use crate::retry::budget::Account;
use crate::retry::replay::{Outgoing, RequestBody};

/// The client of one bound name on one worker.
pub(crate) struct Client {
    /// The bound name.
    pub(crate) id: Path,
    pub(crate) config: ClientConfig,
    shared: Arc<SharedClients>,
    health: Arc<ClientHealth>,
    state: RefCell<Endpoints>,
    version: Cell<u64>,
    balancer: Balancer,
    requeues: Account,
    tls: Rc<connect::Tls>,
    in_flight: Option<Arc<tokio::sync::Semaphore>>,
    pub(crate) stats: ClientStats,
}

struct Endpoints {
    addresses: Arc<AddrSet>,
    set: Rc<Set>,
}

/// Connections tried for one request before giving up, while some endpoint seems to take any. They
/// cost no budget, since no request is repeated by them.
const MAX_CONNECTS: usize = 25;

/// The part of the requeues left that one request may take.
const REQUEUES_OF_BALANCE: f64 = 0.2;

/// What a client needs to know of the service that a request is for.
pub(crate) struct Service<'s> {
    pub(crate) classifier: ClassifierConfig,
    pub(crate) stats: &'s ServiceStats,
    /// Until when the answer must be there, whatever the client's own limit.
    pub(crate) limit: Option<Limit>,
    /// How long connections are tried for.
    pub(crate) acquisition: Duration,
    /// How long, and for how many bytes, the end of a response is waited for if it tells whether the
    /// request is to be sent again.
    pub(crate) judged_within: (Duration, usize),
}

/// A response, and what it counts as.
pub(crate) struct Answer {
    pub(crate) response: Response<Exchange>,
    /// Nothing as long as only its end tells.
    pub(crate) class: Option<Class>,
}

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// The name is bound to no address.
    #[error("no address")]
    NoEndpoint,
    /// None of the endpoints tried takes a connection.
    #[error("{error}")]
    Connect { selected: SocketAddr, error: std::io::Error },
    /// The exchange broke before there was a response.
    #[error("{error}")]
    Broken {
        selected: SocketAddr,
        error: hyper::Error,
        /// The service has surely seen nothing of the request.
        unsent: bool,
    },
    /// There was no response in time.
    #[error("{limit}")]
    Timeout { selected: SocketAddr, limit: Limit },
    /// As many requests as `hostConnectionPool.maxWaiters` allows already wait for a connection.
    #[error("too many requests wait for a connection")]
    TooManyWaiters { selected: SocketAddr },
    /// As many requests as `maxInFlight` allows are under way.
    #[error("too many requests are under way")]
    TooManyInFlight(u32),
    /// It cannot be told in the HTTP that the endpoint speaks.
    #[error("{0}")]
    Untranslatable(BadHead),
}

impl SendError {
    /// As what the failure counts.
    pub(crate) fn class(&self, service: &Service<'_>, request: &Outgoing<'_>) -> Class {
        let outcome = match self {
            SendError::Broken { .. } | SendError::Timeout { .. } => Outcome::Broken,
            SendError::NoEndpoint
            | SendError::Connect { .. }
            | SendError::TooManyWaiters { .. }
            | SendError::TooManyInFlight(_)
            | SendError::Untranslatable(_) => Outcome::Unreachable,
        };
        let replayable = request.is_replayable();
        let class = classify(service.classifier, &request.head.method, outcome, replayable);
        class.unwrap_or(Class::Failure)
    }
}

/// What one request has tried so far.
#[derive(Default)]
struct Tries {
    connects: usize,
    /// Requeues paid for, and how many it may have: known once it asks for the first.
    requeues: u64,
    may_requeue: Option<u64>,
    began: Option<Instant>,
    last: Option<Rc<Endpoint>>,
    /// A connection of the pool was closed under it: from now on it wants fresh ones.
    fresh: bool,
}

impl Client {
    pub(crate) fn new(
        id: Path,
        config: ClientConfig,
        shared: Arc<SharedClients>,
        mut stats: ClientStats,
    ) -> Self {
        let state = RefCell::new(Endpoints { addresses: Arc::default(), set: Rc::default() });
        let health = shared.health(&id, &config);
        let kind = config.load_balancer.kind;
        let balancer = Balancer::new(kind, BalancerStats::new(stats.scope(), kind, &health));
        let requeues = shared.requeues(&id, config.requeue_budget);
        stats.shows_budget(&requeues);
        let in_flight = config.max_in_flight.map(|limit| shared.in_flight(&id, limit));
        let tls = Rc::new(config.tls.as_ref().map(|tls| shared.tls.connector(tls)));
        let version = Cell::new(0);
        Client {
            id,
            config,
            shared,
            health,
            state,
            version,
            balancer,
            requeues,
            tls,
            in_flight,
            stats,
        }
    }

    /// Takes on the endpoints of a binding unless they are older than those in use. Endpoints that
    /// stay keep their connections.
    pub(crate) fn update(&self, addresses: &Arc<AddrSet>, version: u64) {
        let mut state = self.state.borrow_mut();
        if Arc::ptr_eq(&state.addresses, addresses) || version < self.version.get() {
            return;
        }
        self.version.set(version);
        if *state.addresses != **addresses {
            self.replace(&mut state.set, addresses);
        }
        state.addresses = addresses.clone();
        if let Some(update) = self.health.updated(addresses, version) {
            self.balancer.stats().updated(update);
        }
    }

    fn replace(&self, set: &mut Rc<Set>, addresses: &AddrSet) {
        let key = |endpoint: &Rc<Endpoint>| (endpoint.address, endpoint.node.weight.to_bits());
        let mut known: HashMap<_, _> =
            set.endpoints().iter().map(|endpoint| (key(endpoint), endpoint.clone())).collect();
        let endpoint = |address: &Address| {
            let key = (address.socket, address.weight().to_bits());
            known.entry(key).or_insert_with(|| self.endpoint(address)).clone()
        };
        let mut endpoints: Vec<_> = addresses.endpoints().iter().map(endpoint).collect();
        // An address may be there twice, with other metadata.
        endpoints.sort_by_key(key);
        endpoints.dedup_by(|one, other| Rc::ptr_eq(one, other));
        for endpoint in &endpoints {
            endpoint.node.keep(false);
        }
        if self.config.load_balancer.enable_probation {
            let listed = |address| endpoints.binary_search_by_key(address, |it| it.address).is_ok();
            let old = set.endpoints().iter().filter(|old| !listed(&old.address));
            let kept: Vec<_> = old.cloned().collect();
            for endpoint in &kept {
                endpoint.node.keep(true);
            }
            endpoints.extend(kept);
        }
        self.install(set, endpoints);
        self.end_probation(set);
    }

    fn endpoint(&self, address: &Address) -> Rc<Endpoint> {
        let ClientConfig { pool, session, socket, .. } = &self.config;
        let limit = self.shared.pool_limit(&self.id, address.socket, pool);
        let pool = Pool::new(*pool, session.clone(), limit, self.stats.cached());
        let health = self.health.endpoint(address.socket, address.weight());
        let node = self.balancer.node(address.socket, address.weight(), health);
        let streams = match self.config.speaks {
            HttpVersion::Http1 => None,
            HttpVersion::Http2 => {
                Some(Rc::new(Streams::new(session.clone(), self.config.http2.clone())))
            }
        };
        Rc::new(Endpoint::new(node, pool, streams, socket.clone(), self.tls.clone()))
    }

    /// Lets go of endpoints whose address has gone once they are not open.
    fn end_probation(&self, set: &mut Rc<Set>) {
        let now = Instant::now();
        let has_failed = |it: &Endpoint| it.node.is_kept() && it.node.status(now) != Status::Open;
        if self.config.load_balancer.enable_probation
            && set.endpoints().iter().any(|endpoint| has_failed(endpoint))
        {
            let endpoints = set.endpoints().iter().filter(|it| !has_failed(it)).cloned().collect();
            self.install(set, endpoints);
        }
    }

    fn install(&self, set: &mut Rc<Set>, endpoints: Vec<Rc<Endpoint>>) {
        let new = self.balancer.set(endpoints);
        let stays = |old: &Rc<Endpoint>| new.endpoints().iter().any(|new| Rc::ptr_eq(old, new));
        for gone in set.endpoints().iter().filter(|old| !stays(old)) {
            gone.node.keep(false);
            gone.retire();
        }
        *set = Rc::new(new);
    }

    fn set(&self) -> Rc<Set> {
        self.state.borrow().set.clone()
    }

    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.set().endpoints().iter().map(|endpoint| endpoint.address).collect()
    }

    /// Closes connections that have waited or lived for too long, and lets go of endpoints that are
    /// kept although their address has gone.
    pub(crate) fn reap(&self) {
        self.end_probation(&mut self.state.borrow_mut().set);
        for endpoint in self.set().endpoints() {
            endpoint.reap();
        }
    }

    /// Sends a request to one of the endpoints.
    ///
    /// A request that was not delivered is sent again: to another endpoint if one takes no connection
    /// or says that it has not begun with it (a nack), and on a fresh connection if a pooled
    /// one was closed under it.
    pub(crate) async fn send(
        &self,
        request: &mut Outgoing<'_>,
        service: &Service<'_>,
    ) -> Result<Answer, SendError> {
        let _in_flight = match &self.in_flight {
            Some(in_flight) => Some(in_flight.clone().try_acquire_owned().map_err(|_| {
                self.stats.in_flight_refused.incr();
                SendError::TooManyInFlight(self.config.max_in_flight.unwrap_or(0))
            })?),
            None => None,
        };
        let own = self.config.attempt_timeout;
        let own = own.map(|after| Limit::new("requestAttemptTimeoutMs", after));
        let limit = Limit::sooner(own, service.limit);
        let set = self.set();
        let mut tries = Tries::default();
        let answer = loop {
            match self.attempt(&set, request, service, limit, &mut tries).await {
                Ok(Some(answer)) => break Ok(answer),
                Ok(None) => self.stats.requeues.incr(),
                Err(error) => break Err(error),
            }
        };
        self.stats.requeues_per_request.record(tries.requeues);
        answer
    }

    /// One attempt. Nothing if the request is to be sent again.
    async fn attempt(
        &self,
        set: &Set,
        request: &mut Outgoing<'_>,
        service: &Service<'_>,
        limit: Option<Limit>,
        tries: &mut Tries,
    ) -> Result<Option<Answer>, SendError> {
        let began = Instant::now();
        let Some(endpoint) = self.balancer.pick(set, tries.last.as_ref(), began) else {
            return Err(SendError::NoEndpoint);
        };
        let selected = endpoint.address;
        if endpoint.node.has_failed_fast() {
            self.stats.connect_failures.incr();
            let error = std::io::Error::other("it took no connection before (failFast)");
            return Err(SendError::Connect { selected, error });
        }
        let under_way = endpoint.node.begin(began);
        let connected = within(limit, endpoint.connection(!tries.fresh, &self.stats)).await;
        let connection = match connected {
            Ok(Ok(connection)) => connection,
            Ok(Err(Unconnected::TooManyWaiters)) => {
                return Err(SendError::TooManyWaiters { selected });
            }
            Ok(Err(Unconnected::Failed(error))) => {
                under_way.unconnected();
                self.stats.connect_failures.incr();
                if !self.may_connect_again(set, service, tries) {
                    return Err(SendError::Connect { selected, error });
                }
                tries.last = Some(endpoint);
                return Ok(None);
            }
            Err(limit) => {
                under_way.unconnected();
                return Err(SendError::Timeout { selected, limit });
            }
        };
        let was_pooled = connection.is_pooled();
        let Some(sent) = request.take() else { return Err(SendError::NoEndpoint) };
        let sent = self.translated(sent).map_err(SendError::Untranslatable)?;
        let sent_at = if was_pooled { began } else { Instant::now() };
        let counted = self.stats.begin(service.stats, sent_at);
        let (unsent, error) = match within(limit, connection.send(sent)).await {
            Ok(Ok((response, connection))) => {
                self.requeues.deposit(Instant::now());
                let exchange = (response, connection, under_way, counted);
                let (response, class) = self.judge(request, service, exchange).await;
                if is_nack(response.status(), response.headers())
                    && request.is_replayable()
                    && self.may_requeue(tries)
                {
                    exchange::discard(response.into_body());
                    tries.last = Some(endpoint);
                    return Ok(None);
                }
                return Ok(Some(Answer { response, class }));
            }
            Ok(Err(broken)) => broken,
            Err(limit) => {
                let now = Instant::now();
                counted.end(Err(Cause::of_limit(limit)), Class::Failure, now);
                under_way.finished(accrual::Outcome::Failure, now);
                return Err(SendError::Timeout { selected, limit });
            }
        };
        let now = Instant::now();
        counted.end(Err(Cause::Broken), Class::Failure, now);
        // A service of HTTP/2 says what it has not looked at (RFC 9113, 8.7).
        let refused = h2_error(&error).is_some_and(|error| {
            error.is_remote()
                && (error.is_go_away() || error.reason() == Some(Reason::REFUSED_STREAM))
        });
        let is_unsent = unsent.is_some() || refused && request.is_replayable();
        if let Some(unsent) = unsent {
            request.give_back(unsent);
        }
        // The service has closed a connection that was idle, and a request that does the same however
        // often it is sent has crossed that on the way (RFC 9110, 9.2.2). That is the pool's own
        // affair and costs no budget: it happens once, since fresh connections are asked for then.
        // A service that resets a stream has closed nothing: it has answered.
        let is_reset = h2_error(&error).is_some_and(h2::Error::is_reset);
        let closed = !error.is_parse() && !error.is_user() && !is_reset;
        let harmless = is_unsent || closed && request.is_replayable() && request.is_idempotent();
        if was_pooled && harmless {
            tries.fresh = true;
            return Ok(None);
        }
        // A body that its caller broke off says nothing of the endpoint.
        let outcome =
            if error.is_user() { accrual::Outcome::Ignored } else { accrual::Outcome::Failure };
        under_way.finished(outcome, now);
        if is_unsent {
            if !set.is_open(Instant::now()) {
                self.stats.cannot_retry.incr();
            } else if self.may_requeue(tries) {
                tries.last = Some(endpoint);
                return Ok(None);
            }
        }
        Err(SendError::Broken { selected, error, unsent: is_unsent })
    }

    /// The request in the HTTP that the endpoints speak.
    fn translated(&self, request: Request<RequestBody>) -> Result<Request<RequestBody>, BadHead> {
        let is_http2 = request.version() == Version::HTTP_2;
        if is_http2 == (self.config.speaks == HttpVersion::Http2) {
            return Ok(request);
        }
        let (mut parts, body) = request.into_parts();
        if is_http2 {
            version::to_http1(&mut parts, !body.is_end_stream())?;
        } else {
            let scheme = if self.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
            version::to_http2(&mut parts, scheme)?;
        }
        Ok(Request::from_parts(parts, body))
    }

    /// Judges a response: by its head, or by its end if that tells and may mean that the request is
    /// sent again. One that is not judged by then is judged as it ends.
    async fn judge(
        &self,
        request: &Outgoing<'_>,
        service: &Service<'_>,
        (response, connection, under_way, counted): (
            Response<Incoming>,
            Connection,
            balance::Attempt,
            stats::Attempt,
        ),
    ) -> (Response<Exchange>, Option<Class>) {
        let now = Instant::now();
        let status = response.status();
        let (method, replayable) = (&request.head.method, request.is_replayable());
        let outcome = Outcome::Response(status, response.headers());
        let class = classify(service.classifier, method, outcome, replayable);
        if let Some(class) = class {
            counted.end(Ok(status), class, now);
            let outcome = if class.is_success() {
                accrual::Outcome::Success
            } else {
                accrual::Outcome::Failure
            };
            under_way.finished(outcome, now);
            drop(counted);
            let response = response.map(|body| Exchange::new(body, connection, under_way, None));
            return (response, Some(class));
        }
        let verdict = Rc::new(Cell::new(None));
        let judge = Judge {
            classifier: service.classifier,
            status,
            counted,
            head_at: now,
            replayable,
            verdict: verdict.clone(),
            told: Vec::new(),
        };
        let (parts, body) = response.into_parts();
        let mut exchange = Exchange::new(body, connection, under_way, Some(Box::new(judge)));
        let (time, bytes) = service.judged_within;
        if service.classifier.may_retry_by_end() {
            if replayable {
                match Box::pin(exchange.judged_within(bytes, time)).await {
                    Judged::Known | Judged::Broken => {}
                    Judged::TooLong => service.stats.response_too_long(),
                    Judged::TooLate => service.stats.judged_too_late(),
                }
            } else if request.is_too_long() {
                service.stats.request_too_long();
            }
        }
        (Response::from_parts(parts, exchange), verdict.get())
    }

    /// Whether to try another connection after a failed one.
    fn may_connect_again(&self, set: &Set, service: &Service<'_>, tries: &mut Tries) -> bool {
        tries.connects += 1;
        let began = *tries.began.get_or_insert_with(Instant::now);
        if !set.is_open(Instant::now()) {
            self.stats.not_open.incr();
            return false;
        }
        tries.connects < MAX_CONNECTS && began.elapsed() < service.acquisition
    }

    /// Whether a request that was not delivered is sent again, which is then paid for.
    fn may_requeue(&self, tries: &mut Tries) -> bool {
        let most = || (self.requeues.balance() as f64 * REQUEUES_OF_BALANCE).ceil() as u64;
        if tries.requeues >= *tries.may_requeue.get_or_insert_with(most) {
            self.stats.request_limit.incr();
            return false;
        }
        if !self.requeues.withdraw(Instant::now()) {
            self.stats.budget_exhausted.incr();
            return false;
        }
        tries.requeues += 1;
        true
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        for endpoint in self.set().endpoints() {
            endpoint.retire();
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({}, {:?})", self.id, self.addresses())
    }
}
