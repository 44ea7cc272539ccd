//! `identifiers`: the logical name of a request, and its target where that is rewritten.

use std::path::Path as Folder;

use dtab::Path;
use http::Method;
use router::identifier::{
    HeaderIdentifier, HeaderTokenIdentifier, Identifier, IdentifierChain, IdentifyError,
    MethodAndHostIdentifier, PathIdentifier, RequestHead, StaticIdentifier,
};
use serde_json::{Value, json};

use crate::vectors::{error, text, to_map, to_version};

pub(crate) fn answer(_: &Folder, vector: &Value) -> Value {
    let prefix = Path::parse(text(&vector["prefix"])).expect("a prefix");
    let identifiers = vector["identifiers"].as_array().expect("identifiers");
    let chain =
        IdentifierChain::new(identifiers.iter().map(|config| build(&prefix, config)).collect());
    let request = RequestHead {
        method: &Method::from_bytes(text(&vector["method"]).as_bytes()).expect("a method"),
        target: text(&vector["uri"]),
        version: to_version(&vector["version"]),
        headers: &to_map(&vector["headers"]),
        authority: None,
        scheme: None,
    };
    match chain.identify(&request) {
        Ok(found) => {
            let mut answer = json!({ "dst": found.name.to_string() });
            if let Some(target) = found.target {
                answer["uri"] = json!(target);
            }
            answer
        }
        Err(IdentifyError::Unidentified(reason)) => json!({ "unidentified": reason.to_string() }),
        Err(failure) => error(failure),
    }
}

fn build(prefix: &Path, config: &Value) -> Box<dyn Identifier> {
    let prefix = prefix.clone();
    let header = config["header"].as_str();
    match text(&config["kind"]) {
        "io.l5d.methodAndHost" => Box::new(
            MethodAndHostIdentifier::new(prefix).uri_in_name(config["httpUriInDst"] == true),
        ),
        "io.l5d.path" => {
            // None and fewer are the same number of segments.
            let segments = config["segments"].as_i64().unwrap_or(1).max(0) as usize;
            Box::new(PathIdentifier::new(prefix, segments).consume(config["consume"] == true))
        }
        "io.l5d.header" => {
            let header = header.unwrap_or(HeaderIdentifier::DEFAULT_HEADER);
            Box::new(HeaderIdentifier::new(prefix, header).expect("a header name"))
        }
        "io.l5d.header.token" => {
            let header = header.unwrap_or(HeaderTokenIdentifier::DEFAULT_HEADER);
            Box::new(HeaderTokenIdentifier::new(prefix, header).expect("a header name"))
        }
        "io.l5d.static" => {
            let path = Path::parse(text(&config["path"])).expect("a path");
            Box::new(StaticIdentifier::new(&prefix, &path))
        }
        other => panic!("no identifier {other:?}"),
    }
}
