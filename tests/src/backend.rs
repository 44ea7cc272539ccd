//! An HTTP/1.1 backend under a test's control.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};

mod request;

use request::{Request, read_request};

/// What a [`Backend`] does with a request, once it has read all of it.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// Answers with this status, these headers and this body. `content-length` is added.
    Reply {
        /// Status code.
        status: u16,
        /// Headers in the order they are written.
        headers: Vec<(String, String)>,
        /// Body.
        body: Bytes,
    },
    /// Answers 200 with what was received, as JSON: `backend` (its address), `method`, `target`,
    /// `version`, `headers` (pairs, in wire order and case), `body` (lossy UTF-8), `trailers`.
    Echo,
    /// Writes exactly these bytes, then closes the connection if `close`. For answers no proper
    /// server would give.
    Raw {
        /// Bytes of the answer; none at all is allowed.
        bytes: Bytes,
        /// Whether the connection is closed after them.
        close: bool,
    },
    /// Answers 200 with a chunked body: the head at once, then each piece (and the end) after a
    /// permit of [`Backend::release`] of its own.
    Stream(Vec<Bytes>),
    /// Answers 101 with `upgrade: echo`, then sends back all it receives.
    Upgrade,
    /// Waits for a permit of [`Backend::release`], then behaves as the inner one.
    Held(Box<Behaviour>),
    /// Takes this long to answer, and then behaves as the inner one.
    Slow(Duration, Box<Behaviour>),
    /// Takes turns: the first request after [`Backend::set`] gets the first, and so on, round and
    /// round.
    Turns(Vec<Behaviour>),
}

impl Behaviour {
    /// 200 with this body.
    pub fn body(body: impl Into<Bytes>) -> Self {
        Self::Reply { status: 200, headers: Vec::new(), body: body.into() }
    }

