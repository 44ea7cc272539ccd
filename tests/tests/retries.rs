//! Retries: what is tried again, how often, who pays, and when it stops.

use std::time::{Duration, Instant};

use tests::{Backend, Behaviour, RawResponse, Router, Setup};

const CLIENT: &str = "rt/http/client/#/io.l5d.fs/web";
const SERVICE: &str = "rt/http/service/svc/web";

/// 500, with this much of a header.
fn oops() -> Behaviour {
    Behaviour::status(500)
}

fn retryable() -> Behaviour {
    let header = ("l5d-retryable".to_owned(), "true".to_owned());
    Behaviour::Reply { status: 500, headers: vec![header], body: "".into() }
}

/// A router with one worker before this backend, with these keys of `service` and `client`.
fn router(backend: &Backend, service: &str, client: &str) -> Router {
    let setup = Setup::by_host().service("web", &[backend]);
    let setup = setup.router(&format!("service: {{{service}}}"));
    setup.router(&format!("client: {{{client}}}")).start_with(&["--workers", "1"])
}

fn ask(router: &Router, method: &str, body: &str) -> RawResponse {
    let headers = [("host", "web")];
    router.connect().request(method, "/", &headers, body.as_bytes()).expect("an answer")
}

/// Requests that the backend gets for one that fails once.
fn tries(classifier: &str, method: &str, body: &str) -> u64 {
    let backend = Backend::start(Behaviour::Turns(vec![oops(), Behaviour::body("ok")]));
    let classifier = format!("responseClassifier: {{kind: io.l5d.http.{classifier}}}");
    let router = router(&backend, &classifier, "");
    let answer = ask(&router, method, body);
    assert_eq!(answer.status == 200, backend.requests() == 2, "{}", answer.head);
    backend.requests()
}

#[test]
fn each_classifier_retries_the_methods_that_it_names() {
    let methods = ["GET", "OPTIONS", "PUT", "DELETE", "POST", "PATCH"];
    let retried = |classifier: &str| {
        methods.into_iter().filter(|method| tries(classifier, method, "") == 2).collect::<Vec<_>>()
    };
    assert_eq!(retried("nonRetryable5XX"), [""; 0]);
    assert_eq!(retried("retryableRead5XX"), ["GET", "OPTIONS"]);
    assert_eq!(retried("retryableIdempotent5XX"), ["GET", "OPTIONS", "PUT", "DELETE"]);
    assert_eq!(retried("retryableAll5XX"), methods);
    assert_eq!(retried("allSuccessful"), [""; 0]);
}

#[test]
fn one_retry_is_two_requests_of_the_client_and_one_of_all_others() {
    let backend = Backend::start(Behaviour::Turns(vec![oops(), Behaviour::body("ok")]));
    let router = router(&backend, "responseClassifier: {kind: io.l5d.http.retryableRead5XX}", "");
    let answer = router.get("web");
    assert_eq!((answer.status, answer.header("l5d-success-class")), (200, Some("1.0")));
    let server = format!("rt/http/server/127.0.0.1/{}", router.addr.port());
    let within = format!("{CLIENT}/service/svc/web");
    for (scope, counts) in [
        (&*server, [1., 1., 0.]),
        (SERVICE, [1., 1., 0.]),
        (CLIENT, [2., 1., 1.]),
        (&within, [2., 1., 1.]),
    ] {
        let shown = ["requests", "success", "failures"]
            .map(|name| router.metric(&format!("{scope}/{name}")));
        assert_eq!(shown, counts, "{scope}");
    }
    assert_eq!(router.metric(&format!("{CLIENT}/status/200")), 1.0);
    assert_eq!(router.metric(&format!("{CLIENT}/status/500")), 1.0);
    assert_eq!(router.metric(&format!("{SERVICE}/retries/total")), 1.0);
}

#[test]
fn a_short_body_is_sent_again_and_a_long_or_chunked_one_is_not() {
    let all = "responseClassifier: {kind: io.l5d.http.retryableAll5XX}";
    let backend = Backend::start(Behaviour::Turns(vec![oops(), Behaviour::Echo]));
    let router = router(&backend, all, "");
    let short = "x".repeat(5 * 1024);
    assert_eq!(ask(&router, "POST", &short).json()["body"], *short);
    assert_eq!(backend.requests(), 2);

    backend.set(oops());
    let answer = ask(&router, "POST", &(short + "x"));
    assert_eq!((answer.status, backend.requests()), (500, 3));

    let mut client = router.connect();
    let head = "POST / HTTP/1.1\r\nhost: web\r\ntransfer-encoding: chunked\r\n\r\n";
    client.send(format!("{head}1\r\nx\r\n0\r\n\r\n")).expect("to send");
    assert_eq!((client.response().expect("an answer").status, backend.requests()), (500, 4));
}

