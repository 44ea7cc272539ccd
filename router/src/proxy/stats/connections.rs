//! What is counted of connections to endpoints.

use std::rc::Rc;
use std::time::Instant;

use crate::telemetry::{Counter, Scope, Stat};

/// What is counted of the connections of a client.
pub(crate) struct ConnectionStats {
    connects: Counter,
    connect_latency: Stat,
    failed_connect_latency: Stat,
    cancelled_connects: Counter,
    pub(crate) closes: Counter,
    pub(crate) received_bytes: Counter,
    pub(crate) sent_bytes: Counter,
    pub(crate) duration: Stat,
    pub(crate) requests: Stat,
    pub(crate) received: Stat,
    pub(crate) sent: Stat,
}

impl ConnectionStats {
    pub(super) fn new(client: &Scope) -> Self {
        ConnectionStats {
            connects: client.counter("connects"),
            connect_latency: client.stat("connect_latency_ms"),
            failed_connect_latency: client.stat("failed_connect_latency_ms"),
            cancelled_connects: client.counter("cancelled_connects"),
            closes: client.counter("closes"),
            received_bytes: client.counter("received_bytes"),
            sent_bytes: client.counter("sent_bytes"),
            duration: client.stat("connection_duration"),
            requests: client.stat("connection_requests"),
            received: client.stat("connection_received_bytes"),
            sent: client.stat("connection_sent_bytes"),
        }
    }
}

/// A connection that is being made. Dropped before it [ended](Connecting::ended), it was given up.
pub(crate) struct Connecting {
    stats: Option<Rc<ConnectionStats>>,
    started: Instant,
}

impl Connecting {
    pub(super) fn new(stats: Rc<ConnectionStats>) -> Self {
        Connecting { stats: Some(stats), started: Instant::now() }
    }

    /// There is a connection, or there will be none.
    pub(crate) fn ended<C, E>(mut self, connection: Result<C, E>) -> Result<C, E> {
        if let Some(stats) = self.stats.take() {
            let took = self.started.elapsed().as_millis() as u64;
            match connection {
                Ok(_) => {
                    stats.connects.incr();
                    stats.connect_latency.record(took);
                }
                Err(_) => stats.failed_connect_latency.record(took),
            }
        }
        connection
    }
}

impl Drop for Connecting {
    fn drop(&mut self) {
        if let Some(stats) = &self.stats {
            stats.cancelled_connects.incr();
        }
    }
}
