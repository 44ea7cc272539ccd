//! What a server takes from its callers, and what they are told when it is too much.

#![allow(clippy::unwrap_used, reason = "all of it is tests, not only the functions so marked")]

use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use tests::{Backend, Behaviour, RawClient, RawResponse, Router, Setup, wait_until};

const LIMIT: Duration = Duration::from_secs(10);
const GET: &str = "GET / HTTP/1.1\r\nHost: web\r\n\r\n";

fn held() -> Backend {
    Backend::start(Behaviour::body("ok").held())
}

fn with(backend: &Backend, key: &str) -> Router {
    Setup::by_host().service("web", &[backend]).server(key).start_with(&["--workers", "1"])
}

/// A metric of the server.
fn counted(router: &Router, name: &str) -> f64 {
    let addr = router.addr;
    router.metric(&format!("rt/http/server/{}/{}/{name}", addr.ip(), addr.port()))
}

/// A connection that this is sent on, and waits.
fn sent(router: &Router, bytes: &str) -> RawClient {
    let mut client = router.connect().timeout(LIMIT);
    client.send(bytes).unwrap();
    client
}

/// `count` requests that the backend holds.
fn busy(router: &Router, backend: &Backend, count: u64) -> Vec<RawClient> {
    let clients = (0..count).map(|_| sent(router, GET)).collect();
    assert!(wait_until(LIMIT, || backend.requests() == count));
    clients
}

fn shown(response: &RawResponse) -> (u16, String) {
    (response.status, response.text())
}

#[test]
fn a_request_too_many_may_be_sent_again() {
    let backend = held();
    let key = "maxConcurrentRequests: 2";
    // The limit is of all workers together.
    let setup = Setup::by_host().service("web", &[&backend]).server(key);
    let router = setup.start_with(&["--workers", "2"]);
    let under_way = busy(&router, &backend, 2);
    let mut client = sent(&router, GET);
    let nack = client.response().unwrap();
    assert_eq!(
        shown(&nack),
        (
            503,
            "Request was not processed by the server due to an error and is safe to retry".into()
        )
    );
    let headers = ["finagle-http-nack", "retry-after", "l5d-err", "connection"];
    assert_eq!(headers.map(|name| nack.header(name)), [Some("true"), Some("0"), None, None]);
    assert_eq!(counted(&router, "nacks"), 1.0);
    backend.release(3);
    for mut client in under_way {
        assert_eq!(client.response().unwrap().text(), "ok");
    }
    client.send(GET).unwrap();
    assert_eq!(client.response().unwrap().text(), "ok", "on the same connection");
    assert_eq!(backend.requests(), 3);
}

#[test]
fn a_request_has_its_time() {
    let backend = held();
    let router = with(&backend, "timeoutMs: 200");
    let response = sent(&router, GET).response().unwrap();
    let why = "no response began within 200 ms (timeoutMs of the server)";
    assert_eq!(shown(&response), (503, why.into()));
    assert!(response.header("l5d-err").is_some());
    assert_eq!(counted(&router, "limits/request_timeout"), 1.0);
    assert_eq!(counted(&router, "pending"), 0.0);
}

#[test]
fn a_head_has_its_time_and_size() {
    let backend = Backend::fixed("ok");
    let router = with(&backend, "limits: {headTimeoutMs: 300, maxHeaders: 5}");
    let answer = |bytes: &str| {
        let mut client = sent(&router, bytes);
        let response = client.response().unwrap();
        client.expect_close().unwrap();
        shown(&response)
    };
    let why = "the request head did not arrive within 300 ms (limits.headTimeoutMs)";
    assert_eq!(answer("GET / HTTP/1.1\r\nHost: w"), (408, why.into()));
    let many = format!("GET / HTTP/1.1\r\nHost: web\r\n{}\r\n", "a: b\r\n".repeat(5));
    let why = "the request has more than 5 header fields (limits.maxHeaders)";
    assert_eq!(answer(&many), (431, why.into()));
    let long = format!("GET / HTTP/1.1\r\nHost: web\r\na: {}\r\n\r\n", "b".repeat(16_000));
    let why = "the header section is longer than 8192 bytes (maxHeadersKB)";
    assert_eq!(answer(&long), (431, why.into()));
    let long = format!("GET /{} HTTP/1.1\r\nHost: web\r\n\r\n", "b".repeat(5000));
    let why = "the request line is longer than 4096 bytes (maxInitialLineKB)";
    assert_eq!(answer(&long), (414, why.into()));
    for limit in ["head_timeout", "headers", "head_bytes", "line_bytes"] {
        assert_eq!(counted(&router, &format!("limits/{limit}")), 1.0, "{limit}");
    }
    assert_eq!(backend.requests(), 0);
}

