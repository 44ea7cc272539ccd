//! One line of the table.

use std::collections::VecDeque;
use std::num::NonZero;
use std::sync::Arc;

use super::window::{Latencies, Window, add, millis};
use super::{HISTORY, Kind};
use crate::telemetry::Value;
use crate::telemetry::cells::Entry;
use crate::telemetry::histogram::{Totals, bucket};

/// A metric that a line is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metric {
    Requests,
    Success,
    Failures,
    Retries,
    Pending,
    Connections,
    Latency,
    Budget,
}

/// How many metrics there are.
const METRICS: usize = 8;

impl Metric {
    /// The one that has this name below its server, service or client.
    pub(super) fn of(kind: Kind, name: &[Arc<str>]) -> Option<Self> {
        let mut elements = name.iter().map(|element| &**element);
        Some(match (elements.next()?, elements.next()) {
            ("requests", None) => Metric::Requests,
            ("success", None) => Metric::Success,
            ("failures", None) => Metric::Failures,
            ("pending", None) => Metric::Pending,
            ("connections", None) => Metric::Connections,
            ("request_latency_ms", None) => Metric::Latency,
            ("retries", Some("total")) if kind == Kind::Service => Metric::Retries,
            ("retries", Some("requeues")) if kind == Kind::Client => Metric::Retries,
            ("retries", Some("budget")) => Metric::Budget,
            _ => return None,
        })
    }
}

/// A router, server, service or client.
#[derive(Default)]
pub(crate) struct Row {
    sources: [Option<Source>; METRICS],
    /// It has been read before.
    known: bool,
    /// Requests per second lately, by which rows are ranked.
    lately: f32,
    detail: Option<Box<Detail>>,
}

/// A metric, and what it had counted when it was read last.
struct Source {
    entry: Arc<Entry>,
    seen: u64,
}

/// What the busiest rows have.
#[derive(Default)]
struct Detail {
    /// What the latencies had counted when they were read last.
    seen: Totals,
    /// There were requests in the last second, so a latency of them may have come since.
    late: bool,
    window: Window,
    /// Oldest first.
    history: VecDeque<Point>,
    pending: i64,
}

/// One second of a row. Kept small, since there are many.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Point {
    pub(crate) rps: f32,
    pub(crate) failures_ps: f32,
    pub(crate) retries_ps: f32,
    connections: Option<NonZero<u32>>,
    /// In ten-thousandths; more if there was nothing.
    success: u16,
    /// Buckets; [`NONE`] if there was nothing.
    quantiles: [u16; 3],
}

/// No bucket has this number.
const NONE: u16 = u16::MAX;

impl Point {
    /// From 0 to 1, over the last ten seconds; none if there was no request.
    pub(crate) fn success(&self) -> Option<f64> {
        (self.success != NONE).then(|| f64::from(self.success) / 10_000.0)
    }

    /// p50, p95 and p99 in milliseconds, over the last ten seconds; none if there was no request.
    pub(crate) fn quantiles(&self) -> [Option<u64>; 3] {
        self.quantiles.map(|bucket| (bucket != NONE).then(|| millis(bucket)))
    }

    /// Open connections; none for a service, which has none of its own.
    pub(crate) fn connections(&self) -> Option<u32> {
        self.connections.map(|more| more.get() - 1)
    }
}

/// What has happened to a row within a second.
#[derive(Clone, Debug, Default)]
pub(super) struct Delta {
    requests: u64,
    success: u64,
    failures: u64,
    pub(super) retries: u64,
    pending: i64,
    connections: Option<i64>,
    latencies: Latencies,
}

impl Delta {
    /// Takes in a server of the same router.
    pub(super) fn add(&mut self, server: &Delta) {
        self.requests += server.requests;
        self.success += server.success;
        self.failures += server.failures;
        self.pending += server.pending;
        if let Some(connections) = server.connections {
            *self.connections.get_or_insert(0) += connections;
        }
        add(&mut self.latencies, &server.latencies);
    }
}

impl Row {
    /// Goes on from what the row of the same name was. Metrics that have gone and come back have begun
    /// at 0 again.
    pub(super) fn continue_from(&mut self, before: Row) {
        self.known = before.known;
        self.lately = before.lately;
        self.detail = before.detail;
        for (metric, (source, before)) in self.sources.iter_mut().zip(before.sources).enumerate() {
            let same = |source: &Source| {
                before.as_ref().filter(|before| Arc::ptr_eq(&before.entry, &source.entry))
            };
            match source.as_mut().map(|source| (same(source).map(|it| it.seen), source)) {
                Some((Some(seen), source)) => source.seen = seen,
                _ if metric == Metric::Latency as usize => {
                    if let Some(detail) = &mut self.detail {
                        detail.seen = Totals::default();
                    }
                }
                _ => {}
            }
        }
    }

