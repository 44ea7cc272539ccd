//! What routers, servers, services and clients do just now: rates and quantiles, second by second.
//!
//! They are computed from the metrics that are counted anyway, so that requests pay nothing for them:
//! once a second the counters of each row are read, and the histograms of those rows that had
//! requests. Names are looked for only after some have appeared or gone. Rates are of the last second;
//! success and quantiles of the last ten, since most services have too few requests in one.
//!
//! The busiest [`MAX_ROWS`] rows have a history of [`HISTORY`] seconds, at about 8 KiB a row.

mod row;
mod window;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use self::row::{Delta, Metric};
pub(crate) use self::row::{Point, Row};
use super::Metrics;

/// How often the table is computed.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);

/// The seconds that are kept.
pub(crate) const HISTORY: usize = 300;

/// The most rows that are shown; of more, the quietest are left out.
const MAX_ROWS: usize = 2000;

/// Ticks after which it is looked again which rows are the busiest, if not all are shown.
const RANKING: u64 = 10;

/// What a row is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// All servers of a router together, with the retries of its services.
    Router,
    Server,
    Service,
    Client,
}

impl Kind {
    /// The kind of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "router" => Kind::Router,
            "server" => Kind::Server,
            "service" => Kind::Service,
            "client" => Kind::Client,
            _ => return None,
        })
    }
}

/// Which row it is. Rows are sorted by this.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) kind: Kind,
    /// The label of the router.
    pub(crate) router: Arc<str>,
    /// The label, the address as `ip:port`, the logical name, or the bound name.
    pub(crate) name: String,
}

/// The table of all that is going on.
pub(crate) struct LiveTable {
    metrics: Metrics,
    /// That of the metrics when names were looked for last.
    generation: Option<u64>,
    rows: BTreeMap<Key, Row>,
    ticks: u64,
    at: SystemTime,
    left_out: usize,
    most: usize,
}

impl LiveTable {
    /// The table of these metrics, empty before the first tick.
    pub(crate) fn new(metrics: Metrics) -> Self {
        let (generation, rows) = (None, BTreeMap::new());
        let at = SystemTime::now();
        LiveTable { metrics, generation, rows, ticks: 0, at, left_out: 0, most: MAX_ROWS }
    }

    /// Takes in what has happened since the last tick, which was so long ago.
    pub(crate) fn tick(&mut self, elapsed: Duration) {
        let found = self.find();
        if found || (self.left_out > 0 && self.ticks.is_multiple_of(RANKING)) {
            self.rank();
        }
        self.ticks += 1;
        self.at = SystemTime::now();
        let seconds = elapsed.as_secs_f32().max(0.001);
        let mut routers: HashMap<Arc<str>, Delta> = HashMap::new();
        for (key, row) in &mut self.rows {
            if key.kind == Kind::Router {
                continue;
            }
            let delta = row.read();
            let router = routers.entry(key.router.clone());
            match key.kind {
                Kind::Server => router.or_default().add(&delta),
                Kind::Service if delta.retries > 0 => router.or_default().retries += delta.retries,
                _ => {}
            }
            row.push(delta, seconds);
        }
        for (key, row) in self.rows.iter_mut().take_while(|(key, _)| key.kind == Kind::Router) {
            row.push(routers.remove(&key.router).unwrap_or_default(), seconds);
        }
    }

    /// Looks for rows, if names have changed; whether they have.
    fn find(&mut self) -> bool {
        if self.generation == Some(self.metrics.generation()) {
            return false;
        }
        let (generation, entries) = self.metrics.select(|entry| {
            let (kind, metric) = place(entry.key())?;
            Some((kind, metric, entry.clone()))
        });
        self.generation = Some(generation);
        let mut rows: BTreeMap<Key, Row> = BTreeMap::new();
        for (kind, metric, entry) in entries {
            let [_, router, _, name, ..] = entry.key() else { continue };
            let (router, name) = (router.clone(), shown(kind, name));
            if kind == Kind::Server {
                let (kind, name) = (Kind::Router, router.to_string());
                rows.entry(Key { kind, router: router.clone(), name }).or_default();
            }
            rows.entry(Key { kind, router, name }).or_default().set(metric, entry);
        }
        for (key, row) in &mut rows {
            if let Some(before) = self.rows.remove(key) {
                row.continue_from(before);
            }
        }
        self.rows = rows;
        true
    }

    /// Settles which rows have a history: servers and their routers, and the busiest of the others.
    fn rank(&mut self) {
        self.left_out = self.rows.len().saturating_sub(self.most);
        let mut rows: Vec<_> = self.rows.iter_mut().collect();
        if self.left_out > 0 {
            rows.sort_by(|(key, row), (other, than)| {
                let behind_servers = |key: &Key| key.kind > Kind::Server;
                behind_servers(key)
                    .cmp(&behind_servers(other))
                    .then_with(|| than.lately().total_cmp(&row.lately()))
            });
        }
        for (at, (_, row)) in rows.into_iter().enumerate() {
            row.set_detailed(at < self.most);
        }
    }

    /// The rows of a kind, sorted by router and name, but for those that are left out.
    pub(crate) fn rows(&self, kind: Kind) -> impl Iterator<Item = (&Key, &Row)> {
        self.rows.iter().filter(move |(key, row)| key.kind == kind && row.is_detailed())
    }

    /// The row of this name, if there is one that is not left out.
    pub(crate) fn row(&self, key: &Key) -> Option<&Row> {
        self.rows.get(key).filter(|row| row.is_detailed())
    }

    /// When the last tick was.
    pub(crate) fn at(&self) -> SystemTime {
        self.at
    }

    /// How many rows are left out.
    pub(crate) fn left_out(&self) -> usize {
        self.left_out
    }
}

/// Which row a metric belongs to, and as what: `rt/<router>/<kind>/<name>/<metric>`.
fn place(key: &[Arc<str>]) -> Option<(Kind, Metric)> {
    let [rt, _, kind, _, metric @ ..] = key else { return None };
    let kind = match (&**rt, &**kind) {
        ("rt", "server") => Kind::Server,
        ("rt", "service") => Kind::Service,
        ("rt", "client") => Kind::Client,
        _ => return None,
    };
    Some((kind, Metric::of(kind, metric)?))
}

/// The name of a row as it is elsewhere: metrics have names without the leading slash, and addresses
/// as `ip/port`.
fn shown(kind: Kind, name: &str) -> String {
    match (kind, name.rsplit_once('/')) {
        (Kind::Server, Some((ip, port))) if ip.contains(':') => format!("[{ip}]:{port}"),
        (Kind::Server, Some((ip, port))) => format!("{ip}:{port}"),
        (Kind::Server | Kind::Router, _) => name.to_owned(),
        (Kind::Service | Kind::Client, _) => format!("/{name}"),
    }
}

#[cfg(test)]
mod tests;
