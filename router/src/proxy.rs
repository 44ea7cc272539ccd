//! The way of a request through a router: named, bound, sent, answered.
//!
//! ```text
//! head checked ─ context read ─ identified ─ bound (cache) ─ leaf drawn ─ client ─ endpoint
//!                                            └──────── retried ◄────────┘
//!       answer ─ headers written ─ response ◄──────────────────────────────────────┘
//! ```

pub(crate) mod answer;
pub(crate) mod bindings;
pub(crate) mod cause;
pub(crate) mod context;
mod dispatch;
mod influence;
pub(crate) mod key_file;
mod limits;
mod remember;
pub(crate) mod stats;
mod trace_request;
pub(crate) mod trust;
pub(crate) mod upgrade;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dtab::Path;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version, header,
};
use http_body::Body as _;
use hyper::body::Incoming;

use self::answer::{Refusal, Reset};
use self::bindings::Bindings;
use self::cause::Cause;
use self::context::Context;
use self::dispatch::Way;
use self::stats::{RouterStats, ServerStats};
use self::trust::OverridePolicy;
use crate::classifier::Class;
use crate::client::Answer;
use crate::client::shared::SharedClients;
use crate::config::kinds::TracePropagator;
use crate::config::{BindingCacheConfig, ClientsConfig, Http2Config, ServicesConfig};
use crate::grpc;
use crate::http::body::{ResponseBody, Source};
use crate::http::errors::ErrorLimits;
use crate::http::headers::{ERR, OVERRIDE_USED, explanation, outcome};
use crate::http::{forwarded, framing, hop_by_hop, nack, proxy_uri, version, via};
use crate::identifier::{IdentifierChain, RequestHead};
use crate::interpreter::Interpreter;
use crate::naming::Binding;
use crate::retry::budget::Budget;
use crate::server::Limits;
use crate::server::counts::ConnectionCounts;
use crate::server::gate::Gate;
use crate::server::progress::Progress;
use crate::telemetry::recent_requests::{LocalRecentRequests, Sampling};
use crate::telemetry::tap::{LocalTaps, Taps};
use crate::tls::server::ServerTls;
use crate::weak_table::WeakTable;

/// What all workers have of one router.
pub(crate) struct Router {
    pub(crate) label: String,
    pub(crate) identifier: Arc<IdentifierChain>,
    pub(crate) interpreter: Arc<Interpreter>,
    pub(crate) binding_timeout: Duration,
    pub(crate) cache: BindingCacheConfig,
    pub(crate) clients: ClientsConfig,
    pub(crate) services: ServicesConfig,
    /// Request bodies up to so many bytes are kept, so that they can be sent again.
    pub(crate) stream_after: u64,
    pub(crate) shared_clients: Arc<SharedClients>,
    /// The retry budgets of services, which all workers share.
    pub(crate) retry_budgets: WeakTable<Path, Budget>,
    pub(crate) errors: ErrorLimits,
    pub(crate) trace_propagator: TracePropagator,
    /// The version of HTTP that requests go through it in: whatever else they come or are sent in,
    /// they are translated.
    pub(crate) version: Version,
    pub(crate) metrics: crate::telemetry::Scope,
    /// Who is shown the exchanges with services.
    pub(crate) taps: Taps,
    /// Which of its requests are remembered.
    pub(crate) recent: Sampling,
}

/// What all workers have of one server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// Whether callers are told what tables say and where services are.
    pub(crate) trusted: bool,
    /// What they may override.
    pub(crate) overrides: Arc<OverridePolicy>,
    pub(crate) limits: Limits,
    pub(crate) gate: Arc<Gate>,
    pub(crate) max_concurrent_requests: Option<u32>,
    /// From a request's head to the head of its response.
    pub(crate) timeout: Option<Duration>,
    pub(crate) no_delay: bool,
    pub(crate) keep_alive: Option<bool>,
    pub(crate) max_call_depth: usize,
    pub(crate) clear_context: bool,
    pub(crate) timestamp_header: Option<HeaderName>,
    pub(crate) forwarded: Option<(forwarded::Labeler, forwarded::Labeler)>,
    pub(crate) tls: Option<Arc<ServerTls>>,
    /// Callers begin with HTTP/2, TLS or not.
    pub(crate) speaks_http2: bool,
    pub(crate) http2: Http2Config,
    /// Streams of one connection that may be open at a time.
    pub(crate) max_streams: u32,
    pub(crate) metrics: crate::telemetry::Scope,
}

