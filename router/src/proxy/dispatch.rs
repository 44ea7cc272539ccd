//! From a name to the answer of a service: bound, sent, and tried again if need be.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::upgrade::OnUpgrade;
use jiff::Timestamp;

use super::answer::Refusal;
use super::bindings::{Choice, Destination, Entry, InUse, Leaf, Resolved};
use super::context::Context;
use super::trace_request::TraceRequest;
use super::{Caller, LocalServer, Received, upgrade, with_status};
use crate::backoff::Backoff;
use crate::classifier::Class;
use crate::client::limit::{Limit, within};
use crate::client::{Answer, SendError, Service, exchange};
use crate::grpc;
use crate::http::body::{ResponseBody, Source};
use crate::http::{framing, nack, via};
use crate::retry::replay::{Outgoing, RequestBody};
use crate::telemetry::tap::{Exchange, LocalTaps, ResponseHead};
use crate::tls::peer::ForwardedCert;

/// What a name is bound to, and which of its leaves one attempt takes.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) resolved: Rc<Resolved>,
    pub(super) drawn: usize,
}

/// How far a request came.
#[derive(Default)]
pub(super) struct Way {
    /// Where it was sent last.
    pub(super) target: Option<Target>,
    /// Attempts after the first.
    pub(super) retries: u64,
    /// Who has answered.
    pub(super) endpoint: Option<SocketAddr>,
    /// It counts as failed.
    pub(super) failed: bool,
}

/// One attempt, as the taps are told of it.
struct Attempt<'a> {
    /// When the request came, and when this attempt began.
    came: Instant,
    began: Instant,
    /// Attempts before this one.
    retries: u64,
    target: &'a Target,
    head: &'a http::request::Parts,
}

impl LocalServer {
    /// Sends a request to where its name is bound, and again as its service's policy has it.
    pub(super) async fn dispatch(
        &self,
        caller: &Caller,
        in_use: &InUse,
        received: &Received,
        parts: &mut http::request::Parts,
        body: Source,
        way: &mut Way,
    ) -> Result<Response<ResponseBody>, Refusal> {
        let Received { context, upgrade, .. } = received;
        let entry = &in_use.entry;
        let policy = &entry.policy;
        let came = in_use.started;
        policy.retries.deposit(came);
        let total = policy.config.total_timeout;
        let total = total.map(|after| Limit::new("totalTimeoutMs", after));
        let deadline = deadline(context, parts);
        let total = Limit::sooner(total, deadline);
        let mut target = self.bind(entry, total).await?;
        way.target = Some(target.clone());
        if let Choice::Status(code) = target.resolved.choice(target.drawn) {
            let status = StatusCode::from_u16(*code).unwrap_or(StatusCode::BAD_GATEWAY);
            let binding = &target.resolved.binding;
            return Ok(self.explained(context, binding, None, with_status(status)));
        }
        let trace = TraceRequest::read(parts, self.shared.trusted)?;
        let label = &self.router.shared.label;
        if let Some(trace) = trace.as_ref().filter(|trace| trace.is_last()) {
            let to = (&*target.resolved, target.drawn);
            let answer = with_status(StatusCode::OK);
            return Box::pin(trace.add_context(label, entry, to, None, answer)).await;
        }
        let certificate = ForwardedCert::take(caller.certificate.as_ref(), &mut parts.headers);
        let body = if body.is_end_stream() {
            RequestBody::Empty
        } else {
            let kept = within(total, self.keep(caller, entry, parts.version, body)).await;
            kept.map_err(|limit| Refusal::timeout(limit, entry))??
        };
        let (mut outgoing, tunnel) =
            self.prepare(caller, entry, context, parts, body, upgrade.as_ref())?;
        let service = Service {
            classifier: policy.config.classifier,
            stats: &entry.stats,
            limit: total,
            acquisition: self.router.shared.binding_timeout,
            judged_within: (
                policy.config.classification_timeout,
                policy.config.retry_buffer.response_bytes as usize,
            ),
        };

        let mut backoff = Backoff::new(policy.config.retries.backoff);
        let mut retries = 0;
        let answered = loop {
            let shown = self.router.taps.as_ref().map(|taps| (taps, Instant::now()));
            let (class, attempted) =
                self.attempt(caller, &certificate, entry, &target, &service, &mut outgoing).await;
            if let Some((taps, began)) = shown {
                let attempt =
                    Attempt { came, began, retries, target: &target, head: outgoing.head };
                show(taps, caller, entry, context, &attempt, attempted.as_ref().ok());
            }
            if class != Class::RetryableFailure {
                break attempted;
            }
            if !policy.retries.withdraw(Instant::now()) {
                entry.stats.budget_exhausted();
                break attempted;
            }
            let wait = backoff.next();
            if total.is_some_and(|total| total.is_within(wait)) {
                break attempted;
            }
            if let Ok(answer) = attempted {
                exchange::discard(answer.response.into_body());
            }
            retries += 1;
            way.retries = retries;
            if wait > Duration::ZERO {
                tokio::time::sleep(wait).await;
            }
            match self.bind(entry, total).await {
                Ok(again) => {
                    way.target = Some(again.clone());
                    target = again;
                }
                Err(refusal) => break Err(refusal),
            }
        };
        entry.stats.retried(retries);
        let answered = answered?;
        let selected = answered.response.body().address();
        way.endpoint = selected;
        let mut response = Self::answer(caller, answered, tunnel)?;
        if let Some(deadline) = deadline {
            response = response.map(|body| body.until(deadline.until()));
        }
        let Target { resolved, drawn } = &target;
        if let Some(trace) = &trace {
            let to = (&**resolved, *drawn);
            response = Box::pin(trace.add_context(label, entry, to, selected, response)).await?;
        }
        let used = resolved.override_used(*drawn);
        Ok(self.explained(context, &resolved.binding, used, response))
    }

