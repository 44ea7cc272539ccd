//! Bodies pass as they come, and break as they break.

use std::io::ErrorKind;
use std::time::Duration;

use bytes::Bytes;
use tests::{Backend, Behaviour, RawClient, Setup, wait_until};

const MIB: usize = 1 << 20;

fn start(backend: &Backend) -> tests::Router {
    Setup::by_host().service("web", &[backend]).start()
}

fn get(client: &mut RawClient) {
    client.send("GET / HTTP/1.1\r\nHost: web\r\n\r\n").unwrap();
}

fn read_until(stream: &mut std::net::TcpStream, end: &[u8]) {
    let mut came = Vec::new();
    while !came.ends_with(end) {
        let mut byte = [0];
        std::io::Read::read_exact(stream, &mut byte).unwrap();
        came.push(byte[0]);
    }
}

#[test]
fn a_large_download_takes_little_memory() {
    let backend = Backend::fixed(vec![b'x'; 32 * MIB]);
    let router = start(&backend);
    router.get("web");
    let before = router.proc.rss_bytes();
    let mut client = router.connect();
    for _ in 0..8 {
        get(&mut client);
        let length: usize =
            client.head().unwrap().header("content-length").unwrap().parse().unwrap();
        let mut left = length;
        while left > 0 {
            left -= client.exactly(left.min(MIB)).unwrap().len();
            let now = router.proc.rss_bytes();
            assert!(now < before + 16 * MIB as u64, "{before} bytes before, {now} now");
        }
    }
}

#[test]
fn a_large_upload_takes_little_memory() {
    let backend = Backend::fixed("ok");
    let router = start(&backend);
    router.get("web");
    let before = router.proc.rss_bytes();
    let mut client = router.connect().timeout(Duration::from_secs(20));
    let piece = vec![b'x'; MIB];
    for _ in 0..8 {
        client
            .send(format!("POST / HTTP/1.1\r\nHost: web\r\nContent-Length: {}\r\n\r\n", 32 * MIB))
            .unwrap();
        for _ in 0..32 {
            client.send(&piece).unwrap();
            let now = router.proc.rss_bytes();
            assert!(now < before + 16 * MIB as u64, "{before} bytes before, {now} now");
        }
        assert_eq!(client.response().unwrap().status, 200);
    }
}

#[test]
fn a_caller_who_does_not_read_holds_the_service_up() {
    let backend = Backend::fixed(vec![b'x'; 64 * MIB]);
    let router = start(&backend);
    let before = router.proc.rss_bytes();
    let mut client = router.connect().timeout(Duration::from_secs(20));
    get(&mut client);
    client.head().unwrap();
    // The sockets' buffers fill and nothing moves: the answer has not been written in full.
    assert!(!wait_until(Duration::from_millis(500), || backend.answered() > 0));
    assert!(router.proc.rss_bytes() < before + 16 * MIB as u64);
    assert_eq!(client.exactly(64 * MIB).unwrap().len(), 64 * MIB);
    assert!(wait_until(Duration::from_secs(5), || backend.answered() == 1));
}

#[test]
fn a_response_passes_before_it_is_complete() {
    let backend = Backend::start(Behaviour::Stream(vec!["one".into(), "two".into()]));
    let router = start(&backend);
    let mut client = router.connect();
    get(&mut client);
    let head = client.head().unwrap();
    assert_eq!(head.header("transfer-encoding"), Some("chunked"));
    for piece in ["one", "two"] {
        backend.release(1);
        assert_eq!(client.line().unwrap(), "3");
        assert_eq!(client.line().unwrap(), piece);
    }
    backend.release(1);
    assert_eq!((client.line().unwrap(), client.line().unwrap()), ("0".into(), String::new()));
}

