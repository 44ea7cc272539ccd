//! Budgets and backoffs of retries.

use std::time::Duration;

use super::keys::{Absent::*, Section, Type, key};
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

/// `retries.budget` and `requeueBudget`
pub(super) static BUDGET: Section = Section {
    noun: "a retry budget",
    keys: &[&[
        key(
            "minRetriesPerSec",
            Type::Integer(0, value::MAX),
            Is("10"),
            "Retries per second that are allowed however few requests there are.",
        ),
        key(
            "percentCanRetry",
            Type::Number(0.0, 1000.0),
            Is("0.2"),
            "How many retries each request allows, as a ratio and not in percent: 0.2 allows one \
             retry for every five requests. With this and minRetriesPerSec at 0 nothing is retried.",
        ),
        key(
            "ttlSecs",
            Type::Integer(1, 60),
            Is("10"),
            "For how many seconds a request counts towards the retries that it allows.",
        ),
    ]],
};

/// A budget of services or clients. The ranges are those of Finagle's `RetryBudget`.
pub(super) fn read_budget(field: &Field<'_>) -> Option<BudgetConfig> {
    let default = BudgetConfig::default();
    let mut object = field.object(&BUDGET)?;
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
