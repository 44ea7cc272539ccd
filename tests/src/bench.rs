//! Fingerpost, nginx and HAProxy side by side, as reverse proxies before one backend.
//!
//! `tests/bench/run` is the command. All that is compared takes turns within one run on one
//! machine, since figures of different runs do not compare. Each round loads every proxy twice,
//! first in order and then in reverse, so that a machine that grows slower or faster meanwhile
//! favours nobody. Each figure is the median over the rounds, each ratio the median of the
//! rounds' ratios. The two lengths of dtab take more and closer turns, and each turn counts.
//!
//! - *CPU per request*: time on a CPU of all threads and processes of the proxy, from
//!   `/proc/PID/task/*/schedstat`, by the requests answered meanwhile.
//! - *Closed loop*: each connection asks again when it is answered.
//! - *Fixed rate*: requests are sent on time whatever the answers do; latency counts from the
//!   intended moment.
//! - *RSS*, *start*: of a process started anew in each round.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub mod backend;
mod h2load;
pub mod histogram;
mod load;
mod machine;
mod proxy;
mod report;
mod series;

use backend::BackendProcess;
use load::Measured;
pub use machine::Machine;
pub use proxy::Kind;
use proxy::Proxy;
pub use report::{Budget, Load, Metric, Report};
pub use series::Series;

/// Options of the command.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Rounds; each measures everything once
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pub rounds: u16,

    /// Seconds of each load, for each proxy, in each round
    #[arg(long, default_value_t = 3.0, value_parser = seconds)]
    pub seconds: f64,

    /// Measure only these, comma-separated: direct, nginx, haproxy, fingerpost, fp-10, fp-200k
    /// (fingerpost with so many dentries)
    #[arg(long, value_delimiter = ',', value_parser = kind)]
    pub only: Vec<Kind>,

    /// Connections under load
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    pub connections: u16,

    /// Requests per second of the fixed rate
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: u32,

    /// Connections held open for the memory figure
    #[arg(long, default_value_t = 1000)]
    pub held: u16,

    /// Write all figures to this file as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Measure HTTP/2 instead: HAProxy, Envoy and fingerpost, loaded by h2load
    #[arg(long)]
    pub http2: bool,

    /// Fail if a budget is exceeded or was not measured
    #[arg(long)]
    pub check: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|e| format!("{e}"))?;
    let sane = (0.1..=600.0).contains(&seconds);
    if sane { Ok(seconds) } else { Err("from 0.1 to 600".into()) }
}

fn kind(text: &str) -> Result<Kind, String> {
    let found = Kind::ALL.into_iter().find(|k| k.name() == text);
    let names = || Kind::ALL.map(Kind::name).join(", ");
    found.ok_or_else(|| format!("one of {}", names()))
}

/// Turns that the two lengths of dtab take in each round, each a figure of its own. Five percent
/// is less than the noise of a few turns.
const DENTRY_TURNS: usize = 4;

static CANCELLED: AtomicBool = AtomicBool::new(false);

/// Whether the user wants the run to end.
fn is_cancelled() -> bool {
    CANCELLED.load(Ordering::Relaxed)
}

/// Makes SIGINT and SIGTERM end the run early, with everything it started.
pub fn cancel_on_signal() -> Result<(), String> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| e.to_string())?;
    // Registered before this returns, so that nothing is started without it.
    let signals = {
        let _inside = runtime.enter();
        signal(SignalKind::interrupt()).and_then(|int| Ok((int, signal(SignalKind::terminate())?)))
    };
    let (mut int, mut term) = signals.map_err(|e| e.to_string())?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = int.recv() => {}
                _ = term.recv() => {}
            }
        });
        CANCELLED.store(true, Ordering::Relaxed);
    });
    Ok(())
}

/// Runs it all and prints the table. `Ok(false)` if a budget was to be kept and is not.
///
/// A proxy that fails is left out, with its figures; the others go on, and the run ends in an error
/// that names it.
pub fn run(options: &Options) -> Result<bool, String> {
    if options.http2 {
        return h2load::run(options);
    }
    let mut run = Run::prepare(options)?;
    for round in 1..=options.rounds {
        eprintln!("round {round} of {}", options.rounds);
        run.round()?;
    }
    let Run { report, failures, .. } = run;
    print!("{report}");
    if let Some(file) = &options.json {
        let text = format!("{:#}\n", report.json());
        std::fs::write(file, text).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    if !failures.is_empty() {
        return Err(failures.join("\n"));
    }
    Ok(!options.check || report.budgets().iter().all(Budget::kept))
}

struct Run<'a> {
    options: &'a Options,
    report: Report,
    failures: Vec<String>,
    // Proxies before the backend: fields are dropped in order.
    proxies: Vec<(Kind, Proxy)>,
    backend: BackendProcess,
}

impl<'a> Run<'a> {
    /// Starts the backend and every proxy that can be had.
    fn prepare(options: &'a Options) -> Result<Self, String> {
        let machine = Machine::read();
        let backend = BackendProcess::start().map_err(|e| format!("backend: {e}"))?;
        let load = Load {
            connections: options.connections.into(),
            rate: options.rate,
            held: options.held.into(),
        };
        let rounds = (options.rounds.into(), options.seconds);
        let (versions, figures) = (BTreeMap::new(), BTreeMap::new());
        let report = Report { machine, load, rounds, versions, figures };
        let mut run = Self { options, report, failures: Vec::new(), proxies: Vec::new(), backend };
        for kind in Kind::ALL {
            if !options.only.is_empty() && !options.only.contains(&kind) {
                continue;
            }
            if let Some(Err(missing)) = kind.program() {
                eprintln!("{missing}; going on without it");
                continue;
            }
            match Proxy::start(kind, run.backend.addr) {
                Ok(proxy) => {
                    eprintln!("{} serves after {:.0?}", kind.name(), proxy.start);
                    run.report.versions.extend(kind.version().map(|v| (kind, v)));
                    run.proxies.push((kind, proxy));
                }
                Err(_) if is_cancelled() => return Err("interrupted".into()),
                Err(why) => run.fail(kind, &why),
            }
        }
        Ok(run)
    }