#[test]
fn a_body_that_stalls_is_cut_off() {
    let backend = Backend::fixed("ok");
    let router = with(&backend, "limits: {bodyTimeoutMs: 300}");
    let mut client =
        sent(&router, "POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 10\r\n\r\nhalf");
    client.expect_close().unwrap();
    assert!(wait_until(LIMIT, || counted(&router, "limits/body_timeout") == 1.0));
}

#[test]
fn a_connection_that_nobody_uses_is_closed_by_either_limit() {
    let backend = Backend::fixed("ok");
    for (key, counter) in [
        ("limits: {idleTimeoutMs: 300}", "limits/idle_timeout"),
        ("serverSession: {idleTimeMs: 300}", "idle"),
        ("socketOptions: {readTimeoutMs: 300}", "read_timeout"),
    ] {
        let router = with(&backend, key);
        let mut client = sent(&router, GET);
        assert_eq!(client.response().unwrap().text(), "ok");
        let answered = Instant::now();
        client.expect_close().unwrap();
        assert!(answered.elapsed() >= Duration::from_millis(290), "{key}");
        assert!(wait_until(LIMIT, || counted(&router, "closes") == 1.0), "{key}");
        let counts = [counter, "connects", "connections"].map(|name| counted(&router, name));
        assert_eq!(counts, [1.0, 1.0, 0.0], "{key}");
    }
}

#[test]
fn a_session_has_its_life_and_loses_no_request_at_its_end() {
    let backend = Backend::fixed("ok");
    let router = with(&backend, "serverSession: {lifeTimeMs: 300}");
    let mut client = router.connect();
    let opened = Instant::now();
    let last = loop {
        let response = client.request("GET", "/", &[("host", "web")], b"").unwrap();
        assert_eq!(response.status, 200);
        if response.header("connection").is_some() {
            break response;
        }
        assert!(opened.elapsed() < LIMIT);
    };
    assert_eq!(last.header("connection"), Some("close"));
    client.expect_close().unwrap();
    assert!(opened.elapsed() >= Duration::from_millis(300));
    let mut unused = router.connect();
    unused.expect_close().unwrap();
    assert!(wait_until(LIMIT, || counted(&router, "closes") == 2.0));
    assert_eq!(counted(&router, "lifetime"), 2.0);
}

#[test]
fn a_caller_who_takes_nothing_is_cut_off() {
    let backend = Backend::fixed(vec![b'x'; 32 << 20]);
    let router = with(&backend, "socketOptions: {writeTimeoutMs: 300}");
    let mut client = sent(&router, GET);
    assert!(wait_until(LIMIT, || counted(&router, "write_timeout") == 1.0));
    let error = client.response().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof));
}

#[test]
fn bytes_and_ends_are_counted() {
    let backend = Backend::fixed("ok");
    let router = with(&backend, "clearContext: false");
    let mut client = sent(&router, GET);
    let response = client.response().unwrap();
    let bytes = response.head.len() + "\r\n\r\n".len() + response.body.len();
    drop(client);
    assert!(wait_until(LIMIT, || counted(&router, "closes") == 1.0));
    assert_eq!(counted(&router, "received_bytes"), GET.len() as f64);
    assert_eq!(counted(&router, "sent_bytes"), bytes as f64);
}

