//! What is not a call of gRPC to a router, or one like any other, passes byte for byte.

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, Request, request, response};
use tests::Setup;
use tests::http2::{Message, Service, call};

pub(crate) const TESTS: &[(&str, fn())] = &[
    ("grpc_web_passes_untouched", grpc_web_passes_untouched),
    ("a_health_check_passes_untouched", a_health_check_passes_untouched),
];

/// gRPC-Web has its trailers at the end of its body: a router has to leave even those alone.
fn grpc_web_passes_untouched() {
    let any: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let web = ("content-type", "application/grpc-web+proto");
    passes_untouched(
        request("/package.Service/Method", &[web, ("x-grpc-web", "1")], any.clone()),
        answer(&[web], [&any[..], b"\x80\0\0\0\x0fgrpc-status:14\r\n"].concat(), None),
    );
}

/// `Check` of a service by name, which is `SERVING`.
fn a_health_check_passes_untouched() {
    let grpc = ("content-type", "application/grpc");
    let sent = [grpc, ("te", "trailers"), ("grpc-encoding", "identity"), ("user-agent", "probe")];
    passes_untouched(
        request("/grpc.health.v1.Health/Check", &sent, &b"\0\0\0\0\x05\x0a\x03web"[..]),
        answer(
            &[grpc],
            &b"\0\0\0\0\x02\x08\x01"[..],
            Some(&[("grpc-status", "0"), ("x-end", "1")]),
        ),
    );
}

/// The service gets what was sent, and the caller what was answered, with nothing of it changed.
fn passes_untouched(sent: Message<request::Parts>, answered: Message<response::Parts>) {
    let service = Service::start(answered.clone());
    let router = Setup::h2("/svc => /#/io.l5d.fs").file("web", &service.fs_line()).start();
    let answer = call(router.addr, sent.clone());
    let seen = service.seen().pop().expect("a request");
    assert_eq!(seen.head.method, sent.head.method);
    assert_eq!(seen.head.uri, sent.head.uri);
    assert!(seen.body == sent.body, "the body of the request");
    assert_eq!(seen.trailers, sent.trailers);
    assert_eq!(without_ours(&seen.head.headers), sent.head.headers);
    assert_eq!(answer.head.status, answered.head.status);
    assert!(answer.body == answered.body, "the body of the answer");
    assert_eq!(answer.trailers, answered.trailers);
    assert_eq!(without_ours(&answer.head.headers), answered.head.headers);
}

/// The headers without those by which routers tell what became of a request.
fn without_ours(headers: &HeaderMap) -> HeaderMap {
    let is_ours = |name: &HeaderName| name == "via" || name.as_str().starts_with("l5d-");
    let rest = headers.iter().filter(|(name, _)| !is_ours(name));
    rest.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn request(
    path: &str,
    headers: &[(&'static str, &'static str)],
    body: impl Into<Bytes>,
) -> Message<request::Parts> {
    let (mut head, ()) = Request::post(format!("http://web{path}")).body(()).unwrap().into_parts();
    let body = body.into();
    head.headers = with_length(headers, &body);
    Message { head, body, trailers: None }
}

fn answer(
    headers: &[(&'static str, &'static str)],
    body: impl Into<Bytes>,
    trailers: Option<&[(&'static str, &'static str)]>,
) -> Message<response::Parts> {
    let mut answer = Message::ok(body);
    answer.head.headers = with_length(headers, &answer.body);
    Message { trailers: trailers.map(map), ..answer }
}

/// These headers and the length of the body, which a caller or service of hyper's tells by itself.
fn with_length(headers: &[(&'static str, &'static str)], body: &Bytes) -> HeaderMap {
    let mut all = map(headers);
    all.insert(CONTENT_LENGTH, body.len().into());
    all
}

fn map(headers: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    headers.iter().map(pair).collect()
}
