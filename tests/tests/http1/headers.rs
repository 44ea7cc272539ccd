//! What is added to messages, what is taken away, and what is left alone.

use tests::{Backend, Behaviour, RawClient, Router, Setup};

use crate::seen;

fn echoing() -> (Backend, Router) {
    with(&[])
}

/// A router before an echoing backend, with these keys of its server.
fn with(keys: &[&str]) -> (Backend, Router) {
    let echo = Backend::echo();
    let setup = Setup::by_host().service("web", &[&echo]);
    let router = keys.iter().fold(setup, |setup, key| setup.server(key)).start();
    (echo, router)
}

/// A backend with this answer, byte for byte.
fn answering(bytes: &'static str) -> (Backend, Router) {
    let backend = Backend::start(Behaviour::Raw { bytes: bytes.into(), close: false });
    let router = Setup::by_host().service("web", &[&backend]).start();
    (backend, router)
}

#[test]
fn a_request_gets_its_names_a_trace_and_via() {
    let (_echo, router) = echoing();
    let response = router.get("web");
    assert_eq!(
        seen::names(&response, "l5d-"),
        ["l5d-ctx-trace", "l5d-dst-client", "l5d-dst-service", "l5d-reqid"]
    );
    assert_eq!(seen::all(&response, "via"), ["1.1 linkerd"]);
    let id = seen::header(&response, "l5d-reqid").unwrap();
    assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    assert_eq!(seen::header(&response, "l5d-ctx-trace").unwrap().len(), 44);
    assert_ne!(seen::header(&router.get("web"), "l5d-reqid"), Some(id), "one for each request");
}

#[test]
fn a_response_gets_via_and_a_class_and_nothing_else() {
    let (_backend, router) =
        answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-own: 1\r\nvia: 1.0 up\r\n\r\nok");
    let response = router.get("web");
    let mut names: Vec<_> = response.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-length", "l5d-success-class", "via", "x-own"]);
    assert_eq!(response.header("via"), Some("1.0 up, 1.1 linkerd"));
    assert_eq!(response.header("l5d-success-class"), Some("1.0"));
}

#[test]
fn the_class_that_a_router_behind_us_gives_stays() {
    let (_backend, router) =
        answering("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\nl5d-success-class: 1.0\r\n\r\n");
    assert_eq!(router.get("web").header("l5d-success-class"), Some("1.0"));
}

#[test]
fn what_a_caller_says_about_the_request_is_kept_or_replaced() {
    let (_echo, router) = echoing();
    let response = router.get_with(
        "web",
        &[
            ("l5d-sample", "1.0"),
            ("l5d-ctx-trace", "AwOtyfW8NIQ8M1EaIlR16zwzURoiVHXrAAAAAAAAAAA="),
            ("l5d-ctx-deadline", "1795433599999000000 1895433599999000000"),
            ("l5d-ctx-foo", "bar"),
            ("l5d-other", "x"),
            ("l5d-reqid", "mine"),
            ("l5d-dst-service", "mine"),
            ("l5d-dst-client", "mine"),
            ("l5d-dst-residual", "mine"),
            ("Via", "1.0 fred, 1.1 p.example.net"),
            ("X-Forwarded-For", "10.0.0.1"),
            ("Forwarded", "for=10.0.0.1"),
            ("x-forwarded-client-cert", "Hash=00"),
            ("dtab-local", "/x => /y"),
        ],
    );
    for (name, value) in [
        ("via", "1.0 fred, 1.1 p.example.net, 1.1 linkerd"),
        ("forwarded", "for=10.0.0.1"),
        ("x-forwarded-for", "10.0.0.1"),
        ("l5d-other", "x"),
        ("l5d-ctx-foo", "bar"),
        ("l5d-reqid", "3c33511a225475eb"),
        ("l5d-dst-service", "/svc/web"),
        ("l5d-dst-client", "/#/io.l5d.fs/web"),
        ("l5d-ctx-deadline", "1795433599999000000 1895433599999000000"),
        ("dtab-local", "/x => /y"),
    ] {
        assert_eq!(seen::all(&response, name), [value], "{name}");
    }
    // Linkerd lets a residual of the caller's pass when there is none of its own.
    assert_eq!(seen::all(&response, "l5d-dst-residual"), ["mine"]);
    assert_eq!(seen::header(&response, "l5d-sample"), None);
    assert_eq!(seen::header(&response, "x-forwarded-client-cert"), None);
}

