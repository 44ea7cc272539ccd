//! Latencies in logarithmic buckets.

/// Buckets per power of two: a value is known to within 1/64, about 1.6 %.
const SUB: u64 = 64;
const SUB_BITS: u32 = SUB.ilog2();

/// Counts of durations in nanoseconds, each bucket at most 1/64 of its value wide. Values below
/// 64 ns are exact.
#[derive(Debug, Clone)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        let buckets = bucket(u64::MAX) + 1;
        Self { counts: vec![0; buckets], total: 0 }
    }
}

fn bucket(ns: u64) -> usize {
    if ns < SUB {
        return ns as usize;
    }
    let shift = ns.ilog2() - SUB_BITS;
    (u64::from(shift + 1) * SUB + ((ns >> shift) - SUB)) as usize
}

/// Middle of a bucket.
fn value(bucket: usize) -> f64 {
    let (power, sub) = (bucket as u64 / SUB, bucket as u64 % SUB);
    if power == 0 {
        return sub as f64;
    }
    let width = (1u64 << (power - 1)) as f64;
    (SUB + sub) as f64 * width + width / 2.0
}

impl Histogram {
    /// Counts one duration.
    pub fn record(&mut self, ns: u64) {
        self.counts[bucket(ns)] += 1;
        self.total += 1;
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.total += other.total;
    }

    /// How many were recorded.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The duration in nanoseconds that a share `q` (0 to 1) of those recorded do not exceed,
    /// to within a bucket; 0 if none was recorded.
    pub fn quantile(&self, q: f64) -> f64 {
        let rank = ((self.total as f64 * q).ceil() as u64).max(1);
        let mut seen = 0;
        for (at, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return value(at);
            }
        }
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_again_to_within_two_percent() {
        for ns in [0, 1, 63, 64, 65, 999, 123_456, 7_000_000, 60_000_000_000, u64::MAX] {
            let mut histogram = Histogram::default();
            histogram.record(ns);
            let got = histogram.quantile(0.5);
            assert!((got - ns as f64).abs() <= ns as f64 * 0.02, "{ns} came back as {got}");
        }
    }

    #[test]
    fn buckets_are_ordered_without_gaps() {
        let edges: Vec<usize> = (0..100_000u64).map(bucket).collect();
        assert!(edges.windows(2).all(|w| w[1] == w[0] || w[1] == w[0] + 1));
    }

    #[test]
    fn quantiles_of_merged_counts() {
        let (mut low, mut high) = (Histogram::default(), Histogram::default());
        (0..99).for_each(|_| low.record(10));
        high.record(50);
        low.merge(&high);
        assert_eq!(low.total(), 100);
        assert_eq!((low.quantile(0.5), low.quantile(0.99), low.quantile(1.0)), (10.0, 10.0, 50.0));
        assert_eq!(Histogram::default().quantile(0.99), 0.0);
    }
}