    /// What a metric of the row is read from.
    pub(super) fn set(&mut self, metric: Metric, entry: Arc<Entry>) {
        self.sources[metric as usize] = Some(Source { entry, seen: 0 });
    }

    /// Requests per second lately.
    pub(super) fn lately(&self) -> f32 {
        self.lately
    }

    /// Whether it is among the busiest, which have a history.
    pub(super) fn is_detailed(&self) -> bool {
        self.detail.is_some()
    }

    /// Begins or ends to keep a history.
    pub(super) fn set_detailed(&mut self, detailed: bool) {
        if !detailed {
            self.detail = None;
        } else if self.detail.is_none() {
            let latency = self.sources[Metric::Latency as usize].as_ref();
            // What a name has counted before it was first seen has come since the last second.
            let seen = latency.filter(|_| self.known).and_then(|it| it.entry.totals());
            let history = VecDeque::with_capacity(HISTORY);
            let seen = seen.unwrap_or_default();
            self.detail = Some(Box::new(Detail { seen, history, ..Detail::default() }));
        }
    }

    /// What is new since the last call.
    pub(super) fn read(&mut self) -> Delta {
        let requests = self.count(Metric::Requests);
        self.known = true;
        if self.detail.is_none() {
            return Delta { requests, retries: self.count(Metric::Retries), ..Delta::default() };
        }
        Delta {
            requests,
            success: self.count(Metric::Success),
            failures: self.count(Metric::Failures),
            retries: self.count(Metric::Retries),
            pending: self.level(Metric::Pending).unwrap_or(0),
            connections: self.level(Metric::Connections),
            latencies: self.latencies(requests > 0),
        }
    }

    fn count(&mut self, metric: Metric) -> u64 {
        let Some(source) = &mut self.sources[metric as usize] else { return 0 };
        let Value::Counter(now) = source.entry.value() else { return 0 };
        now.wrapping_sub(std::mem::replace(&mut source.seen, now))
    }

    fn level(&self, metric: Metric) -> Option<i64> {
        let source = self.sources[metric as usize].as_ref()?;
        let Value::Gauge(level) = source.entry.value() else { return None };
        Some(level as i64)
    }

    /// The retries that are left, of a service or client.
    pub(crate) fn budget(&self) -> Option<i64> {
        self.level(Metric::Budget)
    }

    /// The latencies that are new. Histograms are large, so those of which nothing has come are not
    /// looked at.
    fn latencies(&mut self, moved: bool) -> Latencies {
        let source = self.sources[Metric::Latency as usize].as_ref();
        let (Some(source), Some(detail)) = (source, &mut self.detail) else { return Vec::new() };
        if !std::mem::replace(&mut detail.late, moved) && !moved {
            return Vec::new();
        }
        let Some(now) = source.entry.totals() else { return Vec::new() };
        let new = now.since(&detail.seen);
        detail.seen = now;
        let count = |count| u32::try_from(count).unwrap_or(u32::MAX);
        new.into_iter().map(|(value, new)| (bucket(value) as u16, count(new))).collect()
    }

    /// Takes in what has happened within so many seconds.
    pub(super) fn push(&mut self, delta: Delta, seconds: f32) {
        let per_second = |count: u64| count as f32 / seconds;
        self.lately = self.lately * 0.9 + per_second(delta.requests) * 0.1;
        let Some(detail) = &mut self.detail else { return };
        detail.window.push(delta.success, delta.failures, delta.latencies);
        detail.pending = delta.pending;
        let connections = delta.connections.map(|count| u32::try_from(count).unwrap_or(0));
        let success = detail.window.success();
        if detail.history.len() == HISTORY {
            detail.history.pop_front();
        }
        detail.history.push_back(Point {
            rps: per_second(delta.requests),
            failures_ps: per_second(delta.failures),
            retries_ps: per_second(delta.retries),
            connections: connections.and_then(|count| NonZero::new(count.saturating_add(1))),
            success: success.map_or(NONE, |share| (share * 10_000.0).round() as u16),
            quantiles: detail.window.quantiles().unwrap_or([NONE; 3]),
        });
    }

    /// The newest second, and the requests that are under way.
    pub(crate) fn newest(&self) -> Option<(&Point, i64)> {
        let detail = self.detail.as_ref()?;
        Some((detail.history.back()?, detail.pending))
    }

    /// The seconds that are kept, oldest first.
    pub(crate) fn history(&self) -> impl DoubleEndedIterator<Item = &Point> + ExactSizeIterator {
        self.detail.as_deref().map_or(&EMPTY, |detail| &detail.history).iter()
    }
}

static EMPTY: VecDeque<Point> = VecDeque::new();
