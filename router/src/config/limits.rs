//! `limits` of a server: what one caller, and all together, may take. Keys of ours.

use std::time::Duration;

/// `limits`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitsConfig {
    /// `maxHeaders`: header fields of a request; 100 unless given.
    pub max_headers: u32,
    /// `headTimeoutMs`: from the first byte of a head to its last; 10 s unless given.
    pub head_timeout: Duration,
    /// `idleTimeoutMs`: from the end of one exchange to the next head; 10 min unless given.
    pub idle_timeout: Duration,
    /// `bodyTimeoutMs`: without a byte of a body, or of a response taken by the caller; 1 min unless
    /// given.
    pub body_timeout: Duration,
    /// `maxConnections` of this server; 10,000 unless given.
    pub max_connections: u32,
    /// `maxConnectionsPerPeer`: of one address; no limit unless given.
    pub max_connections_per_peer: Option<u32>,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            max_headers: 100,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(10),
            body_timeout: Duration::from_mins(1),
            max_connections: 10_000,
            max_connections_per_peer: None,
        }
    }
}
