//! Histograms: logarithmic buckets that one thread fills and another reads.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

/// Buckets per doubling of the value: a bucket is 1/128 to 1/256 of its values wide, so that its
/// middle is within 0.4 % of each. Below 256 every value has a bucket of its own.
const CHUNK: usize = 128;
/// `CHUNK` as a power of two.
const CHUNK_BITS: u32 = CHUNK.trailing_zeros();
/// The highest value told apart, as in Finagle.
const HIGHEST: u64 = i32::MAX as u64;
/// One chunk of buckets for values below `CHUNK`, and one for each doubling up to `HIGHEST`.
const CHUNKS: usize = 25;

/// The bucket of a value.
pub(super) fn bucket(value: u64) -> usize {
    let value = value.min(HIGHEST);
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(CHUNK_BITS + 1);
    shift as usize * CHUNK + (value >> shift) as usize
}

/// The middle of a bucket.
pub(super) fn middle(bucket: usize) -> u64 {
    let shift = (bucket / CHUNK).saturating_sub(1);
    let low = ((bucket - shift * CHUNK) as u64) << shift;
    low + ((1 << shift) - 1) / 2
}

type Chunk = [AtomicU32; CHUNK];

/// The buckets of one handle: they only ever grow (and wrap), so a reader keeps what it saw last
/// and takes the difference, and nothing needs to be reset under the writer.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    /// Made when a value first falls there: 512 bytes each, and most stats need one or two.
    chunks: [OnceLock<Box<Chunk>>; CHUNKS],
    sum: AtomicU64,
}

impl Buckets {
    /// Counts `value`. Only one thread may call this.
    #[inline]
    pub(super) fn record(&self, value: u64) {
        let at = bucket(value);
        let chunk =
            self.chunks[at / CHUNK].get_or_init(|| Box::new([const { AtomicU32::new(0) }; CHUNK]));
        let count = &chunk[at % CHUNK];
        count.store(count.load(Relaxed).wrapping_add(1), Relaxed);
        self.sum.store(self.sum.load(Relaxed).wrapping_add(value), Relaxed);
    }
}

/// Counts by bucket, in chunks that are there only if something fell there.
type Counts = [Option<Box<[u32; CHUNK]>>; CHUNKS];

/// What some handles have counted in all, by bucket. It wraps, as they do.
#[derive(Clone, Default)]
pub(super) struct Totals {
    counts: Counts,
    sum: u64,
}

impl Totals {
    fn add(&mut self, buckets: &Buckets) {
        for (mine, chunk) in self.counts.iter_mut().zip(&buckets.chunks) {
            let Some(chunk) = chunk.get() else { continue };
            let mine = mine.get_or_insert_with(|| Box::new([0; CHUNK]));
            for (mine, count) in mine.iter_mut().zip(chunk.iter()) {
                *mine = mine.wrapping_add(count.load(Relaxed));
            }
        }
        self.sum = self.sum.wrapping_add(buckets.sum.load(Relaxed));
    }

    /// The values that are new since `earlier`, rising, each with how often it came.
    pub(super) fn since(&self, earlier: &Totals) -> Vec<(u64, u64)> {
        let mut fresh = Vec::new();
        for (chunk, (now, seen)) in self.counts.iter().zip(&earlier.counts).enumerate() {
            let Some(now) = now else { continue };
            for (at, &now) in now.iter().enumerate() {
                let new = now.wrapping_sub(seen.as_ref().map_or(0, |seen| seen[at]));
                if new > 0 {
                    fresh.push((middle(chunk * CHUNK + at), u64::from(new)));
                }
            }
        }
        fresh
    }
}

/// What is known of all handles of a name together.
#[derive(Default)]
pub(super) struct Merged {
    /// What dropped handles had counted.
    retired: Totals,
    /// What all had counted at the last summary.
    seen: Totals,
}

impl Merged {
    /// Takes in what a handle that goes has counted.
    pub(super) fn retire(&mut self, buckets: &Buckets) {
        self.retired.add(buckets);
    }

