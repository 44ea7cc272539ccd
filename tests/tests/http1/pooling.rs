//! Connections to backends are kept, and given up, without a caller noticing.

use std::time::Duration;

use tests::{Backend, Behaviour, Router, Setup, wait_until};

fn one_worker(backend: &Backend) -> Router {
    Setup::by_host().service("web", &[backend]).start_with(&["--workers", "1"])
}

#[test]
fn a_connection_is_used_again() {
    let backend = Backend::fixed("ok");
    let router = one_worker(&backend);
    for _ in 0..20 {
        assert_eq!(router.get("web").status, 200);
    }
    assert_eq!((backend.requests(), backend.connections()), (20, 1));
}

#[test]
fn requests_at_the_same_time_have_connections_of_their_own() {
    let backend = Backend::start(Behaviour::body("ok").held());
    let router = one_worker(&backend);
    let mut clients: Vec<_> = (0..5).map(|_| router.connect()).collect();
    for client in &mut clients {
        client.send("GET / HTTP/1.1\r\nHost: web\r\n\r\n").unwrap();
    }
    assert!(wait_until(Duration::from_secs(5), || backend.requests() == 5));
    backend.release(5);
    for client in &mut clients {
        assert_eq!(client.response().unwrap().status, 200);
    }
    assert_eq!(backend.connections(), 5);
}

#[test]
fn a_connection_that_the_service_closes_is_not_used_again() {
    let backend = Backend::fixed("ok");
    let router = one_worker(&backend);
    let close = ("connection".to_owned(), "close".to_owned());
    backend.set(Behaviour::Reply { status: 200, headers: vec![close], body: "ok".into() });
    for _ in 0..3 {
        assert_eq!(router.get("web").status, 200);
    }
    assert_eq!((backend.requests(), backend.connections()), (3, 3));
}

#[test]
fn a_caller_does_not_see_that_an_idle_connection_was_closed() {
    // Every answer promises to keep the connection, which is closed right behind it.
    let backend = Backend::start(Behaviour::body_then_close("ok"));
    let router = one_worker(&backend);
    let mut client = router.connect();
    for n in 0..100 {
        let response = client.request("GET", "/", &[("host", "web")], b"").unwrap();
        assert_eq!(response.status, 200, "request {n}: {}", response.text());
    }
}

#[test]
fn a_request_that_was_surely_not_sent_is_sent_again_whatever_its_method() {
    let mut backend = Backend::fixed("ok");
    let router = one_worker(&backend);
    assert_eq!(router.get("web").status, 200);
    backend.kill();
    backend.restart();
    // The router learns of the end of its idle connection.
    let connections = "rt/http/client/#/io.l5d.fs/web/connections";
    assert!(wait_until(Duration::from_secs(5), || router.metric(connections) == 0.0));
    let response = router.connect().request("POST", "/", &[("host", "web")], b"once").unwrap();
    assert_eq!(response.status, 200);
    assert_eq!(backend.requests(), 2);
}

#[test]
fn a_request_that_may_have_been_seen_is_not_sent_twice() {
    let backend = Backend::fixed("ok");
    let router = one_worker(&backend);
    assert_eq!(router.get("web").status, 200);
    backend.set(Behaviour::hang_up());
    let response = router.connect().request("POST", "/", &[("host", "web")], b"once").unwrap();
    assert_eq!(response.status, 502);
    assert_eq!(backend.requests(), 2, "the POST came once");
    assert!(response.header("l5d-err").is_some());
}

#[test]
fn a_connection_goes_when_its_address_goes() {
    let (old, new) = (Backend::fixed("old"), Backend::fixed("new"));
    let router = one_worker(&old);
    assert_eq!(router.get("web").text(), "old");
    router.write("web", &new.fs_line());
    assert!(wait_until(Duration::from_secs(5), || router.get("web").text() == "new"));
    assert!(wait_until(Duration::from_secs(5), || old.open() == 0), "kept a connection to it");
}
