//! Identifiers of http routers: how a request gets its logical path.

use dtab::Path;

use super::category::Category;
use crate::config::Protocol;
use crate::config::error::Code;
use crate::config::keys::{Absent::*, Key, Type, key};
use crate::config::node::Value;
use crate::config::reader::{Field, Object};
use crate::config::value;

/// How a request gets its logical path, below the router's `dstPrefix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentifierConfig {
    /// `io.l5d.header`: a header that holds a path.
    Header(HeaderIdentifierConfig),
    /// `io.l5d.header.token`: a header that holds one segment.
    HeaderToken(HeaderTokenIdentifierConfig),
    /// `io.l5d.methodAndHost`: version, method and host.
    MethodAndHost(MethodAndHostIdentifierConfig),
    /// `io.l5d.path`: the first segments of the URI's path.
    Path(PathIdentifierConfig),
    /// `io.l5d.static`: the same path for every request.
    Static(StaticIdentifierConfig),
    /// `io.l5d.header.path` of HTTP/2: the first segments of a header that holds a URI's path.
    HeaderPath(HeaderPathIdentifierConfig),
}

/// `io.l5d.header`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderIdentifierConfig {
    /// The header; `l5d-name` unless given.
    pub header: String,
}

/// `io.l5d.header.token`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderTokenIdentifierConfig {
    /// The header; `Host` unless given.
    pub header: String,
}

/// `io.l5d.methodAndHost`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodAndHostIdentifierConfig {
    /// Whether the segments of the URI's path are appended; not unless given.
    pub http_uri_in_dst: bool,
}

/// `io.l5d.path`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathIdentifierConfig {
    /// How many segments are taken; 1 unless given. A negative number in the file is 0, as in
    /// Linkerd.
    pub segments: usize,
    /// Whether they are cut from the URI; not unless given.
    pub consume: bool,
}

/// `io.l5d.static`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticIdentifierConfig {
    /// The path, below `dstPrefix`.
    pub path: Path,
}

/// `io.l5d.header.path`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderPathIdentifierConfig {
    /// The header, in lower case; `:path` unless given.
    pub header: String,
    /// How many segments are taken; all unless given.
    pub segments: Option<usize>,
}

/// The keys of `io.l5d.header`.
pub(super) static HEADER_KEYS: &[Key] = &[key(
    "header",
    Type::HeaderName,
    Is("l5d-name"),
    "The header that holds the name as a path, such as `/web/v1`.",
)];

/// The keys of `io.l5d.header.token`.
pub(super) static HEADER_TOKEN_KEYS: &[Key] = &[key(
    "header",
    Type::HeaderName,
    Is("Host"),
    "The header whose value is the name, as one segment in lower case.",
)];

/// The keys of `io.l5d.header.token` in HTTP/2.
pub(super) static H2_HEADER_TOKEN_KEYS: &[Key] = &[key(
    "header",
    Type::HeaderName,
    Is(":authority"),
    "The header whose value is the name, as one segment; :authority, :method, :path and :scheme may \
     be given, too.",
)];

/// The keys of `io.l5d.header.path`.
pub(super) static HEADER_PATH_KEYS: &[Key] = &[
    key(
        "header",
        Type::HeaderName,
        Is(":path"),
        "The header that holds a path, such as /package.Service/Method. A query is not part of it.",
    ),
    key(
        "segments",
        Type::Integer(1, value::MAX),
        Means("all"),
        "How many segments of the path are the name.",
    ),
];

/// The keys of `io.l5d.methodAndHost`.
pub(super) static METHOD_AND_HOST_KEYS: &[Key] = &[key(
    "httpUriInDst",
    Type::Boolean,
    Is("false"),
    "Whether the segments of the URI's path are put behind the name.",
)];

/// The keys of `io.l5d.path`.
pub(super) static PATH_KEYS: &[Key] = &[
    key(
        "segments",
        Type::Integer(i32::MIN as i64, value::MAX),
        Is("1"),
        "How many segments of the URI's path are the name; a negative number is 0.",
    ),
    key(
        "consume",
        Type::Boolean,
        Is("false"),
        "Whether these segments are cut from the URI that the service sees.",
    ),
];

