//! URI references by RFC 2396, as Java's `java.net.URI` reads them.
//!
//! Whether a request target is absolute, and what its scheme is, Linkerd asks that class; a target
//! that it refuses is an error and never a guess.

use std::net::Ipv6Addr;

/// A request target is not a URI reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUri {
    /// There is no scheme before the first `:`, or it is not one.
    #[error("the request target has no legal scheme before its `:`")]
    Scheme,
    /// Something is expected after the scheme.
    #[error("the request target ends after its scheme")]
    NothingAfterScheme,
    /// The authority is missing or not one.
    #[error("the request target has no legal authority after its `//`")]
    Authority,
    /// A character that must be escaped, or a `%` without two digits.
    #[error("the request target has an illegal character in its {0}")]
    Character(&'static str),
}

/// The parts of a URI reference that matter to routing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UriReference<'a> {
    /// The scheme, in the case it was written in; absolute URIs have one.
    pub scheme: Option<&'a str>,
    /// What stands between `//` and the path.
    pub authority: Option<&'a str>,
    /// Path, query and fragment, as written.
    pub rest: &'a str,
}

impl<'a> UriReference<'a> {
    /// Reads a reference.
    pub fn parse(text: &'a str) -> Result<Self, InvalidUri> {
        let (scheme, after) = match text.find([':', '/', '?', '#']) {
            Some(at) if text[at..].starts_with(':') => (Some(&text[..at]), &text[at + 1..]),
            _ => (None, text),
        };
        if let Some(scheme) = scheme {
            check_scheme(scheme)?;
            if after.is_empty() {
                return Err(InvalidUri::NothingAfterScheme);
            }
            if !after.starts_with('/') {
                let (opaque, fragment) = cut(after, '#');
                check(opaque, URIC, "scheme-specific part")?;
                check(fragment, URIC, "fragment")?;
                return Ok(UriReference { scheme: Some(scheme), authority: None, rest: after });
            }
        }
        let (authority, rest) = match after.strip_prefix("//") {
            None => (None, after),
            Some(after) => {
                let (authority, rest) =
                    after.split_at(after.find(['/', '?', '#']).unwrap_or(after.len()));
                match (authority, rest) {
                    ("", "") => return Err(InvalidUri::Authority),
                    ("", rest) => (None, rest),
                    (authority, rest) => {
                        check_authority(authority)?;
                        (Some(authority), rest)
                    }
                }
            }
        };
        let (hierarchical, fragment) = cut(rest, '#');
        let (path, query) = cut(hierarchical, '?');
        check(path, "/", "path")?;
        check(query, URIC, "query")?;
        check(fragment, URIC, "fragment")?;
        Ok(UriReference { scheme, authority, rest })
    }
}

/// What a query or fragment may hold beside what a path element may.
const URIC: &str = "/?[]";

fn cut(text: &str, at: char) -> (&str, &str) {
    text.split_once(at).unwrap_or((text, ""))
}

fn check_scheme(scheme: &str) -> Result<(), InvalidUri> {
    let mut bytes = scheme.bytes();
    let legal = bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if legal { Ok(()) } else { Err(InvalidUri::Scheme) }
}

/// Either a name in the wide sense (registry-based), or `user@[v6]:port`.
fn check_authority(authority: &str) -> Result<(), InvalidUri> {
    if check(authority, "", "authority").is_ok() {
        return Ok(());
    }
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let user = &authority[..authority.len() - host.len()];
    let (address, port) = host
        .strip_prefix('[')
        .and_then(|host| host.split_once(']'))
        .ok_or(InvalidUri::Authority)?;
    let address = cut(address, '%').0;
    let port_is_legal = match port.strip_prefix(':') {
        None => port.is_empty(),
        Some("") => true,
        Some(port) => port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<i32>().is_ok(),
    };
    if port_is_legal && address.parse::<Ipv6Addr>().is_ok() && check(user, "", "user").is_ok() {
        Ok(())
    } else {
        Err(InvalidUri::Authority)
    }
}

/// Refuses what must be escaped. Characters beyond ASCII may stand for themselves, save for controls
/// and spaces.
fn check(text: &str, also: &str, part: &'static str) -> Result<(), InvalidUri> {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let legal = match c {
            '%' => {
                let mut digit = || chars.next().is_some_and(|c| c.is_ascii_hexdigit());
                digit() && digit()
            }
            c if c.is_ascii() => {
                c.is_ascii_alphanumeric() || "-_.!~*'():@&=+$,;".contains(c) || also.contains(c)
            }
            c => !c.is_control() && !c.is_whitespace(),
        };
        if !legal {
            return Err(InvalidUri::Character(part));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (Option<&str>, Option<&str>, &str) {
        let uri = UriReference::parse(text).unwrap();
        (uri.scheme, uri.authority, uri.rest)
    }

    #[test]
    fn parts_are_told_apart() {
        assert_eq!(parts("http://h:1/a?b#c"), (Some("http"), Some("h:1"), "/a?b#c"));
        assert_eq!(parts("http://u@[::1]:80?q"), (Some("http"), Some("u@[::1]:80"), "?q"));
        assert_eq!(parts("/a?x=http://b"), (None, None, "/a?x=http://b"));
        assert_eq!(parts("foo.com:80"), (Some("foo.com"), None, "80"));
        assert_eq!(parts("http:///x"), (Some("http"), None, "/x"));
        assert_eq!(parts("*"), (None, None, "*"));
        assert_eq!(parts(""), (None, None, ""));
    }

    #[test]
    fn what_is_no_uri_is_refused() {
        use InvalidUri::*;
        for (text, why) in [
            ("://x", Scheme),
            ("1a://x", Scheme),
            ("http:", NothingAfterScheme),
            ("http://", Authority),
            ("http://[::1", Authority),
            ("http://[::1]x/", Authority),
            ("http://a|b/", Authority),
            ("http://h/a b", Character("path")),
            ("http://h/%4", Character("path")),
            ("/a?{", Character("query")),
            ("/a#\"", Character("fragment")),
        ] {
            assert_eq!(UriReference::parse(text), Err(why), "{text}");
        }
    }
}
