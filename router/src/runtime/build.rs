//! From a configuration to the objects that run.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{RunError, shown};
use crate::access_log::AccessLog;
use crate::admin::events::Streams;
use crate::admin::requests::Requests;
use crate::admin::stats::Stats;
use crate::admin::{self, AdminContext, AdminRouter, LogLevels, PrometheusPage, Reload};
use crate::client::health::HealthTable;
use crate::client::shared::SharedClients;
use crate::config::kinds::TelemeterConfig;
use crate::config::{Config, Protocol, RouterConfig, ServerConfig};
use crate::configured;
use crate::http::errors::ErrorLimits;
use crate::http::forwarded::Labeler;
use crate::identifier::IdentifierChain;
use crate::interpreter::Interpreter;
use crate::naming::{Hosts, LiveNamers};
use crate::proxy::key_file::KeyFile;
use crate::proxy::trust::OverridePolicy;
use crate::proxy::{Router, Server};
use crate::server::Limits;
use crate::server::gate::Gate;
use crate::snapshot::Recorder;
use crate::telemetry::recent_requests::RecentRequests;
use crate::telemetry::telemeters::Telemeters;
use crate::telemetry::{Gauge, Metrics, Scope};
use crate::tls::reload::{self, Following, FromFiles};
use crate::tls::server::ServerTls;
use crate::tls::setup::Setup;
use crate::weak_table::WeakTable;

/// What a configuration becomes.
pub(super) struct Built {
    pub(super) config: Arc<Config>,
    pub(super) routers: Vec<BuiltRouter>,
    pub(super) servers: Vec<BuiltServer>,
    pub(super) namers: Arc<LiveNamers>,
    /// TLS by its files, of servers and clients.
    certificates: Vec<Arc<dyn FromFiles>>,
    _following: Option<Following>,
    /// The same from one configuration to the next.
    pub(super) health: Arc<HealthTable>,
    pub(super) recent: Arc<RecentRequests>,
    pub(super) telemeters: Telemeters,
    /// What sends metrics; ended with the configuration.
    _senders: JoinSet<()>,
}

/// What stays the same whatever the configuration says.
pub(super) struct Process {
    pub(super) metrics: Metrics,
    pub(super) shutdown: mpsc::Sender<Option<Duration>>,
    pub(super) log_levels: Option<Arc<LogLevels>>,
    pub(super) stats: Arc<Stats>,
    pub(super) requests: Arc<Requests>,
    pub(super) started: SystemTime,
    pub(super) reload: Reload,
    pub(super) delegations: Streams,
    pub(super) admin_tls: Option<Arc<ServerTls>>,
}

pub(super) struct BuiltRouter {
    pub(super) shared: Arc<Router>,
    _originator: Option<Gauge>,
}

pub(super) struct BuiltServer {
    pub(super) shared: Arc<Server>,
    /// Which of the routers it belongs to.
    pub(super) router: usize,
    /// Its number among the servers of that router.
    pub(super) number: usize,
}

/// Builds everything that needs no socket. `health` is what is known of endpoints already; `gate` says what counts the connections of an address,
/// asked in the order of the configuration.
pub(super) fn build(
    config: Arc<Config>,
    control: &Handle,
    metrics: &Metrics,
    health: Arc<HealthTable>,
    recent: Arc<RecentRequests>,
    mut gate: impl FnMut(&ServerConfig) -> Arc<Gate>,
) -> Result<Built, RunError> {
    let config = &config;
    let namers = configured::namers(config, control)
        .map_err(|failure| RunError::Build(failure.to_string()))?;
    let tls = Setup::load(config).map_err(|faults| RunError::Build(faults.join("\n")))?;
    let telemeters = Telemeters::new(&config.telemetry);
    let mut senders = JoinSet::new();
    for statsd in telemeters.senders(metrics) {
        senders.spawn_on(statsd.run(), control);
    }
    let mut built = Built {
        config: config.clone(),
        routers: Vec::new(),
        servers: Vec::new(),
        namers,
        certificates: tls.followers(),
        _following: Some(reload::follow(tls.followers(), control)),
        health: health.clone(),
        recent: recent.clone(),
        telemeters,
        _senders: senders,
    };
    for ((at, router), tls) in config.routers.iter().enumerate().zip(tls.routers) {
        let scope = metrics.scope(&["rt", &router.label]);
        let interpreter = configured::interpreter(router, built.namers.clone(), control);
        let shared = Arc::new(Router {
            label: router.label.clone(),
            identifier: Arc::new(identifiers(router)?),
            interpreter,
            binding_timeout: router.binding_timeout,
            cache: router.binding_cache.clone(),
            clients: router.client.clone(),
            services: router.service.clone(),
            stream_after: router.stream_after,
            shared_clients: SharedClients::new(&router.label, health.clone(), tls.clients),
            retry_budgets: WeakTable::default(),
            errors: ErrorLimits {
                header: router.max_headers_kb as usize * 1024,
                body: router.max_err_response_kb as usize * 1024,
            },
            trace_propagator: router.trace_propagator,
            version: router.protocol.version().http(),
            metrics: scope.clone(),
            taps: built.telemeters.taps(open_access_log(router, &scope)?),
            recent: built.telemeters.sampling(&recent),
        });
        for ((number, server), tls) in router.servers.iter().enumerate().zip(tls.servers) {
            let shared = build_server(server, router, gate(server), tls, &scope, control)?;
            built.servers.push(BuiltServer { shared, router: at, number });
        }
        let originator = router.originator.then(|| scope.gauge("originator", || 1.0));
        built.routers.push(BuiltRouter { shared, _originator: originator });
    }
    Ok(built)
}

