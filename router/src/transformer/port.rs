//! `io.l5d.port`: every endpoint listens on this port instead.
//!
//! ```yaml
//! transformers:
//! - kind: io.l5d.port
//!   port: 4141
//! ```

use std::net::SocketAddr;
use std::sync::Arc;

use dtab::{Address, Path, Rule, Transformer};

use super::prefix_or;

/// Ids get the prefix `/%/io.l5d.port/<port>`. Endpoints that become equal are one.
pub fn transformer(prefix: Option<Path>, port: u16) -> Transformer {
    let rule = Rule::EachAddress(Arc::new(move |address: &Address| {
        let socket = SocketAddr::new(address.socket.ip(), port);
        Address { socket, meta: address.meta.clone() }
    }));
    let prefix = prefix_or(prefix, ["io.l5d.port", &port.to_string()]);
    Transformer { prefix, name: "DelegatingNameTreeTransformer$", rule }
}
