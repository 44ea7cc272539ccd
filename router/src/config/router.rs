//! Routers: each names requests its own way and resolves the names by its own dtab.

use std::time::Duration;

use dtab::{Dtab, Path, Place};

use super::access_log::{self, AccessLogConfig};
use super::client::{ClientsConfig, HttpVersion};
use super::error::Code;
use super::keys::{Absent::*, Key, Keys, Section, Type, key};
use super::kinds::{
    ANNOUNCERS, CLIENTS, H2_CLIENTS, H2_IDENTIFIERS, H2_SERVICES, IDENTIFIERS, INTERPRETERS,
    IdentifierConfig, InterpreterConfig, SERVICES, TRACE_PROPAGATORS, TracePropagator, identifier,
};
use super::node::Value;
use super::reader::{Field, Object};
use super::server::{self, ServerConfig};
use super::service::ServicesConfig;
use super::value;

/// `streamAfterContentLengthKB` unless given.
const STREAM_AFTER_KB: u64 = 5;

/// What a router speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.0 and HTTP/1.1.
    Http,
    /// HTTP/2, and so gRPC.
    H2,
}

impl Protocol {
    /// Linkerd's id, which is the label of a router that has none.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::H2 => "h2",
        }
    }

    /// What its clients speak unless they are told otherwise.
    pub fn version(self) -> HttpVersion {
        match self {
            Self::Http => HttpVersion::Http1,
            Self::H2 => HttpVersion::Http2,
        }
    }
}

/// One router.
#[derive(Debug, Clone)]
pub struct RouterConfig {
    /// What it speaks.
    pub protocol: Protocol,
    /// Its name in metrics and on the admin server; the protocol unless given. Unique.
    pub label: String,
    /// The base dtab, whose dentries know their places in the file.
    pub dtab: Dtab,
    /// Put before every identified name; `/svc` unless given.
    pub dst_prefix: Path,
    /// Whether the metric `originator` is exported; not unless given.
    pub originator: bool,
    /// Tried in order until one identifies the request. Never empty; the `Host` header unless
    /// given.
    pub identifiers: Vec<IdentifierConfig>,
    /// Who binds names.
    pub interpreter: InterpreterConfig,
    /// Limit for resolving a name and for the first connection; 10 s unless given.
    pub binding_timeout: Duration,
    /// How many bindings are kept, and how long.
    pub binding_cache: BindingCacheConfig,
    /// Where it listens; at least one.
    pub servers: Vec<ServerConfig>,
    /// How endpoints are spoken to.
    pub client: ClientsConfig,
    /// How requests are judged and retried.
    pub service: ServicesConfig,
    /// The access log; none unless given.
    pub access_log: Option<AccessLogConfig>,
    /// Request bodies up to so many bytes are kept until they are answered, so that they can be sent
    /// again (`streamAfterContentLengthKB`); 5 KiB unless given. All bodies are streamed beyond it.
    pub stream_after: u64,
    /// Which headers carry the trace; Linkerd's own unless given.
    pub trace_propagator: TracePropagator,
    /// Limit of a message's head; 8 KiB unless given.
    pub max_headers_kb: u32,
    /// Limit of a request line; 4 KiB unless given.
    pub max_initial_line_kb: u32,
    /// Limit of an error's text in header and body; 5120 KiB unless given.
    pub max_err_response_kb: u32,
    /// Where it stands in the file.
    pub place: Place,
    /// Its key path.
    pub(super) key: String,
}

/// `bindingCache`: how many entries each level keeps, and how long an unused one. Each data worker has
/// a cache of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingCacheConfig {
    /// Logical names; 1000 unless given.
    pub paths: usize,
    /// Name trees; 1000 unless given. A name and its tree are one entry here, so `paths` bounds both.
    pub trees: usize,
    /// Bound names; 1000 unless given. A bound name and its client are one, bounded by `clients`.
    pub bounds: usize,
    /// Clients; 1000 unless given.
    pub clients: usize,
    /// An entry unused for so long is dropped; 600 s unless given.
    pub idle_ttl: Duration,
}

impl Default for BindingCacheConfig {
    fn default() -> Self {
        Self {
            paths: 1000,
            trees: 1000,
            bounds: 1000,
            clients: 1000,
            idle_ttl: Duration::from_mins(10),
        }
    }
}

