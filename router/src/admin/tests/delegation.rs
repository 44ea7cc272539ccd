//! `/delegation.json` and `/delegation/events`.

use std::fmt::Write;

use http::header::CONTENT_TYPE;
use tokio::sync::watch;

use super::*;
use crate::config::ClientConfig;

/// Everything is bound to the addresses of a channel.
struct Changing(watch::Receiver<Activity<NameTree<Name>>>);

impl LiveNamer for Changing {
    fn watch(&self, _: &Path) -> Watch<NameTree<Name>> {
        self.0.clone()
    }
}

/// What a port of this machine is bound as.
fn at(port: u16) -> Activity<NameTree<Name>> {
    let addr = Addr::bound([Address::from(SocketAddr::from(([127, 0, 0, 1], port)))]);
    let id = Path::parse("/#/io.l5d.fs/web").unwrap();
    Activity::Ok(NameTree::Leaf(Name::Bound(Bound::new(id, Path::root(), addr))))
}

/// The interpreter of a table whose one namer changes.
fn changing(dtab: &str) -> (watch::Sender<Activity<NameTree<Name>>>, Arc<Interpreter>) {
    let rt = tokio::runtime::Handle::current();
    let (sender, receiver) = watch::channel(at(8081));
    let namer: Arc<dyn LiveNamer> = Arc::new(Changing(receiver));
    let prefix = Path::parse("/#/io.l5d.fs").unwrap();
    let namers = LiveNamers::new(vec![(prefix, namer)], Hosts::system(rt.clone()));
    let base = Dtab::parse(dtab).unwrap();
    (sender, Interpreter::new(base, Arc::new(namers), Vec::new(), rt))
}

struct Events(Body);

impl Events {
    /// The data of the next event.
    async fn next(&mut self) -> Option<Value> {
        loop {
            let frame = self.0.frame().await?.unwrap().into_data().unwrap();
            let text = String::from_utf8(frame.to_vec()).unwrap();
            if let Some(data) = text.strip_prefix("event: delegation\ndata: ") {
                return Some(serde_json::from_str(data).unwrap());
            }
            assert_eq!(text, ": ping\n\n");
        }
    }

    async fn next_summary(&mut self) -> Value {
        self.next().await.unwrap()["summary"].take()
    }
}