    /// Draws where the next attempt goes.
    async fn bind(&self, entry: &Entry, total: Option<Limit>) -> Result<Target, Refusal> {
        let router = &self.router.shared;
        let drawn = within(total, entry.drawn(router.binding_timeout)).await;
        let drawn = drawn.map_err(|limit| Refusal::timeout(limit, entry))?;
        let (resolved, drawn) =
            drawn.map_err(|error| Refusal::unbound(&error, &entry.path, &router.interpreter))?;
        match resolved.choice(drawn) {
            Choice::Bound(_) | Choice::Status(_) => Ok(Target { resolved, drawn }),
            Choice::Pending | Choice::NoBrokers => {
                Err(Refusal::no_brokers(&resolved.binding, entry, &router.interpreter))
            }
        }
    }

    /// The request as it goes to a service, but for what depends on which one it is.
    fn prepare<'h>(
        &self,
        caller: &Caller,
        entry: &Entry,
        context: &Context,
        parts: &'h mut http::request::Parts,
        body: RequestBody,
        upgrade: Option<&HeaderValue>,
    ) -> Result<(Outgoing<'h>, Option<OnUpgrade>), Refusal> {
        framing::settle_length(&mut parts.headers).map_err(Refusal::bad_request)?;
        let version = parts.version;
        via::append(&mut parts.headers, version);
        self.write_request_headers(caller, parts);
        entry.write_context(context, &mut parts.headers);
        if let Some(protocol) = upgrade {
            upgrade::ask(&mut parts.headers, protocol);
        }
        if !body.is_end_stream()
            && version == Version::HTTP_11
            && !parts.headers.contains_key(header::CONTENT_LENGTH)
        {
            // Said outright, since the codec takes a GET without it for one that has no body.
            let chunked = HeaderValue::from_static("chunked");
            parts.headers.insert(header::TRANSFER_ENCODING, chunked);
        } else if body.is_end_stream() || version != Version::HTTP_2 {
            parts.headers.remove(header::TRAILER);
        }
        let tunnel = if upgrade.is_some() {
            let mut request = Request::new(());
            *request.extensions_mut() = std::mem::take(&mut parts.extensions);
            Some(hyper::upgrade::on(&mut request))
        } else {
            None
        };
        if matches!(body, RequestBody::Kept(_)) {
            let empty = HeaderValue::from_static("");
            parts.headers.insert(nack::RETRYABLE_REQUEST, empty);
        }
        Ok((Outgoing::new(parts, body), tunnel))
    }

    /// Keeps a short body, so that it can be sent again; a longer one is streamed. That of HTTP/2 is
    /// kept while it is streamed: its caller may wait for an answer before it sends more.
    async fn keep(
        &self,
        caller: &Caller,
        entry: &Entry,
        version: Version,
        body: Source,
    ) -> Result<RequestBody, Refusal> {
        if version == Version::HTTP_2 {
            let room = entry.policy.config.retry_buffer.request_bytes as usize;
            return Ok(RequestBody::recorded(body, room));
        }
        let length = body.size_hint().exact();
        if length.is_none_or(|length| length > self.router.shared.stream_after) {
            return Ok(RequestBody::Streamed(body));
        }
        match Box::pin(body.collect()).await {
            Ok(body) => Ok(RequestBody::Kept(body.to_bytes())),
            Err(_) if caller.progress.has_bad_body() => Err(bad_chunks()),
            Err(error) => {
                Err(Refusal::malformed(format!("the body of the request broke off: {error}")))
            }
        }
    }

    /// One attempt, and what it counts as.
    async fn attempt(
        &self,
        caller: &Caller,
        certificate: &ForwardedCert<'_>,
        entry: &Rc<Entry>,
        target: &Target,
        service: &Service<'_>,
        outgoing: &mut Outgoing<'_>,
    ) -> (Class, Result<Answer, Refusal>) {
        let Target { resolved, drawn } = target;
        let interpreter = &self.router.shared.interpreter;
        let no_brokers = || Refusal::no_brokers(&resolved.binding, entry, interpreter);
        let leaf: &Leaf = match resolved.choice(*drawn) {
            Choice::Bound(leaf) => leaf,
            Choice::Status(_) | Choice::Pending | Choice::NoBrokers => {
                return (Class::Failure, Err(no_brokers()));
            }
        };
        let Some(Destination { client, dst }) = entry.destination(leaf) else {
            return (Class::Failure, Err(no_brokers()));
        };
        dst.write(&mut outgoing.head.headers);
        if let Some(limit) = service.limit
            && outgoing.head.headers.contains_key(grpc::TIMEOUT)
        {
            grpc::set_timeout(&mut outgoing.head.headers, limit.left());
        }
        certificate.write(&mut outgoing.head.headers, client.config.forward_client_cert);
        let error = match client.send(outgoing, service).await {
            // What is not judged yet is not sent again.
            Ok(answer) => return (answer.class.unwrap_or(Class::Success), Ok(answer)),
            Err(error) => error,
        };
        if caller.progress.has_bad_body() {
            return (Class::Failure, Err(bad_chunks()));
        }
        let class = error.class(service, outgoing);
        let refusal = match error {
            SendError::NoEndpoint => no_brokers(),
            SendError::Connect { selected, error } => {
                let addresses = client.addresses();
                Refusal::unconnected(selected, &error, &addresses, &entry.path, &leaf.bound.id)
            }
            SendError::Broken { selected, error, unsent } => {
                Refusal::broken(selected, &error, unsent)
            }
            SendError::Timeout { limit, .. } => Refusal::timeout(limit, entry),
            SendError::TooManyWaiters { selected } => {
                Refusal::too_many_waiters(selected, &leaf.bound.id, client.config.pool)
            }
            SendError::TooManyInFlight(limit) => Refusal::too_many_in_flight(limit, &leaf.bound.id),
            SendError::Untranslatable(why) => Refusal::bad_request(why),
        };
        (class, Err(refusal))
    }
}