/// What differs by protocol in the keys that all routers have.
struct Kinds {
    servers: Type,
    identifiers: Type,
    clients: Type,
    services: Type,
}

static HTTP_COMMON: [Key; 12] = common_keys(Kinds {
    servers: Type::List(&Type::Object(&server::SERVER)),
    identifiers: Type::Kinds(&IDENTIFIERS),
    clients: Type::Kind(&CLIENTS),
    services: Type::Kind(&SERVICES),
});

static H2_COMMON: [Key; 12] = common_keys(Kinds {
    servers: Type::List(&Type::Object(&server::H2_SERVER)),
    identifiers: Type::Kinds(&H2_IDENTIFIERS),
    clients: Type::Kind(&H2_CLIENTS),
    services: Type::Kind(&H2_SERVICES),
});

static HTTP_ACCESS_LOG: [Key; 5] = access_log::keys(&access_log::HTTP);
static H2_ACCESS_LOG: [Key; 5] = access_log::keys(&access_log::H2);

/// The keys of a router whose protocol is `http`.
pub(super) static HTTP_KEYS: Keys =
    &[&HTTP_COMMON, &HTTP_ACCESS_LOG, HTTP_MESSAGE_KEYS, ANSWER_KEYS];

/// The keys of a router whose protocol is `h2`.
pub(super) static H2_KEYS: Keys = &[&H2_COMMON, &H2_ACCESS_LOG, ANSWER_KEYS];

static ANNOUNCER: Type = Type::Kind(&ANNOUNCERS);

const fn common_keys(kinds: Kinds) -> [Key; 12] {
    let Kinds { servers, identifiers, clients, services } = kinds;
    [
        key(
            "label",
            Type::Text,
            Means("the protocol"),
            "The router's name in metrics and on the admin server. No two may be the same.",
        ),
        key(
            "dtab",
            Type::Dtab,
            Means("empty"),
            "The delegation table by which the router's names are resolved. Of several entries \
             that match, later ones are tried first.",
        ),
        key("servers", servers, Required, "Where the router listens; at least one."),
        key(
            "identifier",
            identifiers,
            Is("{kind: io.l5d.header.token}"),
            "How a request gets its logical name. Of a list, the first that finds a name counts.",
        ),
        key("dstPrefix", Type::Path, Is("/svc"), "Put before every name that an identifier finds."),
        key(
            "interpreter",
            Type::Kind(&INTERPRETERS),
            Is("{kind: default}"),
            "Who resolves logical names.",
        ),
        key(
            "bindingTimeoutMs",
            Type::Millis(0),
            Is("10000"),
            "How long the resolution of a name, and the first connection to it, may take.",
        ),
        key(
            "bindingCache",
            Type::Object(&BINDING_CACHE),
            Means("the defaults of its keys"),
            "How many resolved names are kept, and for how long. Every data worker has a cache of \
             its own.",
        ),
        key(
            "client",
            clients,
            Is("{kind: io.l5d.global}"),
            "How the endpoints of bound names are spoken to.",
        ),
        key(
            "service",
            services,
            Is("{kind: io.l5d.global}"),
            "How requests to logical names are judged and retried.",
        ),
        key(
            "announcers",
            Type::List(&ANNOUNCER),
            Is("[]"),
            "Who announces the router's servers to a discovery service.",
        ),
        key(
            "originator",
            Type::Boolean,
            Is("false"),
            "Whether the metric rt/<label>/originator is exported, which marks routers that are \
             the first on the way of a request.",
        ),
    ]
}

static HTTP_MESSAGE_KEYS: &[Key] = &[
    key(
        "maxHeadersKB",
        Type::Integer(1, value::MAX / 1024),
        Is("8"),
        "How many KiB the head of a message may have; larger requests are answered with 431.",
    ),
    key(
        "maxInitialLineKB",
        Type::Integer(1, value::MAX / 1024),
        Is("4"),
        "How many KiB the first line of a request may have; longer ones are answered with 414.",
    ),
    key(
        "streamAfterContentLengthKB",
        Type::Integer(0, value::MAX / 1024),
        Is("5"),
        "Bodies of requests up to this many KiB are kept until the request is answered, so \
             that it can be sent again.",
    ),
    key(
        "streamingEnabled",
        Type::Boolean,
        Is("true"),
        "Whether bodies are passed on while they still arrive.",
    )
    .refused("false, since bodies are always streamed"),
    key(
        "compressionLevel",
        Type::Integer(-1, 9),
        Is("-1"),
        "How strongly responses are compressed. Services are left to compress their own, for \
             which -1 and 0 both stand.",
    )
    .refused("1 to 9, since responses are passed on as the service sent them"),
];

