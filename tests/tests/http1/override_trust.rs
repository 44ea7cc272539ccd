//! How far a server trusts its callers with overrides: by trust and carrier, limits, signatures.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use router::http::headers::signature::SigningKey;
use tempfile::NamedTempFile;
use tests::{Backend, RawResponse, Router, Setup, wait_until};

use crate::seen;

const TO_TWO: &str = "/svc/web=>/#/io.l5d.fs/two";

/// The headers that may carry an override, and how they say the same.
const CARRIERS: [(&str, &str); 3] = [
    ("l5d-dtab", TO_TWO),
    ("l5d-ctx-dtab", TO_TWO),
    ("baggage", "user=ada, l5d-dtab=%2Fsvc/web=>/%23/io.l5d.fs/two;p=1,b=2"),
];

struct World {
    web: Backend,
    two: Backend,
    router: Router,
}

/// Services `web` and `two`, and a router with this `overrides`; all keys on one line.
fn world(overrides: &str) -> World {
    let (web, two) = (Backend::echo(), Backend::echo());
    let setup = Setup::by_host().service("web", &[&web]).service("two", &[&two]);
    let router = setup.server(&format!("overrides: {{{overrides}}}")).start();
    World { web, two, router }
}

impl World {
    /// Which of the services answered.
    fn answered(&self, response: &RawResponse) -> &'static str {
        assert_eq!(response.status, 200, "{}", response.text());
        let backend = response.json()["backend"].as_str().unwrap().to_owned();
        match backend {
            two if two == self.two.addr().to_string() => "two",
            web if web == self.web.addr().to_string() => "web",
            other => panic!("{other} is no backend of ours"),
        }
    }

    /// The text that a request with this override is refused with.
    fn refusal(&self, dtab: &str) -> String {
        let response = self.router.get_with("web", &[("l5d-dtab", dtab)]);
        assert_eq!(response.status, 400, "{dtab}: {}", response.text());
        assert!(response.header("l5d-err").is_some());
        response.text()
    }
}

#[test]
fn where_overrides_are_off_every_carrier_is_removed_unread() {
    let world = world("trust: off");
    for (name, value) in CARRIERS {
        let response = world.router.get_with("web", &[(name, value)]);
        assert_eq!(world.answered(&response), "web", "{name}");
        assert_eq!(seen::names(&response, "l5d-ctx-dtab"), [""; 0], "{name}");
        assert_eq!(response.header("l5d-override-used"), None);
    }
    let all = [CARRIERS[2], ("dtab-local", TO_TWO), ("x-dtab-00-a", "L2E="), ("l5d-dtab", "=")];
    let response = world.router.get_with("web", &all);
    assert_eq!(seen::all(&response, "baggage"), ["user=ada,b=2"]);
    for name in ["dtab-local", "x-dtab", "l5d-dtab", "l5d-ctx-dtab"] {
        assert_eq!(seen::names(&response, name), [""; 0]);
    }
}

#[test]
fn where_callers_are_trusted_every_carrier_counts() {
    let world = world("trust: trusted");
    for (name, value) in CARRIERS {
        let response = world.router.get_with("web", &[(name, value)]);
        assert_eq!(world.answered(&response), "two", "{name}");
        assert_eq!(seen::all(&response, "l5d-ctx-dtab"), [TO_TWO]);
        let used = format!("1/1 {TO_TWO}");
        assert_eq!(response.header("l5d-override-used"), Some(used.as_str()));
    }
    // Linkerd does not read it, and lets it pass.
    let response = world.router.get_with("web", &[("dtab-local", TO_TWO)]);
    assert_eq!(world.answered(&response), "web");
    assert_eq!(seen::all(&response, "dtab-local"), [TO_TWO]);
    assert_eq!(response.header("l5d-override-used"), None);
}

#[test]
fn a_scoped_override_counts_from_every_carrier_within_its_limits() {
    let world = world("trust: scoped, prefixes: [/svc], destinations: [/#/io.l5d.fs]");
    for (name, value) in CARRIERS {
        let response = world.router.get_with("web", &[(name, value)]);
        assert_eq!(world.answered(&response), "two", "{name}");
        let escaping = value.replace("io.l5d.fs", "io.l5d.other");
        assert_eq!(world.router.get_with("web", &[(name, &escaping)]).status, 400, "{name}");
    }
    let response = world.router.get_with("web", &[("dtab-local", TO_TWO)]);
    assert_eq!(seen::names(&response, "dtab-local"), [""; 0]);
    assert_eq!(
        world.refusal("/* => /svc/two"),
        "override dentry 1 of 1: /*=>/svc/two: callers of this server may rewrite names below /svc (overrides.prefixes)"
    );
    assert_eq!(
        world.refusal("/svc/two => ! ; /svc/web => /$/inet/127.1/1"),
        "override dentry 2 of 2: /svc/web=>/$/inet/127.1/1: /$/inet/127.1/1 is not below \
         /#/io.l5d.fs or /svc (overrides.destinations)"
    );
    // What it is refused for is neither forgotten nor remembered of others.
    assert_eq!(world.answered(&world.router.get("web")), "web");
}

