//! Connections to a service are shared, and what one caller does must not hold up another.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tests::{Backend, Proc, RawClient, free_port, wait_until};

/// A service that answers as soon as it has the head, and reads what follows later.
fn hasty() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let addr = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut lines = BufReader::new(&stream);
                let mut line = String::new();
                while lines.read_line(&mut line).is_ok_and(|read| read > 2) {
                    line.clear();
                }
                let _ = (&stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
                let _ = lines.read_to_end(&mut Vec::new());
            });
        }
    });
    addr
}

/// A router with one worker, this dtab, and discovery files below `dir`.
fn router(dir: &TempDir, dtab: &str) -> (Proc, SocketAddr) {
    let port = free_port();
    let config = dir.path().join("linkerd.yaml");
    let text = format!(
        "admin: {{ port: {} }}\nnamers:\n- kind: io.l5d.fs\n  rootDir: {}\n\
         routers:\n- protocol: http\n  dtab: {dtab}\n  servers:\n  - port: {port}\n",
        free_port(),
        dir.path().display(),
    );
    fs::write(&config, text).expect("the configuration");
    let config = config.to_str().expect("a path");
    let mut proc = Proc::fingerpost(["run", "--workers", "1", config]);
    let router = SocketAddr::from(([127, 0, 0, 1], port));
    proc.wait_port(router);
    (proc, router)
}

fn ask(router: SocketAddr, host: &str) -> String {
    RawClient::get(router, "/", &[("host", host)]).expect("an answer").text()
}

#[test]
fn every_name_of_a_service_follows_its_file_whichever_is_asked_for() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("web");
    let services = [Backend::fixed("0"), Backend::fixed("1")];
    fs::write(&file, services[0].fs_line()).expect("a discovery file");
    let table = "/svc/a => /#/io.l5d.fs/web; /svc/b => /#/io.l5d.fs/web";
    let (_proc, router) = router(&dir, table);
    let follows = |host: &str, at: usize| {
        fs::write(&file, services[at % 2].fs_line()).expect("the file");
        let text = (at % 2).to_string();
        assert!(wait_until(Duration::from_secs(5), || ask(router, host) == text), "{host}, {at}");
    };
    assert_eq!((ask(router, "a"), ask(router, "b")), ("0".into(), "0".into()));
    // Each name knows of the other's client only by what comes of it.
    for host in ["a", "b", "a"] {
        (1..7).for_each(|at| follows(host, at));
    }
}

#[test]
fn a_request_does_not_wait_for_the_body_of_another_one_that_is_answered() {
    let dir = tempfile::tempdir().expect("a folder");
    let table = format!("/svc/web => /$/inet/127.0.0.1/{}", hasty().port());
    let (_proc, router) = router(&dir, &table);

    let mut slow = RawClient::connect(router).expect("a connection");
    slow.send("POST / HTTP/1.1\r\nhost: web\r\ncontent-length: 9999\r\n\r\nsome").expect("to send");
    assert_eq!(slow.response().expect("an early answer").text(), "ok");

    let began = Instant::now();
    assert_eq!(ask(router, "web"), "ok");
    assert!(began.elapsed() < Duration::from_secs(1), "after {:?}", began.elapsed());
}
