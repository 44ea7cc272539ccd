//! The client of one bound name: its endpoints, and the way of a request to one of them.
//!
//! Each worker has its own client of a name, with its own connections. What is known of an
//! endpoint's health is shared by all ([`health`]).

pub(crate) mod endpoint;
pub(crate) mod exchange;
pub(crate) mod health;

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use dtab::{AddrSet, Address, Path};
use http::{Request, Response};
use http_body_util::{Either, Empty};
use hyper::body::Incoming;

use self::endpoint::{Endpoint, RequestBody};
pub(crate) use self::exchange::Exchange;
use self::health::HealthTable;
use crate::balance::{P2c, Pick, Set};
use crate::config::ClientConfig;
use crate::config::kinds::BalancerKind;
use crate::proxy::stats::ClientStats;

/// The client of one bound name on one worker.
pub(crate) struct Client {
    /// The bound name.
    pub(crate) id: Path,
    health: Arc<HealthTable>,
    state: RefCell<Endpoints>,
    version: Cell<u64>,
    balancer: P2c,
    pub(crate) stats: ClientStats,
}

struct Endpoints {
    addresses: Arc<AddrSet>,
    set: Rc<Set>,
}

/// Endpoints tried before giving up on connecting when all are marked down.
const CONNECTS_WHEN_DOWN: usize = 3;
/// Endpoints tried before giving up on connecting, however many are left.
const MAX_CONNECTS: usize = 25;

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
}

impl Client {
    pub(crate) fn new(
        id: Path,
        config: ClientConfig,
        health: Arc<HealthTable>,
        stats: ClientStats,
    ) -> Self {
        let state = RefCell::new(Endpoints { addresses: Arc::default(), set: Rc::default() });
        let max_effort = match config.load_balancer.kind {
            BalancerKind::P2c { max_effort } => max_effort,
            _ => 5,
        };
        let balancer = P2c::new(max_effort);
        Client { id, health, state, version: Cell::new(0), balancer, stats }
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
            let before = state.set.clone();
            let endpoint = |address: &Address| {
                let same = |known: &&Rc<Endpoint>| {
                    known.address == address.socket && known.weight == address.weight()
                };
                before.endpoints().iter().find(same).cloned().unwrap_or_else(|| {
                    let health = self.health.of(address.socket);
                    Rc::new(Endpoint::new(address.socket, address.weight(), health))
                })
            };
            let set = Set::new(addresses.endpoints().iter().map(endpoint).collect());
            let kept = |old: &Rc<Endpoint>| set.endpoints().iter().any(|new| Rc::ptr_eq(old, new));
            for gone in before.endpoints().iter().filter(|old| !kept(old)) {
                gone.retire();
            }
            self.stats.endpoints_changed(before.endpoints().len(), set.endpoints().len());
            state.set = Rc::new(set);
        }
        state.addresses = addresses.clone();
    }

    fn set(&self) -> Rc<Set> {
        self.state.borrow().set.clone()
    }

    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.set().endpoints().iter().map(|endpoint| endpoint.address).collect()
    }

    /// Closes connections that nobody has used for a while.
    pub(crate) fn reap(&self) {
        for endpoint in self.set().endpoints() {
            endpoint.reap();
        }
    }

    /// Sends a request to one of the endpoints.
    ///
    /// A request that was not sent is sent again: to another endpoint if the first takes no
    /// connection, and on a fresh connection if a pooled one was closed under it.
    pub(crate) async fn send(
        &self,
        mut request: Request<RequestBody>,
    ) -> Result<Response<Exchange>, SendError> {
        let set = self.set();
        let mut connects = 0;
        let mut pooled = true;
        let mut last = None;
        loop {
            let Some(endpoint) = self.balancer.pick(&set, last.as_ref()) else {
                return Err(SendError::NoEndpoint);
            };
            let load = endpoint.begin();
            let connection = match endpoint.connection(pooled, &self.stats).await {
                Ok(connection) => connection,
                Err(error) => {
                    endpoint.health.connect_failed();
                    self.stats.connect_failures.incr();
                    connects += 1;
                    if !may_connect_again(&set, connects) {
                        return Err(SendError::Connect { selected: endpoint.address, error });
                    }
                    self.stats.requeues.incr();
                    last = Some(endpoint);
                    continue;
                }
            };
            let was_pooled = connection.is_pooled();
            let again = if was_pooled { repeatable(&request) } else { None };
            match connection.send(request).await {
                Ok((response, connection)) => {
                    endpoint.health.answered();
                    return Ok(response.map(|body: Incoming| Exchange::new(body, connection, load)));
                }
                Err((Some(unsent), _)) if was_pooled => {
                    self.stats.requeues.incr();
                    request = unsent;
                    pooled = false;
                }
                // The service has closed a connection that was idle, and a request that does the same
                // however often it is sent has crossed that on the way (RFC 9110, 9.2.2).
                Err((unsent, error)) => match again {
                    Some(again) if !error.is_parse() && !error.is_user() => {
                        self.stats.requeues.incr();
                        request = again;
                        pooled = false;
                    }
                    _ => {
                        let unsent = unsent.is_some();
                        return Err(SendError::Broken {
                            selected: endpoint.address,
                            error,
                            unsent,
                        });
                    }
                },
            }
        }
    }
}

/// A copy of a request that may be sent twice: it is idempotent and has no body.
fn repeatable(request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
    let (true, Either::Right(_)) = (request.method().is_idempotent(), request.body()) else {
        return None;
    };
    let mut copy = Request::new(Either::Right(Empty::new()));
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

/// Whether to try another endpoint after so many failed connects.
fn may_connect_again(set: &Set, connects: usize) -> bool {
    let any_open = || set.endpoints().iter().any(|endpoint| endpoint.health.may_open());
    let limit = if any_open() { MAX_CONNECTS } else { CONNECTS_WHEN_DOWN };
    connects < limit.min(set.endpoints().len())
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
