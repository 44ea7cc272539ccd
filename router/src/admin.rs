//! The admin server: what an operator, a script or a page may ask a running router.
//!
//! | path | is |
//! |---|---|
//! | `/admin`, `/admin/index.txt` | the list of paths |
//! | `/admin/ping` | `pong` |
//! | `/admin/server_info` | name, version, start and uptime |
//! | `/admin/reload` | GET: when the configuration was read; POST: reads it again |
//! | `/admin/shutdown` | POST: stops gracefully, within `grace` (`10.seconds`) |
//! | `/admin/metrics.json`, `/metrics.json` | metrics; `pretty`, `tree`, `q` |
//! | `/admin/metrics/prometheus` | the same for Prometheus, where configured |
//! | `/admin/metrics/influxdb` | for InfluxDB, where configured |
//! | `/requests` | a table of the latest requests |
//! | `/requests.json` | the same with more members; `limit`, `failed`, `router`: see `admin/requests.rs` |
//! | `/requests/<id>.json` | one of them, with its delegation as it was |
//! | `/requests/events` | new ones, as server-sent events |
//! | `/config.json` | the configuration |
//! | `/delegator.json` | how a name resolves, as Linkerd tells it: see [`delegator`] |
//! | `/delegation.json` | the same, explained, of a name or a request: see `admin/explained.rs` |
//! | `/delegation/events` | the same whenever it changes, as server-sent events |
//! | `/why-not.json` | whether a name or a request reaches a `destination`, and what keeps it from it: see `admin/why_not.rs` |
//! | `/dtab/check.json` | what is wrong with a `dtab`, and its canonical layout; `fingerpost check` for editors |
//! | `/dtab/compare.json` | which `names` come to something else by the table `after` than by `before`, or the router's own |
//! | `/dtab/words.json` | prefixes, namers and names of a router, to be offered while one types |
//! | `/bound-names.json` | the names that namers can list |
//! | `/client_state.json` | each client's addresses |
//! | `/certificates.json` | whose TLS is made of which files, since when, and what is wrong with them now |
//! | `/clients.json` | each client with its configuration, and how its endpoints fare: its load, its state and why |
//! | `/stats.json` | what goes on just now, for routers, services and clients: see `admin/stats.rs` |
//! | `/stats/events` | the same each second, as server-sent events |
//! | `/stats/history.json` | the last five minutes of one row; `kind`, `router`, `name` |
//! | `/routers.json` | each router with its servers, identifiers and table, which is also there as it is `written` |
//! | `/admin/registry.json` | servers and clients, in the shape of Twitter's registry |
//! | `/snapshot.json` | the table and discovery of a router, recorded: see [`snapshot`](crate::snapshot) |
//! | `/watches.json` | every discovery watch with its state, by namer |
//! | `/namer_state/<prefix>.json` | those of one namer |
//! | `/logging.json` | GET: log levels; POST `logger`, `level`: sets one |
//!
//! `/admin/threads`, `/admin/contention`, `/admin/lint`, `/admin/pprof/…`, `/admin/announcer` and
//! `/admin/tracing` tell of a Java machine and of Finagle: there is nothing behind them here, and they
//! are 404. Which of the others are served is up to `admin.security`.
//!
//! Paths, statuses and bodies are Linkerd's where it has them. HEAD is answered like GET. Unknown
//! paths are 404 with an empty body. What asks is limited in size ([`MAX_BODY`]) and time.

pub(crate) mod clients;
pub mod delegator;
mod dtabs;
mod endpoints;
pub(crate) mod events;
mod explained;
mod grace;
mod guard;
mod identifiers;
mod logging;
mod query;
mod question;
mod reload;
pub(crate) mod requests;
mod security;
pub(crate) mod stats;
mod unserved;
mod why_not;

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use axum::body::Body;
use axum::response::IntoResponse;
use dtab::{Addr, Delegation, Dtab, Explore, NamerTable, Path, Resolver};
use http::header::X_CONTENT_TYPE_OPTIONS;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Limited;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tower::ServiceExt;

pub use identifiers::serve_identifiers;
pub use logging::LogLevels;
pub use reload::{Reload, ReloadRequest};
pub use unserved::{Unserved, serve_pages, serve_unserved};

use self::delegator::{Delegating, Delegator, UnknownNamespace};
use self::events::Streams;
use self::guard::HostRule;
use self::requests::Requests;
use self::stats::Stats;
use crate::client::health::HealthTable;
use crate::config::SecurityConfig;
use crate::identifier::IdentifierChain;
use crate::interpreter::Interpreter;
use crate::naming::LiveNamers;
use crate::snapshot::Recorder;
use crate::telemetry::Metrics;
use crate::tls::reload::FromFiles;
use crate::tls::server::ServerTls;

