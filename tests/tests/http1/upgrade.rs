//! Connections that stop being HTTP.

use std::time::Duration;
use tests::{Backend, Behaviour, RawClient, Router, Setup, wait_until};

use crate::seen;

const ASK: &str = "GET /chat HTTP/1.1\r\nHost: web\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

fn upgrading() -> (Backend, Router) {
    let backend = Backend::start(Behaviour::Upgrade);
    let router = Setup::by_host().service("web", &[&backend]).start();
    (backend, router)
}

fn tunnel(router: &Router) -> RawClient {
    let mut client = router.connect();
    client.send(ASK).unwrap();
    let head = client.head().unwrap();
    assert_eq!((head.status, head.header("upgrade")), (101, Some("echo")), "{}", head.head);
    assert!(head.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("upgrade")));
    client
}

#[test]
fn bytes_pass_both_ways_once_the_service_has_switched() {
    let (_backend, router) = upgrading();
    let mut client = tunnel(&router);
    // Nothing that would pass as HTTP, and more than any buffer.
    for bytes in [b"\n\x00\xff not http".to_vec(), vec![7; 300_000]] {
        client.send(&bytes).unwrap();
        assert!(client.exactly(bytes.len()).unwrap() == bytes);
    }
}

#[test]
fn the_callers_end_ends_the_service() {
    let (backend, router) = upgrading();
    let mut client = tunnel(&router);
    client.send("bye").unwrap();
    client.finish().unwrap();
    assert_eq!(client.to_end().unwrap(), b"bye");
    drop(client);
    assert!(wait_until(Duration::from_secs(5), || backend.open() == 0));
}

#[test]
fn the_services_end_ends_the_caller() {
    let (mut backend, router) = upgrading();
    let mut client = tunnel(&router);
    backend.kill();
    client.expect_close().unwrap();
}

#[test]
fn what_the_caller_sends_too_early_is_not_lost() {
    let (backend, router) = upgrading();
    backend.set(Behaviour::Upgrade.held());
    let mut client = router.connect();
    client.send(format!("{ASK}early")).unwrap();
    assert!(wait_until(Duration::from_secs(5), || backend.requests() == 1));
    backend.release(1);
    assert_eq!(client.head().unwrap().status, 101);
    assert_eq!(client.exactly(5).unwrap(), b"early");
}

#[test]
fn a_service_that_does_not_switch_answers_as_ever() {
    let echo = Backend::echo();
    let router = Setup::by_host().service("web", &[&echo]).start();
    let mut client = router.connect();
    client.send(ASK).unwrap();
    let response = client.response().unwrap();
    assert_eq!((response.status, seen::header(&response, "upgrade")), (200, Some("echo".into())));
    assert_eq!(client.request("GET", "/", &[("host", "web")], b"").unwrap().status, 200);
}

#[test]
fn a_request_with_a_body_is_not_switched() {
    let echo = Backend::echo();
    let router = Setup::by_host().service("web", &[&echo]).start();
    let headers = [("host", "web"), ("connection", "upgrade"), ("upgrade", "echo")];
    let response = router.connect().request("POST", "/", &headers, b"body").unwrap();
    assert_eq!((response.status, seen::header(&response, "upgrade")), (200, None));
    assert_eq!(response.json()["body"], "body");
}

#[test]
fn http_2_is_not_let_through_the_back_door() {
    let echo = Backend::echo();
    let router = Setup::by_host().service("web", &[&echo]).start();
    for protocol in ["h2c", "H2C", "echo, h2c"] {
        let headers = [
            ("host", "web"),
            ("connection", "Upgrade, HTTP2-Settings"),
            ("upgrade", protocol),
            ("http2-settings", "AAMAAABkAAQAAP__"),
        ];
        let response = router.connect().request("GET", "/", &headers, b"").unwrap();
        assert_eq!(seen::header(&response, "upgrade"), None, "{protocol}");
        assert_eq!(seen::header(&response, "http2-settings"), None, "{protocol}");
    }
}

#[test]
fn a_switch_that_nobody_asked_for_is_an_error() {
    let (_backend, router) = upgrading();
    let response = router.get("web");
    assert_eq!(response.status, 502);
    assert!(response.header("l5d-err").is_some());
}

#[test]
fn a_stop_cuts_tunnels() {
    let (_backend, mut router) = upgrading();
    let mut client = tunnel(&router);
    router.proc.terminate();
    assert_eq!(router.proc.wait(Duration::from_secs(5)).code(), Some(0));
    client.expect_close().unwrap();
}
