//! What cannot be seen from outside for sure: discovery that never answers, and our own mistakes.

use std::io::{BufReader, PipeReader};
use std::sync::Arc;

use dtab::{Activity, Dtab, Name, NameTree, Path};
use router::interpreter::Interpreter;
use router::naming::{Hosts, LiveNamer, LiveNamers, Watch};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::super::wire;
use super::*;

/// A namer that never answers.
struct Silent(watch::Sender<Activity<NameTree<Name>>>);

impl LiveNamer for Silent {
    fn watch(&self, _: &Path) -> Watch<NameTree<Name>> {
        self.0.subscribe()
    }
}

/// Discovery of a [`Silent`] namer.
fn silent(rt: Handle) -> Open {
    Box::new(move |_| {
        let hosts = Hosts::system(rt.clone());
        let silent: Arc<dyn LiveNamer> = Arc::new(Silent(watch::Sender::new(Activity::Pending)));
        let namers = vec![(Path::from_segments(["#", "silent"]), silent)];
        let namers = Arc::new(LiveNamers::new(namers, hosts));
        Ok(Interpreter::new(Dtab::empty(), namers, Vec::new(), rt.clone()))
    })
}

/// A session, and what its client reads.
struct Client {
    session: Session,
    reads: BufReader<PipeReader>,
    rt: Runtime,
}

impl Client {
    fn new(open: impl FnOnce(Handle) -> Open) -> Self {
        let rt = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_stack_size(dtab::STACK)
            .enable_all()
            .build()
            .expect("a runtime");
        let (reads, writes) = std::io::pipe().expect("a pipe");
        let sources = Sources { disco: Some("disco".into()), ..Sources::default() };
        let open = open(rt.handle().clone());
        let mut session =
            Session::new(wire::Client::new(writes), sources, open, rt.handle().clone());
        // What is given up is given up by somebody, not by time.
        session.patience = Duration::from_hours(1);
        Client { session, reads: BufReader::new(reads), rt }
    }

    fn send(&mut self, message: Value) {
        let message = serde_json::from_value(message).expect("a message");
        assert_eq!(self.session.take(Incoming::Message(message)), Next::Message);
    }

    fn read(&mut self) -> Value {
        match wire::read(&mut self.reads) {
            Ok(Some(Incoming::Message(message))) => {
                serde_json::to_value(message).expect("a message")
            }
            other => panic!("{other:?}"),
        }
    }
}

fn open_text() -> Value {
    let text = "/svc => /#/silent ;\n";
    let item = json!({ "uri": "file:///t.dtab", "languageId": "dtab", "version": 1, "text": text });
    json!({ "method": "textDocument/didOpen", "params": { "textDocument": item } })
}

fn types(version: i32, text: &str) -> Value {
    let document = json!({ "uri": "file:///t.dtab", "version": version });
    let params = json!({ "textDocument": document, "contentChanges": [{ "text": text }] });
    json!({ "method": "textDocument/didChange", "params": params })
}

fn asks(id: i32, method: &str) -> Value {
    let place = json!({ "line": 0, "character": 1 });
    let document = json!({ "uri": "file:///t.dtab" });
    json!({ "id": id, "method": method, "params": { "textDocument": document, "position": place } })
}

#[test]
fn typing_goes_on_while_discovery_is_silent_and_a_question_can_be_taken_back() {
    let mut client = Client::new(silent);
    client.send(json!({ "id": 1, "method": "initialize", "params": { "capabilities": {} } }));
    assert_eq!(client.read()["id"], 1);
    client.send(open_text());
    assert_eq!(client.read()["params"]["version"], 1);

    client.send(asks(2, "textDocument/hover"));
    client.send(types(2, "/svc = /#/silent ;\n"));
    client.session.settle();
    let told = client.read();
    assert_eq!((&told["params"]["version"], told["id"].is_null()), (&2.into(), true), "{told}");
    client.send(asks(3, "textDocument/prepareRename"));
    assert_eq!(client.read()["id"], 3, "what needs no discovery is answered");

    client.send(json!({ "method": "$/cancelRequest", "params": { "id": 2 } }));
    let answer = client.read();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&2.into(), &(-32800).into()));

    // With too many questions the oldest are given up, and no more are kept.
    for id in (100..).take(MOST_WAITING + 1) {
        client.send(asks(id, "textDocument/hover"));
    }
    let answer = client.read();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&100.into(), &(-32800).into()));
    assert_eq!(client.session.waiting.len(), MOST_WAITING);
    client.rt.shutdown_background();
}

#[test]
fn who_types_fast_is_told_of_the_last_letter_and_asks_of_it() {
    let mut client = Client::new(silent);
    client.send(json!({ "id": 1, "method": "initialize", "params": { "capabilities": {} } }));
    client.read();
    client.send(open_text());
    client.read();
    client.send(types(2, "/s"));
    client.send(types(3, "/sv"));
    client.send(types(4, "/svc => /#/b ;"));
    client.send(asks(2, "textDocument/prepareRename"));
    let told = client.read();
    assert_eq!(
        (&told["params"]["version"], &told["params"]["diagnostics"]),
        (&4.into(), &json!([]))
    );
    assert_eq!(client.read()["result"]["placeholder"], "/svc");
}

#[test]
fn a_mistake_of_ours_is_an_answer_and_not_the_end() {
    let mut client = Client::new(|_| Box::new(|_| panic!("on purpose")));
    client.send(json!({ "id": 1, "method": "initialize", "params": { "capabilities": {} } }));
    let answer = client.read();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&1.into(), &(-32603).into()));
    client.send(open_text());
    assert_eq!(client.read()["params"]["diagnostics"], json!([]));
}
