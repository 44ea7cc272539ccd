//! `io.l5d.statsd`: metrics by UDP, for a StatsD daemon.
//!
//! Linkerd sends a packet from within each request, for a share of them. Here nothing is done in the
//! way of requests: once an interval (`gaugeIntervalMs`) the tree is read, and what is new in it is
//! sent:
//!
//! - a gauge with its value (`|g`);
//! - a counter with what it has counted since (`|c`), which is exact, so that no sample rate is needed;
//! - of the values of a stat a share, drawn at random with the sample rate, as timings
//!   (`|ms|@rate`). A value is the middle of its histogram's bucket, within 0.4 %. Of one stat at most
//!   [`MAX_TIMINGS`] are sent in an interval, with the rate that this makes.
//!
//! Lines are packed into datagrams of at most [`DATAGRAM`] bytes. Whether anybody listens is not
//! looked at, which is in the nature of UDP. What the histograms show elsewhere is not touched: the
//! values are taken by their difference to the last time.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::MissedTickBehavior;

use super::cells::Entry;
use super::histogram::Totals;
use super::{Metrics, Value};
use crate::config::kinds::StatsdConfig;
use crate::entropy;

/// The most timings of one stat in an interval.
const MAX_TIMINGS: u64 = 200;

/// The most bytes of a datagram: what passes through an Ethernet without being taken apart.
const DATAGRAM: usize = 1432;

/// How long looking up the daemon's name may take.
const LOOK_UP: Duration = Duration::from_secs(5);

/// What is to be sent, and what has been.
pub(crate) struct Statsd {
    config: StatsdConfig,
    metrics: Metrics,
    /// What was seen last, by the entry's address, which is its own as long as it is held here.
    seen: HashMap<usize, Seen>,
    /// Draws a number from 0 up to 1.
    draw: fn() -> f64,
}

/// What an entry had counted.
struct Seen {
    _entry: Arc<Entry>,
    counter: u64,
    stat: Totals,
}

impl Statsd {
    /// What the tree has counted up to now is not sent: after a reload, another has done that.
    pub(crate) fn new(config: StatsdConfig, metrics: Metrics) -> Self {
        let seen = HashMap::new();
        let mut statsd = Statsd { config, metrics, seen, draw: entropy::next_unit };
        statsd.lines();
        statsd
    }

    /// Sends every interval for as long as it is polled: a task of the control runtime.
    pub(crate) async fn run(mut self) {
        tracing::warn!(
            host = %self.config.hostname,
            port = self.config.port,
            "io.l5d.statsd: Linkerd calls it unsupported; Prometheus and InfluxDB lose nothing"
        );
        let interval = self.config.gauge_interval.max(Duration::from_millis(1));
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut failed = false;
        loop {
            ticks.tick().await;
            let lines = self.lines();
            let sent = self.send(&lines).await;
            match &sent {
                Err(error) if !failed => tracing::warn!(%error, "statsd gets no metrics"),
                _ => {}
            }
            failed = sent.is_err();
        }
    }

    /// The daemon's name is looked up each time: it may move.
    async fn send(&self, lines: &[String]) -> std::io::Result<()> {
        let host = (self.config.hostname.as_str(), self.config.port);
        let found = tokio::time::timeout(LOOK_UP, tokio::net::lookup_host(host)).await??.next();
        let daemon = found.ok_or(std::io::ErrorKind::NotFound)?;
        let any = if daemon.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(any).await?;
        for datagram in pack(lines) {
            socket.send_to(datagram.as_bytes(), daemon).await?;
        }
        Ok(())
    }

    /// The lines of what is new since the last call.
    fn lines(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut before = std::mem::take(&mut self.seen);
        for entry in self.metrics.entries() {
            let name = name(&self.config.prefix, entry.key());
            let at = Arc::as_ptr(&entry) as usize;
            let seen = before.remove(&at);
            let (counter, stat) = match (entry.totals(), entry.value()) {
                (Some(now), _) => {
                    let none = Totals::default();
                    let new = now.since(seen.as_ref().map_or(&none, |seen| &seen.stat));
                    self.timings(&name, &new, &mut lines);
                    (0, now)
                }
                (None, Value::Counter(now)) => {
                    let new = now.wrapping_sub(seen.map_or(0, |seen| seen.counter));
                    if new > 0 {
                        lines.push(format!("{name}:{new}|c"));
                    }
                    (now, Totals::default())
                }
                (None, Value::Gauge(value)) => {
                    if value.is_finite() {
                        lines.push(format!("{name}:{value}|g"));
                    }
                    continue;
                }
                (None, Value::Stat(_)) => continue,
            };
            self.seen.insert(at, Seen { _entry: entry, counter, stat });
        }
        lines
    }

    /// A share of the values, each as often as chance has it.
    fn timings(&self, name: &str, values: &[(u64, u64)], lines: &mut Vec<String>) {
        let all: u64 = values.iter().map(|(_, count)| count).sum();
        let rate = self.config.sample_rate.min(MAX_TIMINGS as f64 / all.max(1) as f64);
        if rate <= 0.0 {
            return;
        }
        let suffix = if rate < 1.0 { format!("|@{rate}") } else { String::new() };
        for &(value, count) in values {
            // The whole part for sure, and one more with the probability of the fraction.
            let share = count as f64 * rate;
            let times = share.floor() + if (self.draw)() < share.fract() { 1.0 } else { 0.0 };
            for _ in 0..times as u64 {
                lines.push(format!("{name}:{value}|ms{suffix}"));
            }
        }
    }
}

