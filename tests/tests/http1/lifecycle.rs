//! Starting, changing while it runs, and stopping.

use std::fs;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use tests::{Backend, Behaviour, Proc, RawClient, Setup, free_port, wait_until};

const LIMIT: Duration = Duration::from_secs(5);

fn refuses(addr: std::net::SocketAddr) -> bool {
    wait_until(LIMIT, || RawClient::connect(addr).is_err())
}

#[test]
fn a_stop_lets_requests_end_and_takes_no_more() {
    let backend = Backend::start(Behaviour::body("late").held());
    let mut router = Setup::by_host().service("web", &[&backend]).start();
    let mut busy = router.connect();
    busy.send("GET / HTTP/1.1\r\nHost: web\r\n\r\n").unwrap();
    let mut idle = router.connect();
    assert!(wait_until(LIMIT, || backend.requests() == 1));
    router.proc.terminate();
    assert!(refuses(router.addr));
    idle.expect_close().unwrap();
    assert!(router.proc.alive());
    backend.release(1);
    let response = busy.response().unwrap();
    assert_eq!((response.text().as_str(), response.header("connection")), ("late", Some("close")));
    busy.expect_close().unwrap();
    assert_eq!(router.proc.wait(LIMIT).code(), Some(0));
}

#[test]
fn a_stop_lets_a_slow_reader_have_the_rest() {
    let size = 32 << 20;
    let backend = Backend::fixed(vec![b'x'; size]);
    let mut router = Setup::by_host().service("web", &[&backend]).start();
    let mut client = router.connect();
    client.send("GET / HTTP/1.1\r\nHost: web\r\n\r\n").unwrap();
    client.head().unwrap();
    router.proc.terminate();
    assert!(refuses(router.addr));
    assert_eq!(client.exactly(size).unwrap().len(), size);
    assert_eq!(router.proc.wait(LIMIT).code(), Some(0));
}

#[test]
fn a_caller_who_was_let_in_before_the_stop_is_served() {
    let backend = Backend::fixed("ok");
    let mut router = Setup::by_host().service("web", &[&backend]).start();
    // The system has let them in; the router has not seen them when it is told to stop.
    router.proc.signal("STOP");
    let mut clients: Vec<_> = (0..20).map(|_| router.connect()).collect();
    for client in &mut clients {
        client.send("GET / HTTP/1.1\r\nHost: web\r\n\r\n").unwrap();
    }
    router.proc.terminate();
    router.proc.signal("CONT");
    for client in &mut clients {
        assert_eq!(client.response().unwrap().text(), "ok");
    }
    assert_eq!(router.proc.wait(LIMIT).code(), Some(0));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let backend = Backend::start(Behaviour::body("never").held());
    let mut router =
        Setup::by_host().service("web", &[&backend]).admin("shutdownGraceMs: 60000").start();
    let mut busy = router.connect();
    busy.send("GET / HTTP/1.1\r\nHost: web\r\n\r\n").unwrap();
    assert!(wait_until(LIMIT, || backend.requests() == 1));
    router.proc.terminate();
    assert!(refuses(router.addr));
    assert!(router.proc.alive());
    router.proc.terminate();
    router.proc.wait(LIMIT);
    assert!(busy.response().is_err());
}

#[test]
fn grace_has_an_end() {
    let backend = Backend::start(Behaviour::body("never").held());
    let mut router =
        Setup::by_host().service("web", &[&backend]).admin("shutdownGraceMs: 300").start();
    let mut busy = router.connect();
    busy.send("GET / HTTP/1.1\r\nHost: web\r\n\r\n").unwrap();
    assert!(wait_until(LIMIT, || backend.requests() == 1));
    let started = Instant::now();
    router.proc.terminate();
    assert_eq!(router.proc.wait(LIMIT).code(), Some(0));
    assert!(started.elapsed() >= Duration::from_millis(300));
    router.proc.wait_log("the grace period is over");
}

#[test]
fn a_configuration_is_checked_without_running_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("linkerd.yaml");
    let check = |text: &str| {
        fs::write(&file, text).unwrap();
        let mut proc = Proc::fingerpost(["run".as_ref(), "--validate".as_ref(), file.as_os_str()]);
        let code = proc.wait(LIMIT).code();
        (code, proc)
    };
    let port = free_port();
    let good = format!("routers:\n- protocol: http\n  servers:\n  - port: {port}\n");
    let (code, proc) = check(&good);
    assert_eq!(code, Some(0), "{}", proc.stderr());
    proc.wait_log("is valid");
    let (code, proc) = check(&good.replace("servers", "serverz"));
    assert_eq!(code, Some(1));
    proc.wait_log("linkerd.yaml:3:");
    proc.wait_log("servers");
}

#[test]
fn a_port_in_use_is_named_with_its_place() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("linkerd.yaml");
    let text = format!(
        "admin: {{port: {}}}\nrouters:\n- protocol: http\n  servers:\n  - port: {port}\n    ip: 127.0.0.1\n",
        free_port()
    );
    fs::write(&file, text).unwrap();
    let mut proc = Proc::fingerpost(["run".as_ref(), file.as_os_str()]);
    assert_eq!(proc.wait(LIMIT).code(), Some(2));
    let line = proc.wait_log("is in use");
    assert!(
        line.contains("linkerd.yaml:5:") && line.contains(&format!("127.0.0.1:{port}")),
        "{line}"
    );
}

#[test]
fn a_change_of_discovery_moves_traffic_and_loses_no_request() {
    let (old, new) = (Backend::fixed("old"), Backend::fixed("new"));
    let router = Setup::by_host().service("web", &[&old]).start();
    let stop = AtomicBool::new(false);
    let answered = AtomicUsize::new(0);
    thread::scope(|scope| {
        for keep_alive in [true, true, true, false] {
            let (router, stop, answered) = (&router, &stop, &answered);
            scope.spawn(move || {
                let mut client = router.connect();
                while !stop.load(SeqCst) {
                    if !keep_alive {
                        client = router.connect();
                    }
                    let response = client.request("GET", "/", &[("host", "web")], b"");
                    let response = response.expect("an answer");
                    assert_eq!(response.status, 200, "{}", response.text());
                    assert!(["old", "new"].contains(&response.text().as_str()));
                    answered.fetch_add(1, SeqCst);
                }
            });
        }
        let moved_to = |backend: &Backend, other: &Backend| {
            let changed = Instant::now();
            let moved = wait_until(LIMIT, || {
                // None of the next few is answered by the other one.
                let (before, ours) = (other.requests(), backend.requests());
                wait_until(LIMIT, || backend.requests() + other.requests() > ours + before + 8)
                    && other.requests() == before
            });
            assert!(moved && changed.elapsed() < Duration::from_secs(1), "{:?}", changed.elapsed());
        };
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for round in 0..6 {
                let (to, from) = if round % 2 == 0 { (&new, &old) } else { (&old, &new) };
                if round < 3 {
                    router.write("web", &to.fs_line());
                } else {
                    fs::write(router.disco("web~"), to.fs_line()).unwrap();
                    fs::rename(router.disco("web~"), router.disco("web")).unwrap();
                }
                moved_to(to, from);
            }
        }));
        stop.store(true, SeqCst);
        if let Err(panic) = done {
            std::panic::resume_unwind(panic);
        }
    });
    assert!(answered.load(SeqCst) > 100);
}