    /// What all handles, live and dropped, have counted.
    pub(super) fn totals(&self, live: &[Arc<Buckets>]) -> Totals {
        let mut totals = self.retired.clone();
        for buckets in live {
            totals.add(buckets);
        }
        totals
    }

    /// Summarises what is new since the last call.
    pub(super) fn summarize(&mut self, live: &[Arc<Buckets>]) -> Summary {
        let now = self.totals(live);
        let summary = Summary::new(&now.since(&self.seen), now.sum.wrapping_sub(self.seen.sum));
        self.seen = now;
        summary
    }
}

/// A histogram over one interval. All but the sum (and so the average) are bucket middles.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// How many values.
    pub count: u64,
    /// Their sum, exact.
    pub sum: u64,
    /// The lowest value.
    pub min: u64,
    /// The highest value.
    pub max: u64,
    /// The values at the quantiles of [`Summary::QUANTILES`].
    pub quantiles: [u64; 6],
}

impl Summary {
    /// The quantiles kept, with the name that metrics.json gives them.
    pub const QUANTILES: [(f64, &str); 6] = [
        (0.5, "p50"),
        (0.9, "p90"),
        (0.95, "p95"),
        (0.99, "p99"),
        (0.999, "p9990"),
        (0.9999, "p9999"),
    ];

    /// The arithmetic mean, 0 without values.
    pub fn avg(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum as f64 / self.count as f64 }
    }

    /// `counts`: values in rising order, each with how often it came.
    fn new(counts: &[(u64, u64)], sum: u64) -> Self {
        let (Some(&(min, _)), Some(&(max, _))) = (counts.first(), counts.last()) else {
            return Summary::default();
        };
        let count: u64 = counts.iter().map(|(_, count)| count).sum();
        // The value with which the rounded share of the count is reached, as in Finagle.
        let quantile = |q: f64| {
            let target = (q * count as f64).round() as u64;
            let mut seen = 0;
            let reached = counts.iter().find(|(_, count)| {
                seen += count;
                seen >= target
            });
            reached.map_or(max, |&(value, _)| value)
        };
        Summary { count, sum, min, max, quantiles: Self::QUANTILES.map(|(q, _)| quantile(q)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_exact_below_256_and_within_half_a_percent_beyond() {
        for value in 0..256 {
            assert_eq!(middle(bucket(value)), value);
        }
        let mut value = 256_u64;
        while value < HIGHEST {
            let error = middle(bucket(value)).abs_diff(value) as f64 / value as f64;
            assert!(error < 0.005, "{value} is kept as {}", middle(bucket(value)));
            value += value / 97 + 1;
        }
    }

    #[test]
    fn buckets_rise_without_gaps_up_to_the_highest() {
        assert_eq!(bucket(HIGHEST), CHUNKS * CHUNK - 1);
        assert_eq!(bucket(u64::MAX), bucket(HIGHEST));
        for at in 0..CHUNKS * CHUNK {
            assert_eq!(bucket(middle(at)), at);
        }
    }

    #[test]
    fn a_summary_has_the_quantiles_as_finagle_rounds_them() {
        let counts: Vec<_> = (1..=46).map(|value| (value, 1)).collect();
        let summary = Summary::new(&counts, 1081);
        // p99 of 46 values: round(45.54) = the 46th.
        assert_eq!(summary.quantiles, [23, 41, 44, 46, 46, 46]);
        assert_eq!((summary.min, summary.max, summary.avg()), (1, 46, 23.5));
    }

    #[test]
    fn a_summary_covers_what_came_since_the_last_one_dropped_handles_included() {
        let (a, b) = (Arc::new(Buckets::default()), Arc::new(Buckets::default()));
        let mut merged = Merged::default();
        a.record(10);
        b.record(20);
        let first = merged.summarize(&[a.clone(), b.clone()]);
        assert_eq!((first.count, first.sum, first.min, first.max), (2, 30, 10, 20));

        a.record(30);
        b.record(5000);
        merged.retire(&b);
        let second = merged.summarize(std::slice::from_ref(&a));
        assert_eq!((second.count, second.sum, second.min), (2, 5030, 30));
        assert_eq!(merged.summarize(&[a]), Summary::default());
    }
}
