//! `path`, `nametree` and `dtab`: reading and showing.

use std::path::Path as Folder;

use dtab::{Dtab, Path, parse_tree};
use serde_json::{Value, json};

use crate::trees::{show_dtab, show_path, show_tree};
use crate::vectors::{error, text};

pub(crate) fn path(_: &Folder, vector: &Value) -> Value {
    Path::parse(text(&vector["in"])).map_or_else(error, |path| show_path(&path))
}

pub(crate) fn nametree(_: &Folder, vector: &Value) -> Value {
    parse_tree(text(&vector["in"]))
        .map_or_else(error, |tree| json!({ "tree": show_tree(&tree), "show": tree.to_string() }))
}

pub(crate) fn dtab(_: &Folder, vector: &Value) -> Value {
    Dtab::parse(text(&vector["in"])).map_or_else(error, |dtab| show_dtab(&dtab))
}
