//! Messages that could be read in two ways are refused, and nothing of them reaches a backend.

use std::io::ErrorKind;
use std::time::Duration;

use tests::{Backend, RawClient, RawResponse, Router, Setup};

struct Bench {
    backend: Backend,
    router: Router,
}

fn bench() -> Bench {
    let backend = Backend::fixed("ok");
    let router = Setup::by_host().service("web", &[&backend]).start();
    Bench { backend, router }
}

impl Bench {
    /// What comes back for these bytes. The connection must be closed behind it.
    fn refused(&self, bytes: &[u8]) -> RawResponse {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        let mut client = self.router.connect();
        let _ = client.send(bytes);
        let response = client.response().unwrap_or_else(|error| panic!("{error} for {shown:?}"));
        client.expect_close().unwrap_or_else(|error| panic!("not closed ({error}) for {shown:?}"));
        response
    }

    fn seen(&self) -> u64 {
        self.backend.requests()
    }
}

const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: web\r\n\r\n";

#[test]
fn what_has_two_readings_is_refused_and_says_why() {
    let bench = bench();
    let cases: &[(&str, &str, &str)] = &[
        ("bare LF behind the request line", "GET / HTTP/1.1\nHost: web\r\n\r\n", "bare LF"),
        ("bare LF behind a field", "GET / HTTP/1.1\r\nHost: web\n\r\n", "bare LF"),
        ("bare LF as the end", "GET / HTTP/1.1\r\nHost: web\r\n\n", "bare LF"),
        (
            "a length, then an encoding",
            "POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
            "both Content-Length and Transfer-Encoding",
        ),
        (
            "an encoding, then a length",
            "POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nG",
            "both Content-Length and Transfer-Encoding",
        ),
        (
            "lengths that differ",
            "POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
            "Content-Length values differ",
        ),
        (
            "a list of lengths",
            "POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 5, 5\r\n\r\nhello",
            "Content-Length is not a number",
        ),
        (
            "a signed length",
            "POST / HTTP/1.1\r\nHost: web\r\nContent-Length: +5\r\n\r\nhello",
            "Content-Length is not a number",
        ),
        (
            "an unknown encoding",
            "POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
            "not just `chunked`",
        ),
        (
            "chunked twice",
            "POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "not just `chunked`",
        ),
        (
            "chunked and identity",
            "POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
            "not just `chunked`",
        ),
        (
            "an encoding in HTTP/1.0",
            "POST / HTTP/1.0\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.0",
        ),
        ("a folded field", "GET / HTTP/1.1\r\nHost: web\r\nX: a\r\n b\r\n\r\n", "folded"),
        ("two hosts", "GET / HTTP/1.1\r\nHost: web\r\nHost: other\r\n\r\n", "more than one Host"),
        (
            "the same host twice",
            "GET / HTTP/1.1\r\nHost: web\r\nHost: web\r\n\r\n",
            "more than one Host",
        ),
        ("no host", "GET / HTTP/1.1\r\n\r\n", "no Host"),
        (
            "a host that is not that of the target",
            "GET http://web/ HTTP/1.1\r\nHost: other\r\n\r\n",
            "does not agree",
        ),
        ("a target that is only a host", "GET web HTTP/1.1\r\nHost: web\r\n\r\n", "target"),
    ];
    for (what, head, why) in cases {
        let response = bench.refused(format!("{head}{SMUGGLED}").as_bytes());
        assert_eq!(response.status, 400, "{what}: {}", response.head);
        assert!(response.text().contains(why), "{what}: {}", response.text());
        assert!(response.header("l5d-err").is_some(), "{what}");
    }
    assert_eq!(bench.seen(), 0);
    assert_eq!(bench.router.get("web").status, 200);
}

#[test]
fn what_is_no_http_is_refused() {
    let bench = bench();
    for head in [
        "GET / HTTP/1.1\r\nHost : web\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: web\r\nContent-Length : 5\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: web\r\nX: a\0b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: web\r\nX\0: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: web\r\nX: a\rb\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: web\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: web\r\n: no name\r\n\r\n",
        "GET  /  HTTP/1.1\r\nHost: web\r\n\r\n",
        "GET / HTTP/1.7\r\nHost: web\r\n\r\n",
        "GET /\r\n\r\n",
    ] {
        assert_eq!(bench.refused(format!("{head}{SMUGGLED}").as_bytes()).status, 400, "{head:?}");
    }
    assert_eq!(bench.seen(), 0);
}

#[test]
fn limits_are_named() {
    let bench = bench();
    let big = format!("GET / HTTP/1.1\r\nHost: web\r\nX: {}\r\n\r\n", "x".repeat(16_000));
    let response = bench.refused(big.as_bytes());
    assert_eq!(response.status, 431);
    assert!(
        response.text().contains("8192") && response.text().contains("maxHeadersKB"),
        "{}",
        response.text()
    );
    let long = format!("GET /{} HTTP/1.1\r\nHost: web\r\n\r\n", "x".repeat(5000));
    let response = bench.refused(long.as_bytes());
    assert_eq!(response.status, 414);
    assert!(
        response.text().contains("4096") && response.text().contains("maxInitialLineKB"),
        "{}",
        response.text()
    );
    let many = format!("GET / HTTP/1.1\r\nHost: web\r\n{}\r\n", "X: y\r\n".repeat(200));
    let response = bench.refused(many.as_bytes());
    assert_eq!(response.status, 431);
    assert!(response.text().contains("100 header fields"), "{}", response.text());
    assert_eq!(bench.seen(), 0);
}

