//! What is sent to a service, and may be sent again.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, request};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

/// The body of a request.
#[derive(Debug)]
pub(crate) enum RequestBody {
    Empty,
    /// All of it, so that it can be sent again.
    Kept(Bytes),
    /// The caller's, as it comes.
    Streamed(Incoming),
}

impl RequestBody {
    /// The same once more, if that can be had.
    fn again(&self) -> Option<Self> {
        match self {
            RequestBody::Empty => Some(RequestBody::Empty),
            RequestBody::Kept(bytes) => Some(RequestBody::Kept(bytes.clone())),
            RequestBody::Streamed(_) => None,
        }
    }

    pub(crate) fn is_streamed(&self) -> bool {
        matches!(self, RequestBody::Streamed(_))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        match this {
            RequestBody::Empty => Poll::Ready(None),
            RequestBody::Kept(bytes) => {
                let bytes = std::mem::take(bytes);
                *this = RequestBody::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            RequestBody::Streamed(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            RequestBody::Empty => true,
            RequestBody::Kept(bytes) => bytes.is_empty(),
            RequestBody::Streamed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            RequestBody::Empty => SizeHint::with_exact(0),
            RequestBody::Kept(bytes) => SizeHint::with_exact(bytes.len() as u64),
            RequestBody::Streamed(body) => body.size_hint(),
        }
    }
}

/// A request on its way to a service.
///
/// One that can be sent again is kept here while a copy of it is under way. A streamed one is gone
/// once it has been taken, unless it is given back because none of it was sent.
#[derive(Debug)]
pub(crate) struct Outgoing<'h> {
    /// What each copy begins with.
    pub(crate) head: &'h mut request::Parts,
    body: Option<RequestBody>,
    replayable: bool,
}

impl<'h> Outgoing<'h> {
    pub(crate) fn new(head: &'h mut request::Parts, body: RequestBody) -> Self {
        let replayable = !body.is_streamed();
        Outgoing { head, body: Some(body), replayable }
    }

    /// Whether it can be sent as often as need be.
    pub(crate) fn is_replayable(&self) -> bool {
        self.replayable
    }

    /// Whether sending it twice does the same as sending it once (RFC 9110, 9.2.2).
    pub(crate) fn is_idempotent(&self) -> bool {
        self.head.method.is_idempotent()
    }

    /// A copy to be sent; the request itself if there can be no copy. None if that has been taken.
    pub(crate) fn take(&mut self) -> Option<Request<RequestBody>> {
        let body = if self.replayable {
            self.body.as_ref().and_then(RequestBody::again)?
        } else {
            self.body.take()?
        };
        let mut request = Request::new(body);
        *request.method_mut() = self.head.method.clone();
        *request.uri_mut() = self.head.uri.clone();
        *request.version_mut() = self.head.version;
        *request.headers_mut() = if self.replayable {
            self.head.headers.clone()
        } else {
            std::mem::take(&mut self.head.headers)
        };
        Some(request)
    }

    /// None of it was sent.
    pub(crate) fn give_back(&mut self, request: Request<RequestBody>) {
        if !self.replayable {
            let (head, body) = request.into_parts();
            self.head.headers = head.headers;
            self.body = Some(body);
        }
    }
}
