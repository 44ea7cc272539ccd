//! Which trace a request belongs to, by whichever headers say so.

use tests::{Backend, Behaviour, RawResponse, Router, Setup};

use crate::seen;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn with(setup: impl FnOnce(Setup) -> Setup) -> (Backend, Router) {
    let echo = Backend::echo();
    let router = setup(Setup::by_host().service("web", &[&echo])).start();
    (echo, router)
}

#[test]
fn a_traceparent_goes_on_with_a_span_of_ours_and_names_the_trace() {
    let (_echo, router) = with(|setup| setup);
    let sent = [("traceparent", PARENT), ("tracestate", "a=1,b=2")];
    let response = router.get_with("web", &sent);
    let parent = seen::header(&response, "traceparent").unwrap();
    assert!(parent.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{parent}");
    assert!(parent.ends_with("-01") && !parent.contains("00f067aa0ba902b7"), "{parent}");
    assert_eq!(seen::all(&response, "tracestate"), ["a=1,b=2"]);
    assert_eq!(seen::header(&response, "l5d-reqid").unwrap(), "a3ce929d0e0e4736");
    // 40 bytes: a trace id of 128 bits.
    assert_eq!(seen::header(&response, "l5d-ctx-trace").unwrap().len(), 56);
}

#[test]
fn the_trace_of_routers_comes_first_and_a_traceparent_still_goes_on() {
    let (_echo, router) = with(|setup| setup);
    let first = router.get("web");
    let trace = seen::header(&first, "l5d-ctx-trace").unwrap();
    let response = router.get_with("web", &[("l5d-ctx-trace", &trace), ("traceparent", PARENT)]);
    assert_eq!(seen::header(&response, "l5d-reqid"), seen::header(&first, "l5d-reqid"));
    let parent = seen::header(&response, "traceparent").unwrap();
    assert!(parent.contains("4bf92f3577b34da6a3ce929d0e0e4736"), "{parent}");
    assert_ne!(parent, PARENT);
}

#[test]
fn a_traceparent_that_cannot_be_read_passes_and_means_nothing() {
    let (_echo, router) = with(|setup| setup);
    for bad in ["00-0-0-0", &PARENT.replacen("00", "ff", 1)] {
        let response = router.get_with("web", &[("traceparent", bad)]);
        assert_eq!(seen::all(&response, "traceparent"), [bad]);
        assert_eq!(seen::header(&response, "l5d-ctx-trace").unwrap().len(), 44);
    }
    assert_eq!(seen::header(&router.get("web"), "traceparent"), None);
}

#[test]
fn callers_whose_context_is_cleared_do_not_name_our_trace() {
    let (_echo, router) = with(|setup| setup.server("clearContext: true"));
    let response = router.get_with("web", &[("traceparent", PARENT)]);
    assert_ne!(seen::header(&response, "l5d-reqid").unwrap(), "a3ce929d0e0e4736");
    // The application's own trace is not broken by that.
    let parent = seen::header(&response, "traceparent").unwrap();
    assert!(parent.contains("4bf92f3577b34da6a3ce929d0e0e4736"), "{parent}");
}

#[test]
fn zipkins_propagator_reads_and_writes_b3_and_nothing_else() {
    let (_echo, router) = with(|setup| setup.router("tracePropagator: {kind: io.l5d.zipkin}"));
    let sent = [
        ("x-b3-traceid", "463ac35c9f6413ad48485a3953bb6124"),
        ("x-b3-spanid", "a2fb4a1d1a96d312"),
        ("x-b3-parentspanid", "0020000000000001"),
        ("x-b3-sampled", "1"),
        ("l5d-ctx-trace", "AAAA"),
        ("l5d-sample", "1"),
    ];
    let response = router.get_with("web", &sent);
    let seen = |name| seen::header(&response, name);
    assert_eq!(seen("x-b3-traceid").unwrap(), sent[0].1);
    assert_eq!(seen("x-b3-parentspanid").unwrap(), sent[1].1);
    assert_ne!(seen("x-b3-spanid").unwrap(), sent[1].1);
    assert_eq!(seen("x-b3-sampled").unwrap(), "1");
    assert_eq!(seen("x-b3-flags").unwrap(), "6");
    assert_eq!(seen::names(&response, "l5d-"), ["l5d-dst-client", "l5d-dst-service"]);
    let fresh = router.get("web");
    assert_eq!(seen::header(&fresh, "x-b3-sampled").unwrap(), "0");
    assert_eq!(
        seen::header(&fresh, "x-b3-traceid"),
        seen::header(&fresh, "x-b3-parentspanid"),
        "the root of a trace is its own parent"
    );
}

/// A router before a backend that answers TRACE with a text.
fn telling(text: &'static str, setup: impl FnOnce(Setup) -> Setup) -> (Backend, Router) {
    let backend = Backend::fixed(text);
    let router = setup(Setup::by_host().service("web", &[&backend])).start();
    (backend, router)
}

fn trace(router: &Router, headers: &[(&str, &str)]) -> RawResponse {
    let headers = [&[("host", "web")], headers].concat();
    router.connect().request("TRACE", "/", &headers, b"").unwrap()
}

const ADD: (&str, &str) = ("l5d-add-context", "true");

#[test]
fn the_answer_to_a_trace_tells_the_way_if_that_is_asked() {
    let (backend, router) = telling("the service's own\n", |setup| setup);
    for headers in [&[ADD][..], &[ADD, ("max-forwards", "5")]] {
        let response = trace(&router, headers);
        assert_eq!(response.status, 200);
        let text = response.text();
        let (duration, rest) = text
            .strip_prefix("the service's own\n\n--- Router: http ---\nrequest duration: ")
            .and_then(|text| text.split_once(" ms\n"))
            .unwrap_or_else(|| panic!("{text}"));
        assert!(duration.parse::<u64>().is_ok(), "{duration}");
        let addr = backend.addr();
        assert_eq!(
            rest,
            format!(
                "service name: /svc/web\nclient name: /#/io.l5d.fs/web\naddresses: [{addr}]\n\
                 selected address: {addr}\ndtab resolution:\n  /svc/web\n  \
                 /#/io.l5d.fs/web (/svc=>/#/io.l5d.fs)\n"
            )
        );
    }
    assert_eq!(trace(&router, &[]).text(), "the service's own\n");
}

#[test]
fn a_trace_goes_as_far_as_its_forwards_reach() {
    let (echo, last) = with(|setup| setup);
    let first = Setup::new(&format!("/svc/* => /$/inet/127.1/{}", last.addr.port())).start();
    let reached = trace(&first, &[("max-forwards", "2")]);
    assert_eq!(seen::all(&reached, "max-forwards"), ["0"]);
    assert_eq!(reached.json()["method"], "TRACE");
    let second = trace(&first, &[("max-forwards", "1"), ADD]);
    assert_eq!(second.text().matches("--- Router: http ---").count(), 2, "{}", second.text());
    assert_eq!(
        trace(&first, &[("max-forwards", "0"), ADD]).text().matches("--- Router").count(),
        1
    );
    let silent = trace(&first, &[("max-forwards", "0")]);
    assert_eq!((silent.status, silent.text().as_str()), (200, ""));
    let wrong = trace(&first, &[("max-forwards", "many")]);
    assert_eq!((wrong.status, &*wrong.text()), (400, "Invalid value for Max-Forwards header"));
    assert_eq!(echo.requests(), 1);
}

#[test]
fn a_chunked_answer_to_a_trace_makes_place_for_the_context() {
    let bytes =
        "HTTP/1.1 200 OK\r\nx-own: 1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n";
    let backend = Backend::start(Behaviour::Raw { bytes: bytes.into(), close: false });
    let router = Setup::by_host().service("web", &[&backend]).start();
    let text = trace(&router, &[ADD]).text();
    assert!(text.contains("x-own: 1\n") && text.contains("HTTP 200 - OK\n"), "{text}");
    assert!(text.contains("was discarded\n\n--- Router: http ---\n"), "{text}");
}

#[test]
fn callers_who_are_not_trusted_are_not_told_the_way() {
    let (_backend, last) = telling("own", |setup| setup);
    let first = Setup::new(&format!("/svc/* => /$/inet/127.1/{}", last.addr.port()))
        .server("overrides: {trust: scoped}")
        .start();
    assert_eq!(trace(&first, &[ADD]).text(), "own");
}
