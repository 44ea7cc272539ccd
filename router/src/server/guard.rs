//! A socket that lets only well-formed heads through.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::Limits;
use super::gate::Admitted;
use super::head::{self, Chunked, Framing, Violation};
use super::progress::{Phase, Progress};
use crate::gather::poll_write_gathered;

/// What a [`Guard`] stands before.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin {
    /// The socket of the system.
    fn tcp(&self) -> &TcpStream;

    /// The protocol that was agreed on with the handshake.
    fn alpn(&self) -> Option<&[u8]> {
        None
    }
}

impl Socket for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Socket for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }

    fn alpn(&self) -> Option<&[u8]> {
        self.get_ref().1.alpn_protocol()
    }
}

/// A socket whose bytes are followed from head to head.
///
/// Whole heads that are in order pass as they are, without being copied. A head that is not is
/// replaced by a request of our own, the last one on the connection, so that the answer takes its
/// turn behind those before it; the service finds what was wrong by [`Progress::violation`].
pub(crate) struct Guard<S: Socket> {
    socket: S,
    limits: Limits,
    progress: Arc<Progress>,
    state: State,
    /// Bytes of a head that is not whole yet.
    partial: BytesMut,
    /// Bytes that have been checked and not been taken.
    ready: BytesMut,
    /// Counts the connection for as long as there is a socket, as a tunnel, too.
    admitted: Option<Admitted>,
}

#[derive(Debug)]
enum State {
    Head,
    Body(u64),
    Chunked(Chunked),
    /// The codec has the last request; nothing more is read.
    Ended,
    /// What is left of a body is not framed as it says.
    BadBody,
}

/// Stands in for a head that is refused.
const REFUSED: &[u8] = b"GET / HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n";

impl<S: Socket> Guard<S> {
    pub(crate) fn new(socket: S, limits: Limits, progress: Arc<Progress>) -> Self {
        let (partial, ready) = (BytesMut::new(), BytesMut::new());
        let state = State::Head;
        Guard { socket, limits, progress, state, partial, ready, admitted: None }
    }

    /// The same, counted as `admitted`, or with nothing but this refusal to come of it.
    pub(crate) fn with_admission(mut self, admitted: Result<Admitted, Violation>) -> Self {
        match admitted {
            Ok(admitted) => self.admitted = Some(admitted),
            Err(violation) => self.refuse(violation),
        }
        self
    }

    fn refuse(&mut self, violation: Violation) {
        self.progress.refuse(violation);
        self.partial.clear();
        self.ready.extend_from_slice(REFUSED);
        self.state = State::Ended;
    }

    /// Follows `input`; how much of its front may pass. What does not is a partial head or refused.
    fn follow(&mut self, input: &[u8]) -> io::Result<usize> {
        let mut at = 0;
        while at < input.len() {
            match &mut self.state {
                State::Head => match head::scan(&input[at..], &self.limits) {
                    Ok(None) => break,
                    Err(violation) => {
                        self.refuse(violation);
                        break;
                    }
                    Ok(Some(head)) => {
                        at += head.bytes;
                        self.progress.head_passed();
                        self.state = match head.framing {
                            Framing::Length(0) => State::Head,
                            Framing::Length(length) => State::Body(length),
                            Framing::Chunked => State::Chunked(Chunked::START),
                        };
                    }
                },
                State::Body(left) => {
                    let here = (*left).min((input.len() - at) as u64);
                    at += here as usize;
                    *left -= here;
                    if *left == 0 {
                        self.state = State::Head;
                    }
                }
                State::Chunked(chunked) => match chunked.advance(&input[at..]) {
                    Ok(here) => {
                        at += here;
                        if *chunked == Chunked::Done {
                            self.state = State::Head;
                        }
                    }
                    Err(head::BadChunk) => {
                        self.progress.set_bad_body();
                        self.state = State::BadBody;
                        break;
                    }
                },
                State::Ended | State::BadBody => break,
            }
        }
        Ok(at)
    }

    fn is_between_requests(&self) -> bool {
        matches!(self.state, State::Head) && self.partial.is_empty() || self.progress.is_tunnel()
    }

