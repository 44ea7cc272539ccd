//! `bind`: what a name is bound to, and how a client's requests spread over that.

use std::path::Path as Folder;

use dtab::view::{ViewBound, ViewKind, ViewNode, spread, view};
use dtab::why_not::Destination;
use dtab::{Activity, Addr, Bound, Explore, NameTree, Path, wire};
use serde_json::{Value, json};
use tests::conformance::Case;

use crate::trees::{show_bound, show_eval, show_id};
use crate::vectors::error;

pub(crate) fn answer(folder: &Folder, vector: &Value) -> Value {
    let case = match Case::read(folder, vector) {
        Ok(case) => case,
        Err(failure) => return error(failure),
    };
    // What is shown to people walks every branch; it must come to the same.
    let (bound, shown) = (case.resolve(Explore::Needed).bind(), case.resolve(Explore::All));
    assert_eq!(bound, shown.bind(), "walking every branch comes to something else");
    if let Activity::Ok(tree) = &bound {
        let mut view = shown_client(&view(&shown));
        if view.is_empty() {
            view.push(outcome(None, 1.0)); // negative or failing: nobody to answer
        }
        assert_eq!(client(tree), Value::Array(view), "the view shows other shares");
    }
    ask_why_not(&case, &bound);
    match bound {
        Activity::Pending => json!({ "state": "pending" }),
        Activity::Failed(failure) => json!({ "state": "failed", "error": failure.to_string() }),
        Activity::Ok(tree) => json!({
            "state": "ok",
            "tree": wire::tree(&tree, &show_bound),
            "eval": show_eval(&tree, show_id),
            "client": client(&tree),
        }),
    }
}

/// Every name that has a share is reached with it, and whatever else is asked for is answered.
fn ask_why_not(case: &Case, bound: &Activity<NameTree<Bound>>) {
    let tree = match bound {
        Activity::Ok(tree) => tree,
        Activity::Pending | Activity::Failed(_) => &NameTree::Neg,
    };
    let spread = spread(tree);
    for (leaf, _) in &spread {
        let Some(leaf) = leaf else { continue };
        if !matches!(&leaf.addr, Addr::Bound(set) if !set.endpoints().is_empty()) {
            continue;
        }
        // Shares of names that begin with this one are its, too.
        let own = spread.iter().filter(|(other, _)| other.is_some_and(|it| it.id == leaf.id));
        let own: f64 = own.map(|(_, share)| share).sum();
        let why = case.why_not(&Destination::Name(leaf.id.clone()));
        assert!(why.probability > own - 1e-9, "{own} of {}: {why:?}", leaf.id);
        assert_eq!(why.reaches, why.probability > 0.0);
    }
    for destination in ["/#/mem/a", "/#/mem/zz", "/#/fs/web", "/$/inet/127.1/1", "127.0.0.1:1"] {
        let why = case.why_not(&destination.parse().expect("a destination"));
        assert_eq!(why.reaches, why.reasons.is_empty(), "{why:?}");
    }
}

/// The outcomes in tree order, each with its probability.
fn client(tree: &NameTree<Bound>) -> Value {
    spread(tree)
        .into_iter()
        .map(|(bound, share)| outcome(bound.map(|bound| (show_id(bound), &bound.residual)), share))
        .collect()
}

/// The same as people are shown it: the leaves that requests are sent to.
fn shown_client(node: &ViewNode) -> Vec<Value> {
    match (node.kind, &node.bound) {
        _ if !node.taken => Vec::new(),
        (ViewKind::Leaf, Some(ViewBound { id, residual, addr })) => {
            let bound = Bound::new(id.clone(), residual.clone(), addr.clone());
            vec![outcome(Some((show_id(&bound), residual)), node.probability)]
        }
        (ViewKind::Empty, _) => vec![outcome(None, node.probability)],
        _ => node.children.iter().flat_map(shown_client).collect(),
    }
}

fn outcome(bound: Option<(String, &Path)>, share: f64) -> Value {
    let mut outcome = match &bound {
        Some((id, _)) => json!({ "id": id }),
        None => json!({ "outcome": "no_brokers" }),
    };
    if let Some((_, residual)) = bound
        && !residual.is_empty()
    {
        outcome["residual"] = json!(residual.to_string());
    }
    outcome["p"] = json!((share * 1e9).round() / 1e9);
    outcome
}