#[test]
fn how_long_a_kept_body_may_be_can_be_set() {
    let backend = Backend::start(Behaviour::Turns(vec![oops(), Behaviour::body("ok")]));
    let router = Setup::by_host()
        .service("web", &[&backend])
        .router("streamAfterContentLengthKB: 100")
        .router("service: {responseClassifier: {kind: io.l5d.http.retryableAll5XX}}")
        .start();
    assert_eq!(ask(&router, "POST", &"x".repeat(100 * 1024)).status, 200);
    assert_eq!(backend.requests(), 2);
}

#[test]
fn a_service_may_say_that_a_failure_can_be_tried_again_whatever_the_method() {
    for classifier in ["nonRetryable5XX", "retryableRead5XX"] {
        let backend = Backend::start(Behaviour::Turns(vec![retryable(), Behaviour::body("ok")]));
        let classifier = format!("responseClassifier: {{kind: io.l5d.http.{classifier}}}");
        let router = router(&backend, &classifier, "");
        assert_eq!((ask(&router, "POST", "x").status, backend.requests()), (200, 2));
    }
}

#[test]
fn when_the_budget_is_spent_failures_are_passed_on() {
    let backend = Backend::start(oops());
    let half = "retries: {budget: {minRetriesPerSec: 0, percentCanRetry: 0.5}}, \
                responseClassifier: {kind: io.l5d.http.retryableRead5XX}";
    let router = router(&backend, half, "");
    let requests = |count: u64| {
        let before = backend.requests();
        (0..count).for_each(|_| assert_eq!(router.get("web").status, 500));
        backend.requests() - before
    };
    assert_eq!(requests(1), 1, "nothing is saved up yet");
    assert_eq!(requests(1), 2, "two requests earn one retry");
    assert_eq!(requests(8), 12);
    assert_eq!(router.metric(&format!("{SERVICE}/retries/total")), 5.0);
    assert_eq!(router.metric(&format!("{SERVICE}/retries/budget_exhausted")), 10.0);
    assert_eq!(router.metric(&format!("{SERVICE}/retries/budget")), 0.0);
}

#[test]
fn by_default_a_service_that_always_fails_is_asked_a_hundred_and_one_times() {
    let backend = Backend::start(oops());
    let classifier = "responseClassifier: {kind: io.l5d.http.retryableRead5XX}";
    let router = router(&backend, classifier, "failureAccrual: {kind: none}");
    assert_eq!((router.get("web").status, backend.requests()), (500, 101));
    assert_eq!(router.metric(&format!("{CLIENT}/connections")), 1.0, "none is left behind");
}

#[test]
fn each_service_has_a_budget_of_its_own_by_its_prefix() {
    let backend = Backend::start(oops());
    let services = "kind: io.l5d.static, configs: [\
        {prefix: /, responseClassifier: {kind: io.l5d.http.retryableRead5XX}}, \
        {prefix: /svc/a, retries: {budget: {minRetriesPerSec: 0, percentCanRetry: 1.0}}}, \
        {prefix: /svc/b, retries: {budget: {minRetriesPerSec: 0, percentCanRetry: 0.5}}}]";
    let setup = Setup::by_host().service("a", &[&backend]).service("b", &[&backend]);
    let setup = setup.router("client: {failureAccrual: {kind: none}}");
    let router = setup.router(&format!("service: {{{services}}}")).start();
    let tries = |host: &str| {
        let before = backend.requests();
        assert_eq!(router.get(host).status, 500);
        backend.requests() - before
    };
    assert_eq!([tries("a"), tries("a"), tries("b"), tries("b"), tries("a")], [2, 2, 1, 2, 2]);
}

#[test]
fn a_retry_waits_as_the_backoff_says_and_never_past_the_total_timeout() {
    let backend = Backend::start(oops());
    let service = "totalTimeoutMs: 350, retries: {backoff: {kind: constant, ms: 100}}, \
                   responseClassifier: {kind: io.l5d.http.retryableRead5XX}";
    let router = router(&backend, service, "failureAccrual: {kind: none}");
    let began = Instant::now();
    assert_eq!(router.get("web").status, 500);
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(200) && took < Duration::from_millis(350), "{took:?}");
    assert!((3..=4).contains(&backend.requests()), "{}", backend.requests());
}

#[test]
fn an_answer_that_does_not_come_is_given_up_at_the_total_timeout() {
    let backend = Backend::start(Behaviour::body("ok").held());
    let router = router(&backend, "totalTimeoutMs: 100", "");
    let answer = router.get("web");
    assert_eq!(answer.status, 503);
    insta::assert_snapshot!(answer.text(), @"exceeded 100 ms (totalTimeoutMs) while waiting for a response from /svc/web");
}

