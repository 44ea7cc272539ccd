//! `failureAccrual`: when an endpoint is left alone for a while.

use std::time::Duration;

use super::{BACKOFFS, BackoffConfig};
use crate::config::keys::{Absent::*, Key, Type, key};
use crate::config::reader::Object;
use crate::config::value;

/// When an endpoint is taken out, and for how long.
#[derive(Debug, Clone, PartialEq)]
pub struct FailureAccrualConfig {
    /// When.
    pub kind: AccrualKind,
    /// For how long; equal-jittered from 5 s to 300 s unless given.
    pub backoff: BackoffConfig,
}

/// The policies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AccrualKind {
    /// `io.l5d.consecutiveFailures`
    ConsecutiveFailures {
        /// So many in a row.
        failures: u32,
    },
    /// `io.l5d.successRate`
    SuccessRate {
        /// The rate, from 0 to 1, below which an endpoint is taken out.
        success_rate: f64,
        /// Window of the average, in requests.
        requests: u32,
    },
    /// `io.l5d.successRateWindowed`
    SuccessRateWindowed {
        /// The rate, from 0 to 1, below which an endpoint is taken out.
        success_rate: f64,
        /// Window of the average.
        window: Duration,
    },
    /// `none`
    Never,
}

impl Default for FailureAccrualConfig {
    fn default() -> Self {
        Self {
            kind: AccrualKind::ConsecutiveFailures { failures: 5 },
            backoff: BackoffConfig::EqualJittered {
                start: Duration::from_secs(5),
                max: Duration::from_mins(5),
            },
        }
    }
}

/// The key that all kinds but `none` have.
pub(super) static BACKOFF_KEY: &[Key] = &[key(
    "backoff",
    Type::Kind(&BACKOFFS),
    Means("from 5 s to 300 s, half of it random"),
    "How long an endpoint is left alone before one request tries it again; after each failure \
     the next wait of the sequence.",
)];

/// The keys of `io.l5d.consecutiveFailures`.
pub(super) static CONSECUTIVE_FAILURES_KEYS: &[Key] = &[key(
    "failures",
    Type::Integer(1, value::MAX),
    Required,
    "How many requests in a row must fail.",
)];

const SUCCESS_RATE_KEY: Key = key(
    "successRate",
    Type::Number(0.0, 1.0),
    Required,
    "The share of successes below which an endpoint is left alone.",
);

/// The keys of `io.l5d.successRate`.
pub(super) static SUCCESS_RATE_KEYS: &[Key] = &[
    SUCCESS_RATE_KEY,
    key(
        "requests",
        Type::Integer(1, value::MAX),
        Required,
        "Over how many requests the share is averaged; as many are needed before it counts.",
    ),
];

/// The keys of `io.l5d.successRateWindowed`.
pub(super) static SUCCESS_RATE_WINDOWED_KEYS: &[Key] = &[
    SUCCESS_RATE_KEY,
    key(
        "window",
        Type::Integer(1, value::MAX),
        Required,
        "Over how many seconds the share is averaged.",
    ),
];

fn with_backoff(
    object: &mut Object<'_>,
    kind: Option<AccrualKind>,
) -> Option<FailureAccrualConfig> {
    let backoff = object
        .optional("backoff", |field| BACKOFFS.read(field))
        .unwrap_or(FailureAccrualConfig::default().backoff);
    Some(FailureAccrualConfig { kind: kind?, backoff })
}

pub(super) fn read_consecutive_failures(object: &mut Object<'_>) -> Option<FailureAccrualConfig> {
    let failures = object.required("failures", value::count);
    let kind = failures.map(|failures| AccrualKind::ConsecutiveFailures { failures });
    with_backoff(object, kind)
}

pub(super) fn read_success_rate(object: &mut Object<'_>) -> Option<FailureAccrualConfig> {
    let success_rate = object.required("successRate", value::number(0.0..=1.0));
    let requests = object.required("requests", value::count);
    let kind = success_rate
        .zip(requests)
        .map(|(success_rate, requests)| AccrualKind::SuccessRate { success_rate, requests });
    with_backoff(object, kind)
}

pub(super) fn read_success_rate_windowed(object: &mut Object<'_>) -> Option<FailureAccrualConfig> {
    let success_rate = object.required("successRate", value::number(0.0..=1.0));
    let window = object.required("window", value::count).map(Duration::from_secs);
    let kind = success_rate
        .zip(window)
        .map(|(success_rate, window)| AccrualKind::SuccessRateWindowed { success_rate, window });
    with_backoff(object, kind)
}

pub(super) fn read_none(_: &mut Object<'_>) -> Option<FailureAccrualConfig> {
    Some(FailureAccrualConfig { kind: AccrualKind::Never, ..FailureAccrualConfig::default() })
}
