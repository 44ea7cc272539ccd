//! Another configuration without another process, and another process without a lost request.

#![allow(clippy::unwrap_used, reason = "all of it is tests, not only the functions so marked")]

use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use serde_json::json;
use tests::{
    Backend, Behaviour, Proc, RawClient, RawResponse, Router, Setup, fingerpost_bin, free_port,
    wait_until,
};

const LIMIT: Duration = Duration::from_secs(5);

/// Keeps 64 connections busy with requests while `meanwhile` goes on; how many were answered.
///
/// Each request must be answered 200 by one of `bodies`. Of the callers, `fresh` connect for every
/// request, the others only where the answer before said that they have to.
fn under_load(
    addr: SocketAddr,
    bodies: &[&str],
    fresh: usize,
    meanwhile: impl FnOnce(&AtomicUsize),
) -> usize {
    let (stop, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let call = |fresh: bool| {
        let mut client = None;
        while !stop.load(SeqCst) {
            let client = client.get_or_insert_with(|| connect(addr));
            let response = client.request("GET", "/", &[("host", "web")], b"");
            let response = response.expect("an answer");
            let body = response.text();
            assert!(response.status == 200 && bodies.contains(&body.as_str()), "{body}");
            if fresh || response.header("connection") == Some("close") {
                *client = connect(addr);
            }
            answered.fetch_add(1, SeqCst);
        }
    };
    thread::scope(|scope| {
        let call = &call;
        let callers: Vec<_> = (0..64).map(|at| scope.spawn(move || call(at < fresh))).collect();
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            meanwhile(&answered);
        }));
        stop.store(true, SeqCst);
        for caller in callers {
            caller.join().unwrap();
        }
        if let Err(panic) = caught {
            std::panic::resume_unwind(panic);
        }
    });
    answered.into_inner()
}

fn connect(addr: SocketAddr) -> RawClient {
    RawClient::connect(addr).expect("a connection").timeout(Duration::from_secs(20))
}

fn after_some_more(answered: &AtomicUsize) {
    let before = answered.load(SeqCst);
    assert!(wait_until(Duration::from_secs(20), || answered.load(SeqCst) > before + 200));
}

fn get(client: &mut RawClient, host: &str) -> io::Result<RawResponse> {
    client.request("GET", "/", &[("host", host)], b"")
}

fn two_services() -> (Backend, Backend, Router) {
    let (one, two) = (Backend::fixed("one"), Backend::fixed("two"));
    let setup = Setup::new("/svc/web => /#/io.l5d.fs/one");
    let router = setup.service("one", &[&one]).service("two", &[&two]).start();
    (one, two, router)
}

#[test]
fn no_request_is_lost_while_the_configuration_changes() {
    let (_one, _two, router) = two_services();
    let total = under_load(router.addr, &["one", "two"], 0, |answered| {
        for round in 0..6 {
            let [from, to] = if round % 2 == 0 { ["one", "two"] } else { ["two", "one"] };
            router.reconfigure(&format!("io.l5d.fs/{from}"), &format!("io.l5d.fs/{to}"));
            let answer = router.reload();
            assert_eq!(answer.status, 200, "{}", answer.text());
            // In force for every request that comes after the answer.
            assert_eq!(router.get("web").text(), to);
            after_some_more(answered);
        }
    });
    let server = format!("rt/http/server/{}/{}", router.addr.ip(), router.addr.port());
    // The counts go on: all connections were kept, and all requests are there.
    assert!(router.metric(&format!("{server}/requests")) >= total as f64);
    assert!(router.metric(&format!("{server}/connects")) <= 64.0 + 6.0);
    assert!(router.metric(&format!("{server}/failures")) < 1.0);
}

#[test]
fn a_hangup_reads_the_configuration_again() {
    let (_one, _two, router) = two_services();
    let mut client = router.connect();
    assert_eq!(get(&mut client, "web").unwrap().text(), "one");
    router.reconfigure("io.l5d.fs/one", "io.l5d.fs/two");
    router.proc.signal("HUP");
    router.proc.wait_log("the configuration was read again");
    assert_eq!(get(&mut client, "web").unwrap().text(), "two", "on the same connection");
    assert!(router.admin_page("/config.json").text().contains("/svc/web=>/#/io.l5d.fs/two"));
    let state = router.admin_page("/admin/reload").json();
    assert_eq!((&state["reloads"], &state["lastError"]), (&json!(1), &json!(null)));
}

#[test]
fn a_request_under_way_ends_as_it_began() {
    let held = Backend::start(Behaviour::body("late").held());
    let other = Backend::fixed("other");
    let setup = Setup::new("/svc/web => /#/io.l5d.fs/one");
    let router = setup.service("one", &[&held]).service("two", &[&other]).start();
    let mut client = router.connect();
    client.send("GET / HTTP/1.1\r\nHost: web\r\n\r\n").unwrap();
    assert!(wait_until(LIMIT, || held.requests() == 1));
    router.reconfigure("io.l5d.fs/one", "io.l5d.fs/two");
    assert_eq!(router.reload().status, 200);
    assert_eq!(router.get("web").text(), "other");
    held.release(1);
    assert_eq!(client.response().unwrap().text(), "late");
    assert_eq!(get(&mut client, "web").unwrap().text(), "other");
}

