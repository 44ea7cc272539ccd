use super::*;
use crate::telemetry::{Counter, Level, Scope, Stat};

const SECOND: Duration = Duration::from_secs(1);

/// What a service or client has.
struct Counts {
    requests: Counter,
    success: Counter,
    failures: Counter,
    latency: Stat,
    pending: Level,
}

fn counts(scope: &Scope) -> Counts {
    Counts {
        requests: scope.counter("requests"),
        success: scope.counter("success"),
        failures: scope.counter("failures"),
        latency: scope.stat("request_latency_ms"),
        pending: scope.level("pending"),
    }
}

impl Counts {
    fn answered(&self, latencies: &[u64]) {
        for &latency in latencies {
            self.requests.incr();
            self.success.incr();
            self.latency.record(latency);
        }
    }

    fn failed(&self) {
        self.requests.incr();
        self.failures.incr();
        self.latency.record(1);
    }
}

fn service(metrics: &Metrics, name: &str) -> Scope {
    metrics.scope(&["rt", "http", "service", name])
}

fn key(kind: Kind, name: &str) -> Key {
    Key { kind, router: "http".into(), name: name.to_owned() }
}

fn newest(table: &LiveTable, kind: Kind, name: &str) -> Point {
    *table.row(&key(kind, name)).and_then(Row::newest).expect("a row that has been read").0
}

#[test]
fn rates_are_of_the_last_second_and_quantiles_of_the_last_ten() {
    let metrics = Metrics::new();
    let mut table = LiveTable::new(metrics.clone());
    table.tick(SECOND);
    let scope = service(&metrics, "svc/web");
    // Of two workers.
    let (one, other) = (counts(&scope), counts(&scope));
    one.answered(&[5, 5, 300]);
    other.failed();
    other.pending.inc();
    scope.scope("retries").counter("total").add(2);
    table.tick(SECOND * 2);
    let row = table.row(&key(Kind::Service, "/svc/web")).unwrap();
    let (point, pending) = row.newest().unwrap();
    assert_eq!((point.rps, point.failures_ps, point.retries_ps), (2.0, 0.5, 1.0));
    assert_eq!((point.success(), pending, point.connections()), (Some(0.75), 1, None));
    assert_eq!(point.quantiles(), [Some(5), Some(300), Some(300)]);

    // The minute's summary takes nothing away.
    metrics.summarize();
    for _ in 0..9 {
        table.tick(SECOND);
        let point = newest(&table, Kind::Service, "/svc/web");
        assert_eq!((point.rps, point.success()), (0.0, Some(0.75)));
    }
    table.tick(SECOND);
    let point = newest(&table, Kind::Service, "/svc/web");
    assert_eq!((point.success(), point.quantiles()), (None, [None; 3]));
}

#[test]
fn a_router_has_what_its_servers_have_and_the_retries_of_its_services() {
    let metrics = Metrics::new();
    let mut table = LiveTable::new(metrics.clone());
    let servers = ["127.0.0.1/4140", "::1/4140"].map(|address| {
        let scope = metrics.scope(&["rt", "http", "server", address]);
        let connections = scope.level("connections");
        connections.add(3);
        let counts = counts(&scope);
        counts.answered(&[7]);
        (counts, connections)
    });
    let retries = service(&metrics, "svc/web").scope("retries").counter("total");
    retries.add(5);
    table.tick(SECOND);
    let names: Vec<_> = table.rows(Kind::Server).map(|(key, _)| key.name.clone()).collect();
    assert_eq!(names, ["127.0.0.1:4140", "[::1]:4140"]);
    let point = newest(&table, Kind::Router, "http");
    assert_eq!((point.rps, point.retries_ps, point.connections()), (2.0, 5.0, Some(6)));
    assert_eq!(point.quantiles(), [Some(7); 3]);
    assert_eq!(newest(&table, Kind::Server, "[::1]:4140").connections(), Some(3));
    drop(servers);
}

#[test]
fn a_row_goes_with_its_name_and_a_name_that_comes_back_counts_from_0() {
    let metrics = Metrics::new();
    let mut table = LiveTable::new(metrics.clone());
    let scope = service(&metrics, "svc/web");
    let first = counts(&scope);
    first.answered(&[1; 40]);
    table.tick(SECOND);
    drop(first);
    scope.prune();
    let second = counts(&scope);
    second.answered(&[2; 3]);
    table.tick(SECOND);
    let point = newest(&table, Kind::Service, "/svc/web");
    assert_eq!((point.rps, point.quantiles()[2]), (3.0, Some(2)));
    assert_eq!(table.row(&key(Kind::Service, "/svc/web")).unwrap().history().len(), 2);
    drop(second);
    scope.prune();
    table.tick(SECOND);
    assert!(table.row(&key(Kind::Service, "/svc/web")).is_none());
}

#[test]
fn the_history_is_bounded_and_has_the_newest_last() {
    let metrics = Metrics::new();
    let mut table = LiveTable::new(metrics.clone());
    let web = counts(&service(&metrics, "svc/web"));
    for second in 0..HISTORY as u64 + 5 {
        web.requests.add(second);
        table.tick(SECOND);
    }
    let row = table.row(&key(Kind::Service, "/svc/web")).unwrap();
    let rps: Vec<_> = row.history().map(|point| point.rps as usize).collect();
    assert_eq!((rps.len(), rps[0], rps[HISTORY - 1]), (HISTORY, 5, HISTORY + 4));
}

#[test]
fn of_too_many_rows_the_quietest_are_left_out() {
    let metrics = Metrics::new();
    let mut table = LiveTable::new(metrics.clone());
    table.most = 4;
    let server = counts(&metrics.scope(&["rt", "http", "server", "127.0.0.1/4140"]));
    let services: Vec<_> =
        (0..4_u64).map(|n| counts(&service(&metrics, &format!("svc/{n}")))).collect();
    let shown = |table: &LiveTable| -> Vec<String> {
        table.rows(Kind::Service).map(|(key, _)| key.name.clone()).collect()
    };
    for _ in 0..=RANKING {
        services[1].answered(&[1]);
        services[3].answered(&[1, 1]);
        table.tick(SECOND);
    }
    assert_eq!((shown(&table), table.left_out()), (vec!["/svc/1".into(), "/svc/3".into()], 2));
    for _ in 0..=RANKING {
        services[0].answered(&[1; 9]);
        services[3].answered(&[1, 1]);
        table.tick(SECOND);
    }
    assert_eq!(shown(&table), ["/svc/0", "/svc/3"]);
    assert_eq!(newest(&table, Kind::Service, "/svc/0").rps, 9.0);
    drop(server);
}
