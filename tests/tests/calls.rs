//! Calls of gRPC and streams of HTTP/2 through a router: what they count as, when they are sent again,
//! how long they may take, and what their callers are told.

#![allow(clippy::unwrap_used, reason = "all of it is tests, not only the functions so marked")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Request, Response, Version};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Body as _, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tests::{Backend, Behaviour, Router, Setup};
use tokio::runtime::Runtime;

/// What a service answers one call with.
#[derive(Clone, Debug)]
enum Answer {
    /// A message, and this status behind it.
    Message(&'static str),
    /// All head, with this status in it.
    AllHead(&'static str),
    /// A message of so many bytes, and this status behind it.
    Long(usize, &'static str),
    /// A plain status of HTTP.
    Status(u16),
    /// The head, and then nothing for ever.
    Never,
    /// A message that holds the headers of the call, one to a line.
    Headers,
}

type Seen = Arc<Mutex<Vec<HeaderMap>>>;

/// A service that answers calls in turn, and goes on with the last answer.
struct Service {
    addr: SocketAddr,
    seen: Seen,
    _runtime: Runtime,
}

impl Service {
    fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let addr = listener.local_addr().unwrap();
        let answers = Arc::new(Mutex::new(answers.into_iter().collect::<VecDeque<_>>()));
        let seen = Seen::default();
        let all = seen.clone();
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (answers, seen) = (answers.clone(), all.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let (answers, seen) = (answers.clone(), seen.clone());
                    async move {
                        let (head, body) = request.into_parts();
                        seen.lock().unwrap().push(head.headers.clone());
                        // Whatever the caller sends is taken.
                        let _ = body.collect().await;
                        let mut answers = answers.lock().unwrap();
                        let answer = match answers.len() {
                            1 => answers[0].clone(),
                            _ => answers.pop_front().unwrap(),
                        };
                        Ok::<_, Infallible>(respond(&answer, &head.headers))
                    }
                });
                let codec = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                tokio::spawn(codec.serve_connection(TokioIo::new(socket), service));
            }
        });
        Service { addr, seen, _runtime: runtime }
    }

    fn fs_line(&self) -> String {
        format!("127.0.0.1 {}\n", self.addr.port())
    }

    fn calls(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

type Body = BoxBody<Bytes, Infallible>;

fn trailers(status: &'static str) -> HeaderMap {
    HeaderMap::from_iter([("grpc-status".parse().unwrap(), HeaderValue::from_static(status))])
}

fn respond(answer: &Answer, headers: &HeaderMap) -> Response<Body> {
    let message = |text: Vec<u8>, status: &'static str| -> Body {
        let frames = [Ok(Frame::data(Bytes::from(text))), Ok(Frame::trailers(trailers(status)))];
        BodyExt::boxed(StreamBody::new(stream::iter(frames)))
    };
    let empty = || BodyExt::boxed(Full::new(Bytes::new()));
    let mut response = Response::new(match answer {
        Answer::Message(status) => message(b"hello".to_vec(), status),
        Answer::Long(bytes, status) => message(vec![b'x'; *bytes], status),
        Answer::Headers => {
            let lines = headers.iter().map(|(name, value)| {
                format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()))
            });
            message(lines.collect::<String>().into_bytes(), "0")
        }
        Answer::AllHead(_) | Answer::Status(_) => empty(),
        Answer::Never => BodyExt::boxed(StreamBody::new(stream::pending())),
    });
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    match answer {
        Answer::AllHead(status) => response.headers_mut().extend(trailers(status)),
        Answer::Status(status) => *response.status_mut() = (*status).try_into().unwrap(),
        _ => {}
    }
    response
}

/// What a caller gets.
#[derive(Debug)]
struct Got {
    status: u16,
    headers: HeaderMap,
    body: String,
    trailers: HeaderMap,
    /// The stream was reset, or ended in the middle.
    broken: bool,
}

