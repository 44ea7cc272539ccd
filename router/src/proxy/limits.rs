//! What a server holds requests to: how many at a time, and how long.

use std::time::Instant;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;

use super::answer::Refusal;
use super::{Caller, LocalServer};
use crate::http::body::ResponseBody;
use crate::http::nack::NACK;

/// Finagle's text of a nack.
const NACK_TEXT: &str =
    "Request was not processed by the server due to an error and is safe to retry";

impl LocalServer {
    /// Routes a request within `maxConcurrentRequests` and `timeoutMs`.
    pub(super) async fn within_limits(
        &self,
        caller: &Caller,
        request: Request<Incoming>,
        came: Instant,
    ) -> Result<Response<ResponseBody>, Refusal> {
        let Some(max) = self.shared.max_concurrent_requests else {
            return self.in_time(caller, request, came).await;
        };
        let Some(permit) = self.shared.gate.begin(max) else {
            self.stats.nacks.incr();
            let why = "the server has as many requests as it may (maxConcurrentRequests)";
            let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why);
            let (parts, _) = request.into_parts();
            self.remember_refused(caller, &parts, None, &refusal, came);
            return Ok(nack());
        };
        // A request is under way until the last byte of its response is.
        let response = self.in_time(caller, request, came).await?;
        Ok(response.map(|body| body.holding(permit)))
    }

    async fn in_time(
        &self,
        caller: &Caller,
        request: Request<Incoming>,
        came: Instant,
    ) -> Result<Response<ResponseBody>, Refusal> {
        let Some(limit) = self.shared.timeout else {
            return self.route(caller, request, came).await;
        };
        // The request goes with what is given up.
        let mut seen = Request::new(());
        seen.method_mut().clone_from(request.method());
        seen.uri_mut().clone_from(request.uri());
        match Box::pin(tokio::time::timeout(limit, self.route(caller, request, came))).await {
            Ok(answer) => answer,
            Err(_) => {
                self.stats.timeouts.incr();
                let limit = limit.as_millis();
                let why = format!("no response began within {limit} ms (timeoutMs of the server)");
                let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why);
                let (parts, ()) = seen.into_parts();
                self.remember_refused(caller, &parts, None, &refusal, came);
                Err(refusal)
            }
        }
    }
}

/// The answer to a request that was not looked at, as Finagle gives it.
fn nack() -> Response<ResponseBody> {
    let mut response =
        Response::new(ResponseBody::from(bytes::Bytes::from_static(NACK_TEXT.as_bytes())));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    headers.insert(NACK, HeaderValue::from_static("true"));
    headers.insert(RETRY_AFTER, HeaderValue::from_static("0"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(NACK_TEXT.len()));
    response
}
