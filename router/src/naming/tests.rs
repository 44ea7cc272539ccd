use std::collections::HashMap;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dtab::{
    Activity, Addr, Address, Bound, Dtab, Explore, Failure, FailureKind, Name, NameTree, Namers,
    Outcome, Path, Resolver, Transformer,
};
use proptest::prelude::*;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::*;
use crate::interpreter::Interpreter;
use crate::transformer;

const SEEN: Duration = Duration::from_secs(20);

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

/// A namer whose answers the test sets. It knows the names under `/#/t`.
#[derive(Default)]
struct Scripted {
    names: Mutex<HashMap<Path, watch::Sender<Activity<NameTree<Name>>>>>,
}

impl Scripted {
    fn set(&self, name: &str, state: Activity<NameTree<Name>>) {
        let mut names = self.names.lock().unwrap();
        names
            .entry(path(name))
            .or_insert_with(|| watch::channel(state.clone()).0)
            .send_replace(state);
    }

    fn bind(&self, name: &str, port: u16) {
        self.set(name, leaf(name, port));
    }

    fn watched(&self) -> usize {
        self.names.lock().unwrap().values().map(watch::Sender::receiver_count).sum()
    }
}

impl LiveNamer for Scripted {
    fn watch(&self, path: &Path) -> Watch<NameTree<Name>> {
        assert!(!path.to_string().contains("panic"), "told to");
        let mut names = self.names.lock().unwrap();
        let neg = || watch::channel(Activity::Ok(NameTree::Neg)).0;
        names.entry(path.clone()).or_insert_with(neg).subscribe()
    }
}

fn leaf(id: &str, port: u16) -> Activity<NameTree<Name>> {
    let address = Address::from(std::net::SocketAddr::from(([127, 0, 0, 1], port)));
    let bound = Bound::new(path(id), Path::root(), Addr::bound([address]));
    Activity::Ok(NameTree::Leaf(Name::Bound(bound)))
}

fn failed(why: &str) -> Activity<NameTree<Name>> {
    Activity::Failed(Failure::new(FailureKind::Namer, why))
}

/// Hosts by a table that the test may change; `error` cannot be looked up.
#[derive(Default)]
struct Table(Mutex<HashMap<String, IpAddr>>);

impl HostLookup for Table {
    fn look_up(
        self: Arc<Self>,
        name: Arc<str>,
    ) -> Pin<Box<dyn Future<Output = Result<Looked, String>> + Send>> {
        Box::pin(async move {
            assert!(!name.contains("panic"), "told to");
            if &*name == "never" {
                std::future::pending::<()>().await;
            }
            let addresses = self.0.lock().unwrap().get(&*name).copied();
            match addresses {
                None if &*name == "error" => Err("no route".to_owned()),
                address => Ok(Looked {
                    addresses: address.into_iter().collect(),
                    ttl: Some(Duration::ZERO),
                }),
            }
        })
    }
}

fn interpreter(
    dtab: &str,
    namer: &Arc<Scripted>,
    transformers: Vec<Transformer>,
) -> Arc<Interpreter> {
    let hosts = Hosts::with_source(Arc::new(Table::default()), Handle::current());
    let namers = LiveNamers::new(vec![(path("/#/t"), namer.clone() as _)], hosts);
    let base = Dtab::parse(dtab).unwrap();
    Interpreter::new(base, Arc::new(namers), transformers, Handle::current())
}

async fn becomes(handle: &mut BindingHandle, what: &str, test: impl Fn(&Binding) -> bool) {
    let seen =
        tokio::time::timeout(SEEN, handle.rx.wait_for(|binding| test(binding))).await.is_ok();
    assert!(seen, "wanted {what}, has {:?}", handle.rx.borrow().tree);
}

fn ids(binding: &Binding) -> String {
    match &binding.tree {
        Activity::Ok(tree) => {
            let mut ids = Vec::new();
            tree.for_each_leaf(&mut |bound| ids.push(bound.id.to_string()));
            ids.join(" ")
        }
        other => format!("{other:?}"),
    }
}

fn sets(binding: &Binding) -> Vec<Arc<dtab::AddrSet>> {
    let mut sets = Vec::new();
    if let Activity::Ok(tree) = &binding.tree {
        tree.for_each_leaf(&mut |bound| {
            if let Addr::Bound(set) = &bound.addr {
                sets.push(set.clone());
            }
        });
    }
    sets
}

