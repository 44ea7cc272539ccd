//! The telemeters of a configuration, as they are built.

use std::sync::Arc;

use super::Metrics;
use super::recent_requests::{RecentRequests, Sampling};
use super::statsd::Statsd;
use super::tap::Taps;
use super::tracelog::Tracelog;
use crate::access_log::AccessLog;
use crate::config::kinds::{RecentRequestsConfig, StatsdConfig, TelemeterConfig};

/// Where metrics and exchanges are told besides `/admin/metrics.json`.
#[derive(Debug, Default)]
pub(crate) struct Telemeters {
    /// `io.l5d.influxdb` is configured.
    pub(crate) influxdb: bool,
    /// As the last `io.l5d.recentRequests` has it: there is one page.
    recent_requests: Option<RecentRequestsConfig>,
    tracelogs: Vec<Tracelog>,
    statsd: Vec<StatsdConfig>,
}

impl Telemeters {
    pub(crate) fn new(configured: &[TelemeterConfig]) -> Self {
        let mut telemeters = Telemeters::default();
        for telemeter in configured {
            match telemeter {
                // A page of the admin server.
                TelemeterConfig::Prometheus(_) => {}
                TelemeterConfig::Influxdb => telemeters.influxdb = true,
                TelemeterConfig::Statsd(config) => telemeters.statsd.push(config.clone()),
                TelemeterConfig::RecentRequests(config) => {
                    telemeters.recent_requests = Some(config.clone());
                }
                TelemeterConfig::Tracelog(config) => {
                    telemeters.tracelogs.push(Tracelog::new(config));
                }
            }
        }
        telemeters
    }

    /// The taps of a router with this access log.
    pub(crate) fn taps(&self, access_log: Option<AccessLog>) -> Taps {
        Taps { access_log, tracelogs: self.tracelogs.clone() }
    }

    /// Which requests are remembered.
    pub(crate) fn sampling(&self, recent: &Arc<RecentRequests>) -> Sampling {
        Sampling::new(recent.clone(), self.recent_requests.as_ref())
    }

    /// Those that send by themselves; each runs for as long as it is polled.
    pub(crate) fn senders(&self, metrics: &Metrics) -> Vec<Statsd> {
        let configs = self.statsd.iter().cloned();
        configs.map(|config| Statsd::new(config, metrics.clone())).collect()
    }
}
