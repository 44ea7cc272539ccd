use dtab::{Activity, Delegation, Dtab, Explore, NamerTable, Resolver};

use super::*;

fn ended(uri: &Uri, status: u16) -> Ended<'_> {
    Ended {
        caller: "10.1.2.3:40000".parse().unwrap(),
        server: "127.0.0.1:4140".parse().unwrap(),
        service: None,
        client: None,
        endpoint: None,
        method: &Method::GET,
        uri,
        status: StatusCode::from_u16(status).unwrap(),
        took: Duration::from_micros(1500),
        retries: 0,
        overrides: None,
        error: None,
        trace: None,
        failed: status >= 500,
        binding: None,
    }
}

fn record(worker: &LocalRecentRequests, uri: &str, status: u16) {
    worker.record(&ended(&uri.parse().unwrap(), status));
}

fn configured(sample_rate: f64, capacity: usize) -> (Arc<RecentRequests>, Sampling) {
    let recent = RecentRequests::new();
    let config = RecentRequestsConfig { sample_rate, capacity };
    (recent.clone(), Sampling::new(recent, Some(&config)))
}

fn by_default() -> (Arc<RecentRequests>, Sampling) {
    let recent = RecentRequests::new();
    (recent.clone(), Sampling::new(recent, None))
}

fn shown(recent: &RecentRequests) -> Vec<String> {
    recent.newest(&Wanted::default()).iter().map(|recent| recent.uri.clone()).collect()
}

fn trace() -> TraceId {
    TraceId { span: 1, parent: 1, trace: 0x1234, trace_high: None, flags: 0 }
}

/// How many of so many successes are wanted.
fn wanted(worker: &LocalRecentRequests, successes: usize) -> usize {
    (0..successes).filter(|_| worker.wants(false, trace())).count()
}

fn binding(table: &str) -> Arc<Binding> {
    let (base, local) = (Dtab::parse(table).unwrap(), Dtab::empty());
    let namers = NamerTable::new();
    let resolver = Resolver { base: &base, local: &local, namers: &namers, transformers: &[] };
    let delegation: Delegation = resolver.resolve(&"/svc/web".parse().unwrap(), Explore::Needed);
    let (tree, stale) = (Activity::Pending, None);
    Arc::new(Binding { delegation: Arc::new(delegation), tree, stale, version: 1 })
}

#[test]
fn the_newest_of_all_workers_are_shown_and_successes_do_not_push_failures_out() {
    let (recent, sampling) = configured(1.0, 2);
    let (one, other) = (sampling.local("http"), sampling.local("http"));
    for (worker, uri, status) in [
        (&one, "/1", 503),
        (&other, "/2", 200),
        (&one, "/3", 200),
        (&other, "/4", 200),
        (&one, "/5", 200),
    ] {
        record(worker, uri, status);
    }
    assert_eq!(shown(&recent), ["/5", "/4", "/1"]);
    let only = |wanted: Wanted| recent.newest(&wanted).len();
    assert_eq!(only(Wanted { limit: Some(1), ..Wanted::default() }), 1);
    assert_eq!(only(Wanted { failed: true, ..Wanted::default() }), 1);
    assert_eq!(only(Wanted { router: Some("other".to_owned()), ..Wanted::default() }), 0);
}

#[test]
fn few_requests_are_all_taken_and_of_many_ten_a_second() {
    let (_, sampling) = by_default();
    let worker = sampling.local("http");
    assert_eq!(wanted(&worker, 4), 4);
    // More than before: the first are taken, and then no more in this second.
    assert_eq!(wanted(&worker, 996), 6);
    worker.begin_second();
    let taken: Vec<_> = (0..1000).filter(|_| worker.wants(false, trace())).collect();
    assert_eq!(taken, [0, 101, 202, 303, 404, 505, 606, 707, 808, 909]);
    worker.begin_second();
    assert_eq!(wanted(&worker, 1), 1);
    worker.begin_second();
    assert_eq!(wanted(&worker, 3), 3, "one second later few are all taken again");
}

