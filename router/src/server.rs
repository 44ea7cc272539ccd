//! The server side: sockets accepted, heads checked, connections served.
//!
//! [`guard`] stands between the socket and the HTTP/1.1 codec and lets through only heads that can
//! be read in one way; [`watchdog`] looks at the [`progress`] of connections and ends those that make
//! none, or have lasted long enough; [`frames`] and [`http2`] are the same for HTTP/2; [`gate`] says who may come in; [`connection`] serves one
//! connection, by what its [`slot`] has now.

pub(crate) mod connection;
pub(crate) mod counts;
mod frames;
pub(crate) mod gate;
pub(crate) mod guard;
pub(crate) mod head;
pub(crate) mod http2;
pub(crate) mod progress;
pub(crate) mod slot;
pub(crate) mod watchdog;

use std::time::Duration;

use crate::config::{RouterConfig, ServerConfig};

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
    /// From its opening until a connection is closed, once no request is on it.
    pub life_time: Option<Duration>,
    /// Unused for so long, a connection is closed (`serverSession.idleTimeMs`).
    pub session_idle: Option<Duration>,
    /// Without a byte from the caller while one is waited for.
    pub read_time: Option<Duration>,
    /// Without a byte taken by the caller while there is one to take.
    pub write_time: Option<Duration>,
}

impl Limits {
    /// What the configuration allows.
    pub(crate) fn of(server: &ServerConfig, router: &RouterConfig) -> Self {
        Limits {
            head_bytes: router.max_headers_kb as usize * 1024,
            line_bytes: router.max_initial_line_kb as usize * 1024,
            fields: server.limits.max_headers as usize,
            head_time: server.limits.head_timeout,
            idle_time: server.limits.idle_timeout,
            stall_time: server.limits.body_timeout,
            life_time: server.session.life_time,
            session_idle: server.session.idle_time,
            read_time: server.socket.read_timeout,
            write_time: server.socket.write_timeout,
        }
    }
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
            life_time: None,
            session_idle: None,
            read_time: None,
            write_time: None,
        }
    }
}
