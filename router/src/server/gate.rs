//! Who may come in: connections of a server, and requests under way.
//!
//! The counts are shared by all workers. They are touched when a connection opens or closes, and by
//! requests only where `maxConcurrentRequests` is set. They outlive a reload, as connections do.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use super::head::Violation;
use crate::config::LimitsConfig;

/// Counts what is open on one listening address.
#[derive(Debug)]
pub(crate) struct Gate {
    max: AtomicU32,
    /// 0 for no limit.
    max_per_peer: AtomicU32,
    open: AtomicU32,
    /// Connections by [`peer`]; kept only while there is a limit.
    peers: Mutex<HashMap<IpAddr, u32>>,
    requests: AtomicU32,
}

impl Gate {
    pub(crate) fn new(limits: &LimitsConfig) -> Arc<Self> {
        let gate = Gate {
            max: AtomicU32::new(0),
            max_per_peer: AtomicU32::new(0),
            open: AtomicU32::new(0),
            peers: Mutex::default(),
            requests: AtomicU32::new(0),
        };
        gate.set_limits(limits);
        Arc::new(gate)
    }

    /// From now on these hold. What is open stays open.
    pub(crate) fn set_limits(&self, limits: &LimitsConfig) {
        self.max.store(limits.max_connections, Relaxed);
        self.max_per_peer.store(limits.max_connections_per_peer.unwrap_or(0), Relaxed);
    }

    /// How many connections there may be.
    pub(crate) fn max_connections(&self) -> u32 {
        self.max.load(Relaxed)
    }

    /// Lets a connection in, or says which limit is reached.
    pub(crate) fn admit(self: &Arc<Self>, remote: IpAddr) -> Result<Admitted, Violation> {
        let max = self.max.load(Relaxed);
        if self.open.load(Relaxed) >= max {
            return Err(Violation::TooManyConnections(max));
        }
        self.admit_another(remote)
    }

    /// Lets a connection in although the server is full: room is being made for it.
    pub(crate) fn admit_another(self: &Arc<Self>, remote: IpAddr) -> Result<Admitted, Violation> {
        let peer = match self.max_per_peer.load(Relaxed) {
            0 => None,
            max => {
                let peer = peer(remote);
                let mut peers = self.peers();
                let open = peers.entry(peer).or_insert(0);
                if *open >= max {
                    return Err(Violation::TooManyOfPeer(max));
                }
                *open += 1;
                Some(peer)
            }
        };
        self.open.fetch_add(1, Relaxed);
        Ok(Admitted { gate: self.clone(), peer })
    }

    /// Lets a request in unless `max` of them are under way.
    pub(crate) fn begin(self: &Arc<Self>, max: u32) -> Option<Permit> {
        // Dropped at once, the permit takes back what it has added.
        let permit = Permit { gate: self.clone() };
        (self.requests.fetch_add(1, Relaxed) < max).then_some(permit)
    }

    fn peers(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, u32>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What counts as one peer: an IPv4 address, or an IPv6 network of 64 bits, which is what one
/// subscriber has at the least.
fn peer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// A connection that is counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    gate: Arc<Gate>,
    peer: Option<IpAddr>,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.gate.open.fetch_sub(1, Relaxed);
        let Some(peer) = self.peer else { return };
        if let Entry::Occupied(mut open) = self.gate.peers().entry(peer) {
            *open.get_mut() -= 1;
            if *open.get() == 0 {
                open.remove();
            }
        }
    }
}

/// A request that is counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    gate: Arc<Gate>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gate.requests.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(max: u32, per_peer: Option<u32>) -> Arc<Gate> {
        Gate::new(&LimitsConfig {
            max_connections: max,
            max_connections_per_peer: per_peer,
            ..LimitsConfig::default()
        })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_connection_that_ends_makes_room() {
        let gate = gate(2, None);
        let one = gate.admit(ip("10.0.0.1")).unwrap();
        let _other = gate.admit(ip("10.0.0.1")).unwrap();
        assert_eq!(gate.admit(ip("10.0.0.2")).unwrap_err(), Violation::TooManyConnections(2));
        drop(one);
        assert!(gate.admit(ip("10.0.0.2")).is_ok());
    }

    #[test]
    fn one_peer_is_an_address_or_an_ipv6_network() {
        let gate = gate(100, Some(1));
        let _v4 = gate.admit(ip("10.0.0.1")).unwrap();
        let mapped = gate.admit(ip("::ffff:10.0.0.1"));
        assert_eq!(mapped.unwrap_err(), Violation::TooManyOfPeer(1));
        let _v6 = gate.admit(ip("2001:db8::1")).unwrap();
        assert!(gate.admit(ip("2001:db8::2")).is_err());
        let next = gate.admit(ip("2001:db8:0:1::1")).unwrap();
        drop(next);
        assert!(gate.admit(ip("2001:db8:0:1::2")).is_ok(), "and is forgotten with its last one");
        assert_eq!(gate.peers().len(), 2);
    }

    #[test]
    fn limits_that_change_hold_for_what_comes() {
        let gate = gate(1, None);
        let _one = gate.admit(ip("10.0.0.1")).unwrap();
        let limits = LimitsConfig { max_connections_per_peer: Some(1), ..LimitsConfig::default() };
        gate.set_limits(&limits);
        let _two = gate.admit(ip("10.0.0.1")).unwrap();
        assert!(gate.admit(ip("10.0.0.1")).is_err());
    }

    #[test]
    fn requests_are_counted_while_they_last() {
        let gate = gate(1, None);
        let first = gate.begin(1).unwrap();
        assert!(gate.begin(1).is_none());
        assert!(gate.begin(2).is_some());
        drop(first);
        assert!(gate.begin(1).is_some());
    }
}
