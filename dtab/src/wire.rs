//! JSON as Linkerd and namerd have it. The inner types know nothing of it.

mod view;
mod why_not;

use serde_json::{Map, Value, json};

use crate::delegation::{Delegation, Step, Via};
use crate::dentry::Dentry;
use crate::dtab::Dtab;
use crate::name::{Addr, Bound, Failure, FailureKind, MetaValue, Metadata};
use crate::path::Path;
use crate::tree::NameTree;

pub use view::{read_view, view};
pub use why_not::why_not;

/// A table as namerd's API has it: a list of `{"prefix", "dst"}`.
pub fn dtab(dtab: &Dtab) -> Value {
    dtab.iter().map(dentry).collect()
}

/// One entry, `{"prefix": "/svc", "dst": "/host | /other"}`.
pub fn dentry(dentry: &Dentry) -> Value {
    json!({ "prefix": dentry.prefix.to_string(), "dst": dentry.dst.to_string() })
}

/// A name tree: `"neg"`, `"fail"`, `"empty"`, `{"leaf": …}`, `{"alt": […]}`,
/// `{"union": [{"weight", "tree"}…]}`. A weight beyond the doubles is the string `"Infinity"`.
pub fn tree<T>(tree: &NameTree<T>, leaf: &impl Fn(&T) -> Value) -> Value {
    match tree {
        NameTree::Neg => json!("neg"),
        NameTree::Fail => json!("fail"),
        NameTree::Empty => json!("empty"),
        NameTree::Leaf(value) => json!({ "leaf": leaf(value) }),
        NameTree::Alt(trees) => {
            json!({ "alt": trees.iter().map(|t| self::tree(t, leaf)).collect::<Value>() })
        }
        NameTree::Union(branches) => {
            let branches = branches.iter().map(|branch| {
                json!({ "weight": weight(branch.weight), "tree": self::tree(&branch.tree, leaf) })
            });
            json!({ "union": branches.collect::<Value>() })
        }
    }
}

fn weight(weight: f64) -> Value {
    if weight.is_finite() { json!(weight) } else { json!("Infinity") }
}

/// Why a delegation has no JSON form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoTree {
    /// Part of it is not known yet. Linkerd answers 503 after two seconds.
    Pending,
    /// It fails outside any alt or union.
    Failed(Failure),
}

/// The tree of `/delegator.json`.
///
/// Its shape has rules of its own: a hop to the same name and an alt directly within an alt of the
/// same name are left out; an entry `~` is shown as negative though the namers are asked behind it;
/// a name that a namer turns into another is shown as the other; a hop to a constant stays; a
/// failure that Finagle throws (a cycle, a name that cannot be) takes the place of the innermost
/// branch that holds it, with the entry of the choice.
pub fn delegation(node: &Delegation) -> Result<Value, NoTree> {
    match &node.step {
        Step::Delegate(next) => {
            let mut child = delegation(next)?;
            let path = node.path.to_string();
            let is_constant = ["neg", "fail", "empty"].iter().any(|&kind| child["type"] == kind);
            if child["path"] == path.as_str() && !is_constant {
                // The hop to the same name is left out, and with it the entry that it went by.
                return Ok(with_dentry(child.take(), node.dentry.as_ref()));
            }
            Ok(object("delegate", path, node.dentry.as_ref(), [("delegate", child)]))
        }
        Step::Renamed(next) => delegation(next),
        Step::Overlooked(_, answer) if answer.is_too_deep() => delegation(answer),
        Step::Overlooked(via, _) => {
            let neg = object("neg", "~".to_owned(), Some(via), []);
            Ok(object("delegate", shown(node), node.dentry.as_ref(), [("delegate", neg)]))
        }
        Step::Alt(branches) => {
            let mut trees = Vec::with_capacity(branches.len());
            for tree in branches.iter().map(|branch| self::branch(node, branch)) {
                match tree? {
                    Value::Object(mut tree)
                        if tree["type"] == "alt" && tree["path"] == shown(node).as_str() =>
                    {
                        match tree.remove("alt") {
                            Some(Value::Array(nested)) => trees.extend(nested),
                            _ => trees.push(Value::Object(tree)),
                        }
                    }
                    tree => trees.push(tree),
                }
            }
            Ok(object("alt", shown(node), node.dentry.as_ref(), [("alt", Value::Array(trees))]))
        }
        Step::Union(branches) => {
            let trees = branches.iter().map(|(share, branch)| {
                let tree = self::branch(node, branch)?;
                Ok(json!({ "weight": weight(*share), "tree": tree }))
            });
            let trees = trees.collect::<Result<Value, NoTree>>()?;
            Ok(object("union", shown(node), node.dentry.as_ref(), [("union", trees)]))
        }
        Step::Leaf(bound) => {
            let bound = self::bound(node, bound)?;
            Ok(object("leaf", shown(node), node.dentry.as_ref(), [("bound", bound)]))
        }
        Step::Transformed { by, before, after, .. } => {
            let members = [
                ("name", json!(by)),
                ("bound", bound(node, before)?),
                ("tree", delegation(after)?),
            ];
            Ok(object("transformation", shown(node), None, members))
        }
        Step::Neg { written } => {
            let nameless = *written || node.path.is_empty();
            let path = if nameless { "~".to_owned() } else { shown(node) };
            Ok(object("neg", path, node.dentry.as_ref(), []))
        }
        Step::Fail { .. } => {
            // Only `/$/fail` has a name, whoever says that it fails.
            let named = node.path.starts_with(&Path::from_segments(["$", "fail"]));
            let path = if named { shown(node) } else { "!".to_owned() };
            Ok(object("fail", path, node.dentry.as_ref(), []))
        }
        Step::Empty => Ok(object("empty", shown(node), node.dentry.as_ref(), [])),
        Step::Failed(failure) if is_thrown(failure) => Err(NoTree::Failed(failure.clone())),
        Step::Failed(failure) => Ok(exception(node, failure)),
        Step::Pending | Step::Unreached => Err(NoTree::Pending),
    }
}

