use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::shell::Shell;

/// How long anything may take that happens at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// What no page may have in it as it is.
const EVIL: &str = "\"'></textarea><script>alert(1)</script><img src=x onerror=alert(1)>&";

const PAGES: [&str; 9] = [
    "/",
    "/delegator",
    "/playground",
    "/why-not",
    "/requests",
    "/watches",
    "/config",
    "/logging",
    "/help",
];

/// A command that serves, ended when this is dropped.
pub(crate) struct Serving {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    /// Where the pages are, as `host:port`.
    pub(crate) address: String,
}

impl Serving {
    /// `mark` stands before the address in what is printed.
    fn start(shell: &Shell, args: &[&str], mark: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fingerpost"))
            .args(args)
            .args(["--log", "off"])
            .current_dir(shell.path("."))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut address = None;
        let mut line = String::new();
        while stdout.read_line(&mut line).expect("a line") > 0 {
            if let Some(rest) = line.trim_start().strip_prefix(mark) {
                let url = rest.split_whitespace().next().expect("an address");
                address = Some(url.replace("http://", "").trim_end_matches('/').to_owned());
            }
            if line.starts_with("Ctrl-C") {
                break;
            }
            line.clear();
        }
        let address = address.expect("it says where it is");
        Serving { child, _stdout: stdout, address }
    }

    pub(crate) fn ui(shell: &Shell, args: &[&str]) -> Self {
        Serving::start(shell, &[&["ui", "--no-open"], args].concat(), "The pages are at ")
    }

    fn demo(shell: &Shell) -> Self {
        Serving::start(shell, &["demo", "--port", "0", "--admin-port", "0"], "admin ")
    }

    fn send(&self, head: &str, body: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(&self.address).expect("somebody listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let length = body.len();
        write!(stream, "{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}")
            .expect("a request is sent");
        BufReader::new(stream)
    }

    /// Head, in lower case, and body of an answer.
    fn ask(&self, head: &str, body: &str) -> (String, String) {
        let mut answer = String::new();
        self.send(head, body).read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        (head.to_ascii_lowercase(), body.to_owned())
    }

    fn get(&self, path: &str) -> (String, String) {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\n", self.address), "")
    }

    fn json(&self, path: &str) -> Value {
        let (head, body) = self.get(path);
        assert!(head.starts_with("http/1.1 200 "), "{path}: {head}\n{body}");
        serde_json::from_str(&body).expect("JSON")
    }

    fn post(&self, path: &str, headers: &str, body: &str) -> (String, String) {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n{headers}",
            self.address
        );
        self.ask(&head, body)
    }

