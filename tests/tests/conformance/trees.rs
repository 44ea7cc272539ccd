//! Trees, paths and bound names as vectors write them.

use dtab::{Addr, Address, Bound, Dtab, NameTree, Path, Weighted, wire};
use serde_json::{Value, json};

use crate::vectors::text;

/// A tree of paths.
pub(crate) fn show_tree(tree: &NameTree<Path>) -> Value {
    wire::tree(tree, &|leaf| json!(leaf.to_string()))
}

/// Reads a tree of paths.
pub(crate) fn to_tree(value: &Value) -> NameTree<Path> {
    match value.as_str() {
        Some("neg") => return NameTree::Neg,
        Some("fail") => return NameTree::Fail,
        Some("empty") => return NameTree::Empty,
        Some(other) => panic!("no tree {other:?}"),
        None => {}
    }
    if let Some(leaf) = value.get("leaf") {
        return NameTree::Leaf(Path::parse(text(leaf)).expect("a path"));
    }
    if let Some(trees) = value.get("alt") {
        return NameTree::Alt(trees.as_array().expect("trees").iter().map(to_tree).collect());
    }
    let branches = value["union"].as_array().expect("branches").iter();
    let branch = |branch: &Value| Weighted {
        weight: match &branch["weight"] {
            Value::String(word) => word.parse().expect("a weight"),
            number => number.as_f64().expect("a weight"),
        },
        tree: to_tree(&branch["tree"]),
    };
    NameTree::Union(branches.map(branch).collect())
}

/// Elements, each as `{"hex", "utf8"?}`; the second is left out where the bytes are not text.
pub(crate) fn show_element(element: &[u8]) -> Value {
    let digits = element.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let hex: String = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
    match std::str::from_utf8(element) {
        Ok(text) => json!({ "hex": hex, "utf8": text }),
        Err(_) => json!({ "hex": hex }),
    }
}

/// A path with its elements.
pub(crate) fn show_path(path: &Path) -> Value {
    let elements: Value = path.iter().map(show_element).collect();
    json!({ "elems": elements, "show": path.to_string() })
}

/// A table with its entries.
pub(crate) fn show_dtab(dtab: &Dtab) -> Value {
    let entries: Value = dtab
        .iter()
        .map(|dentry| json!([dentry.prefix.to_string(), dentry.dst.to_string()]))
        .collect();
    json!({ "entries": entries, "show": dtab.to_string() })
}

/// The id of a bound name. A status has none: the reference answers it with an in-process service.
pub(crate) fn show_id(bound: &Bound) -> String {
    match bound.addr {
        Addr::Status(_) => "(opaque)".to_owned(),
        _ => bound.id.to_string(),
    }
}

/// A bound name.
pub(crate) fn show_bound(bound: &Bound) -> Value {
    let addr = match &bound.addr {
        Addr::Neg => json!("neg"),
        Addr::Pending => json!("pending"),
        Addr::Failed(cause) => json!({ "failed": cause.to_string() }),
        Addr::Status(_) => json!({ "bound": ["service"] }),
        Addr::Bound(set) => {
            let addresses: Value = set.endpoints().iter().map(show_address).collect();
            match bound.weight {
                Some(weight) => {
                    json!({ "bound": addresses, "meta": { "namer_nametree_weight": weight } })
                }
                None => json!({ "bound": addresses }),
            }
        }
    };
    let mut shown = json!({ "id": show_id(bound), "addr": addr });
    if !bound.residual.is_empty() {
        shown["residual"] = json!(bound.residual.to_string());
    }
    shown
}

fn show_address(address: &Address) -> Value {
    if address.meta.is_empty() {
        return json!(address.socket.to_string());
    }
    json!({ "addr": address.socket.to_string(), "meta": wire::metadata(&address.meta) })
}

/// The set of what an evaluation chose, each shown; null where nothing is chosen.
pub(crate) fn show_eval<T>(tree: &NameTree<T>, show: impl Fn(&T) -> String) -> Value {
    let Some(chosen) = tree.eval() else { return Value::Null };
    let set: std::collections::BTreeSet<String> = chosen.into_iter().map(show).collect();
    json!(set)
}
