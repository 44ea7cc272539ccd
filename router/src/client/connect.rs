//! A connection to an endpoint, with TLS or without.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::client::TlsStream;

use crate::config::{HttpVersion, SocketConfig};
use crate::gather::poll_write_gathered;
use crate::tls::client::Connector;

/// Finagle's `connectTimeout`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a handshake may take; that of Netty.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How the connections of a client become TLS, or why they cannot.
pub(super) type Tls = Option<Result<Connector, String>>;

/// What an endpoint is spoken to over.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// One whose peer may not be silent, or take nothing, for too long (`socketOptions`).
    Timed(Pin<Box<TimeoutStream<Stream>>>),
}

/// Connects, handshake included.
pub(super) async fn connect(
    address: SocketAddr,
    options: &SocketConfig,
    tls: &Tls,
    version: HttpVersion,
) -> io::Result<Stream> {
    let connector = match tls {
        None => None,
        Some(Ok(connector)) => Some(connector),
        Some(Err(why)) => return Err(io::Error::other(why.clone())),
    };
    let connecting = TcpStream::connect(address);
    let socket = within(CONNECT_TIMEOUT, "no connection", connecting).await?;
    socket.set_nodelay(options.no_delay)?;
    if let Some(keep_alive) = options.keep_alive {
        socket2::SockRef::from(&socket).set_keepalive(keep_alive)?;
    }
    let stream = match connector {
        None => Stream::Plain(socket),
        Some(connector) => {
            let shaking = connector.connect(socket, address, version);
            Stream::Tls(Box::new(within(HANDSHAKE_TIMEOUT, "no TLS", shaking).await?))
        }
    };
    if options.read_timeout.is_none() && options.write_timeout.is_none() {
        return Ok(stream);
    }
    let mut stream = TimeoutStream::new(stream);
    stream.set_read_timeout(options.read_timeout);
    stream.set_write_timeout(options.write_timeout);
    Ok(Stream::Timed(Box::pin(stream)))
}

async fn within<T>(
    limit: Duration,
    what: &str,
    work: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => {
            let message = format!("{what} within {} s", limit.as_secs());
            Err(io::Error::new(io::ErrorKind::TimedOut, message))
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(socket) => Pin::new(socket).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Timed(stream) => stream.as_mut().poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(socket) => Pin::new(socket).poll_write(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Timed(stream) => stream.as_mut().poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(socket) => poll_write_gathered(socket, cx, bufs),
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Stream::Timed(stream) => stream.as_mut().poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Stream::Plain(socket) => socket.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
            Stream::Timed(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Timed(stream) => stream.as_mut().poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Timed(stream) => stream.as_mut().poll_shutdown(cx),
        }
    }
}
