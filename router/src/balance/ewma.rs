//! `ewma`: of two endpoints drawn at random, the one with the smaller cost: its peak EWMA of round
//! trips times its requests in flight.
//!
//! The formulas are Finagle's (`PeakEwma`): a round trip that is longer than the average becomes the
//! average at once, a shorter one moves it by the time that has passed, and without any it decays.
//!
//! Where Finagle lets an endpoint that fails at once look fast, a failure counts here as a round
//! trip of at least [`FAILURE`], and at least of the cost known so far: it costs its caller another
//! try, and an endpoint that fails faster than others answer would otherwise be given most of the
//! requests. A request that its caller gave up counts if it had taken longer than the average, since
//! nothing else is ever heard of an endpoint that hangs.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::accrual::Outcome;

/// What a failure counts as at least: much more than most services take, and forgotten after a few
/// windows. Finagle's connect timeout has the same length, so that it is one price for both.
pub(crate) const FAILURE: Duration = Duration::from_secs(1);

/// The load of an endpoint of which nothing is known but that it has requests: it gets no further
/// one until the first has come back, unless all are like that.
const PENALTY: f64 = (i64::MAX >> 16) as f64;

/// The peak EWMA of one endpoint's round trips. One worker writes it, others may read.
#[derive(Debug)]
pub(crate) struct PeakEwma {
    epoch: Instant,
    /// Nanoseconds.
    window: f64,
    /// Nanoseconds, as bits; 0 while nothing is known.
    cost: AtomicU64,
    /// Nanoseconds from `epoch` to the last observation.
    observed: AtomicU64,
}

impl PeakEwma {
    pub(crate) fn new(window: Duration, now: Instant) -> Self {
        let window = (window.as_nanos() as f64).max(1.0);
        let (cost, observed) = (AtomicU64::new(0), AtomicU64::new(0));
        PeakEwma { epoch: now, window, cost, observed }
    }

    /// A request has taken this long to come to this.
    pub(crate) fn finished(&self, outcome: Outcome, took: Duration, now: Instant) {
        let took = took.as_nanos() as f64;
        match outcome {
            Outcome::Success => self.observe(took, now),
            Outcome::Failure => {
                let known = f64::from_bits(self.cost.load(Relaxed));
                self.observe(took.max(known).max(FAILURE.as_nanos() as f64), now);
            }
            Outcome::Ignored if took > self.nanos(now) => self.observe(took, now),
            Outcome::Ignored => {}
        }
    }

    fn observe(&self, value: f64, now: Instant) {
        let keep = self.keep(now);
        let before = f64::from_bits(self.cost.load(Relaxed));
        let cost = if value > before { value } else { before * keep + value * (1.0 - keep) };
        self.cost.store(cost.to_bits(), Relaxed);
        self.observed.store(self.since_epoch(now), Relaxed);
    }

    /// The average as it has decayed by now.
    pub(crate) fn cost(&self, now: Instant) -> Duration {
        Duration::from_nanos(self.nanos(now) as u64)
    }

    /// What balancers compare, for an endpoint with so many requests in flight.
    pub(crate) fn load(&self, pending: u32, now: Instant) -> f64 {
        let pending = f64::from(pending);
        let cost = self.nanos(now);
        if cost == 0.0 && pending != 0.0 { PENALTY + pending } else { cost * (pending + 1.0) }
    }

    /// To read is to observe 0, which comes to decaying by the time that has passed.
    fn nanos(&self, now: Instant) -> f64 {
        f64::from_bits(self.cost.load(Relaxed)) * self.keep(now)
    }

    /// What is left of the average after the time since the last observation.
    fn keep(&self, now: Instant) -> f64 {
        let passed = self.since_epoch(now).saturating_sub(self.observed.load(Relaxed));
        (-(passed as f64) / self.window).exp()
    }

    fn since_epoch(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.epoch).as_nanos() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// To the microsecond.
    fn cost(ewma: &PeakEwma, now: Instant) -> u128 {
        (ewma.cost(now) + Duration::from_nanos(500)).as_micros()
    }

    #[test]
    fn a_peak_counts_at_once_and_decays_by_time() {
        let start = Instant::now();
        let ewma = PeakEwma::new(WINDOW, start);
        ewma.finished(Outcome::Success, ms(20), start);
        ewma.finished(Outcome::Success, ms(200), start);
        assert_eq!(cost(&ewma, start), 200_000);
        assert_eq!(cost(&ewma, start + WINDOW), 73_576, "200 ms / e");
        ewma.finished(Outcome::Success, ms(20), start + WINDOW);
        assert_eq!(cost(&ewma, start + WINDOW), 86_218, "200 ms / e + 20 ms (1 - 1/e)");
    }

    #[test]
    fn load_is_cost_times_requests() {
        let start = Instant::now();
        let ewma = PeakEwma::new(WINDOW, start);
        ewma.finished(Outcome::Success, ms(20), start);
        assert_eq!([0, 1, 4].map(|pending| ewma.load(pending, start)), [2e7, 4e7, 1e8]);
    }

    #[test]
    fn a_fresh_endpoint_has_no_load_until_its_first_request() {
        let start = Instant::now();
        let ewma = PeakEwma::new(WINDOW, start);
        assert_eq!(ewma.load(0, start), 0.0);
        assert!(ewma.load(1, start) > 1e14 && ewma.load(2, start) > ewma.load(1, start));
    }

    #[test]
    fn a_failure_never_looks_fast() {
        let start = Instant::now();
        let ewma = PeakEwma::new(WINDOW, start);
        ewma.finished(Outcome::Failure, ms(1), start);
        assert_eq!(cost(&ewma, start), 1_000_000);
        ewma.finished(Outcome::Success, ms(3000), start);
        ewma.finished(Outcome::Failure, ms(1), start + WINDOW);
        assert_eq!(cost(&ewma, start + WINDOW), 3_000_000, "what was known has not decayed");
    }

    #[test]
    fn a_request_given_up_counts_if_it_was_slow() {
        let start = Instant::now();
        let ewma = PeakEwma::new(WINDOW, start);
        ewma.finished(Outcome::Ignored, ms(500), start);
        assert_eq!(cost(&ewma, start), 500_000);
        ewma.finished(Outcome::Ignored, ms(1), start);
        assert_eq!(cost(&ewma, start), 500_000);
    }
}
