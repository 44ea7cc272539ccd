//! The servers of a router: where it listens.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use dtab::Place;

use super::error::Code;
use super::http2::{self, Http2Config};
use super::keys::{Absent::*, Key, Section, Type, key};
use super::kinds::{ForwardedConfig, forwarded};
use super::limits::{self, LimitsConfig};
use super::overrides::{self, OverridesConfig};
use super::reader::Field;
use super::router::Protocol;
use super::socket::{self, SessionConfig, SocketConfig};
use super::tls::{self, ServerTlsConfig};
use super::value;

/// The port of an http server that names none.
const DEFAULT_HTTP_PORT: u16 = 4140;

/// The port of an h2 server that names none.
const DEFAULT_H2_PORT: u16 = 4142;

/// Streams of a connection that may be open at a time, unless given.
const DEFAULT_MAX_STREAMS: u32 = 1000;

/// One listener of a router.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Address to listen on; 127.0.0.1 unless given.
    pub ip: IpAddr,
    /// Port to listen on; 4140 (http) or 4142 (h2) unless given, 0 for any free one.
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
    /// What is said of HTTP/2.
    pub http2: Http2Config,
    /// `maxConcurrentStreamsPerConnection`: of HTTP/2; 1000 unless given.
    pub max_streams: u32,
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

/// One of `servers` of an http router
pub(super) static SERVER: Section =
    Section { noun: "a server", keys: &[&HTTP_FIRST, TIMESTAMP_KEY, REST_KEYS] };

/// One of `servers` of an h2 router
pub(super) static H2_SERVER: Section =
    Section { noun: "a server", keys: &[&H2_FIRST, REST_KEYS, STREAMS_KEY, http2::KEYS] };

static HTTP_FIRST: [Key; 5] = first_keys("4140");
static H2_FIRST: [Key; 5] = first_keys("4142");

const fn first_keys(port: &'static str) -> [Key; 5] {
    [
        key("port", Type::Port, Is(port), "The port to listen on; 0 for any free one."),
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
    ]
}

static TIMESTAMP_KEY: &[Key] = &[key(
    "timestampHeader",
    Type::HeaderName,
    Means("none"),
    "A header that is added to each request, with the time at which it arrived in \
             milliseconds since 1970.",
)];

static REST_KEYS: &[Key] = &[
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
];

static STREAMS_KEY: &[Key] = &[key(
    "maxConcurrentStreamsPerConnection",
    Type::Integer(1, value::MAX),
    Is("1000"),
    "Requests that one connection may have in progress at a time; more are refused.",
)];

pub(super) fn read(field: &Field<'_>, protocol: Protocol) -> Option<ServerConfig> {
    let (keys, default_port) = match protocol {
        Protocol::Http => (&SERVER, DEFAULT_HTTP_PORT),
        Protocol::H2 => (&H2_SERVER, DEFAULT_H2_PORT),
    };
    let mut object = field.object(keys)?;
    let mut place = field.place();
    let port = match object.get("port") {
        Some(port) => {
            place = port.place();
            value::port(&port)
        }
        None => Some(default_port),
    };
    let ip = match object.get("ip") {
        Some(ip) => value::ip(&ip),
        None => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
    };
    let label = object.optional("label", value::text);
    let max_call_depth =
        object.optional("maxCallDepth", value::integer(0..=value::MAX)).unwrap_or(1000);
    let clear_context = object.optional("clearContext", value::boolean).unwrap_or(false);
    let timestamp_header = match protocol {
        Protocol::Http => object.optional("timestampHeader", value::header_name),
        Protocol::H2 => None,
    };
    let (http2, max_streams) = match protocol {
        Protocol::Http => (Http2Config::default(), None),
        Protocol::H2 => {
            let max_streams = object.optional("maxConcurrentStreamsPerConnection", value::count);
            (http2::read(&mut object), max_streams)
        }
    };
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
        http2,
        max_streams: max_streams.unwrap_or(DEFAULT_MAX_STREAMS),
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
