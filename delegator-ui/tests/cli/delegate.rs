use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::assert_run;
use crate::shell::Shell;

const ROUTES: &str = "\
/host      => /$/inet/127.1 ;
/host/web  => 0.9 * /v/8081 & 0.1 * /v/8082 & 3 * /nowhere ;
/v         => /$/inet/127.1 ;
/svc       => /host ;
/svc/users => ! | /host/8080 ;
/svc/gone  => ~ ;
/svc/nil   => $ ;
/loop      => /loop/again ; /loop/again => /loop ;
/round     => /trip ; /trip/a => /round/a ;
/alt       => /nowhere | /$/inet/127.1/80/a | /$/inet/127.1/81 ;
/odd       => /$/io.example/x | /v/1 ;
";

fn routes() -> Shell {
    Shell::with(&[("routes.dtab", ROUTES)])
}

#[test]
fn weights_shares_and_dropped_branches_are_shown() {
    assert_run!(routes(), &["delegate", "/svc/web", "-d", "routes.dtab"]);
}

#[test]
fn the_branch_that_is_taken_and_those_that_are_not_needed_are_marked() {
    assert_run!(routes(), &["delegate", "/alt/b", "-d", "routes.dtab"]);
}

#[test]
fn a_name_that_is_refused_says_by_whom() {
    assert_run!(routes(), &["delegate", "/svc/users", "-d", "routes.dtab"]);
}

#[test]
fn a_name_that_is_nobody_is_not_bound() {
    assert_run!(routes(), &["delegate", "/svc/nil", "-d", "routes.dtab"]);
}

#[test]
fn a_cycle_is_shown_once_with_its_steps() {
    assert_run!(routes(), &["delegate", "/round/a", "-d", "routes.dtab"]);
}

#[test]
fn a_namer_that_does_not_exist_fails_the_name() {
    assert_run!(routes(), &["delegate", "/odd", "-d", "routes.dtab"]);
}

#[test]
fn a_name_that_nothing_takes_says_so() {
    assert_run!(Shell::with(&[]), &["delegate", "/svc/web"]);
}

#[test]
fn later_tables_win_and_overrides_are_told_apart() {
    let args = ["delegate", "/svc/web", "-d", "routes.dtab"];
    let more = ["-e", "/host => /$/nil", "--local", "/svc/web => /alt"];
    assert_run!(routes(), &[&args[..], &more].concat());
}

#[test]
fn discovery_files_are_read() {
    let files = [("disco/web", "127.0.0.1 8081\n127.0.0.2 8081 * 0.5\n"), ("disco/idle", "")];
    let shell = Shell::with(&files);
    shell.write("disco/bad", "127.0.0.1\n");
    let ask = |name: &str| {
        let args = ["delegate", name, "-e", "/svc => /#/io.l5d.fs", "--disco", "disco"];
        shell.run(&args).transcript()
    };
    let all = ["/svc/web/x", "/svc/idle", "/svc/bad", "/svc/none"].map(ask).join("\n");
    insta::assert_snapshot!(all);
    assert_run!(shell, &["delegate", "/x", "--disco", "nodir"]);
}

const CONFIG: &str = "\
namers:
- kind: io.l5d.fs
  rootDir: disco
routers:
- protocol: http
  label: a
  dtab: |
    /svc => /#/io.l5d.fs ;
  interpreter:
    kind: default
    transformers:
    - kind: io.l5d.port
      port: 4141
  servers: [{port: 4140}]
- protocol: http
  label: b
  servers: [{port: 4142}]
";

#[test]
fn a_configuration_brings_its_table_namers_and_transformers() {
    let shell = Shell::with(&[("linkerd.yaml", CONFIG), ("disco/web", "127.0.0.1 8081")]);
    let args = ["delegate", "/svc/web", "--config", "linkerd.yaml", "--router", "a"];
    assert_run!(shell, &args);
    let several = shell.run(&args[..4]);
    assert_eq!(several.status, Some(2));
    assert_eq!(
        several.stderr,
        "error: linkerd.yaml has several routers; choose one with --router: a, b\n"
    );
    let none = shell.run(&["delegate", "/x", "--config", "linkerd.yaml", "--router", "c"]);
    assert_eq!(none.stderr, "error: linkerd.yaml has no router c; it has: a, b\n");
}

