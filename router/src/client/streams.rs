//! The HTTP/2 connections of one worker to one endpoint, and the streams on them.
//!
//! One connection takes as many requests at a time as the service says (`SETTINGS_MAX_CONCURRENT_STREAMS`);
//! only beyond that another one is opened, so that no request waits for another to end.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hyper::client::conn::http2::{self, SendRequest};
use hyper::rt::Executor;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Mutex;

use super::connect::Stream;
use super::patience::Patient;
use super::settings::{MostStreams, Settings};
use super::traffic::Traffic;
use crate::config::{Http2Config, SessionConfig};
use crate::proxy::stats::{ClientStats, Open};
use crate::retry::replay::RequestBody;
use crate::server::http2::{CONNECTION_WINDOW, HEADER_LIST, SEND_BUFFER, STREAM_WINDOW};

/// A connection that nobody has used for this long is closed, unless `idleTimeMs` says otherwise.
const IDLE_TIME: Duration = Duration::from_secs(90);

/// A service that sends nothing is asked after so long whether it is still there, and given so long to
/// answer: a connection that is only half there is not used for ever.
const PING_AFTER: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the first settings of a service are waited for: how many streams it takes.
const SETTINGS_TIME: Duration = Duration::from_secs(1);

/// What a worker has of an endpoint that is spoken to in HTTP/2.
pub(super) struct Streams {
    connections: RefCell<Vec<Rc<Shared>>>,
    /// Held by who opens a connection: the others wait for it, and share it.
    opening: Mutex<()>,
    /// The last time that none could be opened.
    failed: RefCell<Option<(Instant, io::ErrorKind, String)>>,
    session: SessionConfig,
    config: Http2Config,
    is_closed: Cell<bool>,
}

/// One connection.
pub(super) struct Shared {
    sender: SendRequest<RequestBody>,
    traffic: Traffic,
    /// Streams that the service takes at a time.
    most: MostStreams,
    /// Streams that are open.
    streams: Cell<usize>,
    opened: Instant,
    used: Cell<Instant>,
}

/// A stream of a connection that is open until this is dropped.
pub(super) struct OpenStream(Rc<Shared>);

impl OpenStream {
    fn new(shared: &Rc<Shared>) -> Self {
        shared.streams.set(shared.streams.get() + 1);
        OpenStream(shared.clone())
    }

    pub(super) fn sender(&self) -> SendRequest<RequestBody> {
        self.0.traffic.request();
        self.0.sender.clone()
    }

    pub(super) fn traffic(&self) -> &Traffic {
        &self.0.traffic
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.streams.set(self.0.streams.get() - 1);
        self.0.used.set(Instant::now());
    }
}

impl Streams {
    pub(super) fn new(session: SessionConfig, config: Http2Config) -> Self {
        Streams {
            connections: RefCell::default(),
            opening: Mutex::default(),
            failed: RefCell::default(),
            session,
            config,
            is_closed: Cell::new(false),
        }
    }

    /// A stream on the connection that has the fewest, if any takes one more.
    fn open(&self) -> Option<OpenStream> {
        let mut connections = self.connections.borrow_mut();
        connections.retain(|shared| !shared.sender.is_closed());
        let free = connections.iter().filter(|shared| shared.streams.get() < shared.most.now());
        free.min_by_key(|shared| shared.streams.get()).map(OpenStream::new)
    }

    /// A stream, and whether its connection was there before. `connect` opens a connection; many who
    /// need one at a time open one together.
    pub(super) async fn stream(
        &self,
        stats: &ClientStats,
        connect: impl AsyncFnOnce() -> io::Result<Stream>,
    ) -> io::Result<(OpenStream, bool)> {
        if let Some(stream) = self.open() {
            return Ok((stream, true));
        }
        let asked = Instant::now();
        let _opening = self.opening.lock().await;
        if let Some(stream) = self.open() {
            return Ok((stream, false));
        }
        if let Some((at, kind, why)) = &*self.failed.borrow()
            && *at >= asked
        {
            return Err(io::Error::new(*kind, why.clone()));
        }
        let opened = async { self.handshake(connect().await?, stats).await };
        match opened.await {
            Ok(shared) => {
                if !self.is_closed.get() {
                    self.connections.borrow_mut().push(shared.clone());
                }
                Ok((OpenStream::new(&shared), false))
            }
            Err(error) => {
                let failed = (Instant::now(), error.kind(), error.to_string());
                self.failed.replace(Some(failed));
                Err(error)
            }
        }
    }

    async fn handshake(&self, stream: Stream, stats: &ClientStats) -> io::Result<Rc<Shared>> {
        let Http2Config {
            header_table_bytes,
            initial_stream_window_bytes,
            max_frame_bytes,
            max_header_list_bytes,
        } = self.config;
        let (traffic, most) = (Traffic::new(), MostStreams::new());
        let settings = Settings::new(most.clone());
        let io = TokioIo::new(Patient::of_streams(stream, traffic.clone(), settings));
        let (sender, connection) = http2::Builder::new(Local)
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_AFTER)
            .keep_alive_timeout(PING_TIMEOUT)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .initial_stream_window_size(initial_stream_window_bytes.unwrap_or(STREAM_WINDOW))
            .max_header_list_size(max_header_list_bytes.unwrap_or(HEADER_LIST))
            .max_frame_size(max_frame_bytes)
            .header_table_size(header_table_bytes)
            .max_send_buf_size(SEND_BUFFER)
            // An answer that crosses the reset of its stream is no fault of the service; counted as one,
            // callers who give up would end the connection that all share.
            .max_local_error_reset_streams(None)
            .handshake(io)
            .await
            .map_err(io::Error::other)?;
        let (open, counts, whole): (Open, _, _) =
            (stats.open_connection(), stats.of_connections(), traffic.clone());
        let now = Instant::now();
        let shared = Rc::new(Shared {
            sender,
            traffic,
            most: most.clone(),
            streams: Cell::new(0),
            opened: now,
            used: Cell::new(now),
        });
        tokio::task::spawn_local(async move {
            // Its errors reach the requests that were on it.
            let _ = connection.await;
            whole.end(&counts);
            drop(open);
        });
        let _ = tokio::time::timeout(SETTINGS_TIME, most.told()).await;
        Ok(shared)
    }

    /// The address has gone: connections end with their streams.
    pub(super) fn close(&self) {
        self.is_closed.set(true);
        self.connections.borrow_mut().clear();
    }

    /// Lets go of connections that are unused or have lived for too long. They end with their streams.
    pub(super) fn reap(&self, idle_time: Option<Duration>) {
        let SessionConfig { life_time, idle_time: session_idle } = self.session;
        let idle_time = idle_time.or(session_idle).unwrap_or(IDLE_TIME);
        self.connections.borrow_mut().retain(|shared| {
            let is_idle = shared.streams.get() == 0 && shared.used.get().elapsed() >= idle_time;
            let is_old = life_time.is_some_and(|life| shared.opened.elapsed() >= life);
            !shared.sender.is_closed() && !is_idle && !is_old
        });
    }
}

/// Runs what belongs to a connection on its worker.
#[derive(Clone, Copy, Debug)]
struct Local;

impl<F: Future + 'static> Executor<F> for Local {
    fn execute(&self, work: F) {
        tokio::task::spawn_local(async move {
            work.await;
        });
    }
}
