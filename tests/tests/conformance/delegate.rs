//! `delegate`: the explained resolution as `/delegator.json` has it.

use std::path::Path as Folder;

use dtab::wire::{self, NoTree};
use dtab::{Dtab, Explore, Path};
use serde_json::{Value, json};
use tests::conformance::{Case, NamerSets, transformers};

use crate::vectors::{error, text};

pub(crate) fn answer(folder: &Folder, vector: &Value) -> Value {
    let (base, request) = match (dtab(&vector["dtab"]), dtab(&vector["request_dtab"])) {
        (Ok(base), Ok(request)) => (base, request),
        (Err(refused), _) | (_, Err(refused)) => return refused,
    };
    let path = match Path::parse(text(&vector["path"])) {
        Ok(path) => path,
        Err(failure) => {
            return json!({ "status": 400, "text": format!("Invalid path: {failure}") });
        }
    };
    let case = Case {
        base: base.concat(&request),
        local: Dtab::empty(),
        path,
        namers: NamerSets::read(folder).get(text(&vector["namers"])),
        transformers: transformers(&vector["transformers"]),
    };
    match wire::delegation(&case.resolve(Explore::All)) {
        Ok(tree) => json!({ "status": 200, "json": tree }),
        Err(NoTree::Pending) => json!({ "status": 503, "text": "Request timed out." }),
        Err(NoTree::Failed(failure)) => error(wire::thrown_message(&failure)),
    }
}

/// A table, or what a mistaken one is answered with.
fn dtab(value: &Value) -> Result<Dtab, Value> {
    Dtab::parse(text(value))
        .map_err(|failure| json!({ "status": 400, "text": format!("Invalid dtab: {failure}") }))
}
