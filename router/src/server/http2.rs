//! One connection of a caller who speaks HTTP/2.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use http::Request;
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use pin_project_lite::pin_project;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::connection::Done;
use super::counts::ConnectionCounts;
use super::frames::{Frames, Given, PREFACE};
use super::gate::Admitted;
use super::guard::Socket;
use super::slot::Slot;
use crate::config::Http2Config;
use crate::http::body::{BodyError, ResponseBody};
use crate::proxy::Caller;
use crate::proxy::answer::h2_error;

/// How often a connection is looked at: whether it is to end, and whether streams stall.
const TICK: Duration = Duration::from_millis(250);

/// A caller who sends nothing is asked after so long whether it is still there, and given so long to
/// answer: a connection that is only half there ends.
const PING_AFTER: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Heads of requests, uncompressed, unless `maxHeaderListBytes` is given.
pub(crate) const HEADER_LIST: u32 = 16 * 1024;

/// A window is what a stream may have waiting here; that of the connection holds none of them up.
pub(crate) const CONNECTION_WINDOW: u32 = (1 << 31) - 1;
/// `initialStreamWindowBytes`
pub(crate) const STREAM_WINDOW: u32 = 65_535;

/// Bytes of one response that may wait for the caller to take them, beside its window.
pub(crate) const SEND_BUFFER: usize = 64 * 1024;

/// Streams that a caller has reset before they were looked at: more than [`frames`](super::frames) lets
/// through, so that it is the one that counts them.
const PENDING_RESETS: usize = 4000;

/// What is answered to who speaks HTTP/1.1, the request to upgrade to h2c included.
const NOT_HTTP2: &str = "This server speaks HTTP/2 only: with prior knowledge (curl --http2-prior-knowledge), or \
     by TLS with ALPN. It does not upgrade from HTTP/1.1 (Upgrade: h2c).\n";

/// The longest first line of who speaks HTTP/1.1 that is read before it is answered.
const FIRST_LINE: usize = 1024;

/// Streams that we reset over the life of a connection for what its caller does wrong on them
/// (MadeYouReset, CVE-2025-8671).
const LOCAL_RESETS: usize = 10_000;

