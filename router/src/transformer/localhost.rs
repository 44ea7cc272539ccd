//! `io.l5d.localhost`: keeps the endpoints on this machine.
//!
//! ```yaml
//! transformers:
//! - kind: io.l5d.localhost
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::sync::Arc;

use dtab::{Address, Path, Rule, Transformer};

use super::prefix_or;

/// Ids get the prefix `/%/io.l5d.localhost`.
pub fn transformer(prefix: Option<Path>) -> Transformer {
    let rule = Rule::Filter(Arc::new(|address: &Address| is_local(address.socket.ip())));
    let prefix = prefix_or(prefix, ["io.l5d.localhost"]);
    Transformer { prefix, name: "SubnetLocalTransformer", rule }
}

/// Whether an interface of this machine that is up has the address.
///
/// The system is asked from where it would send to it, which is the address itself just if it is
/// its own. Nothing is sent. So an address that an interface gets later counts from then on.
fn is_local(ip: IpAddr) -> bool {
    let any: IpAddr = match ip {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let from = || {
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect((ip, 9))?;
        socket.local_addr()
    };
    from().is_ok_and(|from| from.ip() == ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_address_is_local_and_documentation_addresses_are_not() {
        assert!(is_local(Ipv4Addr::LOCALHOST.into()));
        assert!(!is_local("192.0.2.1".parse().unwrap()));
        assert!(!is_local("2001:db8::1".parse().unwrap()));
        assert!(!is_local(Ipv4Addr::UNSPECIFIED.into()));
    }
}
