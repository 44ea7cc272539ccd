//! `p2c`: of two endpoints drawn at random, the one with fewer requests in flight.
//!
//! Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing" (1996). However fast or
//! fresh an endpoint looks, it is drawn no more often than the others: none gets more than two of
//! n requests.

use std::time::Instant;

use super::{Node, Nodes, Pick, random_below};

/// The balancer, which `ewma` is, too, with another load.
pub(super) struct P2c {
    load: fn(&Node, Instant) -> f64,
}

impl P2c {
    pub(super) fn least_loaded() -> Self {
        P2c { load: least_loaded }
    }

    pub(super) fn peak_ewma() -> Self {
        P2c { load: Node::cost }
    }
}

pub(super) fn least_loaded(node: &Node, _now: Instant) -> f64 {
    f64::from(node.load())
}

impl Pick for P2c {
    fn pick(&self, nodes: &Nodes<'_>) -> usize {
        better_of_two(nodes, nodes.all.len(), |at| at, self.load)
    }
}

/// Draws two different places out of `count`, which is at least two, and returns the place of the
/// better of the nodes there: by status, then by load, then the first.
pub(super) fn better_of_two(
    nodes: &Nodes<'_>,
    count: usize,
    node_at: impl Fn(usize) -> usize,
    load: fn(&Node, Instant) -> f64,
) -> usize {
    let one = random_below(count);
    let mut other = random_below(count - 1);
    if other >= one {
        other += 1;
    }
    let (one, other) = (node_at(one), node_at(other));
    let rank = |at: usize| (nodes.status(at), load(&nodes.all[at], nodes.now));
    if rank(other) < rank(one) { other } else { one }
}