/// The keys of `io.l5d.static`.
pub(super) static STATIC_KEYS: &[Key] =
    &[key("path", Type::Path, Required, "The name of every request, below dstPrefix.")];

/// What a router without `identifier` does: the host is the name.
pub(crate) fn default(protocol: Protocol) -> Vec<IdentifierConfig> {
    let header = match protocol {
        Protocol::Http => "Host",
        Protocol::H2 => ":authority",
    };
    vec![IdentifierConfig::HeaderToken(HeaderTokenIdentifierConfig { header: header.to_owned() })]
}

/// One identifier, or a list of them to be tried in order.
pub(crate) fn read(
    field: &Field<'_>,
    kinds: &Category<IdentifierConfig>,
) -> Option<Vec<IdentifierConfig>> {
    match &field.node.value {
        Value::List(items) if items.is_empty() => field
            .error(Code::Invalid, "empty identifier list")
            .help("remove it for the default, the host of the request")
            .none(),
        Value::List(_) => field.list("identifiers", |item| kinds.read(item)),
        _ => {
            let identifier = kinds.read(field)?;
            field.show(vec![field.cx.json(field.node)]);
            Some(vec![identifier])
        }
    }
}

pub(super) fn read_header(object: &mut Object<'_>) -> Option<IdentifierConfig> {
    let header =
        object.optional("header", value::header_name).unwrap_or_else(|| "l5d-name".to_owned());
    Some(IdentifierConfig::Header(HeaderIdentifierConfig { header }))
}

pub(super) fn read_header_token(object: &mut Object<'_>) -> Option<IdentifierConfig> {
    let header = object.optional("header", value::header_name).unwrap_or_else(|| "Host".to_owned());
    Some(IdentifierConfig::HeaderToken(HeaderTokenIdentifierConfig { header }))
}

pub(super) fn read_h2_header_token(object: &mut Object<'_>) -> Option<IdentifierConfig> {
    let header = object.optional("header", value::h2_header_name);
    let header = header.unwrap_or_else(|| ":authority".to_owned());
    Some(IdentifierConfig::HeaderToken(HeaderTokenIdentifierConfig { header }))
}

pub(super) fn read_header_path(object: &mut Object<'_>) -> Option<IdentifierConfig> {
    let header = object.optional("header", value::h2_header_name);
    let header = header.unwrap_or_else(|| ":path".to_owned());
    let segments = match object.get("segments") {
        Some(field) => Some(read_segments(&field)?),
        None => None,
    };
    Some(IdentifierConfig::HeaderPath(HeaderPathIdentifierConfig { header, segments }))
}

fn read_segments(field: &Field<'_>) -> Option<usize> {
    let segments = value::integer::<i32>(i64::from(i32::MIN)..=value::MAX)(field)?;
    match usize::try_from(segments) {
        Ok(segments @ 1..) => Some(segments),
        _ => field.error(Code::Invalid, "`segments` must be >= 1").none(),
    }
}

pub(super) fn read_method_and_host(object: &mut Object<'_>) -> Option<IdentifierConfig> {
    let http_uri_in_dst = object.optional("httpUriInDst", value::boolean).unwrap_or(false);
    Some(IdentifierConfig::MethodAndHost(MethodAndHostIdentifierConfig { http_uri_in_dst }))
}

pub(super) fn read_path(object: &mut Object<'_>) -> Option<IdentifierConfig> {
    let segments = value::integer::<i32>(i64::from(i32::MIN)..=value::MAX);
    let segments = object.optional("segments", segments).unwrap_or(1);
    let consume = object.optional("consume", value::boolean).unwrap_or(false);
    let segments = usize::try_from(segments).unwrap_or(0);
    Some(IdentifierConfig::Path(PathIdentifierConfig { segments, consume }))
}

pub(super) fn read_static(object: &mut Object<'_>) -> Option<IdentifierConfig> {
    Some(IdentifierConfig::Static(StaticIdentifierConfig {
        path: object.required("path", value::path)?,
    }))
}
