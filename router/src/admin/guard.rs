//! Who may ask: what keeps a web page in an operator's browser from driving the admin server.
//!
//! A page can send requests to this machine, and, when its own name is made to resolve here (DNS
//! rebinding), read the answers. Such requests carry that name as their `Host`. So a server on
//! loopback answers only to names that cannot be rebound: addresses, `localhost`, and those that
//! are configured. Changes are refused to pages of other origins besides.

use std::net::{IpAddr, Ipv4Addr};

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use tokio::net::TcpListener;

/// What pages of other origins are told when they ask for a change.
pub(super) const FOREIGN: &str = "not for pages of other origins\n";

/// What `Host` may say.
#[derive(Clone, Debug)]
pub(super) struct HostRule {
    /// Any host will do: the server is open to the network anyway.
    any: bool,
    names: Vec<String>,
}

impl HostRule {
    /// The rule for a server on this socket.
    pub(super) fn of(listener: &TcpListener, names: &[String]) -> Self {
        let ip = listener.local_addr().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |local| local.ip());
        HostRule::new(ip, names)
    }

    /// The rule for a server that listens on `ip`.
    pub(super) fn new(ip: IpAddr, names: &[String]) -> Self {
        HostRule { any: !ip.to_canonical().is_loopback(), names: names.to_vec() }
    }

    /// Whether the request is meant for this server. One without any host is no browser's.
    pub(super) fn admits(&self, request: &Parts) -> bool {
        let host = request.headers.get(HOST).map(|value| value.to_str().unwrap_or("?"));
        let uri = request.uri.authority().map(http::uri::Authority::as_str);
        self.any || host.into_iter().chain(uri).all(|authority| self.is_own(authority))
    }

    fn is_own(&self, authority: &str) -> bool {
        let host = host_of(authority);
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        bare.parse::<IpAddr>().is_ok()
            || host.eq_ignore_ascii_case("localhost")
            || self.names.iter().any(|name| name.eq_ignore_ascii_case(host))
    }
}

/// The host of `host:port`; the brackets of an IPv6 address stay.
fn host_of(authority: &str) -> &str {
    match authority.rfind(':') {
        Some(colon) if !authority[colon..].contains(']') => &authority[..colon],
        _ => authority,
    }
}

/// Whether a browser sends this for a page of another origin.
pub(super) fn is_foreign(request: &Parts) -> bool {
    let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if header("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return true;
    }
    let Some(origin) = header(ORIGIN.as_str()) else { return false };
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    authority.is_none() || authority != header(HOST.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::get("/admin/ping");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn on_loopback_only_names_that_cannot_be_rebound_are_answered() {
        let rule = HostRule::new([127, 0, 0, 1].into(), &["admin.internal".to_owned()]);
        for host in [
            "127.0.0.1:9990",
            "localhost",
            "LOCALHOST:9990",
            "[::1]:9990",
            "[::1]",
            "10.0.0.1",
            "admin.internal:9990",
        ] {
            assert!(rule.admits(&request(&[("host", host)])), "{host}");
        }
        for host in ["evil.example", "evil.example:9990", "127.0.0.1.evil.example", "", ":9990"] {
            assert!(!rule.admits(&request(&[("host", host)])), "{host}");
        }
        assert!(rule.admits(&request(&[])), "HTTP/1.0 health checks have no Host");
    }

    #[test]
    fn on_other_addresses_any_host_is_answered() {
        let rule = HostRule::new([0, 0, 0, 0].into(), &[]);
        assert!(rule.admits(&request(&[("host", "linkerd.example")])));
    }

    #[test]
    fn pages_of_other_origins_are_told_apart() {
        let host = ("host", "127.0.0.1:9990");
        assert!(!is_foreign(&request(&[host])));
        assert!(!is_foreign(&request(&[host, ("origin", "http://127.0.0.1:9990")])));
        assert!(is_foreign(&request(&[host, ("origin", "http://evil.example")])));
        assert!(is_foreign(&request(&[host, ("origin", "null")])));
        assert!(is_foreign(&request(&[host, ("sec-fetch-site", "cross-site")])));
    }
}
