//! `heap`: the endpoint with the fewest requests in flight of all.
//!
//! Finagle keeps a heap of them. A worker counts its requests where it can read them at once, and
//! an idle endpoint ends the search, so that looking at them in turn costs less than keeping an
//! order through every begin and end of a request. The search begins anywhere, by which endpoints
//! with equally few requests have equal chances.

use super::{Nodes, Pick, Status, random_below};

/// The balancer.
pub(super) struct Heap;

impl Pick for Heap {
    fn pick(&self, nodes: &Nodes<'_>) -> usize {
        let begin = random_below(nodes.all.len());
        let mut least = (begin, (Status::Busy, u32::MAX));
        for at in (begin..nodes.all.len()).chain(0..begin) {
            let rank = (nodes.status(at), nodes.all[at].load());
            if rank == (Status::Open, 0) {
                return at;
            }
            if rank < least.1 {
                least = (at, rank);
            }
        }
        least.0
    }
}
