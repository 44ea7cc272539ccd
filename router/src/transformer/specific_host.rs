//! `io.l5d.specificHost`: keeps the endpoints of one host.
//!
//! ```yaml
//! transformers:
//! - kind: io.l5d.specificHost
//!   host: 10.0.0.7
//! ```

use std::net::IpAddr;
use std::sync::Arc;

use dtab::{Address, Path, Rule, Transformer};

use super::prefix_or;

/// Ids get the prefix `/%/io.l5d.specificHost`.
pub fn transformer(prefix: Option<Path>, host: IpAddr) -> Transformer {
    let rule = Rule::Filter(Arc::new(move |address: &Address| address.socket.ip() == host));
    let prefix = prefix_or(prefix, ["io.l5d.specificHost"]);
    Transformer { prefix, name: "SubnetLocalTransformer", rule }
}
