//! A response on its way back, and what it holds until it has ended: a connection, or a stream of one.

mod judge;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

pub(super) use self::judge::Judge;
use super::endpoint::Connection;
use crate::balance::Attempt;
use crate::classifier::Class;
use crate::http::body::{BodyError, Source};
use crate::server::progress::Progress;

/// The body of a response. At its end the connection goes back to the pool; dropped before that, the
/// connection is closed, since what is left of the response is still on it, or the stream is reset.
pub(crate) struct Exchange {
    body: Source,
    /// What has been read of it already.
    ahead: VecDeque<Frame<Bytes>>,
    /// Nothing is left of it but what has been read.
    has_ended: bool,
    connection: Option<Connection>,
    attempt: Attempt,
    /// There if only the end of the response tells what it counts as.
    judge: Option<Box<Judge>>,
    /// The caller's connection, told if the body breaks.
    caller: Option<Arc<Progress>>,
}

type PolledFrame = Poll<Option<Result<Frame<Bytes>, BodyError>>>;

impl Exchange {
    pub(super) fn new(
        body: Incoming,
        connection: Connection,
        attempt: Attempt,
        judge: Option<Box<Judge>>,
    ) -> Self {
        let is_stream = connection.is_shared();
        let body = if is_stream { Source::of_stream(body) } else { Source::of_connection(body) };
        Exchange {
            body,
            ahead: VecDeque::new(),
            has_ended: false,
            connection: Some(connection),
            attempt,
            judge,
            caller: None,
        }
    }

    /// Who gets the response.
    pub(crate) fn set_caller(&mut self, caller: Arc<Progress>) {
        self.caller = Some(caller);
        self.release_if_ended();
    }

    /// The endpoint that answers.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.connection.as_ref().map(Connection::address)
    }

    /// Whether it is known what the response counts as.
    pub(crate) fn is_judged(&self) -> bool {
        self.judge.is_none()
    }

    /// Has told what the response counts as, once that is known. It never is if the caller gives up.
    pub(crate) fn on_judged(&mut self, told: Box<dyn FnOnce(Class)>) {
        if let Some(judge) = &mut self.judge {
            judge.tells(told);
        }
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.ahead.is_empty() && (self.has_ended || self.body.is_end_stream())
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        if self.ahead.is_empty() { self.body.size_hint() } else { SizeHint::default() }
    }

    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> PolledFrame {
        if let Some(frame) = self.ahead.pop_front() {
            return Poll::Ready(Some(Ok(frame)));
        }
        if self.has_ended {
            return Poll::Ready(None);
        }
        self.poll_more(cx)
    }

    /// Reads on, and judges and lets go of what there is at the end.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> PolledFrame {
        let mut frame = Pin::new(&mut self.body).poll_frame(cx);
        match &mut frame {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(trailers) = frame.trailers_mut()
                    && let Some(judge) = self.judge.take()
                {
                    judge.ends(Some(trailers), &self.attempt);
                }
                self.release_if_ended();
            }
            Poll::Ready(None) => self.release(),
            Poll::Ready(Some(Err(_))) => {
                self.connection = None;
                if let Some(judge) = self.judge.take() {
                    judge.broke(&self.attempt);
                }
                if let Some(caller) = &self.caller {
                    caller.set_broken();
                }
            }
            Poll::Pending => {}
        }
        frame
    }

    /// Waits for the end of a response that is not judged, for so long and so many bytes; what it counts
    /// as, if that is known by then. Nothing of it is lost.
    pub(super) async fn judged_within(&mut self, bytes: usize, time: Duration) -> Judged {
        let mut left = bytes;
        let read = async {
            while !self.is_judged() {
                match std::future::poll_fn(|cx| self.poll_more(cx)).await {
                    Some(Ok(frame)) => {
                        let length = frame.data_ref().map_or(0, Bytes::len);
                        self.ahead.push_back(frame);
                        match left.checked_sub(length) {
                            Some(rest) => left = rest,
                            None => return Judged::TooLong,
                        }
                    }
                    None => self.has_ended = true,
                    Some(Err(_)) => return Judged::Broken,
                }
            }
            Judged::Known
        };
        tokio::time::timeout(time, read).await.unwrap_or(Judged::TooLate)
    }

    fn release_if_ended(&mut self) {
        if self.body.is_end_stream() {
            self.release();
        }
    }

    fn release(&mut self) {
        if let Some(judge) = self.judge.take() {
            judge.ends(None, &self.attempt);
        }
        if let Some(connection) = self.connection.take() {
            connection.release();
        }
    }
}

/// What came of waiting for the end of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    Known,
    TooLong,
    TooLate,
    Broken,
}

/// The most bytes of a response that nobody wants which are read for the sake of its connection.
const DISCARD_BYTES: usize = 64 * 1024;
/// How long they are waited for.
const DISCARD_TIME: Duration = Duration::from_secs(1);

/// Lets go of a response that nobody gets: what is left of it is read if it is short, so that the
/// connection can be used again.
pub(crate) fn discard(mut exchange: Exchange) {
    exchange.release_if_ended();
    let is_shared = exchange.connection.as_ref().is_none_or(Connection::is_shared);
    if is_shared {
        return;
    }
    tokio::task::spawn_local(tokio::time::timeout(DISCARD_TIME, async move {
        let mut left = DISCARD_BYTES;
        while let Some(Ok(frame)) = std::future::poll_fn(|cx| exchange.poll_frame(cx)).await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return;
            }
        }
    }));
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").field("address", &self.address()).finish_non_exhaustive()
    }
}