fn open_access_log(router: &RouterConfig, scope: &Scope) -> Result<Option<AccessLog>, RunError> {
    let open = |config| {
        AccessLog::open(config, scope).map_err(|error| {
            let (place, file) = (&router.place, config.file.display());
            RunError::Build(format!("{place}: cannot open the access log {file}: {error}"))
        })
    };
    router.access_log.as_ref().map(open).transpose()
}

fn identifiers(router: &RouterConfig) -> Result<IdentifierChain, RunError> {
    configured::identifiers(router).map_err(|error| RunError::Build(error.to_string()))
}

fn build_server(
    config: &ServerConfig,
    router: &RouterConfig,
    gate: Arc<Gate>,
    tls: Option<Arc<ServerTls>>,
    scope: &Scope,
    control: &Handle,
) -> Result<Arc<Server>, RunError> {
    let address = config.address();
    let signing = match &config.overrides.signing {
        Some(signing) => {
            let file = KeyFile::open(signing.key.clone(), control);
            Some(file.map_err(|error| RunError::Build(format!("{}: {error}", config.place)))?)
        }
        None => None,
    };
    let overrides = OverridePolicy::new(&config.overrides, config.ip.is_loopback(), signing);
    let trusted = overrides.is_trusted();
    if config.overrides.trust.is_none() && !config.ip.is_loopback() {
        tracing::warn!(
            router = %router.label,
            %address,
            "overrides of callers beyond this machine are limited in size, and errors are brief; \
             `overrides: {{trust: trusted}}` has it as in Linkerd"
        );
    }
    let labeler = |config: &crate::config::kinds::Labeler| labeler(config, &router.label);
    let timestamp_header = match &config.timestamp_header {
        Some(name) => {
            Some(name.parse().map_err(|_| RunError::Build(format!("`{name}` is no header name")))?)
        }
        None => None,
    };
    Ok(Arc::new(Server {
        address,
        trusted,
        overrides,
        limits: Limits::of(config, router),
        gate,
        max_concurrent_requests: config.max_concurrent_requests,
        timeout: config.timeout,
        no_delay: config.socket.no_delay,
        keep_alive: config.socket.keep_alive,
        max_call_depth: config.max_call_depth as usize,
        clear_context: config.clear_context,
        timestamp_header,
        forwarded: config
            .forwarded
            .as_ref()
            .map(|forwarded| (labeler(&forwarded.by), labeler(&forwarded.for_))),
        tls,
        speaks_http2: router.protocol == Protocol::H2,
        http2: config.http2.clone(),
        max_streams: config.max_streams,
        metrics: scope.scope("server").scope(&format!("{}/{}", config.ip, config.port)),
    }))
}

fn labeler(config: &crate::config::kinds::Labeler, router: &str) -> Labeler {
    use crate::config::kinds::Labeler as Configured;
    match config {
        Configured::Ip => Labeler::Ip,
        Configured::IpPort => Labeler::IpPort,
        Configured::ConnectionRandom => Labeler::ConnectionRandom,
        Configured::RequestRandom => Labeler::RequestRandom,
        Configured::Router => Labeler::fixed(router),
        Configured::Static { label } => Labeler::fixed(label),
    }
}

impl Built {
    /// Writes out the access logs.
    pub(super) fn flush_logs(&self) {
        self.access_logs().for_each(AccessLog::flush);
    }

    /// Opens the access logs anew, after a program that rotates logs has moved the files away.
    pub(super) fn reopen_logs(&self) {
        self.access_logs().for_each(AccessLog::reopen);
    }

    fn access_logs(&self) -> impl Iterator<Item = &AccessLog> {
        self.routers.iter().filter_map(|router| router.shared.taps.access_log.as_ref())
    }

