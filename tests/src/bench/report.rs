//! What a run found, as a table, as JSON, and against the budgets.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde_json::{Map, Value, json};

use super::machine::Machine;
use super::proxy::Kind;
use super::series::Series;

/// A figure measured of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// CPU time (user and system) per request in microseconds, closed loop.
    CpuUs,
    /// The same at the fixed rate.
    CpuUsAtRate,
    /// Requests per second, closed loop.
    Rps,
    /// CPUs kept busy meanwhile.
    Cores,
    /// Median latency at the fixed rate in microseconds.
    P50Us,
    /// 99th percentile of it.
    P99Us,
    /// Resident memory in MiB after one request.
    RssIdle,
    /// Resident memory in MiB with many idle connections open.
    RssHeld,
    /// Start of the program to its first right response, in milliseconds.
    StartMs,
}

impl Metric {
    const ALL: [Self; 9] = [
        Self::CpuUs,
        Self::CpuUsAtRate,
        Self::Rps,
        Self::Cores,
        Self::P50Us,
        Self::P99Us,
        Self::RssIdle,
        Self::RssHeld,
        Self::StartMs,
    ];

    fn key(self) -> &'static str {
        match self {
            Self::CpuUs => "cpu_us_per_request",
            Self::CpuUsAtRate => "cpu_us_per_request_at_rate",
            Self::Rps => "requests_per_second",
            Self::Cores => "cpus_busy",
            Self::P50Us => "p50_us_at_rate",
            Self::P99Us => "p99_us_at_rate",
            Self::RssIdle => "rss_idle_mib",
            Self::RssHeld => "rss_held_mib",
            Self::StartMs => "start_ms",
        }
    }

    fn label(self, load: Load) -> String {
        let Load { connections, rate, held } = load;
        match self {
            Self::CpuUs => format!("CPU µs/request, {connections} connections"),
            Self::CpuUsAtRate => format!("CPU µs/request, {rate}/s"),
            Self::Rps => format!("requests/s, {connections} connections"),
            Self::Cores => "CPUs busy meanwhile".into(),
            Self::P50Us => format!("p50 µs, {rate}/s"),
            Self::P99Us => format!("p99 µs, {rate}/s"),
            Self::RssIdle => "RSS MiB, idle".into(),
            Self::RssHeld => format!("RSS MiB, {held} connections"),
            Self::StartMs => "start to first response, ms".into(),
        }
    }

    fn show(self, value: f64) -> String {
        match self {
            Self::Rps | Self::P50Us | Self::P99Us => format!("{value:.0}"),
            Self::Cores => format!("{value:.2}"),
            _ => format!("{value:.1}"),
        }
    }
}

/// What the load was, for the labels.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Connections under load.
    pub connections: usize,
    /// Requests per second of the fixed rate.
    pub rate: u32,
    /// Connections held open for the memory figure.
    pub held: usize,
}

/// One of the limits the project sets itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// What is limited.
    pub what: &'static str,
    /// The limit, in the unit `what` names.
    pub limit: f64,
    /// The median measured; `None` if this run did not measure it.
    pub value: Option<f64>,
    /// Whether the limit itself is allowed.
    pub inclusive: bool,
}

impl Budget {
    /// Whether it was measured and is kept.
    pub fn kept(&self) -> bool {
        self.value.is_some_and(|v| v < self.limit || self.inclusive && v == self.limit)
    }
}

/// All figures of a run.
#[derive(Debug, Clone)]
pub struct Report {
    /// Where they were taken.
    pub machine: Machine,
    /// Under which load.
    pub load: Load,
    /// Rounds, and seconds of each load in each round.
    pub rounds: (usize, f64),
    /// What each program calls itself.
    pub versions: BTreeMap<Kind, String>,
    /// The figures.
    pub figures: BTreeMap<Kind, BTreeMap<Metric, Series>>,
}

impl Report {
    /// Adds a round's figure.
    pub(super) fn push(&mut self, kind: Kind, metric: Metric, value: f64) {
        self.figures.entry(kind).or_default().entry(metric).or_default().0.push(value);
    }

    fn series(&self, kind: Kind, metric: Metric) -> Option<&Series> {
        self.figures.get(&kind)?.get(&metric)
    }

    fn ratio(&self, kind: Kind, base: Kind, metric: Metric) -> Option<Series> {
        let ratio = self.series(kind, metric)?.ratio(self.series(base, metric)?);
        (!ratio.0.is_empty()).then_some(ratio)
    }

    /// The budgets with what was measured.
    pub fn budgets(&self) -> Vec<Budget> {
        let ours = |metric| self.series(Kind::Fingerpost, metric).and_then(Series::median);
        let ratio = |kind, base| self.ratio(kind, base, Metric::CpuUs).and_then(|s| s.median());
        vec![
            Budget {
                what: "CPU per request, times HAProxy's",
                limit: 1.5,
                value: ratio(Kind::Fingerpost, Kind::Haproxy),
                inclusive: true,
            },
            Budget {
                what: "idle RSS, MiB",
                limit: 12.0,
                value: ours(Metric::RssIdle),
                inclusive: false,
            },
            Budget {
                what: "CPU per request, 200,000 dentries times 10",
                limit: 1.05,
                value: ratio(Kind::ManyDentries, Kind::FewDentries),
                inclusive: false,
            },
            Budget {
                what: "start to first response, ms",
                limit: 100.0,
                value: ours(Metric::StartMs),
                inclusive: false,
            },
        ]
    }