    /// This status with an empty body.
    pub fn status(status: u16) -> Self {
        Self::Reply { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// Announces `announced` bytes of body, sends `sent` of them and closes.
    pub fn cut(announced: usize, sent: usize) -> Self {
        let mut bytes = format!("HTTP/1.1 200 OK\r\ncontent-length: {announced}\r\n\r\n");
        bytes.extend(std::iter::repeat_n('x', sent));
        Self::Raw { bytes: bytes.into(), close: true }
    }

    /// Closes the connection without a byte of answer.
    pub fn hang_up() -> Self {
        Self::Raw { bytes: Bytes::new(), close: true }
    }

    /// 200 with this body as if to keep the connection, which is then closed: the next request
    /// sent on it is lost.
    pub fn body_then_close(body: &str) -> Self {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        Self::Raw { bytes: (head + body).into(), close: true }
    }

    /// This behaviour after this time.
    pub fn slow(self, time: Duration) -> Self {
        Self::Slow(time, Box::new(self))
    }

    /// This behaviour after a permit of [`Backend::release`].
    pub fn held(self) -> Self {
        Self::Held(Box::new(self))
    }
}

/// State that survives [`Backend::kill`] and [`Backend::restart`].
#[derive(Debug)]
struct Shared {
    behaviour: Mutex<Behaviour>,
    /// Requests read before the behaviour was set.
    before: AtomicU64,
    permits: Semaphore,
    connections: AtomicU64,
    open: AtomicU64,
    requests: AtomicU64,
    answered: AtomicU64,
}

impl Shared {
    fn behaviour(&self) -> MutexGuard<'_, Behaviour> {
        self.behaviour.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// An HTTP/1.1 server on 127.0.0.1, on a thread of its own, with keep-alive, whose behaviour the
/// test sets. Dropping it kills it.
#[derive(Debug)]
pub struct Backend {
    addr: SocketAddr,
    shared: Arc<Shared>,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Backend {
    /// Starts one on a port the system chooses; it accepts when this returns.
    pub fn start(behaviour: Behaviour) -> Self {
        Self::start_on(0, behaviour)
    }

    /// Starts one on this port. For those that are killed and restarted beside much traffic: take a
    /// [`free_port`](crate::free_port), which no outgoing connection takes meanwhile.
    pub fn start_on(port: u16, behaviour: Behaviour) -> Self {
        let shared = Arc::new(Shared {
            behaviour: Mutex::new(behaviour),
            before: AtomicU64::new(0),
            permits: Semaphore::new(0),
            connections: AtomicU64::new(0),
            open: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            answered: AtomicU64::new(0),
        });
        let mut backend =
            Self { addr: SocketAddr::from(([127, 0, 0, 1], port)), shared, running: None };
        backend.restart();
        backend
    }

    /// One that answers 200 with `body`.
    pub fn fixed(body: impl Into<Bytes>) -> Self {
        Self::start(Behaviour::body(body))
    }

    /// One that answers with what it received; see [`Behaviour::Echo`].
    pub fn echo() -> Self {
        Self::start(Behaviour::Echo)
    }

    /// Where it listens, also while killed.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Port of [`Self::addr`].
    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// A line for an `io.l5d.fs` file: `127.0.0.1 PORT`.
    pub fn fs_line(&self) -> String {
        format!("{} {}\n", self.addr.ip(), self.port())
    }

    /// Behaves like this from the next request on.
    pub fn set(&self, behaviour: Behaviour) {
        let mut present = self.shared.behaviour();
        self.shared.before.store(self.requests(), Ordering::SeqCst);
        *present = behaviour;
    }

    /// Lets `n` held requests go on, those waiting first and then those to come.
    pub fn release(&self, n: usize) {
        self.shared.permits.add_permits(n);
    }

    /// Connections accepted since the start.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Connections open now.
    pub fn open(&self) -> u64 {
        self.shared.open.load(Ordering::SeqCst)
    }

    /// Requests read completely since the start, answered or not.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// Answers written completely since the start.
    pub fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::SeqCst)
    }

    /// Closes the listener and every connection, at once. The port then refuses connections.
    pub fn kill(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            thread.join().expect("backend thread");
        }
    }

    /// Listens again on the same port, after [`Self::kill`]. Counts go on.
    pub fn restart(&mut self) {
        self.kill();
        let listener = std::net::TcpListener::bind(self.addr).expect("bind the backend");
        listener.set_nonblocking(true).expect("nonblocking listener");
        self.addr = listener.local_addr().expect("address of the backend");
        let (stop, stopped) = oneshot::channel();
        let shared = self.shared.clone();
        let addr = self.addr;
        let thread = std::thread::Builder::new()
            .name(format!("backend-{}", addr.port()))
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("backend runtime");
                // Dropping the runtime drops every connection task, which closes its socket.
                runtime.block_on(async {
                    tokio::select! {
                        _ = stopped => {}
                        () = accept(listener, addr, shared) => {}
                    }
                });
            })
            .expect("backend thread");
        self.running = Some((stop, thread));
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Counts a connection as open while it lives, however its task ends.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn accept(listener: std::net::TcpListener, addr: SocketAddr, shared: Arc<Shared>) {
    let listener = TcpListener::from_std(listener).expect("register the listener");
    while let Ok((stream, _)) = listener.accept().await {
        shared.connections.fetch_add(1, Ordering::SeqCst);
        shared.open.fetch_add(1, Ordering::SeqCst);
        let open = Open(shared.clone());
        tokio::spawn(async move {
            // A peer that goes away mid-request is a thing tests do on purpose.
            let _ = serve(stream, addr, &open.0).await;
        });
    }
}

async fn serve(mut stream: TcpStream, addr: SocketAddr, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer).await? {
        let number = shared.requests.fetch_add(1, Ordering::SeqCst);
        let mut behaviour = shared.behaviour().clone();
        loop {
            // A peer that closes while it waits frees the connection at once.
            behaviour = match behaviour {
                Behaviour::Held(inner) => tokio::select! {
                    permit = shared.permits.acquire() => {
                        permit.map_err(io::Error::other)?.forget();
                        *inner
                    }
                    closed = wait_for_close(&mut stream, &mut buffer) => return closed,
                },
                Behaviour::Slow(time, inner) => tokio::select! {
                    () = tokio::time::sleep(time) => *inner,
                    closed = wait_for_close(&mut stream, &mut buffer) => return closed,
                },
                Behaviour::Turns(mut turns) => {
                    let turn = number.saturating_sub(shared.before.load(Ordering::SeqCst));
                    turns.swap_remove(turn as usize % turns.len())
                }
                other => {
                    behaviour = other;
                    break;
                }
            };
        }
        let (bytes, close) = answer(&behaviour, &request, addr);
        stream.write_all(&bytes).await?;
        match &behaviour {
            Behaviour::Stream(pieces) => stream_pieces(&mut stream, pieces, shared).await?,
            Behaviour::Upgrade => return echo_bytes(&mut stream, buffer).await,
            _ => {}
        }
        shared.answered.fetch_add(1, Ordering::SeqCst);
        if close || request.wants_close() {
            return stream.shutdown().await;
        }
    }
    Ok(())
}

