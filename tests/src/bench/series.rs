//! One figure over the rounds.

/// A figure per round, in the order of the rounds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series(pub Vec<f64>);

impl Series {
    /// Middle value, the mean of the two middle ones if their number is even; `None` if empty.
    pub fn median(&self) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let upper = *sorted.get(sorted.len() / 2)?;
        let lower = *sorted.get(sorted.len().checked_sub(1)? / 2)?;
        Some(f64::midpoint(lower, upper))
    }

    /// Least value.
    pub fn min(&self) -> Option<f64> {
        self.0.iter().copied().min_by(f64::total_cmp)
    }

    /// Greatest value.
    pub fn max(&self) -> Option<f64> {
        self.0.iter().copied().max_by(f64::total_cmp)
    }

    /// Ratio to another round by round, so that what slows a whole round down cancels out.
    pub fn ratio(&self, base: &Self) -> Self {
        Self(self.0.iter().zip(&base.0).filter(|(_, b)| **b > 0.0).map(|(a, b)| a / b).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_min_and_max() {
        let odd = Series(vec![3.0, 1.0, 10.0]);
        assert_eq!((odd.median(), odd.min(), odd.max()), (Some(3.0), Some(1.0), Some(10.0)));
        assert_eq!(Series(vec![1.0, 2.0, 4.0, 9.0]).median(), Some(3.0));
        assert_eq!(Series::default().median(), None);
    }

    #[test]
    fn a_ratio_is_taken_round_by_round() {
        let (ours, theirs) = (Series(vec![2.0, 30.0]), Series(vec![1.0, 10.0]));
        assert_eq!(ours.ratio(&theirs), Series(vec![2.0, 3.0]));
        assert_eq!(ours.ratio(&Series(vec![0.0])), Series(vec![]));
    }
}
