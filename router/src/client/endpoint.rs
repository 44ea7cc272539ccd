//! One endpoint of a client, as one worker sees it: its connections.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::connect::{self, Tls};
use super::patience::{Patience, Patient};
use super::pool::{Channel, Pool, TooManyWaiters, Waiting};
use super::streams::{OpenStream, Streams};
use super::traffic::Traffic;
use crate::balance::Node;
use crate::config::{HttpVersion, SocketConfig};
use crate::proxy::stats::{ClientStats, ConnectionStats, Open};
use crate::retry::replay::RequestBody;

/// How long a connection that was handed back is waited for before another one is taken.
const SETTLE_TIME: Duration = Duration::from_millis(1);

/// One endpoint.
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    /// What the balancer knows of it.
    pub(crate) node: Rc<Node>,
    pool: Rc<Pool>,
    /// There if it is spoken to in HTTP/2, and then used in place of the pool.
    streams: Option<Rc<Streams>>,
    socket: SocketConfig,
    tls: Rc<Tls>,
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum Unconnected {
    /// The endpoint takes none.
    Failed(std::io::Error),
    /// As many requests as may wait for one already do.
    TooManyWaiters,
}

impl Endpoint {
    pub(super) fn new(
        node: Rc<Node>,
        pool: Rc<Pool>,
        streams: Option<Rc<Streams>>,
        socket: SocketConfig,
        tls: Rc<Tls>,
    ) -> Self {
        Endpoint { address: node.address, node, pool, streams, socket, tls }
    }

    /// The address has gone: connections are closed as they come back.
    pub(crate) fn retire(&self) {
        self.pool.close();
        if let Some(streams) = &self.streams {
            streams.close();
        }
    }

    /// Closes connections that have waited or lived for too long.
    pub(crate) fn reap(&self) {
        self.pool.reap();
        if let Some(streams) = &self.streams {
            streams.reap(self.pool.idle_time());
        }
    }

    /// A connection that is free, the last used first, or a fresh one.
    ///
    /// What is rare is boxed here and elsewhere on the way of a request, so that the state of a request,
    /// which is moved as a whole, stays small.
    pub(super) async fn connection(
        self: &Rc<Self>,
        pooled: bool,
        stats: &ClientStats,
    ) -> Result<Connection, Unconnected> {
        if let Some(streams) = &self.streams {
            return self.stream(streams, pooled, stats).await;
        }
        if pooled && let Some(connection) = self.pooled(stats).await {
            return Ok(connection);
        }
        let Some(limit) = self.pool.limit() else {
            let channel = Box::pin(self.connect(None, stats)).await.map_err(Unconnected::Failed)?;
            return Ok(self.used(channel, false, stats));
        };
        let mut waiting = None;
        let permit = loop {
            if let Some(permit) = limit.try_open() {
                break permit;
            }
            if waiting.is_none() {
                let waits = Waiting::new(&self.pool, limit).map_err(|TooManyWaiters| {
                    stats.too_many_waiters.incr();
                    Unconnected::TooManyWaiters
                })?;
                waiting = Some((waits, stats.waiting()));
            }
            let Some((waits, _)) = &waiting else { continue };
            if let Some(permit) = waits.wait().await {
                break permit;
            }
            if let Some(connection) = self.pooled(stats).await {
                return Ok(connection);
            }
        };
        drop(waiting);
        let channel =
            Box::pin(self.connect(Some(permit), stats)).await.map_err(Unconnected::Failed)?;
        Ok(self.used(channel, false, stats))
    }

    /// A stream of a connection, which many share.
    async fn stream(
        self: &Rc<Self>,
        streams: &Streams,
        pooled: bool,
        stats: &ClientStats,
    ) -> Result<Connection, Unconnected> {
        let connect = async || {
            let trying = stats.connecting();
            let version = HttpVersion::Http2;
            let stream = connect::connect(self.address, &self.socket, &self.tls, version);
            trying.ended(Box::pin(stream).await)
        };
        let stream = Box::pin(streams.stream(stats, connect)).await;
        let (stream, was_there) = stream.map_err(Unconnected::Failed)?;
        Ok(Connection {
            endpoint: self.clone(),
            channel: Use::Shared(stream),
            pooled: pooled && was_there,
            counts: stats.of_connections(),
            _in_use: stats.in_use(),
        })
    }

