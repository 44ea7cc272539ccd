//! A configuration that is only looked at: its pages without its servers.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use axum::body::Body;
use axum::response::IntoResponse;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::events::Streams;
use super::guard::{self, HostRule};
use super::requests::Requests;
use super::stats::Stats;
use super::{AdminContext, AdminRouter, LogLevels, Pages, Reload, admit};
use crate::client::health::HealthTable;
use crate::config::{Config, RouterConfig, ServerConfig};
use crate::configured;
use crate::interpreter::Interpreter;
use crate::naming::LiveNamers;
use crate::runtime::shown;
use crate::snapshot::{Recorder, Snapshot};
use crate::telemetry::Metrics;
use crate::telemetry::recent_requests::RecentRequests;

/// What all that is shown has in common, whatever the configuration says.
#[derive(Clone)]
pub struct Unserved {
    shutdown: mpsc::Sender<Option<Duration>>,
    log_levels: Option<Arc<LogLevels>>,
    reload: Reload,
    delegations: Streams,
    health: Arc<HealthTable>,
    stats: Arc<Stats>,
    requests: Arc<Requests>,
    started: SystemTime,
}

impl fmt::Debug for Unserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unserved").field("reload", &self.reload).finish_non_exhaustive()
    }
}

impl Unserved {
    /// `shutdown` is told when somebody asks the program to stop.
    pub fn new(
        shutdown: mpsc::Sender<Option<Duration>>,
        log_levels: Option<LogLevels>,
        reload: Reload,
    ) -> Self {
        let health = HealthTable::new();
        Unserved {
            stats: Stats::new(Metrics::new(), health.clone()),
            health,
            requests: Requests::new(RecentRequests::new()),
            shutdown,
            log_levels: log_levels.map(Arc::new),
            reload,
            delegations: Streams::new(),
            started: SystemTime::now(),
        }
    }

    /// What there is to show of this configuration; or why it cannot be built. Namers watch on `rt`.
    pub fn context(&self, config: &Config, rt: &Handle) -> Result<AdminContext, String> {
        let namers = configured::namers(config, rt).map_err(|failure| failure.to_string())?;
        let recorders = config.routers.iter().map(|it| Recorder::of(config, it)).collect();
        let interpreter =
            |router: &RouterConfig| configured::interpreter(router, namers.clone(), rt);
        self.context_with(config, &namers, interpreter, recorders)
    }

    /// The same of what was recorded: its names are resolved by `snapshot`, and nothing of it is recorded
    /// again. The configuration says how the router is shown.
    pub fn recorded(
        &self,
        config: &Config,
        snapshot: &Snapshot,
        rt: &Handle,
    ) -> Result<AdminContext, String> {
        let interpreter = snapshot.interpreter(rt).map_err(|failure| failure.to_string())?;
        let namers = interpreter.namers().clone();
        self.context_with(config, &namers, |_| interpreter.clone(), Vec::new())
    }

    fn context_with(
        &self,
        config: &Config,
        namers: &Arc<LiveNamers>,
        interpreter: impl Fn(&RouterConfig) -> Arc<Interpreter>,
        recorders: Vec<Recorder>,
    ) -> Result<AdminContext, String> {
        let mut routers = Vec::new();
        let mut in_full = Vec::new();
        for router in &config.routers {
            let identifier = configured::identifiers(router).map_err(|error| error.to_string())?;
            routers.push(AdminRouter {
                version: router.protocol.version().http(),
                label: router.label.clone(),
                identifier: Arc::new(identifier),
                interpreter: interpreter(router),
            });
            let addresses: Vec<_> = router.servers.iter().map(ServerConfig::address).collect();
            in_full.push(shown::router(router, &addresses));
        }
        let none: serde_json::Map<_, _> =
            routers.iter().map(|router| (router.label.clone(), json!({}))).collect();
        Ok(AdminContext {
            config_json: config.to_json().clone(),
            metrics: Metrics::new(),
            routers,
            namers: namers.clone(),
            clients: Box::new(|| json!({})),
            clients_in_full: Box::new(move || Value::Object(none.clone())),
            health: self.health.clone(),
            delegations: self.delegations.clone(),
            routers_in_full: in_full.into(),
            registry: Box::new(|| json!({ "registry": { "server": {}, "client": {} } })),
            security: None,
            shutdown: self.shutdown.clone(),
            prometheus: Vec::new(),
            influxdb: false,
            requests: self.requests.clone(),
            stats: self.stats.clone(),
            log_levels: self.log_levels.clone(),
            host_names: Vec::new(),
            started: self.started,
            reload: self.reload.clone(),
            recorders,
            certificates: Vec::new(),
        })
    }
}

/// Serves pages and what they show until it is dropped; each request sees the context of its time.
pub async fn serve_unserved(
    listener: TcpListener,
    context: Arc<ArcSwap<AdminContext>>,
    pages: Pages,
) {
    super::serve(listener, None, context, pages).await;
}

/// Serves pages that show what another server answers, until it is dropped. Who asks is let in by the
/// same rules.
pub async fn serve_pages(listener: TcpListener, pages: axum::Router) {
    let rule = HostRule::of(&listener, &[]);
    let app = pages.layer(axum::middleware::from_fn(move |request: Request<Body>, next| {
        let rule = rule.clone();
        async move {
            let (head, body) = request.into_parts();
            // What the other server is asked for, it takes to be of this program.
            if !matches!(head.method, Method::GET | Method::HEAD) && guard::is_foreign(&head) {
                return (StatusCode::FORBIDDEN, guard::FOREIGN).into_response();
            }
            admit(None, rule, Request::from_parts(head, body), next).await
        }
    }));
    super::serve_app(listener, None, app).await;
}
