//! Who answers what pages show.

use axum::body::Body;
use http::header::{CONTENT_TYPE, HOST, ORIGIN};
use http::{HeaderMap, HeaderName, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use router::admin::Endpoints;
use serde_json::Value;

use super::remote::Remote;

/// The admin server whose answers are shown.
#[derive(Clone, Debug)]
pub enum Source {
    /// That of this process.
    Local(Endpoints),
    /// That of another.
    Remote(Remote),
}

/// The longest answer that is read for a page.
const MAX_ANSWER: usize = 64 << 20;

/// What tells the guard of the admin server where a request comes from.
const ORIGINS: [HeaderName; 3] = [HOST, ORIGIN, HeaderName::from_static("sec-fetch-site")];

impl Source {
    /// The answer to one request.
    pub(super) async fn call(&self, request: Request<Body>) -> Response<Body> {
        match self {
            Source::Local(endpoints) => endpoints.call(request).await,
            Source::Remote(remote) => remote.call(request).await,
        }
    }

    /// What a `GET` of this path and parameters answers; null if it does not answer with JSON. The
    /// status says why.
    pub(super) async fn get(&self, path: &str, params: &[(&str, &str)]) -> (StatusCode, Value) {
        let (status, text) = self.get_text(path, params).await;
        let json = if status.is_success() { serde_json::from_str(&text).ok() } else { None };
        (status, json.unwrap_or(Value::Null))
    }

    /// The same as text, for what may be refused with a reason.
    pub(super) async fn get_text(
        &self,
        path: &str,
        params: &[(&str, &str)],
    ) -> (StatusCode, String) {
        let uri =
            if params.is_empty() { path.to_owned() } else { format!("{path}?{}", form(params)) };
        self.text(Request::get(uri).body(Body::empty())).await
    }

    /// Sends parameters as a form, in the name of the request that has these headers.
    pub(super) async fn post(
        &self,
        path: &str,
        params: &[(&str, &str)],
        caller: &HeaderMap,
    ) -> (StatusCode, String) {
        let mut request = Request::post(path)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form(params)));
        if let Ok(request) = &mut request {
            for name in ORIGINS {
                if let Some(value) = caller.get(&name) {
                    request.headers_mut().insert(name, value.clone());
                }
            }
        }
        self.text(request).await
    }

    async fn text(&self, request: http::Result<Request<Body>>) -> (StatusCode, String) {
        let Ok(request) = request else {
            return (StatusCode::BAD_REQUEST, "this cannot be asked".to_owned());
        };
        let (head, body) = self.call(request).await.into_parts();
        match Limited::new(body, MAX_ANSWER).collect().await {
            Ok(body) => (head.status, String::from_utf8_lossy(&body.to_bytes()).into_owned()),
            Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()),
        }
    }
}

fn form(params: &[(&str, &str)]) -> String {
    let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let pairs = params.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}