#[tokio::test]
async fn a_binding_follows_what_it_was_made_from() {
    let namer = Arc::new(Scripted::default());
    let interpreter = interpreter("/svc => /#/t/old | /#/t/new", &namer, vec![]);
    let mut web = interpreter.bind(&Dtab::empty(), &path("/svc/web"));
    becomes(&mut web, "neg", |b| b.tree == Activity::Ok(Arc::new(NameTree::Neg))).await;
    namer.bind("/#/t/new/web", 1);
    becomes(&mut web, "new", |b| ids(b) == "/#/t/new/web").await;
    namer.bind("/#/t/old/web", 2);
    becomes(&mut web, "old", |b| ids(b) == "/#/t/old/web").await;
    // What the decision no longer hangs on is no longer watched.
    assert_eq!(namer.watched(), 1);
    namer.set("/#/t/old/web", Activity::Ok(NameTree::Neg));
    becomes(&mut web, "new", |b| ids(b) == "/#/t/new/web").await;
}

#[tokio::test]
async fn the_last_good_tree_is_kept_while_nothing_better_is_known() {
    let namer = Arc::new(Scripted::default());
    let interpreter = interpreter("/svc => /#/t", &namer, vec![]);
    namer.set("/#/t/web", failed("down"));
    let mut web = interpreter.bind(&Dtab::empty(), &path("/svc/web"));
    becomes(&mut web, "failed", |b| matches!(b.tree, Activity::Failed(_))).await;
    assert_eq!(web.current().stale, None);
    namer.bind("/#/t/web", 1);
    becomes(&mut web, "web", |b| ids(b) == "/#/t/web").await;
    for (state, why) in [(failed("down"), "down"), (Activity::Pending, "awaited")] {
        namer.set("/#/t/web", state);
        let stale =
            |b: &Binding| b.stale.as_ref().is_some_and(|failure| failure.message.contains(why));
        becomes(&mut web, "stale", stale).await;
        assert_eq!(ids(&web.current()), "/#/t/web");
        assert_ne!(web.current().delegation.outcome, Outcome::Found);
        namer.bind("/#/t/web", 1);
        becomes(&mut web, "fresh", |b| b.stale.is_none()).await;
    }
}

#[tokio::test]
async fn an_address_set_that_did_not_change_stays_the_same_one() {
    let namer = Arc::new(Scripted::default());
    let port = transformer::port::transformer(None, 4141);
    let dtab = "/svc => /$/inet/127.1/80 & /#/t/a & /#/t/b";
    let interpreter = interpreter(dtab, &namer, vec![port]);
    namer.bind("/#/t/a/web", 1);
    let mut web = interpreter.bind(&Dtab::empty(), &path("/svc/web"));
    becomes(&mut web, "two", |b| sets(b).len() == 2).await;
    let before = sets(&web.current());
    namer.bind("/#/t/b/web", 2);
    becomes(&mut web, "three", |b| sets(b).len() == 3).await;
    let after = sets(&web.current());
    assert!(Arc::ptr_eq(&before[0], &after[0]) && Arc::ptr_eq(&before[1], &after[1]));
    assert!(web.current().version > 1);
}

#[tokio::test]
async fn the_first_answers_are_waited_for_but_not_for_ever() {
    let namer = Arc::new(Scripted::default());
    let interpreter = interpreter("/svc => /#/t/none & /#/t/slow", &namer, vec![]);
    namer.set("/#/t/slow/web", Activity::Pending);
    let mut web = interpreter.bind(&Dtab::empty(), &path("/svc/web"));
    while namer.watched() < 2 {
        tokio::task::yield_now().await;
    }
    namer.bind("/#/t/slow/web", 1);
    assert_eq!(ids(&*web.settled(SEEN).await), "/#/t/slow/web");

    namer.set("/#/t/slow/never", Activity::Pending);
    let mut never = interpreter.bind(&Dtab::empty(), &path("/svc/never"));
    assert_eq!(never.settled(SEEN).await.tree, Activity::Ok(Arc::new(NameTree::Neg)));
}

#[tokio::test]
async fn versions_tell_which_of_two_bindings_is_newer_whatever_their_names() {
    let namer = Arc::new(Scripted::default());
    let interpreter = interpreter("/svc/a => /#/t/web; /svc/b => /#/t/web", &namer, vec![]);
    let mut often = interpreter.bind(&Dtab::empty(), &path("/svc/a"));
    for port in 1..9 {
        namer.bind("/#/t/web", port);
        let bound = leaf("/#/t/web", port);
        let bound = |b: &Binding| match (&bound, &*sets(b)) {
            (Activity::Ok(NameTree::Leaf(Name::Bound(bound))), [set]) => {
                bound.addr == Addr::Bound(set.clone())
            }
            _ => false,
        };
        becomes(&mut often, "bound", bound).await;
    }
    let mut late = interpreter.bind(&Dtab::empty(), &path("/svc/b"));
    becomes(&mut late, "web", |b| ids(b) == "/#/t/web").await;
    assert!(late.current().version > often.current().version);
}

