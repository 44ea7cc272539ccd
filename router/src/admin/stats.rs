//! `/stats.json`, `/stats/events`, `/stats/history.json`: what goes on just now.
//!
//! ```json
//! {
//!   "now": 1764072000000,
//!   "interval": 1000,
//!   "routers": [{ "router": "http", "name": "http", "rps": 12.0, "servers": [] }],
//!   "services": [{ "router": "http", "name": "/svc/web", "rps": 12.0, "budget": { "balance": 100 } }],
//!   "clients": [{ "router": "http", "name": "/#/io.l5d.fs/web", "rps": 12.0, "endpoints": [] }],
//!   "left_out": 0,
//!   "history": { "interval": 5000, "routers": [[12.0]], "services": [[12.0]], "clients": [[12.0]] }
//! }
//! ```
//!
//! A row of a router, server, service or client has `rps`, `failures_ps` and `retries_ps`, of the last
//! second; `success` (0 to 1) and `p50`, `p95`, `p99` (milliseconds), of the last ten seconds, null if
//! there was nothing; `pending` and `connections` (null for a service) as they are now. A service or
//! client has the `budget` of its retries; a client its `state` and `endpoints` as in `/clients.json`.
//! `left_out` is how many of the quietest rows are not shown.
//!
//! The `history` has the requests per second of each row in steps of five seconds, for five minutes,
//! oldest first. It is not in the events, of which there is one a second, with the name `stats`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use axum::body::Body;
use bytes::Bytes;
use dtab::Path;
use futures_util::stream;
use http::Response;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use super::clients::ShownEndpoint;
use super::events::{Streams, event};
use super::query::Params;
use super::{AdminContext, client_state};
use crate::client::health::HealthTable;
use crate::telemetry::Metrics;
use crate::telemetry::live::{INTERVAL, Key, Kind, LiveTable, Point, Row};

/// Seconds that are one value of the history in `/stats.json`.
const STEP: usize = 5;

/// What goes on, from the start of the program to its end.
pub(crate) struct Stats {
    table: Mutex<LiveTable>,
    health: Arc<HealthTable>,
    newest: watch::Sender<Bytes>,
    streams: Streams,
}

impl Stats {
    /// What these metrics and what is known of endpoints tell.
    pub(crate) fn new(metrics: Metrics, health: Arc<HealthTable>) -> Arc<Self> {
        let table = Mutex::new(LiveTable::new(metrics));
        let (newest, streams) = (watch::Sender::default(), Streams::new());
        Arc::new(Stats { table, health, newest, streams })
    }

    /// Keeps up with what goes on for as long as it is polled: a task of the control runtime.
    pub(crate) async fn run(self: Arc<Self>, context: Arc<ArcSwap<AdminContext>>) {
        let mut before = Instant::now();
        let mut ticks = tokio::time::interval_at(before + INTERVAL, INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let now = Instant::now();
            self.tick(now - before);
            before = now;
            if self.streams.any() {
                self.tell(&context.load());
            }
        }
    }

    /// Takes in what has happened within this time.
    pub(super) fn tick(&self, elapsed: Duration) {
        self.table().tick(elapsed);
    }

    /// Sends an event to all who listen.
    pub(super) fn tell(&self, context: &AdminContext) {
        self.newest.send_replace(event("stats", &self.shown(context, false)));
    }

    fn table(&self) -> MutexGuard<'_, LiveTable> {
        // A panic would leave a row without one of its seconds.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `/stats.json`
    pub(super) fn json(&self, context: &AdminContext) -> String {
        self.shown(context, true)
    }

    /// `/stats/events`: the table as it is, and then once a second.
    pub(super) fn events(&self, context: &AdminContext) -> Response<Body> {
        self.streams.open(|| {
            if self.newest.receiver_count() == 0 {
                self.tell(context);
            }
            let mut newest = self.newest.subscribe();
            newest.mark_changed();
            stream::unfold(newest, async |mut newest| {
                newest.changed().await.ok()?;
                let event = newest.borrow_and_update().clone();
                Some((event, newest))
            })
        })
    }

    /// `/stats/history.json`: the last five minutes of one row.
    pub(super) fn history(&self, params: &Params) -> Result<Value, NoHistory> {
        let kind = params.get("kind").map_or(Some(Kind::Service), Kind::named);
        let (kind, router) = kind.zip(params.get("router")).ok_or(NoHistory::Unclear)?;
        let name = if kind == Kind::Router { Some(router) } else { params.get("name") };
        let name = name.ok_or(NoHistory::Unclear)?.to_owned();
        let table = self.table();
        let row =
            table.row(&Key { kind, router: router.into(), name }).ok_or(NoHistory::NoSuchRow)?;
        let quantile = |at: usize| row.history().map(move |point| point.quantiles()[at]);
        Ok(json!({
            "interval": INTERVAL.as_millis() as u64,
            "at": unix_millis(table.at()),
            "rps": row.history().map(|point| rounded(point.rps)).collect::<Vec<_>>(),
            "success": row.history().map(Point::success).collect::<Vec<_>>(),
            "p50": quantile(0).collect::<Vec<_>>(),
            "p95": quantile(1).collect::<Vec<_>>(),
            "p99": quantile(2).collect::<Vec<_>>(),
            "failures_ps": row.history().map(|point| rounded(point.failures_ps)).collect::<Vec<_>>(),
            "retries_ps": row.history().map(|point| rounded(point.retries_ps)).collect::<Vec<_>>(),
            "connections": row.history().map(Point::connections).collect::<Vec<_>>(),
        }))
    }

