use std::net::SocketAddr;
use std::sync::OnceLock;

use dtab::{Activity, Address, Bound, Failure, FailureKind, Name, NameTree, wire};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::client::health::HealthTable;
use crate::identifier::{HeaderIdentifier, HeaderTokenIdentifier, Identifier};
use crate::naming::{Hosts, LiveNamer, Watch, constant};
use crate::snapshot::Recorder;
use crate::telemetry::recent_requests::RecentRequests;

mod delegation;
mod requests;
mod why_not;

/// Knows `web` (one address), `wait` (never known) and `broken`.
struct Fixed;

impl LiveNamer for Fixed {
    fn watch(&self, path: &Path) -> Watch<NameTree<Name>> {
        let id = path.take(3);
        constant(match id.iter().nth(2) {
            Some(b"web") => {
                let addr = Addr::bound([Address::from(SocketAddr::from(([127, 0, 0, 1], 8081)))]);
                let bound = Bound::new(id, path.drop_front(3), addr);
                Activity::Ok(NameTree::Leaf(Name::Bound(bound)))
            }
            Some(b"wait") => {
                // A constant's sender is gone, so it would never be waited for.
                let (sender, receiver) = tokio::sync::watch::channel(Activity::Pending);
                static HELD: OnceLock<tokio::sync::watch::Sender<Activity<NameTree<Name>>>> =
                    OnceLock::new();
                let _ = HELD.set(sender);
                return receiver;
            }
            Some(b"broken") => {
                Activity::Failed(Failure::new(FailureKind::Namer, "the folder cannot be read"))
            }
            _ => Activity::Ok(NameTree::Neg),
        })
    }

    fn bound_names(&self) -> Vec<Path> {
        vec![Path::parse("/#/io.l5d.fs/web").unwrap()]
    }
}

struct Admin {
    app: axum::Router,
    context: Arc<ArcSwap<AdminContext>>,
    metrics: Metrics,
    stopped: Stopped,
}

fn admin() -> Admin {
    admin_with(|_| {})
}

fn identifier(identifier: impl Identifier + 'static) -> Arc<IdentifierChain> {
    Arc::new(IdentifierChain::new(vec![Box::new(identifier)]))
}

/// An admin server whose context has been changed.
fn admin_with(change: impl FnOnce(&mut AdminContext)) -> Admin {
    let (context, metrics, stopped) = context(change);
    let pages = axum::Router::new().route("/page", axum::routing::get(|| async { "a page" }));
    let app = app(context.clone(), HostRule::new([127, 0, 0, 1].into(), &[]), pages);
    Admin { app, context, metrics, stopped }
}

type Stopped = mpsc::Receiver<Option<Duration>>;

fn context(
    change: impl FnOnce(&mut AdminContext),
) -> (Arc<ArcSwap<AdminContext>>, Metrics, Stopped) {
    let rt = tokio::runtime::Handle::current();
    let prefix = Path::parse("/#/io.l5d.fs").unwrap();
    let fixed: Arc<dyn LiveNamer> = Arc::new(Fixed);
    let namers = Arc::new(LiveNamers::new(vec![(prefix, fixed)], Hosts::system(rt.clone())));
    let base = Dtab::parse("/svc => /#/io.l5d.fs").unwrap();
    let interpreter = Interpreter::new(base, namers.clone(), Vec::new(), rt);
    let metrics = Metrics::new();
    let (shutdown, stopped) = mpsc::channel(1);
    let bound = Addr::bound([Address::from(SocketAddr::from(([127, 0, 0, 1], 8081)))]);
    let mut context = AdminContext {
        config_json: json!({ "routers": [{ "protocol": "http", "label": "http" }] }),
        metrics: metrics.clone(),
        routers: vec![AdminRouter {
            version: http::Version::HTTP_11,
            label: "http".to_owned(),
            identifier: identifier(
                HeaderTokenIdentifier::new(Path::parse("/svc").unwrap(), "Host").unwrap(),
            ),
            interpreter,
        }],
        namers,
        clients: Box::new(move || {
            json!({
                "/#/io.l5d.fs/web": client_state(&bound),
                "/#/io.l5d.fs/bad": client_state(&Addr::Failed("malformed".into())),
                "/#/io.l5d.fs/gone": client_state(&Addr::Neg),
            })
        }),
        clients_in_full: Box::new(|| json!({ "http": {} })),
        health: HealthTable::new(),
        delegations: Streams::new(),
        routers_in_full: json!([{ "label": "http" }]),
        registry: Box::new(|| json!({ "registry": {} })),
        security: None,
        shutdown,
        prometheus: vec![PrometheusPage {
            path: "/admin/metrics/prometheus".to_owned(),
            prefix: String::new(),
        }],
        influxdb: true,
        requests: Requests::new(RecentRequests::new()),
        stats: Stats::new(metrics.clone(), HealthTable::new()),
        log_levels: None,
        host_names: Vec::new(),
        started: SystemTime::now(),
        reload: Reload::default(),
        recorders: vec![Recorder::of_table("linkerd.yaml", &[])],
        certificates: Vec::new(),
    };
    change(&mut context);
    (Arc::new(ArcSwap::from_pointee(context)), metrics, stopped)
}

