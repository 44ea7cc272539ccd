//! A response on its way back, and the connection that it holds until it has ended.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::endpoint::Connection;
use crate::balance::Attempt;
use crate::server::progress::Progress;

/// The body of a response. At its end the connection goes back to the pool; dropped before that, the
/// connection is closed, since what is left of the response is still on it.
pub(crate) struct Exchange {
    body: Incoming,
    connection: Option<Connection>,
    _attempt: Attempt,
    /// The caller's connection, told if the body breaks.
    caller: Option<Arc<Progress>>,
}

impl Exchange {
    pub(super) fn new(body: Incoming, connection: Connection, attempt: Attempt) -> Self {
        Exchange { body, connection: Some(connection), _attempt: attempt, caller: None }
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

    pub(crate) fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        match &frame {
            Poll::Ready(Some(Ok(_))) => self.release_if_ended(),
            Poll::Ready(None) => self.release(),
            Poll::Ready(Some(Err(_))) => {
                self.connection = None;
                if let Some(caller) = &self.caller {
                    caller.set_broken();
                }
            }
            Poll::Pending => {}
        }
        frame
    }

    fn release_if_ended(&mut self) {
        if self.body.is_end_stream() {
            self.release();
        }
    }

    fn release(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.release();
        }
    }
}

/// The most bytes of a response that nobody wants which are read for the sake of its connection.
const DISCARD_BYTES: usize = 64 * 1024;
/// How long they are waited for.
const DISCARD_TIME: Duration = Duration::from_secs(1);

/// Lets go of a response that nobody gets: what is left of it is read if it is short, so that the
/// connection can be used again.
pub(crate) fn discard(mut exchange: Exchange) {
    exchange.release_if_ended();
    if exchange.connection.is_none() {
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