    /// The run as JSON: every round's value beside the median.
    pub fn json(&self) -> Value {
        let series = |s: &Series| json!({"median": s.median(), "min": s.min(), "max": s.max(), "rounds": s.0});
        let mut proxies = Map::new();
        for (kind, metrics) in &self.figures {
            let mut entry = Map::new();
            entry.insert("version".into(), json!(self.versions.get(kind)));
            for (metric, values) in metrics {
                entry.insert(metric.key().into(), series(values));
            }
            proxies.insert(kind.name().into(), entry.into());
        }
        let mut ratios = Map::new();
        for (kind, base) in RATIOS {
            let metrics = Metric::ALL.into_iter().filter_map(|metric| {
                Some((metric.key().to_owned(), series(&self.ratio(kind, base, metric)?)))
            });
            let metrics: Map<String, Value> = metrics.collect();
            if !metrics.is_empty() {
                ratios.insert(format!("{}/{}", kind.name(), base.name()), metrics.into());
            }
        }
        let budgets = self
            .budgets()
            .into_iter()
            .map(|b| json!({"what": b.what, "limit": b.limit, "value": b.value, "kept": b.kept()}));
        let Machine { cpu, cores, kernel, memory_mib, load_before } = &self.machine;
        json!({
            "machine": {"cpu": cpu, "cores": cores, "kernel": kernel,
                        "memory_mib": memory_mib, "load_before": load_before},
            "load": {"rounds": self.rounds.0, "seconds": self.rounds.1,
                     "connections": self.load.connections, "rate": self.load.rate,
                     "held": self.load.held},
            "proxies": proxies,
            "ratios": ratios,
            "budgets": budgets.collect::<Vec<_>>(),
        })
    }
}

/// The pairs that are compared.
const RATIOS: [(Kind, Kind); 4] = [
    (Kind::Fingerpost, Kind::Haproxy),
    (Kind::Fingerpost, Kind::Nginx),
    (Kind::Haproxy, Kind::Nginx),
    (Kind::ManyDentries, Kind::FewDentries),
];

/// Median and spread of a row's cell.
fn cell(series: Option<&Series>, show: impl Fn(f64) -> String) -> String {
    let Some(series) = series else { return "-".into() };
    match (series.median(), series.min(), series.max()) {
        (Some(median), Some(min), Some(max)) => {
            format!("{} ({}..{})", show(median), show(min), show(max))
        }
        _ => "-".into(),
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Machine { cpu, cores, kernel, memory_mib, load_before } = &self.machine;
        writeln!(f, "machine: {cpu}, {cores} cores, {memory_mib} MiB, Linux {kernel}")?;
        writeln!(f, "load average before: {load_before}")?;
        for (kind, version) in self.versions.iter().filter(|(kind, _)| !kind.is_dentries()) {
            writeln!(f, "{}: {version}", kind.name())?;
        }
        let (rounds, seconds) = self.rounds;
        writeln!(f, "{rounds} rounds of {seconds} s per load: median (least..greatest)\n")?;

        let (dentries, compared): (Vec<Kind>, Vec<Kind>) =
            self.figures.keys().partition(|kind| kind.is_dentries());
        let (of_dentries, of_compared): (Vec<_>, Vec<_>) =
            RATIOS.into_iter().partition(|(kind, _)| kind.is_dentries());
        self.write_table(f, &compared, &[])?;
        self.write_table(f, &[], &of_compared)?;
        self.write_table(f, &dentries, &of_dentries)?;

        for budget in self.budgets() {
            let verdict = if budget.kept() { "kept" } else { "EXCEEDED" };
            let limit = format!("{} {}", if budget.inclusive { "<=" } else { "<" }, budget.limit);
            match budget.value {
                Some(value) => writeln!(f, "budget {} {limit}: {value:.2} {verdict}", budget.what)?,
                None => writeln!(f, "budget {} {limit}: not measured", budget.what)?,
            }
        }
        Ok(())
    }
}

impl Report {
    /// A column for each proxy and each pair that was measured, and an empty line; nothing if
    /// none was.
    fn write_table(
        &self,
        f: &mut Formatter<'_>,
        kinds: &[Kind],
        ratios: &[(Kind, Kind)],
    ) -> fmt::Result {
        let mut columns = vec![vec![String::new()]];
        columns[0].extend(Metric::ALL.map(|metric| metric.label(self.load)));
        for kind in kinds {
            let mut column = vec![kind.name().to_owned()];
            column.extend(Metric::ALL.map(|m| cell(self.series(*kind, m), |v| m.show(v))));
            columns.push(column);
        }
        for (kind, base) in ratios {
            let mut column = vec![format!("{}/{}", kind.name(), base.name())];
            let ratio = |m| self.ratio(*kind, *base, m);
            column.extend(Metric::ALL.map(|m| cell(ratio(m).as_ref(), |v| format!("{v:.2}"))));
            columns.push(column);
        }
        columns.retain(|column| column.iter().skip(1).any(|cell| cell != "-"));
        if columns.len() == 1 {
            return Ok(());
        }
        let width = |column: &Vec<String>| column.iter().map(|c| c.chars().count()).max();
        let widths: Vec<usize> = columns.iter().map(|c| width(c).unwrap_or(0)).collect();
        for row in 0..=Metric::ALL.len() {
            let cells: Vec<&String> = columns.iter().filter_map(|c| c.get(row)).collect();
            if row > 0 && cells.iter().skip(1).all(|cell| *cell == "-") {
                continue;
            }
            for (at, (cell, width)) in cells.into_iter().zip(&widths).enumerate() {
                match at {
                    0 => write!(f, "{cell:<width$}")?,
                    _ => write!(f, "  {cell:>width$}")?,
                }
            }
            writeln!(f)?;
        }
        writeln!(f)
    }
}

#[cfg(test)]
mod tests;
