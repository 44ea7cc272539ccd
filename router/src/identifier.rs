//! Identifiers: what turns a request into the logical name that the dtab then rewrites.
//!
//! An [`Identifier`] is a pure function over the head of a request: no clock, no I/O, no state. Each
//! kind is one file below this module. It is called once for every request, so on success it builds
//! the one [`Path`] of the name (and the rewritten target, where the kind rewrites) and nothing else;
//! texts are made only once somebody shows the failure.
//!
//! To add a kind: a file here with its struct and `impl Identifier`, and its name in the
//! configuration's table of kinds.

mod asked;
mod header;
mod header_path;
mod header_token;
mod method_and_host;
mod path;
mod static_;

use std::fmt;
use std::sync::Arc;

use dtab::{Path, SyntaxError};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, StatusCode, Version, header as fields};

pub use self::asked::{AskedRequest, BadOverride, BadRequest};
pub use self::header::HeaderIdentifier;
pub use self::header_path::HeaderPathIdentifier;
pub use self::header_token::HeaderTokenIdentifier;
pub use self::method_and_host::MethodAndHostIdentifier;
pub use self::path::PathIdentifier;
pub use self::static_::StaticIdentifier;

/// A kind of identifier, with its settings and the `dstPrefix` that every name of it begins with.
pub trait Identifier: fmt::Debug + Send + Sync {
    /// The kind, as configured.
    fn kind(&self) -> &'static str;

    /// The logical name of this request.
    ///
    /// [`IdentifyError::Unidentified`] means that this identifier has nothing to say and another may;
    /// any other error ends the search.
    fn identify(&self, request: &RequestHead<'_>) -> Result<Identification, IdentifyError>;
}

/// What identifiers look at.
///
/// The target is text, not a parsed URI, since the rules are rules about its text (`//a`, `a/b` and
/// `*` all have an answer). It is what stands after absolute-form targets were
/// [rewritten](crate::http::proxy_uri).
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// The method, as sent.
    pub method: &'a Method,
    /// The request target: path and query.
    pub target: &'a str,
    /// The version of the request line.
    pub version: Version,
    /// All header fields.
    pub headers: &'a HeaderMap,
    /// The host that HTTP/2 names in place of a `Host` header.
    pub authority: Option<&'a str>,
    /// The scheme that HTTP/2 names.
    pub scheme: Option<&'a str>,
}

impl<'a> RequestHead<'a> {
    /// The target without the query.
    pub fn path(&self) -> &'a str {
        self.target.split_once('?').map_or(self.target, |(path, _)| path)
    }

    /// The query with its `?`, or nothing.
    fn query(&self) -> &'a str {
        self.target.find('?').map_or("", |at| &self.target[at..])
    }

    /// The first value of a header; an empty one is as good as none.
    fn header(&self, name: &HeaderName) -> Option<&'a [u8]> {
        self.headers.get(name).map(|value| value.as_bytes()).filter(|value| !value.is_empty())
    }
}

impl<'a> From<&'a Parts> for RequestHead<'a> {
    fn from(parts: &'a Parts) -> Self {
        let target = match (parts.uri.path_and_query(), parts.uri.authority()) {
            (Some(path), _) => path.as_str(),
            // CONNECT names an authority alone.
            (None, Some(authority)) => authority.as_str(),
            (None, None) => "",
        };
        RequestHead {
            method: &parts.method,
            target,
            version: parts.version,
            headers: &parts.headers,
            authority: parts.uri.authority().map(|authority| authority.as_str()),
            scheme: parts.uri.scheme_str(),
        }
    }
}

/// A request's name, and how it is to be sent on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identification {
    /// The logical name: `dstPrefix` and what the identifier found.
    pub name: Path,
    /// The target to send on in place of the request's, if it is another.
    pub target: Option<String>,
}

impl From<Path> for Identification {
    fn from(name: Path) -> Self {
        Identification { name, target: None }
    }
}