#[test]
fn fields_for_one_connection_do_not_pass() {
    let (_echo, router) = echoing();
    let response = router.get_with(
        "web",
        &[
            ("Connection", "keep-alive, X-Hop, Host, l5d-ctx-foo"),
            ("X-Hop", "1"),
            ("l5d-ctx-foo", "bar"),
            ("Proxy-Authorization", "Basic x"),
            ("TE", "trailers"),
            ("Upgrade", "foo"),
        ],
    );
    for name in ["connection", "x-hop", "proxy-authorization", "te", "upgrade"] {
        assert_eq!(seen::header(&response, name), None, "{name}");
    }
    assert_eq!(seen::header(&response, "host").as_deref(), Some("web"), "cannot be taken away");
    assert_eq!(seen::header(&response, "l5d-ctx-foo").as_deref(), Some("bar"), "nor can ours");
    let (_backend, router) = answering(
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: x-hop\r\nx-hop: 1\r\nproxy-authenticate: Basic\r\n\r\nok",
    );
    let response = router.get("web");
    for name in ["connection", "x-hop", "proxy-authenticate"] {
        assert_eq!(response.header(name), None, "{name}");
    }
}

#[test]
fn a_server_that_clears_the_context_believes_and_tells_nothing() {
    let (_echo, router) = with(&["clearContext: true"]);
    let response = router.get_with(
        "web",
        &[
            ("l5d-dtab", "/svc/web => /svc/two"),
            ("l5d-ctx-trace", "AwOtyfW8NIQ8M1EaIlR16zwzURoiVHXrAAAAAAAAAAA="),
            ("l5d-sample", "1.0"),
            ("l5d-other", "x"),
            ("l5d-reqid", "mine"),
            ("dtab-local", "/x => /y"),
            ("Via", "1.1 up"),
        ],
    );
    assert_eq!(
        seen::names(&response, "l5d-"),
        ["l5d-ctx-trace", "l5d-dst-client", "l5d-dst-service", "l5d-reqid"]
    );
    assert_ne!(seen::header(&response, "l5d-reqid").as_deref(), Some("mine"));
    assert_eq!(seen::header(&response, "dtab-local").as_deref(), Some("/x => /y"));
    assert_eq!(response.header("l5d-success-class"), None);
    let error = router.get("nobody");
    assert_eq!((error.status, error.text().as_str()), (502, ""));
    assert_eq!(error.header("l5d-err"), None);
    assert_eq!(error.header("content-length"), Some("0"));
}

#[test]
fn the_time_and_the_way_of_a_request_are_written_if_asked_for() {
    let (_echo, router) = with(&[
        "addForwardedHeader: {by: {kind: \"ip:port\"}, for: {kind: ip}}",
        "timestampHeader: X-Request-Start",
    ]);
    let response = router.get_with("web", &[("Forwarded", "for=10.0.0.1")]);
    let ours = format!("by=\"{}\";for=127.0.0.1;host=web", router.addr);
    assert_eq!(seen::all(&response, "forwarded"), ["for=10.0.0.1", ours.as_str()]);
    let start: u128 = seen::header(&response, "x-request-start").unwrap().parse().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!(now.as_millis().abs_diff(start) < 60_000);
}

#[test]
fn labels_of_the_way_are_random_or_named() {
    let forwarded = |response: &_| seen::header(response, "forwarded").unwrap();
    let (_echo, router) =
        with(&["addForwardedHeader: {by: {kind: router}, for: {kind: static, label: here}}"]);
    assert_eq!(forwarded(&router.get("web")), "by=_http;for=_here;host=web");
    let (_echo, router) =
        with(&["addForwardedHeader: {by: {kind: connectionRandom}, for: {kind: requestRandom}}"]);
    let mut client = router.connect();
    let [one, two] = [0, 1].map(|_| {
        let value = forwarded(&client.request("GET", "/", &[("host", "web")], b"").unwrap());
        value.split(';').map(str::to_owned).collect::<Vec<_>>()
    });
    assert!(one[0].len() == "by=_".len() + 6 && one[0] == two[0], "{one:?} {two:?}");
    assert!(one[1].len() == "for=_".len() + 6 && one[1] != two[1], "{one:?} {two:?}");
}

#[test]
fn too_many_hops_are_a_loop() {
    let (_echo, router) = with(&["maxCallDepth: 2"]);
    assert_eq!(router.get_with("web", &[("Via", "1.1 a, 1.1 b")]).status, 200);
    let response = router.get_with("web", &[("Via", "1.1 a, 1.1 b, 1.1 c")]);
    assert_eq!(response.status, 400);
    assert_eq!(
        response.text(),
        "Maximum number of calls (2) has been exceeded. Please check for proxy loops."
    );
    assert!(response.header("l5d-err").is_some());
}