    /// What is served before the first configuration is.
    pub(super) fn nothing(config: Arc<Config>, control: &Handle) -> Self {
        let namers = Arc::new(LiveNamers::new(Vec::new(), Hosts::system(control.clone())));
        Built {
            config,
            routers: Vec::new(),
            servers: Vec::new(),
            namers,
            certificates: Vec::new(),
            _following: None,
            health: HealthTable::new(),
            recent: RecentRequests::new(),
            telemeters: Telemeters::default(),
            _senders: JoinSet::new(),
        }
    }

    /// What the configuration says of a server.
    pub(super) fn configured(&self, server: &BuiltServer) -> (&RouterConfig, &ServerConfig) {
        let router = &self.config.routers[server.router];
        (router, &router.servers[server.number])
    }

    /// Which router listens where; `locals` has one address for each server.
    pub(super) fn listening(&self, locals: &[SocketAddr]) -> Vec<(String, Vec<SocketAddr>)> {
        let addresses = |router: usize| {
            let own = self.servers.iter().zip(locals).filter(move |(s, _)| s.router == router);
            own.map(|(_, local)| *local).collect()
        };
        let routers = self.routers.iter().enumerate();
        routers.map(|(at, router)| (router.shared.label.clone(), addresses(at))).collect()
    }

    /// What the admin server shows; `locals` has one address for each server.
    pub(super) fn admin_context(&self, process: &Process, locals: &[SocketAddr]) -> AdminContext {
        let config = &self.config;
        let listening = self.listening(locals);
        let routers = config.routers.iter().zip(&listening);
        let in_full: Vec<_> =
            routers.map(|(config, (_, addresses))| shown::router(config, addresses)).collect();
        let routers: Vec<_> = self
            .routers
            .iter()
            .map(|router| AdminRouter {
                version: router.shared.version,
                label: router.shared.label.clone(),
                identifier: router.shared.identifier.clone(),
                interpreter: router.shared.interpreter.clone(),
            })
            .collect();
        let page = |telemeter: &TelemeterConfig| match telemeter {
            TelemeterConfig::Prometheus(page) => {
                Some(PrometheusPage { path: page.path.clone(), prefix: page.prefix.clone() })
            }
            TelemeterConfig::Influxdb
            | TelemeterConfig::Statsd(_)
            | TelemeterConfig::RecentRequests(_)
            | TelemeterConfig::Tracelog(_) => None,
        };
        let mut prometheus: Vec<_> = config.telemetry.iter().filter_map(page).collect();
        if prometheus.is_empty() {
            // Linkerd has the page only if it is configured; there is no reason not to have it.
            let path = "/admin/metrics/prometheus".to_owned();
            prometheus.push(PrometheusPage { path, prefix: String::new() });
        }
        let interpreters: Vec<_> =
            self.routers.iter().map(|router| router.shared.interpreter.clone()).collect();
        let mut certificates = self.certificates.clone();
        certificates.extend(process.admin_tls.clone().map(|tls| tls as Arc<dyn FromFiles>));
        let clients_in_full = self.clients_in_full();
        let registered = (in_full.clone(), clients_in_full.clone());
        AdminContext {
            config_json: config.to_json().clone(),
            metrics: process.metrics.clone(),
            routers,
            namers: self.namers.clone(),
            clients: Box::new(move || clients(&interpreters)),
            clients_in_full: Box::new(move || clients_in_full()),
            health: self.health.clone(),
            delegations: process.delegations.clone(),
            routers_in_full: in_full.into(),
            registry: Box::new(move || shown::registry(&registered.0, &(registered.1)())),
            security: config.admin.security.clone(),
            shutdown: process.shutdown.clone(),
            prometheus,
            influxdb: self.telemeters.influxdb,
            requests: process.requests.clone(),
            stats: process.stats.clone(),
            log_levels: process.log_levels.clone(),
            host_names: Vec::new(),
            started: process.started,
            reload: process.reload.clone(),
            recorders: config.routers.iter().map(|it| Recorder::of(config, it)).collect(),
            certificates,
        }
    }
}

impl Built {
    /// What makes `/clients.json`.
    fn clients_in_full(&self) -> Arc<dyn Fn() -> serde_json::Value + Send + Sync> {
        let health = self.health.clone();
        let routers: Vec<_> = self.routers.iter().map(|router| router.shared.clone()).collect();
        Arc::new(move || {
            let views = health.view();
            let clients = |router: &Arc<Router>| {
                let Router { label, interpreter, clients, .. } = &**router;
                let shown = admin::clients::clients(label, interpreter, clients, &views);
                (label.clone(), shown)
            };
            admin::clients::by_router(routers.iter().map(clients))
        })
    }
}

/// The state of every client, by its id: what the names in use are bound to.
fn clients(interpreters: &[Arc<Interpreter>]) -> serde_json::Value {
    let bound = interpreters.iter().flat_map(|interpreter| interpreter.bound());
    let clients = bound.map(|bound| (bound.id.to_string(), admin::client_state(&bound.addr)));
    serde_json::Value::Object(clients.collect())
}