/// Elements joined by `/`, in characters that StatsD takes, with dots for slashes.
fn name(prefix: &str, key: &[Arc<str>]) -> String {
    let mut name = String::with_capacity(prefix.len() + 64);
    let _ = write!(name, "{prefix}.");
    let mut slash = true;
    for c in key.join("/").chars() {
        match c {
            '/' if slash => continue,
            '/' => name.push('.'),
            c if c.is_ascii_alphanumeric() => name.push(c),
            _ => name.push('_'),
        }
        slash = c == '/';
    }
    name
}

/// Packs lines into datagrams.
fn pack(lines: &[String]) -> Vec<String> {
    let mut datagrams: Vec<String> = Vec::new();
    for line in lines {
        match datagrams.last_mut() {
            Some(datagram) if datagram.len() + 1 + line.len() <= DATAGRAM => {
                datagram.push('\n');
                datagram.push_str(line);
            }
            _ => datagrams.push(line.clone()),
        }
    }
    datagrams
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statsd(metrics: &Metrics, sample_rate: f64) -> Statsd {
        let config = StatsdConfig {
            prefix: "linkerd".to_owned(),
            hostname: "127.0.0.1".to_owned(),
            port: 8125,
            gauge_interval: Duration::from_secs(10),
            sample_rate,
        };
        Statsd { draw: || 0.5, ..Statsd::new(config, metrics.clone()) }
    }

    #[test]
    fn what_is_new_is_sent_once() {
        let metrics = Metrics::new();
        let client = metrics.scope(&["rt", "http", "client", "/#/io.l5d.fs/web"]);
        let (requests, pending) = (client.counter("requests"), client.level("pending"));
        let latency = client.stat("request_latency_ms");
        let mut statsd = statsd(&metrics, 1.0);
        requests.add(3);
        pending.inc();
        latency.record(7);
        latency.record(7);
        latency.record(120);
        let mut text = statsd.lines().join("\n");
        // The minute's summary resets nothing here.
        metrics.summarize();
        requests.incr();
        latency.record(9);
        text += "\n-- later\n";
        text += &statsd.lines().join("\n");
        text += "\n-- nothing new\n";
        text += &statsd.lines().join("\n");
        insta::assert_snapshot!(text, @r"
        linkerd.rt.http.client._.io_l5d_fs.web.pending:1|g
        linkerd.rt.http.client._.io_l5d_fs.web.request_latency_ms:7|ms
        linkerd.rt.http.client._.io_l5d_fs.web.request_latency_ms:7|ms
        linkerd.rt.http.client._.io_l5d_fs.web.request_latency_ms:120|ms
        linkerd.rt.http.client._.io_l5d_fs.web.requests:3|c
        -- later
        linkerd.rt.http.client._.io_l5d_fs.web.pending:1|g
        linkerd.rt.http.client._.io_l5d_fs.web.request_latency_ms:9|ms
        linkerd.rt.http.client._.io_l5d_fs.web.requests:1|c
        -- nothing new
        linkerd.rt.http.client._.io_l5d_fs.web.pending:1|g
        ");
    }

    #[test]
    fn of_many_timings_a_share_is_sent_with_its_rate() {
        let metrics = Metrics::new();
        let latency = metrics.scope(&["x"]).stat("ms");
        let (mut some, mut all, mut none) =
            (statsd(&metrics, 0.01), statsd(&metrics, 1.0), statsd(&metrics, 0.0));
        (0..1000).for_each(|_| latency.record(5));
        let lines = some.lines();
        assert_eq!(lines.len(), 10);
        assert_eq!(lines[0], "linkerd.x.ms:5|ms|@0.01");
        // More than the limit: the rate is what that makes.
        let lines = all.lines();
        assert_eq!((lines.len() as u64, lines[0].as_str()), (200, "linkerd.x.ms:5|ms|@0.2"));
        assert!(none.lines().is_empty());
    }

    #[test]
    fn values_of_dropped_handles_are_not_lost_and_a_name_that_comes_back_counts_from_0() {
        let metrics = Metrics::new();
        let scope = metrics.scope(&["x"]);
        let mut statsd = statsd(&metrics, 1.0);
        let (stat, counter) = (scope.stat("ms"), scope.counter("n"));
        stat.record(5);
        counter.add(2);
        drop(stat);
        assert_eq!(statsd.lines(), ["linkerd.x.ms:5|ms", "linkerd.x.n:2|c"]);
        assert!(statsd.lines().is_empty());
        drop(counter);
        scope.prune();
        let counter = scope.counter("n");
        counter.incr();
        assert_eq!(statsd.lines(), ["linkerd.x.n:1|c"]);
    }

    #[test]
    fn a_datagram_has_whole_lines_and_fits_an_ethernet() {
        let lines: Vec<_> =
            (0..500).map(|n| format!("linkerd.a.metric.of.number.{n}:1|c")).collect();
        let datagrams = pack(&lines);
        assert!(datagrams.len() > 1);
        assert!(datagrams.iter().all(|datagram| datagram.len() <= DATAGRAM));
        assert_eq!(datagrams.join("\n"), lines.join("\n"));
    }

    #[tokio::test]
    async fn a_daemon_gets_what_was_counted() {
        let daemon = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let metrics = Metrics::new();
        let counter = metrics.scope(&["x"]).counter("n");
        let mut statsd = statsd(&metrics, 1.0);
        counter.add(5);
        statsd.config.port = daemon.local_addr().unwrap().port();
        statsd.config.gauge_interval = Duration::from_millis(10);
        let sending = tokio::spawn(statsd.run());
        let mut datagram = [0; DATAGRAM];
        let (length, _) = daemon.recv_from(&mut datagram).await.unwrap();
        assert_eq!(&datagram[..length], b"linkerd.x.n:5|c");
        sending.abort();
    }
}
