//! The headers by which plain Finagle services hand on context: `Dtab-Local`, `X-Dtab-NN-A` and `-B`,
//! and `Finagle-Ctx-…`.
//!
//! A router neither reads nor writes them; they are for talking to such services directly.

use bytes::Bytes;
use dtab::{Dentry, Dtab, Prefix, SyntaxError, parse_tree};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::deadline::{self, Deadline};
use super::dtab::{insert_shown, join};
use super::{remove_where, text, trace};

/// `Dtab-Local`: dtabs, separated by commas.
pub const DTAB_LOCAL: HeaderName = HeaderName::from_static("dtab-local");
/// The deadline as Finagle writes it.
pub const DEADLINE: HeaderName =
    HeaderName::from_static("finagle-ctx-com.twitter.finagle.deadline");
/// How often a request has been tried before.
pub const RETRIES: HeaderName = HeaderName::from_static("finagle-ctx-com.twitter.finagle.retries");

const X_DTAB: &str = "x-dtab-";

/// A dtab as long as this is not written.
const MAX_WRITTEN: usize = 100;

/// Why a request's Finagle dtab cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FinagleDtabError {
    /// The `X-Dtab` headers are not pairs of an A and a B of one number.
    #[error("Unmatched X-Dtab headers")]
    Unmatched,
    /// An `X-Dtab` value is not base64.
    #[error("Value not b64-encoded: {0}")]
    NotBase64(String),
    /// An A value is not the prefix of a dentry.
    #[error("Invalid prefix: {text}")]
    Prefix {
        /// What it holds.
        text: String,
        /// What is wrong with that.
        source: SyntaxError,
    },
    /// A B value is not a name tree.
    #[error("Invalid name: {text}")]
    Name {
        /// What it holds.
        text: String,
        /// What is wrong with that.
        source: SyntaxError,
    },
    /// A `Dtab-Local` is not a dtab.
    #[error("{0}")]
    DtabLocal(SyntaxError),
}

/// A dtab is too long to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Dtabs with length greater than 100 are not serializable with HTTP")]
pub struct TooLong;

/// The dtab of a request: `X-Dtab` pairs in the order of their names as text (10 before 2), and then
/// every `Dtab-Local`.
///
/// The commas of a `Dtab-Local` divide before anything else is read, even inside a comment.
pub fn read_dtab(headers: &HeaderMap) -> Result<Dtab, FinagleDtabError> {
    let mut dtab = read_pairs(headers)?;
    for value in headers.get_all(DTAB_LOCAL) {
        for part in text(value).split(',') {
            dtab = join(dtab, Dtab::parse(part).map_err(FinagleDtabError::DtabLocal)?);
        }
    }
    Ok(dtab)
}

/// Reads the dtab and removes its headers. An empty one leaves them.
pub fn take_dtab(headers: &mut HeaderMap) -> Result<Dtab, FinagleDtabError> {
    let dtab = read_dtab(headers)?;
    if !dtab.is_empty() {
        clear_dtab(headers);
    }
    Ok(dtab)
}

/// The answer to a request whose dtab cannot be read, as a Finagle server gives it.
pub fn reject(error: &FinagleDtabError) -> Response<Bytes> {
    let body = format!("Invalid Dtab headers: {error}");
    let length = HeaderValue::from(body.len());
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=UTF-8"));
    headers.insert(CONTENT_LENGTH, length);
    response
}

/// Sets `Dtab-Local`. An empty dtab writes nothing.
pub fn write_dtab(headers: &mut HeaderMap, dtab: &Dtab) -> Result<(), TooLong> {
    if dtab.len() >= MAX_WRITTEN {
        return Err(TooLong);
    }
    if !dtab.is_empty() {
        insert_shown(headers, DTAB_LOCAL, dtab);
    }
    Ok(())
}

/// Removes every header that [`read_dtab`] reads.
pub fn clear_dtab(headers: &mut HeaderMap) {
    remove_where(headers, |name| name == DTAB_LOCAL || name.starts_with(X_DTAB));
}

fn read_pairs(headers: &HeaderMap) -> Result<Dtab, FinagleDtabError> {
    let mut names: Vec<&str> = Vec::new();
    for name in headers.keys().filter(|name| name.as_str().starts_with(X_DTAB)) {
        names.extend(headers.get_all(name).iter().map(|_| name.as_str()));
    }
    names.sort_unstable();
    let (pairs, odd) = names.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(FinagleDtabError::Unmatched);
    }
    pairs.iter().map(|&[prefix, name]| read_pair(headers, prefix, name)).collect()
}

fn read_pair(headers: &HeaderMap, a: &str, b: &str) -> Result<Dentry, FinagleDtabError> {
    let (Some(number), Some(same)) = (a.strip_suffix('a'), b.strip_suffix('b')) else {
        return Err(FinagleDtabError::Unmatched);
    };
    let (Some(a), Some(b), true) = (headers.get(a), headers.get(b), number == same) else {
        return Err(FinagleDtabError::Unmatched);
    };
    let prefix = decode(a)?;
    let prefix = Prefix::parse(&prefix)
        .map_err(|source| FinagleDtabError::Prefix { text: prefix, source })?;
    let name = decode(b)?;
    let name = parse_tree(&name).map_err(|source| FinagleDtabError::Name { text: name, source })?;
    Ok(Dentry::new(prefix, name))
}

fn decode(value: &HeaderValue) -> Result<String, FinagleDtabError> {
    let bytes = trace::decode_base64(value.as_bytes())
        .ok_or_else(|| FinagleDtabError::NotBase64(text(value).into_owned()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The deadline that a Finagle client sent; an unreadable one is none.
pub fn read_deadline(headers: &HeaderMap) -> Option<Deadline> {
    Deadline::parse(&text(headers.get(DEADLINE)?))
}

/// How often a Finagle client has tried this request before; an unreadable number is none.
pub fn read_retries(headers: &HeaderMap) -> Option<i32> {
    text(headers.get(RETRIES)?).parse().ok()
}

/// Sets the deadline for a Finagle service.
pub fn write_deadline(headers: &mut HeaderMap, deadline: Deadline) {
    deadline::insert_shown(headers, DEADLINE, deadline);
}

/// Sets the number of earlier tries for a Finagle service.
pub fn write_retries(headers: &mut HeaderMap, retries: i32) {
    headers.insert(RETRIES, HeaderValue::from(retries));
}