#[test]
fn bad_input_is_pointed_at_with_status_2() {
    let shell = Shell::with(&[("routes.dtab", "/svc = /host ;\n")]);
    let runs = [
        shell.run(&["delegate", "svc/we b"]),
        shell.run(&["delegate", "/x", "-d", "routes.dtab"]),
        shell.run(&["delegate", "/x", "-e", "/a => (/b"]),
        shell.run(&["delegate", "/x", "--local", "/a -> /b"]),
        shell.run(&["delegate", "/x", "-d", "none.dtab"]),
        shell.run(&["delegate", "/x", "--router", "a"]),
        shell.run(&["delegate", "/x", "--admin", "ftp://127.0.0.1"]),
    ];
    assert!(runs.iter().all(|ran| ran.status == Some(2) && ran.stdout.is_empty()));
    insta::assert_snapshot!(runs.map(|ran| ran.transcript()).join("\n"));
}

#[test]
fn json_has_every_step() {
    let args = ["delegate", "/alt", "-d", "routes.dtab", "--format", "json"];
    assert_run!(routes(), &args);
}

#[test]
fn dot_draws_a_graph() {
    assert_run!(routes(), &["delegate", "/svc/web", "-d", "routes.dtab", "--format", "dot"]);
}

#[test]
fn what_is_taken_is_told_by_more_than_colour() {
    let args = ["delegate", "/alt", "-d", "routes.dtab"];
    let plain = routes().run(&args);
    assert!(!plain.stdout.contains('\x1b'));
    assert!(plain.stdout.contains("├─▶ /$/inet/127.1/80/a"), "{}", plain.stdout);
    let coloured = routes().run(&[&args[..], &["--color", "always"]].concat());
    assert!(coloured.stdout.contains("\x1b["));
    let bare = anstream::adapter::strip_str(&coloured.stdout).to_string();
    assert_eq!(bare, plain.stdout);
}

/// An admin server that answers each path with a text, as often as it is asked.
pub(crate) fn admin_server(answers: &'static [(&'static str, &'static str)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut reader = BufReader::new(stream.try_clone().expect("a handle"));
            let (mut line, mut length) = (String::new(), 0);
            reader.read_line(&mut line).expect("a request line");
            loop {
                let mut header = String::new();
                reader.read_line(&mut header).expect("a header");
                if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a number");
                }
                if header.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("the body");
            let target = line.split(' ').nth(1).expect("a path");
            let path = target.split('?').next().expect("a path");
            let found = answers.iter().find(|(known, _)| *known == path);
            let (status, text) =
                found.map_or(("404 Not Found", "no"), |(_, text)| ("200 OK", text));
            let length = text.len();
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{text}");
            stream.write_all(answer.as_bytes()).expect("it is read");
        }
    });
    url
}

#[test]
fn a_running_router_is_asked_in_the_words_of_linkerd() {
    let url = admin_server(&[
        (
            "/config.json",
            r#"{"routers":[{"protocol":"http","dtab":"/srv=>/#/io.l5d.fs;/svc=>/srv"}]}"#,
        ),
        (
            "/delegator.json",
            r#"{"type":"alt","path":"/svc/web","alt":[
                {"type":"union","path":"/svc/web","dentry":{"prefix":"/svc/web","dst":"0.25*/srv/v1 & ~"},"union":[
                    {"weight":0.25,"tree":{"type":"delegate","path":"/srv/v1","dentry":{"prefix":"/svc/web","dst":"0.25*/srv/v1 & ~"},
                        "delegate":{"type":"leaf","path":"/#/io.l5d.fs/v1","dentry":{"prefix":"/srv","dst":"/#/io.l5d.fs"},
                            "bound":{"addr":{"type":"bound","addrs":[{"ip":"127.0.0.1","port":8081,"meta":{"endpoint_addr_weight":0.5}}],"meta":{}},"id":"/#/io.l5d.fs/v1","path":"/"}}}},
                    {"weight":1.0,"tree":{"type":"neg","path":"~","dentry":{"prefix":"/svc/web","dst":"0.25*/srv/v1 & ~"}}}]},
                {"type":"exception","path":"/svc/web","message":"no\u001b[2J","dentry":{"prefix":"/svc","dst":"/srv"}}]}"#,
        ),
    ]);
    let local = "/svc/web => 0.25 * /srv/v1 & ~";
    let ran = Shell::with(&[]).run(&["delegate", "/svc/web", "--admin", &url, "--local", local]);
    insta::assert_snapshot!(ran.transcript().replace(&url, "URL"));
}

