//! Bodies of responses: streamed from an endpoint, or made here.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::client::Exchange;
use crate::server::connection::Done;
use crate::server::gate::Permit;

/// What goes back to a caller.
#[derive(Debug)]
pub(crate) struct ResponseBody {
    content: Content,
    /// Dropped with the body.
    _done: Option<Done>,
    /// Likewise.
    _permit: Option<Permit>,
}

#[derive(Debug)]
enum Content {
    /// A text of our own.
    Own(Option<Bytes>),
    /// What an endpoint sends, as it comes.
    Streamed(Exchange),
}

impl ResponseBody {
    pub(crate) fn empty() -> Self {
        Content::Own(None).into()
    }

    pub(crate) fn streamed(exchange: Exchange) -> Self {
        Content::Streamed(exchange).into()
    }

    /// The same body; `done` is dropped with it.
    pub(crate) fn until_done(self, done: Done) -> Self {
        ResponseBody { _done: Some(done), ..self }
    }

    /// The same body; `permit` is dropped with it.
    pub(crate) fn holding(self, permit: Permit) -> Self {
        ResponseBody { _permit: Some(permit), ..self }
    }
}

impl From<Content> for ResponseBody {
    fn from(content: Content) -> Self {
        ResponseBody { content, _done: None, _permit: None }
    }
}

impl From<Bytes> for ResponseBody {
    fn from(bytes: Bytes) -> Self {
        Content::Own((!bytes.is_empty()).then_some(bytes)).into()
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.get_mut().content {
            Content::Own(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Content::Streamed(exchange) => exchange.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Own(bytes) => bytes.is_none(),
            Content::Streamed(exchange) => exchange.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Own(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64)
            }
            Content::Streamed(exchange) => exchange.size_hint(),
        }
    }
}
