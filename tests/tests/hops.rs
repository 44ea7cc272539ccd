//! Overrides of one request reach the last of three routers, whatever HTTP is spoken between them and
//! whatever carries them.
//!
//! Each router but the last knows only the next one, by any name; the last one knows `web` and `alt`.
//! An override that sends `web` to `alt` says nothing to the first two, and must reach the third.

#![allow(clippy::unwrap_used, reason = "all of it is tests, not only the functions so marked")]

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use tests::certs::Authority;
use tests::tls::Caller;
use tests::{Backend, RawClient, Router, Setup};

/// What the routers speak with who comes before them, from the first to the last.
type Protocols = [&'static str; 3];

const ALL: [Protocols; 8] = [
    ["http", "http", "http"],
    ["http", "http", "h2"],
    ["http", "h2", "http"],
    ["http", "h2", "h2"],
    ["h2", "http", "http"],
    ["h2", "http", "h2"],
    ["h2", "h2", "http"],
    ["h2", "h2", "h2"],
];

/// Each with a header of its own and how the override is written in it.
const CARRIERS: [(&str, &str); 3] = [
    ("l5d-dtab", "/svc/web => /#/io.l5d.fs/alt"),
    ("l5d-ctx-dtab", "/svc/web => /#/io.l5d.fs/alt"),
    ("baggage", "user=ada,l5d-dtab=%2Fsvc%2Fweb%20%3D%3E%20%2F%23%2Fio.l5d.fs%2Falt"),
];

/// Three routers, one behind the other.
struct Chain {
    first: Router,
    _others: [Router; 2],
    first_protocol: &'static str,
}

fn speaks(protocol: &str) -> &'static str {
    if protocol == "h2" { "client: {speaks: h2}" } else { "client: {speaks: http/1.1}" }
}

impl Chain {
    fn start([first, second, third]: Protocols, web: &Backend, alt: &Backend) -> Self {
        let last = Setup::by_host()
            .protocol(third)
            .service("web", &[web])
            .service("alt", &[alt])
            .router("client: {speaks: http/1.1}")
            .start();
        let before = |protocol, next: &Router, next_protocol| {
            let line = format!("127.0.0.1 {}\n", next.addr.port());
            Setup::new("/svc => /#/io.l5d.fs/next")
                .protocol(protocol)
                .file("next", &line)
                .router(speaks(next_protocol))
                .start()
        };
        let middle = before(second, &last, third);
        let front = before(first, &middle, second);
        Chain { first: front, _others: [middle, last], first_protocol: first }
    }

    /// The body of the answer to `GET /` of the service `web`.
    fn ask(&self, header: Option<(&str, &str)>) -> String {
        let addr = self.first.addr;
        if self.first_protocol == "http" {
            let headers: Vec<_> = header.into_iter().collect();
            return self.first.get_with("web", &headers).text();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(ask_http2(addr, header))
    }
}

async fn ask_http2(addr: SocketAddr, header: Option<(&str, &str)>) -> String {
    let socket = tokio::net::TcpStream::connect(addr).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket))
            .await
            .unwrap();
    tokio::spawn(connection);
    let mut request = Request::get("http://web/").version(Version::HTTP_2);
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    let response = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[test]
fn an_override_reaches_the_last_router_whatever_is_spoken_between() {
    let (web, alt) = (Backend::fixed("web"), Backend::fixed("alt"));
    for protocols in ALL {
        let chain = Chain::start(protocols, &web, &alt);
        assert_eq!(chain.ask(None), "web", "{protocols:?}");
        for (header, value) in CARRIERS {
            assert_eq!(chain.ask(Some((header, value))), "alt", "{protocols:?} by {header}");
        }
        assert_eq!(chain.ask(None), "web", "{protocols:?}: for one request only");
    }
}

#[test]
fn what_the_service_sees_of_an_override_is_one_header() {
    let echo = Backend::echo();
    for protocols in ALL {
        let chain = Chain::start(protocols, &echo, &echo);
        let seen = chain.ask(Some(("l5d-dtab", "/svc/web => /#/io.l5d.fs/alt")));
        let seen: serde_json::Value = serde_json::from_str(&seen).unwrap();
        let all: Vec<(String, String)> = serde_json::from_value(seen["headers"].clone()).unwrap();
        let values = |wanted: &str| -> Vec<&str> {
            let named = all.iter().filter(|(name, _)| name.to_lowercase().contains(wanted));
            named.map(|(_, value)| value.as_str()).collect()
        };
        assert_eq!(values("dtab"), ["/svc/web=>/#/io.l5d.fs/alt"], "{protocols:?} {seen:#}");
        let via = protocols.map(|it| if it == "h2" { "h2 linkerd" } else { "1.1 linkerd" });
        assert_eq!(values("via"), [via.join(", ")], "{protocols:?} {seen:#}");
        assert_eq!(values("host"), ["web"], "{protocols:?} {seen:#}");
    }
}

/// One exchange by TLS in the HTTP that was agreed on: the version, and the answer as `/echo` sees it.
async fn ask_by_alpn(addr: SocketAddr, caller: &Caller) -> (Version, serde_json::Value) {
    let mut config = ClientConfig::clone(&caller.config());
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let socket = tokio::net::TcpStream::connect(addr).await.unwrap();
    let name = "front.test".try_into().unwrap();
    let stream = connector.connect(name, socket).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let request = Request::post("https://web/path?query")
        .version(Version::HTTP_2)
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .body(Full::new(Bytes::from_static(b"hello")))
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    let version = response.version();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (version, serde_json::from_slice(&body).unwrap())
}

#[test]
fn a_caller_who_would_rather_speak_http2_is_translated() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new(dir.path(), "authority");
    let identity = authority.issue("front", &["front.test"]);
    let echo = Backend::echo();
    let router = Setup::by_host()
        .service("web", &[&echo])
        .server(&format!("tls: {{{}}}", identity.yaml()))
        .start();
    let caller = Caller::trusting(authority.pem());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (version, seen) = runtime.block_on(ask_by_alpn(router.addr, &caller));
    assert_eq!(version, Version::HTTP_2);
    assert_eq!(seen["version"], "HTTP/1.1", "{seen:#}");
    assert_eq!((&seen["target"], &seen["body"]), (&"/path?query".into(), &"hello".into()));
    let headers: Vec<(String, String)> = serde_json::from_value(seen["headers"].clone()).unwrap();
    let value = |wanted: &str| {
        let named = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        named.map(|(_, value)| value.as_str())
    };
    assert_eq!((value("host"), value("cookie")), (Some("web"), Some("a=1; b=2")), "{seen:#}");
}

#[test]
fn who_speaks_http1_to_a_router_of_http2_is_told_what_to_do() {
    let router = Setup::by_host().protocol("h2").start();
    let upgrade = [("host", "web"), ("connection", "upgrade, http2-settings"), ("upgrade", "h2c")];
    let answer = RawClient::get(router.addr, "/", &upgrade).unwrap();
    assert_eq!(answer.status, 505);
    assert!(answer.text().contains("--http2-prior-knowledge"), "{}", answer.text());
}
