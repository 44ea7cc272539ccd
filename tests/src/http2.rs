//! A service and a caller that speak HTTP/2 without TLS, and what goes between them whole.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, request, response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

/// No answer takes longer.
const LIMIT: Duration = Duration::from_secs(10);

/// A request or a response, all of it.
#[derive(Debug, Clone)]
pub struct Message<H> {
    /// What it begins with.
    pub head: H,
    /// Its body.
    pub body: Bytes,
    /// What it ends with, if there is anything.
    pub trailers: Option<HeaderMap>,
}

impl<H> Message<H> {
    async fn read(head: H, body: Incoming) -> Result<Self, hyper::Error> {
        let whole = body.collect().await?;
        let trailers = whole.trailers().cloned();
        Ok(Message { head, body: whole.to_bytes(), trailers })
    }

    fn split(self) -> (H, impl Body<Data = Bytes, Error = Infallible> + Send + use<H>) {
        let trailers = self.trailers.map(Ok);
        (self.head, Full::new(self.body).with_trailers(async { trailers }))
    }
}

impl Message<response::Parts> {
    /// 200 with this body.
    pub fn ok(body: impl Into<Bytes>) -> Self {
        let (head, ()) = Response::new(()).into_parts();
        Message { head, body: body.into(), trailers: None }
    }
}

/// A service on 127.0.0.1, on a thread of its own, which gives every request the same answer and
/// keeps what it was asked; it adds no date. Dropping it ends it.
#[derive(Debug)]
pub struct Service {
    addr: SocketAddr,
    seen: Arc<Mutex<Vec<Message<request::Parts>>>>,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Service {
    /// Serves when this returns.
    pub fn start(answer: Message<response::Parts>) -> Self {
        let runtime = runtime();
        let bound = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)));
        let listener = bound.expect("a free port");
        let addr = listener.local_addr().expect("address of the service");
        let seen = Arc::<Mutex<Vec<_>>>::default();
        let (stop, stopped) = oneshot::channel();
        let asked = seen.clone();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, answer, asked) => {}
                    _ = stopped => {}
                }
            });
        });
        Service { addr, seen, running: Some((stop, thread)) }
    }

    /// A line for an `io.l5d.fs` file.
    pub fn fs_line(&self) -> String {
        format!("{} {}\n", self.addr.ip(), self.addr.port())
    }

    /// The requests read since this was last asked.
    pub fn seen(&self) -> Vec<Message<request::Parts>> {
        std::mem::take(&mut self.seen.lock().expect("requests"))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}

async fn accept(
    listener: TcpListener,
    answer: Message<response::Parts>,
    seen: Arc<Mutex<Vec<Message<request::Parts>>>>,
) {
    while let Ok((socket, _)) = listener.accept().await {
        let (answer, seen) = (answer.clone(), seen.clone());
        let respond = service_fn(move |request: Request<Incoming>| {
            let (answer, seen) = (answer.clone(), seen.clone());
            async move {
                let (head, body) = request.into_parts();
                let request = Message::read(head, body).await?;
                let answer = match request.head.method {
                    Method::HEAD => Message { body: Bytes::new(), trailers: None, ..answer },
                    _ => answer,
                };
                seen.lock().expect("requests").push(request);
                let (head, body) = answer.split();
                Ok::<_, hyper::Error>(Response::from_parts(head, body))
            }
        });
        let mut http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        http2.auto_date_header(false);
        // A peer may end it as it likes.
        tokio::spawn(http2.serve_connection(TokioIo::new(socket), respond));
    }
}

/// Sends a request on a connection of its own and reads all of the answer. Panics if there is none
/// in ten seconds.
pub fn call(addr: SocketAddr, request: Message<request::Parts>) -> Message<response::Parts> {
    let exchange = async {
        let socket = TcpStream::connect(addr).await.expect("connect");
        let handshake =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket));
        let (mut sender, connection) = handshake.await.expect("handshake");
        tokio::spawn(connection);
        let (head, body) = request.split();
        let response = sender.send_request(Request::from_parts(head, Box::pin(body))).await;
        let (head, body) = response.expect("a response").into_parts();
        Message::read(head, body).await.expect("its body")
    };
    let limited = async { tokio::time::timeout(LIMIT, exchange).await };
    runtime().block_on(limited).expect("a response in time")
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("runtime")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_and_its_answer_arrive_with_all_they_have() {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-end", "yes".parse().unwrap());
        let service =
            Service::start(Message { trailers: Some(trailers.clone()), ..Message::ok("b") });
        let head = Request::post("http://web/x").body(()).unwrap().into_parts().0;
        let request = Message { head, body: "a".into(), trailers: Some(trailers.clone()) };
        let answer = call(service.addr, request);
        assert_eq!((&answer.body[..], answer.trailers), (&b"b"[..], Some(trailers.clone())));
        let seen = service.seen().pop().unwrap();
        assert_eq!((&seen.body[..], seen.trailers), (&b"a"[..], Some(trailers)));
        assert_eq!(seen.head.uri, "http://web/x");
    }
}
