//! What a service says of the streams that it takes at a time.
//!
//! The codec obeys it and does not tell when it changes. So the frames that come in are followed, as
//! far as to find the settings among them (RFC 9113, 4.1 and 6.5).

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;

/// Bytes of the head of a frame, and of one setting.
const HEAD: usize = 9;
const SETTING: usize = 6;

/// What is taken for the streams of a service that has not said yet how many it takes: the least that is
/// recommended (RFC 9113, 6.5.2).
const ASSUMED: usize = 100;

/// How many streams a service takes at a time.
#[derive(Clone, Debug)]
pub(super) struct MostStreams(Rc<Told>);

#[derive(Debug)]
struct Told {
    most: Cell<usize>,
    first: Notify,
}

impl MostStreams {
    pub(super) fn new() -> Self {
        MostStreams(Rc::new(Told { most: Cell::new(ASSUMED), first: Notify::new() }))
    }

    pub(super) fn now(&self) -> usize {
        self.0.most.get()
    }

    /// Waits for the first settings.
    pub(super) async fn told(&self) {
        self.0.first.notified().await;
    }
}

/// A socket to a service whose settings are followed.
pub(super) struct Followed<S> {
    socket: S,
    follower: Follower,
}

struct Follower {
    most: MostStreams,
    /// The head of a frame, or a setting, that is being read.
    part: [u8; HEAD],
    have: usize,
    /// Bytes left of a frame.
    left: usize,
    in_settings: bool,
    seen_any: bool,
}

impl<S> Followed<S> {
    pub(super) fn new(socket: S, most: MostStreams) -> Self {
        Followed { socket, follower: Follower::new(most) }
    }
}

impl Follower {
    fn new(most: MostStreams) -> Self {
        Follower { most, part: [0; HEAD], have: 0, left: 0, in_settings: false, seen_any: false }
    }

    fn follow(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.left > 0 && !self.in_settings {
                let here = bytes.len().min(self.left);
                bytes = &bytes[here..];
                self.left -= here;
                continue;
            }
            let whole = if self.left > 0 { SETTING.min(self.left) } else { HEAD };
            let here = bytes.len().min(whole - self.have);
            self.part[self.have..self.have + here].copy_from_slice(&bytes[..here]);
            self.have += here;
            bytes = &bytes[here..];
            if self.have < whole {
                return;
            }
            self.have = 0;
            if self.left > 0 {
                self.left -= whole;
                self.setting(whole);
            } else {
                self.head();
            }
            if self.in_settings && self.left == 0 {
                self.in_settings = false;
                self.seen_any = true;
                self.most.0.first.notify_one();
            }
        }
    }

    fn head(&mut self) {
        const SETTINGS: u8 = 4;
        const ACK: u8 = 1;
        let [a, b, c, kind, flags, ..] = self.part;
        self.left = u32::from_be_bytes([0, a, b, c]) as usize;
        self.in_settings = kind == SETTINGS && flags & ACK == 0;
        if self.in_settings && !self.seen_any {
            // Whoever does not say takes any number.
            self.most.0.most.set(usize::MAX);
        }
    }

    fn setting(&mut self, bytes: usize) {
        const MAX_CONCURRENT_STREAMS: [u8; 2] = [0, 3];
        let [one, other, value @ .., _, _, _] = self.part;
        if bytes == SETTING && [one, other] == MAX_CONCURRENT_STREAMS {
            self.most.0.most.set(u32::from_be_bytes(value) as usize);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Followed<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.socket).poll_read(cx, buf))?;
        this.follower.follow(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Followed<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().socket).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().socket).poll_write_vectored(cx, bufs)
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

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let [_, a, b, c] = (payload.len() as u32).to_be_bytes();
        [&[a, b, c, kind, flags, 0, 0, 0, 0], payload].concat()
    }

    /// What is known after each of these frames, however they are cut.
    fn known(frames: &[Vec<u8>]) -> Vec<usize> {
        let mut all = Vec::new();
        for size in [1, 4, 1000] {
            let mut follower = Follower::new(MostStreams::new());
            let after = frames.iter().map(|frame| {
                frame.chunks(size).for_each(|part| follower.follow(part));
                follower.most.now()
            });
            let after: Vec<_> = after.collect();
            assert!(all.is_empty() || all == after, "cut into {size}: {after:?}");
            all = after;
        }
        all
    }

    #[test]
    fn a_service_says_how_many_streams_it_takes_and_may_say_so_again() {
        let most = |n: u8| frame(4, 0, &[0, 2, 0, 0, 0, 0, 0, 3, 0, 0, 0, n]);
        let data = frame(0, 0, &[0, 3, 0, 0, 0, 9]);
        assert_eq!(known(&[most(1), data.clone(), most(7)]), [1, 1, 7]);
        let other = frame(4, 0, &[0, 4, 0, 0, 0, 9]);
        assert_eq!(known(&[other.clone(), most(5), other]), [usize::MAX, 5, 5]);
        assert_eq!(
            known(&[data, frame(4, 1, &[]), frame(4, 0, &[])]),
            [ASSUMED, ASSUMED, usize::MAX]
        );
    }
}
