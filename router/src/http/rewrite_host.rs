//! Sending a request under the host name that its service answers to (consul's `setHost`).

use http::header::{HOST, LOCATION, REFRESH};
use http::{HeaderMap, HeaderValue};

/// Sets the request's `Host` to `authority`; gives back the one that the caller used, if any.
pub fn rewrite_request(headers: &mut HeaderMap, authority: &HeaderValue) -> Option<HeaderValue> {
    headers.insert(HOST, authority.clone())
}

/// Gives the caller's host back its place in the URLs of the response, `Location` and `Refresh`.
///
/// A service that builds them from `Host` would otherwise send the caller to a name that the caller
/// does not know.
pub fn rewrite_response(headers: &mut HeaderMap, authority: &HeaderValue, original: &HeaderValue) {
    for name in [LOCATION, REFRESH] {
        let Some(value) = headers.get(&name) else { continue };
        if let Some(value) = replace(value, authority.as_bytes(), original.as_bytes()) {
            headers.insert(name, value);
        }
    }
}

fn replace(value: &HeaderValue, from: &[u8], to: &[u8]) -> Option<HeaderValue> {
    let mut rest = value.as_bytes();
    let mut replaced = Vec::with_capacity(rest.len() + to.len());
    if !from.is_empty() {
        while let Some(at) = memchr::memmem::find(rest, from) {
            replaced.extend_from_slice(&rest[..at]);
            replaced.extend_from_slice(to);
            rest = &rest[at + from.len()..];
        }
    }
    replaced.extend_from_slice(rest);
    HeaderValue::from_maybe_shared(bytes::Bytes::from(replaced)).ok()
}
