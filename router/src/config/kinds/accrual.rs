//! `failureAccrual`: when an endpoint is left alone for a while.

use std::time::Duration;

use super::BackoffConfig;

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