/// One router as one worker has it.
pub(crate) struct LocalRouter {
    pub(crate) shared: Arc<Router>,
    pub(crate) bindings: Rc<RefCell<Bindings>>,
    taps: Option<LocalTaps>,
    pub(crate) recent: LocalRecentRequests,
}

/// One server as one worker has it.
pub(crate) struct LocalServer {
    pub(crate) shared: Arc<Server>,
    pub(crate) router: Rc<LocalRouter>,
    pub(crate) stats: ServerStats,
    pub(crate) connections: Rc<ConnectionCounts>,
}

/// What the head of a request says.
struct Received {
    context: Context,
    upgrade: Option<HeaderValue>,
    name: Path,
}

/// The connection that a request came on.
pub(crate) struct Caller {
    pub(crate) remote: SocketAddr,
    pub(crate) progress: Arc<Progress>,
    pub(crate) labels: Option<(forwarded::Label, forwarded::Label)>,
    /// What services may be told of its certificate.
    pub(crate) certificate: Option<HeaderValue>,
    /// It has streams, which end one by one.
    pub(crate) is_http2: bool,
}

impl Caller {
    pub(crate) fn new(
        server: &LocalServer,
        remote: SocketAddr,
        local: SocketAddr,
        certificate: Option<HeaderValue>,
        progress: Arc<Progress>,
        is_http2: bool,
    ) -> Self {
        let labels = server.shared.forwarded.as_ref();
        let labels = labels.map(|(by, for_)| (by.label(local), for_.label(remote)));
        Caller { remote, progress, labels, certificate, is_http2 }
    }
}

impl LocalRouter {
    pub(crate) fn new(shared: Arc<Router>) -> Rc<Self> {
        let stats = RouterStats::new(&shared.metrics);
        let bindings = Rc::new(RefCell::new(Bindings::new(shared.clone(), stats)));
        let taps = shared.taps.local();
        let recent = shared.recent.local(&shared.label);
        Rc::new(LocalRouter { shared, bindings, taps, recent })
    }
}

impl LocalServer {
    pub(crate) fn new(shared: Arc<Server>, router: Rc<LocalRouter>) -> Rc<Self> {
        let stats = ServerStats::new(&shared.metrics);
        let connections = Rc::new(ConnectionCounts::new(&shared.metrics));
        Rc::new(LocalServer { shared, router, stats, connections })
    }

