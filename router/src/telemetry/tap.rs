//! Who is shown each exchange with a service: the access log, the trace log.
//!
//! A router without any of them has no taps, and its requests pay nothing.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::Duration;

use dtab::Path;
use http::StatusCode;
use jiff::Timestamp;

use super::tracelog::Tracelog;
use crate::access_log::{AccessLog, LocalAccessLog};
use crate::http::headers::trace::TraceId;

/// One exchange with a service: one attempt to have a request answered.
#[derive(Debug)]
pub(crate) struct Exchange<'e> {
    /// The request as it was sent on.
    pub(crate) request: &'e http::request::Parts,
    pub(crate) caller: SocketAddr,
    /// The logical name.
    pub(crate) service: &'e Path,
    /// The bound name.
    pub(crate) client: &'e Path,
    /// The endpoint, if it is known which one it was.
    pub(crate) endpoint: Option<SocketAddr>,
    /// The head of the response, if there was one.
    pub(crate) response: Option<ResponseHead>,
    /// When the attempt ended.
    pub(crate) ended: Timestamp,
    /// How long the attempt took.
    pub(crate) attempt: Duration,
    /// How long it is since the request came.
    pub(crate) total: Duration,
    /// Attempts before this one.
    pub(crate) retries: u64,
    /// The dentries of the request's own table that took part.
    pub(crate) overrides: Option<&'e str>,
    pub(crate) trace: TraceId,
}

/// What is told of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ResponseHead {
    pub(crate) status: StatusCode,
    /// Its `Content-Length`.
    pub(crate) length: Option<u64>,
}

impl ResponseHead {
    pub(crate) fn of<B>(response: &http::Response<B>) -> Self {
        let length = response.headers().get(http::header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        ResponseHead { status: response.status(), length }
    }
}

impl Exchange<'_> {
    /// The id of the trace, in hexadecimal digits.
    pub(crate) fn trace_hex(&self) -> String {
        trace_hex(self.trace)
    }

    /// Whether a telemeter with this sample rate takes it: as the trace's caller decided, and by the
    /// id of the trace if nobody has.
    pub(super) fn is_sampled(&self, rate: f64) -> bool {
        self.trace.with_sample_rate(rate as f32).sampled() == Some(true)
    }
}

/// The id of a trace, in hexadecimal digits.
pub(super) fn trace_hex(id: TraceId) -> String {
    match id.trace_high {
        Some(high) => format!("{high:016x}{:016x}", id.trace),
        None => format!("{:016x}", id.trace),
    }
}

/// The taps of a router, as all workers have them.
#[derive(Debug, Default)]
pub(crate) struct Taps {
    pub(crate) access_log: Option<AccessLog>,
    pub(crate) tracelogs: Vec<Tracelog>,
}

/// The taps of a router, as one worker has them.
pub(crate) struct LocalTaps {
    access_log: Option<RefCell<LocalAccessLog>>,
    tracelogs: Vec<Tracelog>,
}

impl Taps {
    /// A worker's part, if there is any tap.
    pub(crate) fn local(&self) -> Option<LocalTaps> {
        let Taps { access_log, tracelogs } = self;
        let any = access_log.is_some() || !tracelogs.is_empty();
        any.then(|| LocalTaps {
            access_log: access_log.as_ref().map(|log| RefCell::new(log.local())),
            tracelogs: tracelogs.clone(),
        })
    }
}

impl LocalTaps {
    /// Shows an exchange that has ended.
    pub(crate) fn show(&self, exchange: &Exchange<'_>) {
        if let Some(log) = &self.access_log {
            log.borrow_mut().record(exchange);
        }
        for log in &self.tracelogs {
            log.record(exchange);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An exchange of tests: `GET /x` of `web`, answered with 200, on 25 November 2026 at noon.
    pub(crate) fn with_exchange(
        change: impl FnOnce(&mut Exchange<'_>),
        see: impl FnOnce(&Exchange<'_>),
    ) {
        with_request(http::Request::get("/x?y=1").header("host", "web"), change, see);
    }

    pub(crate) fn with_request(
        request: http::request::Builder,
        change: impl FnOnce(&mut Exchange<'_>),
        see: impl FnOnce(&Exchange<'_>),
    ) {
        let (request, ()) = request.body(()).unwrap().into_parts();
        let (service, client) =
            (Path::parse("/svc/web").unwrap(), Path::parse("/#/io.l5d.fs/web").unwrap());
        let mut exchange = Exchange {
            request: &request,
            caller: "10.1.2.3:40000".parse().unwrap(),
            service: &service,
            client: &client,
            endpoint: "127.0.0.1:8081".parse().ok(),
            response: Some(ResponseHead { status: StatusCode::OK, length: Some(2) }),
            ended: "2026-11-25T12:00:00.25Z".parse().unwrap(),
            attempt: Duration::from_micros(1500),
            total: Duration::from_millis(20),
            retries: 0,
            overrides: None,
            trace: TraceId { span: 1, parent: 1, trace: 0x1234, trace_high: None, flags: 0 },
        };
        change(&mut exchange);
        see(&exchange);
    }
}
