//! What a running router tells operators beyond the basics: telemeters, metrics by Linkerd's names, the
//! state of clients, and which of it is served.

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

use serde_json::{Value, json};
use tests::{Backend, Behaviour, RawClient, RawResponse, Router, Setup, free_port, wait_until};

const LIMIT: Duration = Duration::from_secs(10);

fn get(router: &Router, target: &str) -> RawResponse {
    RawClient::get(router.admin, target, &[("host", "localhost")]).expect("the admin server")
}

fn metrics(router: &Router) -> Value {
    get(router, "/admin/metrics.json").json()
}

/// Names that Linkerd has and this router has not, and why.
const NOT_CARRIED: &[(&str, &str)] = &[
    ("/http/stream/", "Finagle's own bookkeeping of streams"),
    ("/thread_usage/", "tells of threads of a Java machine"),
    ("/pending_io_events", "tells of Netty"),
    ("/dispatcher/serial/queue_size", "there is no queue before a connection"),
    ("/nack_admission_control/", "not built"),
    ("/admission_control/deadline/", "not built"),
    ("/socket_writable_ms", "not measured"),
    ("/socket_unwritable_ms", "not measured"),
    ("/tcp_retransmits", "not measured"),
    ("/rejected_invalid_header_", "such requests are answered with 400 and counted as that"),
    ("/nonretryable_nacks", "a refusal of ours says whether it may be tried again"),
    ("/service/svc/missing/", "only names that bind are counted: a caller can make up any others"),
    ("/failures/restartable", "the cause stands right below failures"),
    ("/service_creation/failures/", "the cause is with the service"),
    ("/tls/connections", "counted where TLS is configured"),
    ("/read_timeout", "not counted"),
    ("/write_timeout", "not counted"),
    ("/client/#/io.l5d.fs/web/available", "there as loadbalancer/available"),
];

#[test]
fn it_counts_what_linkerd_has_counted_for_the_same_requests() {
    let backend = Backend::fixed("ok");
    let router = Setup::by_host()
        .service("web", &[&backend])
        .file("dead", &format!("127.0.0.1 {}\n", free_port()))
        .start_with(&["--workers", "1"]);
    for (status, times) in [(200, 8), (500, 2), (404, 1)] {
        backend.set(Behaviour::status(status));
        for _ in 0..times {
            assert_eq!(router.get("web").status, status);
        }
    }
    assert_eq!(router.get("missing").status, 502);
    assert_eq!(router.get("dead").status, 502);

    let own = metrics(&router);
    let server = format!("/server/127.0.0.1/{}/", router.addr.port());
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for line in include_str!("../../fixtures/metrics/linkerd.txt").lines() {
        if line.starts_with('#') || NOT_CARRIED.iter().any(|(part, _)| line.contains(part)) {
            continue;
        }
        let (name, value) = line.rsplit_once(' ').expect("a name and its value");
        let name = name.replace("/server/127.0.0.1/4140/", &server);
        let value: f64 = value.parse().expect("a number");
        compared += 1;
        if is_of_the_moment(&name) {
            if !own[&name].is_number() {
                wrong.push(format!("{name} is missing"));
            }
        } else if own[&name].as_f64() != Some(value) {
            wrong.push(format!("{name} is {}, Linkerd has {value}", own[&name]));
        }
    }
    assert!(wrong.is_empty(), "{}\n{own:#}", wrong.join("\n"));
    assert!(compared > 100, "{compared} names are no check");
}

#[test]
fn bytes_and_requests_of_connections_to_services_are_counted() {
    let mut backend = Backend::fixed("ok");
    let router = Setup::by_host().service("web", &[&backend]).start_with(&["--workers", "1"]);
    let client = "rt/http/client/#/io.l5d.fs/web";
    let counted = |name: &str| router.metric(&format!("{client}/{name}"));
    assert_eq!(router.get("web").status, 200);
    let once = (counted("received_bytes"), counted("sent_bytes"));
    assert!(once.0 > 20.0 && once.1 > 40.0, "{once:?}");
    assert_eq!(router.get("web").status, 200);
    assert_eq!((counted("received_bytes"), counted("connects")), (2.0 * once.0, 1.0));
    backend.kill();
    assert!(wait_until(LIMIT, || counted("closes") == 1.0));
}

