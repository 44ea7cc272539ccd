//! `limits` of a server: what one caller, and all together, may take. Keys of ours.

use std::time::Duration;

use super::reader::Field;
use super::value;

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
    /// `maxConnectionsPerPeer`: of one IPv4 address or IPv6 network of 64 bits; no limit unless given.
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

pub(super) fn read(field: &Field<'_>) -> Option<LimitsConfig> {
    let default = LimitsConfig::default();
    let mut object = field.object("`limits`")?;
    let config = LimitsConfig {
        max_headers: object.optional("maxHeaders", value::count).unwrap_or(default.max_headers),
        head_timeout: object
            .optional("headTimeoutMs", value::limit_millis)
            .unwrap_or(default.head_timeout),
        idle_timeout: object
            .optional("idleTimeoutMs", value::limit_millis)
            .unwrap_or(default.idle_timeout),
        body_timeout: object
            .optional("bodyTimeoutMs", value::limit_millis)
            .unwrap_or(default.body_timeout),
        max_connections: object
            .optional("maxConnections", value::count)
            .unwrap_or(default.max_connections),
        max_connections_per_peer: object.optional("maxConnectionsPerPeer", value::count),
    };
    object.finish();
    Some(config)
}