#[tokio::test]
async fn the_same_name_has_one_driver_and_another_override_has_its_own() {
    let namer = Arc::new(Scripted::default());
    let interpreter = interpreter("/svc => /#/t", &namer, vec![]);
    let web = path("/svc/web");
    let local = |text: &str| Dtab::parse(text).unwrap();
    let handles = [
        interpreter.bind(&Dtab::empty(), &web),
        interpreter.bind(&Dtab::empty(), &web),
        // Alike as they are shown, but not the same.
        interpreter.bind(&local("/svc => 0.001*/#/t/a & /#/t/b"), &web),
        interpreter.bind(&local("/svc => 0.002*/#/t/a & /#/t/b"), &web),
    ];
    assert_eq!(interpreter.bindings(), 3);
    drop(handles);
    assert_eq!(interpreter.bindings(), 0);
}

#[tokio::test]
async fn nothing_is_left_of_ten_thousand_bindings() {
    let namer = Arc::new(Scripted::default());
    let interpreter = interpreter("/svc => /#/t ; /host => /$/inet", &namer, vec![]);
    for round in 0..100 {
        let handles: Vec<_> = (0..100)
            .map(|at| match at % 10 {
                0 => interpreter.bind(&Dtab::empty(), &path(&format!("/host/h{round}x{at}/80"))),
                _ => interpreter.bind(&Dtab::empty(), &path(&format!("/svc/{round}/{at}"))),
            })
            .collect();
        for mut handle in handles {
            assert_ne!(handle.settled(SEEN).await.tree, Activity::Pending);
        }
    }
    assert_eq!(interpreter.bindings(), 0);
    let hosts = interpreter.namers().hosts();
    until(|| namer.watched() == 0 && hosts.is_idle()).await;
}

#[tokio::test]
async fn a_namer_that_panics_fails_its_own_names_only() {
    let namer = Arc::new(Scripted::default());
    let interpreter = interpreter("/svc => /#/t", &namer, vec![]);
    namer.bind("/#/t/web", 1);
    let mut bad = interpreter.bind(&Dtab::empty(), &path("/svc/panic"));
    let mut web = interpreter.bind(&Dtab::empty(), &path("/svc/web"));
    becomes(&mut web, "web", |b| ids(b) == "/#/t/web").await;
    becomes(&mut bad, "failed", |b| ids(b).contains("told to")).await;
}

#[tokio::test]
async fn the_delegator_shows_all_branches_and_waits_no_longer_than_it_is_told() {
    let namer = Arc::new(Scripted::default());
    let interpreter = interpreter("/svc => /#/t/a | /#/t/b", &namer, vec![]);
    namer.bind("/#/t/a/web", 1);
    namer.set("/#/t/b/web", Activity::Pending);
    let (none, web) = (Dtab::empty(), path("/svc/web"));
    let base = interpreter.base();
    let shown = interpreter.delegate(base, &none, &web, Duration::from_millis(1)).await;
    assert_eq!(shown.children()[0].children()[1].outcome, Outcome::Pending);
    let late = async {
        tokio::task::yield_now().await;
        namer.bind("/#/t/b/web", 2);
    };
    let (shown, ()) = tokio::join!(interpreter.delegate(base, &none, &web, SEEN), late);
    assert_eq!(shown.children()[0].children()[1].outcome, Outcome::Found);
}

#[tokio::test]
async fn a_namers_own_transformers_apply_to_all_that_it_answers() {
    let namer = Arc::new(Scripted::default());
    namer.bind("/#/t/web", 1);
    let bound = async |by: Transformer, name: &str| {
        let hosts = Hosts::with_source(Arc::new(Table::default()), Handle::current());
        let transformed = crate::namer::transformed(namer.clone(), vec![by]);
        let namers = LiveNamers::new(vec![(path("/#/t"), transformed)], hosts);
        let interpreter =
            Interpreter::new(Dtab::empty(), Arc::new(namers), vec![], Handle::current());
        let mut handle = interpreter.bind(&Dtab::empty(), &path(name));
        ids(&*handle.settled(SEEN).await)
    };
    let port = transformer::port::transformer(None, 9);
    assert_eq!(bound(port, "/#/t/web").await, "/%/io.l5d.port/9/#/t/web");
    let other = || path("/$/inet/127.1/9");
    let replace = transformer::replace::transformer(None, other());
    assert_eq!(bound(replace.clone(), "/#/t/web").await, "/%/io.l5d.replace/$/inet/127.1/9");
    assert_eq!(bound(replace, "/#/t/none").await, "");
    let const_ = transformer::const_::transformer(Some(path("/%/c")), other());
    assert_eq!(bound(const_, "/#/t/none").await, "/%/c/$/inet/127.1/9");
    let itself = transformer::replace::transformer(None, path("/#/t/web"));
    assert!(bound(itself, "/#/t/web").await.contains("leads to itself"));
}

