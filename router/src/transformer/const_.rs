//! `io.l5d.const`: every name, bound or not, becomes what another path is bound to.
//!
//! ```yaml
//! transformers:
//! - kind: io.l5d.const
//!   path: /#/io.l5d.fs/proxy
//! ```

use dtab::{Path, Rule, Transformer};

use super::prefix_or;

/// `path` is bound by namers alone. Ids get the prefix `/%/io.l5d.const`.
pub fn transformer(prefix: Option<Path>, path: Path) -> Transformer {
    let prefix = prefix_or(prefix, ["io.l5d.const"]);
    Transformer { prefix, name: "ConstTransformer", rule: Rule::Const(path) }
}