    /// Events as they come.
    fn events(&self, path: &str) -> impl Iterator<Item = Value> + use<> {
        let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        self.send(&head, "").lines().filter_map(|line| {
            let line = line.expect("an event in time");
            Some(serde_json::from_str(line.strip_prefix("data: ")?).expect("JSON"))
        })
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn routes() -> Shell {
    Shell::with(&[
        ("routes.dtab", "/svc => /#/io.l5d.fs ;\n"),
        ("disco/web", "127.0.0.1 8081\n"),
        ("disco/web-v2", "127.0.0.1 8082\n"),
    ])
}

#[test]
fn a_table_is_followed_as_it_is_edited() {
    let shell = routes();
    let ui = Serving::ui(&shell, &["-d", "routes.dtab", "--disco", "disco"]);
    let asked = "/delegation/events?path=/svc/web";
    let mut events = ui.events(asked);
    let mut next = |expected: &str| {
        let event = events.find(|event| event.to_string().contains(expected));
        event.expect("the stream goes on")
    };
    let first = next("127.0.0.1:8081");
    let place = &first["steps"][1]["dentry"]["place"];
    assert_eq!((&place["file"], &place["line"]), (&"routes.dtab".into(), &1.into()));
    shell.write("disco/web", "127.0.0.1 8083\n");
    next("127.0.0.1:8083");
    shell.write("routes.dtab", "/svc => /#/io.l5d.fs ;\n/svc/web => /svc/web-v2 ;\n");
    let moved = next("127.0.0.1:8082");
    assert_eq!(moved["base"], "/svc=>/#/io.l5d.fs;/svc/web=>/svc/web-v2");

    shell.write("routes.dtab", "/svc = /nowhere");
    let began = Instant::now();
    while !ui.get("/admin/reload").1.contains("single-equals") {
        assert!(began.elapsed() < PATIENCE, "the mistake is not told");
        std::thread::yield_now();
    }
    assert_eq!(ui.json("/delegation.json?path=/svc/web")["steps"], moved["steps"]);
}

#[test]
fn what_was_recorded_is_shown_without_a_look_at_the_world() {
    let shell = routes();
    let record = ["snapshot", "-d", "routes.dtab", "--disco", "disco", "-o", "world.json"];
    assert_eq!(shell.run(&record).status, Some(0));
    std::fs::remove_dir_all(shell.path("disco")).expect("the files");
    let ui = Serving::ui(&shell, &["--snapshot", "world.json"]);
    let shown = ui.json("/delegation.json?path=/svc/web");
    assert!(shown.to_string().contains("127.0.0.1:8081"), "{shown}");
    let place = &shown["steps"][1]["dentry"]["place"];
    assert_eq!((&place["file"], &place["line"]), (&"routes.dtab".into(), &1.into()));
    assert_eq!(ui.json("/bound-names.json").as_array().map(Vec::len), Some(2));
    assert!(ui.get("/snapshot.json").0.starts_with("http/1.1 404 "), "it is one already");
}

#[test]
fn a_name_that_nests_deep_is_drawn() {
    let shell = routes();
    let ui = Serving::ui(&shell, &["-d", "routes.dtab"]);
    // Each look-up asks the same again, up to the limit.
    for path in ["/delegator", "/delegation.json", "/why-not"] {
        let asked = "path=/a&base=/a%20%3D%3E%20/a%20%7C%20/b&destination=/%23/b";
        let (head, _) = ui.get(&format!("{path}?{asked}"));
        assert!(head.starts_with("http/1.1 200 "), "{path}: {head}");
    }
}

#[test]
fn a_configuration_is_shown_with_its_routers_and_none_of_them_runs() {
    let config = "\
admin: {port: 1}
namers: [{kind: io.l5d.fs, rootDir: disco}]
routers:
- {protocol: http, label: one, dtab: /svc => /#/io.l5d.fs, servers: [{port: 2}]}
- protocol: http
  label: two
  identifier: {kind: io.l5d.path}
  dtab: /svc => /$/inet/127.1/9
  servers: [{port: 3}]
";
    let shell = routes();
    shell.write("linkerd.yaml", config);
    let ui = Serving::ui(&shell, &["--config", "linkerd.yaml"]);
    let labels: Vec<_> = ui.json("/routers.json").as_array().expect("a list").clone();
    assert_eq!((&labels[0]["label"], &labels[1]["label"]), (&"one".into(), &"two".into()));
    let one = ui.json("/delegation.json?router=one&url=http://web/");
    assert_eq!(one["summary"], "bound to /#/io.l5d.fs/web, 1 address");
    let two = ui.json("/delegation.json?router=two&url=http://web/a");
    assert_eq!((&two["path"], &two["state"]), (&"/svc/a".into(), &"bound".into()));
    assert!(ui.get("/config").1.contains("rootDir"));
}

#[test]
fn a_router_elsewhere_is_asked_and_no_more_than_that() {
    let shell = Shell::with(&[]);
    let demo = Serving::demo(&shell);
    let ui = Serving::ui(&shell, &["--admin", &format!("http://{}", demo.address)]);
    let summary = ui.events("/delegation/events?path=/svc/web").next().expect("an event");
    assert_eq!(summary["summary"], "bound to /#/io.l5d.fs/web, 1 address");
    assert!(ui.events("/stats/events").next().is_some());
    let (_, page) = ui.get("/delegator?path=/svc/web");
    assert!(page.contains("bound to /#/io.l5d.fs/web"), "{page}");
    let (_, answer) = ui.post("/delegation.json", "", "path=/svc/users");
    assert!(answer.contains("bound to /#/io.l5d.fs/users"), "{answer}");
    let (head, _) = ui.post("/logging.json", "", "logger=a&level=ERROR");
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    assert!(demo.get("/logging.json").1.contains("\"a\""));
    for path in ["/admin/shutdown", "/admin/reload"] {
        let (head, _) = ui.post(path, "", "");
        assert!(head.starts_with("http/1.1 405 "), "{head}");
        assert!(ui.get(path).0.starts_with("http/1.1 404 "));
    }
    drop(demo);
    let (head, why) = ui.get("/delegation.json?path=/svc/web");
    assert!(head.starts_with("http/1.1 502 ") && why.starts_with("cannot ask http://"), "{why}");
    for page in PAGES {
        assert!(ui.get(page).0.starts_with("http/1.1 200 "), "{page}");
    }
}

#[test]
fn no_page_runs_or_loads_what_is_not_of_this_program() {
    let shell = routes();
    let demo = Serving::demo(&shell);
    let here = Serving::ui(&shell, &["-d", "routes.dtab", "--disco", "disco"]);
    let there = Serving::ui(&shell, &["--admin", &demo.address]);
    let evil = EVIL.bytes().fold(String::new(), |all, byte| format!("{all}%{byte:02X}"));
    let names = [
        "ask",
        "router",
        "path",
        "method",
        "url",
        "header",
        "dtab",
        "base",
        "find",
        "view",
        "id",
        "failed",
        "service",
        "kind",
        "name",
        "logger",
        "level",
        "changed",
        "destination",
        "limit",
    ];
    for serving in [&demo, &here, &there] {
        let mut assets = Vec::new();
        for page in PAGES {
            // It takes a while: it is made of many questions, and reads no more than this.
            let names = if page == "/help" { &["router"] } else { &names[..] };
            for name in names {
                for more in [
                    "",
                    "&path=/svc/web",
                    "&url=http://web/",
                    "&router=http",
                    "&path=/svc/web&destination=/%23/io.l5d.fs/web",
                ] {
                    let uri = format!("{page}?{name}={evil}{more}");
                    let (head, body) = serving.get(&uri);
                    assert!(head.contains("\r\nx-content-type-options: nosniff"), "{uri}: {head}");
                    let policy =
                        "\r\ncontent-security-policy: default-src 'none'; script-src 'self'; ";
                    assert!(head.contains(policy), "{uri}: {head}");
                    assert!(!head.contains("unsafe") && head.contains("cache-control: no-store"));
                    for markup in ["<script>", "<img", " onerror=alert(1)>", " style="] {
                        assert!(!body.contains(markup), "{markup} in {uri}:\n{body}");
                    }
                }
            }
            let tried = format!("router=http&dtab={evil}&names={evil}");
            let (head, body) = serving.post("/playground", "", &tried);
            assert!(head.starts_with("http/1.1 200 ") && !body.contains("<script>"), "{body}");
            let (_, told) = serving.get(&format!("/delegator?path={evil}"));
            assert!(told.contains("&lt;script&gt;"), "what is asked is shown: {told}");
            let (_, body) = serving.get(page);
            let linked = body.split(['"', '\'']).filter(|it| it.starts_with("/assets/"));
            assets.extend(linked.map(str::to_owned));
            assert!(!body.contains("http-equiv") && !body.contains("src=\"http"), "{body}");
        }
        assets.sort();
        assets.dedup();
        assert!(assets.len() > PAGES.len(), "{assets:?}");
        for asset in assets {
            let (head, _) = serving.get(&asset);
            assert!(head.starts_with("http/1.1 200 "), "{asset}: {head}");
            assert!(head.contains("\r\nx-content-type-options: nosniff"), "{asset}: {head}");
            assert!(!head.contains("text/html"), "{asset}: {head}");
        }
    }
}

#[test]
fn other_sites_get_nothing_and_a_get_changes_nothing() {
    let shell = routes();
    let demo = Serving::demo(&shell);
    let here = Serving::ui(&shell, &["-d", "routes.dtab"]);
    let there = Serving::ui(&shell, &["--admin", &demo.address]);
    for serving in [&demo, &here, &there] {
        let style = serving.get("/").1;
        let style = style.split('"').find(|it| it.ends_with("/style.css")).expect("a style");
        for path in PAGES.into_iter().chain(["/delegation.json?path=/svc/web", style]) {
            let foreign = format!("GET {path} HTTP/1.1\r\nHost: evil.example\r\n");
            let (head, body) = serving.ask(&foreign, "");
            assert!(head.starts_with("http/1.1 403 ") && !body.contains('<'), "{path}: {head}");
        }
        let levels = serving.get("/logging.json").1;
        let change = "logger=evil&level=TRACE";
        for page in PAGES {
            serving.get(&format!("{page}?{change}"));
        }
        serving.get(&format!("/logging.json?{change}"));
        for foreign in [
            "Origin: http://evil.example\r\n",
            "Origin: null\r\n",
            "Sec-Fetch-Site: cross-site\r\n",
        ] {
            for path in ["/logging", "/logging.json"] {
                let (head, _) = serving.post(path, foreign, change);
                assert!(head.starts_with("http/1.1 403 "), "{path}: {head}");
            }
            let (head, _) = serving.post("/admin/shutdown", foreign, "");
            assert!(head.starts_with("http/1.1 403 "), "{head}");
        }
        assert_eq!(serving.get("/logging.json").1, levels);
    }
}

#[test]
fn what_cannot_be_shown_is_said_before_anything_listens() {
    let shell = routes();
    shell.write("wrong.dtab", "/svc = /a\n");
    shell.write("wrong.yaml", "routers: 1\n");
    let cases: [&[&str]; 6] = [
        &["-d", "wrong.dtab"],
        &["-d", "missing.dtab"],
        &["-d", "-"],
        &["--disco", "routes.dtab"],
        &["--config", "wrong.yaml"],
        &["--admin", "https://127.0.0.1:9990"],
    ];
    let mut told = String::new();
    for case in cases {
        told += &shell.run(&[&["ui", "--no-open"], case].concat()).transcript();
    }
    insta::assert_snapshot!(told);
}
