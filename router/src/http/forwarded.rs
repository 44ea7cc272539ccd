//! The `Forwarded` header (RFC 7239): who forwarded a request, and for whom.

use std::fmt::{self, Write as _};
use std::net::{IpAddr, SocketAddr};

use http::header::{FORWARDED, HOST};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue};

use super::uri_reference::UriReference;
use crate::entropy;

/// How an end of a connection is named in `by` and `for`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Labeler {
    /// The address: `192.0.2.1` or `"[2001:db8:0:0:0:0:0:1]"`.
    Ip,
    /// Address and port, in quotes.
    IpPort,
    /// `_` and six random characters, new for each request.
    #[default]
    RequestRandom,
    /// The same, new for each connection.
    ConnectionRandom,
    /// A fixed label, which begins with `_`.
    Static(String),
}

impl Labeler {
    /// A fixed label. RFC 7239 wants `_` in front, so it is added where it is missing.
    pub fn fixed(label: &str) -> Self {
        Labeler::Static(if label.starts_with('_') { label.to_owned() } else { format!("_{label}") })
    }

    /// The label of one end of a connection, made when the connection is accepted.
    pub fn label(&self, addr: SocketAddr) -> Label {
        if let Labeler::Static(label) = self {
            return Label::Fixed(label.clone());
        }
        let ip = addr.ip().to_canonical();
        if ip.is_unspecified() {
            return Label::Fixed("unknown".to_owned());
        }
        match (self, ip) {
            (Labeler::RequestRandom, _) => Label::PerRequest,
            (Labeler::ConnectionRandom, _) => Label::Fixed(obfuscated()),
            (Labeler::IpPort, ip) => Label::Fixed(format!("\"{}:{}\"", Node(ip), addr.port())),
            (_, IpAddr::V4(ip)) => Label::Fixed(ip.to_string()),
            (_, ip) => Label::Fixed(format!("\"{}\"", Node(ip))),
        }
    }
}

/// The label of one end of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Label {
    /// The same for every request of the connection.
    Fixed(String),
    /// A new random one for every request.
    PerRequest,
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Label::Fixed(label) => f.write_str(label),
            Label::PerRequest => f.write_str(&obfuscated()),
        }
    }
}

/// Adds a `Forwarded` line to a request; lines that are there stay.
///
/// `host` is given if the request has a `Host`, or `authority` for one of HTTP/2, and `proto` if its
/// target has a scheme.
pub fn add(
    headers: &mut HeaderMap,
    target: &str,
    authority: Option<&Authority>,
    by: &Label,
    for_: &Label,
) {
    let mut value = format!("by={by};for={for_}").into_bytes();
    if let Some(host) = headers.get(HOST) {
        value.extend_from_slice(b";host=");
        value.extend_from_slice(host.as_bytes());
    }
    if let Some(authority) = authority {
        value.extend_from_slice(b";authority=");
        value.extend_from_slice(authority.as_str().as_bytes());
    }
    if let Some(scheme) = UriReference::parse(target).ok().and_then(|uri| uri.scheme) {
        value.extend_from_slice(b";proto=");
        value.extend_from_slice(scheme.as_bytes());
    }
    // A label from the configuration may hold what no header may; then there is nothing to send.
    if let Ok(value) = HeaderValue::from_maybe_shared(bytes::Bytes::from(value)) {
        headers.append(FORWARDED, value);
    }
}

/// An address as Linkerd writes it: IPv6 in brackets and with all its groups.
struct Node(IpAddr);

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(ip) => ip.fmt(f),
            IpAddr::V6(ip) => {
                for (i, group) in ip.segments().into_iter().enumerate() {
                    write!(f, "{}{group:x}", if i == 0 { '[' } else { ':' })?;
                }
                f.write_char(']')
            }
        }
    }
}

fn obfuscated() -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut bits = entropy::next_u64();
    let mut label = String::from("_");
    for _ in 0..6 {
        let (rest, at) = (bits / 62, (bits % 62) as usize);
        label.push(char::from(ALPHABET[at]));
        bits = rest;
    }
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_labels_last_for_a_request_or_a_connection() {
        let addr = SocketAddr::from(([10, 0, 0, 1], 80));
        let per_request = Labeler::RequestRandom.label(addr);
        assert_ne!(per_request.to_string(), per_request.to_string());
        let per_connection = Labeler::ConnectionRandom.label(addr);
        assert_eq!(per_connection.to_string(), per_connection.to_string());
        assert_eq!(per_connection.to_string().len(), 7);
    }

    #[test]
    fn an_ipv4_address_mapped_into_ipv6_is_named_as_ipv4() {
        let addr = "[::ffff:192.0.2.1]:80".parse().unwrap();
        assert_eq!(Labeler::IpPort.label(addr).to_string(), "\"192.0.2.1:80\"");
    }
}
