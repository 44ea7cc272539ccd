//! The admin server of another process.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::response::IntoResponse;
use http::header::{ACCEPT, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode};
use hyper::body::{Bytes, Frame, Incoming, SizeHint};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// How long an answer may take to begin. The server gives up on a name after two seconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the server must know of a request. The rest, such as cookies, is between the browser and here.
const ASKED: [HeaderName; 2] = [ACCEPT, CONTENT_TYPE];

/// What the browser must know of an answer.
const ANSWERED: [HeaderName; 1] = [CONTENT_TYPE];

/// What may be posted: questions, and the level of a log.
const POSTS: [&str; 7] = [
    "/delegation.json",
    "/delegation/events",
    "/delegator.json",
    "/dtab/check.json",
    "/dtab/compare.json",
    "/logging.json",
    "/why-not.json",
];

/// The admin server of another process, which is asked for everything anew.
#[derive(Clone)]
pub struct Remote {
    authority: String,
    base: String,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.base)
    }
}

impl Remote {
    /// The server at this `host:port`, with this in front of every path.
    pub fn new(authority: String, base: String) -> Self {
        Remote { authority, base }
    }

    /// Its answer to a request for JSON or events. Nothing else is passed on.
    pub(super) async fn call(&self, request: Request<Body>) -> Response<Body> {
        let path = request.uri().path();
        let is_data = path.ends_with(".json") || path.ends_with("/events");
        match *request.method() {
            Method::GET | Method::HEAD if is_data => {}
            Method::POST if POSTS.contains(&path) => {}
            Method::GET | Method::HEAD => return StatusCode::NOT_FOUND.into_response(),
            _ => return StatusCode::METHOD_NOT_ALLOWED.into_response(),
        }
        let failed = |why: String| {
            let why = format!("cannot ask {self:?}: {why}\n");
            (StatusCode::BAD_GATEWAY, why).into_response()
        };
        match tokio::time::timeout(PATIENCE, self.exchange(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => failed(error.to_string()),
            Err(_) => failed(format!("no answer within {} s", PATIENCE.as_secs())),
        }
    }

    async fn exchange(
        &self,
        request: Request<Body>,
    ) -> Result<Response<Body>, Box<dyn std::error::Error + Send + Sync>> {
        let (head, body) = request.into_parts();
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::builder()
            .method(head.method)
            .uri(format!("{}{path}", self.base))
            .header(HOST, &self.authority)
            .body(body)?;
        copy(&head.headers, request.headers_mut(), &ASKED);
        let stream = TcpStream::connect(&self.authority).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let connection = Connection(tokio::spawn(async move {
            // What breaks the connection breaks the answer, which says so.
            let _ = connection.await;
        }));
        let (head, body) = sender.send_request(request).await?.into_parts();
        let mut answer = Response::new(Body::new(Streamed { body, _connection: connection }));
        *answer.status_mut() = head.status;
        copy(&head.headers, answer.headers_mut(), &ANSWERED);
        Ok(answer)
    }
}

fn copy(from: &HeaderMap, to: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        if let Some(value) = from.get(name) {
            to.insert(name, value.clone());
        }
    }
}

/// A connection, closed when it is dropped.
struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The body of an answer, and the connection that it comes on.
struct Streamed {
    body: Incoming,
    _connection: Connection,
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
