//! The server side: sockets accepted, heads checked, connections served.
//!
//! [`guard`] stands between the socket and the HTTP/1.1 codec and lets through only heads that can
//! be read in one way; [`watchdog`] ends connections that make no progress; [`connection`] serves
//! one connection.

pub(crate) mod connection;
pub(crate) mod guard;
pub(crate) mod head;
pub(crate) mod watchdog;

use std::time::Duration;

/// What a server takes from one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The longest header section, in bytes (`maxHeadersKB`).
    pub head_bytes: usize,
    /// The longest request line, in bytes (`maxInitialLineKB`).
    pub line_bytes: usize,
    /// The most header fields.
    pub fields: usize,
    /// From the first byte of a head to its last.
    pub head_time: Duration,
    /// From the end of one exchange to the next head.
    pub idle_time: Duration,
    /// Without a byte of a body, or of a response taken by the caller.
    pub stall_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            head_bytes: 8 * 1024,
            line_bytes: 4 * 1024,
            fields: 100,
            head_time: Duration::from_secs(10),
            idle_time: Duration::from_mins(10),
            stall_time: Duration::from_mins(1),
        }
    }
}