/// Until when the caller of an HTTP/2 request waits for the end of the response.
fn deadline(context: &Context, parts: &http::request::Parts) -> Option<Limit> {
    if parts.version != Version::HTTP_2 {
        return None;
    }
    let call = grpc::timeout(&parts.headers).map(|after| Limit::new("grpc-timeout", after));
    let routers = context.time_left().map(|after| Limit::new("l5d-ctx-deadline", after));
    Limit::sooner(call, routers)
}

/// Shows an attempt that has ended to the access log and others.
fn show(
    taps: &LocalTaps,
    caller: &Caller,
    entry: &Entry,
    context: &Context,
    attempt: &Attempt<'_>,
    answer: Option<&Answer>,
) {
    let Target { resolved, drawn } = attempt.target;
    let Choice::Bound(leaf) = resolved.choice(*drawn) else { return };
    taps.show(&Exchange {
        request: attempt.head,
        caller: caller.remote,
        service: &entry.path,
        client: &leaf.bound.id,
        endpoint: answer.and_then(|answer| answer.response.body().address()),
        response: answer.map(|answer| ResponseHead::of(&answer.response)),
        ended: Timestamp::now(),
        attempt: attempt.began.elapsed(),
        total: attempt.came.elapsed(),
        retries: attempt.retries,
        overrides: resolved.override_used(*drawn).and_then(|used| used.to_str().ok()),
        trace: context.trace,
    });
}

fn bad_chunks() -> Refusal {
    Refusal::malformed("the body is not chunked as it says (RFC 9112, 7.1)")
}
