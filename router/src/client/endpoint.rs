//! One endpoint of a client, as one worker sees it: its connections and its load.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Either, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::health::Health;
use crate::proxy::stats::ClientStats;

/// What is sent: the caller's body as it comes, or none.
pub(crate) type RequestBody = Either<Incoming, Empty<Bytes>>;

/// Finagle's `connectTimeout`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection that nobody has used for this long is closed.
const IDLE_TIME: Duration = Duration::from_secs(90);

/// How long a connection that was handed back is waited for before another one is taken.
const SETTLE_TIME: Duration = Duration::from_millis(1);

/// One endpoint.
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    pub(crate) weight: f64,
    pub(crate) health: Arc<Health>,
    load: Cell<u32>,
    idle: RefCell<Vec<Idle>>,
    retired: Cell<bool>,
}

struct Idle {
    sender: SendRequest<RequestBody>,
    since: Instant,
}

impl Endpoint {
    pub(crate) fn new(address: SocketAddr, weight: f64, health: Arc<Health>) -> Self {
        let (load, idle, retired) = (Cell::new(0), RefCell::default(), Cell::new(false));
        Endpoint { address, weight, health, load, idle, retired }
    }

    /// Requests in flight from this worker.
    pub(crate) fn load(&self) -> u32 {
        self.load.get()
    }

    /// Counts a request until the guard is dropped.
    pub(crate) fn begin(self: &Rc<Self>) -> Load {
        self.load.set(self.load.get() + 1);
        Load { endpoint: self.clone() }
    }

    /// The address has gone: connections are closed as they come back.
    pub(crate) fn retire(&self) {
        self.retired.set(true);
        self.idle.borrow_mut().clear();
    }

    pub(crate) fn reap(&self) {
        self.idle
            .borrow_mut()
            .retain(|idle| !idle.sender.is_closed() && idle.since.elapsed() < IDLE_TIME);
    }

    /// The connection that was used last of those that are ready; if none is, just the last.
    fn pop_idle(&self) -> Option<SendRequest<RequestBody>> {
        let mut idle = self.idle.borrow_mut();
        let ready = idle.iter().rposition(|idle| idle.sender.is_ready());
        let at = ready.or_else(|| idle.len().checked_sub(1))?;
        Some(idle.remove(at).sender)
    }

    /// A connection that is free, the last used first, or a fresh one.
    pub(crate) async fn connection(
        self: &Rc<Self>,
        pooled: bool,
        stats: &ClientStats,
    ) -> std::io::Result<Connection> {
        while let Some(mut sender) = if pooled { self.pop_idle() } else { None } {
            // It is handed back when the response has ended, a moment before it is ready; or long
            // before, if the service has not waited for the end of the request.
            let ready = sender.is_ready()
                || !sender.is_closed()
                    && tokio::time::timeout(SETTLE_TIME, sender.ready())
                        .await
                        .is_ok_and(|ready| ready.is_ok());
            if ready {
                return Ok(Connection { endpoint: self.clone(), sender, pooled: true });
            }
        }
        let started = Instant::now();
        let socket =
            match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(self.address)).await {
                Ok(connected) => connected?,
                Err(_) => {
                    let message = format!("no connection within {} s", CONNECT_TIMEOUT.as_secs());
                    return Err(std::io::Error::new(std::io::ErrorKind::TimedOut, message));
                }
            };
        socket.set_nodelay(true)?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(socket)).await.map_err(std::io::Error::other)?;
        stats.connected(started.elapsed());
        let open = stats.open_connections();
        tokio::task::spawn_local(async move {
            // Its errors reach the request that was on it.
            let _ = connection.with_upgrades().await;
            drop(open);
        });
        Ok(Connection { endpoint: self.clone(), sender, pooled: false })
    }
}

/// A request in flight.
pub(crate) struct Load {
    endpoint: Rc<Endpoint>,
}

impl Drop for Load {
    fn drop(&mut self) {
        self.endpoint.load.set(self.endpoint.load.get() - 1);
    }
}

/// A connection that one request has for itself.
pub(crate) struct Connection {
    endpoint: Rc<Endpoint>,
    sender: SendRequest<RequestBody>,
    pooled: bool,
}

impl Connection {
    /// Whether it has been used before.
    pub(crate) fn is_pooled(&self) -> bool {
        self.pooled
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.endpoint.address
    }

    /// Sends the request. If it surely was not sent it comes back with the error.
    pub(crate) async fn send(
        mut self,
        request: Request<RequestBody>,
    ) -> Result<(Response<Incoming>, Connection), (Option<Request<RequestBody>>, hyper::Error)>
    {
        match self.sender.try_send_request(request).await {
            Ok(response) => Ok((response, self)),
            Err(mut error) => Err((error.take_message(), error.into_error())),
        }
    }

    /// Gives the connection back: the response has been read to its end.
    pub(crate) fn release(self) {
        let Connection { endpoint, sender, .. } = self;
        if !endpoint.retired.get() && !sender.is_closed() {
            endpoint.idle.borrow_mut().push(Idle { sender, since: Instant::now() });
        }
    }
}
