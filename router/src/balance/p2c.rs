//! `p2c`: of two endpoints drawn at random, the one with fewer requests in flight.
//!
//! Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing" (1996). Endpoints are drawn
//! by weight, possibly the same one twice. One that is marked down is drawn again, up to `maxEffort` times as in Finagle; if none
//! is open by then, the one whose mark ends soonest is tried rather than none.

use std::rc::Rc;

use super::{Pick, Set};
use crate::client::endpoint::Endpoint;

/// The balancer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct P2c {
    max_effort: u32,
}

impl P2c {
    pub(crate) fn new(max_effort: u32) -> Self {
        P2c { max_effort }
    }
}

impl Pick for P2c {
    fn pick(&self, set: &Set, failed: Option<&Rc<Endpoint>>) -> Option<Rc<Endpoint>> {
        let is_failed = |endpoint: &Rc<Endpoint>| failed.is_some_and(|f| Rc::ptr_eq(f, endpoint));
        let endpoints = set.endpoints();
        let [first, rest @ ..] = endpoints else { return None };
        if rest.is_empty() {
            return Some(first.clone());
        }
        let usable = |endpoint: &Rc<Endpoint>| !is_failed(endpoint) && endpoint.health.may_open();
        for _ in 0..self.max_effort.max(1) {
            let (one, other) = (&endpoints[set.draw()], &endpoints[set.draw()]);
            let better = match (usable(one), usable(other)) {
                (true, true) if other.load() < one.load() => other,
                (true, _) => one,
                (false, true) => other,
                (false, false) => continue,
            };
            // One that was down and whose wait is over is given to one request only.
            if better.health.is_open() {
                return Some(better.clone());
            }
        }
        let open = |endpoint: &&Rc<Endpoint>| !is_failed(endpoint) && endpoint.health.is_open();
        let found = endpoints.iter().find(open).or_else(|| {
            let others = endpoints.iter().filter(|endpoint| !is_failed(endpoint));
            others.min_by_key(|endpoint| endpoint.health.down_until())
        });
        found.cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::client::health::HealthTable;

    fn endpoints(weights: &[f64]) -> Set {
        let table = HealthTable::new();
        let one = |(at, &weight): (usize, &f64)| {
            let address = SocketAddr::from(([127, 0, 0, 1], at as u16 + 1));
            Rc::new(Endpoint::for_tests(address, weight, table.of(address)))
        };
        Set::new(weights.iter().enumerate().map(one).collect())
    }

    fn shares(set: &Set, picks: u32) -> Vec<f64> {
        let mut counts = vec![0_u32; set.endpoints().len()];
        for _ in 0..picks {
            let picked = P2c::new(5).pick(set, None).unwrap();
            counts[usize::from(picked.address.port()) - 1] += 1;
        }
        counts.iter().map(|&count| f64::from(count) / f64::from(picks)).collect()
    }

    #[test]
    fn idle_endpoints_of_equal_weight_share_evenly() {
        for share in shares(&endpoints(&[1.0; 4]), 40_000) {
            assert!((share - 0.25).abs() < 0.02, "{share}");
        }
    }

    #[test]
    fn weights_are_shares() {
        let shares = shares(&endpoints(&[3.0, 1.0, 0.0]), 40_000);
        assert!((shares[0] - 0.75).abs() < 0.02 && shares[2] == 0.0, "{shares:?}");
    }

    #[test]
    fn the_less_loaded_of_two_different_ones_is_taken() {
        let two = endpoints(&[1.0, 1.0]);
        let _busy = two.endpoints()[0].begin();
        assert!(shares(&two, 1000)[1] > 0.7);
    }

    #[test]
    fn endpoints_that_are_down_get_nothing_while_another_is_up() {
        let three = endpoints(&[1.0; 3]);
        three.endpoints()[0].health.connect_failed();
        three.endpoints()[2].health.connect_failed();
        assert_eq!(shares(&three, 100), [0.0, 1.0, 0.0]);
    }

    #[test]
    fn when_all_are_down_one_is_tried_all_the_same() {
        let two = endpoints(&[1.0, 1.0]);
        two.endpoints()[0].health.connect_failed();
        two.endpoints()[1].health.connect_failed();
        let picked = P2c::new(5).pick(&two, Some(&two.endpoints()[0])).unwrap();
        assert!(Rc::ptr_eq(&picked, &two.endpoints()[1]));
    }
}
