//! The access log of a running router: what is logged, when files change, and what is never lost.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tests::{Backend, Behaviour, Proc, RawClient, Router, Setup, wait_until};

const LIMIT: Duration = Duration::from_secs(10);

/// A router before one backend, with an access log in a folder of its own.
struct Logged {
    dir: TempDir,
    router: Router,
}

impl Logged {
    fn start(backend: &Backend, keys: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("temporary directory");
        let file = dir.path().join("access.log");
        let mut setup = Setup::by_host().service("web", &[backend]);
        setup = setup.router(&format!("httpAccessLog: {}", file.display()));
        for key in keys {
            setup = setup.router(key);
        }
        Logged { dir, router: setup.start_with(&["--workers", "1"]) }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    /// The lines of the log, once there are so many.
    fn lines(&self, count: usize) -> Vec<String> {
        let there = || self.text("access.log").lines().count() >= count;
        assert!(wait_until(LIMIT, there), "{}", self.text("access.log"));
        let lines: Vec<_> = self.text("access.log").lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), count, "{lines:#?}");
        lines
    }
}

/// A line without its time, which is in the first brackets.
fn timeless(line: &str) -> String {
    let (before, rest) = line.split_once('[').expect("a time");
    let (_, after) = rest.split_once(']').expect("the end of a time");
    format!("{before}[]{after}")
}

#[test]
fn every_exchange_that_brought_a_response_has_linkerds_line() {
    let backend = Backend::fixed("ok");
    let logged = Logged::start(&backend, &[]);
    assert_eq!(logged.router.get("nobody").status, 502, "it never reaches a client");
    logged.router.get_with("web", &[("user-agent", "curl/8.5"), ("referer", "http://a/b")]);
    RawClient::get(logged.router.addr, "/x?y=%20z", &[("host", "web")]).expect("an answer");
    let lines = logged.lines(2);
    assert_eq!(
        timeless(&lines[0]),
        r#"web 127.0.0.1 - - [] "GET / HTTP/1.1" 200 2 "http://a/b" "curl/8.5""#
    );
    assert_eq!(
        timeless(&lines[1]),
        r#"web 127.0.0.1 - - [] "GET /x?y=%20z HTTP/1.1" 200 2 "-" "-""#
    );
    let time = lines[0].split(['[', ']']).nth(1).expect("a time");
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    assert!(shape.starts_with("99/99/9999:99:99:99 "), "{time}");
}

#[test]
fn each_try_of_a_request_has_a_line_and_json_tells_more() {
    let backend =
        Backend::start(Behaviour::Turns(vec![Behaviour::status(500), Behaviour::body("ok")]));
    let classifier = "service: {responseClassifier: {kind: io.l5d.http.retryableRead5XX}}";
    let logged = Logged::start(&backend, &["httpAccessLogFormat: json", classifier]);
    assert_eq!(logged.router.get_with("web", &[("user-agent", "\"}"),]).status, 200);
    let lines = logged.lines(2);
    let lines: Vec<Value> =
        lines.iter().map(|line| serde_json::from_str(line).expect("an object")).collect();
    for (line, (status, retries)) in lines.iter().zip([(500, 0), (200, 1)]) {
        assert_eq!((&line["status"], &line["retries"]), (&status.into(), &retries.into()));
        assert_eq!(line["service"], "/svc/web");
        assert_eq!(line["client"], "/#/io.l5d.fs/web");
        assert_eq!(line["endpoint"], backend.addr().to_string());
        assert_eq!((&line["method"], &line["uri"]), (&"GET".into(), &"/".into()));
        assert!(line["total_ms"].as_f64() >= line["attempt_ms"].as_f64(), "{line}");
    }
    assert_eq!(lines[0]["trace"], lines[1]["trace"]);
}

#[test]
fn a_service_that_does_not_answer_leaves_no_line() {
    let backend = Backend::start(Behaviour::hang_up());
    let logged = Logged::start(&backend, &[]);
    assert_eq!(logged.router.get("web").status, 502);
    backend.set(Behaviour::body("ok"));
    assert_eq!(logged.router.get("web").status, 200);
    assert!(logged.lines(1)[0].contains(" 200 "));
}

#[test]
fn what_was_logged_is_in_the_file_when_the_program_ends() {
    let backend = Backend::fixed("ok");
    let mut logged = Logged::start(&backend, &[]);
    let mut client = logged.router.connect();
    for n in 0..200 {
        let answer = client.request("GET", &format!("/{n}"), &[("host", "web")], b"");
        assert_eq!(answer.expect("an answer").status, 200);
    }
    drop(client);
    logged.router.proc.terminate();
    assert!(logged.router.proc.wait(LIMIT).success());
    let text = logged.text("access.log");
    assert_eq!(text.lines().count(), 200);
    for (n, line) in text.lines().enumerate() {
        assert!(line.contains(&format!("GET /{n} ")), "{line}");
    }
}

#[test]
fn a_file_that_was_moved_away_is_begun_anew_on_sighup() {
    let backend = Backend::fixed("ok");
    let logged = Logged::start(&backend, &["httpAccessLogRollPolicy: sighup"]);
    let mut client = logged.router.connect();
    let mut ask = |target: &str| {
        let answer = client.request("GET", target, &[("host", "web")], b"");
        assert_eq!(answer.expect("an answer").status, 200);
    };
    ask("/before");
    logged.lines(1);
    fs::rename(logged.file("access.log"), logged.file("moved")).expect("move the log");
    logged.router.proc.signal("HUP");
    assert!(wait_until(LIMIT, || logged.file("access.log").exists()));
    logged.router.proc.wait_log("is in force");
    ask("/after");
    let both = || logged.text("access.log").contains("GET /after ");
    assert!(wait_until(LIMIT, both), "{} / {}", logged.text("access.log"), logged.text("moved"));
    assert!(logged.text("moved").contains("GET /before "));
    assert!(!logged.text("moved").contains("GET /after "));
}

#[test]
fn a_file_is_rolled_by_size_and_old_ones_are_removed() {
    let backend = Backend::fixed("ok");
    let keys = ["httpAccessLogRollPolicy: 300.bytes", "httpAccessLogRotateCount: 2"];
    let logged = Logged::start(&backend, &keys);
    for _ in 0..40 {
        logged.router.get("web");
    }
    let files = || {
        let names = fs::read_dir(logged.dir.path()).expect("the folder").flatten();
        names.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    assert!(wait_until(LIMIT, || files().len() == 3), "{:?}", files());
    for file in files() {
        let size = fs::metadata(&file).map_or(0, |found| found.len());
        assert!(size <= 300, "{} has {size} bytes", file.display());
    }
}

#[test]
fn a_log_that_cannot_be_opened_is_said_with_its_place() {
    let backend = Backend::fixed("ok");
    let dir = tempfile::tempdir().expect("temporary directory");
    let config = dir.path().join("linkerd.yaml");
    let file = dir.path().join("missing/access.log");
    let text = format!(
        "namers: [{{kind: io.l5d.fs, rootDir: {}}}]\nadmin: {{port: {}}}\nrouters:\n- protocol: http\n  \
         httpAccessLog: {}\n  servers: [{{port: {}}}]\n",
        dir.path().display(),
        tests::free_port(),
        file.display(),
        backend.port() // never reached
    );
    fs::write(&config, text).expect("configuration");
    let mut proc = Proc::fingerpost(["run".into(), config]);
    assert!(!proc.wait(LIMIT).success());
    let said = proc.stderr();
    assert!(
        said.contains("linkerd.yaml:4:3: ") && said.contains("cannot open the access log"),
        "{said}"
    );
}