static ANSWER_KEYS: &[Key] = &[
    key(
        "maxErrResponseKB",
        Type::Integer(1, value::MAX / 1024),
        Is("5120"),
        "How many KiB the text of an error may have in the header l5d-err and in the body.",
    ),
    key(
        "tracePropagator",
        Type::Kind(&TRACE_PROPAGATORS),
        Is("{kind: io.l5d.default}"),
        "Which headers carry the trace of a request.",
    ),
];

static BINDING_CACHE: Section = Section {
    noun: "`bindingCache`",
    keys: &[&[
        key(
            "paths",
            Type::Integer(1, value::MAX),
            Is("1000"),
            "Logical names that are kept, each with the overrides that it was asked for with.",
        ),
        key(
            "trees",
            Type::Integer(1, value::MAX),
            Is("1000"),
            "Name trees that are kept. A name and its tree are one entry here, which paths limits.",
        ),
        key(
            "bounds",
            Type::Integer(1, value::MAX),
            Is("1000"),
            "Bound names that are kept. A bound name and its client are one entry here, which \
             clients limits.",
        ),
        key(
            "clients",
            Type::Integer(1, value::MAX),
            Is("1000"),
            "Clients of bound names that are kept, with their connections.",
        ),
        key(
            "idleTtlSecs",
            Type::Integer(0, value::MAX),
            Is("600"),
            "An entry is dropped when it has not been used for this many seconds.",
        ),
    ]],
};

/// Reads the keys of a router whose protocol is `http`.
pub(super) fn read_http(object: &mut Object<'_>) -> Option<RouterConfig> {
    let mut router = read(object, Protocol::Http);
    let kilobytes = || value::integer(1..=value::MAX / 1024);
    let max_headers_kb = object.optional("maxHeadersKB", kilobytes());
    let max_initial_line_kb = object.optional("maxInitialLineKB", kilobytes());
    let stream_after = read_streaming(object);
    read_compression(object);
    if let Some(router) = &mut router {
        router.max_headers_kb = max_headers_kb.unwrap_or(router.max_headers_kb);
        router.max_initial_line_kb = max_initial_line_kb.unwrap_or(router.max_initial_line_kb);
        router.stream_after = stream_after;
    }
    router
}

/// Reads the keys of a router whose protocol is `h2`.
pub(super) fn read_h2(object: &mut Object<'_>) -> Option<RouterConfig> {
    read(object, Protocol::H2)
}

/// Reads what routers of all protocols have.
fn read(object: &mut Object<'_>, protocol: Protocol) -> Option<RouterConfig> {
    let (identifiers, clients, services, log) = match protocol {
        Protocol::Http => (&IDENTIFIERS, &CLIENTS, &SERVICES, &access_log::HTTP),
        Protocol::H2 => (&H2_IDENTIFIERS, &H2_CLIENTS, &H2_SERVICES, &access_log::H2),
    };
    let mut place = object.field.place();
    let label = match object.get("label") {
        Some(label) => {
            place = label.place();
            value::text(&label)
        }
        None => Some(protocol.as_str().to_owned()),
    };
    let dtab = object.optional("dtab", value::dtab).unwrap_or_default();
    let dst_prefix =
        object.optional("dstPrefix", value::path).unwrap_or_else(|| Path::from_segments(["svc"]));
    let originator = object.optional("originator", value::boolean).unwrap_or(false);
    let identifiers = object
        .optional("identifier", |field| identifier::read(field, identifiers))
        .unwrap_or_else(|| identifier::default(protocol));
    let interpreter =
        object.optional("interpreter", |field| INTERPRETERS.read(field)).unwrap_or_default();
    let binding_timeout =
        object.optional("bindingTimeoutMs", value::millis).unwrap_or(Duration::from_secs(10));
    let binding_cache = object.optional("bindingCache", read_binding_cache).unwrap_or_default();
    let servers = read_servers(object, label.as_deref().unwrap_or_default(), protocol);
    object.optional("announcers", |field| field.list("announcers", |item| ANNOUNCERS.read(item)));
    let client = object
        .optional("client", |field| clients.read(field))
        .unwrap_or_else(|| ClientsConfig::none(protocol));
    let service = object.optional("service", |field| services.read(field)).unwrap_or_default();
    let trace_propagator = object
        .optional("tracePropagator", |field| TRACE_PROPAGATORS.read(field))
        .unwrap_or_default();
    let kilobytes = value::integer(1..=value::MAX / 1024);
    let max_err_response_kb = object.optional("maxErrResponseKB", kilobytes).unwrap_or(5120);
    let access_log = access_log::read(object, log);
    Some(RouterConfig {
        protocol,
        label: label?,
        dtab,
        dst_prefix,
        originator,
        identifiers,
        interpreter,
        binding_timeout,
        binding_cache,
        servers: servers?,
        client,
        service,
        access_log,
        stream_after: STREAM_AFTER_KB * 1024,
        trace_propagator,
        max_headers_kb: 8,
        max_initial_line_kb: 4,
        max_err_response_kb,
        place,
        key: object.field.path.clone(),
    })
}

