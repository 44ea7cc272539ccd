//! Targets in absolute form, as clients send them that take us for a proxy.

use http::header::{HOST, HeaderValue};
use http::request::Parts;
use http::uri::{PathAndQuery, Uri};

use super::uri_reference::{InvalidUri, UriReference};

/// A target in absolute form cannot be turned into an ordinary request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyUriError {
    /// It looks like an absolute URI and is no URI.
    #[error(transparent)]
    Invalid(#[from] InvalidUri),
    /// It has a scheme and no authority, so there is no host.
    #[error("the request target is absolute and names no host")]
    NoAuthority,
}

/// What an absolute target stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direct<'a> {
    /// The value of `Host`, in place of any that the request has.
    pub host: &'a str,
    /// Path, query and fragment as written; may be empty.
    pub target: &'a str,
}

/// Splits a target in absolute form; `None` for every other form.
pub fn direct(target: &str) -> Result<Option<Direct<'_>>, ProxyUriError> {
    if !target.contains("://") {
        return Ok(None);
    }
    let uri = UriReference::parse(target)?;
    match (uri.scheme, uri.authority) {
        (None, _) => Ok(None),
        (Some(_), None) => Err(ProxyUriError::NoAuthority),
        (Some(_), Some(host)) => Ok(Some(Direct { host, target: uri.rest })),
    }
}

/// Makes a request in absolute form an ordinary one: its authority becomes the `Host`.
pub fn rewrite(parts: &mut Parts) -> Result<(), ProxyUriError> {
    if parts.uri.scheme().is_none() {
        return Ok(());
    }
    let text = parts.uri.to_string();
    let Some(Direct { host, .. }) = direct(&text)? else { return Ok(()) };
    let host = HeaderValue::from_bytes(host.as_bytes()).map_err(|_| InvalidUri::Authority)?;
    parts.headers.insert(HOST, host);
    let root = PathAndQuery::from_static("/");
    parts.uri = Uri::from(parts.uri.path_and_query().cloned().unwrap_or(root));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absolute_request_becomes_an_ordinary_one() {
        let request =
            http::Request::get("http://foo.com:81/a%20b?c=%2F").header("host", "old").body(());
        let (mut parts, ()) = request.unwrap().into_parts();
        rewrite(&mut parts).unwrap();
        assert_eq!(parts.uri, "/a%20b?c=%2F");
        assert_eq!(parts.headers[HOST], "foo.com:81");
    }

    #[test]
    fn an_ordinary_request_stays() {
        let (mut parts, ()) = http::Request::get("/a?b=http://c").body(()).unwrap().into_parts();
        rewrite(&mut parts).unwrap();
        assert_eq!(parts.uri, "/a?b=http://c");
        assert!(parts.headers.is_empty());
    }
}
