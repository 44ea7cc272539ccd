//! The `Via` header: every hop adds itself, and counting them finds loops.

use bytes::{BufMut, BytesMut};
use http::header::{HOST, VIA};
use http::{HeaderMap, HeaderValue, Version};

/// How many hops a request may have made, if the configuration does not say.
pub const DEFAULT_MAX_CALL_DEPTH: usize = 1000;

/// Adds this hop to the `Via` of a request or response.
///
/// Only the first line is continued; further ones are dropped. The version is that of the message.
pub fn append(headers: &mut HeaderMap, version: Version) {
    let ours = match version {
        Version::HTTP_09 => "0.9 linkerd",
        Version::HTTP_10 => "1.0 linkerd",
        Version::HTTP_2 => "h2 linkerd",
        Version::HTTP_3 => "3.0 linkerd",
        _ => "1.1 linkerd",
    };
    let value = match headers.get(VIA) {
        None => HeaderValue::from_static(ours),
        Some(so_far) => {
            let so_far = so_far.as_bytes();
            let mut value = BytesMut::with_capacity(so_far.len() + 2 + ours.len());
            value.put_slice(so_far);
            value.put_slice(b", ");
            value.put_slice(ours.as_bytes());
            // Header bytes with header bytes added are header bytes.
            HeaderValue::from_maybe_shared(value.freeze())
                .unwrap_or_else(|_| HeaderValue::from_static(ours))
        }
    };
    headers.insert(VIA, value);
}

/// Gives an HTTP/1.1 request that has no `Host` an empty one, since the next hop requires it.
pub fn ensure_host(headers: &mut HeaderMap, version: Version) {
    if version == Version::HTTP_11 && !headers.contains_key(HOST) {
        headers.insert(HOST, HeaderValue::from_static(""));
    }
}

/// A request has been through more hops than are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Maximum number of calls ({max}) has been exceeded. Please check for proxy loops.")]
pub struct MaxCallDepthExceeded {
    /// The limit.
    pub max: usize,
}

/// Refuses a request whose first `Via` line lists more than `max` hops.
pub fn check_call_depth(headers: &HeaderMap, max: usize) -> Result<(), MaxCallDepthExceeded> {
    match headers.get(VIA) {
        Some(via) if depth(via.as_bytes()) > max => Err(MaxCallDepthExceeded { max }),
        _ => Ok(()),
    }
}

/// The number of entries in a `Via` line. Empty ones count, except at the end; an empty line is one.
fn depth(via: &[u8]) -> usize {
    let Some(last) = via.iter().rposition(|&byte| byte != b',') else {
        return usize::from(via.is_empty());
    };
    1 + memchr::memchr_iter(b',', &via[..last]).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_counted_as_linkerd_does() {
        for (via, count) in [("", 1), (",", 0), ("a", 1), ("a,b", 2), ("a,b,,", 2), (",,a", 3)] {
            assert_eq!(depth(via.as_bytes()), count, "{via:?}");
        }
    }

    #[test]
    fn only_a_modern_request_is_given_a_host() {
        let mut headers = HeaderMap::new();
        ensure_host(&mut headers, Version::HTTP_10);
        assert!(headers.is_empty());
        ensure_host(&mut headers, Version::HTTP_11);
        assert_eq!(headers[HOST], "");
    }
}
