//! `delegate_api`: requests of `/delegator.json`, with namespaces that have tables of their own.

use std::path::Path as Folder;

use dtab::{Dtab, Explore, Path};
use router::admin::delegator::{Delegating, Delegator, respond};
use serde_json::{Value, json};
use tests::conformance::{Case, NamerSets};

use crate::vectors::text;

/// As namerd: all namers in every namespace, whose table comes before the request's. An unknown
/// namespace has none.
struct Namespaces(NamerSets);

impl Delegator for Namespaces {
    fn delegate<'a>(
        &'a self,
        namespace: Option<&'a str>,
        dtab: &'a Dtab,
        path: &'a Path,
    ) -> Delegating<'a> {
        let base = namespace.and_then(|name| self.0.namespace(name)).unwrap_or_else(Dtab::empty);
        let case = Case {
            base: base.concat(dtab),
            local: Dtab::empty(),
            path: path.clone(),
            namers: self.0.get("default"),
            transformers: Vec::new(),
        };
        Box::pin(async move { Ok(case.resolve(Explore::All)) })
    }
}

pub(crate) fn answer(folder: &Folder, vector: &Value) -> Value {
    let namespaces = Namespaces(NamerSets::read(folder));
    let answer = respond(
        text(&vector["method"]),
        text(&vector["uri"]),
        vector["content_type"].as_str(),
        vector["body"].as_str().unwrap_or_default().as_bytes(),
        &namespaces,
    );
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let answer = runtime.block_on(answer);
    let mut got = json!({ "status": answer.status, "content_type": answer.content_type });
    match serde_json::from_str(&answer.body) {
        Ok(json) if answer.content_type.is_some() => got["json"] = json,
        _ => got["text"] = json!(answer.body),
    }
    got
}

/// Whether the answer has all that is expected; Linkerd's own words where a path is missing are
/// Java's, and no vector has them.
pub(crate) fn agrees(vector: &Value, got: &Value) -> bool {
    vector["expect"]
        .as_object()
        .is_some_and(|expected| expected.iter().all(|(member, value)| got[member] == *value))
}
