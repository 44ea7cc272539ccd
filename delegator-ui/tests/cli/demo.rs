use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::shell::Shell;

/// How long anything may take that happens at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// A demo that runs, ended when this is dropped.
struct Demo {
    child: Child,
    /// The lines it printed.
    guide: Vec<String>,
}

impl Demo {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fingerpost"))
            .args(["demo", "--port", "0", "--admin-port", "0", "--log", "warn"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut guide = Vec::new();
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        for line in stdout.lines() {
            let line = line.expect("a line");
            let last = line.starts_with("Ctrl-C");
            guide.push(line);
            if last {
                break;
            }
        }
        Demo { child, guide }
    }

    /// What the guide says behind these words.
    fn listed(&self, name: &str) -> &str {
        let line = self.guide.iter().find(|line| line.trim_start().starts_with(name));
        let url = line.and_then(|line| line.split_whitespace().nth(1)).expect("it is listed");
        url.strip_prefix("http://").expect("a URL")
    }

    /// The answer of the router, which listens by the time the guide is printed.
    fn get(&self, headers: &str) -> String {
        exchange(self.listed("router"), &format!("GET /a HTTP/1.1\r\n{headers}"))
    }

    /// The body of the admin server's answer.
    fn admin(&self, request: &str) -> String {
        let admin = self.listed("admin");
        let head = format!("{request} HTTP/1.1\r\nHost: {admin}\r\n");
        let answer = exchange(admin, &head);
        answer.split_once("\r\n\r\n").expect("a head").1.to_owned()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn exchange(address: &str, head: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    write!(stream, "{head}Connection: close\r\n\r\n").expect("a request is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn the_log_levels_of_a_running_router_are_shown_and_changed() {
    let demo = Demo::start();
    let levels = || -> serde_json::Value {
        serde_json::from_str(&demo.admin("GET /logging.json")).expect("JSON")
    };
    let root = json!({ "logger": "root", "level": "WARNING" });
    // The codec of HTTP/2 warns of what any caller may send.
    let codec = json!({ "logger": "h2", "level": "ERROR" });
    assert_eq!(levels(), json!([root, codec]));
    demo.admin("POST /logging.json?logger=router::naming&level=DEBUG");
    let naming = json!({ "logger": "router::naming", "level": "DEBUG" });
    assert_eq!(levels(), json!([root, codec, naming]));
}

#[test]
fn what_the_guide_says_happens() {
    let demo = Demo::start();
    assert!(demo.get("Host: web\r\n").ends_with("\r\n\r\nweb v1: GET /a\n"));
    assert!(demo.get("Host: users\r\n").ends_with("users: GET /a\n"));
    let overridden = demo.get("Host: web\r\nl5d-dtab: /svc/web => /#/io.l5d.fs/web-v2\r\n");
    assert!(overridden.ends_with("web v2: GET /a\n"), "{overridden}");
    let nobody = demo.get("Host: nobody\r\n");
    assert!(nobody.starts_with("HTTP/1.1 502"), "{nobody}");
    assert!(nobody.contains("io.l5d.fs has nothing named /nobody"), "{nobody}");

    let asked = demo.get("Host: web\r\nl5d-explain: 1\r\n");
    let explanation = "l5d-explanation: /svc/web: bound to /#/io.l5d.fs/web, 1 address\r\n";
    assert!(asked.contains(explanation) && asked.ends_with("web v1: GET /a\n"), "{asked}");
    let asked = demo.get("Host: nobody\r\nl5d-explain: 1\r\n");
    let explanation = "l5d-explanation: /svc/nobody: became /#/io.l5d.fs/nobody; ";
    assert!(asked.contains(explanation), "{asked}");
    assert!(!nobody.contains("l5d-explanation"), "nobody asked: {nobody}");

    let admin = format!("http://{}", demo.listed("admin"));
    let ran = Shell::with(&[]).run(&["delegate", "/svc/web", "--admin", &admin]);
    assert_eq!(ran.status, Some(0), "{}", ran.transcript());
    let place = "/svc => /#/io.l5d.fs  quickstart/linkerd.yaml:";
    assert!(ran.stdout.contains(place) && ran.stdout.contains(demo.listed("web ")));

    let not = ["--admin", &admin, "--explain-not", "/#/io.l5d.fs/web-v2"];
    let ran = Shell::with(&[]).run(&[&["delegate", "/svc/web"][..], &not].concat());
    assert_eq!(ran.status, Some(1), "{}", ran.transcript());
    let would = "l5d-dtab: /svc/web => /#/io.l5d.fs/web-v2\n";
    assert!(ran.stdout.contains(would), "{}", ran.transcript());

    // The figures are those of whole seconds.
    let began = Instant::now();
    let shown = ["http  ", "SERVICE ", " /svc/web ", " /#/io.l5d.fs/web ", demo.listed("web ")];
    loop {
        let ran = Shell::with(&[]).run(&["top", "--once", "--admin", &admin]);
        assert_eq!(ran.status, Some(0), "{}", ran.transcript());
        if shown.iter().all(|shown| ran.stdout.contains(shown)) {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{}", ran.transcript());
    }
    let ran = Shell::with(&[]).run(&["top", "--once", "--admin", &admin, "--router", "x"]);
    assert!(ran.stderr.ends_with("has no router x; it has: http\n"), "{}", ran.transcript());

    let copy = demo.guide.iter().find(|line| line.starts_with("cp ")).expect("a line to paste");
    let copied = Command::new("sh").args(["-c", copy]).status().expect("a shell");
    assert!(copied.success());
    let began = Instant::now();
    while !demo.get("Host: web\r\n").ends_with("web v2: GET /a\n") {
        assert!(began.elapsed() < PATIENCE, "the traffic does not move");
        std::thread::yield_now();
    }
}

#[test]
fn a_port_in_use_is_told_with_the_option_that_changes_it() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    let ran = Shell::with(&[]).run(&["demo", "--port", "0", "--admin-port", &port]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""));
    let told = ran.stderr.replace(&port, "PORT");
    assert_eq!(
        told,
        "error: the admin server cannot listen on 127.0.0.1:PORT: the port is in use; choose another with --admin-port\n"
    );
}