/// The largest body of a request; more is 413.
pub const MAX_BODY: usize = 64 * 1024;
/// The largest body of a question that may hold a whole dtab (`/dtab/…`, `/delegation…`, `/why-not.json`).
pub const MAX_DTAB_BODY: usize = 1024 * 1024;
/// The largest head of a request: a dtab may stand in the URI.
const MAX_HEAD: usize = 128 * 1024;
/// How long a request's head may take to come, and the next request on a connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long an answer may take to begin.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Connections at a time; more wait to be accepted.
const MAX_CONNECTIONS: usize = 256;

/// What the admin server shows and does.
pub struct AdminContext {
    /// The configuration as JSON.
    pub config_json: Value,
    /// All metrics.
    pub metrics: Metrics,
    /// The routers, in the order of the configuration.
    pub routers: Vec<AdminRouter>,
    /// The configured namers.
    pub namers: Arc<LiveNamers>,
    /// Each client's state by id, each made by [`client_state`].
    pub clients: Box<dyn Fn() -> Value + Send + Sync>,
    /// `/clients.json`
    pub clients_in_full: Box<dyn Fn() -> Value + Send + Sync>,
    /// How the endpoints of clients fare.
    pub(crate) health: Arc<HealthTable>,
    /// The streams of `/delegation/events`.
    pub(crate) delegations: Streams,
    /// `/routers.json`
    pub routers_in_full: Value,
    /// `/admin/registry.json`
    pub registry: Box<dyn Fn() -> Value + Send + Sync>,
    /// Which paths are served; all unless given.
    pub security: Option<SecurityConfig>,
    /// Told to stop, with the grace period if one was given.
    pub shutdown: mpsc::Sender<Option<Duration>>,
    /// Where metrics are shown for Prometheus; one for each telemeter.
    pub prometheus: Vec<PrometheusPage>,
    /// Whether metrics are shown for InfluxDB.
    pub(crate) influxdb: bool,
    /// The latest requests.
    pub(crate) requests: Arc<Requests>,
    /// What goes on just now.
    pub(crate) stats: Arc<Stats>,
    /// Log levels, if they can be changed.
    pub log_levels: Option<Arc<LogLevels>>,
    /// Names beside `localhost` and addresses by which a server on loopback may be called.
    pub host_names: Vec<String>,
    /// When the program started.
    pub started: SystemTime,
    /// How the configuration is read again.
    pub reload: Reload,
    /// What is recorded of the routers for `/snapshot.json`, in the same order.
    pub(crate) recorders: Vec<Recorder>,
    /// TLS that follows its files.
    pub(crate) certificates: Vec<Arc<dyn FromFiles>>,
}

impl fmt::Debug for AdminContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminContext").field("routers", &self.routers).finish_non_exhaustive()
    }
}

/// A router, as far as the admin server knows it.
#[derive(Clone, Debug)]
pub struct AdminRouter {
    /// Its label, which is its namespace in `/delegator.json`.
    pub label: String,
    /// What names its requests.
    pub identifier: Arc<IdentifierChain>,
    /// What binds its names.
    pub interpreter: Arc<Interpreter>,
    /// The version of HTTP that its requests come in.
    pub version: http::Version,
}

/// A page of metrics for Prometheus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrometheusPage {
    /// Its path, `/admin/metrics/prometheus` unless configured.
    pub path: String,
    /// What every name begins with.
    pub prefix: String,
}

/// The state of a client for `/client_state.json`.
pub fn client_state(addr: &Addr) -> Value {
    let (state, addresses) = match addr {
        Addr::Bound(set) => {
            let addresses = set.endpoints().iter().map(|e| json!(e.socket.to_string())).collect();
            ("bound".to_owned(), addresses)
        }
        Addr::Status(_) => ("bound".to_owned(), Vec::new()),
        Addr::Neg => ("Neg".to_owned(), Vec::new()),
        Addr::Pending => ("Pending".to_owned(), Vec::new()),
        Addr::Failed(cause) => (format!("Failed: {cause}"), Vec::new()),
    };
    json!({ "state": state, "addresses": addresses })
}

impl AdminContext {
    /// The router with this label; the only one if no label is given.
    fn router(&self, label: Option<&str>) -> Option<&AdminRouter> {
        match (label, self.routers.as_slice()) {
            (Some(label), routers) => routers.iter().find(|router| router.label == label),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }

    /// What there is to say if there is none.
    fn unknown_router(&self) -> String {
        let labels: Vec<_> = self.routers.iter().map(|router| router.label.as_str()).collect();
        format!("Unknown router: name one as in ?router=, of {}\n", labels.join(", "))
    }
}

impl Delegator for AdminContext {
    fn delegate<'a>(
        &'a self,
        namespace: Option<&'a str>,
        dtab: &'a Dtab,
        path: &'a Path,
    ) -> Delegating<'a> {
        Box::pin(async move {
            let none = Dtab::empty();
            match namespace {
                None => Ok(by_builtin_names(dtab, path)),
                Some(label) => {
                    let router = self.router(Some(label)).ok_or(UnknownNamespace)?;
                    let timeout = delegator::PATIENCE;
                    Ok(router.interpreter.delegate(dtab, &none, path, timeout).await)
                }
            }
        })
    }
}

