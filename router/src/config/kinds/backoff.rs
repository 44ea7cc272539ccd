//! `backoff` of retries and of failure accrual: the waits between tries.

use std::time::Duration;

/// A sequence of waits without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackoffConfig {
    /// `constant`: always the same.
    Constant {
        /// `ms`; 0 unless given.
        wait: Duration,
    },
    /// `jittered`: decorrelated jitter.
    Jittered {
        /// `minMs`: the first wait.
        min: Duration,
        /// `maxMs`: the longest.
        max: Duration,
    },
    /// Half of it random; what failure accrual does unless told otherwise. It has no name.
    EqualJittered {
        /// The first wait.
        start: Duration,
        /// The longest.
        max: Duration,
    },
}
