//! What is counted of the connections of a server, under Linkerd's names where it has them.

use super::head::Violation;
use crate::telemetry::{Counter, Scope, Stat};

/// `rt/<router>/server/<ip>/<port>`, apart from requests. Every worker has its own.
pub(crate) struct ConnectionCounts {
    closes: Counter,
    pub(super) received_bytes: Counter,
    pub(super) sent_bytes: Counter,
    duration: Stat,
    requests: Stat,
    received: Stat,
    sent: Stat,
    /// Closed by `serverSession` or `socketOptions`.
    pub(super) idle: Counter,
    pub(super) lifetime: Counter,
    pub(super) read_timeout: Counter,
    pub(super) write_timeout: Counter,
    /// How often each of our own limits has struck: `limits/…`.
    pub(super) idle_timeout: Counter,
    pub(super) body_timeout: Counter,
    head_timeout: Counter,
    head_bytes: Counter,
    line_bytes: Counter,
    headers: Counter,
    connections: Counter,
    connections_per_peer: Counter,
    /// Connections of HTTP/2 that were ended for what came on them.
    pub(super) frame_floods: Counter,
    pub(super) reset_floods: Counter,
    /// Streams whose callers took nothing for too long.
    pub(super) stalled_streams: Counter,
    /// Connections closed to make room for others.
    pub(super) shed: Counter,
}

/// One connection, as it was when it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) millis: u64,
    pub(super) requests: u64,
    pub(super) received: u64,
    pub(super) sent: u64,
}

impl ConnectionCounts {
    pub(crate) fn new(server: &Scope) -> Self {
        let limits = server.scope("limits");
        ConnectionCounts {
            closes: server.counter("closes"),
            received_bytes: server.counter("received_bytes"),
            sent_bytes: server.counter("sent_bytes"),
            duration: server.stat("connection_duration"),
            requests: server.stat("connection_requests"),
            received: server.stat("connection_received_bytes"),
            sent: server.stat("connection_sent_bytes"),
            idle: server.counter("idle"),
            lifetime: server.counter("lifetime"),
            read_timeout: server.counter("read_timeout"),
            write_timeout: server.counter("write_timeout"),
            idle_timeout: limits.counter("idle_timeout"),
            body_timeout: limits.counter("body_timeout"),
            head_timeout: limits.counter("head_timeout"),
            head_bytes: limits.counter("head_bytes"),
            line_bytes: limits.counter("line_bytes"),
            headers: limits.counter("headers"),
            connections: limits.counter("connections"),
            connections_per_peer: limits.counter("connections_per_peer"),
            frame_floods: limits.counter("frame_floods"),
            reset_floods: limits.counter("reset_floods"),
            stalled_streams: limits.counter("stalled_streams"),
            shed: limits.counter("shed"),
        }
    }

    pub(super) fn ended(&self, connection: Ended) {
        self.closes.incr();
        self.duration.record(connection.millis);
        self.requests.record(connection.requests);
        self.received.record(connection.received);
        self.sent.record(connection.sent);
    }

    /// Counts what is refused because of a limit.
    pub(crate) fn refused(&self, violation: Violation) {
        match violation {
            Violation::HeadTimeout(_) => self.head_timeout.incr(),
            Violation::HeadTooLong(_) => self.head_bytes.incr(),
            Violation::LineTooLong(_) => self.line_bytes.incr(),
            Violation::TooManyFields(_) => self.headers.incr(),
            Violation::TooManyConnections(_) => self.connections.incr(),
            Violation::TooManyOfPeer(_) => self.connections_per_peer.incr(),
            _ => {}
        }
    }
}