/// Without a namespace there are no configured namers.
fn by_builtin_names(dtab: &Dtab, path: &Path) -> Delegation {
    let (local, namers) = (Dtab::empty(), NamerTable::new());
    let resolver = Resolver { base: dtab, local: &local, namers: &namers, transformers: &[] };
    resolver.resolve(path, Explore::All)
}

/// The admin server's own answers, for pages that are served beside them and show what they say.
#[derive(Clone)]
pub struct Endpoints {
    context: Arc<ArcSwap<AdminContext>>,
}

/// Pages that are served beside the admin server's own answers.
pub type Pages = Box<dyn FnOnce(Endpoints) -> axum::Router + Send>;

impl Endpoints {
    /// Answers as the server would, `admin.security` included. Who asks has been let in already.
    pub async fn call(&self, request: Request<Body>) -> Response<Body> {
        let context = self.context.load_full();
        if !security::admits(context.security.as_ref(), request.uri().path()) {
            return StatusCode::NOT_FOUND.into_response();
        }
        endpoints::answer(&self.context, request).await
    }
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoints").finish_non_exhaustive()
    }
}

/// Serves until it is dropped; each request sees the context of its time. `pages` come first: what
/// they have no route for is answered here.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerTls>>,
    context: Arc<ArcSwap<AdminContext>>,
    pages: Pages,
) {
    let rule = HostRule::of(&listener, &context.load().host_names);
    let pages = pages(Endpoints { context: context.clone() });
    serve_app(listener, tls, app(context, rule, pages)).await;
}

/// Serves until it is dropped.
async fn serve_app(listener: TcpListener, tls: Option<Arc<ServerTls>>, app: axum::Router) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok(permit) = permits.clone().acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors, most likely; they come back as connections end.
                tracing::warn!(%error, "admin cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        let (app, tls) = (app.clone(), tls.clone());
        connections.spawn(async move {
            let _permit = permit;
            match tls {
                None => serve_connection(stream, app).await,
                Some(tls) => match tokio::time::timeout(HEAD_TIMEOUT, tls.accept(stream)).await {
                    Ok(Ok(stream)) => serve_connection(stream, app).await,
                    Ok(Err(error)) => tracing::debug!(%error, "no TLS with who asks admin"),
                    Err(_) => tracing::debug!("no TLS in time with who asks admin"),
                },
            }
        });
    }
}

async fn serve_connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    app: axum::Router,
) {
    let service = hyper::service::service_fn(move |request: Request<_>| {
        answer_in_time(app.clone(), request.map(Body::new))
    });
    // How a client breaks its connection is no concern of ours.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer_in_time(
    app: axum::Router,
    request: Request<Body>,
) -> Result<Response<Body>, Infallible> {
    match tokio::time::timeout(ANSWER_TIMEOUT, app.oneshot(request)).await {
        Ok(answer) => answer,
        Err(_) => Ok((StatusCode::SERVICE_UNAVAILABLE, "Request timed out.").into_response()),
    }
}

/// The whole service, apart from its socket.
fn app(context: Arc<ArcSwap<AdminContext>>, rule: HostRule, pages: axum::Router) -> axum::Router {
    let guarded = context.clone();
    pages
        .fallback(move |request: Request<Body>| {
            let context = context.clone();
            async move { endpoints::answer(&context, request).await }
        })
        .layer(axum::middleware::from_fn(move |request: Request<Body>, next| {
            let security = guarded.load().security.clone();
            admit(security, rule.clone(), request, next)
        }))
}

/// Turns away what is not meant for this server, or too large.
async fn admit(
    security: Option<SecurityConfig>,
    rule: HostRule,
    request: Request<Body>,
    next: axum::middleware::Next,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    if !rule.admits(&head) {
        let why = "this admin server answers to addresses and localhost only, so that no web page \
                   can reach it by a name of its own\n";
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    if !security::admits(security.as_ref(), head.uri.path()) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let holds_dtabs =
        ["/dtab/", "/delegation", "/why-not.json"].iter().any(|it| head.uri.path().starts_with(it));
    let most = if holds_dtabs { MAX_DTAB_BODY } else { MAX_BODY };
    let length = head.headers.get(http::header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > most as u64) {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    let request = Request::from_parts(head, Body::new(Limited::new(body, most)));
    let mut answer = next.run(request).await;
    // Texts may echo what was asked: no browser shall take them for a page.
    answer.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

#[cfg(test)]
mod tests;
