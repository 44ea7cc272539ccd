//! A header that changes the route of one request.

use tests::{Backend, RawClient, Router, Setup};

use crate::seen;

const TO_TWO: (&str, &str) = ("l5d-dtab", "/svc/web => /#/io.l5d.fs/two");

fn two_services() -> (Backend, Backend, Router) {
    let (web, two) = (Backend::echo(), Backend::echo());
    let router = Setup::by_host().service("web", &[&web]).service("two", &[&two]).start();
    (web, two, router)
}

#[test]
fn an_override_is_for_one_request() {
    let (web, two, router) = two_services();
    let mut client = router.connect();
    let mut ask = |headers: &[(&str, &str)]| {
        let headers = [&[("host", "web")], headers].concat();
        client.request("GET", "/", &headers, b"").unwrap()
    };
    for _ in 0..3 {
        let overridden = ask(&[TO_TWO]);
        assert_eq!(overridden.json()["backend"], two.addr().to_string());
        assert_eq!(seen::all(&overridden, "l5d-ctx-dtab"), ["/svc/web=>/#/io.l5d.fs/two"]);
        assert_eq!(seen::header(&overridden, "l5d-dtab"), None);
        let plain = ask(&[]);
        assert_eq!(plain.json()["backend"], web.addr().to_string());
        assert_eq!(seen::header(&plain, "l5d-ctx-dtab"), None);
    }
}

#[test]
fn the_users_override_comes_after_that_of_the_routers_before_and_wins() {
    let (_web, two, router) = two_services();
    let context = ("l5d-ctx-dtab", "/svc/web => /svc/missing");
    for headers in [[TO_TWO, context], [context, TO_TWO]] {
        let response = router.get_with("web", &headers);
        assert_eq!(response.json()["backend"], two.addr().to_string());
        assert_eq!(
            seen::all(&response, "l5d-ctx-dtab"),
            ["/svc/web=>/svc/missing;/svc/web=>/#/io.l5d.fs/two"]
        );
    }
    let both_ways = [("l5d-dtab", context.1), ("l5d-ctx-dtab", TO_TWO.1)];
    // What does not match falls back to the entry before it.
    assert_eq!(router.get_with("web", &both_ways).json()["backend"], two.addr().to_string());
}

#[test]
fn repeated_headers_are_one_table() {
    let (_web, two, router) = two_services();
    let headers = [("l5d-dtab", "/svc/web => /svc/b"), ("l5d-dtab", "/svc/b => /svc/two")];
    let response = router.get_with("web", &headers);
    assert_eq!(response.json()["backend"], two.addr().to_string());
    assert_eq!(seen::all(&response, "l5d-ctx-dtab"), ["/svc/web=>/svc/b;/svc/b=>/svc/two"]);
}

#[test]
fn dtab_local_means_nothing_and_passes() {
    let (web, _two, router) = two_services();
    let response = router.get_with("web", &[("dtab-local", TO_TWO.1)]);
    assert_eq!(response.json()["backend"], web.addr().to_string());
    assert_eq!(seen::all(&response, "dtab-local"), [TO_TWO.1]);
    assert_eq!(seen::header(&response, "l5d-ctx-dtab"), None);
}

#[test]
fn an_override_goes_on_from_hop_to_hop() {
    let (web, two) = (Backend::echo(), Backend::echo());
    let last = Setup::by_host().service("web", &[&web]).service("two", &[&two]).start();
    let to = |router: &Router| format!("/svc/* => /$/inet/127.1/{}", router.addr.port());
    let second = Setup::new(&to(&last)).start();
    let first = Setup::new(&to(&second)).start();
    let plain = first.get("web");
    assert_eq!(plain.json()["backend"], web.addr().to_string());
    assert_eq!(seen::all(&plain, "via"), ["1.1 linkerd, 1.1 linkerd, 1.1 linkerd"]);
    assert_eq!(plain.header("via"), Some("1.1 linkerd, 1.1 linkerd, 1.1 linkerd"));
    // Only the last router knows that there is no canary.
    let response = first.get_with("web", &[("l5d-dtab", "/svc/web => /svc/web-canary | /svc/two")]);
    assert_eq!(seen::all(&response, "l5d-ctx-dtab"), ["/svc/web=>/svc/web-canary | /svc/two"]);
    assert_eq!(response.json()["backend"], two.addr().to_string());
}

