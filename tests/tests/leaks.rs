//! What callers make up and leave behind: names, overrides, half-sent requests. None of it stays.

#[path = "churn/random.rs"]
mod random;

use std::fs;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use tests::{Backend, Proc, RawClient, free_port, wait_until};

use crate::random::Random;

const THREADS: usize = 4;

#[test]
fn made_up_names_and_overrides_are_forgotten() {
    const REQUESTS: usize = 20_000;
    let router = Router::start();
    let idle = router.proc.rss_bytes();
    let grown = || (router.proc.rss_bytes() as f64 - idle as f64) / f64::from(1 << 20);
    // The binding caches are full after this.
    router.ask_for_made_up_names(0..REQUESTS / 2);
    let full = grown();
    router.ask_for_made_up_names(REQUESTS / 2..REQUESTS);
    let all = grown();
    println!("{REQUESTS} requests: {all:.1} MiB more, {full:.1} MiB after half of them");
    assert!(all < 24.0 && all - full < 8.0, "{all:.1} MiB more, {full:.1} MiB after half");

    for page in ["/admin/metrics.json", "/admin/metrics/prometheus"] {
        let host = router.admin.to_string();
        let page = RawClient::get(router.admin, page, &[("host", &host)]).expect("the metrics");
        assert!(page.text().contains("requests"), "{}", page.text());
        assert!(!page.text().contains("made-up"), "{}", page.text());
    }
}

#[test]
fn connections_that_are_dropped_leave_nothing_behind() {
    const CONNECTIONS: usize = 2000;
    let router = Router::start();
    let body = "b".repeat(20_000);
    let request = format!(
        "POST /a HTTP/1.1\r\nhost: web\r\ncontent-length: {}\r\n\r\n{body}\
         POST /b HTTP/1.1\r\nhost: web\r\ntransfer-encoding: chunked\r\n\r\n4e20\r\n{body}\r\n0\r\n\r\n\
         GET /c HTTP/1.1\r\nhost: web\r\nl5d-dtab: /svc => /#/io.l5d.fs\r\n\r\n",
        body.len()
    );
    // As many connections to the backend as there may be, to begin with.
    router.drop_connections(&request, 200, 1);
    router.assert_works();
    let idle = || router.proc.fd_count() as u64 <= router.idle_fds + router.backend.open();
    assert!(wait_until(Duration::from_secs(5), idle), "{} fds", router.proc.fd_count());

    router.drop_connections(&request, CONNECTIONS, 2);
    router.assert_works();
    let ended = wait_until(Duration::from_secs(5), idle);
    let (fds, open) = (router.proc.fd_count(), router.backend.open());
    println!("{CONNECTIONS} dropped: {fds} fds, {open} of them to the backend");
    assert!(ended, "{fds} fds, {open} to the backend, at first {}", router.idle_fds);
    // How many there were at a time depends on the machine; far fewer than were dropped.
    assert!(open <= CONNECTIONS as u64 / 3, "{open} connections to the backend");
}

/// A router with one service, `web`.
struct Router {
    proc: Proc,
    address: SocketAddr,
    admin: SocketAddr,
    backend: Backend,
    /// Before any request.
    idle_fds: u64,
    _dir: TempDir,
}

impl Router {
    fn start() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let backend = Backend::echo();
        let disco = dir.path().join("disco");
        fs::create_dir(&disco).expect("the disco folder");
        fs::write(disco.join("web"), backend.fs_line()).expect("a discovery file");
        let [address, admin] =
            [free_port(), free_port()].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let config = dir.path().join("linkerd.yaml");
        let text = format!(
            "admin: {{ port: {} }}\n\
             namers:\n- kind: io.l5d.fs\n  rootDir: {}\n\
             routers:\n- protocol: http\n  dtab: /svc => /#/io.l5d.fs\n  \
             bindingCache: {{ paths: 200 }}\n  \
             servers:\n  - port: {}\n",
            admin.port(),
            disco.display(),
            address.port()
        );
        fs::write(&config, text).expect("the configuration");
        let config = config.to_str().expect("a path");
        let mut proc = Proc::fingerpost(["run", "--log", "warn", "--workers", "2", config]);
        proc.wait_port(address);
        proc.wait_port(admin);
        let mut router = Router { proc, address, admin, backend, idle_fds: 0, _dir: dir };
        // One request for what is opened once, such as the watches of the folder.
        router.assert_works();
        let open = router.backend.open();
        router.idle_fds = router.proc.fd_count() as u64 - open;
        router
    }

    fn assert_works(&self) {
        let headers = [("host", "web"), ("connection", "close")];
        let answer = RawClient::get(self.address, "/", &headers).expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// Asks for a name that nobody has with each request, every other one under an override that
    /// nobody has sent before.
    fn ask_for_made_up_names(&self, numbers: std::ops::Range<usize>) {
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let numbers = numbers.clone().skip(thread).step_by(THREADS);
                scope.spawn(move || {
                    let mut client = RawClient::connect(self.address).expect("a connection");
                    for at in numbers {
                        let host = format!("made-up-{at}");
                        let dtab = format!("/svc/made-up-{at} => /#/io.l5d.fs/made-up-file-{at}");
                        let headers = [("host", host.as_str()), ("l5d-dtab", dtab.as_str())];
                        let headers = &headers[..=at / THREADS % 2];
                        let answer = client.request("GET", "/", headers, b"").expect("an answer");
                        assert_eq!(answer.status, 502, "{}", answer.text());
                    }
                });
            }
        });
    }

    /// Sends a random part of `request` on each of so many connections and drops them, some with
    /// answers unread.
    fn drop_connections(&self, request: &str, count: usize, seed: u64) {
        thread::scope(|scope| {
            for thread in 0..THREADS {
                scope.spawn(move || {
                    let mut random = Random::new(seed * 1000 + thread as u64);
                    for _ in 0..count / THREADS {
                        let mut client = RawClient::connect(self.address).expect("a connection");
                        // Half of them end within the first head.
                        let end = if random.one_in(2) { request.len() } else { 60 };
                        let part = random.below(end);
                        // May fail: what is not taken any more need not be sent.
                        let _ = client.send(&request.as_bytes()[..part]);
                        if random.one_in(4) {
                            let _ = client.timeout(Duration::from_millis(20)).head();
                        }
                    }
                });
            }
        });
    }
}
