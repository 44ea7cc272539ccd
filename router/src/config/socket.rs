//! `socketOptions` and session limits, alike for servers, clients and the admin server.

use std::time::Duration;

use super::keys::{Absent::*, Section, Type, key};
use super::reader::Field;
use super::value;

/// `socketOptions`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketConfig {
    /// Small writes leave at once; true unless given.
    pub no_delay: bool,
    /// A listener may take over a port whose old connections linger; true unless given.
    pub reuse_addr: bool,
    /// Several sockets may listen on one port; not unless given.
    pub reuse_port: bool,
    /// A connection whose peer takes no byte for so long is closed; no limit unless given.
    pub write_timeout: Option<Duration>,
    /// A connection whose peer sends no byte for so long is closed; no limit unless given.
    pub read_timeout: Option<Duration>,
    /// TCP keep-alive probes; as the system has it unless given.
    pub keep_alive: Option<bool>,
    /// Connections that the system keeps for us until they are accepted; 1024 unless given.
    pub backlog: Option<u32>,
}

impl Default for SocketConfig {
    fn default() -> Self {
        Self {
            no_delay: true,
            reuse_addr: true,
            reuse_port: false,
            write_timeout: None,
            read_timeout: None,
            keep_alive: None,
            backlog: None,
        }
    }
}

/// `serverSession` and `clientSession`: when a connection is closed although it works.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionConfig {
    /// Closed so long after it was opened, once no request is on it; no limit unless given.
    pub life_time: Option<Duration>,
    /// Closed when unused for so long; no limit unless given.
    pub idle_time: Option<Duration>,
}

/// `socketOptions`
pub(super) static SOCKET: Section = Section {
    noun: "`socketOptions`",
    keys: &[&[
        key(
            "noDelay",
            Type::Boolean,
            Is("true"),
            "Whether small writes are sent at once (TCP_NODELAY) instead of being held back to be \
             joined with later ones.",
        ),
        key(
            "reuseAddr",
            Type::Boolean,
            Is("true"),
            "Whether a listener may take over a port while old connections of it linger \
             (SO_REUSEADDR).",
        ),
        key(
            "reusePort",
            Type::Boolean,
            Is("false"),
            "Whether several sockets may listen on the same port (SO_REUSEPORT).",
        ),
        key(
            "writeTimeoutMs",
            Type::Millis(1),
            Means("no limit"),
            "A connection is closed when its peer has taken no byte for this long while there was \
             something to send.",
        ),
        key(
            "readTimeoutMs",
            Type::Millis(1),
            Means("no limit"),
            "A connection is closed when its peer has sent no byte for this long.",
        ),
        key(
            "keepAlive",
            Type::Boolean,
            Means("as the system has it"),
            "Whether the system probes idle connections (SO_KEEPALIVE), so that dead peers are \
             noticed.",
        ),
        key(
            "backlog",
            Type::Integer(1, value::MAX),
            Means("1024"),
            "Connections that the system keeps waiting until they are accepted. Only listeners \
             have a use for it.",
        ),
    ]],
};

/// `serverSession` and `clientSession`
pub(super) static SESSION: Section = Section {
    noun: "a session",
    keys: &[&[
        key(
            "lifeTimeMs",
            Type::Millis(1),
            Means("no limit"),
            "A connection is closed this long after it was opened, as soon as no request is on it.",
        ),
        key(
            "idleTimeMs",
            Type::Millis(1),
            Means("no limit"),
            "A connection is closed when no request has been on it for this long.",
        ),
    ]],
};

pub(super) fn read_options(field: &Field<'_>) -> Option<SocketConfig> {
    let default = SocketConfig::default();
    let mut object = field.object(&SOCKET)?;
    let config = SocketConfig {
        no_delay: object.optional("noDelay", value::boolean).unwrap_or(default.no_delay),
        reuse_addr: object.optional("reuseAddr", value::boolean).unwrap_or(default.reuse_addr),
        reuse_port: object.optional("reusePort", value::boolean).unwrap_or(default.reuse_port),
        write_timeout: object.optional("writeTimeoutMs", value::limit_millis),
        read_timeout: object.optional("readTimeoutMs", value::limit_millis),
        keep_alive: object.optional("keepAlive", value::boolean),
        backlog: object.optional("backlog", value::count),
    };
    object.finish();
    Some(config)
}

/// `serverSession` or `clientSession`.
pub(super) fn read_session(field: &Field<'_>) -> Option<SessionConfig> {
    let mut object = field.object(&SESSION)?;
    let life_time = object.optional("lifeTimeMs", value::limit_millis);
    let idle_time = object.optional("idleTimeMs", value::limit_millis);
    object.finish();
    Some(SessionConfig { life_time, idle_time })
}
