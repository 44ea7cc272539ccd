//! Which backend a request reaches, and what a caller is told when there is none.

use std::time::Duration;

use crate::seen;
use tests::{Backend, Behaviour, RawClient, RawResponse, Setup, free_port};

/// The logical name of a request that an echoing backend answered.
fn service(response: &RawResponse) -> String {
    seen::header(response, "l5d-dst-service").expect("l5d-dst-service")
}

/// How many of `count` requests were answered with each of the bodies.
fn shares(get: impl Fn() -> RawResponse, count: usize, bodies: &[&str]) -> Vec<usize> {
    let answers: Vec<_> = (0..count).map(|_| get().text()).collect();
    bodies.iter().map(|body| answers.iter().filter(|answer| answer == body).count()).collect()
}

#[test]
fn the_host_names_the_service() {
    let echo = Backend::echo();
    let router = Setup::by_host().service("web", &[&echo]).start();
    let response = router.get("web");
    assert_eq!(response.status, 200);
    assert_eq!(service(&response), "/svc/web");
    assert_eq!(seen::header(&response, "l5d-dst-client").as_deref(), Some("/#/io.l5d.fs/web"));
    assert_eq!(seen::header(&response, "l5d-dst-residual"), None);
}

#[test]
fn method_and_host() {
    let echo = Backend::echo();
    let router = Setup::new("/svc/*/* => /#/io.l5d.fs")
        .service("web", &[&echo])
        .router("identifier: {kind: io.l5d.methodAndHost}")
        .start();
    assert_eq!(service(&router.get("Web")), "/svc/1.1/GET/web");
    let post = router.connect().request("POST", "/a", &[("host", "web")], b"x").unwrap();
    assert_eq!(service(&post), "/svc/1.1/POST/web");
}

#[test]
fn path_segments_name_the_service_and_are_consumed() {
    let echo = Backend::echo();
    let router = Setup::new("/svc/a => /#/io.l5d.fs")
        .service("web", &[&echo])
        .router("identifier: {kind: io.l5d.path, segments: 2, consume: true}")
        .start();
    let get = |target| RawClient::get(router.addr, target, &[("host", "any")]).unwrap();
    let response = get("/a/web/rest/of?q=1");
    assert_eq!(
        (service(&response).as_str(), &response.json()["target"]),
        ("/svc/a/web", &"/rest/of?q=1".into())
    );
    assert_eq!(get("/a/web").json()["target"], "/");
    assert_eq!(get("/a").status, 400);
}

#[test]
fn a_header_names_the_whole_path() {
    let echo = Backend::echo();
    let router = Setup::by_host()
        .service("web", &[&echo])
        .router("identifier: {kind: io.l5d.header}")
        .start();
    assert_eq!(service(&router.get_with("any", &[("l5d-name", "/web")])), "/svc/web");
    assert_eq!(router.get("any").status, 400);
}

#[test]
fn a_static_name_is_for_everybody() {
    let echo = Backend::echo();
    let router = Setup::by_host()
        .service("web", &[&echo])
        .router("identifier: {kind: io.l5d.static, path: /web}")
        .start();
    assert_eq!(service(&router.get("any")), "/svc/web");
}

#[test]
fn identifiers_are_asked_in_order() {
    let echo = Backend::echo();
    let router = Setup::by_host()
        .service("web", &[&echo])
        .router("identifier: [{kind: io.l5d.header.token, header: my-header}, {kind: io.l5d.path, segments: 1}]")
        .start();
    assert_eq!(service(&router.get_with("any", &[("my-header", "web")])), "/svc/web");
    let by_path = RawClient::get(router.addr, "/web/x", &[("host", "any")]).unwrap();
    assert_eq!(service(&by_path), "/svc/web");
}

#[test]
fn the_prefix_of_names_is_configured() {
    let echo = Backend::echo();
    let router = Setup::new("/custom/pfx => /#/io.l5d.fs")
        .service("web", &[&echo])
        .router("dstPrefix: /custom/pfx")
        .start();
    assert_eq!(service(&router.get("web")), "/custom/pfx/web");
}

#[test]
fn inet_and_rewrite_namers() {
    let echo = Backend::echo();
    let dtab = format!(
        "/svc/inet => /$/inet/127.1/{}; /svc/api => /#/rw/users/api; /svc/users => /svc/inet",
        echo.port()
    );
    let namer = "{kind: io.l5d.rewrite, prefix: /rw, pattern: \"/{service}/api\", name: \"/svc/{service}\"}";
    let router = Setup::new(&dtab).namer(namer).start();
    let client = format!("/$/inet/127.1/{}", echo.port());
    for host in ["inet", "api"] {
        let response = router.get(host);
        assert_eq!(
            seen::header(&response, "l5d-dst-client"),
            Some(client.clone()),
            "{}",
            response.text()
        );
    }
}

