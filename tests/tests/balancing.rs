//! Balancers and failure accrual under load: slow and failing endpoints get little, and nobody notices.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use tests::{Backend, Behaviour, RawClient, Router, Setup, wait_until};

const CLIENT: &str = "rt/http/client/#/io.l5d.fs/web";
const SERVICE: &str = "rt/http/service/svc/web";

fn before(backends: &[Backend], client: &str, service: &str) -> Router {
    let setup = Setup::by_host().service("web", &backends.iter().collect::<Vec<_>>());
    let setup = setup.router(&format!("client: {{{client}}}"));
    setup.router(&format!("service: {{{service}}}")).start()
}

/// `count` requests from `callers` callers, each on a connection of its own; how many did not get a
/// 200.
fn load(router: &Router, callers: usize, count: usize) -> usize {
    let (left, failed) = (AtomicUsize::new(count), AtomicUsize::new(0));
    thread::scope(|threads| {
        for _ in 0..callers {
            threads.spawn(|| {
                let mut client = RawClient::connect(router.addr).expect("a connection");
                while left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
                    let answer = client.request("GET", "/", &[("host", "web")], b"");
                    if answer.expect("an answer").status != 200 {
                        failed.fetch_add(1, Relaxed);
                    }
                }
            });
        }
    });
    failed.into_inner()
}

/// The share of the requests of `during` that a backend gets.
fn share(backends: &[Backend], of: usize, during: impl FnOnce()) -> f64 {
    let counts = || backends.iter().map(Backend::requests).collect::<Vec<_>>();
    let earlier = counts();
    during();
    let later = counts();
    let got: Vec<_> = later.iter().zip(&earlier).map(|(later, earlier)| later - earlier).collect();
    got[of] as f64 / got.iter().sum::<u64>() as f64
}

#[test]
fn peak_ewma_steers_away_from_a_slow_endpoint() {
    // Long enough that a busy machine does not make the quick ones slow, too.
    let quick = || Behaviour::body("ok").slow(Duration::from_millis(10));
    let backends: Vec<_> = (0..5).map(|_| Backend::start(quick())).collect();
    let router = before(&backends, "loadBalancer: {kind: ewma}", "");
    let even = share(&backends, 2, || assert_eq!(load(&router, 8, 500), 0));
    assert!((0.02..0.5).contains(&even), "all are alike: {even}");
    backends[2].set(Behaviour::body("ok").slow(Duration::from_millis(100)));
    load(&router, 8, 100); // until it is noticed
    let slow = share(&backends, 2, || assert_eq!(load(&router, 8, 2000), 0));
    assert!(slow < 0.05, "the slow one gets {slow}");
}

#[test]
fn callers_hardly_see_an_endpoint_that_fails_half_of_its_requests() {
    let backends: Vec<_> = (0..5).map(|_| Backend::fixed("ok")).collect();
    let ok = || Behaviour::body("ok");
    backends[3].set(Behaviour::Turns(vec![Behaviour::status(500), ok()]));
    let classifier = "responseClassifier: {kind: io.l5d.http.retryableRead5XX}";
    for client in ["", "failureAccrual: {kind: io.l5d.successRate, successRate: 0.9, requests: 20}"]
    {
        let router = before(&backends, client, classifier);
        let failed = load(&router, 8, 3000);
        assert!(failed <= 3, "{failed} of 3000 fail");
        let retries = router.metric(&format!("{SERVICE}/retries/total"));
        assert!(retries <= 3000.0 * 0.2 + 100.0, "{retries} retries are more than their share");
    }
}

#[test]
fn an_endpoint_that_fails_five_times_in_a_row_is_left_alone_and_comes_back() {
    let backends: Vec<_> = (0..3).map(|_| Backend::fixed("ok")).collect();
    backends[1].set(Behaviour::status(500));
    let accrual = "failureAccrual: {kind: io.l5d.consecutiveFailures, failures: 5, \
                   backoff: {kind: constant, ms: 300}}";
    let router = before(&backends, accrual, "");
    let removed = || router.metric(&format!("{CLIENT}/failure_accrual/removals")) >= 1.0;
    assert!(wait_until(Duration::from_secs(10), || {
        load(&router, 4, 20);
        removed()
    }));
    let failing = backends[1].requests();
    assert!(failing >= 5, "{failing}");
    backends[1].set(Behaviour::body("ok"));
    let revived = || router.metric(&format!("{CLIENT}/failure_accrual/revivals")) >= 1.0;
    assert!(wait_until(Duration::from_secs(10), || {
        load(&router, 4, 20);
        revived()
    }));
    let again = share(&backends, 1, || assert_eq!(load(&router, 4, 600), 0));
    assert!((0.2..0.5).contains(&again), "it has its share again: {again}");
}

#[test]
fn every_balancer_uses_all_endpoints_and_none_that_is_down() {
    for kind in ["p2c", "ewma", "aperture, minAperture: 3", "heap", "roundRobin"] {
        let mut backends: Vec<_> = (0..3).map(|_| Backend::fixed("ok")).collect();
        let router = before(&backends, &format!("loadBalancer: {{kind: {kind}}}"), "");
        assert_eq!(load(&router, 4, 300), 0, "{kind}");
        let fewest = backends.iter().map(Backend::requests).min();
        assert!(fewest > Some(20), "{kind}: {fewest:?} of 300");
        backends[0].kill();
        assert_eq!(load(&router, 4, 300), 0, "{kind}, with one endpoint down");
    }
}

#[test]
fn weights_are_shares_of_the_requests() {
    let backends: Vec<_> = (0..2).map(|_| Backend::fixed("ok")).collect();
    let line = |at: usize, weight: &str| format!("127.0.0.1 {} * {weight}\n", backends[at].port());
    let lines = line(0, "0.25") + &line(1, "1.0");
    let router = Setup::by_host().file("web", &lines).start();
    let small = share(&backends, 0, || assert_eq!(load(&router, 4, 2000), 0));
    assert!((0.16..0.24).contains(&small), "a fifth: {small}");
}