/// A branch of an alt or union. What it throws becomes an exception in its place.
fn branch(owner: &Delegation, branch: &Delegation) -> Result<Value, NoTree> {
    match delegation(branch) {
        Err(NoTree::Failed(failure)) => Ok(exception(owner, &failure)),
        result => result,
    }
}

/// Whether Finagle throws it rather than answering with it.
fn is_thrown(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::TooDeep | FailureKind::TooManySteps | FailureKind::BadName)
}

fn exception(node: &Delegation, failure: &Failure) -> Value {
    let message = thrown_message(failure);
    object("exception", shown(node), node.dentry.as_ref(), [("message", json!(message))])
}

/// The delegator's words for a failure.
pub fn thrown_message(failure: &Failure) -> &str {
    match failure.kind {
        FailureKind::TooDeep => "Max recursion level reached.",
        _ => &failure.message,
    }
}

fn shown(node: &Delegation) -> String {
    node.path.to_string()
}

fn object<const N: usize>(
    kind: &str,
    path: String,
    via: Option<&Via>,
    members: [(&str, Value); N],
) -> Value {
    let mut object = Map::new();
    object.insert("type".to_owned(), json!(kind));
    object.insert("path".to_owned(), json!(path));
    if let Some(via) = via {
        object.insert("dentry".to_owned(), dentry(via.dentry()));
    }
    for (name, value) in members {
        object.insert(name.to_owned(), value);
    }
    Value::Object(object)
}

fn with_dentry(mut tree: Value, via: Option<&Via>) -> Value {
    if let Value::Object(object) = &mut tree {
        match via {
            Some(via) => object.insert("dentry".to_owned(), dentry(via.dentry())),
            None => object.shift_remove("dentry"),
        };
    }
    tree
}

/// A bound name: `{"addr", "id", "path"}`, the path being the residual. What has no id of its own
/// goes by the name that led to it.
fn bound(node: &Delegation, bound: &Bound) -> Result<Value, NoTree> {
    let Bound { id, residual, addr, .. } = bound;
    let id = if matches!(addr, Addr::Status(_)) { &node.path } else { id };
    let addr = match addr {
        Addr::Pending => return Err(NoTree::Pending),
        addr => self::addr(addr),
    };
    Ok(json!({ "addr": addr, "id": id.to_string(), "path": Path::to_string(residual) }))
}

/// An address: `{"type": "bound", "addrs": [{"ip", "port", "meta"}…], "meta": {}}`,
/// `{"type": "neg"}`, `{"type": "pending"}` or `{"type": "failed", "cause"}`.
pub fn addr(addr: &Addr) -> Value {
    match addr {
        Addr::Pending => json!({ "type": "pending" }),
        Addr::Neg => json!({ "type": "neg" }),
        Addr::Failed(cause) => json!({ "type": "failed", "cause": cause.as_ref() }),
        Addr::Status(_) => json!({ "type": "bound", "addrs": [], "meta": {} }),
        Addr::Bound(set) => {
            let addrs = set.endpoints().iter().map(|address| {
                json!({
                    "ip": address.socket.ip().to_string(),
                    "port": address.socket.port(),
                    "meta": metadata(&address.meta),
                })
            });
            json!({ "type": "bound", "addrs": addrs.collect::<Value>(), "meta": {} })
        }
    }
}

/// An object of words and numbers.
pub fn metadata(metadata: &Metadata) -> Value {
    let members = metadata.iter().map(|(name, value)| {
        let value = match value {
            MetaValue::Text(text) => json!(text),
            MetaValue::Number(number) => json!(number),
        };
        (name.clone(), value)
    });
    Value::Object(members.collect())
}
