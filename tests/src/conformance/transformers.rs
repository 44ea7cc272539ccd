//! The transformers that vectors put around the interpreter.

use dtab::Transformer;
use router::transformer::{const_, metadata, port, replace, specific_host};
use serde_json::Value;

use super::{path, text};

/// The transformers of a vector, in the order in which they are applied; none if it has none.
pub fn transformers(list: &Value) -> Vec<Transformer> {
    list.as_array().into_iter().flatten().map(transformer).collect()
}

fn transformer(config: &Value) -> Transformer {
    let at = |name: &str| text(&config[name]);
    match at("kind") {
        "io.l5d.port" => port::transformer(None, at("port").parse().expect("a port")),
        "io.l5d.specificHost" => {
            specific_host::transformer(None, at("host").parse().expect("an address"))
        }
        "metadata" => {
            let (key, value) = (at("key").to_owned(), at("value").to_owned());
            metadata::transformer(path(at("prefix")), key, value)
        }
        "io.l5d.replace" => replace::transformer(None, path(at("path"))),
        "io.l5d.const" => const_::transformer(None, path(at("path"))),
        other => panic!("no transformer {other:?}"),
    }
}
