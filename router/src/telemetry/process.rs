//! Gauges of the process itself, read from the system when they are asked for.
//!
//! Those that Linkerd's users watch and that are as true here keep their names below `jvm/`; what a Java
//! machine would have to be for (heaps, collectors, classes) is not made up. The rest is below
//! `process/`.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Gauge, Metrics};

/// Clock ticks in a second, in which Linux tells the time that a process has run (`USER_HZ`).
const TICKS: f64 = 100.0;

/// The gauges; they are shown for as long as this lives.
#[derive(Debug)]
pub(crate) struct ProcessGauges {
    _gauges: Vec<Gauge>,
}

impl ProcessGauges {
    pub(crate) fn new(metrics: &Metrics, started: SystemTime) -> Self {
        let since = |from: SystemTime, to: SystemTime| {
            to.duration_since(from).unwrap_or_default().as_millis() as f64
        };
        let jvm = metrics.scope(&["jvm"]);
        let process = metrics.scope(&["process"]);
        let cpus = || std::thread::available_parallelism().map_or(1.0, |count| count.get() as f64);
        let gauges = vec![
            jvm.gauge("start_time", move || since(UNIX_EPOCH, started)),
            jvm.gauge("uptime", move || since(started, SystemTime::now())),
            jvm.gauge("num_cpus", cpus),
            jvm.scope("thread").gauge("count", || status("Threads:").unwrap_or(0.0)),
            jvm.gauge("fd_count", || fd_count().unwrap_or(0.0)),
            jvm.gauge("fd_limit", || fd_limit().unwrap_or(0.0)),
            process.gauge("cpu_ms", || cpu_millis().unwrap_or(0.0)),
            process.gauge("rss_bytes", || status("VmRSS:").unwrap_or(0.0) * 1024.0),
            process.gauge("rss_peak_bytes", || status("VmHWM:").unwrap_or(0.0) * 1024.0),
        ];
        ProcessGauges { _gauges: gauges }
    }
}

/// The number in a line of `/proc/self/status`; sizes are in KiB.
fn status(name: &str) -> Option<f64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn fd_count() -> Option<f64> {
    // One is the folder that is read.
    let count = fs::read_dir("/proc/self/fd").ok()?.count();
    Some(count.saturating_sub(1) as f64)
}

fn fd_limit() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/limits").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The time that all threads have run, in user and in system mode.
fn cpu_millis() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program is in parentheses and may be anything; 12 and 13 fields follow it.
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some((next()? + next()?) * 1000.0 / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Value;

    #[test]
    fn every_gauge_says_something_sensible() {
        let metrics = Metrics::new();
        let _gauges = ProcessGauges::new(&metrics, SystemTime::now());
        let value = |name: &str| {
            let found = metrics.samples().into_iter().find(|s| s.path.join("/") == name);
            match found.map(|sample| sample.value) {
                Some(Value::Gauge(value)) => value,
                other => panic!("{name} is {other:?}"),
            }
        };
        let file = fs::File::open("/proc/self/status").unwrap();
        assert!(value("jvm/fd_count") >= 1.0);
        assert!(value("jvm/fd_limit") >= value("jvm/fd_count"));
        drop(file);
        assert!(value("jvm/num_cpus") >= 1.0);
        assert!(value("jvm/thread/count") >= 2.0, "the test and its runner");
        assert!(value("jvm/start_time") > 1.7e12);
        assert!(value("jvm/uptime") < 600_000.0);
        // In this order: other tests may take more memory meanwhile.
        let resident = value("process/rss_bytes");
        assert!(resident > 1e6 && value("process/rss_peak_bytes") >= resident);
        // Spinning is seen, whatever else the machine does.
        let before = value("process/cpu_ms");
        let mut spun = 0_u64;
        while value("process/cpu_ms") < before + 20.0 {
            spun = std::hint::black_box(spun.wrapping_add(1));
        }
    }
}
