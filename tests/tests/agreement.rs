//! What is shown to people is what happens to requests: on every name of the `bind` vectors, the
//! delegation's own projection, the tree of `/delegator.json` and the page that people see come to
//! the same.
//!
//! The delegator differs in two ways, both documented with `dtab::wire::delegation`:
//! - It shows a lone matching entry `~` as negative, though it is as good as no entry. What it
//!   shows is then what the table with that entry written twice is bound to.
//! - It tells nothing until every branch is known, reached or not.

#[path = "agreement/page.rs"]
mod page;
#[path = "agreement/verdict.rs"]
mod verdict;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path as Folder, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwap;
use delegator_ui::web;
use dtab::wire::{self, NoTree};
use dtab::{Activity, Addr, Delegation, Dtab, Explore, NameTree, Step};
use router::admin::{AdminContext, AdminRouter, Reload, Unserved, serve_unserved};
use router::config;
use serde_json::Value;
use tests::conformance::Case;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use crate::page::Page;
use crate::verdict::Verdict;

/// By then every name is bound, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn the_delegator_shows_what_names_are_bound_to() {
    let cases = cases();
    let mut exceptions = 0;
    for (id, case) in &cases {
        let delegation = case.resolve(Explore::All);
        let bound = Verdict::of_binding(&delegation.bind());
        let shown = of_delegator(&delegation);
        if shown == bound {
            continue;
        }
        exceptions += 1;
        if shown == Verdict::Pending {
            assert!(waits(&delegation), "{id}: the delegator waits for nothing");
            continue;
        }
        let twice = Case {
            base: with_negs_twice(&case.base),
            local: with_negs_twice(&case.local),
            ..case.clone()
        };
        let expected = Verdict::of_binding(&twice.resolve(Explore::Needed).bind());
        assert_eq!(shown, expected, "{id}: shown, and bound to {bound:?}");
    }
    assert!(exceptions <= cases.len() / 10, "{exceptions} of {} differ", cases.len());
}

#[test]
fn what_is_walked_only_as_far_as_needed_is_bound_alike() {
    for (id, case) in cases() {
        let [needed, all] = [Explore::Needed, Explore::All]
            .map(|explore| Verdict::of_binding(&case.resolve(explore).bind()));
        assert_eq!(needed, all, "{id}");
    }
}

#[test]
fn the_data_path_binds_what_is_shown() {
    let runtime = Runtime::new().expect("a runtime");
    for (id, case) in cases() {
        let shown = Verdict::of_binding(&case.resolve(Explore::All).bind());
        let mut binding = case.interpreter(runtime.handle().clone()).bind(&case.local, &case.path);
        let bound = runtime.block_on(async {
            // Version 0 is "not resolved yet", which a name that is pending would look like, too.
            let first = binding.rx.wait_for(|binding| binding.version > 0);
            let first = tokio::time::timeout(PATIENCE, first).await.expect("a binding in time");
            first.expect("a driver").clone()
        });
        assert_eq!(bound.stale, None, "{id}");
        let chosen = match &bound.tree {
            Activity::Ok(tree) => Verdict::of_client(tree),
            Activity::Pending => Verdict::Pending,
            Activity::Failed(_) => Verdict::Failed,
        };
        assert_eq!(chosen, shown, "{id}");
    }
}

#[test]
fn the_page_shows_what_names_are_bound_to() {
    /// Names that are pending are waited for; so many are asked for at a time.
    const AT_ONCE: usize = 16;
    let runtime = Builder::new_multi_thread().thread_stack_size(dtab::STACK).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let cases = cases();
    let admin = serve(&runtime, &cases);
    let next = AtomicUsize::new(0);
    let ask = || {
        let mut wrong = Vec::new();
        loop {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            let Some((id, case)) = cases.get(nth) else { return wrong };
            let bound = Verdict::of_binding(&case.resolve(Explore::Needed).bind());
            let [path, local] = [case.path.to_string(), case.local.to_string()];
            let page = Page::ask(admin, &format!("r{nth}"), &path, &local);
            let judged = page.and_then(|page| page.agrees(&bound));
            wrong.extend(judged.err().map(|why| format!("{id}: {why}")));
        }
    };
    let wrong: Vec<_> = thread::scope(|scope| {
        let askers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(ask)).collect();
        askers.into_iter().flat_map(|asker| asker.join().expect("no panic")).collect()
    });
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
}

/// An admin server with a router for each case, which has its table, namers and transformers.
fn serve(runtime: &Runtime, cases: &[(String, Case)]) -> SocketAddr {
    let text = "routers: [{protocol: http, servers: [{port: 1}]}]";
    let config = config::parse("linkerd.yaml", text).expect("a configuration");
    // Nobody asks it to stop.
    let unserved = Unserved::new(mpsc::channel(1).0, None, Reload::default());
    let mut context: AdminContext = unserved.context(&config, runtime.handle()).expect("a context");
    let identifier = context.routers[0].identifier.clone();
    let router = |(nth, (_, case)): (usize, &(String, Case))| AdminRouter {
        version: http::Version::HTTP_11,
        label: format!("r{nth}"),
        identifier: identifier.clone(),
        interpreter: case.interpreter(runtime.handle().clone()),
    };
    context.routers = cases.iter().enumerate().map(router).collect();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    runtime.spawn(serve_unserved(
        listener,
        Arc::new(ArcSwap::from_pointee(context)),
        web::served(),
    ));
    address
}

/// The `bind` vectors, each with its id.
fn cases() -> Vec<(String, Case)> {
    let folder = std::env::var_os("CONFORMANCE_DIR").map(PathBuf::from);
    let ours = || Folder::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/conformance");
    let folder = folder.filter(|given| given.join("bind.jsonl").exists()).unwrap_or_else(ours);
    let vectors = fs::read_to_string(folder.join("bind.jsonl")).expect("the bind vectors");
    let case = |line: &str| {
        let vector: Value = serde_json::from_str(line).expect("a vector");
        let id = vector["id"].as_str().expect("an id").to_owned();
        Some((id, Case::read(&folder, &vector).ok()?))
    };
    let cases: Vec<_> = vectors.lines().filter_map(case).collect();
    assert!(!cases.is_empty(), "no bind vectors");
    cases
}

/// What a reader of `/delegator.json` takes the tree for.
fn of_delegator(delegation: &Delegation) -> Verdict {
    match wire::delegation(delegation) {
        Ok(tree) => Verdict::of_delegator(&tree),
        Err(NoTree::Pending) => Verdict::Pending,
        Err(NoTree::Failed(_)) => Verdict::Failed,
    }
}

/// Whether anything in it, reached or not, is yet to be known.
fn waits(node: &Delegation) -> bool {
    let here = match &node.step {
        Step::Pending => true,
        Step::Leaf(bound) => bound.addr == Addr::Pending,
        Step::Transformed { before, .. } => before.addr == Addr::Pending,
        _ => false,
    };
    here || node.children().into_iter().any(waits)
}

/// The table with every entry `~` followed by itself.
fn with_negs_twice(dtab: &Dtab) -> Dtab {
    let times = |dst: &NameTree<_>| if *dst == NameTree::Neg { 2 } else { 1 };
    dtab.iter().flat_map(|dentry| std::iter::repeat_n(dentry.clone(), times(&dentry.dst))).collect()
}