    /// A connection that is open and free.
    async fn pooled(self: &Rc<Self>, stats: &ClientStats) -> Option<Connection> {
        while let Some(mut channel) = self.pool.take() {
            // It is handed back when the response has ended, a moment before it is ready; or long
            // before, if the service has not waited for the end of the request.
            let sender = &mut channel.sender;
            let ready = sender.is_ready()
                || !sender.is_closed()
                    && tokio::time::timeout(SETTLE_TIME, sender.ready())
                        .await
                        .is_ok_and(|ready| ready.is_ok());
            if ready {
                return Some(self.used(channel, true, stats));
            }
        }
        None
    }

    fn used(self: &Rc<Self>, channel: Channel, pooled: bool, stats: &ClientStats) -> Connection {
        let (counts, in_use) = (stats.of_connections(), stats.in_use());
        let channel = Use::Whole(channel);
        Connection { endpoint: self.clone(), channel, pooled, counts, _in_use: in_use }
    }

    async fn connect(
        &self,
        permit: Option<tokio::sync::OwnedSemaphorePermit>,
        stats: &ClientStats,
    ) -> std::io::Result<Channel> {
        let trying = stats.connecting();
        let version = HttpVersion::Http1;
        let stream = connect::connect(self.address, &self.socket, &self.tls, version).await;
        let stream = trying.ended(stream)?;
        let (patience, traffic) = (Patience::new(), Traffic::new());
        let stream = TokioIo::new(Patient::new(stream, patience.clone(), traffic.clone()));
        let (sender, connection) = http1::handshake(stream).await.map_err(std::io::Error::other)?;
        let (open, counts, whole) =
            (stats.open_connection(), stats.of_connections(), traffic.clone());
        tokio::task::spawn_local(async move {
            // Its errors reach the request that was on it.
            let _ = connection.with_upgrades().await;
            whole.end(&counts);
            drop(open);
        });
        Ok(Channel::new(sender, patience, traffic, permit))
    }
}

/// A connection that one request has for itself, or a stream of one that it shares.
pub(crate) struct Connection {
    endpoint: Rc<Endpoint>,
    channel: Use,
    pooled: bool,
    counts: Rc<ConnectionStats>,
    _in_use: Open,
}

enum Use {
    Whole(Channel),
    Shared(OpenStream),
}

/// What an exchange comes to: if the request surely was not sent it comes back with the error.
type Sent = Result<(Response<Incoming>, Connection), (Option<Request<RequestBody>>, hyper::Error)>;

impl Connection {
    /// Whether it has been used before.
    pub(crate) fn is_pooled(&self) -> bool {
        self.pooled
    }

    /// Whether others use it, too.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.channel, Use::Shared(_))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.endpoint.address
    }

    /// Sends the request.
    pub(crate) async fn send(mut self, request: Request<RequestBody>) -> Sent {
        let answer = match &mut self.channel {
            Use::Whole(channel) => {
                channel.patience.limit();
                channel.traffic.request();
                channel.sender.try_send_request(request).await
            }
            Use::Shared(stream) => stream.sender().try_send_request(request).await,
        };
        match answer {
            Ok(response) => {
                if let Use::Whole(channel) = &self.channel {
                    channel.patience.lift();
                }
                Ok((response, self))
            }
            Err(mut error) => Err((error.take_message(), error.into_error())),
        }
    }

    /// Gives the connection back: the response has been read to its end.
    pub(crate) fn release(self) {
        match self.channel {
            Use::Whole(channel) => {
                channel.traffic.tell(&self.counts);
                self.endpoint.pool.give_back(channel);
            }
            Use::Shared(stream) => stream.traffic().tell(&self.counts),
        }
    }
}
