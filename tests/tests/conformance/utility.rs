//! `utility`: the rewriting namers below `/$/`, and path patterns.

use std::path::Path as Folder;

use dtab::{Dtab, Explore, Failure, NamerTable, Path, PathPattern, Resolver, Step};
use serde_json::{Map, Value, json};

use crate::trees::show_bound;
use crate::vectors::{error, text};

pub(crate) fn answer(_: &Folder, vector: &Value) -> Value {
    let path = match Path::parse(text(&vector["path"])) {
        Ok(path) => path,
        Err(failure) => return error(failure),
    };
    if let Some(namer) = vector["namer"].as_str() {
        return look_up(&Path::from_segments(["$", namer]).concat(&path));
    }
    let pattern = PathPattern::new(text(&vector["pattern"]));
    let answered = match text(&vector["op"]) {
        "extract" => extract(&pattern, &path),
        "rewrite" => rewrite(&pattern, &path, text(&vector["name"])),
        other => panic!("no operation {other:?}"),
    };
    answered.unwrap_or_else(error)
}

/// One look-up of a built-in name.
fn look_up(path: &Path) -> Value {
    let none = &Dtab::empty();
    let resolver =
        Resolver { base: none, local: none, namers: &NamerTable::new(), transformers: &[] };
    match resolver.resolve(path, Explore::Needed).step {
        Step::Renamed(next) => json!({ "tree": { "leaf": next.path.to_string() } }),
        Step::Leaf(bound) => json!({ "tree": { "leaf": show_bound(&bound) } }),
        Step::Neg { .. } => json!({ "tree": "neg" }),
        Step::Failed(failure) => error(failure),
        step => panic!("no answer of a built-in namer: {step:?}"),
    }
}

fn extract(pattern: &PathPattern, path: &Path) -> Result<Value, Failure> {
    let vars = pattern.extract(path)?.map(|captures| {
        captures.into_iter().map(|(name, value)| (name, json!(value))).collect::<Map<_, _>>()
    });
    Ok(json!({ "vars": vars }))
}

fn rewrite(pattern: &PathPattern, path: &Path, name: &str) -> Result<Value, Failure> {
    Ok(match pattern.rewrite(path, name)? {
        Some(path) => json!({ "tree": { "leaf": path.to_string() } }),
        None => json!({ "tree": "neg" }),
    })
}