#[test]
fn failures_are_all_taken_up_to_ten_a_second() {
    let (_, sampling) = by_default();
    let worker = sampling.local("http");
    wanted(&worker, 100);
    let failures = || (0..100).filter(|_| worker.wants(true, trace())).count();
    assert_eq!(failures(), 10);
    assert!(!worker.wants_failure());
    worker.begin_second();
    assert_eq!(failures(), 10);
}

#[test]
fn with_a_configured_rate_the_caller_of_a_trace_decides() {
    let (_, sampling) = configured(0.0, 2);
    let worker = sampling.local("http");
    assert!(!worker.wants(false, trace()));
    assert!(worker.wants(false, trace().with_sampled(true)));
    assert!(worker.wants(true, trace()), "failures are taken at any rate");
}

#[test]
fn what_is_new_is_told_once_and_outlasts_a_reload() {
    let (recent, sampling) = by_default();
    let worker = sampling.local("http");
    record(&worker, "/1", 200);
    record(&worker, "/2", 503);
    let news = || recent.news().iter().map(|recent| recent.uri.clone()).collect::<Vec<_>>();
    assert_eq!(news(), ["/1", "/2"]);
    record(&worker, "/3", 200);
    drop(worker);
    record(&sampling.local("http"), "/4", 200);
    assert_eq!(news(), ["/3", "/4"]);
    assert!(news().is_empty());
    assert_eq!(shown(&recent), ["/4", "/3", "/2", "/1"]);
    let id = format!("{:x}", recent.newest(&Wanted::default())[2].id);
    assert_eq!(recent.get(&id).unwrap().uri, "/2");
    assert!(recent.get("0").is_none() && recent.get("x").is_none());
}

#[test]
fn bindings_are_kept_as_far_as_there_is_room() {
    let (recent, sampling) = by_default();
    let worker = sampling.local("http");
    let uri: Uri = "/".parse().unwrap();
    for port in 1..=BINDINGS + 6 {
        let binding = binding(&format!("/svc/web => /$/inet/127.1/{port}"));
        for _ in 0..2 {
            worker.record(&Ended { binding: Some(&binding), ..ended(&uri, 200) });
        }
    }
    let known = || {
        let all = recent.newest(&Wanted::default());
        all.iter().filter(|recent| recent.binding().is_some()).count()
    };
    assert_eq!(known(), BINDINGS * 2);
    let branches: Vec<_> = (0..=STEPS).map(|n| format!("/x/{n}")).collect();
    let huge = format!("/svc/web => {}", branches.join(" | "));
    let huge = binding(&huge);
    worker.record(&Ended { binding: Some(&huge), ..ended(&uri, 200) });
    assert_eq!(known(), BINDINGS * 2 + 1, "it is in use");
    drop(huge);
    assert_eq!(known(), BINDINGS * 2);
    drop(worker);
    assert_eq!(known(), BINDINGS * 2, "also after a reload");
}

#[test]
fn names_and_targets_cannot_break_out_of_the_page_and_long_ones_are_cut() {
    let (recent, sampling) = by_default();
    let worker = sampling.local("a<b");
    let uri: Uri = format!("/'onload=alert(1)'{}", "x".repeat(5000)).parse().unwrap();
    let service = Path::from_segments(["svc", "<b>\"'&"]);
    worker.record(&Ended { service: Some(&service), trace: Some(trace()), ..ended(&uri, 200) });
    let cut = "x".repeat(LONGEST - 18);
    let page = recent.page();
    assert!(page.contains(&cut) && !page.contains(&format!("{cut}x")));
    let mut settings = insta::Settings::clone_current();
    settings.add_filter("x{9,}", "xxx");
    settings.add_filter(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}", "[now]");
    settings.bind(|| insta::assert_snapshot!("page", page));
    let mut json = recent.newest(&Wanted::default())[0].json();
    (json["id"], json["time"], json["uri"]) = (Value::Null, Value::Null, Value::Null);
    insta::assert_json_snapshot!("request", json);
}
