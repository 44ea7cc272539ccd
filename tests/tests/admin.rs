//! What a running router tells operators beyond the basics: telemeters, metrics by Linkerd's names, the
//! state of clients, and which of it is served.

use std::net::UdpSocket;
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
    let page = get(&router, "/requests");
    assert_eq!(page.header("content-type"), Some("text/html;charset=UTF-8"));
    let cell = "<a href=\"delegator?router=http#%2Fsvc%2Fweb\">/svc/web</a>";
    assert_eq!(page.text().matches(cell).count(), 2);

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
    for page in ["/admin/metrics/influxdb", "/requests", "/requests.json"] {
        assert_eq!(get(&router, page).status, 404, "{page}");
    }
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
