//! What is known of endpoints, and what operators see of it: failure accrual, `failFast`, probation.

use std::time::Duration;

use tests::{Backend, Router, Setup, free_port, wait_until};

const CLIENT: &str = "rt/http/client/#/io.l5d.fs/web";
const LONG: Duration = Duration::from_secs(20);

/// Metrics of the client, as `name value` each.
fn seen(router: &Router, names: &str) -> String {
    let value = |name: &str| format!("{name} {}", router.metric(&format!("{CLIENT}/{name}")));
    names.split_whitespace().map(value).collect::<Vec<_>>().join("\n")
}

fn metric(router: &Router, name: &str) -> f64 {
    router.metric(&format!("{CLIENT}/{name}"))
}

#[test]
fn a_dead_endpoint_counts_as_in_linkerd() {
    let dead = format!("127.0.0.1 {}\n", free_port());
    let router = Setup::by_host().file("web", &dead).start_with(&["--workers", "1"]);
    assert_eq!(router.get("web").status, 502);
    let names = "failure_accrual/probes failure_accrual/removals failure_accrual/removed_for_ms \
                 failure_accrual/revivals retries/requeues retries/not_open \
                 service_creation/failures loadbalancer/adds loadbalancer/removes \
                 loadbalancer/rebuilds loadbalancer/updates loadbalancer/size \
                 loadbalancer/available loadbalancer/busy loadbalancer/closed loadbalancer/load \
                 loadbalancer/meanweight loadbalancer/num_weight_classes \
                 loadbalancer/busy_weight_classes loadbalancer/max_effort_exhausted \
                 loadbalancer/algorithm/p2c_least_loaded";
    insta::assert_snapshot!(seen(&router, names), @r"
    failure_accrual/probes 0
    failure_accrual/removals 1
    failure_accrual/removed_for_ms 5000
    failure_accrual/revivals 0
    retries/requeues 4
    retries/not_open 1
    service_creation/failures 5
    loadbalancer/adds 1
    loadbalancer/removes 0
    loadbalancer/rebuilds 1
    loadbalancer/updates 1
    loadbalancer/size 1
    loadbalancer/available 0
    loadbalancer/busy 1
    loadbalancer/closed 0
    loadbalancer/load 0
    loadbalancer/meanweight 1
    loadbalancer/num_weight_classes 1
    loadbalancer/busy_weight_classes 0
    loadbalancer/max_effort_exhausted 0
    loadbalancer/algorithm/p2c_least_loaded 1
    ");
}

#[test]
fn a_dead_endpoint_stays_dead_when_the_configuration_is_loaded_again() {
    let (works, dead) = (Backend::fixed("ok"), format!("127.0.0.1 {}\n", free_port()));
    let router = Setup::by_host()
        .file("web", &format!("{}{dead}", works.fs_line()))
        .router("client: {failureAccrual: {kind: io.l5d.consecutiveFailures, failures: 1, backoff: {kind: constant, ms: 600000}}}")
        .start_with(&["--workers", "1"]);
    let failures = || metric(&router, "service_creation/failures");
    assert!(wait_until(LONG, || router.get("web").status == 200 && failures() == 1.0));
    for _ in 0..3 {
        assert_eq!(router.reload().status, 200);
        (0..20).for_each(|_| assert_eq!(router.get("web").status, 200));
    }
    let names = "service_creation/failures failure_accrual/removals loadbalancer/adds \
                 loadbalancer/busy";
    insta::assert_snapshot!(seen(&router, names), @r"
    service_creation/failures 1
    failure_accrual/removals 1
    loadbalancer/adds 2
    loadbalancer/busy 1
    ");
}

#[test]
fn changes_of_addresses_count_once_whatever_the_number_of_workers() {
    let backends = [Backend::fixed("ok"), Backend::fixed("ok")];
    let router = Setup::by_host()
        .service("web", &[&backends[0], &backends[1]])
        .start_with(&["--workers", "3"]);
    let ask = || (0..20).for_each(|_| assert_eq!(router.get("web").status, 200));
    ask();
    router.write("web", &backends[0].fs_line());
    assert!(wait_until(LONG, || {
        ask();
        metric(&router, "loadbalancer/size") == 1.0
    }));
    ask();
    let names = ["adds", "removes", "updates", "rebuilds"];
    let counts = names.map(|name| metric(&router, &format!("loadbalancer/{name}")));
    assert_eq!(counts, [2.0, 1.0, 2.0, 2.0]);
}

#[test]
fn with_fail_fast_one_failed_connection_is_enough_and_one_that_succeeds_too() {
    let mut backend = Backend::fixed("ok");
    let router = Setup::by_host()
        .service("web", &[&backend])
        .router("client: {failFast: true}")
        .start_with(&["--workers", "1"]);
    assert_eq!(router.get("web").status, 200);
    backend.kill();
    assert!(wait_until(LONG, || metric(&router, "connections") == 0.0));
    assert_eq!(router.get("web").status, 502);
    assert_eq!(metric(&router, "service_creation/failures"), 1.0);
    // Nobody connects for this one.
    let refused = router.get("web");
    assert_eq!(refused.status, 502);
    assert!(refused.text().contains("failFast"), "{}", refused.text());
    assert_eq!(metric(&router, "failfast/is_marked_dead"), 1.0);
    assert_eq!(metric(&router, "loadbalancer/busy"), 1.0);
    backend.restart();
    assert!(wait_until(LONG, || metric(&router, "failfast/is_marked_dead") == 0.0));
    assert_eq!(router.get("web").status, 200);
    let names = "failfast/marked_dead failfast/marked_available failfast/unhealthy_for_ms \
                 failfast/unhealthy_num_tries failure_accrual/removals";
    insta::assert_snapshot!(seen(&router, names), @r"
    failfast/marked_dead 1
    failfast/marked_available 1
    failfast/unhealthy_for_ms 0
    failfast/unhealthy_num_tries 0
    failure_accrual/removals 0
    ");
}

#[test]
fn an_endpoint_on_probation_is_used_for_as_long_as_it_works() {
    let (stays, mut goes) = (Backend::fixed("stays"), Backend::fixed("goes"));
    let router = Setup::by_host()
        .service("web", &[&stays, &goes])
        .router("client: {loadBalancer: {kind: roundRobin, enableProbation: true}}")
        .start_with(&["--workers", "1"]);
    assert_eq!(router.get("web").status, 200);
    router.write("web", &stays.fs_line());
    let updated = || metric(&router, "loadbalancer/updates") == 2.0;
    assert!(wait_until(LONG, || router.get("web").status == 200 && updated()));
    let texts: Vec<_> = (0..4).map(|_| router.get("web").text()).collect();
    assert!(texts.contains(&"goes".to_owned()), "{texts:?}");
    assert_eq!(metric(&router, "loadbalancer/size"), 2.0);
    goes.kill();
    assert!(wait_until(LONG, || {
        assert_eq!(router.get("web").text(), "stays");
        metric(&router, "loadbalancer/size") == 1.0
    }));
}