/// What depends on when it is looked at, on how a connection that fails is tried again, or on how many
/// retries a budget begins with.
fn is_of_the_moment(name: &str) -> bool {
    name.contains("/client/#/io.l5d.fs/dead/")
        || [
            "/closes",
            "/connections",
            "/pending",
            "/pool_cached",
            "/pool_size",
            "/retries/budget",
            "/received_bytes",
            "/sent_bytes",
        ]
        .iter()
        .any(|end| name.ends_with(end))
        || name.contains("/loadbalancer/")
}

#[test]
fn callers_cannot_make_more_metrics_than_the_binding_cache_has_names() {
    let backend = Backend::fixed("ok");
    let router = Setup::new("/svc/* => /#/io.l5d.fs/web")
        .service("web", &[&backend])
        .router("bindingCache: {paths: 5, trees: 5, bounds: 5, clients: 5}")
        .start_with(&["--workers", "1"]);
    for n in 0..50 {
        assert_eq!(router.get(&format!("made-up-{n}")).status, 200);
    }
    let metrics = metrics(&router);
    let services = metrics.as_object().expect("an object").keys();
    let services =
        services.filter(|name| name.starts_with("rt/http/service/") && name.ends_with("/requests"));
    assert_eq!(services.count(), 5);
    assert_eq!(metrics["rt/http/bindcache/path/evicts"], 45);
    assert_eq!(metrics["rt/http/bindcache/tree/evicts"], 45);
}

#[test]
fn every_telemeter_tells_what_it_is_for() {
    let backend = Backend::fixed("ok");
    let daemon = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    daemon.set_read_timeout(Some(LIMIT)).expect("a timeout");
    let port = daemon.local_addr().expect("an address").port();
    let router = Setup::by_host()
        .service("web", &[&backend])
        .telemeter("{kind: io.l5d.influxdb, experimental: true}")
        .telemeter("{kind: io.l5d.recentRequests, sampleRate: 1.0, capacity: 2}")
        .telemeter("{kind: io.l5d.tracelog}")
        .telemeter(&format!(
            "{{kind: io.l5d.statsd, experimental: true, port: {port}, gaugeIntervalMs: 50}}"
        ))
        .start();
    for _ in 0..3 {
        assert_eq!(router.get("web").status, 200);
    }

    let lines = get(&router, "/admin/metrics/influxdb").text();
    let service = lines.lines().find(|line| line.starts_with("rt:service,")).unwrap_or_default();
    assert!(service.starts_with("rt:service,host=localhost,rt=http,service=svc/web "), "{lines}");
    assert!(service.contains("requests=3"), "{service}");

    let recent = get(&router, "/requests.json").json();
    let recent = recent.as_array().expect("a list");
    assert_eq!(recent.len(), 2);
    assert_eq!(recent[0]["service"], "/svc/web");
    assert_eq!(recent[0]["destination"], backend.addr().to_string());
    assert!(get(&router, "/requests").text().contains("/svc/web"));

    let line = router.proc.wait_log("/svc/web /#/io.l5d.fs/web");
    assert!(line.contains(&format!("{} 200 ", backend.addr())), "{line}");

    let mut counted = 0;
    let mut datagram = [0; 2000];
    while counted < 3 {
        let length = daemon.recv(&mut datagram).expect("a datagram");
        for line in String::from_utf8_lossy(&datagram[..length]).lines() {
            let count = line.strip_prefix("linkerd.rt.http.service.svc.web.requests:");
            let count = count.and_then(|count| count.strip_suffix("|c"));
            counted += count.map_or(0, |count| count.parse().expect("a count"));
        }
    }
    assert_eq!(counted, 3);
}

