//! Telemeters: where metrics and traces go besides `/admin/metrics.json`.

use std::time::Duration;

use tracing::level_filters::LevelFilter;

use crate::config::error::{Code, clip};
use crate::config::keys::{Absent::*, Key, Type, key};
use crate::config::reader::{Field, Object};
use crate::config::value;

/// Where metrics and traces go.
#[derive(Debug, Clone, PartialEq)]
pub enum TelemeterConfig {
    /// `io.l5d.prometheus`: a page of the admin server.
    Prometheus(PrometheusConfig),
    /// `io.l5d.influxdb`: the page `/admin/metrics/influxdb` of the admin server.
    Influxdb,
    /// `io.l5d.statsd`: sent over UDP.
    Statsd(StatsdConfig),
    /// `io.l5d.recentRequests`: what is remembered for `/requests` of the admin server.
    RecentRequests(RecentRequestsConfig),
    /// `io.l5d.tracelog`: a line in the log for each record of a trace.
    Tracelog(TracelogConfig),
}

/// `io.l5d.prometheus`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrometheusConfig {
    /// Path of the page; `/admin/metrics/prometheus` unless given.
    pub path: String,
    /// Put before every metric's name; empty unless given.
    pub prefix: String,
}

/// `io.l5d.statsd`
#[derive(Debug, Clone, PartialEq)]
pub struct StatsdConfig {
    /// Put before every metric's name, with a dot; `linkerd` unless given.
    pub prefix: String,
    /// Where the daemon runs, a name or an address; 127.0.0.1 unless given.
    pub hostname: String,
    /// Its UDP port; 8125 unless given.
    pub port: u16,
    /// `gaugeIntervalMs`: how often gauges are sent; 10 s unless given.
    pub gauge_interval: Duration,
    /// The share of events of counters and stats that is sent, from 0 to 1; 0.01 unless given.
    pub sample_rate: f64,
}

/// `io.l5d.recentRequests`
#[derive(Debug, Clone, PartialEq)]
pub struct RecentRequestsConfig {
    /// The share of requests that is recorded, from 0 to 1.
    pub sample_rate: f64,
    /// Requests that are kept; 10 unless given.
    pub capacity: usize,
}

/// `io.l5d.tracelog`
#[derive(Debug, Clone, PartialEq)]
pub struct TracelogConfig {
    /// The share of traces that is logged where the caller does not decide, from 0 to 1; 1 unless
    /// given. Other numbers are the nearest of these, as in Linkerd.
    pub sample_rate: f64,
    /// The level of the lines; info unless given, off for none.
    pub level: LevelFilter,
}

/// The keys of `io.l5d.prometheus`.
pub(super) static PROMETHEUS_KEYS: &[Key] = &[
    key(
        "path",
        Type::Text,
        Is("/admin/metrics/prometheus"),
        "The path of the page on the admin server.",
    ),
    key("prefix", Type::Text, Means("empty"), "Put before the name of every metric."),
];

/// The keys of `io.l5d.statsd`.
pub(super) static STATSD_KEYS: &[Key] = &[
    key("prefix", Type::Text, Is("linkerd"), "Put before the name of every metric, with a dot."),
    key("hostname", Type::Text, Is("127.0.0.1"), "The name or address of the StatsD server."),
    key("port", Type::Port, Is("8125"), "The UDP port of the StatsD server."),
    key("gaugeIntervalMs", Type::Millis(1), Is("10000"), "How often gauges are sent."),
    key(
        "sampleRate",
        Type::Number(0.0, 1.0),
        Is("0.01"),
        "The share of events that is sent, from none (0) to all (1).",
    ),
];

/// The keys of `io.l5d.recentRequests`.
pub(super) static RECENT_REQUESTS_KEYS: &[Key] = &[
    key(
        "sampleRate",
        Type::Number(0.0, 1.0),
        Required,
        "The share of requests that is recorded, from none (0) to all (1).",
    ),
    key(
        "capacity",
        Type::Integer(1, 10_000),
        Is("10"),
        "How many requests are kept; the oldest makes room for the newest.",
    ),
];

