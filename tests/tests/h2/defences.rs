//! Callers who cost more than they ask for: each is bounded, is told so and is counted, and hurts
//! nobody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tests::{Router, Setup, wait_until};

use crate::PATIENCE;
use crate::peer::*;

/// More frames than any limit lets through.
const FLOOD: usize = 20_000;

/// A router in front of a service that answers 200 to what has no body.
fn router(keys: &[&str]) -> Router {
    let service = Service::start(&[]);
    let lines = service.fs_line();
    service.serve(|peer, frame| {
        if frame.ends() {
            let _ = peer.try_send(HEADERS, END_HEADERS | END_STREAM, frame.stream, &[0x88]);
        }
    });
    start(&lines, keys)
}

fn start(lines: &str, keys: &[&str]) -> Router {
    let setup = Setup::by_host().protocol("h2").file("web", lines);
    keys.iter().fold(setup, |setup, key| setup.server(key)).start()
}

fn limit(router: &Router, name: &str) -> f64 {
    router.metric(&format!("rt/h2/server/127.0.0.1/{}/limits/{name}", router.addr.port()))
}

/// The connection is told to calm down and ends, it is counted once, and others are served.
fn is_calmed(router: &Router, mut flooding: Peer, mut other: Peer, count: &str) {
    assert_eq!(flooding.until(GOAWAY).code(), ENHANCE_YOUR_CALM);
    while flooding.next().is_some() {}
    assert!(wait_until(PATIENCE, || limit(router, count) == 1.0), "{}", limit(router, count));
    let stream = other.get();
    assert_eq!(other.status(stream), 200);
    assert!(!router.proc.stderr().contains("panicked"), "{}", router.proc.stderr());
}

fn is_a_flood(count: &str, frames: impl FnOnce(&mut Peer) -> Vec<Vec<u8>>) {
    let router = router(&[]);
    let other = Peer::connect(router.addr, &[]);
    let mut peer = Peer::connect(router.addr, &[]);
    let frames = frames(&mut peer);
    peer.flood(frames);
    is_calmed(&router, peer, other, count);
}

#[test]
fn pings() {
    is_a_flood("frame_floods", |_| vec![frame(PING, 0, 0, &[0; 8]); FLOOD]);
}

#[test]
fn settings() {
    is_a_flood("frame_floods", |_| vec![frame(SETTINGS, 0, 0, &[]); FLOOD]);
}

#[test]
fn empty_frames_of_data() {
    is_a_flood("frame_floods", |peer| {
        let stream = peer.post();
        vec![frame(DATA, 0, stream, &[]); FLOOD]
    });
}

#[test]
fn a_head_in_pieces_without_end() {
    is_a_flood("frame_floods", |peer| {
        let stream = peer.stream();
        let piece = frame(CONTINUATION, 0, stream, &field("a", "b"));
        let first = frame(HEADERS, END_STREAM, stream, &head("GET", "/"));
        [vec![first], vec![piece; FLOOD]].concat()
    });
}

#[test]
fn streams_reset_as_soon_as_they_are_opened() {
    is_a_flood("reset_floods", |peer| {
        let request = |_| {
            let stream = peer.stream();
            let head = frame(HEADERS, END_HEADERS | END_STREAM, stream, &head("GET", "/"));
            [head, frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes())].concat()
        };
        (0..FLOOD).map(request).collect()
    });
}

#[test]
fn a_head_that_is_too_long_is_refused_and_the_connection_goes_on() {
    let router = router(&[]);
    let mut peer = Peer::connect(router.addr, &[]);
    let stream = peer.stream();
    let fields = field("x", &"y".repeat(100)).repeat(130);
    peer.send(HEADERS, END_STREAM, stream, &head("GET", "/"));
    peer.send(CONTINUATION, 0, stream, &fields[..10_000]);
    peer.send(CONTINUATION, END_HEADERS, stream, &fields[10_000..]);
    assert_eq!(peer.status(stream), 431);
    let stream = peer.get();
    assert_eq!(peer.status(stream), 200);
}

