//! A socket whose HTTP/2 frames are followed: what floods a connection ends it.
//!
//! A frame that carries nothing of a request costs its sender next to nothing, and us the time to read
//! and often to answer it: pings, settings, resets of streams just opened. Honest peers send few of
//! them for what they ask and get. So each costs a token; requests, bytes of bodies and time bring new
//! ones, and who has none left is told to calm down (`ENHANCE_YOUR_CALM`; CVE-2019-9512 and its
//! neighbours, CVE-2023-44487).

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::counts::ConnectionCounts;
use super::gate::Admitted;
use super::guard::Socket;
use super::progress::{Phase, Progress};
use crate::gather::poll_write_gathered;
use crate::http::frames::{self, END_STREAM, Piece, kind};

/// What a client begins a connection with (RFC 9113, 3.4).
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Tokens that a connection begins with, and that time brings at the most.
const MOST_FRAMES: f64 = 2000.0;
/// Tokens that a connection has at the most, most of them earned by what goes over it.
const MOST_EARNED: f64 = 40_000.0;
/// Tokens that a second brings.
const FRAMES_PER_SECOND: f64 = 500.0;
/// Tokens that a request brings.
const FRAMES_PER_REQUEST: f64 = 10.0;
/// Bytes of a body, in either direction, that bring one token.
const BYTES_PER_FRAME: f64 = 1024.0;
/// Tokens that each piece of a response brings: some callers answer every one with windows and a ping.
const FRAMES_PER_PIECE: f64 = 4.0;

/// The same for resets, each of which may have cost a whole request: a caller may give up all the
/// streams it has at once, and after that one for each that it lets end.
const MOST_RESETS: f64 = 2500.0;
const RESETS_PER_SECOND: f64 = 100.0;

/// What a peer has left of something.
#[derive(Debug)]
struct Tokens {
    left: f64,
    /// What time may bring it to, and what anything may.
    idle: f64,
    most: f64,
    per_second: f64,
    counted: Instant,
}

impl Tokens {
    fn new(idle: f64, most: f64, per_second: f64) -> Self {
        Tokens { left: idle, idle, most, per_second, counted: Instant::now() }
    }

    fn earn(&mut self, tokens: f64) {
        self.left = (self.left + tokens).min(self.most);
    }

    /// Takes one; whether there was one.
    fn spend(&mut self) -> bool {
        if self.left < 1.0 {
            let now = Instant::now();
            let seconds = now.duration_since(self.counted).as_secs_f64();
            self.counted = now;
            self.left = (self.left + seconds * self.per_second).min(self.idle);
        }
        self.left -= 1.0;
        self.left >= 0.0
    }
}

/// What a connection has been given of responses, which the frames on it are held against.
#[derive(Clone, Debug, Default)]
pub(super) struct Given(Rc<Pieces>);

#[derive(Debug, Default)]
struct Pieces {
    /// Responses that came to their end.
    whole: Cell<u64>,
    /// Pieces of bodies.
    pieces: Cell<u64>,
}

impl Given {
    /// A response has come to its end.
    pub(super) fn whole(&self) {
        self.0.whole.set(self.0.whole.get() + 1);
    }

    /// A piece of a response has been given.
    pub(super) fn piece(&self) {
        self.0.pieces.set(self.0.pieces.get() + 1);
    }
}

/// Follows the frames that come in.
#[derive(Debug)]
struct Follower {
    found: frames::Frames,
    frames: Tokens,
    resets: Tokens,
    given: Given,
}

/// More frames than there is a use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flood {
    Frames,
    Resets,
}

impl Follower {
    fn new(given: Given) -> Self {
        Follower {
            found: frames::Frames::default(),
            frames: Tokens::new(MOST_FRAMES, MOST_EARNED, FRAMES_PER_SECOND),
            resets: Tokens::new(MOST_RESETS, MOST_RESETS, RESETS_PER_SECOND),
            given,
        }
    }

    fn follow(&mut self, mut bytes: &[u8]) -> Result<(), Flood> {
        while let Some(piece) = self.found.next(&mut bytes) {
            if let Piece::Head { kind, flags, length } = piece {
                self.frame(kind, flags, length)?;
            }
        }
        Ok(())
    }

    /// A frame begins.
    fn frame(&mut self, kind: u8, flags: u8, length: usize) -> Result<(), Flood> {
        match kind {
            kind::DATA if length > 0 || flags & END_STREAM != 0 => {
                self.frames.earn(length as f64 / BYTES_PER_FRAME);
                return Ok(());
            }
            kind::HEADERS => {
                self.frames.earn(FRAMES_PER_REQUEST);
                return Ok(());
            }
            // The codec bounds how many there may be, by the length of a head.
            kind::CONTINUATION if length > 0 => return Ok(()),
            kind::RST_STREAM => {
                self.resets.earn(self.given.0.whole.take() as f64);
                if !self.resets.spend() {
                    return Err(Flood::Resets);
                }
            }
            _ => {}
        }
        self.frames.earn(self.given.0.pieces.take() as f64 * FRAMES_PER_PIECE);
        if self.frames.spend() { Ok(()) } else { Err(Flood::Frames) }
    }

    /// Bytes have been sent: the peer tells that it has taken them.
    fn sent(&mut self, bytes: usize) {
        self.frames.earn(bytes as f64 / BYTES_PER_FRAME);
    }
}

