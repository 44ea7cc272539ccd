//! `socketOptions` and session limits, alike for servers, clients and the admin server.

use std::time::Duration;

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
    /// Connections that the system keeps for us until they are accepted.
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