#[test]
fn a_bad_file_changes_nothing_and_says_where_it_is_wrong() {
    let (_one, _two, router) = two_services();
    router.reconfigure("dtab:", "dtap:");
    let answer = router.reload();
    assert_eq!(answer.status, 400);
    let text = answer.text();
    assert!(text.contains("linkerd.yaml:10:3") && text.contains("`dtap`"), "{text}");
    router.proc.wait_log("the configuration stays as it was");
    assert_eq!(router.get("web").text(), "one");
    let state = router.admin_page("/admin/reload").json();
    assert_eq!(state["failures"], 1);
    assert_eq!(state["lastError"]["message"], *text);
    assert!(!router.admin_page("/config.json").text().contains("dtap"));

    router.reconfigure("dtap:", "dtab:");
    assert_eq!(router.reload().status, 200);
    assert_eq!(router.admin_page("/admin/reload").json()["lastError"], json!(null));
}

#[test]
fn what_cannot_change_is_refused_by_name() {
    let (_one, _two, router) = two_services();
    let admin = router.admin.port();
    router.reconfigure(&format!("port: {admin}"), &format!("port: {}", free_port()));
    let answer = router.reload();
    assert_eq!(answer.status, 400);
    assert!(answer.text().starts_with(&format!("admin.port is {admin} and cannot become")));
    assert_eq!(router.get("web").text(), "one");
}

#[test]
fn a_port_that_is_taken_leaves_everything_as_it_was() {
    let (one, _two, router) = two_services();
    let port = router.addr.port();
    let taken = one.addr().port();
    let second = format!("port: {port}\n    ip: 127.0.0.1\n  - port: {taken}");
    router.reconfigure(&format!("port: {port}"), &second);
    let answer = router.reload();
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("is in use by another program"), "{}", answer.text());
    assert_eq!(router.get("web").text(), "one");
}

#[test]
fn servers_come_and_go() {
    let late = Backend::start(Behaviour::body("late").held());
    let router = Setup::by_host().service("web", &[&late]).start();
    let (old, new) = (router.addr, SocketAddr::from(([127, 0, 0, 1], free_port())));
    let mut busy = router.connect();
    busy.send("GET / HTTP/1.1\r\nHost: web\r\n\r\n").unwrap();
    let mut idle = router.connect();
    assert!(wait_until(LIMIT, || late.requests() == 1));
    let counted = format!("rt/http/server/127.0.0.1/{}/connects", old.port());
    assert_eq!(router.metric(&counted), 2.0);

    router.reconfigure(&format!("port: {}", old.port()), &format!("port: {}", new.port()));
    let answer = router.reload();
    let changes = json!({ "servers": { "kept": [], "added": [new.to_string()], "removed": [old.to_string()] } });
    assert_eq!(answer.json(), changes);
    assert!(RawClient::connect(old).is_err());
    idle.expect_close().unwrap();
    let mut client = RawClient::connect(new).unwrap();
    client.send("GET / HTTP/1.1\r\nHost: web\r\n\r\n").unwrap();
    assert!(wait_until(LIMIT, || late.requests() == 2));
    late.release(2);
    assert_eq!(client.response().unwrap().text(), "late");
    let response = busy.response().unwrap();
    assert_eq!((response.text().as_str(), response.header("connection")), ("late", Some("close")));
    busy.expect_close().unwrap();
    // With its last connection, what was counted of the server is gone.
    let shown = || router.admin_page("/admin/metrics.json").json().get(&counted).is_some();
    assert!(wait_until(Duration::from_secs(20), || !shown()));
}

#[test]
fn what_does_not_drain_is_cut() {
    let never = Backend::start(Behaviour::body("never").held());
    let router = Setup::by_host().service("web", &[&never]).admin("shutdownGraceMs: 500").start();
    let mut busy = router.connect();
    busy.send("GET / HTTP/1.1\r\nHost: web\r\n\r\n").unwrap();
    assert!(wait_until(LIMIT, || never.requests() == 1));
    let port = router.addr.port();
    router.reconfigure(&format!("port: {port}"), &format!("port: {}", free_port()));
    assert_eq!(router.reload().status, 200);
    assert!(busy.response().is_err());
}

#[test]
fn another_process_takes_over_without_a_lost_request() {
    let backend = Backend::fixed("ok");
    let shared = "socketOptions: {reusePort: true}";
    let mut router =
        Setup::by_host().service("web", &[&backend]).server(shared).admin(shared).start();
    let mut successors = Vec::new();
    under_load(router.addr, &["ok"], 16, |answered| {
        after_some_more(answered);
        successors.push(router.start_successor());
        after_some_more(answered);
        router.proc.terminate();
        assert_eq!(router.proc.wait(Duration::from_secs(20)).code(), Some(0));
        after_some_more(answered);
    });
    assert!(successors[0].alive());
}

#[test]
fn pages_of_other_origins_reload_nothing() {
    let (_one, _two, router) = two_services();
    router.reconfigure("io.l5d.fs/one", "io.l5d.fs/two");
    let headers = [("host", "localhost"), ("origin", "http://evil.example")];
    let answer = RawClient::connect(router.admin).unwrap();
    let answer = { answer }.request("POST", "/admin/reload", &headers, b"").unwrap();
    assert_eq!(answer.status, 403);
    assert_eq!(router.get("web").text(), "one");
}

#[test]
fn standard_input_cannot_be_read_again() {
    let (port, admin) = (free_port(), free_port());
    let config = format!(
        "admin: {{port: {admin}}}\nrouters:\n- protocol: http\n  servers: [{{port: {port}}}]\n"
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, config).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$0\" run - < \"$1\""]).arg(fingerpost_bin()).arg(file.path());
    let mut proc = Proc::spawn(&mut shell);
    proc.wait_for("serve", |proc| proc.stderr().contains("serving admin"));
    proc.signal("HUP");
    proc.wait_log("standard input, which cannot be read again");
    let mut client = RawClient::connect(([127, 0, 0, 1], admin).into()).unwrap();
    let answer = client.request("POST", "/admin/reload", &[("host", "localhost")], b"").unwrap();
    assert_eq!(answer.status, 409);
}
