//! Load balancers of the `client` section.

use std::time::Duration;

use crate::config::not_built::Section;
use crate::config::reader::Object;
use crate::config::value;

/// How a client picks among the addresses of a bound name.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadBalancerConfig {
    /// Which one, with its keys.
    pub kind: BalancerKind,
    /// `enableProbation`: an address that discovery takes away stays for as long as it works; not
    /// unless given.
    pub enable_probation: bool,
}

/// The balancers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BalancerKind {
    /// `p2c`: of two endpoints drawn at random, the one with fewer requests in flight.
    P2c {
        /// How often a pick that is not open is tried again; 5 unless given.
        max_effort: u32,
    },
    /// `ewma`: of two endpoints drawn at random, the one with the smaller peak EWMA of latency
    /// times requests in flight.
    Ewma {
        /// Window of the average; 10 s unless given.
        decay_time: Duration,
        /// As of p2c.
        max_effort: u32,
    },
    /// `aperture`: p2c over as few endpoints as keep their load within a band.
    Aperture {
        /// `smoothWindowMs`: window of the load's average; 5 s unless given.
        smooth_window: Duration,
        /// As of p2c.
        max_effort: u32,
        /// `lowLoad`: below this many requests an endpoint the aperture shrinks; 0.5 unless given.
        low_load: f64,
        /// `highLoad`: above this many it widens; 2 unless given.
        high_load: f64,
        /// `minAperture`: never fewer endpoints; 1 unless given.
        min_aperture: u32,
    },
    /// `heap`: the endpoint with the fewest requests in flight of all.
    Heap,
    /// `roundRobin`: one after the other.
    RoundRobin {
        /// As of p2c.
        max_effort: u32,
    },
}

impl Default for LoadBalancerConfig {
    fn default() -> Self {
        Self { kind: BalancerKind::P2c { max_effort: 5 }, enable_probation: false }
    }
}

pub(super) fn read_p2c(object: &mut Object<'_>) -> Option<LoadBalancerConfig> {
    let max_effort = object.optional("maxEffort", value::integer(1..=1000)).unwrap_or(5);
    object.refuse_not_built(Section::Balancer);
    Some(LoadBalancerConfig { kind: BalancerKind::P2c { max_effort }, enable_probation: false })
}
