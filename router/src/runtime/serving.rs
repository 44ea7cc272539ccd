//! What is served now, and how that changes: the first configuration, and each that replaces another.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use dtab::Dtab;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::RunError;
use super::build::{self, Built, BuiltRouter, BuiltServer, Process};
use super::listener::{self, Listener};
use super::worker::{Plan, PlannedServer, ServerId, Workers};
use crate::admin::AdminContext;
use crate::config::{Config, RouterConfig, ServerConfig, ServerTlsConfig};
use crate::naming::BindingHandle;
use crate::server::Limits;
use crate::server::gate::Gate;
use crate::telemetry::{Metrics, Scope};

/// How long the names in use may take to be bound by a new configuration before it is in force without.
const BIND_FIRST: Duration = Duration::from_secs(1);

/// How many names are bound that early; others are when they are asked for.
const MAX_BOUND_FIRST: usize = 1000;

/// How long what is known and counted of clients and services outlasts their configuration. It goes on
/// under the next one if they are in use again by then.
const KEEP: Duration = Duration::from_secs(10);

/// A configuration in force.
pub(super) struct Serving {
    built: Built,
    /// One for each of its servers, in the same order.
    listeners: Vec<Listener>,
    /// Names that are kept bound until requests for them may have come.
    bound: Option<AbortHandle>,
    workers: Arc<Workers>,
    metrics: Metrics,
    next_id: ServerId,
}

/// What a reload has changed, by the addresses of servers as they are configured.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) kept: Vec<SocketAddr>,
    pub(super) added: Vec<SocketAddr>,
    pub(super) removed: Vec<SocketAddr>,
}

impl Changes {
    pub(super) fn to_json(&self) -> Value {
        let shown = |addresses: &[SocketAddr]| -> Vec<String> {
            addresses.iter().map(SocketAddr::to_string).collect()
        };
        json!({
            "servers": {
                "kept": shown(&self.kept),
                "added": shown(&self.added),
                "removed": shown(&self.removed),
            },
        })
    }
}

/// Where a server of a new configuration gets its socket.
enum Source {
    /// From the server at this place of the old one.
    Kept(usize),
    New(TcpListener, SocketAddr),
}

impl Serving {
    /// Listens and serves.
    pub(super) async fn start(
        config: Arc<Config>,
        metrics: Metrics,
        workers: Arc<Workers>,
    ) -> Result<Self, RunError> {
        let built = Built::nothing(config.clone(), &Handle::current());
        let (listeners, bound) = (Vec::new(), None);
        let mut serving = Serving { built, listeners, bound, workers, metrics, next_id: 0 };
        serving.replace(config).await?;
        Ok(serving)
    }

    /// The configuration in force, built.
    pub(super) fn built(&self) -> &Built {
        &self.built
    }

    /// Which router listens where.
    pub(super) fn listening(&self) -> Vec<(String, Vec<SocketAddr>)> {
        self.built.listening(&self.locals())
    }

    /// What the admin server shows.
    pub(super) fn admin_context(&self, process: &Process) -> AdminContext {
        self.built.admin_context(process, &self.locals())
    }

    fn locals(&self) -> Vec<SocketAddr> {
        self.listeners.iter().map(|listener| listener.local).collect()
    }

    /// Puts another configuration in force. If that fails, nothing has changed.
    ///
    /// Sockets whose address stays are kept, with the connections on them: the next request on each is
    /// answered by the new configuration, and those under way end as they began. New addresses are
    /// bound before anything else changes; removed ones accept no more and drain.
    pub(super) async fn replace(&mut self, config: Arc<Config>) -> Result<Changes, RunError> {
        let servers = self.built.servers.iter().enumerate();
        let places: HashMap<_, _> = servers.map(|(at, s)| (s.shared.address, at)).collect();
        let servers = config.routers.iter().flat_map(|router| &router.servers);
        let kept: Vec<Option<usize>> =
            servers.map(|server| places.get(&server.address()).copied()).collect();
        let gates = kept.iter().map(|at| at.map(|at| self.built.servers[at].shared.gate.clone()));
        let built = build(config, &self.built, self.metrics.clone(), gates.collect()).await?;
        let mut sources = Vec::new();
        for (server, kept) in built.servers.iter().zip(&kept) {
            sources.push(match kept {
                Some(at) => Source::Kept(*at),
                None => bind(&built, server)?,
            });
        }
        let bound = bind_names(&self.built, &built).await;

        // From here on nothing fails.
        let mut changes = Changes::default();
        let mut planned = Vec::new();
        for (server, source) in built.servers.iter().zip(&sources) {
            let configured = built.configured(server);
            server.shared.gate.set_limits(&configured.1.limits);
            let (id, carries_over) = match source {
                Source::Kept(at) => {
                    let before = self.built.configured(&self.built.servers[*at]);
                    changes.kept.push(server.shared.address);
                    (self.listeners[*at].id, on_same_terms(before, configured))
                }
                Source::New(..) => {
                    changes.added.push(server.shared.address);
                    self.next_id += 1;
                    (self.next_id, false)
                }
            };
            let (shared, router) = (server.shared.clone(), server.router);
            planned.push(PlannedServer { id, shared, router, carries_over });
        }
        let mut listeners: Vec<_> = self.listeners.drain(..).map(Some).collect();
        let reused: Vec<_> = sources
            .iter()
            .map(|source| match source {
                Source::Kept(at) => listeners[*at].take(),
                Source::New(..) => None,
            })
            .collect();
        for (server, listener) in self.built.servers.iter().zip(listeners) {
            let Some(listener) = listener else { continue };
            changes.removed.push(server.shared.address);
            listener.stop().await;
        }
        let ids: Vec<_> = planned.iter().map(|server| server.id).collect();
        let routers = built.routers.iter().map(|router| router.shared.clone()).collect();
        let grace = built.config.admin.shutdown_grace;
        let before = self.built.routers.iter().map(|router| &router.shared.metrics);
        let kept = (before.map(Scope::keep).collect::<Vec<_>>(), self.built.health.keep());
        self.workers.adopt(Plan { routers, servers: planned, grace }).await;
        for (((server, source), reused), id) in
            built.servers.iter().zip(sources).zip(reused).zip(ids)
        {
            match (source, reused) {
                (Source::New(socket, local), _) => {
                    let shared_port = built.configured(server).1.socket.reuse_port;
                    let workers = self.workers.clone();
                    self.listeners.push(Listener::start(id, socket, local, shared_port, workers));
                }
                (Source::Kept(_), listener) => self.listeners.extend(listener),
            }
        }
        let before = std::mem::replace(&mut self.built, built);
        let gone = gone(&before, &self.built);
        tokio::spawn(async move {
            gone.iter().for_each(Scope::prune);
            tokio::time::sleep(grace).await;
            // What drained since then may have counted under new names.
            gone.iter().for_each(Scope::prune);
        });
        let bound = tokio::spawn(async move {
            tokio::time::sleep(KEEP).await;
            drop(bound);
        });
        if let Some(before) = self.bound.replace(bound.abort_handle()) {
            before.abort();
        }
        tokio::spawn(async move {
            tokio::time::sleep(KEEP).await;
            drop(kept);
        });
        Ok(changes)
    }

