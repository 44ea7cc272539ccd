//! `/admin/reload`: reading the configuration again, and how that went.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::response::IntoResponse;
use http::header::{ALLOW, CONTENT_TYPE};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::{AdminContext, guard};

/// Asks for the configuration to be read again; answered with what has changed, or with why nothing
/// has.
pub type ReloadRequest = oneshot::Sender<Result<Value, String>>;

/// How the configuration is read again, and when it was. A clone is the same.
#[derive(Clone, Debug)]
pub struct Reload {
    requests: Option<mpsc::Sender<ReloadRequest>>,
    history: Arc<Mutex<History>>,
}

#[derive(Debug)]
struct History {
    loaded: SystemTime,
    reloads: u64,
    failures: u64,
    last_error: Option<(SystemTime, String)>,
}

impl Default for Reload {
    /// Of a configuration that was read just now and cannot be read again.
    fn default() -> Self {
        let history =
            History { loaded: SystemTime::now(), reloads: 0, failures: 0, last_error: None };
        Reload { requests: None, history: Arc::new(Mutex::new(history)) }
    }
}

impl Reload {
    /// Requests go to `requests`.
    pub fn by(requests: mpsc::Sender<ReloadRequest>) -> Self {
        Reload { requests: Some(requests), ..Reload::default() }
    }

    /// A new configuration is in force.
    pub fn succeeded(&self) {
        self.with_history(|history| {
            history.loaded = SystemTime::now();
            history.reloads += 1;
            history.last_error = None;
        });
    }

    /// The old one stays in force, for this reason.
    pub fn failed(&self, reason: &str) {
        self.with_history(|history| {
            history.failures += 1;
            history.last_error = Some((SystemTime::now(), reason.to_owned()));
        });
    }

    fn with_history<R>(&self, f: impl FnOnce(&mut History) -> R) -> R {
        // Every change is complete at each point where it could panic.
        f(&mut self.history.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn to_json(&self) -> Value {
        let millis = |time: SystemTime| {
            u64::try_from(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis())
                .unwrap_or(u64::MAX)
        };
        self.with_history(|history| {
            json!({
                "loaded": millis(history.loaded),
                "reloads": history.reloads,
                "failures": history.failures,
                "lastError": history.last_error.as_ref().map(|(at, reason)| {
                    json!({ "at": millis(*at), "message": reason })
                }),
            })
        })
    }
}

/// GET says when the configuration was read, POST reads it again.
pub(super) async fn answer(context: &AdminContext, head: &Parts) -> Response<Body> {
    let text = |status: StatusCode, body: String| {
        (status, [(CONTENT_TYPE, "text/plain;charset=UTF-8")], body).into_response()
    };
    let json = |value: &Value| {
        ([(CONTENT_TYPE, "application/json;charset=UTF-8")], format!("{value:#}")).into_response()
    };
    match head.method {
        Method::GET | Method::HEAD => return json(&context.reload.to_json()),
        Method::POST => {}
        _ => return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, POST")]).into_response(),
    }
    if guard::is_foreign(head) {
        return text(StatusCode::FORBIDDEN, guard::FOREIGN.to_owned());
    }
    let Some(requests) = &context.reload.requests else {
        let why = "the configuration did not come from a file that can be read again\n";
        return text(StatusCode::CONFLICT, why.to_owned());
    };
    let (sender, outcome) = oneshot::channel();
    // If it cannot be sent, it is dropped, and so answered like one that is.
    let _ = requests.send(sender).await;
    match outcome.await {
        Ok(Ok(changes)) => json(&changes),
        Ok(Err(reason)) => text(StatusCode::BAD_REQUEST, reason),
        Err(_) => text(StatusCode::SERVICE_UNAVAILABLE, "stopping\n".to_owned()),
    }
}