    fn shown(&self, context: &AdminContext, with_history: bool) -> String {
        let client = |router: &str, id: &Path| Key {
            kind: Kind::Client,
            router: router.into(),
            name: id.to_string(),
        };
        let mut endpoints: HashMap<Key, Vec<ShownEndpoint>> = HashMap::new();
        for view in self.health.view() {
            let shown = view.endpoints.iter().map(ShownEndpoint::of).collect();
            endpoints.insert(client(&view.router, &view.client), shown);
        }
        let mut states: HashMap<Key, Value> = HashMap::new();
        for router in &context.routers {
            for bound in router.interpreter.bound() {
                let state = client_state(&bound.addr)["state"].take();
                states.insert(client(&router.label, &bound.id), state);
            }
        }
        let table = self.table();
        let servers = |router: &str| {
            let own = table.rows(Kind::Server).filter(|(key, _)| *key.router == *router);
            own.filter_map(|(key, row)| Figures::of(key, row)).collect()
        };
        let routers = table.rows(Kind::Router).filter_map(|(key, row)| {
            let figures = Figures::of(key, row)?;
            Some(Router { figures, servers: servers(&key.router) })
        });
        let clients = table.rows(Kind::Client).filter_map(|(key, row)| {
            let service = Service::of(key, row)?;
            let (state, endpoints) = (states.remove(key), endpoints.remove(key));
            Some(Client { service, state, endpoints: endpoints.unwrap_or_default() })
        });
        let shown = Shown {
            now: unix_millis(table.at()),
            interval: INTERVAL.as_millis() as u64,
            routers: routers.collect(),
            services: table
                .rows(Kind::Service)
                .filter_map(|(key, row)| Service::of(key, row))
                .collect(),
            clients: clients.collect(),
            left_out: table.left_out(),
            history: with_history.then(|| History::of(&table)),
        };
        // Numbers and texts under fixed names always have a JSON text.
        serde_json::to_string(&shown).unwrap_or_default()
    }
}

/// Why there is no history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoHistory {
    /// It is not said of what.
    #[error(
        "name a row as in ?kind=service&router=http&name=/svc/web; kinds are router, server, service \
         and client"
    )]
    Unclear,
    /// It is not there, or among the quietest that are left out.
    #[error("there is no such row")]
    NoSuchRow,
}

#[derive(Serialize)]
struct Shown<'t> {
    now: u64,
    interval: u64,
    routers: Vec<Router<'t>>,
    services: Vec<Service<'t>>,
    clients: Vec<Client<'t>>,
    left_out: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<History>,
}

/// What every row has.
#[derive(Serialize)]
struct Figures<'t> {
    router: &'t str,
    name: &'t str,
    rps: f64,
    success: Option<f64>,
    failures_ps: f64,
    retries_ps: f64,
    p50: Option<u64>,
    p95: Option<u64>,
    p99: Option<u64>,
    pending: i64,
    connections: Option<u32>,
}

impl<'t> Figures<'t> {
    /// None before the first second of the row is over.
    fn of(key: &'t Key, row: &Row) -> Option<Self> {
        let (newest, pending) = row.newest()?;
        let [p50, p95, p99] = newest.quantiles();
        Some(Figures {
            router: &key.router,
            name: &key.name,
            rps: rounded(newest.rps),
            success: newest.success(),
            failures_ps: rounded(newest.failures_ps),
            retries_ps: rounded(newest.retries_ps),
            p50,
            p95,
            p99,
            pending,
            connections: newest.connections(),
        })
    }
}

#[derive(Serialize)]
struct Router<'t> {
    #[serde(flatten)]
    figures: Figures<'t>,
    servers: Vec<Figures<'t>>,
}

#[derive(Serialize)]
struct Service<'t> {
    #[serde(flatten)]
    figures: Figures<'t>,
    budget: Option<Budget>,
}

/// The retries that are left.
#[derive(Serialize)]
struct Budget {
    balance: i64,
}

impl<'t> Service<'t> {
    fn of(key: &'t Key, row: &Row) -> Option<Self> {
        let budget = row.budget().map(|balance| Budget { balance });
        Some(Service { figures: Figures::of(key, row)?, budget })
    }
}

#[derive(Serialize)]
struct Client<'t> {
    #[serde(flatten)]
    service: Service<'t>,
    state: Option<Value>,
    endpoints: Vec<ShownEndpoint>,
}

/// The requests per second of each row, in the order of the rows.
#[derive(Serialize)]
struct History {
    interval: u64,
    routers: Vec<Vec<f64>>,
    services: Vec<Vec<f64>>,
    clients: Vec<Vec<f64>>,
}

impl History {
    fn of(table: &LiveTable) -> Self {
        let rows = |kind| {
            let shown = table.rows(kind).filter(|(_, row)| row.newest().is_some());
            shown.map(|(_, row)| steps(row)).collect()
        };
        History {
            interval: (STEP * INTERVAL.as_millis() as usize) as u64,
            routers: rows(Kind::Router),
            services: rows(Kind::Service),
            clients: rows(Kind::Client),
        }
    }
}

/// Averages of a few seconds each, such that the last one is complete.
fn steps(row: &Row) -> Vec<f64> {
    let rps: Vec<f32> = row.history().map(|point| point.rps).collect();
    let steps = rps.rchunks(STEP).map(|step| rounded(step.iter().sum::<f32>() / step.len() as f32));
    let mut steps: Vec<_> = steps.collect();
    steps.reverse();
    steps
}

fn rounded(number: f32) -> f64 {
    (f64::from(number) * 100.0).round() / 100.0
}

fn unix_millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
