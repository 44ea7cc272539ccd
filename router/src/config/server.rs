//! The servers of a router: where it listens.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use dtab::Place;

use super::error::Code;
use super::keys::{Absent::*, Section, Type, key};
use super::kinds::{ForwardedConfig, forwarded};
use super::limits::{self, LimitsConfig};
use super::overrides::{self, OverridesConfig};
use super::reader::Field;
use super::socket::{self, SessionConfig, SocketConfig};
use super::tls::{self, ServerTlsConfig};
use super::value;

/// The port of an http server that names none.
const DEFAULT_HTTP_PORT: u16 = 4140;

/// One listener of an http router.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Address to listen on; 127.0.0.1 unless given.
    pub ip: IpAddr,
    /// Port to listen on; 4140 unless given, 0 for any free one.
    pub port: u16,
    /// Accepted and unused, as in Linkerd: metrics name a server by `ip/port`.
    pub label: Option<String>,
    /// A request that has passed this many proxies is refused; 1000 unless given.
    pub max_call_depth: u32,
    /// Whether `l5d-*` context headers of requests are removed unread; not unless given.
    pub clear_context: bool,
    /// A request header that gets the time of arrival.
    pub timestamp_header: Option<String>,
    /// What the `Forwarded` header says; absent for no such header.
    pub forwarded: Option<ForwardedConfig>,
    /// TLS with callers; none unless given.
    pub tls: Option<ServerTlsConfig>,
    /// `maxConcurrentRequests`: more are refused at once; no limit unless given.
    pub max_concurrent_requests: Option<u32>,
    /// `timeoutMs`: limit of a request as a whole; none unless given.
    pub timeout: Option<Duration>,
    /// `serverSession`: when connections are closed although they work.
    pub session: SessionConfig,
    /// `socketOptions`
    pub socket: SocketConfig,
    /// `limits`
    pub limits: LimitsConfig,
    /// `overrides`
    pub overrides: OverridesConfig,
    /// Where it stands in the file.
    pub place: Place,
    /// Its key path.
    pub(super) key: String,
}

impl ServerConfig {
    /// Where to listen.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.ip, self.port)
    }
}

/// One of `servers`
pub(super) static SERVER: Section = Section {
    noun: "a server",
    keys: &[&[
        key("port", Type::Port, Is("4140"), "The port to listen on; 0 for any free one."),
        key("ip", Type::Ip, Is("127.0.0.1"), "The address to listen on; 0.0.0.0 for all of them."),
        key(
            "label",
            Type::Text,
            Means("none"),
            "Without effect, as in Linkerd: metrics name a server by its address and port.",
        ),
        key(
            "maxCallDepth",
            Type::Integer(0, value::MAX),
            Is("1000"),
            "A request whose Via header has this many proxies is refused, so that loops end.",
        ),
        key(
            "clearContext",
            Type::Boolean,
            Is("false"),
            "Whether the l5d-* headers by which callers pass context on, overrides among them, are \
             removed unread.",
        ),
        key(
            "timestampHeader",
            Type::HeaderName,
            Means("none"),
            "A header that is added to each request, with the time at which it arrived in \
             milliseconds since 1970.",
        ),
        key(
            "addForwardedHeader",
            Type::Object(&forwarded::FORWARDED),
            Means("no such header"),
            "Adds a Forwarded header (RFC 7239) that names both ends of the connection.",
        ),
        key("tls", Type::Object(&tls::SERVER_TLS), Means("no TLS"), "TLS with callers."),
        key(
            "maxConcurrentRequests",
            Type::Integer(1, value::MAX),
            Means("no limit"),
            "Requests that may be in progress on this server at a time; more are refused at once.",
        ),
        key(
            "timeoutMs",
            Type::Millis(1),
            Means("no limit"),
            "How long a request may take as a whole, retries and all.",
        ),
        key(
            "serverSession",
            Type::Object(&socket::SESSION),
            Means("no limits"),
            "When connections of callers are closed although they work.",
        ),
        key(
            "socketOptions",
            Type::Object(&socket::SOCKET),
            Means("the defaults of its keys"),
            "Options of the listener and of callers' connections.",
        ),
        key(
            "limits",
            Type::Object(&limits::LIMITS),
            Means("the defaults of its keys"),
            "What one caller, and all of them together, may take of this server.",
        )
        .ours(),
        key(
            "overrides",
            Type::Object(&overrides::OVERRIDES),
            Means("the defaults of its keys"),
            "How far callers are trusted with dtabs of their own.",
        )
        .ours(),
        key(
            "announce",
            Type::List(&Type::Path),
            Is("[]"),
            "Where the server is announced, as `/#/<announcer>/<name>`.",
        )
        .refused("anything but an empty list, since no announcer is built yet"),
    ]],
};

pub(super) fn read(field: &Field<'_>) -> Option<ServerConfig> {
    let mut object = field.object(&SERVER)?;
    let mut place = field.place();
    let port = match object.get("port") {
        Some(port) => {
            place = port.place();
            value::port(&port)
        }
        None => Some(DEFAULT_HTTP_PORT),
    };
    let ip = match object.get("ip") {
        Some(ip) => value::ip(&ip),
        None => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
    };
    let label = object.optional("label", value::text);
    let max_call_depth =
        object.optional("maxCallDepth", value::integer(0..=value::MAX)).unwrap_or(1000);
    let clear_context = object.optional("clearContext", value::boolean).unwrap_or(false);
    let timestamp_header = object.optional("timestampHeader", value::header_name);
    let forwarded = object.optional("addForwardedHeader", forwarded::read);
    let tls = object.optional("tls", tls::read_server);
    let max_concurrent_requests = object.optional("maxConcurrentRequests", value::count);
    let timeout = object.optional("timeoutMs", value::limit_millis);
    let session = object.optional("serverSession", socket::read_session).unwrap_or_default();
    let socket = object.optional("socketOptions", socket::read_options).unwrap_or_default();
    let limits = object.optional("limits", limits::read).unwrap_or_default();
    let overrides = object.optional("overrides", overrides::read).unwrap_or_default();
    object.optional("announce", refuse_announcing);
    object.finish();
    Some(ServerConfig {
        ip: ip?,
        port: port?,
        label,
        max_call_depth,
        clear_context,
        timestamp_header,
        forwarded,
        tls,
        max_concurrent_requests,
        timeout,
        session,
        socket,
        limits,
        overrides,
        place,
        key: field.path.clone(),
    })
}

fn refuse_announcing(field: &Field<'_>) -> Option<()> {
    let paths = field.list("paths", value::path)?;
    if !paths.is_empty() {
        field
            .error(Code::NotBuilt, "`announce` is refused: no announcer is built yet")
            .help("remove it, and register the server by other means");
    }
    Some(())
}
