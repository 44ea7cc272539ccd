//! `io.l5d.recentRequests`: the last few requests, for people to look at.
//!
//! Each worker keeps its own last ones, behind a lock that only a reader of the page ever contends
//! for, and takes it for sampled requests only. What is shown are the newest of all workers.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dtab::Path;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::tap::Exchange;
use crate::config::kinds::RecentRequestsConfig;

/// The recent requests of all routers.
#[derive(Debug)]
pub(crate) struct RecentRequests {
    rate: f64,
    capacity: usize,
    workers: Mutex<Vec<Arc<Ring>>>,
}

/// The recent requests of one router on one worker.
pub(crate) struct LocalRecentRequests {
    rate: f64,
    capacity: usize,
    ring: Arc<Ring>,
}

type Ring = Mutex<VecDeque<Recent>>;

/// One request.
#[derive(Clone, Debug)]
struct Recent {
    ended: Timestamp,
    caller: SocketAddr,
    server: SocketAddr,
    router: Arc<str>,
    service: Path,
    client: Path,
    endpoint: Option<SocketAddr>,
    method: http::Method,
    uri: String,
    status: Option<u16>,
    attempt_ms: f64,
    trace: String,
}

/// The longest target that is kept; more is cut off.
const MAX_URI: usize = 256;

impl RecentRequests {
    pub(crate) fn new(config: &RecentRequestsConfig) -> Arc<Self> {
        let workers = Mutex::default();
        Arc::new(RecentRequests { rate: config.sample_rate, capacity: config.capacity, workers })
    }

    /// A worker's part.
    pub(crate) fn local(self: &Arc<Self>) -> LocalRecentRequests {
        let ring = Arc::<Ring>::default();
        lock(&self.workers).push(ring.clone());
        LocalRecentRequests { rate: self.rate, capacity: self.capacity, ring }
    }

    /// The newest ones, newest first.
    fn newest(&self) -> Vec<Recent> {
        let rings = lock(&self.workers).clone();
        let mut all: Vec<Recent> = rings.iter().flat_map(|ring| lock(ring).clone()).collect();
        all.sort_by_key(|recent| std::cmp::Reverse(recent.ended));
        all.truncate(self.capacity);
        all
    }

    /// `/requests.json`
    pub(crate) fn json(&self) -> Value {
        let shown = |recent: Recent| {
            json!({
                "time": format!("{:.3}", recent.ended),
                "source": recent.caller.to_string(),
                "server": recent.server.to_string(),
                "router": recent.router.as_ref(),
                "service": recent.service.to_string(),
                "client": recent.client.to_string(),
                "destination": recent.endpoint.map(|endpoint| endpoint.to_string()),
                "method": recent.method.as_str(),
                "uri": recent.uri,
                "status": recent.status,
                "ms": recent.attempt_ms,
                "trace": recent.trace,
            })
        };
        self.newest().into_iter().map(shown).collect()
    }

    /// `/requests`, a table with the columns of Linkerd's, and two more. Names link to the delegator.
    pub(crate) fn page(&self) -> String {
        let mut rows = String::new();
        for recent in self.newest() {
            let link = |name: &Path| {
                let name = name.to_string();
                let (router, at) = (encode(&recent.router), encode(&name));
                let shown = escape(&name);
                format!("<a href=\"delegator?router={router}#{at}\">{shown}</a>")
            };
            let endpoint = recent.endpoint.map_or("-".to_owned(), |endpoint| endpoint.to_string());
            let cells = [
                escape(&recent.ended.strftime("%F %T %z").to_string()),
                escape(&recent.caller.to_string()),
                escape(&recent.server.to_string()),
                escape(&recent.router),
                link(&recent.service),
                link(&recent.client),
                escape(&endpoint),
                escape(&format!("{} {}", recent.method, recent.uri)),
                recent.status.map_or("-".to_owned(), |status| status.to_string()),
            ];
            rows.push_str("<tr>");
            for cell in cells {
                // Writing to a String does not fail.
                let _ = write!(rows, "<td>{cell}</td>");
            }
            rows.push_str("</tr>\n");
        }
        format!("{HEAD}{rows}</tbody>\n</table>\n</body>\n</html>\n")
    }
}