impl Admin {
    async fn open(&self, query: &str) -> Response<Body> {
        let request = Request::get(format!("/delegation/events?{query}")).header("host", "[::1]");
        self.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    async fn events(&self, query: &str) -> Events {
        let answer = self.open(query).await;
        assert_eq!(answer.status(), 200, "{query}");
        assert_eq!(answer.headers()[CONTENT_TYPE], "text/event-stream");
        Events(answer.into_body())
    }
}

#[tokio::test]
async fn a_request_is_named_as_the_router_would_and_its_overrides_count() {
    let admin = admin();
    let asked = "/delegation.json?method=POST&url=http://web/a%3Fb%23c&header=l5d-dtab:/svc/web%3D%3E/svc/none\
                 &header=X-A:b%0D%0AX-C:d&dtab=/svc/none%3D%3E/svc/wanted";
    let json = admin.json(asked).await;
    assert_eq!(json["path"], "/svc/web");
    assert_eq!(json["override"], "/svc/web=>/svc/none;/svc/none=>/svc/wanted");
    insta::assert_json_snapshot!(json["request"]);

    let named = async |query: &str| {
        let mut json = admin.json(&format!("/delegation.json?{query}")).await;
        json["request"]["name"].take()
    };
    assert_eq!(named("url=/&header=Host:%20a:80").await, "/svc/a:80");
    assert_eq!(named("url=http://b&header=Host:a").await, "/svc/a");
    assert_eq!(named("url=http://b:1?x").await, "/svc/b:1");
    let without = admin.json("/delegation.json?url=/").await;
    assert_eq!(without["request"]["error"], "Host header is absent");
    assert_eq!((&without["path"], &without["steps"]), (&json!(""), &json!([])));
    assert_eq!(without["state"], "failed");
}

#[tokio::test]
async fn another_table_is_asked_instead_of_the_routers() {
    let admin = admin();
    let form = "path=/svc/web&base=/svc+%3D%3E+/%23/io.l5d.fs/none%3B%0A/svc/web%3D%3E/svc/x";
    let json = admin.json(&format!("/delegation.json?{form}")).await;
    assert_eq!(json["base"], "/svc=>/#/io.l5d.fs/none;/svc/web=>/svc/x");
    assert_eq!(json["state"], "neg");
    assert!(json["steps"].to_string().contains("\"file\":\"table\",\"line\":2"), "{json}");
    let (status, posted) = admin.ask(Request::post("/delegation.json"), form).await;
    assert_eq!((status, serde_json::from_str(&posted).unwrap()), (200, json));
    let own = admin.json("/delegation.json?path=/svc/web&base=+").await;
    assert_eq!((&own["base"], &own["state"]), (&json!("/svc=>/#/io.l5d.fs"), &json!("bound")));
}

#[tokio::test]
async fn what_cannot_be_asked_is_told_in_a_sentence() {
    let admin = admin();
    let mut told = String::new();
    for query in [
        "",
        "path=svc",
        "path=/svc&router=nope",
        "path=/svc&dtab=/a+%3D+/b%3B/c",
        "path=/svc&base=%3Cscript%3E",
        "url=web",
        "url=http://",
        "url=/a%20b",
        "url=/&method=G%20T",
        "url=/&header=Host",
        "url=/&header=H%C3%B6st:a",
        "url=/&header=A:b%00",
        "url=/&header=l5d-dtab:x",
    ] {
        let (status, why) = admin.get(&format!("/delegation.json?{query}")).await;
        let _ = writeln!(told, "?{query}\n{status} {why}");
        let stream = admin.open(query).await;
        assert_eq!(stream.status().as_u16(), status);
        assert_eq!(stream.headers()["x-content-type-options"], "nosniff");
    }
    insta::assert_snapshot!(told);
}

#[tokio::test(start_paused = true)]
async fn events_come_at_once_and_with_every_change() {
    let health = HealthTable::new();
    let client =
        health.client("http", &Path::parse("/#/io.l5d.fs/web").unwrap(), &ClientConfig::default());
    let (sender, interpreter) = changing("/svc => /#/io.l5d.fs");
    let known = health.clone();
    let admin = admin_with(|context| {
        context.routers[0].interpreter = interpreter;
        context.health = known;
    });
    let mut events = admin.events("path=/svc/web").await;
    let first = events.next().await.unwrap();
    assert_eq!(first, admin.json("/delegation.json?path=/svc/web").await);
    assert_eq!(first["clients"]["/#/io.l5d.fs/web"]["addresses"], json!(["127.0.0.1:8081"]));

    sender.send(Activity::Ok(NameTree::Neg)).unwrap();
    let told = events.next_summary().await;
    assert_eq!(told, "/svc/web: became /#/io.l5d.fs/web; io.l5d.fs has nothing named /web");
    // Back again before anybody has looked is no event.
    tokio::time::sleep(Duration::from_millis(100)).await;
    sender.send(at(8082)).unwrap();
    sender.send(at(8081)).unwrap();
    assert_eq!(events.next_summary().await, "bound to /#/io.l5d.fs/web, 1 address");

    let Activity::Ok(NameTree::Leaf(Name::Bound(Bound { addr: Addr::Bound(addresses), .. }))) =
        at(8081)
    else {
        panic!("it is bound");
    };
    let _endpoint = client.endpoint(addresses.endpoints()[0].socket, 2.0);
    client.updated(&addresses, 1);
    let seen = events.next().await.unwrap();
    let endpoint = &seen["clients"]["/#/io.l5d.fs/web"]["endpoints"][0];
    assert_eq!(endpoint["weight"], 2.0, "{seen}");
    assert_eq!(seen["steps"], first["steps"]);
}

#[tokio::test(start_paused = true)]
async fn events_go_on_under_the_next_configuration_and_end_with_the_router() {
    let admin = admin();
    let mut events = admin.events("path=/svc/web").await;
    assert_eq!(events.next_summary().await, "bound to /#/io.l5d.fs/web, 1 address");
    let mut unnamed = admin.events("url=/").await;
    assert_eq!(unnamed.next_summary().await, "no identifier names the request");

    let (_sender, interpreter) = changing("/svc => /$/inet/127.1");
    let reload = |change: &dyn Fn(&mut AdminContext)| {
        let (next, ..) = context(|next| {
            next.routers[0].interpreter = interpreter.clone();
            change(next);
        });
        admin.context.store(next.load_full());
    };
    reload(&|_| {});
    let told = events.next().await.unwrap();
    assert_eq!((&told["state"], &told["base"]), (&json!("failed"), &json!("/svc=>/$/inet/127.1")));
    reload(&|next| {
        let prefix = Path::parse("/svc").unwrap();
        let of = HeaderTokenIdentifier::new(prefix, "X-None").unwrap();
        next.routers[0].identifier = identifier(of);
    });
    let error = unnamed.next().await.unwrap()["request"]["error"].take();
    assert_eq!(error, "X-None header is absent");
    reload(&|next| next.routers[0].label = "other".to_owned());
    assert_eq!(unnamed.next().await.unwrap()["router"], "other");
    let mut of_other = admin.events("router=other&path=/svc/web").await;
    assert!(of_other.next().await.is_some());
    reload(&|_| {});
    assert_eq!(of_other.next().await, None);
}

#[tokio::test]
async fn there_are_only_so_many_streams_and_those_that_are_left_make_room() {
    let admin = admin();
    let mut open = Vec::new();
    for _ in 0..events::MAX_STREAMS {
        open.push(admin.events("path=/svc/web").await);
    }
    assert_eq!(admin.open("path=/svc/web").await.status(), 503);
    open.pop();
    assert_eq!(admin.open("path=/svc/web").await.status(), 200);
}