#[test]
fn a_scoped_override_is_refused_where_the_tables_lead_it_out_of_scope() {
    let (web, admin) = (Backend::echo(), Backend::echo());
    let dtab = format!("/svc => /#/io.l5d.fs ; /svc/admin => /$/inet/127.1/{}", admin.port());
    let router = Setup::new(&dtab)
        .service("web", &[&web])
        .server("overrides: {trust: scoped, prefixes: [/svc], destinations: [/#/io.l5d.fs]}")
        .start();
    assert_eq!(router.get("admin").status, 200);
    let response = router.get_with("web", &[("l5d-dtab", "/svc/web => /svc/admin")]);
    assert_eq!(response.status, 400);
    assert_eq!(
        response.text(),
        "override dentry 1 of 1: /svc/web=>/svc/admin: it leads to a bound name that is not below \
         any destination (overrides.destinations)"
    );
    assert_eq!(admin.requests(), 1);
    // Another service's name may be bound there without it.
    let unrelated = router.get_with("admin", &[("l5d-dtab", "/svc/web => /svc/two")]);
    assert_eq!((unrelated.status, unrelated.header("l5d-override-used")), (200, Some("none")));
}

#[test]
fn limits_are_named_with_what_they_are_and_what_was_sent() {
    let world = world("trust: scoped, maxBytes: 60, maxDentries: 2, maxDepth: 2");
    assert_eq!(
        world.refusal(&format!("/svc/web => /svc/{}", "x".repeat(60))),
        "the override has 77 bytes; callers of this server may send 60 (overrides.maxBytes)"
    );
    assert_eq!(
        world.refusal("/a => /b ; /b => /c ; /c => /d"),
        "the override has 3 entries; callers of this server may send 2 (overrides.maxDentries)"
    );
    assert_eq!(
        world.refusal("/svc/web => /svc/a ; /svc/a => /svc/two"),
        "the override has 3 steps; callers of this server may send 2 (overrides.maxDepth)"
    );
    let response = world.router.get_with("web", &[("l5d-dtab", "/svc/web => /svc/two")]);
    assert_eq!(world.answered(&response), "two");
}

#[test]
fn what_one_server_accepts_another_of_the_same_router_does_not() {
    let two = Backend::echo();
    let port = tests::free_port();
    let setup = Setup::by_host().service("two", &[&two]);
    let other = format!(
        "overrides: {{}}\n  - {{port: {port}, ip: 127.0.0.1, overrides: {{trust: scoped, prefixes: [/x]}}}}"
    );
    let router = setup.server(&other).start_with(&["--workers", "1"]);
    let header = [("l5d-dtab", "/svc/web => /svc/two")];
    assert_eq!(router.get_with("web", &header).status, 200);
    let scoped = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let headers = [("host", "web"), header[0]];
    let refused = tests::RawClient::get(scoped, "/", &headers).unwrap();
    assert_eq!(refused.status, 400, "{}", refused.text());
}

#[test]
fn baggage_is_handed_on_and_counts_once_at_each_hop() {
    let World { two, router: last, .. } = &world("trust: trusted");
    let to = format!("/svc/* => /$/inet/127.1/{}", last.addr.port());
    let first = Setup::new(&to).start();
    // The application between would hand on the baggage; here, the router does.
    let response = first.get_with(
        "x",
        &[("baggage", "l5d-dtab=/svc/x=>/svc/y"), ("l5d-dtab", "/svc/y => /svc/two | /svc/z")],
    );
    assert_eq!(response.json()["backend"], two.addr().to_string());
    assert_eq!(seen::all(&response, "l5d-ctx-dtab"), ["/svc/x=>/svc/y;/svc/y=>/svc/two | /svc/z"]);
    let both = "1/2 /svc/x=>/svc/y; 2/2 /svc/y=>/svc/two | /svc/z";
    assert_eq!(response.header_all("l5d-override-used"), [both, both]);
}

