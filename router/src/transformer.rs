//! Transformers, one file for each kind. Each makes a [`dtab::Transformer`]; a configured `prefix`
//! takes the place of its own.

pub mod const_;
pub mod localhost;
pub mod metadata;
pub mod port;
pub mod replace;
pub mod specific_host;

use dtab::{Path, Transformer};

use crate::config::kinds::{TransformerConfig, TransformerKind};

/// The configured transformer.
pub fn build(config: &TransformerConfig) -> Transformer {
    let prefix = config.prefix.as_ref().map(|prefix| Path::from_segments(["%"]).concat(prefix));
    match &config.kind {
        TransformerKind::Const(config) => const_::transformer(prefix, config.path.clone()),
        TransformerKind::Localhost => localhost::transformer(prefix),
        TransformerKind::Port(config) => port::transformer(prefix, config.port),
        TransformerKind::Replace(config) => replace::transformer(prefix, config.path.clone()),
        TransformerKind::SpecificHost(config) => specific_host::transformer(prefix, config.host),
    }
}

/// The configured prefix, or `/%/` and the kind.
fn prefix_or<const N: usize>(prefix: Option<Path>, kind: [&str; N]) -> Path {
    prefix.unwrap_or_else(|| Path::from_segments(["%"].into_iter().chain(kind)))
}