#[test]
fn a_refusal_reaches_a_caller_that_is_still_sending() {
    let bench = bench();
    let mut client = bench.router.connect();
    // More than the sockets' buffers hold, so that some is on its way when the router closes.
    let head = "POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n";
    let sent = client.send([head.as_bytes(), &vec![b'x'; 8 << 20]].concat());
    assert!(sent.is_ok(), "{sent:?}");
    assert_eq!(client.response().unwrap().status, 400);
    assert_eq!(
        client.to_end().map_err(|error| error.kind()),
        Ok(Vec::new()),
        "a reset, which may overtake the answer"
    );
}

#[test]
fn chunks_that_are_none_are_refused() {
    let bench = bench();
    for body in [
        "g\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5;a\nhello\r\n0\r\n\r\n",
        "-1\r\n",
        "ffffffffffffffff1\r\n",
        "5\r\nhello!\r\n0\r\n\r\n",
    ] {
        let head = "POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n";
        let response = bench.refused(format!("{head}{body}{SMUGGLED}").as_bytes());
        assert_eq!(response.status, 400, "{body:?}: {}", response.text());
        assert!(response.text().contains("chunk"), "{body:?}: {}", response.text());
    }
    assert_eq!(bench.seen(), 0);
}

#[test]
fn good_requests_before_a_bad_one_are_answered_first() {
    let bench = bench();
    let good = "GET / HTTP/1.1\r\nHost: web\r\n\r\n";
    let bad = "GET / HTTP/1.1\r\nHost: web\nX: y\r\n\r\n";
    // However the bytes are cut: every place of the first request, and all at once.
    for cut in [0, 1, 10, good.len() - 1, good.len(), good.len() + 5] {
        let bytes = format!("{good}{bad}{SMUGGLED}");
        let seen = bench.seen();
        let mut client = bench.router.connect();
        client.send(&bytes[..cut]).unwrap();
        bench.router.get("web"); // lets the router see the first piece by itself
        client.send(&bytes[cut..]).unwrap();
        let first = client.response().unwrap();
        assert_eq!(
            (first.status, first.text().as_str()),
            (200, "ok"),
            "cut at {cut}: {}",
            first.text()
        );
        let second = client.response().unwrap();
        assert_eq!(second.status, 400, "cut at {cut}");
        client.expect_close().unwrap();
        assert_eq!(bench.seen(), seen + 2, "cut at {cut}");
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let echo = Backend::echo();
    let router = Setup::by_host().service("web", &[&echo]).start();
    let mut client = router.connect();
    let request =
        |n: u32| format!("POST /{n} HTTP/1.1\r\nHost: web\r\nContent-Length: 2\r\n\r\n{n:02}");
    client.send((0..20).map(request).collect::<String>()).unwrap();
    for n in 0..20 {
        let seen = client.response().unwrap().json();
        assert_eq!(
            (seen["target"].as_str(), seen["body"].as_str()),
            (Some(&*format!("/{n}")), Some(&*format!("{n:02}")))
        );
    }
}

#[test]
fn nothing_is_read_behind_the_last_request() {
    let bench = bench();
    let response = bench.refused(
        format!("GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n{SMUGGLED}").as_bytes(),
    );
    assert_eq!(response.status, 200);
    assert_eq!(bench.seen(), 1);
}

#[test]
fn empty_lines_before_a_request_are_few() {
    let bench = bench();
    let mut client = bench.router.connect();
    client.send(format!("\r\n{SMUGGLED}")).unwrap();
    assert_eq!(client.response().unwrap().status, 200);
    let response = bench.refused("\r\n".repeat(1000).as_bytes());
    assert_eq!(response.status, 400);
}

#[test]
fn a_body_of_a_get_is_framed_for_the_backend_as_it_came() {
    let echo = Backend::echo();
    let router = Setup::by_host().service("web", &[&echo]).start();
    let mut client = router.connect();
    client.send("GET / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n").unwrap();
    assert_eq!(client.response().unwrap().json()["body"], "hello");
    client.send("GET / HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\n\r\nworld").unwrap();
    assert_eq!(client.response().unwrap().json()["body"], "world");
}

#[test]
fn a_head_that_does_not_come_times_out() {
    let bench = bench();
    let mut client = bench.router.connect().timeout(Duration::from_secs(15));
    client.send("GET / HTTP/1.1\r\nHost: web\r\n").unwrap();
    let response = client.response().unwrap();
    assert_eq!(response.status, 408);
    assert!(response.text().contains("10000 ms"), "{}", response.text());
    client.expect_close().unwrap();
    assert_eq!(bench.seen(), 0);
}

#[test]
fn a_connection_without_a_request_may_wait() {
    let bench = bench();
    let mut client: RawClient = bench.router.connect().timeout(Duration::from_millis(300));
    let quiet = client.expect_close().unwrap_err();
    assert_eq!(quiet.kind(), ErrorKind::TimedOut);
    assert_eq!(client.request("GET", "/", &[("host", "web")], b"").unwrap().status, 200);
}
