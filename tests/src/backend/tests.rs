use super::*;
use crate::{RawClient, wait_until};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(5);

#[test]
fn a_fixed_body_over_one_connection_twice() {
    let backend = Backend::fixed("hello");
    let mut client = RawClient::connect(backend.addr()).unwrap();
    for _ in 0..2 {
        let response = client.request("GET", "/", &[("Host", "web")], b"").unwrap();
        assert_eq!((response.status, response.text().as_str()), (200, "hello"));
    }
    assert_eq!((backend.connections(), backend.requests()), (1, 2));
    drop(client);
    assert!(wait_until(LIMIT, || backend.open() == 0));
}

#[test]
fn head_has_the_length_and_no_body() {
    let backend = Backend::fixed("hello");
    let mut client = RawClient::connect(backend.addr()).unwrap();
    let response = client.request("HEAD", "/", &[], b"").unwrap();
    assert_eq!(response.header("Content-Length"), Some("5"));
    assert_eq!(client.request("GET", "/", &[], b"").unwrap().text(), "hello");
}

#[test]
fn echo_shows_order_and_case_of_headers_and_a_chunked_body_with_trailers() {
    let backend = Backend::echo();
    let mut client = RawClient::connect(backend.addr()).unwrap();
    client
        .send("POST /a?b HTTP/1.1\r\nHost: web\r\nX-B: 1\r\nx-a: 2\r\nTransfer-Encoding: chunked\r\n\r\n")
        .unwrap();
    client.send("3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nT: end\r\n\r\n").unwrap();
    let seen = client.response().unwrap().json();
    assert_eq!(seen["method"], "POST");
    assert_eq!(seen["target"], "/a?b");
    assert_eq!(seen["headers"][1], json!(["X-B", "1"]));
    assert_eq!(seen["headers"][2], json!(["x-a", "2"]));
    assert_eq!(seen["body"], "abcde");
    assert_eq!(seen["trailers"], json!([["T", "end"]]));
    assert_eq!(seen["backend"], backend.addr().to_string());
}

#[test]
fn a_body_that_waits_for_100_gets_it() {
    let backend = Backend::echo();
    let mut client = RawClient::connect(backend.addr()).unwrap();
    client.send("PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n").unwrap();
    assert_eq!(client.response().unwrap().status, 100);
    client.send("hi").unwrap();
    assert_eq!(client.response().unwrap().json()["body"], "hi");
}

#[test]
fn a_held_request_is_answered_when_released() {
    let backend = Backend::start(Behaviour::body("late").held());
    let mut client = RawClient::connect(backend.addr()).unwrap();
    client.send("GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(wait_until(LIMIT, || backend.requests() == 1));
    assert_eq!(backend.answered(), 0);
    backend.release(1);
    assert_eq!(client.response().unwrap().text(), "late");
}

#[test]
fn a_held_request_whose_client_leaves_frees_its_connection() {
    let backend = Backend::start(Behaviour::body("late").held());
    let mut client = RawClient::connect(backend.addr()).unwrap();
    client.send("GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(wait_until(LIMIT, || backend.requests() == 1));
    drop(client);
    assert!(wait_until(LIMIT, || backend.open() == 0));
}

#[test]
fn a_body_can_be_cut() {
    let backend = Backend::start(Behaviour::cut(10, 4));
    let error = RawClient::get(backend.addr(), "/", &[]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_hang_up_answers_nothing() {
    let backend = Backend::start(Behaviour::hang_up());
    let mut client = RawClient::connect(backend.addr()).unwrap();
    client.send("GET / HTTP/1.1\r\n\r\n").unwrap();
    client.expect_close().unwrap();
    assert_eq!(backend.requests(), 1);
}

#[test]
fn killed_it_refuses_and_restarted_it_serves_on_the_same_port() {
    let mut backend = Backend::fixed("one");
    let addr = backend.addr();
    let mut client = RawClient::connect(addr).unwrap();
    client.request("GET", "/", &[], b"").unwrap();
    backend.kill();
    client.expect_close().unwrap();
    assert_eq!(RawClient::connect(addr).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    backend.restart();
    backend.set(Behaviour::status(503));
    assert_eq!(backend.addr(), addr);
    assert_eq!(RawClient::get(addr, "/", &[]).unwrap().status, 503);
    assert_eq!((backend.connections(), backend.requests()), (2, 2));
}

#[test]
fn a_client_waits_no_longer_than_told() {
    let backend = Backend::start(Behaviour::body("never").held());
    let client = RawClient::connect(backend.addr()).unwrap();
    let error = client.timeout(Duration::from_millis(20)).response().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[test]
fn a_stream_sends_a_piece_for_each_permit() {
    let backend = Backend::start(Behaviour::Stream(vec!["one".into(), "two".into()]));
    let mut client = RawClient::connect(backend.addr()).unwrap();
    client.send("GET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(client.head().unwrap().status, 200);
    backend.release(1);
    assert_eq!(client.exactly(8).unwrap(), b"3\r\none\r\n");
    assert_eq!(backend.answered(), 0);
    backend.release(2);
    assert_eq!(client.exactly(13).unwrap(), b"3\r\ntwo\r\n0\r\n\r\n");
    assert!(wait_until(LIMIT, || backend.answered() == 1));
}

#[test]
fn an_upgraded_connection_echoes() {
    let backend = Backend::start(Behaviour::Upgrade);
    let mut client = RawClient::connect(backend.addr()).unwrap();
    client.send("GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nearly").unwrap();
    assert_eq!(client.head().unwrap().status, 101);
    assert_eq!(client.exactly(5).unwrap(), b"early");
    client.send([0, 255, 10]).unwrap();
    assert_eq!(client.exactly(3).unwrap(), [0, 255, 10]);
    client.finish().unwrap();
    client.expect_close().unwrap();
}
