//! Keeps the endpoints of which the source says a given thing, such as the node that they are on.

use std::sync::Arc;

use dtab::{Address, MetaValue, Path, Rule, Transformer};

/// Keeps the endpoints whose metadata `key` is the word `value`.
pub fn transformer(prefix: Path, key: String, value: String) -> Transformer {
    let wanted = MetaValue::Text(value);
    let rule =
        Rule::Filter(Arc::new(move |address: &Address| address.meta.get(&key) == Some(&wanted)));
    // Linkerd's delegator spells it so.
    Transformer { prefix, name: "MetadataFiltertingNameTreeTransformer", rule }
}