    /// Accepts what the system has let in, and no more.
    pub(super) async fn stop_accepting(&mut self) {
        let stopping = self.listeners.drain(..).map(|listener| tokio::spawn(listener.stop()));
        for stopping in stopping.collect::<Vec<_>>() {
            // It neither panics nor is it aborted.
            let _ = stopping.await;
        }
    }
}

/// Builds on a thread that may block: tables are large, and files may be read.
async fn build(
    config: Arc<Config>,
    before: &Built,
    metrics: Metrics,
    gates: Vec<Option<Arc<Gate>>>,
) -> Result<Built, RunError> {
    let control = Handle::current();
    let (health, recent) = (before.health.clone(), before.recent.clone());
    let building = tokio::task::spawn_blocking(move || {
        let mut gates = gates.into_iter();
        build::build(config, &control, &metrics, health, recent, |server| {
            gates.next().flatten().unwrap_or_else(|| Gate::new(&server.limits))
        })
    });
    building.await.unwrap_or_else(|error| Err(RunError::Build(error.to_string())))
}

fn bind(built: &Built, server: &BuiltServer) -> Result<Source, RunError> {
    let (_, config) = built.configured(server);
    let socket = listener::bind(config.address(), &config.socket, format!("{}: ", config.place))?;
    let local = socket.local_addr()?;
    Ok(Source::New(socket, local))
}

/// Whether connections made under one configuration of a server may go on under the other: what is
/// settled when a connection is made is the same.
fn on_same_terms(
    one: (&RouterConfig, &ServerConfig),
    other: (&RouterConfig, &ServerConfig),
) -> bool {
    let terms = |(router, server): (&RouterConfig, &ServerConfig)| {
        (
            Limits::of(server, router),
            server.socket.clone(),
            server.forwarded.clone(),
            router.label.clone(),
            server.tls.as_ref().map(ServerTlsConfig::terms),
        )
    };
    terms(one) == terms(other)
}

/// Binds the names that are in use by `before`, so that no request has to wait for that; each stays
/// bound for as long as its handle.
async fn bind_names(before: &Built, after: &Built) -> Vec<BindingHandle> {
    let mut bound = Vec::new();
    for router in &after.routers {
        let same = |old: &&BuiltRouter| old.shared.label == router.shared.label;
        let Some(before) = before.routers.iter().find(same) else { continue };
        for name in before.shared.interpreter.bound_names().into_iter().take(MAX_BOUND_FIRST) {
            bound.push(router.shared.interpreter.bind(&Dtab::empty(), &name));
        }
    }
    let deadline = Instant::now() + BIND_FIRST;
    for handle in &mut bound {
        handle.settled(deadline.saturating_duration_since(Instant::now())).await;
    }
    bound
}

/// The places in the metrics of routers and servers that are no more.
fn gone(before: &Built, after: &Built) -> Vec<Scope> {
    let scopes = |built: &Built| -> Vec<Scope> {
        let routers = built.routers.iter().map(|router| router.shared.metrics.clone());
        routers.chain(built.servers.iter().map(|server| server.shared.metrics.clone())).collect()
    };
    let present = scopes(after);
    let is_gone = |scope: &Scope| !present.iter().any(|present| present.path() == scope.path());
    scopes(before).into_iter().filter(is_gone).collect()
}
