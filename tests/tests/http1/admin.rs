//! What a running router tells its operators.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Backend, Behaviour, RawClient, RawResponse, Router, Setup};

const HOST: (&str, &str) = ("host", "localhost");

fn running() -> (Backend, Router) {
    let backend = Backend::fixed("ok");
    let router = Setup::by_host().service("web", &[&backend]).start();
    (backend, router)
}

fn get(router: &Router, target: &str) -> RawResponse {
    RawClient::get(router.admin, target, &[HOST]).unwrap()
}

fn post(router: &Router, target: &str, body: &[u8]) -> RawResponse {
    let headers = [HOST, ("content-type", "application/json")];
    RawClient::connect(router.admin).unwrap().request("POST", target, &headers, body).unwrap()
}

#[test]
fn it_answers_a_ping_and_shows_its_configuration() {
    let (_backend, router) = running();
    assert_eq!(get(&router, "/admin/ping").text(), "pong");
    let config = get(&router, "/config.json").json();
    assert_eq!(config["routers"][0]["servers"][0]["port"], router.addr.port());
    assert_eq!(config["namers"][0]["kind"], "io.l5d.fs");
}

#[test]
fn it_explains_a_name_as_the_data_path_takes_it() {
    let (backend, router) = running();
    let tree =
        get(&router, "/delegator.json?path=/svc/web&namespace=http&dtab=/svc%3D%3E/%23/io.l5d.fs")
            .json();
    assert_eq!(tree["path"], "/svc/web", "{tree}");
    let text = tree.to_string();
    assert!(text.contains("/#/io.l5d.fs/web") && text.contains("\"type\":\"leaf\""), "{text}");
    let body = json!({"namespace": "http", "dtab": "/svc/x => /svc/web", "path": "/svc/x"});
    let posted = post(&router, "/delegator.json", body.to_string().as_bytes());
    assert_eq!(posted.status, 200, "{}", posted.text());
    assert!(posted.text().contains("/svc/x"), "{}", posted.text());
    drop(backend);
}

#[test]
fn it_lists_the_names_that_its_namers_know() {
    let (_backend, router) = running();
    assert_eq!(get(&router, "/bound-names.json").json(), json!(["/#/io.l5d.fs/web"]));
}

#[test]
fn it_counts_under_the_names_of_linkerd() {
    let (backend, router) = running();
    for _ in 0..3 {
        assert_eq!(router.get("web").status, 200);
    }
    backend.set(Behaviour::status(500));
    assert_eq!(router.get("web").status, 500);
    assert_eq!(router.get("nobody").status, 502);
    let metrics = get(&router, "/admin/metrics.json").json();
    let server = format!("rt/http/server/127.0.0.1/{}", router.addr.port());
    let expected = [
        ("requests", 5),
        ("success", 3),
        ("failures", 2),
        ("status/200", 3),
        ("status/2XX", 3),
        ("status/500", 1),
        ("status/502", 1),
        ("status/5XX", 2),
        ("pending", 0),
    ];
    for (name, count) in expected {
        let name = format!("{server}/{name}");
        assert_eq!(metrics[&name].as_f64(), Some(f64::from(count)), "{name}: {metrics:#}");
    }
    for scope in [
        "rt/http/service/svc/web",
        "rt/http/client/#/io.l5d.fs/web",
        "rt/http/client/#/io.l5d.fs/web/service/svc/web",
    ] {
        for (name, count) in [("requests", 4), ("success", 3), ("failures", 1), ("pending", 0)] {
            let name = format!("{scope}/{name}");
            assert_eq!(metrics[&name].as_f64(), Some(f64::from(count)), "{name}: {metrics:#}");
        }
    }
    for (name, count) in [("status/200", 3), ("status/500", 1), ("loadbalancer/size", 1)] {
        let name = format!("rt/http/client/#/io.l5d.fs/web/{name}");
        assert_eq!(metrics[&name].as_f64(), Some(f64::from(count)), "{name}");
    }
    // A name that a caller made up is no label.
    let made_up = |metrics: &Value| metrics.to_string().contains("nobody");
    assert!(!made_up(&metrics));
}

#[test]
fn a_request_that_gets_no_connection_is_a_failure_of_server_and_service() {
    let (mut backend, router) = running();
    backend.kill();
    assert_eq!(router.get("web").status, 502);
    let server = format!("rt/http/server/127.0.0.1/{}", router.addr.port());
    for scope in [server.as_str(), "rt/http/service/svc/web"] {
        assert_eq!(router.metric(&format!("{scope}/failures")), 1.0, "{scope}");
        assert_eq!(router.metric(&format!("{scope}/success")), 0.0, "{scope}");
    }
    // No request has reached the client's endpoint; what failed there are connections.
    let client = "rt/http/client/#/io.l5d.fs/web";
    assert_eq!(router.metric(&format!("{client}/requests")), 0.0);
    assert!(router.metric(&format!("{client}/service_creation/failures")) >= 1.0);
}

#[test]
fn it_counts_for_prometheus_too() {
    let (_backend, router) = running();
    router.get("web");
    let text = get(&router, "/admin/metrics/prometheus").text();
    let requests = text.lines().find(|line| line.starts_with("rt:server:requests{"));
    let requests = requests.unwrap_or_else(|| panic!("no rt:server:requests in\n{text}"));
    assert!(requests.contains("rt=\"http\"") && requests.ends_with(" 1"), "{requests}");
}

#[test]
fn it_stops_when_told_by_post_only() {
    let (_backend, mut router) = running();
    assert_eq!(get(&router, "/admin/shutdown").status, 405);
    assert!(router.proc.alive());
    assert!(post(&router, "/admin/shutdown", b"").status < 300);
    assert_eq!(router.proc.wait(Duration::from_secs(5)).code(), Some(0));
}
