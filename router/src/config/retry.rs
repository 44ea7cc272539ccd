//! Budgets and backoffs of retries.

use std::time::Duration;

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
