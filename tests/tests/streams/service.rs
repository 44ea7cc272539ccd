//! A service that speaks HTTP/2 and does what a path says.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;
use tokio::task::{AbortHandle, JoinSet};

/// Bytes of one frame of a body.
pub(crate) const CHUNK: usize = 16 * 1024;

pub(crate) type Body = UnsyncBoxBody<Bytes, BoxError>;
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What it does:
///
/// | path | answer |
/// |---|---|
/// | `/echo` | what it is sent, as it comes |
/// | `/sink` | how many bytes it was sent, in the trailer `bytes` |
/// | `/source/N` | N chunks |
/// | `/never` | nothing |
/// | `/reset` | a chunk, and a reset with `ENHANCE_YOUR_CALM` |
/// | `/unavailable` | gRPC's UNAVAILABLE every other time |
///
/// Each answer that ends has `grpc-status` in its trailers.
pub(crate) struct Service {
    addr: SocketAddr,
    most_streams: Option<u32>,
    counts: Arc<Counts>,
    running: Option<AbortHandle>,
    runtime: Runtime,
}

#[derive(Default)]
struct Counts {
    connections: AtomicU64,
    given_up: AtomicU64,
    calls: AtomicU64,
}

impl Service {
    pub(crate) fn start() -> Self {
        Self::new(None)
    }

    /// One that takes so many streams on a connection.
    pub(crate) fn with_most_streams(most: u32) -> Self {
        Self::new(Some(most))
    }

    fn new(most_streams: Option<u32>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let addr = SocketAddr::from(([127, 0, 0, 1], tests::free_port()));
        let counts = Arc::default();
        let mut service = Service { addr, most_streams, counts, running: None, runtime };
        service.restart();
        service
    }

    pub(crate) fn fs_line(&self) -> String {
        format!("127.0.0.1 {}\n", self.addr.port())
    }

    /// Connections that it has had.
    pub(crate) fn connections(&self) -> u64 {
        self.counts.connections.load(Relaxed)
    }

    /// Calls of `/never` that were given up.
    pub(crate) fn given_up(&self) -> u64 {
        self.counts.given_up.load(Relaxed)
    }

    /// Ends it with all its connections.
    pub(crate) fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
        }
    }

    /// Serves again, on the same port.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let listener = {
            let _inside = self.runtime.enter();
            let bound = || {
                let socket = TcpSocket::new_v4()?;
                socket.set_reuseaddr(true)?;
                socket.bind(self.addr)?;
                socket.listen(1024)
            };
            let mut listener = bound();
            tests::wait_until(Duration::from_secs(10), || {
                if listener.is_err() {
                    listener = bound();
                }
                listener.is_ok()
            });
            listener.expect("the port of the service")
        };
        let (counts, most_streams) = (self.counts.clone(), self.most_streams);
        let serving = self.runtime.spawn(async move {
            // Ended with this task.
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let _ = socket.set_nodelay(true); // fails if the caller has gone
                counts.connections.fetch_add(1, Relaxed);
                let counts = counts.clone();
                let service = service_fn(move |request| respond(request, counts.clone()));
                let mut codec = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                codec.max_concurrent_streams(most_streams);
                connections.spawn(codec.serve_connection(TokioIo::new(socket), service));
                while connections.try_join_next().is_some() {}
            }
        });
        self.running = Some(serving.abort_handle());
    }
}

/// Counts a call that is dropped before it is answered.
struct GivenUp(Arc<Counts>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.given_up.fetch_add(1, Relaxed);
    }
}

fn trailers(pairs: &[(&'static str, String)]) -> Frame<Bytes> {
    let mut trailers = HeaderMap::new();
    for (name, value) in pairs {
        trailers.insert(*name, HeaderValue::from_str(value).expect("a value"));
    }
    Frame::trailers(trailers)
}

fn status(code: &str) -> (&'static str, String) {
    ("grpc-status", code.to_owned())
}

async fn respond(
    request: Request<Incoming>,
    counts: Arc<Counts>,
) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path().to_owned();
    let mut body = request.into_body();
    let body: Body = match path.as_str() {
        "/echo" => {
            let echoed = stream::unfold(Some(body), |body| async {
                let mut body = body?;
                match body.frame().await {
                    Some(Ok(frame)) => Some((Ok::<_, BoxError>(frame), Some(body))),
                    Some(Err(error)) => Some((Err(error.into()), None)),
                    None => Some((Ok(trailers(&[status("0")])), None)),
                }
            });
            UnsyncBoxBody::new(StreamBody::new(Box::pin(echoed)))
        }
        "/sink" => {
            let mut bytes = 0;
            while let Some(Ok(frame)) = body.frame().await {
                bytes += frame.data_ref().map_or(0, Bytes::len);
            }
            let end = trailers(&[status("0"), ("bytes", bytes.to_string())]);
            UnsyncBoxBody::new(StreamBody::new(stream::iter([Ok(end)])))
        }
        "/never" => {
            let _given_up = GivenUp(counts);
            std::future::pending::<Infallible>().await;
            unreachable!("it never ends")
        }
        "/reset" => {
            let error = h2::Error::from(h2::Reason::ENHANCE_YOUR_CALM);
            let frames = [Ok(Frame::data(Bytes::from_static(b"some"))), Err(error.into())];
            UnsyncBoxBody::new(StreamBody::new(stream::iter(frames)))
        }
        "/unavailable" => {
            let code =
                if counts.calls.fetch_add(1, Relaxed).is_multiple_of(2) { "14" } else { "0" };
            UnsyncBoxBody::new(StreamBody::new(stream::iter([Ok(trailers(&[status(code)]))])))
        }
        path => {
            let count: u64 =
                path.strip_prefix("/source/").and_then(|n| n.parse().ok()).unwrap_or(0);
            let chunk = Bytes::from(vec![b'y'; CHUNK]);
            let frames = (0..count).map(move |_| Ok(Frame::data(chunk.clone())));
            let end = std::iter::once_with(|| Ok(trailers(&[status("0")])));
            UnsyncBoxBody::new(StreamBody::new(stream::iter(frames.chain(end))))
        }
    };
    let mut response = Response::new(body);
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert("content-type", grpc);
    Ok(response)
}
