//! What is sent to a service, and may be sent again.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use crate::http::body::{BodyError, Source};
use crate::http::version;
use bytes::Bytes;
use http::{HeaderMap, Request, request};
use http_body::{Body, Frame, SizeHint};

/// The body of a request.
#[derive(Debug)]
pub(crate) enum RequestBody {
    Empty,
    /// All of it, so that it can be sent again.
    Kept(Bytes),
    /// The caller's, as it comes.
    Streamed(Source),
    /// The caller's, as it comes, with what has come so far, so that it can be sent again.
    Recorded(Reader),
}

/// Reads a [`Record`] from its beginning. Only the reader made last gets anything: an attempt that was
/// given up must not take what the next one needs.
#[derive(Debug)]
pub(crate) struct Reader {
    record: Rc<RefCell<Record>>,
    number: u32,
    at: usize,
}

/// The body of a request that is kept while it is short.
#[derive(Debug)]
struct Record {
    source: Source,
    parts: Vec<Part>,
    room: usize,
    is_whole: bool,
    has_ended: bool,
    /// How many readers there have been.
    readers: u32,
}

#[derive(Clone, Debug)]
enum Part {
    Data(Bytes),
    Trailers(HeaderMap),
}

impl From<Part> for Frame<Bytes> {
    fn from(part: Part) -> Self {
        match part {
            Part::Data(bytes) => Frame::data(bytes),
            Part::Trailers(trailers) => Frame::trailers(trailers),
        }
    }
}

impl Record {
    /// Keeps a frame, or gives up keeping if there is no room.
    fn keep(&mut self, frame: &Frame<Bytes>) {
        let length = frame.data_ref().map_or(0, Bytes::len);
        if !self.is_whole || length > self.room {
            self.is_whole = false;
            self.parts = Vec::new();
            return;
        }
        self.room -= length;
        match (frame.data_ref(), frame.trailers_ref()) {
            (Some(data), _) => self.parts.push(Part::Data(data.clone())),
            (None, Some(trailers)) => self.parts.push(Part::Trailers(trailers.clone())),
            (None, None) => {}
        }
    }
}

impl Reader {
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let record = &mut *self.record.borrow_mut();
        if self.number != record.readers {
            return Poll::Ready(Some(Err(BodyError::given_up(h2::Reason::CANCEL))));
        }
        if let Some(part) = record.parts.get(self.at) {
            self.at += 1;
            return Poll::Ready(Some(Ok(part.clone().into())));
        }
        if record.has_ended {
            return Poll::Ready(None);
        }
        let frame = ready!(Pin::new(&mut record.source).poll_frame(cx));
        record.has_ended = frame.is_none() || record.source.is_end_stream();
        if let Some(Ok(frame)) = &frame {
            record.keep(frame);
            self.at = record.parts.len();
        }
        Poll::Ready(frame)
    }
}

impl RequestBody {
    /// The same once more, if that can be had.
    fn again(&self) -> Option<Self> {
        match self {
            RequestBody::Empty => Some(RequestBody::Empty),
            RequestBody::Kept(bytes) => Some(RequestBody::Kept(bytes.clone())),
            RequestBody::Streamed(_) => None,
            RequestBody::Recorded(Reader { record, .. }) => {
                let number = {
                    let mut record = record.borrow_mut();
                    record.readers += 1;
                    record.readers
                };
                Some(RequestBody::Recorded(Reader { record: record.clone(), number, at: 0 }))
            }
        }
    }

    /// The caller's body, kept up to so many bytes while it is passed on.
    pub(crate) fn recorded(source: Source, room: usize) -> Self {
        let record = Record {
            source,
            parts: Vec::new(),
            room,
            is_whole: true,
            has_ended: false,
            readers: 0,
        };
        RequestBody::Recorded(Reader { record: Rc::new(RefCell::new(record)), number: 0, at: 0 })
    }

    /// Whether it can be sent once more.
    fn is_replayable(&self) -> bool {
        match self {
            RequestBody::Empty | RequestBody::Kept(_) => true,
            RequestBody::Streamed(_) => false,
            RequestBody::Recorded(reader) => reader.record.borrow().is_whole,
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        match this {
            RequestBody::Empty => Poll::Ready(None),
            RequestBody::Kept(bytes) => {
                let bytes = std::mem::take(bytes);
                *this = RequestBody::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            RequestBody::Streamed(body) => Pin::new(body).poll_frame(cx),
            RequestBody::Recorded(reader) => reader.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            RequestBody::Empty => true,
            RequestBody::Kept(bytes) => bytes.is_empty(),
            RequestBody::Streamed(body) => body.is_end_stream(),
            RequestBody::Recorded(reader) => {
                let record = reader.record.borrow();
                record.has_ended && reader.at >= record.parts.len()
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            RequestBody::Empty => SizeHint::with_exact(0),
            RequestBody::Kept(bytes) => SizeHint::with_exact(bytes.len() as u64),
            RequestBody::Streamed(body) => body.size_hint(),
            // What is left of it is known only as long as nothing of it has been read.
            RequestBody::Recorded(reader) => match &*reader.record.borrow() {
                record if record.parts.is_empty() && record.is_whole => record.source.size_hint(),
                _ => SizeHint::default(),
            },
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
    /// Each copy has a body of its own, and this has the headers.
    is_copied: bool,
}

impl<'h> Outgoing<'h> {
    pub(crate) fn new(head: &'h mut request::Parts, body: RequestBody) -> Self {
        let is_copied = body.is_replayable();
        Outgoing { head, body: Some(body), is_copied }
    }

    /// Whether it can be sent once more.
    pub(crate) fn is_replayable(&self) -> bool {
        self.is_copied && self.body.as_ref().is_some_and(RequestBody::is_replayable)
    }

    /// Whether it could be sent again had it not been so long.
    pub(crate) fn is_too_long(&self) -> bool {
        self.is_copied && !self.is_replayable()
    }

    /// Whether sending it twice does the same as sending it once (RFC 9110, 9.2.2).
    pub(crate) fn is_idempotent(&self) -> bool {
        self.head.method.is_idempotent()
    }

    /// A copy to be sent; the request itself if there can be no copy. None if that has been taken.
    pub(crate) fn take(&mut self) -> Option<Request<RequestBody>> {
        let body = if self.is_copied {
            self.body.as_ref().filter(|body| body.is_replayable()).and_then(RequestBody::again)?
        } else {
            self.body.take()?
        };
        let mut request = Request::new(body);
        *request.method_mut() = self.head.method.clone();
        *request.uri_mut() = self.head.uri.clone();
        *request.version_mut() = self.head.version;
        *request.headers_mut() = if self.is_copied {
            self.head.headers.clone()
        } else {
            std::mem::take(&mut self.head.headers)
        };
        Some(request)
    }

    /// None of it was sent.
    pub(crate) fn give_back(&mut self, request: Request<RequestBody>) {
        if !self.is_copied {
            let (head, body) = request.into_parts();
            self.head.headers = version::untranslated(head, self.head);
            self.body = Some(body);
        }
    }
}
