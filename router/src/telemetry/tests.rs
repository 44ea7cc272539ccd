use super::*;

fn value(metrics: &Metrics, name: &str) -> Option<Value> {
    metrics.samples().into_iter().find(|s| s.path.join("/") == name).map(|s| s.value)
}

#[test]
fn handles_of_one_name_are_summed_and_survive_their_handles() {
    let metrics = Metrics::new();
    let scope = metrics.scope(&["rt", "http"]);
    let (a, b) = (scope.counter("requests"), scope.counter("requests"));
    a.incr();
    b.add(2);
    let c = b.clone();
    c.incr();
    drop(b);
    assert_eq!(value(&metrics, "rt/http/requests"), Some(Value::Counter(4)));
}

#[test]
fn a_level_is_the_sum_of_live_handles() {
    let metrics = Metrics::new();
    let scope = metrics.scope(&["rt", "http"]);
    let (a, b) = (scope.level("connections"), scope.level("connections"));
    a.inc();
    a.inc();
    a.dec();
    b.inc();
    assert_eq!(value(&metrics, "rt/http/connections"), Some(Value::Gauge(2.0)));
    drop(b);
    assert_eq!(value(&metrics, "rt/http/connections"), Some(Value::Gauge(1.0)));
}

#[test]
fn a_gauge_goes_with_its_handle_and_the_newest_is_shown() {
    let metrics = Metrics::new();
    let scope = metrics.scope(&[]);
    let first = scope.gauge("load", || 1.0);
    let second = scope.gauge("load", || 2.0);
    assert_eq!(value(&metrics, "load"), Some(Value::Gauge(2.0)));
    drop(second);
    assert_eq!(value(&metrics, "load"), Some(Value::Gauge(1.0)));
    drop(first);
    assert_eq!(value(&metrics, "load"), None);
}

#[test]
fn a_pruned_name_goes_with_its_last_handle_and_comes_back_from_zero() {
    let metrics = Metrics::new();
    let client = metrics.scope(&["rt", "http", "client", "#/io.l5d.fs/web"]);
    let other = metrics.scope(&["rt", "http", "client", "#/io.l5d.fs/web2"]).counter("requests");
    let (a, b) = (client.counter("requests"), client.scope("status").counter("200"));
    a.incr();
    b.incr();
    drop(a);
    client.prune();
    assert_eq!(value(&metrics, "rt/http/client/#/io.l5d.fs/web/requests"), None);
    assert_eq!(
        value(&metrics, "rt/http/client/#/io.l5d.fs/web/status/200"),
        Some(Value::Counter(1)),
        "another worker still counts here"
    );
    drop(b);
    let names: Vec<_> = metrics.samples().iter().map(|s| s.path.join("/")).collect();
    assert_eq!(names, ["rt/http/client/#/io.l5d.fs/web2/requests"]);
    let again = client.counter("requests");
    again.incr();
    assert_eq!(value(&metrics, "rt/http/client/#/io.l5d.fs/web/requests"), Some(Value::Counter(1)));
    drop(other);
}

#[test]
fn a_name_in_use_again_outlives_an_earlier_prune() {
    let metrics = Metrics::new();
    let scope = metrics.scope(&["x"]);
    let first = scope.counter("n");
    first.incr();
    scope.prune();
    let second = scope.counter("n");
    drop((first, second));
    assert_eq!(value(&metrics, "x/n"), Some(Value::Counter(1)));
}

#[test]
fn what_is_kept_outlasts_a_prune_and_goes_on() {
    let metrics = Metrics::new();
    let scope = metrics.scope(&["x"]);
    let (counter, gauge) = (scope.counter("n"), scope.gauge("g", || 1.0));
    counter.incr();
    let kept = scope.keep();
    scope.prune();
    drop((counter, gauge));
    assert_eq!(value(&metrics, "x/n"), Some(Value::Counter(1)));
    assert_eq!(value(&metrics, "x/g"), None);
    let again = scope.counter("n");
    again.incr();
    drop(kept);
    assert_eq!(value(&metrics, "x/n"), Some(Value::Counter(2)));
    let kept = scope.keep();
    scope.prune();
    drop((again, kept));
    assert_eq!(value(&metrics, "x/n"), None);
}

#[test]
fn a_name_of_another_kind_is_not_shown_and_does_no_harm() {
    let metrics = Metrics::new();
    let scope = metrics.scope(&["x"]);
    let counter = scope.counter("n");
    let stat = scope.stat("n");
    stat.record(1);
    counter.incr();
    drop(stat);
    assert_eq!(value(&metrics, "x/n"), Some(Value::Counter(1)));
}

#[test]
fn cells_written_by_many_threads_lose_nothing() {
    let metrics = Metrics::new();
    let scope = metrics.scope(&["x"]);
    std::thread::scope(|threads| {
        for _ in 0..4 {
            let (counter, stat) = (scope.counter("n"), scope.stat("s"));
            let metrics = &metrics;
            threads.spawn(move || {
                for value in 0..10_000 {
                    counter.incr();
                    stat.record(value % 200);
                }
                metrics.samples();
            });
        }
    });
    metrics.summarize();
    assert_eq!(value(&metrics, "x/n"), Some(Value::Counter(40_000)));
    let Some(Value::Stat(Some(summary))) = value(&metrics, "x/s") else { panic!("no summary") };
    assert_eq!((summary.count, summary.min, summary.max), (40_000, 0, 199));
}

#[tokio::test(start_paused = true)]
async fn a_stat_shows_the_last_full_interval_and_nothing_before() {
    let metrics = Metrics::new();
    let stat = metrics.scope(&["x"]).stat("s");
    stat.record(7);
    let task = tokio::spawn(metrics.clone().summarize_every(SUMMARY_INTERVAL));
    tokio::task::yield_now().await;
    assert_eq!(metrics.json(&Query::default()).unwrap(), "{}");

    tokio::time::advance(SUMMARY_INTERVAL).await;
    tokio::task::yield_now().await;
    stat.record(9);
    let Some(Value::Stat(Some(summary))) = value(&metrics, "x/s") else { panic!("no summary") };
    assert_eq!((summary.count, summary.sum), (1, 7));

    tokio::time::advance(SUMMARY_INTERVAL).await;
    tokio::task::yield_now().await;
    let Some(Value::Stat(Some(summary))) = value(&metrics, "x/s") else { panic!("no summary") };
    assert_eq!((summary.count, summary.sum), (1, 9));

    tokio::time::advance(SUMMARY_INTERVAL).await;
    tokio::task::yield_now().await;
    assert_eq!(metrics.json(&Query::default()).unwrap(), r#"{"x/s.count":0}"#);
    task.abort();
}