impl Admin {
    async fn ask(&self, request: http::request::Builder, body: impl Into<Body>) -> (u16, String) {
        let request = request.header("host", "127.0.0.1:9990").body(body.into()).unwrap();
        let answer = self.app.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn get(&self, uri: &str) -> (u16, String) {
        self.ask(Request::get(uri), "").await
    }

    async fn json(&self, uri: &str) -> Value {
        let (status, body) = self.get(uri).await;
        assert_eq!(status, 200, "{uri}: {body}");
        serde_json::from_str(&body).unwrap()
    }
}

#[tokio::test]
async fn simple_pages_are_as_linkerd_has_them() {
    let admin = admin();
    assert_eq!(admin.get("/admin/ping").await, (200, "pong".to_owned()));
    assert_eq!(admin.ask(Request::post("/admin/ping"), "x").await, (200, "pong".to_owned()));
    assert_eq!(admin.get("/nope").await, (404, String::new()));
    assert_eq!(admin.get("/page").await, (200, "a page".to_owned()));
    assert_eq!(admin.json("/bound-names.json").await, json!(["/#/io.l5d.fs/web"]));
    assert_eq!(admin.json("/config.json").await["routers"][0]["label"], "http");
    assert_eq!(admin.json("/namer_state/io.l5d.fs.json").await, json!([]));
    assert_eq!(admin.get("/namer_state/io.l5d.consul.json").await.0, 404);
    assert_eq!(admin.get("/logging.json").await.0, 404);
    assert_eq!(
        admin.json("/client_state.json").await,
        json!({
            "/#/io.l5d.fs/web": { "state": "bound", "addresses": ["127.0.0.1:8081"] },
            "/#/io.l5d.fs/bad": { "state": "Failed: malformed", "addresses": [] },
            "/#/io.l5d.fs/gone": { "state": "Neg", "addresses": [] },
        })
    );
    insta::assert_snapshot!(admin.get("/admin").await.1);
}

#[tokio::test]
async fn every_listed_path_is_served() {
    let admin = admin();
    for path in admin.get("/admin/index.txt").await.1.lines() {
        let request = Request::get(path).header("host", "localhost").body(Body::empty());
        let answer = admin.app.clone().oneshot(request.unwrap()).await.unwrap();
        assert_ne!(answer.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn what_the_configuration_does_not_allow_is_as_if_it_were_not_there() {
    let pattern = |text: &str| regex::Regex::new(&format!("^(?:{text})$")).unwrap();
    let admin = admin_with(|context| {
        context.security = Some(SecurityConfig {
            ui: true,
            control: false,
            diagnostics: false,
            allowed: vec![pattern("/admin/ping")],
            refused: vec![pattern("/config.*")],
        });
    });
    let empty = (404, String::new());
    for (path, served) in [
        ("/admin/metrics.json", true),
        ("/admin/ping", true),
        ("/admin/ping/", false),
        ("/config.json", false),
        ("/client_state.json", false),
        ("/page", false),
    ] {
        let answer = admin.get(path).await;
        assert_eq!(answer != empty, served, "{path}: {answer:?}");
    }
    assert_eq!(admin.ask(Request::post("/admin/shutdown"), "").await, empty);
}

#[tokio::test]
async fn the_identifier_server_names_a_request_as_each_router_would() {
    let (context, _, _stopped) = context(|context| {
        let namers = context.namers.clone();
        let rt = tokio::runtime::Handle::current();
        context.routers.push(AdminRouter {
            version: http::Version::HTTP_11,
            label: "named".to_owned(),
            identifier: identifier(
                HeaderIdentifier::new(Path::parse("/svc").unwrap(), "l5d-name").unwrap(),
            ),
            interpreter: Interpreter::new(Dtab::empty(), namers, Vec::new(), rt),
        });
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let serving = tokio::spawn(serve_identifiers(listener, context));
    let ask = async |head: &str| {
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    };
    // What Linkerd answers for the like.
    assert_eq!(
        ask("GET /a/web HTTP/1.1\r\nHost: web\r\nl5d-dtab: /x => /y\r\n").await,
        r#"{"http":{"path":"/svc/web","dtab":"/svc=>/#/io.l5d.fs"},"named":{"error":"l5d-name header is absent"}}"#
    );
    assert_eq!(
        ask("POST / HTTP/1.1\r\nHost: evil.example\r\nl5d-name: /hdr\r\n").await,
        r#"{"http":{"path":"/svc/evil.example","dtab":"/svc=>/#/io.l5d.fs"},"named":{"path":"/svc/hdr"}}"#
    );
    serving.abort();
}

#[tokio::test]
async fn the_delegator_takes_both_forms() {
    let admin = admin();
    let by_get = admin
        .json("/delegator.json?namespace=http&path=/svc/web&dtab=/svc+=%3E+/%23/io.l5d.fs")
        .await;
    let post = Request::post("/delegator.json").header("content-type", "application/json");
    let body = r#"{"namespace": "http", "dtab": "/svc => /#/io.l5d.fs", "path": "/svc/web"}"#;
    let (status, by_post) = admin.ask(post, body).await;
    assert_eq!((status, serde_json::from_str::<Value>(&by_post).unwrap()), (200, by_get));
    // What Linkerd answered for the same.
    assert_eq!(
        by_post,
        r#"{"type":"delegate","path":"/svc/web","delegate":{"type":"leaf","path":"/#/io.l5d.fs/web","dentry":{"prefix":"/svc","dst":"/#/io.l5d.fs"},"bound":{"addr":{"type":"bound","addrs":[{"ip":"127.0.0.1","port":8081,"meta":{}}],"meta":{}},"id":"/#/io.l5d.fs/web","path":"/"}}}"#
    );
    // The table is the one given, not the router's; without a namespace there are no namers.
    assert_eq!(
        admin.get("/delegator.json?namespace=http&path=/svc/web").await.1,
        r#"{"type":"neg","path":"/svc/web"}"#
    );
    let without = admin.json("/delegator.json?path=/svc/web&dtab=/svc=%3E/%23/io.l5d.fs").await;
    assert_eq!(without["delegate"]["type"], "neg");
}

#[tokio::test(start_paused = true)]
async fn what_the_delegator_cannot_show_has_its_status_and_text() {
    let admin = admin();
    let get = async |query: &str| admin.get(&format!("/delegator.json?{query}")).await;
    let text = |status, text: &str| (status, text.to_owned());
    assert_eq!(
        get("path=svc/web").await,
        text(400, "Invalid path: '/' expected but 's' found at '[s]vc/web'")
    );
    assert_eq!(
        get("path=/svc&dtab=x").await,
        text(400, "Invalid dtab: '/' expected but 'x' found at '[x]'")
    );
    assert_eq!(get("dtab=/a=%3E/b").await.0, 400);
    assert_eq!(
        get("namespace=nope&path=/svc/web").await,
        text(501, "Name Interpreter for nope cannot show delegations")
    );
    assert_eq!(
        get("namespace=http&path=/a&dtab=/a=%3E/b;/b=%3E/a").await,
        text(500, "Max recursion level reached.")
    );
    assert_eq!(
        get("namespace=http&path=/%23/io.l5d.fs/wait").await,
        text(503, "Request timed out.")
    );
    assert_eq!(admin.ask(Request::put("/delegator.json?path=/svc"), "{}").await, text(405, ""));
    let post =
        |content_type: &str| Request::post("/delegator.json").header("content-type", content_type);
    assert_eq!(admin.ask(post("application/json; charset=utf-8"), "{}").await, text(415, ""));
    assert_eq!(admin.ask(Request::post("/delegator.json"), "{}").await, text(415, ""));
    for body in ["", "{", "[]", r#"{"path":"/svc"}"#, r#"{"dtab":null,"path":"/a"}"#] {
        assert_eq!(
            admin.ask(post("application/json"), body).await,
            text(400, &format!("Malformed delegation request: {body}"))
        );
    }
}

#[tokio::test]
async fn a_router_is_recorded_as_it_is() {
    let admin = admin();
    let (status, text) = admin.get("/snapshot.json?router=http").await;
    assert_eq!(status, 200, "{text}");
    let snapshot = crate::snapshot::read("snapshot.json", &text).unwrap();
    assert_eq!(snapshot.dtab, Dtab::parse("/svc => /#/io.l5d.fs").unwrap());
    assert_eq!(snapshot.source, "linkerd.yaml");
    assert_eq!(admin.get("/snapshot.json?router=x").await.0, 404);
    let diagnostics = |diagnostics| {
        let security = SecurityConfig {
            ui: true,
            control: true,
            diagnostics,
            allowed: Vec::new(),
            refused: Vec::new(),
        };
        admin_with(|context| context.security = Some(security))
    };
    assert_eq!(diagnostics(true).get("/snapshot.json").await.0, 200);
    assert_eq!(diagnostics(false).get("/snapshot.json").await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn the_explained_resolution_uses_the_routers_own_table() {
    let admin = admin();
    let json = admin.json("/delegation.json?path=/svc/web&dtab=/svc/web=%3E/svc/none").await;
    let steps = wire::read_view(&json["steps"]).unwrap();
    assert_eq!(steps.children.len(), 2);
    insta::assert_json_snapshot!(json);

    let summary = async |path: &str| {
        let json = admin.json(&format!("/delegation.json?router=http&path={path}")).await;
        format!("{}: {}", json["state"].as_str().unwrap(), json["summary"].as_str().unwrap())
    };
    assert_eq!(summary("/nope").await, "neg: /nope: no dentry matches");
    assert_eq!(
        summary("/svc/wait").await,
        "pending: /svc/wait: still waiting for an answer for /#/io.l5d.fs/wait"
    );
    assert_eq!(
        summary("/svc/broken").await,
        "failed: /svc/broken: became /#/io.l5d.fs/broken; the folder cannot be read"
    );
    assert_eq!(admin.get("/delegation.json?router=x&path=/a").await.0, 404);
    assert_eq!(admin.get("/delegation.json").await.0, 400);
}

#[tokio::test(start_paused = true)]
async fn only_a_post_of_ones_own_stops_the_program() {
    let mut admin = admin();
    assert_eq!(admin.get("/admin/shutdown").await, (405, String::new()));
    let foreign = Request::post("/admin/shutdown").header("origin", "http://evil.example");
    assert_eq!(admin.ask(foreign, "").await.0, 403);
    assert_eq!(
        admin.ask(Request::post("/admin/shutdown?grace=soon"), "").await,
        (400, "could not parse 'grace' parameter: soon is not a valid duration".to_owned())
    );
    assert!(admin.stopped.try_recv().is_err());
    for _ in 0..3 {
        let stop = Request::post("/admin/shutdown?grace=10.seconds");
        assert_eq!(admin.ask(stop, "").await, (200, "quitting\n".to_owned()));
    }
    assert_eq!(admin.stopped.recv().await, Some(Some(Duration::from_secs(10))));
}

#[tokio::test]
async fn rebound_names_and_large_bodies_are_turned_away() {
    let admin = admin();
    let request = Request::get("/admin/ping").header("host", "evil.example").body(Body::empty());
    let answer = admin.app.clone().oneshot(request.unwrap()).await.unwrap();
    assert_eq!(answer.status(), 403);

    let large = vec![b' '; MAX_BODY + 1];
    let post = || Request::post("/delegator.json").header("content-type", "application/json");
    let declared = post().header("content-length", large.len());
    assert_eq!(admin.ask(declared, large.clone()).await.0, 413);
    assert_eq!(admin.ask(post(), large).await.0, 413);
}

/// Metrics of a router that has served the requests of the recorded exchange, as far as they can
/// be told apart: names with a `/` in an element, failures with exceptions, and a histogram.
fn recorded(metrics: &Metrics) -> Vec<Box<dyn std::any::Any>> {
    let rt = metrics.scope(&["rt", "http"]);
    let mut kept: Vec<Box<dyn std::any::Any>> = Vec::new();
    let mut count = |scope: &crate::telemetry::Scope, name: &str, times: u64| {
        let counter = scope.counter(name);
        counter.add(times);
        kept.push(Box::new(counter));
    };
    let client = rt.scope("client").scope("#/io.l5d.fs/web");
    let synthetic = "com.twitter.finagle.service.ResponseClassificationSyntheticException";
    count(&client, "requests", 11);
    count(&client, "failures", 2);
    count(&client.scope("failures"), synthetic, 2);
    count(&client.scope("failures").scope("a"), "b", 1);
    count(&client.scope("exn"), "java.io.IOException", 1);
    count(&client.scope("status"), "200", 8);
    let by_service = client.scope("service").scope("svc/web");
    count(&by_service, "requests", 11);
    count(&by_service.scope("failures"), synthetic, 2);
    count(&rt.scope("server").scope("127.0.0.1/4140"), "connects", 13);
    count(&rt.scope("service").scope("svc/we\"ird\\\n"), "requests", 1);
    count(&rt.scope("bindcache").scope("path"), "misses", 3);
    let connections = client.level("connections");
    connections.inc();
    kept.push(Box::new(connections));
    kept.push(Box::new(client.scope("retries").gauge("budget", || 100.0)));
    let latency = rt.scope("service").scope("svc/web").stat("request_latency_ms");
    for (value, times) in [(4, 1), (17, 40), (26, 2), (33, 2), (178, 1)] {
        (0..times).for_each(|_| latency.record(value));
    }
    kept.push(Box::new(latency));
    kept.push(Box::new(rt.scope("service").scope("svc/web").stat("unused_ms")));
    metrics.summarize();
    kept
}

#[tokio::test]
async fn metrics_are_shown_in_linkerds_forms() {
    let admin = admin();
    let _kept = recorded(&admin.metrics);
    insta::assert_snapshot!("metrics_pretty", admin.get("/admin/metrics.json?pretty=true").await.1);
    insta::assert_snapshot!(
        "metrics_tree",
        admin.get("/metrics.json?tree=1&pretty=1&q=rt/http/client").await.1
    );
    insta::assert_snapshot!("prometheus", admin.get("/admin/metrics/prometheus").await.1);
    insta::assert_snapshot!("influxdb", admin.get("/admin/metrics/influxdb").await.1);
    assert_eq!(
        admin.get("/admin/metrics.json?q=rt/http/server").await.1,
        r#"{"127.0.0.1/4140/connects":13}"#
    );
    assert_eq!(
        admin.get("/admin/metrics.json?q=rt/http/client/%23/io.l5d.fs/web/status").await.1,
        r#"{"200":8}"#
    );
    assert_eq!(
        admin.get("/admin/metrics.json?q=a/b/c").await,
        (404, r#"{"error":"No such subtree: a/b/c"}"#.to_owned())
    );
}

/// Over a real socket: keep-alive, HEAD without a body, and rubbish that harms nobody.
#[tokio::test]
async fn it_serves_sockets_and_survives_rubbish() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let rt = tokio::runtime::Handle::current();
    let context = AdminContext {
        config_json: json!({}),
        metrics: Metrics::new(),
        routers: Vec::new(),
        namers: Arc::new(LiveNamers::new(Vec::new(), Hosts::system(rt))),
        clients: Box::new(|| json!({})),
        clients_in_full: Box::new(|| json!({})),
        health: HealthTable::new(),
        delegations: Streams::new(),
        routers_in_full: json!([]),
        registry: Box::new(|| json!({})),
        security: None,
        shutdown: mpsc::channel(1).0,
        prometheus: Vec::new(),
        influxdb: false,
        requests: Requests::new(RecentRequests::new()),
        stats: Stats::new(Metrics::new(), HealthTable::new()),
        log_levels: None,
        host_names: Vec::new(),
        started: SystemTime::now(),
        reload: Reload::default(),
        recorders: Vec::new(),
        certificates: Vec::new(),
    };
    let serving = tokio::spawn(serve(
        listener,
        None,
        Arc::new(ArcSwap::from_pointee(context)),
        Box::new(|_| axum::Router::new()),
    ));
    let talk = async |bytes: &[u8]| {
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    for rubbish in [&b"\0\0\0"[..], b"GET", b"POST /delegator.json HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"] {
        talk(rubbish).await;
    }
    let head = talk(b"HEAD /admin/ping HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(
        head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("content-length: 4\r\n"),
        "{head}"
    );
    assert!(head.ends_with("\r\n\r\n"), "{head}");
    let two = talk(b"GET /admin/ping HTTP/1.1\r\nHost: localhost\r\n\r\nGET /bound-names.json HTTP/1.0\r\n\r\n").await;
    assert!(two.contains("\r\n\r\npong") && two.ends_with(r#"[""]"#), "{two}");
    serving.abort();
}

#[tokio::test]
async fn what_goes_on_is_told_at_once_and_each_second() {
    let admin = admin();
    for (query, status) in [
        ("", 400),
        ("router=http", 400),
        ("kind=x&router=http&name=y", 400),
        ("router=http&name=y", 404),
    ] {
        let (is, why) = admin.get(&format!("/stats/history.json?{query}")).await;
        assert_eq!(is, status, "{query}: {why}");
    }
    let service = admin.metrics.scope(&["rt", "http", "service", "svc/web"]);
    let (requests, success, failures) =
        (service.counter("requests"), service.counter("success"), service.counter("failures"));
    let (latency, _pending) = (service.stat("request_latency_ms"), service.level("pending"));
    let client = admin.metrics.scope(&["rt", "http", "client", "#/io.l5d.fs/web"]);
    let (_client, connections) = (client.counter("requests"), client.level("connections"));
    let _budget = client.scope("retries").gauge("budget", || 100.0);
    connections.add(2);
    let server = admin.metrics.scope(&["rt", "http", "server", "127.0.0.1/4140"]);
    let served = server.counter("requests");
    requests.add(4);
    success.add(3);
    failures.incr();
    latency.record(12);
    served.add(4);
    admin.context.load().stats.tick(Duration::from_secs(1));

    let mut shown = admin.json("/stats.json").await;
    assert!(shown["now"].take().is_u64());
    insta::assert_json_snapshot!("stats", shown);
    for (kind, name) in [("service", "/svc/web"), ("client", "/%23/io.l5d.fs/web"), ("router", "")]
    {
        let uri = format!("/stats/history.json?kind={kind}&router=http&name={name}");
        let mut history = admin.json(&uri).await;
        assert!(history["at"].take().is_u64());
        insta::assert_json_snapshot!(format!("history_{kind}"), history);
    }

    let request = || Request::get("/stats/events").header("host", "localhost").body(Body::empty());
    let ask = async || admin.app.clone().oneshot(request().unwrap()).await.unwrap();
    let answer = ask().await;
    assert_eq!(answer.headers()[http::header::CONTENT_TYPE], "text/event-stream");
    let mut streams = [answer.into_body(), ask().await.into_body()];
    requests.add(6);
    for stream in &mut streams {
        let first = frame(stream).await;
        assert!(first.starts_with("event: stats\ndata: {\"now\":"), "{first}");
        assert!(first.ends_with("}\n\n") && !first.contains("\"history\""), "{first}");
    }
    admin.context.load().stats.tick(Duration::from_secs(1));
    admin.context.load().stats.tell(&admin.context.load());
    for stream in &mut streams {
        assert!(frame(stream).await.contains("\"name\":\"/svc/web\",\"rps\":6.0"));
    }
}

async fn frame(body: &mut Body) -> String {
    let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
    String::from_utf8(frame.to_vec()).unwrap()
}
