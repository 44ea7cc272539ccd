//! `io.l5d.successRate`: dead when too small a share of the last requests succeeds.

use std::time::Instant;

use super::Policy;

/// The policy: an exponential moving average over the numbers of requests, in which a request
/// weighs 1 − e^(−1/requests).
#[derive(Debug)]
pub(super) struct SuccessRate {
    limit: f64,
    requests: u32,
    /// What is left of the average after one more request.
    keep: f64,
    average: Option<f64>,
    /// Requests since it is alive.
    seen: u32,
}

impl SuccessRate {
    pub(super) fn new(limit: f64, requests: u32) -> Self {
        let keep = (-1.0 / f64::from(requests.max(1))).exp();
        SuccessRate { limit, requests, keep, average: None, seen: 0 }
    }

    fn observe(&mut self, value: f64) -> f64 {
        self.seen = self.seen.saturating_add(1);
        let average = self.average.map_or(value, |a| a * self.keep + value * (1.0 - self.keep));
        self.average = Some(average);
        average
    }
}

impl Policy for SuccessRate {
    fn succeeded(&mut self, _now: Instant) {
        self.observe(1.0);
    }

    fn failed(&mut self, _now: Instant) -> bool {
        self.observe(0.0) < self.limit && self.seen >= self.requests
    }

    fn revived(&mut self, _now: Instant) {
        self.average = None;
        self.seen = 0;
    }

    fn success_rate(&self) -> Option<f64> {
        self.average
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_weighs_as_much_as_the_window_says() {
        let mut policy = SuccessRate::new(0.5, 10);
        let now = Instant::now();
        policy.succeeded(now);
        assert_eq!(policy.success_rate(), Some(1.0), "the first value is the average");
        policy.failed(now);
        let average = policy.success_rate().unwrap();
        assert!((average - (-0.1_f64).exp()).abs() < 1e-12, "{average}");
    }

    #[test]
    fn nothing_is_judged_before_the_window_is_full() {
        let mut policy = SuccessRate::new(0.8, 10);
        let now = Instant::now();
        let verdicts: Vec<_> = (0..10).map(|_| policy.failed(now)).collect();
        assert_eq!(verdicts, [vec![false; 9], vec![true]].concat());
        policy.revived(now);
        assert!(!policy.failed(now));
    }

    #[test]
    fn a_rate_above_the_limit_is_borne() {
        let mut policy = SuccessRate::new(0.8, 100);
        let now = Instant::now();
        for _ in 0..200 {
            (0..9).for_each(|_| policy.succeeded(now));
            assert!(!policy.failed(now), "{:?}", policy.success_rate());
        }
        let until_dead = (1..30).find(|_| policy.failed(now));
        assert!(until_dead.is_some_and(|failures| failures > 5), "{until_dead:?}");
    }
}