#[tokio::test(start_paused = true)]
async fn host_names_are_looked_up_again_and_errors_keep_the_last_answer() {
    let table = Arc::new(Table::default());
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    let put = |name: &str, address: &str| {
        table.0.lock().unwrap().insert(name.to_owned(), ip(address));
    };
    let hosts = Hosts::with_source(table.clone(), Handle::current());
    put("error", "10.0.0.1");
    let mut error = hosts.watch("error");
    let is = |address: &'static str| {
        move |state: &Activity<Option<Vec<IpAddr>>>| *state == Activity::Ok(Some(vec![ip(address)]))
    };
    error.wait_for(is("10.0.0.1")).await.unwrap();
    put("error", "10.0.0.2");
    error.wait_for(is("10.0.0.2")).await.unwrap();
    table.0.lock().unwrap().clear();
    until(|| hosts.watches()[0].error.is_some()).await;
    let shown = hosts.watches()[0].to_json();
    assert_eq!((&shown["state"], &shown["version"]), (&"ok".into(), &2.into()));
    assert!(shown["age"].as_f64().is_some_and(|age| age >= 0.0), "{shown}");
    assert!(is("10.0.0.2")(&error.borrow()));
    put("error", "10.0.0.3");
    error.wait_for(is("10.0.0.3")).await.unwrap();
    // Never known, one way or another: unknown, and not for ever pending.
    for name in ["none", "panic", "never", "", &"x".repeat(300)] {
        let mut watch = hosts.watch(name);
        let known = watch.wait_for(|state| *state != Activity::Pending);
        let known = tokio::time::timeout(Duration::from_secs(5), known).await;
        assert_eq!(*known.unwrap().unwrap(), Activity::Ok(None), "{name}");
    }
}

/// Waits for what cannot be watched.
async fn until(condition: impl Fn() -> bool) {
    let met = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(SEEN, met).await.unwrap();
}

/// What the scripted namer would answer, as a snapshot.
struct Fixed<'a>(&'a Scripted);

impl Namers for Fixed<'_> {
    fn lookup(&self, path: &Path) -> Activity<NameTree<Name>> {
        let names = self.0.names.lock().unwrap();
        names.get(path).map_or(Activity::Ok(NameTree::Neg), |state| state.borrow().clone())
    }

    fn host(&self, _: &str) -> Activity<Option<Vec<IpAddr>>> {
        Activity::Ok(None)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// After any changes, a binding is what the evaluator makes of the final state.
    #[test]
    fn a_binding_ends_up_as_the_evaluators_answer(
        dtab in prop::sample::select(vec![
            "/svc => /#/t/a | /#/t/b | /#/t/c",
            "/svc => /#/t/a & 0.5*/#/t/b & (/#/t/c | /#/t/a)",
            "/x => /#/t/c ; /svc => /#/t/a | /x & /#/t/b",
        ]),
        changes in prop::collection::vec((0..3_usize, 0..6_u16, any::<bool>()), 0..30),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let namer = Arc::new(Scripted::default());
            let interpreter = interpreter(dtab, &namer, vec![]);
            let mut handle = interpreter.bind(&Dtab::empty(), &path("/svc"));
            for (at, state, pause) in changes {
                let name = ["/#/t/a", "/#/t/b", "/#/t/c"][at];
                match state {
                    0 => namer.set(name, Activity::Ok(NameTree::Neg)),
                    1 => namer.set(name, failed("down")),
                    2 => namer.set(name, Activity::Ok(NameTree::Leaf(Name::Path(path("/x"))))),
                    port => namer.bind(name, port),
                }
                if pause {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            let none = Dtab::empty();
            let base = interpreter.base();
            let resolver =
                Resolver { base, local: &none, namers: &Fixed(&namer), transformers: &[] };
            let wanted = resolver.resolve(&path("/svc"), Explore::Needed);
            becomes(&mut handle, "the evaluator's", |b| *b.delegation == wanted).await;
            let binding = handle.current();
            match (wanted.bind(), &binding.stale) {
                (Activity::Ok(tree), None) => {
                    assert_eq!(binding.tree, Activity::Ok(Arc::new(tree)));
                }
                (Activity::Failed(failure), Some(stale)) => {
                    assert_eq!(failure, *stale);
                    assert!(matches!(binding.tree, Activity::Ok(_)));
                }
                (Activity::Failed(failure), None) => {
                    assert_eq!(binding.tree, Activity::Failed(failure));
                }
                other => panic!("{other:?}"),
            }
        });
    }
}
