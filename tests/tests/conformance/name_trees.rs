//! `simplify`, `eval` and `lookup`: what is done with trees of paths.

use std::path::Path as Folder;

use dtab::{Dtab, Path};
use serde_json::{Value, json};

use crate::trees::{show_eval, show_tree, to_tree};
use crate::vectors::{error, text};

pub(crate) fn simplify(_: &Folder, vector: &Value) -> Value {
    let tree = to_tree(&vector["tree"]);
    let simplified = tree.simplified();
    json!({
        "tree": show_tree(&simplified),
        "show": simplified.to_string(),
        "show_before": tree.to_string(),
    })
}

pub(crate) fn eval(_: &Folder, vector: &Value) -> Value {
    json!({ "paths": show_eval(&to_tree(&vector["tree"]), Path::to_string) })
}

pub(crate) fn lookup(_: &Folder, vector: &Value) -> Value {
    let dtab = match Dtab::parse(text(&vector["dtab"])) {
        Ok(dtab) => dtab,
        Err(failure) => return error(failure),
    };
    match Path::parse(text(&vector["path"])) {
        Ok(path) => {
            let tree = dtab.lookup(&path);
            json!({ "tree": show_tree(&tree), "show": tree.to_string() })
        }
        Err(failure) => error(failure),
    }
}