    fn phase(&self) -> Phase {
        match self.state {
            State::Head if self.partial.is_empty() => Phase::Idle,
            State::Head | State::Ended | State::BadBody => Phase::Head,
            State::Body(_) | State::Chunked(_) => Phase::Body,
        }
    }
}

impl<S: Socket> AsyncRead for Guard<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if !this.ready.is_empty() {
                let taken = this.ready.len().min(buf.remaining());
                buf.put_slice(&this.ready[..taken]);
                this.ready.advance(taken);
                return Poll::Ready(Ok(()));
            }
            if matches!(this.state, State::Ended) {
                return Poll::Pending;
            }
            if matches!(this.state, State::BadBody) {
                let kind = io::ErrorKind::InvalidData;
                return Poll::Ready(Err(io::Error::new(kind, "the body is not framed as it says")));
            }
            let before = buf.filled().len();
            if this.progress.is_tunnel() {
                if !this.partial.is_empty() {
                    // Came while the service was asked, and is no head after all.
                    this.ready = this.partial.split();
                    continue;
                }
                return Pin::new(&mut this.socket).poll_read(cx, buf);
            }
            match Pin::new(&mut this.socket).poll_read(cx, buf) {
                Poll::Pending => {
                    if this.progress.head_is_late() {
                        this.refuse(Violation::HeadTimeout(
                            this.limits.head_time.as_millis() as u64
                        ));
                        continue;
                    }
                    this.progress.reading(this.phase(), cx.waker());
                    return Poll::Pending;
                }
                Poll::Ready(result) => {
                    result?;
                    this.progress.read();
                }
            }
            let came = buf.filled().len() - before;
            this.progress.received(came);
            if came == 0 {
                return Poll::Ready(Ok(())); // the end
            }
            if this.partial.is_empty() {
                let passed = this.follow(&buf.filled()[before..])?;
                if matches!(this.state, State::Head) {
                    this.partial.extend_from_slice(&buf.filled()[before + passed..]);
                }
                buf.set_filled(before + passed);
                if passed > 0 {
                    return Poll::Ready(Ok(()));
                }
            } else {
                this.partial.extend_from_slice(&buf.filled()[before..]);
                buf.set_filled(before);
                let partial = std::mem::take(&mut this.partial);
                let passed = this.follow(&partial)?;
                // What stands in for a refused head comes behind the heads that pass.
                let stand_in = this.ready.split();
                this.ready.extend_from_slice(&partial[..passed]);
                this.ready.extend_from_slice(&stand_in);
                if matches!(this.state, State::Head) {
                    this.partial.extend_from_slice(&partial[passed..]);
                }
            }
        }
    }
}

impl<S: Socket> AsyncWrite for Guard<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.socket).poll_write(cx, buf);
        this.progress.written(&poll);
        poll
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let poll = poll_write_gathered(&mut this.socket, cx, bufs);
        this.progress.written(&poll);
        poll
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.progress.is_broken() {
            // A response that broke must not look as if it had ended: the caller gets a reset.
            let _ = this.socket.tcp().set_zero_linger();
            return Poll::Ready(Ok(()));
        }
        ready!(Pin::new(&mut this.socket).poll_shutdown(cx))?;
        if this.is_between_requests() {
            return Poll::Ready(Ok(()));
        }
        // The caller is still sending. Closed now, the socket would answer that with a reset, and
        // the caller might never see the answer; so the rest is taken for a while.
        this.progress.closing();
        let mut rest = [0; 16 * 1024];
        loop {
            let mut rest = ReadBuf::new(&mut rest);
            ready!(Pin::new(&mut this.socket).poll_read(cx, &mut rest))?;
            if rest.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: Socket> Drop for Guard<S> {
    fn drop(&mut self) {
        if self.progress.is_broken() {
            let _ = self.socket.tcp().set_zero_linger();
        }
    }
}

impl<S: Socket> std::fmt::Debug for Guard<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard")
            .field("socket", self.socket.tcp())
            .field("state", &self.state)
            .field("admitted", &self.admitted)
            .finish_non_exhaustive()
    }
}