#[test]
fn a_bad_override_is_refused_with_the_place_of_the_mistake() {
    let (web, _two, router) = two_services();
    let mut client = router.connect();
    for name in ["l5d-dtab", "l5d-ctx-dtab"] {
        let headers = [("host", "web"), (name, "/svc/web = /svc/two")];
        let response = client.request("GET", "/", &headers, b"").unwrap();
        assert_eq!(response.status, 400);
        assert!(
            response.text().contains("expected")
                && response.text().contains("/svc/web =[ ]/svc/two"),
            "{}",
            response.text()
        );
        assert!(response.header("l5d-err").is_some());
    }
    assert_eq!(web.requests(), 0);
    assert_eq!(client.request("GET", "/", &[("host", "web")], b"").unwrap().status, 200);
}

#[test]
fn an_override_is_shown_in_the_error_that_it_causes() {
    let (_web, _two, router) = two_services();
    let response = router.get_with("new", &[("l5d-dtab", "/svc/new => /#/io.l5d.fss/web")]);
    assert_eq!(response.status, 502);
    assert!(
        response.text().contains("override dtab:\n  /svc/new => /#/io.l5d.fss/web\n"),
        "{}",
        response.text()
    );
    assert!(
        response.text().contains("why: ") && response.text().contains("io.l5d.fss"),
        "{}",
        response.text()
    );
}

#[test]
fn many_overrides_do_not_push_out_what_everybody_uses() {
    let web = Backend::fixed("ok");
    let router = Setup::by_host()
        .service("web", &[&web])
        .router("bindingCache: {paths: 10}")
        .start_with(&["--workers", "1"]);
    assert_eq!(router.get("web").status, 200);
    for n in 0..50 {
        let dtab = format!("/svc/{n} => /svc/web");
        assert_eq!(router.get_with("web", &[("l5d-dtab", &dtab)]).status, 200);
    }
    assert!(router.metric("rt/http/bindcache/path/evicts") >= 40.0);
    let misses = router.metric("rt/http/bindcache/path/misses");
    assert_eq!(router.get("web").status, 200);
    assert_eq!(
        router.metric("rt/http/bindcache/path/misses"),
        misses,
        "the plain name was pushed out"
    );
}

#[test]
fn an_override_that_names_hundreds_makes_a_client_only_of_what_is_drawn() {
    let (_web, two, router) = two_services();
    let others: Vec<_> = (1..400).map(|port| format!("0 * /$/inet/127.0.0.1/{port}")).collect();
    let table = format!("/svc/web => /svc/two & {}", others.join(" & "));
    let response = router.get_with("web", &[("l5d-dtab", &table)]);
    assert_eq!(response.json()["backend"], two.addr().to_string());
    let metrics = RawClient::get(router.admin, "/admin/metrics.json", &[("host", "localhost")]);
    let metrics = metrics.unwrap().json();
    let clients = metrics.as_object().unwrap().keys().filter(|name| name.contains("/client/"));
    let of_others = clients.filter(|name| name.contains("$.inet"));
    assert_eq!(of_others.count(), 0);
    let table = format!("/svc/web => /svc/two & {}", ["(/a|/a|/a)"; 500].join(" & "));
    let refused = router.get_with("web", &[("l5d-dtab", &table)]);
    assert_eq!(refused.status, 502);
    assert!(refused.text().contains("more than 1000 steps"), "{}", refused.text());
}