impl Got {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn trailer(&self, name: &str) -> Option<&str> {
        self.trailers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// Makes one call of the service `web` on a connection of its own.
fn call(addr: SocketAddr, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Result<Got, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut request = Request::post("http://web/pkg.Users/Get").version(Version::HTTP_2);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(body.into())).unwrap();
    runtime.block_on(async {
        let socket = tokio::net::TcpStream::connect(addr).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket))
                .await
                .unwrap();
        tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(|error| format!("{error:?}"))?;
        let (head, body) = response.into_parts();
        let mut body = body;
        let collected = (&mut body).collect().await;
        // The codec takes a stream that is cancelled for one that has ended.
        let broken = collected.is_err() || !body.is_end_stream();
        let (body, trailers) = match collected {
            Ok(collected) => {
                let trailers = collected.trailers().cloned().unwrap_or_default();
                (collected.to_bytes(), trailers)
            }
            Err(_) => Default::default(),
        };
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(Got { status: head.status.as_u16(), headers: head.headers, body, trailers, broken })
    })
}

const CALL: (&str, &str) = ("content-type", "application/grpc");

/// A router of HTTP/2 before a service, with these keys of `service`.
fn router(service: &Service, keys: &str) -> Router {
    Setup::by_host()
        .protocol("h2")
        .file("web", &service.fs_line())
        .router(&format!("service: {{{keys}}}"))
        .start()
}

const GRPC: &str = "responseClassifier: {kind: io.l5d.h2.grpc.default}";

#[test]
fn a_call_is_judged_by_what_it_ends_with_and_its_caller_is_told_there() {
    let service = Service::start([Answer::Message("0"), Answer::Message("5")]);
    let router = router(&service, "responseClassifier: {kind: io.l5d.h2.grpc.neverRetryable}");
    let good = call(router.addr, &[CALL], "x").unwrap();
    assert_eq!((good.status, good.body.as_str()), (200, "hello"));
    assert_eq!(good.trailer("grpc-status"), Some("0"));
    assert_eq!(good.trailer("l5d-success-class"), Some("1.0"));
    assert_eq!(good.header("l5d-success-class"), None, "it was not known yet");
    let bad = call(router.addr, &[CALL], "x").unwrap();
    assert_eq!(
        (bad.trailer("grpc-status"), bad.trailer("l5d-success-class")),
        (Some("5"), Some("0.0"))
    );
    for place in [
        "service/svc/web",
        "client/#/io.l5d.fs/web",
        &format!("server/127.0.0.1/{}", router.addr.port()),
    ] {
        let metric = |name: &str| router.metric(&format!("rt/h2/{place}/{name}"));
        assert_eq!(
            (metric("requests"), metric("success"), metric("failures")),
            (2.0, 1.0, 1.0),
            "{place}"
        );
    }
}

#[test]
fn a_call_that_may_be_is_sent_again_wherever_its_status_stands() {
    for first in [Answer::Message("14"), Answer::AllHead("14")] {
        let service = Service::start([first.clone(), Answer::Message("0")]);
        let router = router(&service, GRPC);
        let got = call(router.addr, &[CALL], "the same again").unwrap();
        assert_eq!(
            (got.body.as_str(), got.trailer("grpc-status")),
            ("hello", Some("0")),
            "{first:?}"
        );
        assert_eq!(service.calls(), 2);
        assert_eq!(router.metric("rt/h2/service/svc/web/retries/total"), 1.0);
    }
}

#[test]
fn what_may_be_sent_again_is_configured() {
    let codes = "responseClassifier: {kind: io.l5d.h2.grpc.retryableStatusCodes, \
                 retryableStatusCodes: [8], successStatusCodes: [0, 5]}";
    for (answer, calls) in [("8", 2), ("14", 1), ("5", 1)] {
        let service = Service::start([Answer::Message(answer), Answer::Message("0")]);
        let router = router(&service, codes);
        call(router.addr, &[CALL], "x").unwrap();
        assert_eq!(service.calls(), calls, "{answer}");
    }
    let compliant = "responseClassifier: {kind: io.l5d.h2.grpc.compliant}";
    let service = Service::start([Answer::Status(503), Answer::Message("0")]);
    let router = router(&service, compliant);
    assert_eq!(call(router.addr, &[CALL], "x").unwrap().trailer("grpc-status"), Some("0"));
}

