//! Load balancers of the `client` section.

use std::time::Duration;

use crate::config::error::Code;
use crate::config::keys::{Absent::*, Key, Type, key};
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

/// The key that all kinds have.
pub(super) static COMMON_KEYS: &[Key] = &[key(
    "enableProbation",
    Type::Boolean,
    Is("false"),
    "Whether an endpoint that discovery takes away stays in use for as long as it works.",
)];

/// The key of those that draw endpoints.
pub(super) static MAX_EFFORT_KEY: &[Key] = &[key(
    "maxEffort",
    Type::Integer(1, 1000),
    Is("5"),
    "How often a draw is repeated that finds no endpoint which takes requests.",
)];

/// The keys of `ewma` alone.
pub(super) static EWMA_KEYS: &[Key] = &[key(
    "decayTimeMs",
    Type::Millis(1),
    Is("10000"),
    "The window of the average of latencies: older ones hardly count.",
)];

/// The keys of `aperture` alone.
pub(super) static APERTURE_KEYS: &[Key] = &[
    key("smoothWindowMs", Type::Millis(1), Is("5000"), "The window of the average of the load."),
    key(
        "lowLoad",
        Type::Number(0.0, f64::INFINITY),
        Is("0.5"),
        "With fewer requests in progress for each endpoint in use, one endpoint fewer is used.",
    ),
    key(
        "highLoad",
        Type::Number(0.0, f64::INFINITY),
        Is("2"),
        "With more requests in progress for each endpoint in use, one endpoint more is used.",
    ),
    key(
        "minAperture",
        Type::Integer(1, value::MAX),
        Is("1"),
        "Endpoints that are in use whatever the load.",
    ),
];

fn of_kind(object: &mut Object<'_>, kind: BalancerKind) -> Option<LoadBalancerConfig> {
    let enable_probation = object.optional("enableProbation", value::boolean).unwrap_or(false);
    Some(LoadBalancerConfig { kind, enable_probation })
}

fn max_effort(object: &mut Object<'_>) -> u32 {
    object.optional("maxEffort", value::integer(1..=1000)).unwrap_or(5)
}

pub(super) fn read_p2c(object: &mut Object<'_>) -> Option<LoadBalancerConfig> {
    let max_effort = max_effort(object);
    of_kind(object, BalancerKind::P2c { max_effort })
}

pub(super) fn read_ewma(object: &mut Object<'_>) -> Option<LoadBalancerConfig> {
    let decay_time =
        object.optional("decayTimeMs", value::limit_millis).unwrap_or(Duration::from_secs(10));
    let max_effort = max_effort(object);
    of_kind(object, BalancerKind::Ewma { decay_time, max_effort })
}

pub(super) fn read_aperture(object: &mut Object<'_>) -> Option<LoadBalancerConfig> {
    let smooth_window =
        object.optional("smoothWindowMs", value::limit_millis).unwrap_or(Duration::from_secs(5));
    let max_effort = max_effort(object);
    let low_load = object.optional("lowLoad", value::number(0.0..=f64::INFINITY)).unwrap_or(0.5);
    let high_load = object.optional("highLoad", value::number(0.0..=f64::INFINITY)).unwrap_or(2.0);
    let min_aperture = object.optional("minAperture", value::count).unwrap_or(1);
    if low_load >= high_load {
        let message = format!("`lowLoad` {low_load} is not below `highLoad` {high_load}");
        object.field.error(Code::Conflict, message);
    }
    of_kind(
        object,
        BalancerKind::Aperture { smooth_window, max_effort, low_load, high_load, min_aperture },
    )
}

pub(super) fn read_heap(object: &mut Object<'_>) -> Option<LoadBalancerConfig> {
    of_kind(object, BalancerKind::Heap)
}

pub(super) fn read_round_robin(object: &mut Object<'_>) -> Option<LoadBalancerConfig> {
    let max_effort = max_effort(object);
    of_kind(object, BalancerKind::RoundRobin { max_effort })
}
