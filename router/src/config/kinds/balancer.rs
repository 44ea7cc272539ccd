//! Load balancers of the `client` section.

use crate::config::not_built::Section;
use crate::config::reader::Object;
use crate::config::value;

/// How a client picks among the addresses of a bound name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadBalancerConfig {
    /// `p2c`: of two endpoints drawn at random, the one with fewer requests in flight.
    P2c(P2cConfig),
}

/// `p2c`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct P2cConfig {
    /// How often a pick that is not open is tried again; 5 unless given.
    pub max_effort: u32,
}

impl Default for LoadBalancerConfig {
    fn default() -> Self {
        Self::P2c(P2cConfig { max_effort: 5 })
    }
}

pub(super) fn read_p2c(object: &mut Object<'_>) -> Option<LoadBalancerConfig> {
    let max_effort = object.optional("maxEffort", value::integer(1..=1000)).unwrap_or(5);
    object.refuse_not_built(Section::Balancer);
    Some(LoadBalancerConfig::P2c(P2cConfig { max_effort }))
}
