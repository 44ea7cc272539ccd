//! Requests from one version of HTTP to another (RFC 9113, 8).

use http::header::{CONNECTION, CONTENT_LENGTH, COOKIE, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, Version, request};

/// Fields of HTTP/1.1 that say how a connection is used, and mean nothing in HTTP/2.
const OF_CONNECTIONS: [HeaderName; 5] = [
    CONNECTION,
    UPGRADE,
    TRANSFER_ENCODING,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// What is wrong with the head of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadHead {
    /// Two names of the host.
    #[error("the Host header does not agree with :authority (RFC 9113, 8.3.1)")]
    TwoHosts,
    /// No name of the host.
    #[error("the request names no host")]
    NoHost,
    /// The name of the host is none.
    #[error("the Host header is no host")]
    BadHost,
    /// The target cannot be told in the other version.
    #[error("the target is no path")]
    BadTarget,
}

/// Has the host of an HTTP/2 request in one place, its URI, and the pairs of a cookie in one line.
///
/// A `Host` header that agrees is dropped; without `:authority` it is taken for that.
pub(crate) fn settle_http2(parts: &mut request::Parts) -> Result<(), BadHead> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let host = hosts.next().cloned();
    if hosts.next().is_some() {
        return Err(BadHead::TwoHosts);
    }
    match (&host, parts.uri.authority()) {
        (Some(host), Some(authority)) => {
            if !host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes()) {
                return Err(BadHead::TwoHosts);
            }
        }
        (Some(host), None) if !host.is_empty() => {
            let authority = Authority::try_from(host.as_bytes()).map_err(|_| BadHead::BadHost)?;
            parts.uri = with_authority(&parts.uri, authority, Scheme::HTTP)?;
        }
        (Some(_), None) | (None, _) => {}
    }
    if host.is_some() {
        parts.headers.remove(HOST);
    }
    join_cookies(&mut parts.headers);
    Ok(())
}

/// Makes an HTTP/2 request one of HTTP/1.1. [`settle_http2`] has been there.
pub(crate) fn to_http1(parts: &mut request::Parts, has_body: bool) -> Result<(), BadHead> {
    if let Some(authority) = parts.uri.authority() {
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| BadHead::BadHost)?;
        parts.headers.insert(HOST, host);
    }
    let target = parts.uri.path_and_query().cloned();
    parts.uri = Uri::from(target.unwrap_or_else(|| PathAndQuery::from_static("/")));
    parts.version = Version::HTTP_11;
    // That trailers are wanted is not said on: whether they may be sent is up to the next hop.
    parts.headers.remove(TE);
    if has_body && !parts.headers.contains_key(CONTENT_LENGTH) {
        parts.headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    Ok(())
}

/// Makes an HTTP/1.1 request one of HTTP/2.
pub(crate) fn to_http2(parts: &mut request::Parts, scheme: Scheme) -> Result<(), BadHead> {
    let host = parts.headers.remove(HOST).filter(|host| !host.is_empty());
    let authority = match host {
        Some(host) => Authority::try_from(host.as_bytes()).map_err(|_| BadHead::BadHost)?,
        None => return Err(BadHead::NoHost),
    };
    parts.uri = with_authority(&parts.uri, authority, scheme)?;
    parts.version = Version::HTTP_2;
    for name in OF_CONNECTIONS {
        parts.headers.remove(name);
    }
    Ok(())
}

/// The headers that a request had before it was translated on its way to a service: those of
/// `translated`, for a request that begins with `head`.
pub(crate) fn untranslated(translated: request::Parts, head: &request::Parts) -> HeaderMap {
    let request::Parts { mut headers, uri, version, .. } = translated;
    if head.version != Version::HTTP_2
        && version == Version::HTTP_2
        && let Some(authority) = uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        headers.insert(HOST, host);
    }
    if head.version == Version::HTTP_2 && version != Version::HTTP_2 {
        headers.remove(HOST);
        headers.remove(TRANSFER_ENCODING);
    }
    headers
}