#[test]
fn an_old_client_is_served_as_one() {
    let (_echo, router) = echoing();
    let mut client = router.connect();
    client.send("GET / HTTP/1.0\r\nHost: web\r\n\r\n").unwrap();
    let response = client.response().unwrap();
    client.expect_close().unwrap();
    assert_eq!(response.json()["version"], "HTTP/1.0");
    assert_eq!(seen::all(&response, "via"), ["1.0 linkerd"]);
    let mut client = router.connect();
    for _ in 0..2 {
        client.send("GET / HTTP/1.0\r\nHost: web\r\nConnection: keep-alive\r\n\r\n").unwrap();
        assert_eq!(client.response().unwrap().status, 200);
    }
}

#[test]
fn an_old_service_is_understood() {
    let backend =
        Backend::start(Behaviour::Raw { bytes: "HTTP/1.0 200 OK\r\n\r\nold".into(), close: true });
    let router = Setup::by_host().service("web", &[&backend]).start();
    let mut client = router.connect();
    for _ in 0..2 {
        let response = client.request("GET", "/", &[("host", "web")], b"").unwrap();
        assert_eq!(
            (response.text().as_str(), response.header("via")),
            ("old", Some("1.0 linkerd"))
        );
        assert!(response.head.starts_with("HTTP/1.1 200"), "{}", response.head);
    }
}

#[test]
fn a_target_in_absolute_form_becomes_an_ordinary_one() {
    let (_echo, router) = echoing();
    let response =
        RawClient::get(router.addr, "http://web/a%20b?c=%2F", &[("host", "web")]).unwrap();
    assert_eq!(response.json()["target"], "/a%20b?c=%2F");
    assert_eq!(seen::header(&response, "host").as_deref(), Some("web"));
    let mut client = router.connect();
    client.send("GET http://web/x HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!(seen::header(&client.response().unwrap(), "host").as_deref(), Some("web"));
}

#[test]
fn a_connection_is_not_made_to_order() {
    let (_echo, router) = echoing();
    let mut client = router.connect();
    client.send("CONNECT web:80 HTTP/1.1\r\nHost: web:80\r\n\r\n").unwrap();
    assert_eq!(client.head().unwrap().status, 405);
}

#[test]
fn responses_without_a_body_leave_the_connection_usable() {
    let backend = Backend::fixed("content");
    let router = Setup::by_host().service("web", &[&backend]).start();
    let mut client = router.connect();
    let mut ask = |method: &str| client.request(method, "/", &[("host", "web")], b"").unwrap();
    for _ in 0..2 {
        let head = ask("HEAD");
        assert_eq!((head.header("content-length"), head.body.len()), (Some("7"), 0));
        for status in [204, 304] {
            backend.set(Behaviour::status(status));
            let response = ask("GET");
            assert_eq!((response.status, response.header("transfer-encoding")), (status, None));
            assert_eq!(response.header("content-length"), None, "{status}");
        }
        backend.set(Behaviour::body("content"));
        assert_eq!(ask("GET").text(), "content");
    }
    assert_eq!(ask("HEAD").status, 200);
}

#[test]
fn a_head_request_that_fails_has_no_body() {
    let (_echo, router) = echoing();
    let mut client = router.connect();
    let response = client.request("HEAD", "/", &[("host", "nobody")], b"").unwrap();
    assert_eq!(response.status, 502);
    assert_eq!(client.request("GET", "/", &[("host", "web")], b"").unwrap().status, 200);
}

#[test]
fn bytes_beyond_ascii_pass_as_they_are() {
    let (_echo, router) = echoing();
    let mut client = router.connect();
    client.send("GET / HTTP/1.1\r\nHost: web\r\nX-Name: Zürich\r\n\r\n").unwrap();
    assert_eq!(seen::header(&client.response().unwrap(), "x-name").as_deref(), Some("Zürich"));
}

#[test]
fn names_leave_in_lower_case() {
    let (_echo, router) = echoing();
    assert_eq!(seen::names(&router.get_with("web", &[("X-Own", "1")]), "x-own"), ["x-own"]);
    let (_backend, router) =
        answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Own: 1\r\n\r\nok");
    assert!(router.get("web").head.contains("\r\nx-own: 1"));
}

#[test]
fn interim_responses_do_not_pass() {
    let (_backend, router) = answering(
        "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    );
    let response = router.get("web");
    assert_eq!(
        (response.status, response.text().as_str(), response.header("link")),
        (200, "ok", None)
    );
}
