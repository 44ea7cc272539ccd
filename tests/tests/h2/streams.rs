//! What happens to a stream on one side of the router happens to it on the other.

use std::io::Read;
use std::thread;
use std::time::{Duration, Instant};

use tests::{Router, Setup, wait_until};

use crate::PATIENCE;
use crate::peer::*;

/// A router in front of this service, with one connection to it as long as one is enough.
fn router(service: &Service) -> Router {
    let setup = Setup::by_host().protocol("h2").file("web", &service.fs_line());
    setup.router("client: {failureAccrual: {kind: none}}").start_with(&["--workers", "1"])
}

/// A caller and a service with a router between them, and a request on its way.
fn under_way() -> (Router, Service, Peer, Peer, u32) {
    let service = Service::start(&[]);
    let router = router(&service);
    let mut caller = Peer::connect(router.addr, &[]);
    caller.post();
    let mut served = service.accept();
    let request = served.until(HEADERS);
    (router, service, caller, served, request.stream)
}

fn pending(router: &Router) -> f64 {
    router.metric(&format!("rt/h2/server/127.0.0.1/{}/pending", router.addr.port()))
}

#[test]
fn a_caller_who_gives_up_is_told_on_at_once() {
    let (router, _service, mut caller, mut served, stream) = under_way();
    let began = Instant::now();
    caller.send_number(RST_STREAM, 1, CANCEL);
    let reset = served.until(RST_STREAM);
    assert_eq!((reset.stream, reset.code()), (stream, CANCEL));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(wait_until(PATIENCE, || pending(&router) == 0.0));

    // The same with an answer half read, and a request half sent.
    let stream = caller.post();
    let theirs = served.until(HEADERS).stream;
    served.ok(theirs, 0);
    served.send(DATA, 0, theirs, b"some");
    caller.send(DATA, 0, stream, b"some");
    assert_eq!(caller.until(DATA).payload, b"some");
    caller.send_number(RST_STREAM, stream, CANCEL);
    let reset = served.until(RST_STREAM);
    assert_eq!((reset.stream, reset.code()), (theirs, CANCEL));
    assert!(wait_until(PATIENCE, || pending(&router) == 0.0));
}

#[test]
fn a_reset_by_the_service_is_the_callers_with_its_code() {
    let (_router, _service, mut caller, mut served, first) = under_way();
    served.send_number(RST_STREAM, first, INTERNAL_ERROR);
    let reset = caller.until(RST_STREAM);
    assert_eq!((reset.stream, reset.code()), (1, INTERNAL_ERROR));
    for code in [1, INTERNAL_ERROR, CANCEL, ENHANCE_YOUR_CALM, 13] {
        for has_begun in [false, true] {
            let stream = caller.post();
            let theirs = served.until(HEADERS).stream;
            if has_begun {
                served.ok(theirs, 0);
                served.send(DATA, 0, theirs, b"some");
                assert_eq!(caller.until(DATA).payload, b"some");
            }
            served.send_number(RST_STREAM, theirs, code);
            let reset = caller.until(RST_STREAM);
            assert_eq!((reset.stream, reset.code()), (stream, code), "begun: {has_begun}");
        }
    }
}

#[test]
fn a_get_that_the_service_has_reset_is_not_sent_again() {
    let (_router, _service, mut caller, mut served, first) = under_way();
    served.ok(first, END_STREAM);
    let stream = caller.get();
    let theirs = served.until(HEADERS).stream;
    served.send_number(RST_STREAM, theirs, INTERNAL_ERROR);
    let answer = thread::spawn(move || {
        let reset = caller.until(RST_STREAM);
        (caller, reset)
    });
    assert!(wait_until(PATIENCE, || answer.is_finished()), "no answer: it is sent again");
    let (mut caller, reset) = answer.join().expect("a reset");
    assert_eq!((reset.stream, reset.code()), (stream, INTERNAL_ERROR));
    // What comes next is the next request.
    caller.post();
    assert_eq!(served.until(HEADERS).flags & END_STREAM, 0);
}

#[test]
fn what_a_service_refuses_is_sent_again() {
    let (_router, _service, mut caller, mut served, first) = under_way();
    caller.send(DATA, END_STREAM, 1, b"all");
    assert_eq!(served.until(DATA).payload, b"all");
    served.send_number(RST_STREAM, first, REFUSED_STREAM);
    let again = served.until(HEADERS).stream;
    assert_eq!(served.until(DATA).payload, b"all");
    served.ok(again, END_STREAM);
    assert_eq!(caller.status(1), 200);
}

#[test]
fn a_service_that_goes_away_loses_no_request() {
    let (_router, service, mut caller, mut served, kept) = under_way();
    let refused = caller.get();
    served.until(HEADERS);
    // It answers the first, and has not looked at the second.
    served.send(GOAWAY, 0, 0, &[kept.to_be_bytes(), NO_ERROR.to_be_bytes()].concat());
    let mut next = service.accept();
    let again = next.until(HEADERS).stream;
    next.ok(again, END_STREAM);
    assert_eq!(caller.status(refused), 200);
    let stream = caller.get();
    let third = next.until(HEADERS).stream;
    next.ok(third, END_STREAM);
    assert_eq!(caller.status(stream), 200);
    served.ok(kept, END_STREAM);
    assert_eq!(caller.status(1), 200);
}