#[test]
fn what_is_left_of_a_name_is_the_residual() {
    let echo = Backend::echo();
    let router = Setup::new("/svc => /#/io.l5d.fs; /svc/deep => /#/io.l5d.fs/web/extra/part")
        .service("web", &[&echo])
        .start();
    let response = router.get("deep");
    assert_eq!(seen::header(&response, "l5d-dst-residual").as_deref(), Some("/extra/part"));
}

#[test]
fn alternatives_are_tried_in_order() {
    let (one, two) = (Backend::fixed("one"), Backend::fixed("two"));
    let router = Setup::new("/svc => /#/io.l5d.fs; /svc/a => /svc/missing | /svc/one; /svc/b => /svc/two | /svc/one; /svc/c => ~ | /svc/one")
        .service("one", &[&one])
        .service("two", &[&two])
        .start();
    assert_eq!(["a", "b", "c"].map(|host| router.get(host).text()), ["one", "two", "one"]);
}

#[test]
fn traffic_fails_over_when_a_service_goes_and_back_when_it_returns() {
    let (one, two) = (Backend::fixed("one"), Backend::fixed("two"));
    let router = Setup::new("/svc => /#/io.l5d.fs; /svc/a => /svc/one | /svc/two")
        .service("one", &[&one])
        .service("two", &[&two])
        .start();
    let reaches = |body: &str| {
        tests::wait_until(Duration::from_secs(5), || {
            let response = router.get("a");
            assert_eq!(response.status, 200, "{}", response.text());
            response.text() == body
        })
    };
    assert!(reaches("one"));
    std::fs::remove_file(router.disco("one")).unwrap();
    assert!(reaches("two"));
    router.write("one", &one.fs_line());
    assert!(reaches("one"));
}

#[test]
fn a_union_spreads_by_weight() {
    let (one, two) = (Backend::fixed("one"), Backend::fixed("two"));
    let router = Setup::new("/svc => /#/io.l5d.fs; /svc/half => 1 * /svc/one & 3 * /svc/two")
        .service("one", &[&one])
        .service("two", &[&two])
        .start();
    let shares = shares(|| router.get("half"), 400, &["one", "two"]);
    assert!((60..140).contains(&shares[0]) && shares[0] + shares[1] == 400, "{shares:?}");
}

#[test]
fn a_status_name_is_answered_here() {
    let router = Setup::new("/svc/teapot => /$/io.buoyant.http.status/418").start();
    let response = router.get("teapot");
    assert_eq!((response.status, response.text().as_str()), (418, ""));
    assert_eq!(response.header("l5d-err"), None);
}

#[test]
fn transformers_change_where_a_bound_name_goes() {
    let (port, replaced) = (Backend::fixed("port"), Backend::fixed("replaced"));
    let elsewhere = format!("127.0.0.1 {}\n", free_port());
    let by_port = Setup::by_host()
        .file("web", &elsewhere)
        .router(&format!(
            "interpreter: {{kind: default, transformers: [{{kind: io.l5d.port, port: {}}}]}}",
            port.port()
        ))
        .start();
    assert_eq!(by_port.get("web").text(), "port");
    let by_name = Setup::by_host()
        .file("web", &elsewhere)
        .router(&format!(
            "interpreter: {{kind: default, transformers: [{{kind: io.l5d.replace, path: /$/inet/127.1/{}}}]}}",
            replaced.port()
        ))
        .start();
    assert_eq!(by_name.get("web").text(), "replaced");
}

#[test]
fn an_unknown_name_is_explained() {
    let router = Setup::by_host().start();
    let response = router.get("nobody");
    assert_eq!(response.status, 502);
    let text = response.text();
    assert!(text.starts_with("Unable to route request!\n\nservice name: /svc/nobody\n"), "{text}");
    assert!(text.contains("base dtab:\n  /svc => /#/io.l5d.fs\n"), "{text}");
    assert!(text.contains("\nwhy: ") && text.contains("nobody"), "{text}");
    let err = response.header("l5d-err").expect("l5d-err");
    assert!(
        err.starts_with("Unable+to+route+request%21%0A%0Aservice+name%3A+%2Fsvc%2Fnobody%0A"),
        "{err}"
    );
    assert_eq!(response.header("content-type"), Some("text/plain"));
    assert_eq!(response.header("via"), None);
}

