//! The load: closed loop, fixed rate, and connections that only stay open.
//!
//! Every response is checked to the last byte; the first wrong one ends the run with an error.

use std::cell::{Cell, RefCell};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::backend::{BODY, BODY_LEN};
use super::histogram::Histogram;
use super::is_cancelled;

/// The request. `web` is the name the router resolves; the other proxies ignore it.
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: web\r\nuser-agent: bench\r\naccept: */*\r\n\r\n";

/// No answer on loopback takes longer, unless something is wrong.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Part of each closed-loop run before the measurement begins: connections open, pools fill.
const WARM_UP: Duration = Duration::from_millis(200);

/// Whether a whole, right response is in `received`. More than one is an error, since none was
/// asked for.
fn check(received: &[u8]) -> Result<bool, String> {
    let Some(head_len) = received.windows(4).position(|w| w == b"\r\n\r\n") else {
        return Ok(false);
    };
    let (head, body) = (&received[..head_len], &received[head_len + 4..]);
    if !head.starts_with(b"HTTP/1.1 200") {
        return Err(format!("not a 200: {:?}", String::from_utf8_lossy(received)));
    }
    if body.len() < BODY_LEN {
        return Ok(false);
    }
    let length = head.split(|b| *b == b'\n').find_map(|line| {
        let (name, value) = line.split_at_checked("content-length:".len())?;
        name.eq_ignore_ascii_case(b"content-length:").then(|| value.trim_ascii())
    });
    let announced = length.and_then(|l| std::str::from_utf8(l).ok()?.parse::<usize>().ok());
    if announced == Some(BODY_LEN) && body == BODY {
        Ok(true)
    } else {
        Err(format!("wrong length or body: {:?}", String::from_utf8_lossy(received)))
    }
}

/// One request and its response on a blocking connection.
fn exchange(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<(), String> {
    stream.write_all(REQUEST).map_err(|e| format!("send: {e}"))?;
    buffer.resize(4096, 0);
    let mut filled = 0;
    loop {
        if filled == buffer.len() {
            return Err("the response is far too long".into());
        }
        match stream.read(&mut buffer[filled..]) {
            Ok(0) => return Err("closed before the whole response".into()),
            Ok(n) => filled += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(format!("receive: {e}")),
        }
        if check(&buffer[..filled])? {
            return Ok(());
        }
    }
}

fn connect(addr: SocketAddr) -> Result<TcpStream, String> {
    let stream = TcpStream::connect_timeout(&addr, TIMEOUT).map_err(|e| format!("connect: {e}"))?;
    stream.set_nodelay(true).map_err(|e| e.to_string())?;
    stream.set_read_timeout(Some(TIMEOUT)).map_err(|e| e.to_string())?;
    Ok(stream)
}

/// One request on a connection of its own.
pub(super) fn once(addr: SocketAddr) -> Result<(), String> {
    exchange(&mut connect(addr)?, &mut Vec::new())
}

/// Opens this many connections, makes one request on each, and keeps them.
pub(super) fn hold(addr: SocketAddr, connections: usize) -> Result<Vec<TcpStream>, String> {
    let mut buffer = Vec::new();
    let mut held = Vec::with_capacity(connections);
    for at in 0..connections {
        if is_cancelled() {
            return Err("interrupted".into());
        }
        let mut stream = connect(addr)?;
        exchange(&mut stream, &mut buffer).map_err(|e| format!("connection {at}: {e}"))?;
        held.push(stream);
    }
    Ok(held)
}

/// What was measured of the proxy over some time.
#[derive(Debug, Default, Clone)]
pub(super) struct Measured {
    pub(super) requests: u64,
    pub(super) elapsed: Duration,
    pub(super) cpu_ns: u64,
    pub(super) latency: Histogram,
}

impl Measured {
    pub(super) fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.elapsed += other.elapsed;
        self.cpu_ns += other.cpu_ns;
        self.latency.merge(&other.latency);
    }
}

/// Each connection sends its next request when it has the response to the last. `cpu` reads the
/// proxy's CPU time; it is read after the warm-up and at the end, while load goes on.
///
/// One thread drives all connections, as an event loop: the load takes as little of the machine
/// as it can.
pub(super) fn closed_loop(
    addr: SocketAddr,
    connections: usize,
    duration: Duration,
    cpu: impl Fn() -> u64,
) -> Result<Measured, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| e.to_string())?;
    let state = Rc::new(Closed::default());
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let tasks: Vec<_> = (0..connections)
            .map(|_| {
                let state = state.clone();
                tokio::task::spawn_local(async move {
                    if let Err(why) = closed_connection(addr, &state).await {
                        state.error.borrow_mut().get_or_insert(why);
                        state.stop.set(true);
                    }
                })
            })
            .collect();
        state.pause(WARM_UP).await;
        let start = (Instant::now(), state.requests.get(), cpu());
        state.latency.take();
        state.pause(duration).await;
        let measured = Measured {
            elapsed: start.0.elapsed(),
            requests: state.requests.get() - start.1,
            cpu_ns: cpu().saturating_sub(start.2),
            latency: state.latency.take(),
        };
        state.stop.set(true);
        for task in tasks {
            // A task ends after its response; one that got none is past the timeout.
            if tokio::time::timeout(TIMEOUT, task).await.is_err() {
                return Err("no response in time".into());
            }
        }
        match state.error.take() {
            Some(why) => Err(why),
            None if is_cancelled() => Err("interrupted".into()),
            None => Ok(measured),
        }
    })
}

#[derive(Debug, Default)]
struct Closed {
    stop: Cell<bool>,
    requests: Cell<u64>,
    latency: RefCell<Histogram>,
    error: RefCell<Option<String>>,
}

impl Closed {
    /// Lets the load go on for so long, less if it failed.
    async fn pause(&self, duration: Duration) {
        let end = tokio::time::Instant::now() + duration;
        while !self.stop.get() && !is_cancelled() && tokio::time::Instant::now() < end {
            let step = tokio::time::Instant::now() + Duration::from_millis(50);
            tokio::time::sleep_until(step.min(end)).await;
        }
    }
}

async fn closed_connection(addr: SocketAddr, state: &Closed) -> Result<(), String> {
    let stream = tokio::net::TcpStream::connect(addr).await;
    let mut stream = stream.map_err(|e| format!("connect: {e}"))?;
    stream.set_nodelay(true).map_err(|e| e.to_string())?;
    let mut buffer = Vec::with_capacity(4096);
    while !state.stop.get() {
        let sent = Instant::now();
        stream.write_all(REQUEST).await.map_err(|e| format!("send: {e}"))?;
        buffer.clear();
        while !check(&buffer)? {
            if stream.read_buf(&mut buffer).await.map_err(|e| format!("receive: {e}"))? == 0 {
                return Err("closed before the whole response".into());
            }
        }
        state.latency.borrow_mut().record(sent.elapsed().as_nanos() as u64);
        state.requests.set(state.requests.get() + 1);
    }
    Ok(())
}

/// Sends `rate` requests a second, spread evenly over the connections, whether or not the proxy
/// keeps up: each latency counts from the moment the request should have been sent, so a stall
/// is charged to every request it delays.
///
/// One blocking thread per connection sleeps until each moment: a kernel timer is accurate to
/// some 0.1 ms, an event loop's to 1 ms.
pub(super) fn fixed_rate(
    addr: SocketAddr,
    connections: usize,
    rate: u32,
    duration: Duration,
    cpu: impl Fn() -> u64,
) -> Result<Measured, String> {
    let mut streams = hold(addr, connections)?;
    let gap = Duration::from_secs(1) / rate.max(1);
    let per_connection = gap * connections as u32;
    let cpu_before = cpu();
    let start = Instant::now() + Duration::from_millis(5);
    let parts: Vec<Result<Histogram, String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = streams
            .iter_mut()
            .enumerate()
            .map(|(at, stream)| {
                let first = start + gap * at as u32;
                scope.spawn(move || paced(stream, first, per_connection, start + duration))
            })
            .collect();
        let joined = threads.into_iter().map(|t| t.join());
        joined.map(|r| r.unwrap_or_else(|_| Err("a load thread panicked".into()))).collect()
    });
    let cpu_ns = cpu().saturating_sub(cpu_before);
    let elapsed = start.elapsed();
    let mut latency = Histogram::default();
    for part in parts {
        latency.merge(&part?);
    }
    Ok(Measured { requests: latency.total(), elapsed, cpu_ns, latency })
}

fn paced(
    stream: &mut TcpStream,
    first: Instant,
    gap: Duration,
    end: Instant,
) -> Result<Histogram, String> {
    let mut latency = Histogram::default();
    let mut buffer = Vec::new();
    let mut due = first;
    while due < end {
        if is_cancelled() {
            return Err("interrupted".into());
        }
        let now = Instant::now();
        if now > end + TIMEOUT {
            return Err("cannot keep up with the fixed rate".into());
        }
        std::thread::sleep(due.saturating_duration_since(now));
        exchange(stream, &mut buffer)?;
        latency.record(due.elapsed().as_nanos() as u64);
        due += gap;
    }
    Ok(latency)
}

#[cfg(test)]
mod tests;