fn with_authority(uri: &Uri, authority: Authority, scheme: Scheme) -> Result<Uri, BadHead> {
    let mut parts = uri.clone().into_parts();
    parts.scheme = parts.scheme.or(Some(scheme));
    parts.authority = Some(authority);
    parts.path_and_query = parts.path_and_query.or(Some(PathAndQuery::from_static("/")));
    Uri::from_parts(parts).map_err(|_| BadHead::BadTarget)
}

/// HTTP/2 may send the pairs of a cookie apart; others may not (RFC 9113, 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let mut lines = headers.get_all(COOKIE).iter();
    let (Some(first), Some(second)) = (lines.next(), lines.next()) else { return };
    let mut joined = first.as_bytes().to_vec();
    for line in std::iter::once(second).chain(lines) {
        joined.extend_from_slice(b"; ");
        joined.extend_from_slice(line.as_bytes());
    }
    // Header bytes with header bytes between them are header bytes.
    if let Ok(joined) = HeaderValue::from_bytes(&joined) {
        headers.insert(COOKIE, joined);
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn parts(uri: &str, version: Version, lines: &[(&str, &str)]) -> request::Parts {
        let mut request = Request::builder().uri(uri).version(version);
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn shown(parts: &request::Parts) -> String {
        let mut lines: Vec<_> = parts
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.sort();
        format!("{} {:?} {}", parts.uri, parts.version, lines.join(", "))
    }

    #[test]
    fn http2_names_its_host_once() {
        let settled = |uri, lines: &[(&str, &str)]| {
            let mut parts = parts(uri, Version::HTTP_2, lines);
            settle_http2(&mut parts).map(|()| shown(&parts))
        };
        let ok = |text: &str| Ok(text.to_owned());
        assert_eq!(settled("http://web/a?b", &[]), ok("http://web/a?b HTTP/2.0 "));
        assert_eq!(settled("http://web/", &[("host", "WEB")]), ok("http://web/ HTTP/2.0 "));
        assert_eq!(settled("/a", &[("host", "web")]), ok("http://web/a HTTP/2.0 "));
        assert_eq!(settled("http://web/", &[("host", "api")]), Err(BadHead::TwoHosts));
        assert_eq!(settled("/", &[("host", "a"), ("host", "a")]), Err(BadHead::TwoHosts));
        assert_eq!(settled("/", &[("host", "a b")]), Err(BadHead::BadHost));
    }

    #[test]
    fn crumbs_of_a_cookie_are_joined() {
        let mut parts =
            parts("http://web/", Version::HTTP_2, &[("cookie", "a=1"), ("cookie", "b=2")]);
        settle_http2(&mut parts).unwrap();
        assert_eq!(shown(&parts), "http://web/ HTTP/2.0 cookie: a=1; b=2");
    }

    #[test]
    fn a_request_is_translated_there_and_back() {
        let mut parts = parts("http://web/a?b", Version::HTTP_2, &[("te", "trailers"), ("x", "y")]);
        to_http1(&mut parts, true).unwrap();
        assert_eq!(shown(&parts), "/a?b HTTP/1.1 host: web, transfer-encoding: chunked, x: y");
        to_http2(&mut parts, Scheme::HTTPS).unwrap();
        assert_eq!(shown(&parts), "https://web/a?b HTTP/2.0 x: y");
        let mut sized = self::parts("http://web/", Version::HTTP_2, &[("content-length", "3")]);
        to_http1(&mut sized, true).unwrap();
        assert_eq!(shown(&sized), "/ HTTP/1.1 content-length: 3, host: web");
        let mut nobody = self::parts("/", Version::HTTP_10, &[]);
        assert_eq!(to_http2(&mut nobody, Scheme::HTTP), Err(BadHead::NoHost));
    }
}