async fn stream_pieces(
    stream: &mut TcpStream,
    pieces: &[Bytes],
    shared: &Shared,
) -> io::Result<()> {
    let end: &[u8] = b"";
    for piece in pieces.iter().map(Bytes::as_ref).chain([end]) {
        shared.permits.acquire().await.map_err(io::Error::other)?.forget();
        let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
        stream.write_all(&chunk).await?;
    }
    Ok(())
}

async fn echo_bytes(stream: &mut TcpStream, mut buffer: Vec<u8>) -> io::Result<()> {
    loop {
        stream.write_all(&buffer).await?;
        buffer.clear();
        if stream.read_buf(&mut buffer).await? == 0 {
            return stream.shutdown().await;
        }
    }
}

/// Returns when the peer has closed; what it sends until then is kept for the next request.
async fn wait_for_close(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    while stream.read_buf(buffer).await? > 0 {}
    Ok(())
}

fn answer(behaviour: &Behaviour, request: &Request, addr: SocketAddr) -> (Vec<u8>, bool) {
    match behaviour {
        Behaviour::Held(inner) | Behaviour::Slow(_, inner) => answer(inner, request, addr),
        Behaviour::Turns(turns) => answer(&turns[0], request, addr),
        Behaviour::Raw { bytes, close } => (bytes.to_vec(), *close),
        Behaviour::Reply { status, headers, body } => {
            (framed(*status, headers, body, request), false)
        }
        Behaviour::Stream(_) => {
            (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(), false)
        }
        Behaviour::Upgrade => {
            let head = "HTTP/1.1 101 Switching Protocols\r\n\
                        connection: upgrade\r\nupgrade: echo\r\n\r\n";
            (head.into(), false)
        }
        Behaviour::Echo => {
            let seen = json!({
                "backend": addr.to_string(),
                "method": request.method,
                "target": request.target,
                "version": request.version,
                "headers": request.headers,
                "body": String::from_utf8_lossy(&request.body),
                "trailers": request.trailers,
            });
            let json = [("content-type".to_owned(), "application/json".to_owned())];
            (framed(200, &json, seen.to_string().as_bytes(), request), false)
        }
    }
}

fn framed(status: u16, headers: &[(String, String)], body: &[u8], request: &Request) -> Vec<u8> {
    let reason = http::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason());
    let mut head = format!("HTTP/1.1 {status} {}\r\n", reason.unwrap_or(""));
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let bodiless = status < 200 || status == 204 || status == 304;
    if !bodiless {
        head.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    if !bodiless && request.method != "HEAD" {
        bytes.extend_from_slice(body);
    }
    bytes
}

#[cfg(test)]
mod tests;