const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<title>Recent requests</title>
<style>
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: 0.3em 0.8em; border-bottom: 1px solid #ccc; }
</style>
</head>
<body>
<h1>Recent requests</h1>
<table>
<thead><tr><th>Timestamp</th><th>Source</th><th>Server</th><th>Router</th><th>Logical Name</th>\
<th>Concrete Name</th><th>Destination</th><th>Request</th><th>Status</th></tr></thead>
<tbody>
";

impl LocalRecentRequests {
    pub(super) fn record(&self, exchange: &Exchange<'_>) {
        if !exchange.is_sampled(self.rate) {
            return;
        }
        let target = exchange.request.uri.path_and_query().map_or("/", |target| target.as_str());
        let recent = Recent {
            ended: exchange.ended,
            caller: exchange.caller,
            server: exchange.server,
            router: Arc::from(exchange.router),
            service: exchange.service.clone(),
            client: exchange.client.clone(),
            endpoint: exchange.endpoint,
            method: exchange.request.method.clone(),
            uri: target.chars().take(MAX_URI).collect(),
            status: exchange.response.map(|response| response.status.as_u16()),
            attempt_ms: exchange.attempt.as_micros() as f64 / 1000.0,
            trace: exchange.trace_hex(),
        };
        let mut ring = lock(&self.ring);
        if ring.len() >= self.capacity {
            ring.pop_front();
        }
        ring.push_back(recent);
    }
}

/// A text for HTML, in an element or a quoted attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A text for a part of a URL.
fn encode(text: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');
    utf8_percent_encode(text, KEPT).to_string()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::tap::tests::{with_exchange, with_request};
    use super::*;

    fn recent(rate: f64, capacity: usize) -> Arc<RecentRequests> {
        RecentRequests::new(&RecentRequestsConfig { sample_rate: rate, capacity })
    }

    #[test]
    fn the_newest_of_all_workers_are_shown_newest_first() {
        let recent = recent(1.0, 2);
        let (one, other) = (recent.local(), recent.local());
        for (worker, second) in [(&one, 1), (&other, 2), (&one, 3), (&other, 4), (&one, 5)] {
            let at = |exchange: &mut Exchange<'_>| {
                exchange.ended = Timestamp::from_second(second).unwrap();
            };
            with_exchange(at, |exchange| worker.record(exchange));
        }
        let times: Vec<_> = recent.newest().iter().map(|recent| recent.ended.as_second()).collect();
        assert_eq!(times, [5, 4]);
    }

    #[test]
    fn what_is_not_sampled_is_not_kept_but_what_the_caller_has_sampled_is() {
        let recent = recent(0.0, 2);
        let worker = recent.local();
        with_exchange(|_| {}, |exchange| worker.record(exchange));
        assert!(recent.newest().is_empty());
        let sampled = |exchange: &mut Exchange<'_>| {
            exchange.trace = exchange.trace.with_sampled(true);
        };
        with_exchange(sampled, |exchange| worker.record(exchange));
        assert_eq!(recent.newest().len(), 1);
    }

    #[test]
    fn names_and_targets_cannot_break_out_of_the_page() {
        let recent = recent(1.0, 10);
        let worker = recent.local();
        with_exchange(|_| {}, |exchange| worker.record(exchange));
        let service = Path::from_segments(["svc", "<b>\"'&"]);
        let service: &Path = Box::leak(Box::new(service));
        let request = http::Request::get("/'onload=alert(1)'").header("host", "web");
        let change = |exchange: &mut Exchange<'_>| {
            exchange.service = service;
            exchange.router = "a<b";
            exchange.endpoint = None;
            exchange.response = None;
            exchange.ended = "2026-11-25T12:00:01Z".parse().unwrap();
        };
        with_request(request, change, |exchange| worker.record(exchange));
        insta::assert_snapshot!("page", recent.page());
        insta::assert_json_snapshot!("requests", recent.json());
    }
}
