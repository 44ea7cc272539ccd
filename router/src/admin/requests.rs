//! `/requests.json`, `/requests/<id>.json`, `/requests/events`: the latest requests.
//!
//! Asked with `limit`, `failed` and `router`, all of which may be left out, the list has the newest
//! first: successes as far as they were sampled, and failures, which are kept apart and so longer.
//!
//! ```json
//! [{
//!   "id": "5f3a", "time": "2026-11-25T12:00:00.250Z", "source": "10.1.2.3:40000",
//!   "server": "127.0.0.1:4140", "router": "http", "service": "/svc/web",
//!   "client": "/#/io.l5d.fs/web", "destination": "127.0.0.1:8081", "method": "GET", "uri": "/",
//!   "status": 200, "ms": 1.5, "retries": 0, "override": null, "error": null, "failed": false,
//!   "trace": "0000000000001234"
//! }]
//! ```
//!
//! `service`, `client`, `destination` and `trace` are null as far as the request did not come there;
//! `status` is what the caller got, `ms` the time to that, `error` why the router could not do better.
//! One request has a `delegation` beside these, as in `/delegation.json` without its `base`: how its name
//! resolved when it was sent. It is null if that is not known any more, or never was.
//!
//! The events are called `requests`, and have those that are new since the last, oldest first; there is
//! at most one a second.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use dtab::Path;
use futures_util::stream;
use http::Response;
use serde_json::Value;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::MissedTickBehavior;

use super::events::{Streams, event};
use super::query::Params;
use super::{AdminContext, explained};
use crate::telemetry::recent_requests::{Recent, RecentRequests, Wanted};

/// How often there may be an event.
const INTERVAL: Duration = Duration::from_secs(1);

/// Events that a listener may be behind.
const BACKLOG: usize = 16;

/// The latest requests, and who is told of them.
pub(crate) struct Requests {
    pub(crate) recent: Arc<RecentRequests>,
    news: broadcast::Sender<Bytes>,
    streams: Streams,
}

impl Requests {
    pub(crate) fn new(recent: Arc<RecentRequests>) -> Arc<Self> {
        Arc::new(Requests {
            recent,
            news: broadcast::Sender::new(BACKLOG),
            streams: Streams::new(),
        })
    }

    /// Tells of what is new for as long as it is polled: a task of the control runtime.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if self.streams.any() {
                self.tell();
            }
        }
    }

    /// Tells of what is new, if anything is.
    pub(super) fn tell(&self) {
        let news: Vec<Value> = self.recent.news().iter().map(|recent| recent.json()).collect();
        if !news.is_empty() {
            // Whoever listened may have gone.
            let _ = self.news.send(event("requests", &Value::Array(news).to_string()));
        }
    }

    /// `/requests/events`
    pub(super) fn events(&self) -> Response<Body> {
        self.streams.open(|| {
            if self.news.receiver_count() == 0 {
                // What came while nobody listened is not new.
                self.recent.news();
            }
            stream::unfold(self.news.subscribe(), async |mut news| {
                loop {
                    match news.recv().await {
                        Ok(event) => return Some((event, news)),
                        Err(RecvError::Lagged(_)) => {}
                        Err(RecvError::Closed) => return None,
                    }
                }
            })
        })
    }

    /// `/requests.json`; the error is a sentence.
    pub(super) fn list(&self, params: &Params) -> Result<Value, &'static str> {
        let limit = match params.get("limit") {
            None | Some("") => None,
            Some(limit) => Some(limit.parse().map_err(|_| "`limit` is not a number")?),
        };
        let router = params.get("router").filter(|router| !router.is_empty()).map(str::to_owned);
        let wanted = Wanted { limit, failed: params.is_on("failed"), router };
        Ok(self.recent.newest(&wanted).iter().map(|recent| recent.json()).collect())
    }
}

/// `/requests/<id>.json`; none if the path is another, or the request not known any more.
pub(super) fn one(context: &AdminContext, path: &str) -> Option<Value> {
    let id = path.strip_prefix("/requests/")?.strip_suffix(".json")?;
    let recent = context.requests.recent.get(id)?;
    let mut shown = recent.json();
    shown["delegation"] = delegation(context, &recent).unwrap_or_default();
    Some(shown)
}

fn delegation(context: &AdminContext, recent: &Recent) -> Option<Value> {
    let binding = recent.binding()?;
    let prefixes = context
        .router(Some(&recent.router))
        .map(|router| router.interpreter.namers().prefixes())
        .unwrap_or_default();
    let local = recent.overrides.as_deref().unwrap_or_default();
    let path: &Path = &binding.delegation.path;
    Some(explained::as_it_was(context, &recent.router, path, local, &binding.delegation, &prefixes))
}