    fn fail(&mut self, kind: Kind, why: &str) {
        eprintln!("{why}");
        self.failures.push(format!("{}: {why}", kind.name()));
        self.report.figures.remove(&kind);
        self.proxies.retain(|(k, _)| *k != kind);
    }

    fn round(&mut self) -> Result<(), String> {
        let mut failed = Vec::new();
        let mut measured: BTreeMap<Kind, [Measured; 2]> = BTreeMap::new();
        let (dentries, compared): (Vec<_>, Vec<_>) =
            self.proxies.iter().partition(|(kind, _)| kind.is_dentries());
        for (kind, proxy) in compared.iter().chain(compared.iter().rev()) {
            match self.load(*kind, proxy) {
                Ok([closed, paced]) => {
                    let sums = measured.entry(*kind).or_default();
                    sums[0].merge(&closed);
                    sums[1].merge(&paced);
                }
                Err(_) if is_cancelled() => return Err("interrupted".into()),
                Err(why) => failed.push((*kind, why)),
            }
        }
        let mut turns = Vec::new();
        for turn in 0..DENTRY_TURNS {
            let (mut first, mut second) = (dentries.iter(), dentries.iter().rev());
            let order: &mut dyn Iterator<Item = _> =
                if turn % 2 == 0 { &mut first } else { &mut second };
            for (kind, proxy) in order {
                match self.closed_loop(proxy) {
                    Ok(closed) => turns.push((*kind, closed)),
                    Err(_) if is_cancelled() => return Err("interrupted".into()),
                    Err(why) => failed.push((*kind, why)),
                }
            }
        }
        let fresh: Vec<Kind> = self.proxies.iter().map(|(kind, _)| *kind).collect();
        for kind in fresh.into_iter().filter(|k| *k != Kind::Direct && !k.is_dentries()) {
            match self.lifecycle(kind) {
                Ok(()) => {}
                Err(_) if is_cancelled() => return Err("interrupted".into()),
                Err(why) => failed.push((kind, why)),
            }
        }
        for (kind, why) in failed {
            measured.remove(&kind);
            turns.retain(|(k, _)| *k != kind);
            self.fail(kind, &why);
        }
        for (kind, [closed, paced]) in measured {
            self.record(kind, &closed, &paced);
        }
        for (kind, closed) in turns {
            self.record(kind, &closed, &Measured::default());
        }
        Ok(())
    }

    /// Each load lasts half its time, since each takes two turns in a round.
    fn turn(&self) -> Duration {
        Duration::from_secs_f64(self.options.seconds / 2.0)
    }

    fn closed_loop(&self, proxy: &Proxy) -> Result<Measured, String> {
        let connections = self.report.load.connections;
        load::closed_loop(proxy.addr, connections, self.turn(), || proxy.cpu_ns())
    }

    fn load(&self, kind: Kind, proxy: &Proxy) -> Result<[Measured; 2], String> {
        let Load { connections, rate, .. } = self.report.load;
        let closed = self.closed_loop(proxy)?;
        let paced = load::fixed_rate(proxy.addr, connections, rate, self.turn(), || proxy.cpu_ns());
        Ok([closed, paced.map_err(|why| format!("{} at the fixed rate: {why}", kind.name()))?])
    }

    fn record(&mut self, kind: Kind, closed: &Measured, paced: &Measured) {
        let seconds = closed.elapsed.as_secs_f64();
        let per_request = |m: &Measured| m.cpu_ns as f64 / 1e3 / m.requests.max(1) as f64;
        let mut figures = vec![(Metric::Rps, closed.requests as f64 / seconds)];
        if kind != Kind::Direct {
            figures.push((Metric::CpuUs, per_request(closed)));
            figures.push((Metric::Cores, closed.cpu_ns as f64 / 1e9 / seconds));
        }
        if paced.requests > 0 {
            figures.push((Metric::P50Us, paced.latency.quantile(0.5) / 1e3));
            figures.push((Metric::P99Us, paced.latency.quantile(0.99) / 1e3));
            if kind != Kind::Direct {
                figures.push((Metric::CpuUsAtRate, per_request(paced)));
            }
        }
        for (metric, value) in figures {
            self.report.push(kind, metric, value);
        }
    }

    /// Start and memory, of a process of its own.
    fn lifecycle(&mut self, kind: Kind) -> Result<(), String> {
        const MIB: f64 = 1024.0 * 1024.0;
        let proxy = Proxy::start(kind, self.backend.addr)?;
        let idle = proxy.rss_bytes();
        let held = load::hold(proxy.addr, self.report.load.held)?;
        let with_connections = proxy.rss_bytes();
        drop(held);
        self.report.push(kind, Metric::StartMs, proxy.start.as_secs_f64() * 1e3);
        self.report.push(kind, Metric::RssIdle, idle as f64 / MIB);
        self.report.push(kind, Metric::RssHeld, with_connections as f64 / MIB);
        Ok(())
    }
}