/// A socket whose frames are followed.
pub(super) struct Frames<S> {
    socket: S,
    /// What has been read of it already.
    ahead: Bytes,
    follower: Follower,
    progress: Arc<Progress>,
    counts: Rc<ConnectionCounts>,
    /// Part of a frame may have been written, so that no other may come behind it.
    is_mid_frame: bool,
    _admitted: Admitted,
}

impl<S: Socket> Frames<S> {
    /// Follows what comes on a socket of which the preface has been read.
    pub(super) fn new(
        socket: S,
        progress: Arc<Progress>,
        counts: Rc<ConnectionCounts>,
        given: Given,
        admitted: Admitted,
    ) -> Self {
        Frames {
            socket,
            ahead: Bytes::from_static(PREFACE),
            follower: Follower::new(given),
            progress,
            counts,
            is_mid_frame: false,
            _admitted: admitted,
        }
    }

    /// Ends the connection, and says so if that is possible at once.
    fn calm(&mut self, flood: Flood, cx: &mut Context<'_>) -> io::Error {
        const ENHANCE_YOUR_CALM: u8 = 0xb;
        // GOAWAY that has the peer know of no stream that it may not send again: all are ended.
        const GO_AWAY: [u8; 9 + 8] =
            [0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, ENHANCE_YOUR_CALM];
        let why = match flood {
            Flood::Frames => {
                self.counts.frame_floods.incr();
                "more frames than requests, bytes and time allow"
            }
            Flood::Resets => {
                self.counts.reset_floods.incr();
                "more streams are reset than are let end"
            }
        };
        if !self.is_mid_frame {
            let _ = Pin::new(&mut self.socket).poll_write(cx, &GO_AWAY);
        }
        io::Error::new(io::ErrorKind::InvalidData, why)
    }

    fn written(&mut self, written: &Poll<io::Result<usize>>, wanted: usize) {
        self.progress.written(written);
        if let Poll::Ready(Ok(bytes)) = written {
            self.is_mid_frame = *bytes < wanted;
            self.follower.sent(*bytes);
        }
    }
}

impl<S: Socket> AsyncRead for Frames<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.ahead.is_empty() {
            let here = this.ahead.len().min(buf.remaining());
            buf.put_slice(&this.ahead.split_to(here));
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        match Pin::new(&mut this.socket).poll_read(cx, buf) {
            Poll::Pending => {
                this.progress.reading(Phase::Idle, cx.waker());
                return Poll::Pending;
            }
            Poll::Ready(result) => {
                result?;
                this.progress.read();
            }
        }
        let came = &buf.filled()[before..];
        this.progress.received(came.len());
        match this.follower.follow(came) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(flood) => Poll::Ready(Err(this.calm(flood, cx))),
        }
    }
}

impl<S: Socket> AsyncWrite for Frames<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.socket).poll_write(cx, buf);
        this.written(&written, buf.len());
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = poll_write_gathered(&mut this.socket, cx, bufs);
        this.written(&written, bufs.iter().map(|buf| buf.len()).sum());
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.socket).poll_shutdown(cx))?;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(length: usize, kind: u8, flags: u8) -> Vec<u8> {
        frames::tests::frame(kind, flags, &vec![0; length])
    }

    /// How many of these come before it is a flood, up to 10,000.
    fn most(frames: &[Vec<u8>], completed: bool) -> usize {
        let given = Given::default();
        let mut follower = Follower::new(given.clone());
        let all = frames.concat();
        (0..10_000)
            .take_while(|_| {
                if completed {
                    given.whole();
                }
                // However they are cut.
                all.chunks(7).all(|part| follower.follow(part).is_ok())
            })
            .count()
    }

    #[test]
    fn what_is_of_no_use_to_a_request_may_come_only_so_often() {
        let (ping, settings) = (frame(8, 6, 0), frame(0, 4, 0));
        assert!((2000..2300).contains(&most(std::slice::from_ref(&ping), false)));
        assert!((2000..2300).contains(&most(&[settings], false)));
        assert!((2000..2300).contains(&most(&[frame(0, 0, 0)], false)), "empty frames of data");
        assert!((2000..2300).contains(&most(&[frame(0, 9, 0)], false)), "empty continuations");
    }

    #[test]
    fn requests_and_bodies_pay_for_what_goes_with_them() {
        let (headers, data, update) = (frame(30, 1, 4), frame(2048, 0, 0), frame(4, 8, 0));
        let (ping, end) = (frame(8, 6, 0), frame(0, 0, 1));
        assert_eq!(most(&[headers.clone(), ping, update.clone(), end], false), 10_000);
        assert_eq!(most(&[data, update.clone(), update], false), 10_000);
    }

    #[test]
    fn streams_that_are_reset_at_once_are_a_flood_unless_others_end() {
        let (headers, reset) = (frame(30, 1, 4), frame(4, 3, 0));
        assert!((2500..2700).contains(&most(&[headers.clone(), reset.clone()], false)));
        assert_eq!(most(&[headers, reset], true), 10_000);
    }

    #[test]
    fn each_piece_of_a_response_may_be_answered() {
        let given = Given::default();
        let mut follower = Follower::new(given.clone());
        let answer = [frame(8, 6, 0), frame(4, 8, 0), frame(4, 8, 0)].concat();
        for _ in 0..10_000 {
            given.piece();
            assert_eq!(follower.follow(&answer), Ok(()));
        }
    }
}
