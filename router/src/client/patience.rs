//! A limit of what a service may send before it answers.
//!
//! The codec drops interim responses (1xx) one after the other for as long as they come, so that a
//! service that sends nothing else would hold its request, and a worker's time, for ever.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::settings::Settings;
use super::traffic::Traffic;

/// Bytes from a request to the end of the head of its response; more than twice the longest head
/// that the codec takes.
const LIMIT: usize = 1 << 20;

/// How much a service may still send on one connection. The connection and who uses it are on one
/// thread; it is atomic since the connection may become a tunnel, which has to be `Send`.
#[derive(Clone, Debug)]
pub(super) struct Patience(Arc<AtomicUsize>);

impl Patience {
    pub(super) fn new() -> Self {
        Patience(Arc::new(AtomicUsize::new(LIMIT)))
    }

    /// A request is about to be sent.
    pub(super) fn limit(&self) {
        self.0.store(LIMIT, Relaxed);
    }

    /// Its response has begun.
    pub(super) fn lift(&self) {
        self.0.store(usize::MAX, Relaxed);
    }

    fn took(&self, bytes: usize) -> io::Result<()> {
        let left = self.0.load(Relaxed);
        if left == usize::MAX {
            return Ok(());
        }
        match left.checked_sub(bytes) {
            Some(left) => {
                self.0.store(left, Relaxed);
                Ok(())
            }
            None => {
                let why = format!("{LIMIT} bytes came from the service, and no response in them");
                Err(io::Error::new(io::ErrorKind::InvalidData, why))
            }
        }
    }
}

/// A socket to a service, read with [`Patience`], and what has gone over it.
#[derive(Debug)]
pub(super) struct Patient<S> {
    socket: S,
    patience: Patience,
    traffic: Traffic,
    /// There in HTTP/2.
    settings: Option<Settings>,
}

impl<S> Patient<S> {
    pub(super) fn new(socket: S, patience: Patience, traffic: Traffic) -> Self {
        Patient { socket, patience, traffic, settings: None }
    }

    /// A socket that HTTP/2 is spoken on. How much comes before a response is no sign of anything, since
    /// others have theirs; but the settings among it count.
    pub(super) fn of_streams(socket: S, traffic: Traffic, settings: Settings) -> Self {
        let patience = Patience::new();
        patience.lift();
        Patient { socket, patience, traffic, settings: Some(settings) }
    }

    fn sent(&self, bytes: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = bytes {
            self.traffic.sent(bytes);
        }
        bytes
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.socket).poll_read(cx, buf))?;
        let came = buf.filled().len() - before;
        this.traffic.received(came);
        if let Some(settings) = &mut this.settings {
            settings.follow(&buf.filled()[before..]);
        }
        Poll::Ready(this.patience.took(came))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let bytes = Pin::new(&mut this.socket).poll_write(cx, buf);
        this.sent(bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let bytes = Pin::new(&mut this.socket).poll_write_vectored(cx, bufs);
        this.sent(bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_ends_until_there_is_a_response() {
        let patience = Patience::new();
        assert!(patience.took(LIMIT).is_ok());
        assert!(patience.took(1).is_err());
        patience.lift();
        assert!(patience.took(LIMIT).is_ok() && patience.took(LIMIT).is_ok());
        patience.limit();
        assert!(patience.took(LIMIT + 1).is_err());
    }
}