/// Why a request has no name.
#[derive(Clone, Debug, thiserror::Error)]
pub enum IdentifyError {
    /// The identifier does not apply.
    #[error(transparent)]
    Unidentified(#[from] Unidentified),
    /// The header that should hold a path holds something else.
    #[error("{0}")]
    BadHeader(SyntaxError),
    /// The target's path is to be part of the name and is not a path.
    #[error("{0}")]
    BadTarget(SyntaxError),
    /// A segment that would be part of the name is empty, as in `/a//b`.
    #[error("the path has an empty segment where the name is taken from")]
    EmptySegment,
}

impl IdentifyError {
    /// The status of the answer.
    ///
    /// What the *identification* found wrong is 400. A target that is no name is 502: Linkerd counts
    /// it among the errors that routing throws, and callers tell the two apart.
    pub fn status(&self) -> StatusCode {
        match self {
            IdentifyError::Unidentified(_) | IdentifyError::BadHeader(_) => StatusCode::BAD_REQUEST,
            IdentifyError::BadTarget(_) | IdentifyError::EmptySegment => StatusCode::BAD_GATEWAY,
        }
    }
}

/// Why an identifier has nothing to say about a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unidentified {
    /// The header, named as in the configuration, is absent or empty.
    #[error("{0} header is absent")]
    HeaderAbsent(Arc<str>),
    /// The same in HTTP/2, in Linkerd's words for that.
    #[error("missing header: '{0}'")]
    HeaderMissing(Arc<str>),
    /// The path in a header is empty.
    #[error("Missing destination path")]
    MissingPath,
    /// The path in a header has fewer segments than are the name.
    #[error("Path must have at least {0} segment(s)")]
    PathTooShort(usize),
    /// An HTTP/1.1 request without a host.
    #[error("HTTP/1.1 request missing hostname")]
    MissingHost,
    /// Neither HTTP/1.0, HTTP/1.1 nor HTTP/2.
    #[error("Unknown HTTP version {0:?}")]
    UnknownVersion(Version),
    /// The path is shorter than the number of segments wanted.
    #[error("not enough segments in path")]
    NotEnoughSegments,
    /// There is no identifier to ask.
    #[error("empty identifier list")]
    NoIdentifier,
}

/// Several identifiers, asked in order.
///
/// The first that identifies wins. "Not identified" passes on to the next, an error does not. Only
/// the last identifier's reason is reported.
#[derive(Debug)]
pub struct IdentifierChain {
    identifiers: Vec<Box<dyn Identifier>>,
}

impl IdentifierChain {
    /// A chain that asks these in this order. An empty one identifies nothing.
    pub fn new(identifiers: Vec<Box<dyn Identifier>>) -> Self {
        IdentifierChain { identifiers }
    }

    /// The logical name of this request, or why it has none.
    pub fn identify(&self, request: &RequestHead<'_>) -> Result<Identification, IdentifyError> {
        self.identify_by(request).map(|(identification, _)| identification)
    }

    /// The same, and the identifier that has named it.
    pub fn identify_by(
        &self,
        request: &RequestHead<'_>,
    ) -> Result<(Identification, &dyn Identifier), IdentifyError> {
        let mut reason = Unidentified::NoIdentifier;
        for identifier in &self.identifiers {
            match identifier.identify(request) {
                Err(IdentifyError::Unidentified(last)) => reason = last,
                Err(error) => return Err(error),
                Ok(identification) => return Ok((identification, &**identifier)),
            }
        }
        Err(reason.into())
    }
}

/// A header whose value names the service, by its name as configured.
#[derive(Clone, Debug)]
struct NamedHeader {
    field: Field,
    shown: Arc<str>,
}

/// Where in the head of a request a value stands.
#[derive(Clone, Debug)]
enum Field {
    Header(HeaderName),
    /// What HTTP/2 has in place of a request line and of `Host` (RFC 9113, 8.3.1).
    Authority,
    Method,
    Path,
    Scheme,
}

impl NamedHeader {
    fn new(name: &str) -> Result<Self, http::header::InvalidHeaderName> {
        let field = match name {
            ":authority" => Field::Authority,
            ":method" => Field::Method,
            ":path" => Field::Path,
            ":scheme" => Field::Scheme,
            name => Field::Header(HeaderName::from_bytes(name.as_bytes())?),
        };
        Ok(NamedHeader { field, shown: name.into() })
    }

    fn read<'a>(&self, request: &RequestHead<'a>) -> Result<&'a [u8], Unidentified> {
        let value = match &self.field {
            // HTTP/2 names the host by itself.
            Field::Header(name) if *name == fields::HOST && request.authority.is_some() => {
                request.authority.map(str::as_bytes)
            }
            Field::Header(name) => request.header(name),
            Field::Authority => request.authority.map(str::as_bytes),
            Field::Method => Some(request.method.as_str().as_bytes()),
            Field::Path => Some(request.target.as_bytes()),
            Field::Scheme => request.scheme.map(str::as_bytes),
        };
        let value = value.filter(|value| !value.is_empty());
        value.ok_or_else(|| match self.field {
            Field::Header(_) if request.version != Version::HTTP_2 => {
                Unidentified::HeaderAbsent(self.shown.clone())
            }
            _ => Unidentified::HeaderMissing(self.shown.clone()),
        })
    }
}

#[cfg(test)]
mod tests;