#[test]
fn no_request_waits_for_another_to_end() {
    let service = Service::start(&[(MAX_CONCURRENT_STREAMS, 1)]);
    let router = router(&service);
    let mut caller = Peer::connect(router.addr, &[]);
    let mut open: Vec<_> = (0..5)
        .map(|_| {
            let stream = caller.get();
            let mut served = service.accept();
            let theirs = served.until(HEADERS).stream;
            (stream, served, theirs)
        })
        .collect();
    for (stream, served, theirs) in open.iter_mut().rev() {
        served.ok(*theirs, END_STREAM);
        assert_eq!(caller.status(*stream), 200);
    }
}

#[test]
fn trailers_pass_both_ways() {
    let (_router, _service, mut caller, mut served, stream) = under_way();
    let is_one = |frame: &Frame| frame.ends() && frame.payload.len() > 4;
    caller.send(DATA, 0, 1, b"some");
    caller.send(HEADERS, END_HEADERS | END_STREAM, 1, &field("x-sum", "123"));
    let trailers = served.until(HEADERS);
    assert!(is_one(&trailers) && trailers.stream == stream, "{trailers:?}");
    served.ok(stream, 0);
    served.send(DATA, 0, stream, b"some");
    served.send(HEADERS, END_HEADERS | END_STREAM, stream, &field("grpc-status", "0"));
    assert_eq!(caller.status(1), 200);
    assert_eq!(caller.until(DATA).payload, b"some");
    let trailers = caller.until(HEADERS);
    assert!(is_one(&trailers) && trailers.stream == 1, "{trailers:?}");
}

#[test]
fn a_router_that_ends_lets_its_streams_end() {
    let (mut router, _service, mut caller, mut served, stream) = under_way();
    router.proc.terminate();
    assert_eq!(caller.until(GOAWAY).code(), NO_ERROR);
    served.ok(stream, 0);
    served.send(DATA, END_STREAM, stream, b"all");
    assert_eq!(caller.until(DATA).payload, b"all");
    caller.send(DATA, END_STREAM, 1, b"");
    assert!(router.proc.wait(PATIENCE).success());
}

#[test]
fn a_reload_keeps_streams() {
    let (router, _service, mut caller, mut served, stream) = under_way();
    for _ in 0..3 {
        router.reconfigure("label: h2\n", "label: h2\n  bindingTimeoutMs: 9000\n");
        assert_eq!(router.reload().status, 200);
        router.reconfigure("  bindingTimeoutMs: 9000\n", "");
        assert_eq!(router.reload().status, 200);
    }
    caller.send(DATA, END_STREAM, 1, b"all");
    assert_eq!(served.until(DATA).payload, b"all");
    served.ok(stream, END_STREAM);
    assert_eq!(caller.status(1), 200);
}

/// A service that takes connections and never says anything is given up once it has not answered a
/// ping.
#[test]
fn a_service_that_is_only_half_there_holds_no_request_for_ever() {
    const MOST: Duration = Duration::from_secs(45);
    let service = Service::start(&[]);
    let router = router(&service);
    let mut caller = Peer::connect(router.addr, &[]);
    let stream = caller.post();
    let mut silent = service.accept_socket();
    silent.set_read_timeout(Some(MOST)).expect("a timeout");
    let ended = thread::spawn(move || {
        let mut sent = Vec::new();
        silent.read_to_end(&mut sent).map(|_| sent.len())
    });
    assert!(wait_until(MOST, || ended.is_finished()));
    let sent = ended.join().expect("no panic");
    assert!(sent.is_ok(), "the router closes the connection: {sent:?}");
    assert_eq!(caller.status(stream), 502);
    assert!(wait_until(PATIENCE, || pending(&router) == 0.0));
}

/// The answers of a service to streams that are given up cross the resets on the way.
#[test]
fn answers_that_come_too_late_do_not_end_the_connection_that_all_share() {
    const AT_A_TIME: usize = 100;
    let (_router, _service, mut caller, mut served, first) = under_way();
    for _ in 0..15 {
        let streams: Vec<_> = (0..AT_A_TIME).map(|_| caller.get()).collect();
        let theirs: Vec<_> = (0..AT_A_TIME).map(|_| served.until(HEADERS).stream).collect();
        for stream in streams {
            caller.send_number(RST_STREAM, stream, CANCEL);
        }
        for _ in 0..AT_A_TIME {
            // Those that it has forgotten are reset once more, as closed.
            while served.until(RST_STREAM).code() != CANCEL {}
        }
        for stream in theirs {
            served.ok(stream, END_STREAM);
        }
    }
    served.ok(first, END_STREAM);
    assert_eq!(caller.status(1), 200);
}