#[test]
fn what_is_too_long_to_be_kept_is_sent_once() {
    let keys = format!("{GRPC}, retryBufferSize: {{requestBytes: 1000, responseBytes: 1000}}");
    let service = Service::start([Answer::Message("14"), Answer::Message("0")]);
    let long = router(&service, &keys);
    let got = call(long.addr, &[CALL], vec![b'x'; 2000]).unwrap();
    assert_eq!((got.trailer("grpc-status"), service.calls()), (Some("14"), 1));
    assert_eq!(long.metric("rt/h2/service/svc/web/retries/request_stream_too_long"), 1.0);

    let service = Service::start([Answer::Long(2000, "14"), Answer::Message("0")]);
    let long = router(&service, &keys);
    let got = call(long.addr, &[CALL], "x").unwrap();
    assert_eq!((got.body.len(), got.trailer("grpc-status")), (2000, Some("14")));
    assert_eq!(service.calls(), 1);
    assert_eq!(long.metric("rt/h2/service/svc/web/retries/response_stream_too_long"), 1.0);
}

#[test]
fn the_end_of_a_response_is_waited_for_only_so_long() {
    let service = Service::start([Answer::Never]);
    let router = router(&service, &format!("{GRPC}, classificationTimeoutMs: 50"));
    let began = Instant::now();
    let got = call(router.addr, &[CALL, ("grpc-timeout", "500m")], "x").unwrap();
    assert_eq!(
        (got.status, got.broken),
        (200, true),
        "the head came, and the deadline ended it: {got:?}"
    );
    assert!(began.elapsed() >= Duration::from_millis(400), "{:?}", began.elapsed());
    assert_eq!(router.metric("rt/h2/service/svc/web/retries/classification_timeout"), 1.0);
}

#[test]
fn a_deadline_is_handed_on_and_kept() {
    let service = Service::start([Answer::Headers]);
    let router = router(&service, "");
    let got = call(router.addr, &[CALL, ("grpc-timeout", "5S")], "x").unwrap();
    let handed_on = got.body.lines().find_map(|line| line.strip_prefix("grpc-timeout: ")).unwrap();
    let left: u64 = handed_on.trim_end_matches('u').parse().unwrap();
    assert!((4_000_000..=5_000_000).contains(&left), "{handed_on}");
    assert!(got.body.contains("te: trailers") || !got.body.contains("te:"), "{}", got.body);

    let silent = Backend::start(Behaviour::body("too late").held());
    let late = Setup::by_host()
        .protocol("h2")
        .service("web", &[&silent])
        .router("client: {speaks: http/1.1}")
        .start();
    let got = call(late.addr, &[CALL, ("grpc-timeout", "200m")], "x").unwrap();
    assert_eq!(got.header("grpc-status"), Some("4"), "{got:?}");
    assert!(got.header("grpc-message").unwrap().contains("grpc-timeout"), "{got:?}");
}

#[test]
fn what_cannot_be_routed_is_told_in_the_callers_own_terms() {
    let service = Service::start([Answer::Message("0")]);
    let router = router(&service, "");
    let nowhere = ("l5d-dtab", "/svc/web => /#/io.l5d.fs/nobody ; /svc/web => !");
    let got = call(router.addr, &[CALL, nowhere], "x").unwrap();
    assert_eq!((got.status, got.header("grpc-status")), (200, Some("14")), "{got:?}");
    assert!(
        got.header("grpc-message").unwrap().contains("override dentry 2 of 2 says !"),
        "{got:?}"
    );
    assert!(got.header("l5d-err").is_some() && got.body.is_empty());
    let plain = call(router.addr, &[nowhere], "x").unwrap();
    assert_eq!((plain.status, plain.header("grpc-status")), (502, None));
    assert!(plain.body.contains("Unable to route request!"), "{}", plain.body);
    let wrong = call(router.addr, &[CALL, ("l5d-dtab", "/svc foo")], "x").unwrap();
    assert_eq!(wrong.header("grpc-status"), Some("3"), "{wrong:?}");
    let wrong = call(router.addr, &[("l5d-dtab", "/svc foo")], "x").unwrap();
    assert_eq!(wrong.status, 400);
}

#[test]
fn names_are_taken_from_the_path_of_a_call() {
    let service = Service::start([Answer::Headers]);
    let router = Setup::new("/svc/pkg.Users => /#/io.l5d.fs/users")
        .protocol("h2")
        .file("users", &service.fs_line())
        .router("identifier: {kind: io.l5d.header.path, segments: 1}")
        .start();
    let got = call(router.addr, &[CALL], "x").unwrap();
    assert!(got.body.contains("l5d-dst-service: /svc/pkg.Users\n"), "{}", got.body);
    assert!(got.body.contains("l5d-dst-client: /#/io.l5d.fs/users\n"), "{}", got.body);
}
