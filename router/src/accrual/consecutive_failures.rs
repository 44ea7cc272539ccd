//! `io.l5d.consecutiveFailures`: dead after so many failures in a row.

use std::time::Instant;

use super::Policy;

/// The policy. The count stays when the endpoint is dead, so that one failed probe is enough.
#[derive(Debug)]
pub(super) struct ConsecutiveFailures {
    limit: u32,
    failures: u32,
}

impl ConsecutiveFailures {
    pub(super) fn new(limit: u32) -> Self {
        ConsecutiveFailures { limit, failures: 0 }
    }
}

impl Policy for ConsecutiveFailures {
    fn succeeded(&mut self, _now: Instant) {
        self.failures = 0;
    }

    fn failed(&mut self, _now: Instant) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.failures >= self.limit
    }

    fn revived(&mut self, _now: Instant) {
        self.failures = 0;
    }
}
