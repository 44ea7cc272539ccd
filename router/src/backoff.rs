//! The waits between tries, of retries and of failure accrual.
//!
//! The sequences are Finagle's (`Backoff`, 21.4), and have no end. Their randomness keeps those who
//! failed together from coming back together.

use std::time::Duration;

use crate::config::kinds::BackoffConfig;
use crate::entropy;

/// A sequence of waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    config: BackoffConfig,
    /// Waits given so far.
    count: u32,
    last: Duration,
}

impl Backoff {
    pub(crate) fn new(config: BackoffConfig) -> Self {
        Backoff { config, count: 0, last: Duration::ZERO }
    }

    /// The next wait.
    ///
    /// - constant: always the same;
    /// - decorrelated jitter: first `min`, then `prev + U(0, min(3·prev, max) - prev)`;
    /// - equal jitter: first `start`, then `half + U(0, half)` with `half = start·2^(k-1)` for the
    ///   k-th wait after the first, and `max` once that is reached.
    pub(crate) fn next_wait(&mut self) -> Duration {
        let wait = match self.config {
            BackoffConfig::Constant { wait } => wait,
            BackoffConfig::Jittered { min, max } => match self.count {
                0 => min.min(max),
                _ => {
                    let ceiling = self.last.saturating_mul(3).min(max);
                    self.last + uniform(ceiling.saturating_sub(self.last))
                }
            },
            BackoffConfig::EqualJittered { start, max } => match self.count {
                0 => start.min(max),
                count => {
                    let half = start.saturating_mul(1 << (count - 1).min(30));
                    let random = uniform(half.min(max));
                    if half >= max.saturating_sub(random) { max } else { half + random }
                }
            },
        };
        self.count = self.count.saturating_add(1);
        self.last = wait;
        wait
    }
}

/// A duration from 0 up to, but not, `limit`.
fn uniform(limit: Duration) -> Duration {
    limit.mul_f64(entropy::next_unit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn waits(config: BackoffConfig, count: usize) -> Vec<Duration> {
        let mut backoff = Backoff::new(config);
        (0..count).map(|_| backoff.next_wait()).collect()
    }

    #[test]
    fn a_constant_wait_stays() {
        let wait = Duration::from_millis(7);
        assert_eq!(waits(BackoffConfig::Constant { wait }, 3), [wait; 3]);
    }

    proptest! {
        #[test]
        fn jittered_waits_begin_at_the_least_and_at_most_triple(min in 1_u64..500, more in 0_u64..50_000) {
            let (min, max) = (Duration::from_millis(min), Duration::from_millis(min + more));
            let waits = waits(BackoffConfig::Jittered { min, max }, 40);
            prop_assert_eq!(waits[0], min);
            for pair in waits.windows(2) {
                prop_assert!(pair[1] >= pair[0] && pair[1] <= (pair[0] * 3).min(max));
            }
        }

        #[test]
        fn equal_jittered_waits_double_by_half(start in 1_u64..5_000, more in 0_u64..300_000) {
            let (start, max) = (Duration::from_millis(start), Duration::from_millis(start + more));
            let waits = waits(BackoffConfig::EqualJittered { start, max }, 40);
            prop_assert_eq!(waits[0], start);
            for (k, wait) in waits.iter().enumerate().skip(1) {
                let half = start.saturating_mul(1 << (k - 1).min(30));
                prop_assert!(*wait == max || *wait >= half && *wait < half * 2 && *wait <= max);
            }
            prop_assert_eq!(waits[39], max);
        }
    }
}