#[test]
fn a_cleared_context_has_no_override_in_its_baggage() {
    let echo = Backend::echo();
    let router = Setup::by_host().service("web", &[&echo]).server("clearContext: true").start();
    let response = router.get_with("web", &[CARRIERS[2], CARRIERS[0]]);
    assert_eq!(response.status, 200);
    assert_eq!(seen::all(&response, "baggage"), ["user=ada,b=2"]);
    assert_eq!(
        seen::names(&response, "l5d-"),
        ["l5d-ctx-trace", "l5d-dst-client", "l5d-dst-service", "l5d-reqid"]
    );
    assert!(!response.headers.iter().any(|(name, _)| name.starts_with("l5d-")));
}

const SECRET: &str = "0123456789abcdef";

fn secret(text: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    file
}

/// The signature of an override as routers show it, until so many seconds from now.
fn sign(secret: &str, shown: &str, seconds: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let expires = now.checked_add_signed(seconds).unwrap();
    SigningKey::new(secret.as_bytes()).unwrap().sign(shown, expires).to_string()
}

#[test]
fn a_signed_override_counts_until_it_expires() {
    let key = secret(SECRET);
    let world = world(&format!("signing: {{keyPath: {}}}", key.path().display()));
    let ask = |signature: Option<&str>| {
        // It need not be written as it is shown.
        let mut headers = vec![("l5d-dtab", "/svc/web => /#/io.l5d.fs/two;")];
        headers.extend(signature.map(|signature| ("l5d-dtab-signature", signature)));
        world.router.get_with("web", &headers)
    };
    let good = sign(SECRET, TO_TWO, 60);
    for _ in 0..2 {
        assert_eq!(world.answered(&ask(Some(&good))), "two");
        let refusals = [
            (None, "takes signed overrides only"),
            (Some("v1;x"), "cannot be read"),
            (Some(&*sign(SECRET, TO_TWO, -5)), "expired "),
            (Some(&*sign("another secret of ours", TO_TWO, 60)), "signed with the key "),
            (
                Some(&*sign(SECRET, "/svc/web=>/#/io.l5d.fs/web", 60)),
                "is not that of this override",
            ),
            (Some(&*good.replacen("exp=", "exp=1", 1)), "is not that of this override"),
        ];
        for (signature, why) in refusals {
            let response = ask(signature);
            assert_eq!(response.status, 400);
            assert!(response.text().contains(why), "{why}: {}", response.text());
        }
    }
    assert_eq!(world.answered(&world.router.get("web")), "web");
}

#[test]
fn several_hops_check_the_same_signature() {
    let key = secret(SECRET);
    let signing = format!("signing: {{keyPath: {}}}", key.path().display());
    let last = world(&signing);
    let to = format!("/svc/* => /$/inet/127.1/{}", last.router.addr.port());
    let first = Setup::new(&to).server(&format!("overrides: {{{signing}}}")).start();
    let unaware = Setup::new(&format!("/svc/* => /$/inet/127.1/{}", first.addr.port())).start();
    // The first hops know no canary, so it is the last one that has to take it.
    let shown = "/svc/web=>/svc/web-canary | /svc/two";
    let signature = sign(SECRET, shown, 60);
    let signed = [("l5d-dtab", shown), ("l5d-dtab-signature", &*signature)];
    let response = unaware.get_with("web", &signed);
    assert_eq!(last.answered(&response), "two");
    assert_eq!(seen::all(&response, "l5d-dtab-signature"), [signature.as_str()]);
    // Whoever adds to it on the way would have to sign it anew.
    let added = [signed[0], signed[1], ("l5d-ctx-dtab", "/svc/two=>/svc/web")];
    let response = unaware.get_with("web", &added);
    assert_eq!(response.status, 400);
    assert!(response.text().contains("add no entries on the way"), "{}", response.text());
}

#[test]
fn a_changed_secret_holds_without_a_restart_and_a_bad_one_does_not() {
    let key = secret(SECRET);
    let world = world(&format!("signing: {{keyPath: {}}}", key.path().display()));
    let status = |secret: &str| {
        let signature = sign(secret, TO_TWO, 600);
        let headers = [("l5d-dtab", TO_TWO), ("l5d-dtab-signature", signature.as_str())];
        world.router.get_with("web", &headers).status
    };
    assert_eq!(status(SECRET), 200);
    fs::write(key.path(), "short").unwrap();
    world.router.proc.wait_log("the last key stays in force");
    assert_eq!(status(SECRET), 200);
    let new = "another secret of ours";
    fs::write(key.path(), new).unwrap();
    assert!(wait_until(Duration::from_secs(20), || status(new) == 200));
    assert_eq!(status(SECRET), 400);
}