/// A service that answers everything with this many bytes twice.
fn sends(bytes: usize) -> String {
    let service = Service::start(&[]);
    let lines = service.fs_line();
    service.serve(move |peer, frame| {
        if frame.ends() {
            peer.ok(frame.stream, 0);
            peer.send(DATA, 0, frame.stream, &vec![b'x'; bytes]);
            peer.send(DATA, END_STREAM, frame.stream, &vec![b'x'; bytes]);
        }
    });
    lines
}

#[test]
fn who_has_no_window_for_an_answer_is_given_up() {
    let router = start(&sends(10_000), &["limits: {bodyTimeoutMs: 500}"]);
    let mut peer = Peer::connect(router.addr, &[(INITIAL_WINDOW_SIZE, 0)]);
    let stream = peer.get();
    assert_eq!(peer.status(stream), 200);
    let reset = peer.until(RST_STREAM);
    assert_eq!((reset.stream, reset.code()), (stream, CANCEL));
    assert_eq!(limit(&router, "stalled_streams"), 1.0);
}

#[test]
fn who_stops_reading_an_answer_is_given_up_and_its_other_streams_go_on() {
    let router = start(&sends(16_000), &["limits: {bodyTimeoutMs: 500}"]);
    let mut peer = Peer::connect(router.addr, &[(INITIAL_WINDOW_SIZE, 5000)]);
    let stalled = peer.get();
    assert_eq!(peer.until(DATA).payload.len(), 5000);
    let read = peer.get();
    peer.send_number(WINDOW_UPDATE, read, 100_000);
    let mut bytes = 0;
    while bytes < 32_000 {
        let data = peer.until(DATA);
        assert_eq!(data.stream, read);
        bytes += data.payload.len();
    }
    assert_eq!(peer.until(RST_STREAM).stream, stalled);
    assert_eq!(limit(&router, "stalled_streams"), 1.0);
}

#[test]
fn a_thousand_streams_given_up_at_once_are_no_flood() {
    let service = Service::start(&[]);
    let lines = service.fs_line();
    let [begun, ended] = [Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0))];
    let (begins, ends) = (begun.clone(), ended.clone());
    service.serve(move |peer, frame| match frame.kind {
        HEADERS if begins.fetch_add(1, Relaxed) >= 1000 => peer.ok(frame.stream, END_STREAM),
        RST_STREAM => _ = ends.fetch_add(1, Relaxed),
        _ => {}
    });
    let router = start(&lines, &["maxConcurrentStreamsPerConnection: 1000"]);
    let mut peer = Peer::connect(router.addr, &[]);
    let streams: Vec<_> = (0..1000).map(|_| peer.get()).collect();
    assert!(wait_until(PATIENCE, || begun.load(Relaxed) == 1000), "{begun:?}");
    peer.flood(streams.into_iter().map(|it| frame(RST_STREAM, 0, it, &CANCEL.to_be_bytes())));
    assert!(wait_until(PATIENCE, || ended.load(Relaxed) == 1000), "the service is told: {ended:?}");
    let stream = peer.get();
    assert_eq!(peer.status(stream), 200);
    assert_eq!(limit(&router, "reset_floods"), 0.0);
}

#[test]
fn who_answers_each_small_piece_with_a_ping_and_a_window_is_no_flood() {
    const PIECES: usize = 10_000;
    let service = Service::start(&[]);
    let lines = service.fs_line();
    service.serve(|peer, frame| {
        if frame.ends() {
            peer.ok(frame.stream, 0);
            peer.flood((1..=PIECES).map(|at| {
                let flags = if at == PIECES { END_STREAM } else { 0 };
                self::frame(DATA, flags, frame.stream, b"x")
            }));
        }
    });
    let router = start(&lines, &[]);
    let mut peer = Peer::connect(router.addr, &[]);
    let stream = peer.get();
    loop {
        let data = peer.until(DATA);
        if data.ends() {
            break;
        }
        peer.send(PING, 0, 0, &[0; 8]);
        peer.send_number(WINDOW_UPDATE, stream, 1);
    }
    assert_eq!(limit(&router, "frame_floods"), 0.0);
}