#[test]
fn a_connection_too_many_is_told_so() {
    let backend = held();
    let router = with(&backend, "limits: {maxConnections: 2}");
    let mut under_way = busy(&router, &backend, 2);
    let mut refused = router.connect();
    let response = refused.response().unwrap();
    let why = "2 connections are open, and no more are taken (limits.maxConnections)";
    assert_eq!(shown(&response), (503, why.into()));
    assert_eq!(response.header("connection"), Some("close"));
    refused.expect_close().unwrap();
    assert_eq!(counted(&router, "limits/connections"), 1.0);
    backend.release(3);
    for client in &mut under_way {
        assert_eq!(client.response().unwrap().text(), "ok");
    }
    under_way.pop();
    assert!(wait_until(LIMIT, || counted(&router, "connections") == 1.0));
    assert_eq!(router.get("web").text(), "ok");
}

#[test]
fn one_peer_does_not_take_all_connections() {
    let backend = held();
    let router = with(&backend, "limits: {maxConnectionsPerPeer: 2}");
    let _under_way = busy(&router, &backend, 2);
    let mut refused = router.connect();
    let why = "2 connections are open from this address, and no more are taken \
               (limits.maxConnectionsPerPeer)";
    assert_eq!(shown(&refused.response().unwrap()), (429, why.into()));
    refused.expect_close().unwrap();
    assert_eq!(counted(&router, "limits/connections_per_peer"), 1.0);
    backend.release(2);
}

#[test]
fn a_full_server_gives_up_those_who_send_nothing_before_those_who_come() {
    let backend = held();
    let router = with(&backend, "limits: {maxConnections: 3}");
    let mut under_way = busy(&router, &backend, 1);
    let mut silent = router.connect();
    let mut slow = sent(&router, "GET / HTTP/1.1\r\n");
    assert!(wait_until(LIMIT, || counted(&router, "connections") == 3.0));
    let mut next = sent(&router, GET);
    assert!(wait_until(LIMIT, || backend.requests() == 2));
    silent.expect_close().unwrap();
    let mut last = sent(&router, GET);
    assert!(wait_until(LIMIT, || backend.requests() == 3));
    slow.expect_close().unwrap();
    backend.release(3);
    for client in under_way.iter_mut().chain([&mut next, &mut last]) {
        assert_eq!(client.response().unwrap().text(), "ok");
    }
    assert_eq!(counted(&router, "limits/shed"), 2.0);
    assert_eq!(counted(&router, "limits/connections"), 0.0);
}

/// Ten times as many as the server takes trickle their heads; who sends whole ones is served all the
/// while, on connections old and new.
#[test]
fn callers_are_served_while_others_trickle() {
    let backend = Backend::fixed("ok");
    let router = with(&backend, "limits: {maxConnections: 50, headTimeoutMs: 60000}");
    let (stop, served) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut trickling = Vec::new();
            for _ in 0..25 {
                // A new connection is among the last to be given up: it has the time of 50 others
                // to bring its head, of which it gets that of 20.
                for _ in 0..20 {
                    let Ok(mut client) = RawClient::connect(router.addr) else { continue };
                    let _ = client.send("GET / HTTP/1.1\r\nHost: web\r\nx-slow: ");
                    trickling.push(client);
                }
                for client in &mut trickling {
                    let _ = client.send("x"); // most are closed by now
                }
                let before = served.load(SeqCst);
                wait_until(LIMIT, || served.load(SeqCst) > before);
            }
            stop.store(true, SeqCst);
        });
        scope.spawn(|| {
            let mut kept = router.connect();
            while !stop.load(SeqCst) {
                let response = kept.request("GET", "/", &[("host", "web")], b"").unwrap();
                assert_eq!((response.status, router.get("web").status), (200, 200));
                served.fetch_add(1, SeqCst);
            }
        });
    });
    assert!(served.into_inner() >= 25);
    assert!(counted(&router, "limits/shed") > 100.0);
}
