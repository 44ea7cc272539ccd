//! The router's own answers: a status, `l5d-err`, and a text that says what went wrong.

use std::fmt::{self, Write as _};
use std::net::SocketAddr;

use bytes::Bytes;
use dtab::{Dtab, Path};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Response, StatusCode};

use super::headers::ERR;

/// How long an error answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorLimits {
    /// The longest `l5d-err`, in bytes of the encoded text (`maxHeadersKB`).
    pub header: usize,
    /// The longest body, in UTF-16 units (`maxErrResponseKB`).
    pub body: usize,
}

impl Default for ErrorLimits {
    fn default() -> Self {
        ErrorLimits { header: 8 * 1024, body: 5 * 1024 * 1024 }
    }
}

/// An error answer: the message as plain text, and encoded in `l5d-err`.
pub fn respond(status: StatusCode, message: &str, limits: ErrorLimits) -> Response<Bytes> {
    let mut response = Response::new(Bytes::copy_from_slice(cut(message, limits.body).as_bytes()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(ERR, encode(message, limits.header));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// The message as a form value in ISO-8859-1, cut to `max` bytes wherever that falls.
///
/// Letters, digits and `.-*_` stand for themselves, a space is `+`, all else `%XX`, and a character
/// that ISO-8859-1 lacks is a question mark.
fn encode(message: &str, max: usize) -> HeaderValue {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = Vec::with_capacity(max.min(message.len() * 3));
    for c in message.chars() {
        if encoded.len() >= max {
            break;
        }
        match u8::try_from(c).unwrap_or(b'?') {
            b' ' => encoded.push(b'+'),
            // A question mark is escaped, too.
            plain if plain.is_ascii_alphanumeric() || b".-*_".contains(&plain) => {
                encoded.push(plain);
            }
            other => {
                let digit = |nibble: u8| DIGITS[usize::from(nibble & 0xf)];
                encoded.extend_from_slice(&[b'%', digit(other >> 4), digit(other)]);
            }
        }
    }
    encoded.truncate(max);
    // ASCII without controls, so this cannot fail.
    HeaderValue::from_maybe_shared(Bytes::from(encoded))
        .unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The first `max` UTF-16 units of the message, fewer if that would divide a character.
fn cut(message: &str, max: usize) -> &str {
    let mut units = 0;
    for (at, c) in message.char_indices() {
        units += c.len_utf16();
        if units > max {
            return &message[..at];
        }
    }
    message
}

/// The text of a request that no identifier knows, or whose name one found wrong.
#[derive(Clone, Copy, Debug)]
pub struct UnknownDestination<'a, R> {
    /// The request's method.
    pub method: &'a Method,
    /// Its target.
    pub target: &'a str,
    /// Who sent it.
    pub from: SocketAddr,
    /// Why it has no name.
    pub reason: R,
}

impl<R: fmt::Display> fmt::Display for UnknownDestination<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let UnknownDestination { method, target, from, reason } = self;
        write!(f, "Unknown destination: Request(\"{method} {target}\", from /{from}) / {reason}")
    }
}

/// The text for a name that does not bind, or binds to no address.
#[derive(Clone, Copy, Debug)]
pub struct NoBrokers<'a> {
    /// The logical name.
    pub service: &'a Path,
    /// What the interpreter adds of its own, such as a namespace of a store.
    pub dtab: &'a Dtab,
    /// The router's table.
    pub base: &'a Dtab,
    /// The request's overrides.
    pub overrides: &'a Dtab,
}

impl fmt::Display for NoBrokers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Unable to route request!\n\nservice name: {}", self.service)?;
        let sections =
            [("dtab", self.dtab), ("base dtab", self.base), ("override dtab", self.overrides)];
        for (title, dtab) in sections {
            writeln!(f, "{title}:")?;
            for dentry in dtab {
                writeln!(f, "  {} => {}", dentry.prefix, dentry.dst)?;
            }
            if dtab.is_empty() {
                f.write_char('\n')?;
            }
        }
        Ok(())
    }
}

/// The text for an endpoint that does not take a connection.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionFailed<'a> {
    /// The endpoint that was tried.
    pub selected: SocketAddr,
    /// All endpoints of the client.
    pub addresses: &'a [SocketAddr],
    /// The logical name.
    pub service: &'a Path,
    /// The bound name.
    pub client: &'a Path,
}

impl fmt::Display for ConnectionFailed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ConnectionFailed { selected, addresses, service, client } = self;
        writeln!(f, "Unable to establish connection to {selected}.\n")?;
        write!(f, "service name: {service}\nclient name: {client}\naddresses: [")?;
        for (i, address) in addresses.iter().enumerate() {
            write!(f, "{}{address}", if i == 0 { "" } else { ", " })?;
        }
        writeln!(f, "]\nselected address: {selected}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(message: &str, max: usize) -> String {
        let limits = ErrorLimits { header: max, body: 100 };
        let response = respond(StatusCode::BAD_REQUEST, message, limits);
        response.headers()[ERR].to_str().unwrap().to_owned()
    }

    #[test]
    fn l5d_err_is_cut_wherever_its_limit_falls() {
        assert_eq!(header("a b/c", 100), "a+b%2Fc");
        assert_eq!(header("a b/c", 5), "a+b%2");
        assert_eq!(header("a b/c", 0), "");
    }

    #[test]
    fn a_body_is_not_cut_inside_a_character() {
        assert_eq!(cut("a😀b", 2), "a");
        assert_eq!(cut("a😀b", 3), "a😀");
        assert_eq!(cut("ab", 2), "ab");
    }

    #[test]
    fn texts_read_as_linkerds_do() {
        let service = Path::parse("/svc/dead").unwrap();
        let selected = SocketAddr::from(([127, 0, 0, 1], 8999));
        let failed = ConnectionFailed {
            selected,
            addresses: &[selected],
            service: &service,
            client: &Path::parse("/#/io.l5d.fs/dead").unwrap(),
        };
        insta::assert_snapshot!(failed);
        let unknown = UnknownDestination {
            method: &Method::GET,
            target: "/a/b",
            from: selected,
            reason: "not enough segments in path",
        };
        insta::assert_snapshot!(unknown);
    }
}
