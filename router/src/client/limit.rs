//! Until when an answer must be there.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

/// A point in time, and the key of the configuration that sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    until: Instant,
    after: Duration,
    key: &'static str,
}

impl Limit {
    /// The limit that this key sets to so long from now.
    pub(crate) fn new(key: &'static str, after: Duration) -> Self {
        Limit { until: Instant::now() + after, after, key }
    }

    /// When it is reached.
    pub(crate) fn until(self) -> Instant {
        self.until
    }

    /// The time until it is reached.
    pub(crate) fn left(self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Whether this key of the configuration sets it.
    pub(crate) fn is_of(self, key: &str) -> bool {
        self.key == key
    }

    /// The one that is reached first.
    pub(crate) fn sooner(one: Option<Limit>, other: Option<Limit>) -> Option<Limit> {
        match (one, other) {
            (Some(one), Some(other)) if other.until < one.until => Some(other),
            (one, other) => one.or(other),
        }
    }

    /// Whether it would be reached within `wait`.
    pub(crate) fn is_within(self, wait: Duration) -> bool {
        Instant::now() + wait >= self.until
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "exceeded {} ms ({}) while waiting for a response",
            self.after.as_millis(),
            self.key
        )
    }
}

/// What the future gives, unless the limit is reached before. Costs no timer if there is no limit.
pub(crate) async fn within<F: Future>(limit: Option<Limit>, future: F) -> Result<F::Output, Limit> {
    match limit {
        None => Ok(future.await),
        Some(limit) => tokio::time::timeout_at(limit.until, future).await.map_err(|_| limit),
    }
}
