//! The outcomes and latencies of the last few seconds.

use std::collections::VecDeque;

use crate::telemetry::histogram::middle;

/// Seconds that success rates and quantiles are taken over: of a service with a request now and then,
/// a single second has nothing to tell.
const SECONDS: usize = 10;

/// The quantiles that are shown: p50, p95, p99.
pub(super) const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];

/// Buckets of a histogram, rising, each with how many values are in it.
pub(super) type Latencies = Vec<(u16, u32)>;

/// What the last seconds come to.
#[derive(Debug, Default)]
pub(super) struct Window {
    seconds: VecDeque<Second>,
    success: u64,
    failures: u64,
    latencies: Latencies,
}

#[derive(Debug, Default)]
struct Second {
    success: u64,
    failures: u64,
    latencies: Latencies,
}

impl Window {
    /// Another second has passed.
    pub(super) fn push(&mut self, success: u64, failures: u64, latencies: Latencies) {
        if self.seconds.len() == SECONDS
            && let Some(gone) = self.seconds.pop_front()
        {
            self.success -= gone.success;
            self.failures -= gone.failures;
            self.subtract(&gone.latencies);
        }
        self.success += success;
        self.failures += failures;
        add(&mut self.latencies, &latencies);
        self.seconds.push_back(Second { success, failures, latencies });
    }

    /// The share that succeeded; none if there was nothing.
    pub(super) fn success(&self) -> Option<f32> {
        let all = self.success + self.failures;
        (all > 0).then(|| (self.success as f64 / all as f64) as f32)
    }

    /// The buckets that the quantiles are in; none if there was nothing.
    pub(super) fn quantiles(&self) -> Option<[u16; 3]> {
        let all: u64 = self.latencies.iter().map(|&(_, count)| u64::from(count)).sum();
        let highest = self.latencies.last()?.0;
        Some(QUANTILES.map(|quantile| {
            // As summaries have it: the value with which the rounded share is reached.
            let target = (quantile * all as f64).round() as u64;
            let mut seen = 0;
            let reached = self.latencies.iter().find(|&&(_, count)| {
                seen += u64::from(count);
                seen >= target
            });
            reached.map_or(highest, |&(bucket, _)| bucket)
        }))
    }

    fn subtract(&mut self, gone: &Latencies) {
        if gone.is_empty() {
            return;
        }
        for &(bucket, count) in gone {
            if let Ok(at) = self.latencies.binary_search_by_key(&bucket, |&(known, _)| known) {
                self.latencies[at].1 -= count;
            }
        }
        self.latencies.retain(|&(_, count)| count > 0);
    }
}

/// Adds what is new.
pub(super) fn add(all: &mut Latencies, new: &Latencies) {
    for &(bucket, count) in new {
        match all.binary_search_by_key(&bucket, |&(known, _)| known) {
            Ok(at) => all[at].1 += count,
            Err(at) => all.insert(at, (bucket, count)),
        }
    }
}

/// The milliseconds of a bucket.
pub(super) fn millis(bucket: u16) -> u64 {
    middle(usize::from(bucket))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_of_the_last_ten_seconds_and_of_nothing_else() {
        let mut window = Window::default();
        assert_eq!((window.success(), window.quantiles()), (None, None));
        window.push(3, 1, vec![(5, 3), (90, 1)]);
        assert_eq!((window.success(), window.quantiles()), (Some(0.75), Some([5, 90, 90])));
        for _ in 1..SECONDS {
            window.push(0, 0, Vec::new());
        }
        assert_eq!(window.success(), Some(0.75));
        window.push(1, 0, vec![(7, 1)]);
        assert_eq!((window.success(), window.quantiles()), (Some(1.0), Some([7, 7, 7])));
        assert_eq!(window.latencies, [(7, 1)]);
    }
}
