//! `roundRobin`: one endpoint after the other, in the order of their addresses.
//!
//! Whose turn it is follows from the address that had the last one, so that endpoints which come
//! and go move nobody else's turn. The first turn is anyone's: workers that all began with the
//! lowest address would give it more than its share.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;

use super::{Nodes, Pick, Status, random_below};

/// The balancer.
pub(super) struct RoundRobin {
    last: Rc<Cell<Option<SocketAddr>>>,
}

impl RoundRobin {
    pub(super) fn new(last: Rc<Cell<Option<SocketAddr>>>) -> Self {
        RoundRobin { last }
    }
}

impl Pick for RoundRobin {
    fn pick(&self, nodes: &Nodes<'_>) -> usize {
        let count = nodes.all.len();
        let next = match self.last.get() {
            Some(last) => nodes.all.partition_point(|node| node.address <= last),
            None => random_below(count),
        };
        let turns = (0..count).map(|turn| (next + turn) % count);
        let at = turns.clone().find(|&at| nodes.status(at) == Status::Open);
        let at = at.unwrap_or(next % count);
        self.last.set(Some(nodes.all[at].address));
        at
    }
}
