//! Waits between tries.
//!
//! The sequences are Finagle's (`com.twitter.finagle.Backoff`): each has no end, and is random so
//! that those who failed together do not come back together.

use std::time::Duration;

use crate::config::kinds::BackoffConfig;
use crate::entropy;

/// A sequence of waits. Making one costs nothing: it may be made for each request.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    sequence: Sequence,
    /// The last wait.
    last: Duration,
    /// Waits given so far.
    given: u32,
}

#[derive(Clone, Copy, Debug)]
enum Sequence {
    Configured(BackoffConfig),
    Exponential { base: Duration, max: Duration },
}

impl Backoff {
    pub(crate) fn new(config: BackoffConfig) -> Self {
        Self::of(Sequence::Configured(config))
    }

    /// Exponential jitter: `base`, then up to the last wait times 2^k before the k-th next, then
    /// `max` for good once that is reached. A wait may be as short as chance has it, but for a tenth
    /// of `base`, below which this would be a busy loop.
    pub(crate) fn exponential(base: Duration, max: Duration) -> Self {
        Self::of(Sequence::Exponential { base, max })
    }

    fn of(sequence: Sequence) -> Self {
        Backoff { sequence, last: Duration::ZERO, given: 0 }
    }

    /// The next wait.
    pub(crate) fn next(&mut self) -> Duration {
        let k = self.given;
        self.given = k.saturating_add(1);
        self.last = match self.sequence {
            Sequence::Configured(BackoffConfig::Constant { wait }) => wait,
            Sequence::Configured(BackoffConfig::Jittered { min, max }) => {
                decorrelated(min, max, self.last, k)
            }
            Sequence::Configured(BackoffConfig::EqualJittered { start, max }) => {
                equal(start, max, k)
            }
            Sequence::Exponential { base, max } => exponential(base, max, self.last, k),
        };
        self.last
    }
}

/// `min`, then between the last wait and three times that.
fn decorrelated(min: Duration, max: Duration, last: Duration, k: u32) -> Duration {
    if k == 0 {
        return min.min(max);
    }
    last + below(last.saturating_mul(3).min(max).saturating_sub(last))
}

/// `start`, then before the k-th next half of `start` · 2^k for sure and half by chance.
fn equal(start: Duration, max: Duration, k: u32) -> Duration {
    let Some(doublings) = k.checked_sub(1) else { return start.min(max) };
    let half = start.saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX));
    half.saturating_add(below(half)).min(max)
}

fn exponential(base: Duration, max: Duration, last: Duration, k: u32) -> Duration {
    if k == 0 {
        return base.min(max);
    }
    let limit = last.saturating_mul(1_u32.checked_shl(k).unwrap_or(u32::MAX));
    if last >= max || limit >= max { max } else { below(limit).max(base / 10) }
}

/// A random duration from zero up to, but not, `limit`.
fn below(limit: Duration) -> Duration {
    limit.mul_f64(entropy::next_unit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Duration = Duration::from_secs(5);
    const MAX: Duration = Duration::from_mins(5);

    fn waits(mut backoff: Backoff, count: usize) -> Vec<Duration> {
        std::iter::repeat_with(|| backoff.next()).take(count).collect()
    }

    #[test]
    fn a_constant_is_that() {
        let wait = Duration::from_millis(20);
        assert_eq!(waits(Backoff::new(BackoffConfig::Constant { wait }), 3), [wait; 3]);
    }

    #[test]
    fn equal_jitter_doubles_what_is_sure() {
        let config = BackoffConfig::EqualJittered { start: START, max: MAX };
        let waits = waits(Backoff::new(config), 12);
        assert_eq!(waits[0], START);
        for (k, &wait) in (1..).zip(&waits[1..]) {
            let sure = START.saturating_mul(1 << (k - 1));
            assert!(wait >= sure.min(MAX) && wait <= (2 * sure).min(MAX), "{k}: {wait:?}");
        }
        assert_eq!(waits[11], MAX);
    }

    #[test]
    fn exponential_jitter_ends_at_the_longest_wait() {
        let (base, max) = (Duration::from_secs(1), Duration::from_secs(32));
        for _ in 0..100 {
            let waits = waits(Backoff::exponential(base, max), 40);
            assert_eq!(waits[0], base);
            assert!(waits.iter().all(|&wait| wait >= base / 10 && wait <= max), "{waits:?}");
            assert_eq!(waits[20..], [max; 20]);
        }
    }

    proptest! {
        #[test]
        fn decorrelated_jitter_stays_between_its_limits_and_never_falls(
            min in 0_u64..10_000,
            span in 0_u64..100_000,
        ) {
            let (min, max) = (Duration::from_millis(min), Duration::from_millis(min + span));
            let waits = waits(Backoff::new(BackoffConfig::Jittered { min, max }), 50);
            prop_assert_eq!(waits[0], min);
            for pair in waits.windows(2) {
                prop_assert!(pair[0] <= pair[1] && pair[1] <= (3 * pair[0]).min(max), "{:?}", pair);
            }
        }

        #[test]
        fn no_sequence_passes_its_longest_wait_or_overflows(
            start in any::<u32>(),
            max in any::<u64>(),
            draws in 1_usize..200,
        ) {
            let (start, max) = (Duration::from_millis(start.into()), Duration::from_millis(max));
            for sequence in [
                Backoff::new(BackoffConfig::Jittered { min: start, max }),
                Backoff::new(BackoffConfig::EqualJittered { start, max }),
            ] {
                prop_assert!(waits(sequence, draws).iter().all(|&wait| wait <= max));
            }
        }
    }
}
