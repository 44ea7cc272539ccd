//! Telemeters: where metrics go besides `/admin/metrics.json`.

use crate::config::reader::Object;
use crate::config::value;

/// Where metrics go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TelemeterConfig {
    /// `io.l5d.prometheus`: a page of the admin server.
    Prometheus(PrometheusConfig),
}

/// `io.l5d.prometheus`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrometheusConfig {
    /// Path of the page; `/admin/metrics/prometheus` unless given.
    pub path: String,
    /// Put before every metric's name; empty unless given.
    pub prefix: String,
}

pub(super) fn read_prometheus(object: &mut Object<'_>) -> Option<TelemeterConfig> {
    let path = object
        .optional("path", value::text)
        .unwrap_or_else(|| "/admin/metrics/prometheus".to_owned());
    let prefix = object.optional("prefix", value::text).unwrap_or_default();
    Some(TelemeterConfig::Prometheus(PrometheusConfig { path, prefix }))
}
