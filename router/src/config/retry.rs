//! Budgets and backoffs of retries.

use std::time::Duration;

use super::reader::Field;
use super::value;

/// `retries.budget` of services and `requeueBudget` of clients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BudgetConfig {
    /// `minRetriesPerSec`: allowed whatever the traffic; 10 unless given.
    pub min_retries_per_sec: u32,
    /// `percentCanRetry`: retries for each request, as a ratio: 0.2 is one in five; 0.2 unless given.
    pub percent_can_retry: f64,
    /// `ttlSecs`: how long a request counts; 10 s unless given.
    pub ttl: Duration,
}

impl Default for BudgetConfig {
    fn default() -> Self {
        Self { min_retries_per_sec: 10, percent_can_retry: 0.2, ttl: Duration::from_secs(10) }
    }
}

/// A budget of services or clients. The ranges are those of Finagle's `RetryBudget`.
pub(super) fn read_budget(field: &Field<'_>) -> Option<BudgetConfig> {
    let default = BudgetConfig::default();
    let mut object = field.object("a retry budget")?;
    let min_retries_per_sec = object
        .optional("minRetriesPerSec", value::integer(0..=value::MAX))
        .unwrap_or(default.min_retries_per_sec);
    let percent_can_retry = object
        .optional("percentCanRetry", value::number(0.0..=1000.0))
        .unwrap_or(default.percent_can_retry);
    let ttl =
        object.optional("ttlSecs", value::integer(1..=60)).map_or(default.ttl, Duration::from_secs);
    object.finish();
    Some(BudgetConfig { min_retries_per_sec, percent_can_retry, ttl })
}
