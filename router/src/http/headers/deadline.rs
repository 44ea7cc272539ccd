//! `l5d-ctx-deadline`: since when and until when somebody waits for the answer.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::CTX_DEADLINE;

/// When a deadline was set and when it passes, in nanoseconds since the epoch.
///
/// Shown and read as `<timestamp> <deadline>`. It is advice: nothing is cut off by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// When the deadline was set.
    pub timestamp_ns: i64,
    /// When it passes.
    pub deadline_ns: i64,
}

impl Deadline {
    /// Reads `<timestamp> <deadline>`, with one space between; what follows behind another space is
    /// ignored. Anything else is no deadline.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let timestamp_ns = parts.next()?.parse().ok()?;
        let deadline_ns = parts.next()?.parse().ok()?;
        Some(Deadline { timestamp_ns, deadline_ns })
    }

    /// The stricter combination: the later timestamp and the earlier deadline.
    pub fn combined(self, other: Self) -> Self {
        Deadline {
            timestamp_ns: self.timestamp_ns.max(other.timestamp_ns),
            deadline_ns: self.deadline_ns.min(other.deadline_ns),
        }
    }
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.timestamp_ns, self.deadline_ns)
    }
}

/// The strictest combination of all deadlines that a request carries; unreadable ones do not count.
pub fn read(headers: &HeaderMap) -> Option<Deadline> {
    headers
        .get_all(CTX_DEADLINE)
        .iter()
        .filter_map(|value| Deadline::parse(value.to_str().ok()?))
        .reduce(Deadline::combined)
}

/// Reads the deadline, removes its headers, and combines it with one already in force.
///
/// Without a readable deadline the headers stay and the one in force is the answer.
pub fn take(headers: &mut HeaderMap, in_force: Option<Deadline>) -> Option<Deadline> {
    let Some(read) = read(headers) else { return in_force };
    headers.remove(CTX_DEADLINE);
    Some(in_force.map_or(read, |deadline| read.combined(deadline)))
}

/// Hands a deadline on to the next hop.
pub fn write(headers: &mut HeaderMap, deadline: Deadline) {
    insert_shown(headers, CTX_DEADLINE, deadline);
}

/// Sets a header to the shown form of a deadline.
pub(super) fn insert_shown(headers: &mut HeaderMap, name: HeaderName, deadline: Deadline) {
    // Digits, a space and signs: this cannot fail.
    if let Ok(value) = HeaderValue::try_from(deadline.to_string()) {
        headers.insert(name, value);
    }
}