#[test]
fn pages_of_telemeters_that_are_not_configured_are_not_there() {
    let router = Setup::by_host().start();
    assert_eq!(get(&router, "/admin/metrics/influxdb").status, 404);
}

/// Reads a stream of events up to the first that has this text.
fn event_with(stream: &mut impl Read, text: &str) -> String {
    let (mut seen, mut more) = (String::new(), vec![0; 64 * 1024]);
    loop {
        if let Some(event) = seen.split_inclusive("\n\n").find(|event| event.contains(text)) {
            return event.to_owned();
        }
        let read = stream.read(&mut more).expect("an event within the limit");
        assert_ne!(read, 0, "the stream has ended: {seen}");
        seen.push_str(&String::from_utf8_lossy(&more[..read]));
    }
}

fn listen(router: &Router, target: &str) -> TcpStream {
    let mut stream = TcpStream::connect(router.admin).expect("the admin server");
    stream.set_read_timeout(Some(LIMIT)).expect("a timeout");
    // In 1.0 the events come as they are, and not in chunks.
    write!(stream, "GET {target} HTTP/1.0\r\nHost: localhost\r\n\r\n").expect("a request");
    stream
}

#[test]
fn what_goes_on_is_told_second_by_second_also_after_a_reload() {
    let backend = Backend::fixed("ok");
    let router = Setup::by_host().service("web", &[&backend]).start();
    let mut events = listen(&router, "/stats/events");
    event_with(&mut events, "event: stats");
    for _ in 0..5 {
        assert_eq!(router.get("web").status, 200);
    }
    let web = "\"name\":\"/svc/web\"";
    let event = event_with(&mut events, web);
    let data = event.split_once("data: ").expect("data").1;
    let stats: Value = serde_json::from_str(data).expect("JSON");
    let (service, client) = (&stats["services"][0], &stats["clients"][0]);
    assert_eq!((&service["success"], &service["router"]), (&json!(1.0), &json!("http")));
    assert_eq!(client["endpoints"][0]["address"], backend.addr().to_string());
    assert!(stats["routers"][0]["servers"][0]["connections"].is_number(), "{stats}");

    let rps = || {
        let history = get(&router, "/stats/history.json?router=http&name=/svc/web").json();
        history["rps"].as_array().map_or(0.0, |all| all.iter().filter_map(Value::as_f64).sum())
    };
    assert!(wait_until(LIMIT, || rps() > 4.0), "{}", rps());
    assert_eq!(router.reload().status, 200);
    event_with(&mut events, web);
    assert!(rps() > 4.0, "the history goes on");
}