/// How much of a request's body is kept, in bytes.
fn read_streaming(object: &mut Object<'_>) -> u64 {
    let enabled = object.get("streamingEnabled");
    let after = object.get("streamAfterContentLengthKB");
    let disabled = enabled.filter(|enabled| value::boolean(enabled) == Some(false));
    if let (Some(disabled), Some(after)) = (&disabled, &after) {
        let message = "Conflicting streaming options set. Can't disable streaming and set streamAfterContentLengthKB in http";
        disabled
            .error(Code::Conflict, message)
            .related(after.node.span.clone(), "set here")
            .help("remove `streamingEnabled`; bodies are always streamed");
    } else if let Some(disabled) = disabled {
        let message = "`streamingEnabled: false` is refused: bodies are always streamed";
        disabled.error(Code::NotBuilt, message).help(
            "remove it; `streamAfterContentLengthKB` says up to which length a request's body is kept, so that it can be sent again",
        );
    }
    let kilobytes = after.as_ref().and_then(value::integer(0..=value::MAX / 1024));
    kilobytes.unwrap_or(STREAM_AFTER_KB) * 1024
}

/// -1 is Linkerd's "when it is asked for" and 0 is "never"; both leave to the service what it sends.
fn read_compression(object: &mut Object<'_>) {
    let Some(field) = object.get("compressionLevel") else { return };
    let Some(level) = value::integer::<i8>(-1..=9)(&field) else { return };
    if level > 0 {
        let message = format!(
            "`compressionLevel: {level}` is refused: responses are passed on as the service sent them"
        );
        field.error(Code::NotBuilt, message).help("remove it, or set it to 0");
    }
}

fn read_servers(
    object: &mut Object<'_>,
    label: &str,
    protocol: Protocol,
) -> Option<Vec<ServerConfig>> {
    let field = object.get("servers");
    if let Some(field) = &field {
        match &field.node.value {
            Value::List(items) if items.is_empty() => {}
            _ => return field.list("servers", |item| server::read(item, protocol)),
        }
    }
    let at = field.unwrap_or_else(|| object.field.clone());
    let reported = at.error(Code::Missing, format!("router '{label}' has no servers"));
    reported.help("give it one, such as `servers: [{port: 4140}]`").none()
}

fn read_binding_cache(field: &Field<'_>) -> Option<BindingCacheConfig> {
    let default = BindingCacheConfig::default();
    let mut object = field.object(&BINDING_CACHE)?;
    let paths = object.optional("paths", value::count).unwrap_or(default.paths);
    let trees = object.optional("trees", value::count).unwrap_or(default.trees);
    let bounds = object.optional("bounds", value::count).unwrap_or(default.bounds);
    let clients = object.optional("clients", value::count).unwrap_or(default.clients);
    let idle_ttl = object
        .optional("idleTtlSecs", value::integer(0..=value::MAX))
        .map_or(default.idle_ttl, Duration::from_secs);
    object.finish();
    Some(BindingCacheConfig { paths, trees, bounds, clients, idle_ttl })
}