/// The keys of `io.l5d.tracelog`.
pub(super) static TRACELOG_KEYS: &[Key] = &[
    key(
        "sampleRate",
        Type::Number(f64::NEG_INFINITY, f64::INFINITY),
        Is("1"),
        "The share of traces that is logged where the caller does not decide, from none (0) to \
         all (1). Other numbers count as the nearer of these.",
    ),
    key(
        "level",
        Type::Form("log level"),
        Is("INFO"),
        "The level of the lines: OFF, FATAL, CRITICAL, ERROR, WARNING, INFO, DEBUG, TRACE or ALL.",
    ),
];

pub(super) fn read_prometheus(object: &mut Object<'_>) -> Option<TelemeterConfig> {
    let path = object
        .optional("path", value::text)
        .unwrap_or_else(|| "/admin/metrics/prometheus".to_owned());
    let prefix = object.optional("prefix", value::text).unwrap_or_default();
    Some(TelemeterConfig::Prometheus(PrometheusConfig { path, prefix }))
}

pub(super) fn read_statsd(object: &mut Object<'_>) -> Option<TelemeterConfig> {
    let text = |default: &str| default.to_owned();
    let prefix = object.optional("prefix", value::text).unwrap_or_else(|| text("linkerd"));
    let hostname = object.optional("hostname", value::text).unwrap_or_else(|| text("127.0.0.1"));
    let port = object.optional("port", value::port).unwrap_or(8125);
    let gauge_interval =
        object.optional("gaugeIntervalMs", value::limit_millis).unwrap_or(Duration::from_secs(10));
    let sample_rate = object.optional("sampleRate", value::number(0.0..=1.0)).unwrap_or(0.01);
    Some(TelemeterConfig::Statsd(StatsdConfig {
        prefix,
        hostname,
        port,
        gauge_interval,
        sample_rate,
    }))
}

pub(super) fn read_recent_requests(object: &mut Object<'_>) -> Option<TelemeterConfig> {
    let sample_rate = object.required("sampleRate", |field| {
        let rate = value::number(f64::NEG_INFINITY..=f64::INFINITY)(field)?;
        if (0.0..=1.0).contains(&rate) {
            return Some(rate);
        }
        field.error(Code::Invalid, "sampleRate must be between 0.0 and 1.0").none()
    });
    let capacity = object.optional("capacity", value::integer(1..=10_000)).unwrap_or(10);
    Some(TelemeterConfig::RecentRequests(RecentRequestsConfig {
        sample_rate: sample_rate?,
        capacity,
    }))
}

pub(super) fn read_tracelog(object: &mut Object<'_>) -> Option<TelemeterConfig> {
    let sample_rate = object
        .optional("sampleRate", value::number(f64::NEG_INFINITY..=f64::INFINITY))
        .map_or(1.0, |rate| rate.clamp(0.0, 1.0));
    let level = object.optional("level", read_level).unwrap_or(LevelFilter::INFO);
    Some(TelemeterConfig::Tracelog(TracelogConfig { sample_rate, level }))
}

/// A level by Linkerd's names, in any case.
fn read_level(field: &Field<'_>) -> Option<LevelFilter> {
    let text = value::text(field)?;
    Some(match text.to_ascii_uppercase().as_str() {
        "OFF" => LevelFilter::OFF,
        "FATAL" | "CRITICAL" | "ERROR" => LevelFilter::ERROR,
        "WARNING" => LevelFilter::WARN,
        "INFO" => LevelFilter::INFO,
        "DEBUG" => LevelFilter::DEBUG,
        "TRACE" | "ALL" => LevelFilter::TRACE,
        _ => {
            let reported =
                field.error(Code::Invalid, format!("Illegal log level: {}", clip(&text)));
            return reported
                .help("levels are OFF, FATAL, CRITICAL, ERROR, WARNING, INFO, DEBUG, TRACE and ALL")
                .none();
        }
    })
}