#[test]
fn requests_that_fail_are_remembered_with_the_reason_and_how_they_resolved() {
    let (good, bad) = (Backend::fixed("ok"), Backend::start(Behaviour::status(503)));
    let router = Setup::by_host()
        .service("web", &[&good])
        .service("bad", &[&bad])
        .file("dead", &format!("127.0.0.1 {}\n", free_port()))
        .start_with(&["--workers", "1"]);
    let mut events = listen(&router, "/requests/events");
    event_with(&mut events, "text/event-stream");
    let send = |host: &str, fields: &[(&str, &str)]| {
        let fields: Vec<_> = [("host", host)].into_iter().chain(fields.iter().copied()).collect();
        RawClient::get(router.addr, "/x?y", &fields).expect("an answer").status
    };
    assert_eq!(send("web", &[]), 200);
    assert_eq!(send("bad", &[]), 503);
    assert_eq!(send("dead", &[]), 502);
    assert_eq!(send("nowhere", &[]), 502);
    assert_eq!(send("web", &[("l5d-dtab", "/svc/web => /svc/bad")]), 503);
    assert_eq!(send("web", &[("l5d-dtab", "no dtab")]), 400);
    assert_eq!(RawClient::get(router.addr, "/", &[]).expect("an answer").status, 400);

    let all = get(&router, "/requests.json").json();
    let all = all.as_array().expect("a list");
    let told: Vec<_> = all
        .iter()
        .rev()
        .map(|it| {
            let text = |name: &str| it[name].as_str().unwrap_or("-").to_owned();
            (it["status"].as_u64().unwrap_or(0), text("service"), text("client"))
        })
        .collect();
    let row = |status, service: &str, client: &str| (status, service.to_owned(), client.to_owned());
    assert_eq!(
        told,
        [
            row(200, "/svc/web", "/#/io.l5d.fs/web"),
            row(503, "/svc/bad", "/#/io.l5d.fs/bad"),
            row(502, "/svc/dead", "/#/io.l5d.fs/dead"),
            row(502, "/svc/nowhere", "-"),
            row(503, "/svc/web", "/#/io.l5d.fs/bad"),
            row(400, "/svc/web", "-"),
            row(400, "-", "-"),
        ]
    );
    let failed = get(&router, "/requests.json?failed=true&limit=4&router=http").json();
    assert_eq!(failed, json!(all[..4]));
    let error = |at: usize| all[at]["error"].as_str().unwrap_or_default();
    assert!(error(0).contains("Host"), "{}", error(0));
    assert!(error(4).contains("takes no connection"), "{}", error(4));
    assert_eq!(all[1]["override"], "no dtab");
    assert_eq!(all[5]["destination"], bad.addr().to_string());

    let one = |at: usize| {
        let id = all[at]["id"].as_str().expect("an id");
        get(&router, &format!("/requests/{id}.json")).json()
    };
    assert_eq!(one(3)["delegation"]["state"], "neg");
    let delegation = &one(2)["delegation"];
    assert_eq!((&delegation["state"], &delegation["path"]), (&json!("bound"), &json!("/svc/web")));
    assert_eq!(delegation["override"], "/svc/web=>/svc/bad");
    assert!(delegation["steps"].to_string().contains("/#/io.l5d.fs/bad"), "{delegation}");
    assert_eq!(one(1)["delegation"], Value::Null);

    event_with(&mut events, "\"service\":\"/svc/nowhere\"");
    // Behind another configuration they are still there.
    let before = all.len();
    assert_eq!(router.reload().status, 200);
    let after = get(&router, "/requests.json").json();
    assert_eq!(after.as_array().map(Vec::len), Some(before));
}

#[test]
fn a_client_is_shown_with_its_configuration_and_how_its_endpoints_fare() {
    let (good, bad) = (Backend::fixed("ok"), Backend::start(Behaviour::status(500)));
    let router = Setup::by_host()
        .service("web", &[&good, &bad])
        .router("client: {loadBalancer: {kind: roundRobin}, failureAccrual: {kind: io.l5d.consecutiveFailures, failures: 2, backoff: {kind: constant, ms: 600000}}, requestAttemptTimeoutMs: 4000}")
        .start();
    let client = || get(&router, "/clients.json").json()["http"]["/#/io.l5d.fs/web"].clone();
    let state_of = |backend: &Backend| {
        let client = client();
        let endpoints = client["endpoints"].as_array().cloned().unwrap_or_default();
        let own = endpoints.into_iter().find(|it| it["address"] == backend.addr().to_string());
        own.map_or(Value::Null, |endpoint| endpoint["state"].clone())
    };
    assert!(wait_until(LIMIT, || {
        router.get("web");
        state_of(&bad) == "dead"
    }));
    assert_eq!(state_of(&good), "open");
    let client = client();
    assert_eq!(client["state"], "bound");
    assert_eq!(client["config"]["loadBalancer"]["kind"], "roundRobin");
    assert_eq!(client["config"]["failureAccrual"]["failures"], 2);
    assert_eq!(client["config"]["requestAttemptTimeoutMs"], 4000);
    let registry = get(&router, "/admin/registry.json").json();
    assert_eq!(
        registry["registry"]["client"]["http"]["http"]["/#/io.l5d.fs/web"]["state"],
        "bound"
    );
}