    /// Answers one request. Only one on a stream of HTTP/2 may be reset instead.
    pub(crate) async fn serve(
        self: &Rc<Self>,
        caller: &Caller,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, Reset> {
        let started = Instant::now();
        let pending = self.stats.begin();
        let is_call = caller.is_http2 && grpc::is_call(request.headers());
        let answered = self.within_limits(caller, request, started).await;
        drop(pending);
        let mut response = match answered {
            Ok(response) => response,
            Err(refusal) => {
                if let Some(reset) = refusal.reset().filter(|_| caller.is_http2) {
                    self.stats.reset(started.elapsed());
                    return Err(reset);
                }
                refusal.respond(self.router.shared.errors, self.shared.trusted, is_call)
            }
        };
        let (status, took) = (response.status(), started.elapsed());
        if response.body().is_judged() {
            self.stats.end(status, is_success(&response), took);
        } else {
            let server = self.clone();
            let end = move |class: Class| server.stats.end(status, class.is_success(), took);
            response.body_mut().on_judged(Box::new(end));
        }
        if self.shared.clear_context && crate::http::headers::clear_response(response.headers_mut())
        {
            response.headers_mut().remove(header::CONTENT_TYPE);
            *response.body_mut() = ResponseBody::empty();
        }
        // The codec answers in the version of the connection, and keeps it only if this is ours.
        *response.version_mut() = if caller.is_http2 { Version::HTTP_2 } else { Version::HTTP_11 };
        Ok(response)
    }

    async fn route(
        &self,
        caller: &Caller,
        request: Request<Incoming>,
        came: Instant,
    ) -> Result<Response<ResponseBody>, Refusal> {
        let (mut parts, body) = request.into_parts();
        let body =
            if caller.is_http2 { Source::of_stream(body) } else { Source::of_connection(body) };
        let received = match self.receive(caller, &mut parts, body.is_end_stream()) {
            Ok(received) => received,
            Err(refusal) => {
                self.remember_refused(caller, &parts, None, &refusal, came);
                return Err(refusal);
            }
        };
        let Received { context, name, .. } = &received;
        let bindings = &self.router.bindings;
        let entry = match Bindings::entry(bindings, name, context, &self.shared.overrides) {
            Ok(entry) => entry,
            Err(refusal) => {
                self.remember_refused(caller, &parts, Some((name, context)), &refusal, came);
                return Err(refusal);
            }
        };
        let in_use = entry.begin(came);
        let mut way = Way::default();
        let answered = self.dispatch(caller, &in_use, &received, &mut parts, body, &mut way).await;
        let mut answered = answered.map_err(|refusal| refusal.explained_in_header(context.explain));
        let (failed, started) = (cause_of(&answered), in_use.started);
        way.failed = failed.is_some();
        match &mut answered {
            Ok(response) if !response.body().is_judged() => {
                let (entry, took) = (entry.clone(), started.elapsed());
                let end = move |class: Class| {
                    entry.stats.end((!class.is_success()).then_some(Cause::Response), took);
                };
                response.body_mut().on_judged(Box::new(end));
            }
            _ => entry.stats.end(failed, started.elapsed()),
        }
        if self.router.recent.wants(way.failed, context.trace) {
            self.remember(caller, &parts, &in_use, context, &way, answered.as_ref());
        }
        answered
    }

    /// Reads the head of a request: what it is to be named, and what it carries for routers.
    fn receive(
        &self,
        caller: &Caller,
        parts: &mut http::request::Parts,
        is_end_stream: bool,
    ) -> Result<Received, Refusal> {
        let router = &self.router.shared;
        if parts.version == Version::HTTP_2 {
            version::settle_http2(parts).map_err(Refusal::bad_request)?;
            if router.version != Version::HTTP_2 {
                version::to_http1(parts, !is_end_stream).map_err(Refusal::bad_request)?;
            }
        } else {
            check_host(parts)?;
            proxy_uri::rewrite(parts).map_err(Refusal::bad_request)?;
        }
        if parts.method == Method::CONNECT {
            return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "CONNECT is not proxied"));
        }
        via::check_call_depth(&parts.headers, self.shared.max_call_depth)
            .map_err(Refusal::bad_request)?;
        if self.shared.clear_context {
            crate::http::headers::clear_request(&mut parts.headers);
        }
        if parts.version != Version::HTTP_2 && parts.uri.authority().is_some() {
            return Err(Refusal::malformed("the target names a host and no path (RFC 9112, 3.2)"));
        }
        let context = Context::take(&mut parts.headers, &self.shared, router.trace_propagator);
        let upgrade = upgrade::wanted(parts, is_end_stream);
        let trailers = trailers(&parts.headers);
        // Calls of gRPC are refused by servers that are not told.
        let wants_trailers =
            parts.version == Version::HTTP_2 && parts.headers.contains_key(header::TE);
        hop_by_hop::strip(&mut parts.headers);
        parts.headers.extend(trailers);
        if wants_trailers {
            parts.headers.insert(header::TE, HeaderValue::from_static("trailers"));
        }

