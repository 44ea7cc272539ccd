//! `io.l5d.successRateWindowed`: dead when too few requests succeed in a span of time.

use std::time::{Duration, Instant};

use super::Policy;

/// With fewer requests than this in the window there is nothing to judge.
const MIN_REQUESTS: u32 = 5;
/// The window's requests are counted in so many slices, which expire one by one.
const SLICES: u32 = 5;

/// The policy: an exponential moving average over time, in which a request weighs as much as the
/// time since the one before it.
#[derive(Debug)]
pub(super) struct SuccessRateWindowed {
    limit: f64,
    window: Duration,
    average: Option<f64>,
    observed: Instant,
    alive_since: Instant,
    slices: [u32; SLICES as usize],
    /// The slice counted in now, and when it began.
    at: usize,
    slice_began: Instant,
}

impl SuccessRateWindowed {
    pub(super) fn new(limit: f64, window: Duration, now: Instant) -> Self {
        SuccessRateWindowed {
            limit,
            window,
            average: None,
            observed: now,
            alive_since: now,
            slices: [0; SLICES as usize],
            at: 0,
            slice_began: now,
        }
    }

    fn observe(&mut self, value: f64, now: Instant) -> f64 {
        self.expire(now);
        self.slices[self.at] = self.slices[self.at].saturating_add(1);
        // To the millisecond, as Finagle's clock has it here.
        let passed = now.saturating_duration_since(self.observed).as_millis() as f64;
        self.observed = self.observed.max(now);
        let window = (self.window.as_millis() as f64).max(1.0);
        let keep = (-passed / window).exp();
        let average = self.average.map_or(value, |a| a * keep + value * (1.0 - keep));
        self.average = Some(average);
        average
    }

    /// Empties the slices whose time is over.
    fn expire(&mut self, now: Instant) {
        let length = (self.window / SLICES).max(Duration::from_millis(1));
        let passed = now.saturating_duration_since(self.slice_began).as_nanos() / length.as_nanos();
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        for _ in 0..passed.min(SLICES) {
            self.at = (self.at + 1) % self.slices.len();
            self.slices[self.at] = 0;
        }
        self.slice_began = match length.checked_mul(passed) {
            Some(passed) => self.slice_began + passed,
            None => now,
        };
    }
}

impl Policy for SuccessRateWindowed {
    fn succeeded(&mut self, now: Instant) {
        self.observe(1.0, now);
    }

    fn failed(&mut self, now: Instant) -> bool {
        let average = self.observe(0.0, now);
        average < self.limit
            && now.saturating_duration_since(self.alive_since) >= self.window
            && self.slices.iter().fold(0_u32, |sum, &slice| sum.saturating_add(slice))
                >= MIN_REQUESTS
    }

    fn revived(&mut self, now: Instant) {
        *self = Self::new(self.limit, self.window, now);
    }

    fn success_rate(&self) -> Option<f64> {
        self.average
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    #[test]
    fn a_request_weighs_as_much_as_the_time_before_it() {
        let start = Instant::now();
        let mut policy = SuccessRateWindowed::new(0.5, WINDOW, start);
        policy.succeeded(start);
        policy.failed(start);
        assert_eq!(policy.success_rate(), Some(1.0), "no time has passed");
        policy.failed(start + Duration::from_secs(5));
        let average = policy.success_rate().unwrap();
        assert!((average - (-0.5_f64).exp()).abs() < 1e-12, "{average}");
    }

    #[test]
    fn nothing_is_judged_before_the_window_is_over() {
        let start = Instant::now();
        let mut policy = SuccessRateWindowed::new(0.5, WINDOW, start);
        let dead = (0..20).find(|&second| policy.failed(start + Duration::from_secs(second)));
        assert_eq!(dead, Some(10));
    }

    #[test]
    fn few_requests_are_not_judged() {
        let start = Instant::now();
        let mut policy = SuccessRateWindowed::new(0.5, WINDOW, start);
        // Never more than four within ten seconds.
        for second in (0..200).step_by(3) {
            assert!(!policy.failed(start + Duration::from_secs(second)), "{second}");
        }
    }
}