#[test]
fn routers_are_shown_as_they_were_configured_defaults_included() {
    let router = Setup::by_host()
        .router("identifier: [{kind: io.l5d.path, segments: 2}, {kind: io.l5d.header.token}]")
        .server("clearContext: true")
        .start();
    let shown = get(&router, "/routers.json").json();
    assert_eq!(
        shown,
        json!([{
            "label": "http",
            "protocol": "http",
            "dstPrefix": "/svc",
            "identifiers": [
                { "kind": "io.l5d.path", "segments": 2, "consume": false },
                { "kind": "io.l5d.header.token", "header": "Host" },
            ],
            "interpreter": { "kind": "default" },
            "dtab": "/svc=>/#/io.l5d.fs",
            "written": "/svc => /#/io.l5d.fs ;",
            "servers": [{
                "address": router.addr.to_string(),
                "tls": false,
                "overrides": "trusted",
                "clearContext": true,
                "maxCallDepth": 1000,
            }],
        }])
    );
}

#[test]
fn the_identifier_port_names_a_request_of_any_host_and_path() {
    let port = free_port();
    let router = Setup::by_host().admin(&format!("httpIdentifierPort: {port}")).start();
    let at = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    router.proc.wait_log("serving httpIdentifierPort");
    let named = RawClient::get(at, "/a/b", &[("host", "evil.example")]).expect("an answer");
    assert_eq!(
        named.text(),
        r#"{"http":{"path":"/svc/evil.example","dtab":"/svc=>/#/io.l5d.fs"}}"#
    );
    let unnamed = RawClient::get(at, "/", &[("host", "")]).expect("an answer");
    assert_eq!(unnamed.text(), r#"{"http":{"error":"Host header is absent"}}"#);
}

#[test]
fn what_security_does_not_allow_is_404_and_changes_nothing() {
    let mut router = Setup::by_host()
        .admin("security: {controlEnabled: false, diagnosticsEnabled: false, pathWhitelist: [/admin/ping], pathBlacklist: [/config.*]}")
        .start();
    for (path, status) in [
        ("/admin/metrics.json", 200),
        ("/admin/ping", 200),
        ("/admin/server_info", 404),
        ("/config.json", 404),
        ("/logging.json", 404),
    ] {
        assert_eq!(get(&router, path).status, status, "{path}");
    }
    let mut client = RawClient::connect(router.admin).expect("the admin server");
    let stop = client.request("POST", "/admin/shutdown", &[("host", "localhost")], b"");
    let stop = stop.expect("an answer");
    assert_eq!((stop.status, stop.text().as_str()), (404, ""));
    assert_eq!(get(&router, "/admin/ping").text(), "pong");
    assert!(router.proc.alive());
}

#[test]
fn levels_of_the_log_are_shown_and_set_by_linkerds_names() {
    let router = Setup::by_host().start();
    let post = |query: &str| {
        let mut client = RawClient::connect(router.admin).expect("the admin server");
        let target = format!("/logging.json?{query}");
        let answer = client.request("POST", &target, &[("host", "localhost")], b"");
        answer.expect("an answer").status
    };
    let levels = || get(&router, "/logging.json").json();
    assert_eq!(post("logger=root&level=warning"), 200);
    assert_eq!(levels()[0], json!({ "logger": "root", "level": "WARNING" }));
    assert_eq!(post("logger=tracelog&level=ALL"), 200);
    let own = json!({ "logger": "tracelog", "level": "TRACE" });
    assert!(levels().as_array().is_some_and(|all| all.contains(&own)), "{}", levels());
    assert_eq!(post("logger=root&level=loud"), 200);
    assert_eq!(post("logger=root"), 400);
    assert_eq!(levels()[0]["level"], "WARNING");
}