#[test]
fn a_name_that_is_not_known_in_time_is_unavailable() {
    let dtab = "/hosts => /$/inet; /svc => /$/io.buoyant.hostportPfx/hosts";
    let router = Setup::new(dtab).router("bindingTimeoutMs: 0").start();
    let names = std::cell::Cell::new(0);
    // Looking up a host takes longer than no time at all, but for the odd one that does not.
    let late = || {
        names.set(names.get() + 1);
        let response = router.get(&format!("host-{}.invalid:80", names.get()));
        (response.status != 502).then_some(response)
    };
    let mut response = None;
    assert!(tests::wait_until(Duration::from_secs(5), || {
        response = late();
        response.is_some()
    }));
    let response = response.unwrap();
    assert_eq!(response.status, 503, "{}", response.text());
    let expected = format!("exceeded 0 ms to dyn binding of /svc/host-{}.invalid:80", names.get());
    assert!(response.text().starts_with(&expected), "{}", response.text());
    assert!(response.text().contains("\nwhy: "), "{}", response.text());
    assert!(response.header("l5d-err").is_some());
}

#[test]
fn a_dead_backend_is_named() {
    let dead = free_port();
    let router = Setup::by_host().file("web", &format!("127.0.0.1 {dead}\n")).start();
    let response = router.get("web");
    assert_eq!(response.status, 502);
    let expected = format!(
        "Unable to establish connection to 127.0.0.1:{dead}.\n\nservice name: /svc/web\n\
         client name: /#/io.l5d.fs/web\naddresses: [127.0.0.1:{dead}]\nselected address: 127.0.0.1:{dead}\n"
    );
    assert!(response.text().starts_with(&expected), "{}", response.text());
    assert!(response.text().contains("\nwhy: "), "{}", response.text());
    assert!(response.header("l5d-err").is_some_and(|err| err.starts_with("Unable+to+establish")));
}

#[test]
fn dead_endpoints_cost_no_request_while_one_lives() {
    let alive = Backend::fixed("alive");
    let mut lines = alive.fs_line();
    for _ in 0..3 {
        lines += &format!("127.0.0.1 {}\n", free_port());
    }
    let router = Setup::by_host().file("web", &lines).start_with(&["--workers", "1"]);
    for _ in 0..50 {
        let response = router.get("web");
        assert_eq!((response.status, response.text().as_str()), (200, "alive"));
    }
}

#[test]
fn a_backend_that_comes_back_is_used_again() {
    let mut backend = Backend::fixed("back");
    let router = Setup::by_host().service("web", &[&backend]).start();
    assert_eq!(router.get("web").status, 200);
    backend.kill();
    assert_eq!(router.get("web").status, 502);
    backend.restart();
    assert!(tests::wait_until(Duration::from_secs(5), || router.get("web").status == 200));
}

#[test]
fn names_that_share_a_bound_name_share_its_newest_addresses() {
    let (old, new) = (Backend::fixed("old"), Backend::fixed("new"));
    let router = Setup::new("/svc => /#/io.l5d.fs/web")
        .service("web", &[&old])
        .start_with(&["--workers", "1"]);
    assert_eq!(router.get("a").text(), "old");
    // Name `a` sees several changes of the addresses; name `b` only the last, as its first.
    for lines in [new.fs_line() + &old.fs_line(), old.fs_line()] {
        router.write("web", &lines);
        let count = lines.lines().count() as f64;
        let size = "rt/http/client/#/io.l5d.fs/web/loadbalancer/size";
        assert!(tests::wait_until(Duration::from_secs(5), || {
            router.get("a");
            router.metric(size) == count
        }));
    }
    assert_eq!(router.get("b").text(), "old");
    router.write("web", &new.fs_line());
    assert!(
        tests::wait_until(Duration::from_secs(5), || router.get("b").text() == "new"),
        "b goes on to an address that is gone"
    );
}

#[test]
fn an_error_of_the_service_is_its_own() {
    let backend = Backend::start(Behaviour::status(500));
    let router = Setup::by_host().service("web", &[&backend]).start();
    let response = router.get("web");
    assert_eq!((response.status, response.header("l5d-err")), (500, None));
    assert_eq!(response.header("l5d-success-class"), Some("0.0"));
    backend.set(Behaviour::status(404));
    assert_eq!(router.get("web").header("l5d-success-class"), Some("1.0"));
}