#[test]
fn a_request_passes_before_it_is_complete_and_may_be_answered_before() {
    // Reads what comes, and answers at once.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let line = format!("127.0.0.1 {}\n", listener.local_addr().unwrap().port());
    let router = Setup::by_host().file("web", &line).start_with(&["--workers", "1"]);
    let mut client = router.connect();
    client
        .send("POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        .unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    read_until(&mut stream, b"hello\r\n");
    std::io::Write::write_all(&mut stream, b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nearly")
        .unwrap();
    assert_eq!(client.response().unwrap().text(), "early");
    // The connection still has the upload on it: it is not for the next request.
    let mut next = router.connect();
    get(&mut next);
    let (mut fresh, _) = listener.accept().unwrap();
    read_until(&mut fresh, b"\r\n\r\n");
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfresh";
    std::io::Write::write_all(&mut fresh, answer).unwrap();
    assert_eq!(next.response().unwrap().text(), "fresh");
}

#[test]
fn a_caller_who_waits_is_told_to_go_on_once_the_request_is_routed() {
    let echo = Backend::echo();
    let router = start(&echo);
    let mut client = router.connect();
    let ask = |host: &str| {
        format!(
            "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
        )
    };
    client.send(ask("web")).unwrap();
    assert_eq!(client.head().unwrap().status, 100);
    client.send("hello").unwrap();
    let response = client.response().unwrap();
    assert_eq!(response.json()["body"], "hello");
    assert_eq!(crate::seen::header(&response, "expect"), None);
    let mut client = router.connect();
    client.send(ask("nobody")).unwrap();
    assert_eq!(client.head().unwrap().status, 502);
}

#[test]
fn trailers_of_a_request_reach_the_service_if_announced() {
    let echo = Backend::echo();
    let router = start(&echo);
    let mut client = router.connect();
    let send = |client: &mut RawClient, announced: &str| {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n{announced}\r\n"
        );
        client.send(head + "5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n").unwrap();
        client.response().unwrap().json()
    };
    assert_eq!(
        send(&mut client, "Trailer: X-Sum\r\n")["trailers"],
        serde_json::json!([["x-sum", "42"]])
    );
    assert_eq!(send(&mut client, "")["trailers"], serde_json::json!([]));
}

#[test]
fn trailers_of_a_response_reach_a_caller_who_takes_them_if_announced() {
    let bytes = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 42\r\n\r\n";
    let backend = Backend::start(Behaviour::Raw { bytes: bytes.into(), close: false });
    let router = start(&backend);
    let takes = router.get_with("web", &[("te", "trailers")]);
    assert_eq!(
        (takes.text(), takes.trailers),
        ("hello".into(), vec![("x-sum".into(), "42".into())])
    );
    let does_not = router.get("web");
    assert_eq!((does_not.text(), does_not.trailers), ("hello".into(), Vec::new()));
}

#[test]
fn a_body_without_a_length_becomes_chunks() {
    let bytes = Bytes::from_static(b"HTTP/1.1 200 OK\r\n\r\nall of it");
    let backend = Backend::start(Behaviour::Raw { bytes, close: true });
    let router = start(&backend);
    let response = router.get("web");
    assert_eq!(response.header("transfer-encoding"), Some("chunked"));
    assert_eq!(response.text(), "all of it");
}

#[test]
fn a_response_that_breaks_off_never_ends_politely() {
    let backend = Backend::start(Behaviour::cut(100, 50));
    let router = start(&backend);
    let breaks = |how: &str| {
        let mut client = router.connect();
        get(&mut client);
        let error = client.response().expect_err(how);
        assert!(
            matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof),
            "{how}: {error}"
        );
    };
    breaks("a length that is not reached");
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    backend.set(Behaviour::Raw { bytes: chunked.into(), close: true });
    breaks("chunks without an end");
    let bad = format!("{chunked}zz\r\n");
    backend.set(Behaviour::Raw { bytes: bad.into(), close: false });
    breaks("chunks that are none");
}

#[test]
fn a_response_to_an_old_client_that_breaks_off_is_reset() {
    // To a client of HTTP/1.0 the end of the connection is the end of the body.
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    let backend = Backend::start(Behaviour::Raw { bytes: chunked.into(), close: true });
    let router = start(&backend);
    let mut client = router.connect();
    client.send("GET / HTTP/1.0\r\nHost: web\r\n\r\n").unwrap();
    let error = client.response().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
}

#[test]
fn a_service_that_answers_nonsense_is_a_bad_gateway() {
    let backend = Backend::start(Behaviour::hang_up());
    let router = start(&backend);
    for bytes in [
        "",
        "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\ncontent-length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ] {
        backend.set(Behaviour::Raw { bytes: bytes.into(), close: true });
        let response = router.get("web");
        assert_eq!(response.status, 502, "{bytes:?}: {}", response.head);
        assert!(response.header("l5d-err").is_some(), "{bytes:?}");
    }
}

#[test]
fn a_caller_who_breaks_off_costs_the_connection_to_the_service() {
    let backend = Backend::fixed("ok");
    let router = start(&backend);
    let mut client = router.connect();
    // Too long to be kept until it is whole.
    client.send("POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 9999\r\n\r\nhalf").unwrap();
    assert!(wait_until(Duration::from_secs(5), || backend.open() == 1));
    drop(client);
    assert!(wait_until(Duration::from_secs(5), || backend.open() == 0));
    assert_eq!(backend.requests(), 0);
    assert_eq!(router.get("web").status, 200);
}

#[test]
fn a_caller_who_goes_before_the_answer_frees_the_service() {
    let backend = Backend::start(Behaviour::body("ok").held());
    let router = start(&backend);
    let mut client = router.connect();
    get(&mut client);
    assert!(wait_until(Duration::from_secs(5), || backend.requests() == 1));
    drop(client);
    assert!(wait_until(Duration::from_secs(5), || backend.open() == 0));
}
