//! `limits` of a server: what one caller, and all together, may take. Keys of ours.

use std::time::Duration;

use super::keys::{Absent::*, Section, Type, key};
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

/// `limits`
pub(super) static LIMITS: Section = Section {
    noun: "`limits`",
    keys: &[&[
        key(
            "maxHeaders",
            Type::Integer(1, value::MAX),
            Is("100"),
            "Header fields that a request may have; more are answered with 431.",
        )
        .ours(),
        key(
            "headTimeoutMs",
            Type::Millis(1),
            Is("10000"),
            "How long the head of a request may take from its first byte to its last; slower ones \
             are answered with 408.",
        )
        .ours(),
        key(
            "idleTimeoutMs",
            Type::Millis(1),
            Is("600000"),
            "A connection is closed when this long after one exchange no next one has begun.",
        )
        .ours(),
        key(
            "bodyTimeoutMs",
            Type::Millis(1),
            Is("60000"),
            "How long a caller may go without sending a byte of a request's body, or without \
             taking a byte of its response, before the exchange is given up.",
        )
        .ours(),
        key(
            "maxConnections",
            Type::Integer(1, value::MAX),
            Is("10000"),
            "Connections that may be open to this server at a time; further ones are refused.",
        )
        .ours(),
        key(
            "maxConnectionsPerPeer",
            Type::Integer(1, value::MAX),
            Means("no limit"),
            "Connections that one IPv4 address, or one IPv6 network of 64 bits, may have open to this \
             server at a time.",
        )
        .ours(),
    ]],
};

pub(super) fn read(field: &Field<'_>) -> Option<LimitsConfig> {
    let default = LimitsConfig::default();
    let mut object = field.object(&LIMITS)?;
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
