//! Header fields that concern one connection only.

use std::str;

use http::header::{
    CONNECTION, CONTENT_LENGTH, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName};

use super::headers;

/// Removed from every message, together with `Connection` itself. `Keep-Alive` and
/// `Proxy-Connection` are not among them and pass.
const HOP_BY_HOP: [HeaderName; 6] =
    [PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// Removes the fields that concern one connection: the known ones and those that `Connection` names.
///
/// Only the first `Connection` line counts. It cannot remove what the next hop must have to read or
/// route the message, see [`is_protected`].
pub fn strip(headers: &mut HeaderMap) {
    // One look at each name there is costs less than a look-up of each that might be.
    if !headers.keys().any(|name| *name == CONNECTION || HOP_BY_HOP.contains(name)) {
        return;
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    let Some(connection) = headers.remove(CONNECTION) else { return };
    for name in connection.as_bytes().split(|&byte| byte == b',') {
        // What is no header name cannot be the name of a header that is there.
        if let Ok(name) = str::from_utf8(name.trim_ascii())
            && !is_protected(name)
        {
            headers.remove(name);
        }
    }
}

/// Whether `Connection` may not remove this field: `Host`, `Content-Length` and all of `l5d-*`.
///
/// Otherwise a caller could have the framing, the name or the context of a request removed by one
/// hop that another relied on.
pub fn is_protected(name: &str) -> bool {
    name.eq_ignore_ascii_case(HOST.as_str())
        || name.eq_ignore_ascii_case(CONTENT_LENGTH.as_str())
        || headers::is_l5d(name)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn stripped(lines: &[(&'static str, &'static str)]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for &(name, value) in lines {
            headers.append(name, HeaderValue::from_static(value));
        }
        strip(&mut headers);
        let mut names: Vec<String> = headers.keys().map(ToString::to_string).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn connection_names_fields_to_remove() {
        assert_eq!(
            stripped(&[("connection", "close, X-Foo,,"), ("x-foo", "1"), ("x-bar", "2")]),
            ["x-bar"]
        );
    }

    #[test]
    fn connection_cannot_remove_what_the_next_hop_needs() {
        let kept = stripped(&[
            ("connection", "Host, content-length, L5D-Ctx-Dtab, not a name"),
            ("host", "h"),
            ("content-length", "3"),
            ("l5d-ctx-dtab", "/a=>/b"),
        ]);
        assert_eq!(kept, ["content-length", "host", "l5d-ctx-dtab"]);
    }

    #[test]
    fn only_the_first_connection_line_counts() {
        assert_eq!(
            stripped(&[("connection", "a"), ("connection", "b"), ("a", "1"), ("b", "2")]),
            ["b"]
        );
    }
}