#[test]
fn an_attempt_that_takes_too_long_is_given_up_and_may_be_tried_again() {
    let held = Behaviour::body("never").held();
    let backend = Backend::start(Behaviour::Turns(vec![held, Behaviour::body("ok")]));
    let classifier = "responseClassifier: {kind: io.l5d.http.retryableRead5XX}";
    let router = router(&backend, classifier, "requestAttemptTimeoutMs: 200");
    let answer = router.get("web");
    assert_eq!((answer.status, answer.text().as_str(), backend.requests()), (200, "ok", 2));
    assert_eq!(router.metric(&format!("{SERVICE}/retries/total")), 1.0);
}

#[test]
fn what_a_service_has_not_begun_with_is_sent_again_within_the_requeue_budget() {
    let nack = || {
        let header = ("Retry-After".to_owned(), "0".to_owned());
        Behaviour::Reply { status: 503, headers: vec![header], body: "busy".into() }
    };
    let backend = Backend::start(Behaviour::Turns(vec![nack(), Behaviour::body("ok")]));
    let router = router(&backend, "", "");
    assert_eq!((ask(&router, "POST", "x").status, backend.requests()), (200, 2));
    assert_eq!(router.metric(&format!("{CLIENT}/retries/requeues")), 1.0);
    assert_eq!(router.metric(&format!("{SERVICE}/retries/total")), 0.0, "no classifier knows");

    backend.set(nack());
    let answer = router.get("web");
    assert_eq!((answer.status, answer.text().as_str()), (503, "busy"));
    // A fifth of the hundred that were left, the one taken above.
    assert_eq!(router.metric(&format!("{CLIENT}/retries/requeues")), 21.0);
    assert_eq!(router.metric(&format!("{CLIENT}/retries/request_limit")), 1.0);
}

#[test]
fn no_more_requests_than_allowed_are_under_way_to_a_client() {
    let backend = Backend::start(Behaviour::body("ok").held());
    let router = router(&backend, "", "maxInFlight: 1");
    let mut first = router.connect();
    first.send("GET / HTTP/1.1\r\nhost: web\r\n\r\n").expect("to send");
    assert!(tests::wait_until(Duration::from_secs(5), || backend.requests() == 1));
    let refused = router.get("web");
    assert_eq!((refused.status, refused.header("l5d-retryable")), (503, Some("true")));
    insta::assert_snapshot!(refused.text(), @r"
    1 requests are already under way (maxInFlight)

    why: /#/io.l5d.fs/web: it gets no more at a time
    ");
    backend.release(2);
    assert_eq!(first.response().expect("an answer").status, 200);
    assert_eq!(router.get("web").status, 200);
}

#[test]
fn no_more_connections_than_allowed_are_open_to_an_endpoint() {
    let backend = Backend::start(Behaviour::body("ok").held());
    let setup = Setup::by_host().service("web", &[&backend]);
    let pool = "client: {hostConnectionPool: {maxSize: 1, maxWaiters: 3}}";
    let router = setup.router(pool).start_with(&["--workers", "2"]);
    let mut callers: Vec<_> = (0..4).map(|_| router.connect()).collect();
    for caller in &mut callers {
        caller.send("GET / HTTP/1.1\r\nhost: web\r\n\r\n").expect("to send");
    }
    let waiting = || router.metric(&format!("{CLIENT}/pool_waiters"));
    assert!(tests::wait_until(Duration::from_secs(5), || waiting() == 3.0));
    let refused = router.get("web");
    assert_eq!(refused.status, 503, "{}", refused.text());
    backend.release(4);
    for caller in &mut callers {
        assert_eq!(caller.response().expect("an answer").status, 200);
    }
    assert_eq!((backend.requests(), backend.open()), (4, 1));
}

#[test]
fn a_connection_to_a_service_ends_when_unused_or_old() {
    for session in ["idleTimeMs: 1500", "lifeTimeMs: 1500"] {
        let backend = Backend::fixed("ok");
        let static_ =
            format!("kind: io.l5d.static, configs: [{{prefix: /*, clientSession: {{{session}}}}}]");
        let router = router(&backend, "", &static_);
        assert_eq!(router.get("web").status, 200);
        assert_eq!(backend.open(), 1);
        assert!(tests::wait_until(Duration::from_secs(5), || backend.open() == 0), "{session}");
        let none = || router.metric(&format!("{CLIENT}/connections")) == 0.0;
        assert!(tests::wait_until(Duration::from_secs(5), none), "{session}");
    }
}

#[test]
fn a_service_that_is_silent_for_too_long_loses_its_connection() {
    let backend = Backend::start(Behaviour::body("never").held());
    let router = router(&backend, "", "socketOptions: {readTimeoutMs: 200}");
    let answer = router.get("web");
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert!(answer.text().contains("timed out"), "{}", answer.text());
    assert!(tests::wait_until(Duration::from_secs(5), || backend.open() == 0));
}
