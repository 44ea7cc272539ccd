//! HTTP/2 side by side: HAProxy, Envoy and fingerpost before nghttpd, loaded by h2load.
//!
//! Each turn is a fixed number of requests; the figure is the CPU time that the proxy took for them. The
//! proxies take turns, first in order and then in reverse.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::proxy::{Kind, Proxy};
use super::{Machine, Options, Series, is_cancelled};
use crate::{Proc, free_port, installed, wait_until};

/// Connections and streams on each of them.
const CONNECTIONS: u32 = 10;
const STREAMS: u32 = 100;

/// Requests of a turn for each second that it is to last, about.
const REQUESTS_PER_SECOND: f64 = 20_000.0;

/// What each response has.
const BODY: &[u8] = b"fine weather for a bench, is it not\n";

/// One request that is answered as it should be.
pub(super) fn once(addr: SocketAddr) -> Result<(), String> {
    load(addr, 1, 1, 1).map(drop)
}

/// Sends so many requests; requests per second.
fn load(addr: SocketAddr, requests: u64, connections: u32, streams: u32) -> Result<f64, String> {
    let h2load = installed::find("h2load")
        .ok_or("h2load is not installed: apt-get install nghttp2-client")?;
    let output = Command::new(h2load)
        .args(["-n", &requests.to_string(), "-c", &connections.to_string()])
        .args(["-m", &streams.to_string(), &format!("http://{addr}/index.html")])
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("h2load: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let wanted = format!("{requests} succeeded, 0 failed, 0 errored, 0 timeout");
    let right = format!("status codes: {requests} 2xx, 0 3xx, 0 4xx, 0 5xx");
    if !text.contains(&wanted) || !text.contains(&right) {
        let said =
            text.lines().filter(|line| line.contains("requests:") || line.contains("status"));
        return Err(format!(
            "not every request went well: {}",
            said.collect::<Vec<_>>().join("; ")
        ));
    }
    let rate = text.lines().find_map(|line| line.strip_prefix("finished in "));
    let rate = rate.and_then(|rest| rest.split(", ").nth(1)?.split(' ').next()?.parse().ok());
    rate.ok_or_else(|| format!("h2load says no rate:\n{text}"))
}

/// nghttpd, serving one small file.
struct Backend {
    addr: SocketAddr,
    _proc: Proc,
    _dir: TempDir,
}

impl Backend {
    fn start() -> Result<Self, String> {
        let nghttpd = installed::find("nghttpd")
            .ok_or("nghttpd is not installed: apt-get install nghttp2-server")?;
        let dir = TempDir::with_prefix("bench-").map_err(|e| format!("temporary folder: {e}"))?;
        fs::write(dir.path().join("index.html"), BODY).map_err(|e| e.to_string())?;
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let mut command = Command::new(nghttpd);
        command.args(["--no-tls", "-d"]).arg(dir.path()).arg(addr.port().to_string());
        let backend = Backend { addr, _proc: Proc::spawn(&mut command), _dir: dir };
        let serves = wait_until(Duration::from_secs(10), || once(addr).is_ok());
        if serves { Ok(backend) } else { Err("nghttpd does not serve".to_owned()) }
    }
}

/// Runs it all and prints the table. `Ok(false)` if the budget was to be kept and is not: fingerpost is
/// to take no more than the better of the others.
pub(super) fn run(options: &Options) -> Result<bool, String> {
    let backend = Backend::start()?;
    let requests = (options.seconds / 2.0 * REQUESTS_PER_SECOND) as u64;
    let mut proxies = Vec::new();
    for kind in Kind::HTTP2 {
        match kind.program() {
            Some(Err(missing)) => eprintln!("{missing}; going on without it"),
            _ => proxies.push((kind, Proxy::start(kind, backend.addr)?)),
        }
    }
    let mut figures: BTreeMap<Kind, [Series; 2]> = BTreeMap::new();
    for round in 1..=options.rounds {
        eprintln!("round {round} of {}", options.rounds);
        for (kind, proxy) in proxies.iter().chain(proxies.iter().rev()) {
            if is_cancelled() {
                return Err("interrupted".into());
            }
            let before = proxy.cpu_ns();
            let rate = load(proxy.addr, requests, CONNECTIONS, STREAMS)
                .map_err(|why| format!("{}: {why}", kind.name()))?;
            let cpu = (proxy.cpu_ns() - before) as f64 / 1e3 / requests as f64;
            let [cpus, rates] = figures.entry(*kind).or_default();
            cpus.0.push(cpu);
            rates.0.push(rate);
        }
    }
    let Machine { cpu, cores, kernel, .. } = Machine::read();
    println!("{cpu}, {cores} CPUs, Linux {kernel}");
    println!(
        "HTTP/2 on both sides, h2load with {CONNECTIONS} connections of {STREAMS} streams, \
         {requests} requests a turn"
    );
    for (kind, [cpus, rates]) in &figures {
        let figure = |figure: Option<f64>| figure.unwrap_or(f64::NAN);
        println!(
            "{:>14}  CPU µs/request {:>6.1} ({:.1}..{:.1})  requests/s {:>7.0}  {}",
            kind.name(),
            figure(cpus.median()),
            figure(cpus.min()),
            figure(cpus.max()),
            figure(rates.median()),
            kind.version().unwrap_or_default(),
        );
    }
    let median = |kind: &Kind| figures.get(kind).and_then(|[cpus, _]| cpus.median());
    let others = [Kind::HaproxyH2, Kind::EnvoyH2];
    let better = others.iter().filter_map(median).fold(f64::INFINITY, f64::min);
    let kept = median(&Kind::FingerpostH2).is_some_and(|own| own <= better);
    println!(
        "CPU per request not above the better of the others: {}",
        if kept { "yes" } else { "no" }
    );
    Ok(!options.check || kept)
}