#[test]
fn a_running_fingerpost_is_asked_for_its_reasons() {
    let url = admin_server(&[
        ("/config.json", r#"{"routers":[{"protocol":"http","label":"web"}]}"#),
        (
            "/delegation.json",
            r#"{"router":"web","path":"/svc/x","override":"","state":"fail","summary":"/svc/x: refused\u0007","namers":[],"steps":[
                {"depth":0,"path":"/svc/x","kind":"delegate","taken":true,"probability":0.0,"reason":"one dentry matches"},
                {"depth":1,"path":"/svc/x","kind":"fail","taken":true,"probability":0.0,"reason":"the dentry says !",
                 "dentry":{"table":"base","index":0,"of":1,"prefix":"/svc","dst":"!","place":{"file":"linkerd.yaml","line":7,"column":5}}}]}"#,
        ),
    ]);
    let ran = Shell::with(&[]).run(&["delegate", "/svc/x", "--admin", &url]);
    insta::assert_snapshot!(ran.transcript().replace(&url, "URL"));
}

#[test]
fn an_admin_server_that_is_none_is_an_error() {
    let ask = |url: &str| {
        let ran = Shell::with(&[]).run(&["delegate", "/svc/web", "--admin", url]);
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""));
        ran.stderr.replace(url, "URL")
    };
    let page = admin_server(&[("/config.json", "<html>")]);
    let other = admin_server(&[]);
    let odd = admin_server(&[
        ("/config.json", r#"{"routers":[{"protocol":"http"}]}"#),
        ("/delegator.json", r#"{"type":"alt","path":"/x","alt":7}"#),
    ]);
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        format!("http://{}", listener.local_addr().expect("it is bound"))
    };
    insta::assert_snapshot!([page, other, odd, nobody].map(|url| ask(&url)).join(""));
}

#[test]
fn watch_shows_every_change_until_it_is_stopped() {
    let shell = Shell::with(&[("disco/web", "127.0.0.1 8081\n"), ("routes.dtab", "")]);
    shell.write("routes.dtab", "/svc => /#/io.l5d.fs ;\n");
    let mut child = Command::new(env!("CARGO_BIN_EXE_fingerpost"))
        .args(["delegate", "/svc/web", "-d", "routes.dtab", "--disco", "disco", "--watch"])
        .current_dir(shell.path("."))
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let (send, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            let _ = send.send(line);
        }
    });
    let wait_for = |wanted: &str| loop {
        let line = lines.recv_timeout(Duration::from_secs(30));
        if line.expect("another line").contains(wanted) {
            return;
        }
    };
    wait_for("127.0.0.1:8081");
    shell.write("disco/web", "127.0.0.1 8082\n");
    wait_for("127.0.0.1:8082");
    shell.write("routes.dtab", "/svc = /#/io.l5d.fs ;\n");
    wait_for("`=` instead of `=>`");
    shell.write("routes.dtab", "/svc => ! ;\n");
    wait_for("/svc/web: refused");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}

#[test]
fn what_keeps_a_name_from_a_destination_is_told_with_what_would_lead_there() {
    let shell =
        Shell::with(&[("disco/web", "127.0.0.1 8081\n"), ("disco/web-v2", "127.0.0.1 8082\n")]);
    shell.write(
        "routes.dtab",
        "/srv => /#/io.l5d.fs ;\n/svc => /srv ;\n/svc/web => /srv/web-v2 ;\n",
    );
    let ask = |name: &str, destination: &str| {
        let args = ["delegate", name, "-d", "routes.dtab", "--disco", "disco"];
        shell.run(&[&args[..], &["--explain-not", destination]].concat()).transcript()
    };
    let all = [
        ask("/svc/web-v2", "/#/io.l5d.fs/web-v2"),
        ask("/svc/web", "/#/io.l5d.fs/web"),
        ask("/svc/wob", "127.0.0.1:8081"),
        ask("/svc/web", "/srv/web"),
    ];
    insta::assert_snapshot!(all.join("\n"));
    let entry = ["delegate", "/svc", "-e", "/svc => !", "--explain-not", "127.0.0.1:80"];
    assert_run!(Shell::with(&[]), &[&entry[..], &["--format", "json"]].concat());
    let dot = Shell::with(&[]).run(&[&entry[..], &["--format", "dot"]].concat());
    assert_eq!(dot.status, Some(2), "{}", dot.transcript());
}