        let head = RequestHead::from(&*parts);
        let identified = router.identifier.identify(&head).map_err(|error| {
            Refusal::unidentified(&error, &parts.method, head.target, caller.remote)
        })?;
        if let Some(target) = identified.target {
            // Only an identifier of HTTP/1.1 rewrites the target.
            parts.uri = target.parse().map_err(Refusal::bad_request)?;
        }
        Ok(Received { context, upgrade, name: identified.name })
    }

    /// The response with the resolution in a header, if a trusted caller asks for it, and with the
    /// entries that took part in it, if the caller has sent some.
    fn explained(
        &self,
        context: &Context,
        binding: &Binding,
        override_used: Option<&HeaderValue>,
        mut response: Response<ResponseBody>,
    ) -> Response<ResponseBody> {
        if let Some(used) = override_used {
            // Routers behind this one tell, too; the nearest comes last, as in Via.
            response.headers_mut().append(OVERRIDE_USED, used.clone());
        }
        if context.explain && self.shared.trusted {
            let why = answer::explain(binding, &self.router.shared.interpreter);
            let why = format!("{}: {why}", binding.delegation.path);
            explanation::write(response.headers_mut(), &why);
        }
        response
    }

    fn write_request_headers(&self, caller: &Caller, parts: &mut http::request::Parts) {
        let headers = &mut parts.headers;
        headers.remove(header::EXPECT); // answered here, when the body is first asked for
        headers.remove(nack::RETRYABLE_REQUEST);
        if let Some(name) = &self.shared.timestamp_header {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            headers.append(name, HeaderValue::from(now.unwrap_or_default().as_millis() as u64));
        }
        if let Some((by, for_)) = &caller.labels {
            let authority = parts.uri.authority();
            forwarded::add(headers, &parts.uri.to_string(), authority, by, for_);
        }
    }

    /// Writes the headers of a response on its way back.
    fn answer(
        caller: &Caller,
        answer: Answer,
        tunnel: Option<hyper::upgrade::OnUpgrade>,
    ) -> Result<Response<ResponseBody>, Refusal> {
        let Answer { mut response, class } = answer;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            if caller.progress.has_refused() {
                return Err(Refusal::malformed("there is more behind a request to upgrade"));
            }
            let Some(theirs) = tunnel else {
                return Err(Refusal::new(
                    StatusCode::BAD_GATEWAY,
                    "the service switches protocols, which was not asked for",
                ));
            };
            let ours = hyper::upgrade::on(&mut response);
            let (parts, exchange) = response.into_parts();
            return Ok(upgrade::switch(parts, exchange, ours, theirs, caller.progress.clone()));
        }
        let (mut parts, mut exchange) = response.into_parts();
        framing::check_response(parts.status, &mut parts.headers)
            .map_err(|error| Refusal::new(StatusCode::BAD_GATEWAY, error.to_string()))?;
        let trailers = trailers(&parts.headers);
        hop_by_hop::strip(&mut parts.headers);
        parts.headers.extend(trailers);
        via::append(&mut parts.headers, parts.version);
        if let Some(class) = class
            && outcome::success_class(&parts.headers).is_none()
        {
            outcome::set_success_class(&mut parts.headers, class.is_success());
        }
        if !caller.is_http2 {
            exchange.set_caller(caller.progress.clone());
        }
        Ok(Response::from_parts(parts, ResponseBody::streamed(exchange)))
    }
}

/// The `Trailer` fields, which hold for the next connection too: the codec sends no trailer that is
/// not announced.
fn trailers(headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    let lines = headers.get_all(header::TRAILER).into_iter();
    lines.map(|line| (header::TRAILER, line.clone())).collect()
}

/// One `Host` in HTTP/1.1, agreeing with the target if that names one (RFC 9112, 3.2).
fn check_host(parts: &http::request::Parts) -> Result<(), Refusal> {
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(Refusal::malformed("more than one Host header (RFC 9112, 3.2)"));
    }
    if host.is_none() && parts.version == Version::HTTP_11 {
        return Err(Refusal::malformed("no Host header (RFC 9112, 3.2)"));
    }
    match (host, parts.uri.authority()) {
        (Some(host), Some(authority))
            if !host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes()) =>
        {
            Err(Refusal::malformed(format!(
                "the Host header does not agree with the target, which names {authority}"
            )))
        }
        _ => Ok(()),
    }
}

/// Why an answer counts as a failure, if it does.
fn cause_of(answer: &Result<Response<ResponseBody>, Refusal>) -> Option<Cause> {
    match answer {
        Ok(response) => (!is_success(response)).then_some(Cause::Response),
        Err(refusal) => Some(refusal.cause()),
    }
}

/// Whether a response counts as a success, by its head.
fn is_success<B>(response: &Response<B>) -> bool {
    match outcome::success_class(response.headers()) {
        Some(class) => class > 0.0,
        None => !response.status().is_server_error() && !response.headers().contains_key(ERR),
    }
}

pub(crate) fn with_status(status: StatusCode) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::empty());
    *response.status_mut() = status;
    response
}