/// Reads the preface. A request of HTTP/1.1 in its place is answered, and anything else is not.
async fn is_http2<S: Socket>(socket: &mut S) -> bool {
    let mut first = Vec::with_capacity(PREFACE.len());
    while first.len() < PREFACE.len() && first[..] == PREFACE[..first.len()] {
        let room = PREFACE.len() - first.len();
        match socket.take(room as u64).read_buf(&mut first).await {
            Ok(0) | Err(_) => return false,
            Ok(_) => {}
        }
    }
    if first == PREFACE {
        return true;
    }
    while !first.contains(&b'\n') && first.len() < FIRST_LINE {
        match socket.read_buf(&mut first).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    let line = first.split(|&byte| byte == b'\n').next().unwrap_or_default();
    if line.windows(8).any(|word| word == b" HTTP/1.") {
        let answer = format!(
            "HTTP/1.1 505 HTTP Version Not Supported\r\ncontent-type: text/plain\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{NOT_HTTP2}",
            NOT_HTTP2.len()
        );
        // Who has gone need not be told.
        let _ = socket.write_all(answer.as_bytes()).await;
        let _ = socket.shutdown().await;
    }
    false
}

/// Serves requests until the caller or the connection ends.
pub(super) async fn serve<S: Socket + Send + 'static>(
    mut socket: S,
    slot: Rc<Slot>,
    caller: Caller,
    admitted: Admitted,
) {
    let server = slot.server();
    let (limits, counts) = (server.shared.limits, server.connections.clone());
    let (config, max_streams) = (server.shared.http2.clone(), server.shared.max_streams);
    drop(server);
    match tokio::time::timeout(limits.head_time, is_http2(&mut socket)).await {
        Ok(true) => {}
        Ok(false) | Err(_) => return,
    }
    let progress = caller.progress.clone();
    let given = Given::default();
    let frames = Frames::new(socket, progress.clone(), counts.clone(), given.clone(), admitted);
    let streams = Streams::default();
    let caller = Rc::new(caller);
    let service = service_fn(|request: Request<Incoming>| {
        let (slot, caller, given) = (slot.clone(), caller.clone(), given.clone());
        let stream = streams.begin();
        progress.head_passed();
        progress.busy(true);
        let done = Done::new(progress.clone());
        async move {
            let answered = slot.server().serve(&caller, request).await;
            let body = |body: ResponseBody| StreamBody {
                body: body.until_done(done),
                stream,
                given,
                has_ended: false,
            };
            answered.map(|response| response.map(body))
        }
    });
    let mut codec = codec(streams.clone(), &config);
    codec.max_concurrent_streams(max_streams);
    let mut connection = std::pin::pin!(codec.serve_connection(TokioIo::new(frames), service));
    let mut tick = tokio::time::interval(TICK);
    let mut is_ending = false;
    loop {
        tokio::select! {
            biased;
            // Its errors are the caller's: a reset, a broken frame. What matters of them is answered.
            ended = &mut connection => {
                if ended.is_err_and(|error| is_flood(&error)) {
                    counts.frame_floods.incr();
                }
                return;
            }
            _ = tick.tick() => {
                streams.end_stalled(limits.stall_time, &counts);
                if !is_ending && (slot.draining().is_some() || progress.is_ending()) {
                    is_ending = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

/// Whether the codec itself has had enough of what the caller sends: heads in too many pieces, or bodies.
fn is_flood(error: &hyper::Error) -> bool {
    h2_error(error).is_some_and(|error| {
        error.is_library() && error.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM)
    })
}

fn codec(streams: Streams, config: &Http2Config) -> http2::Builder<Streams> {
    let mut codec = http2::Builder::new(streams);
    codec
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .keep_alive_interval(PING_AFTER)
        .keep_alive_timeout(PING_TIMEOUT)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_stream_window_size(config.initial_stream_window_bytes.unwrap_or(STREAM_WINDOW))
        .max_header_list_size(config.max_header_list_bytes.unwrap_or(HEADER_LIST))
        .max_frame_size(config.max_frame_bytes)
        .header_table_size(config.header_table_bytes)
        .max_send_buf_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(LOCAL_RESETS);
    codec
}

/// The streams of one connection, each of which runs as a task.
#[derive(Clone, Default)]
struct Streams(Rc<OfConnection>);

#[derive(Default)]
struct OfConnection {
    all: RefCell<Vec<Weak<Stream>>>,
    /// The one whose task is about to be spawned.
    next: RefCell<Option<Rc<Stream>>>,
}

/// How a stream fares with its caller.
#[derive(Default)]
struct Stream {
    /// Since when the caller takes nothing of what there is to take.
    waits_since: Cell<Option<Instant>>,
    has_stalled: Cell<bool>,
    task: RefCell<Option<Waker>>,
}

impl Streams {
    fn begin(&self) -> Rc<Stream> {
        let stream = Rc::new(Stream::default());
        self.0.next.replace(Some(stream.clone()));
        self.0.all.borrow_mut().push(Rc::downgrade(&stream));
        stream
    }

    /// Resets the streams whose callers have taken nothing for too long: they would be held for ever,
    /// with what is behind them.
    fn end_stalled(&self, limit: Duration, counts: &ConnectionCounts) {
        self.0.all.borrow_mut().retain(|stream| {
            let Some(stream) = stream.upgrade() else { return false };
            if stream.waits_since.get().is_some_and(|since| since.elapsed() >= limit)
                && !stream.has_stalled.replace(true)
            {
                counts.stalled_streams.incr();
                if let Some(task) = stream.task.take() {
                    task.wake();
                }
            }
            true
        });
    }
}

impl<F: Future + 'static> Executor<F> for Streams {
    fn execute(&self, work: F) {
        let stream = self.0.next.take().unwrap_or_default();
        tokio::task::spawn_local(StreamTask { work, stream });
    }
}

pin_project! {
    /// The task of a stream. Dropped before it has ended, it resets the stream.
    struct StreamTask<F> {
        #[pin]
        work: F,
        stream: Rc<Stream>,
    }
}

impl<F: Future> Future for StreamTask<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if this.stream.has_stalled.get() {
            return Poll::Ready(());
        }
        this.stream.task.borrow_mut().get_or_insert_with(|| cx.waker().clone());
        this.work.poll(cx).map(drop)
    }
}

/// The body of a response on a stream.
struct StreamBody {
    body: ResponseBody,
    stream: Rc<Stream>,
    given: Given,
    has_ended: bool,
}

impl http_body::Body for StreamBody {
    type Data = bytes::Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<bytes::Bytes>, BodyError>>> {
        let this = self.get_mut();
        this.stream.waits_since.set(None);
        let frame = Pin::new(&mut this.body).poll_frame(cx);
        match &frame {
            // The next one is asked for once the caller has room for it.
            Poll::Ready(Some(Ok(frame))) if frame.is_data() => {
                this.given.piece();
                this.stream.waits_since.set(Some(Instant::now()));
            }
            Poll::Ready(None) => this.has_ended = true,
            _ => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        if self.has_ended || self.body.is_end_stream() {
            self.given.whole();
        }
    }
}
