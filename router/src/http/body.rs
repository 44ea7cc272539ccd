//! Bodies: as they come from the codec, and those of responses, streamed from an endpoint or made here.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use crate::classifier::Class;
use crate::client::Exchange;
use crate::server::connection::Done;
use crate::server::gate::Permit;

/// Why a body has no end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// It broke on its way here.
    #[error(transparent)]
    Broken(#[from] hyper::Error),
    /// It is given up here; a stream of HTTP/2 is reset with this code.
    #[error("given up")]
    GivenUp(#[source] h2::Error),
}

impl BodyError {
    pub(crate) fn given_up(reason: h2::Reason) -> Self {
        BodyError::GivenUp(reason.into())
    }
}

/// A body as the codec reads it, which ends only if its sender has ended it.
///
/// The codec takes a stream of HTTP/2 that is reset with `CANCEL` or `NO_ERROR` for one that has ended.
/// Passed on as that, half of a body would be a whole one.
#[derive(Debug)]
pub(crate) struct Source {
    body: Incoming,
    is_stream: bool,
}

impl Source {
    /// A body that came in HTTP/1.1.
    pub(crate) fn of_connection(body: Incoming) -> Self {
        Source { body, is_stream: false }
    }

    /// A body that came in HTTP/2.
    pub(crate) fn of_stream(body: Incoming) -> Self {
        Source { body, is_stream: true }
    }
}

impl Body for Source {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
            None if this.is_stream && !this.body.is_end_stream() => {
                Poll::Ready(Some(Err(BodyError::given_up(h2::Reason::CANCEL))))
            }
            frame => Poll::Ready(frame.map(|frame| frame.map_err(Into::into))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What goes back to a caller.
#[derive(Debug)]
pub(crate) struct ResponseBody {
    content: Content,
    /// When it is given up.
    deadline: Option<Pin<Box<Sleep>>>,
    /// Dropped with the body.
    _done: Option<Done>,
    /// Likewise.
    _permit: Option<Permit>,
}

#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "most are streamed, and a box is one more allocation"
)]
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

    /// Whether it is known what the response counts as.
    pub(crate) fn is_judged(&self) -> bool {
        match &self.content {
            Content::Own(_) => true,
            Content::Streamed(exchange) => exchange.is_judged(),
        }
    }

    /// Has told what the response counts as, once that is known.
    pub(crate) fn on_judged(&mut self, told: Box<dyn FnOnce(Class)>) {
        if let Content::Streamed(exchange) = &mut self.content {
            exchange.on_judged(told);
        }
    }

    /// The same body, given up when it has not ended at `deadline`.
    pub(crate) fn until(self, deadline: Instant) -> Self {
        ResponseBody { deadline: Some(Box::pin(tokio::time::sleep_until(deadline))), ..self }
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
        ResponseBody { content, deadline: None, _done: None, _permit: None }
    }
}

impl From<Bytes> for ResponseBody {
    fn from(bytes: Bytes) -> Self {
        Content::Own((!bytes.is_empty()).then_some(bytes)).into()
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let frame = match &mut this.content {
            Content::Own(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Content::Streamed(exchange) => exchange.poll_frame(cx),
        };
        if frame.is_pending()
            && let Some(deadline) = &mut this.deadline
            && deadline.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Some(Err(BodyError::given_up(h2::Reason::CANCEL))));
        }
        frame
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
