//! HTTP/1.1 requests by the letter of RFC 9112, with no leniency at all.
//!
//! A second reading, written apart from the proxy and from its codec, to hold both against: what a
//! test sends and what a backend gets are read by this, and have to be the same requests.

use std::fmt;

/// One request as it stands on the wire, its framing taken off.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Method, byte for byte.
    pub method: String,
    /// Target, byte for byte.
    pub target: String,
    /// `HTTP/1.1` or `HTTP/1.0`.
    pub version: String,
    /// Fields in their order, white space around values taken off.
    pub fields: Vec<(String, Vec<u8>)>,
    /// Content.
    pub body: Vec<u8>,
    /// Trailers of a chunked body.
    pub trailers: Vec<(String, Vec<u8>)>,
}

impl Message {
    /// Values of the fields of this name, in any case.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let named = self.fields.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_slice())
    }

    /// What has to be the same on both sides of a proxy: method, target and content.
    pub fn framing(&self) -> (&str, &str, &[u8]) {
        (&self.method, &self.target, &self.body)
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = self.body.escape_ascii();
        write!(f, "[{} {} {}, {}: {body}]", self.method, self.target, self.version, self.body.len())
    }
}

/// What the front of some bytes is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// A whole request, and how many bytes it has.
    Whole(Message, usize),
    /// The beginning of one.
    Partial,
    /// No request, and why not.
    Malformed(&'static str),
}

/// Reads the request at the front of `bytes`.
///
/// One `Host`; a `Content-Length` that is digits, or `Transfer-Encoding: chunked`, or neither; lines
/// that end in CRLF; no control characters, and no fragment in the target. Two equal `Content-Length` lines are the one thing that
/// RFC 9112 leaves to the recipient: `canonical` refuses them.
pub fn read(bytes: &[u8], canonical: bool) -> Reading {
    match request(bytes, canonical) {
        Ok((message, length)) => Reading::Whole(message, length),
        Err(None) => Reading::Partial,
        Err(Some(why)) => Reading::Malformed(why),
    }
}

/// All requests in `bytes`, and what is left behind them: nothing, a partial one, or no request.
pub fn read_all(bytes: &[u8], canonical: bool) -> (Vec<Message>, Option<Reading>) {
    let (mut messages, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        match read(&bytes[at..], canonical) {
            Reading::Whole(message, length) => {
                messages.push(message);
                at += length;
            }
            other => return (messages, Some(other)),
        }
    }
    (messages, None)
}

/// `None` if bytes are lacking, else what is wrong.
type Failure = Option<&'static str>;

fn request(bytes: &[u8], canonical: bool) -> Result<(Message, usize), Failure> {
    let mut at = 0;
    let line = line(bytes, &mut at)?;
    let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let [method, target, version] = words[..] else {
        return Err(Some("the request line is not three words"));
    };
    if !is_token(method) {
        return Err(Some("the method is no token"));
    }
    let in_target = |byte: &u8| byte.is_ascii_graphic() && *byte != b'#' || *byte >= 0x80;
    if target.is_empty() || !target.iter().all(in_target) {
        return Err(Some("a character that no target has"));
    }
    if !matches!(version, b"HTTP/1.1" | b"HTTP/1.0") {
        return Err(Some("an unknown version"));
    }
    let mut message = Message {
        method: text(method),
        target: text(target),
        version: text(version),
        fields: fields(bytes, &mut at)?,
        body: Vec::new(),
        trailers: Vec::new(),
    };
    let hosts = message.all("host").count();
    if hosts > 1 || hosts == 0 && version == b"HTTP/1.1" {
        return Err(Some("not one Host"));
    }
    let lengths: Vec<Vec<u8>> = message.all("content-length").map(<[u8]>::to_vec).collect();
    let codings: Vec<Vec<u8>> = message.all("transfer-encoding").map(<[u8]>::to_vec).collect();
    match (&lengths[..], &codings[..]) {
        ([], []) => {}
        ([], [coding]) if coding.eq_ignore_ascii_case(b"chunked") => {
            if version == b"HTTP/1.0" {
                return Err(Some("Transfer-Encoding in HTTP/1.0"));
            }
            message.body = chunks(bytes, &mut at)?;
            message.trailers = fields(bytes, &mut at)?;
        }
        ([length, others @ ..], []) => {
            if others.iter().any(|other| canonical || other != length) {
                return Err(Some("more than one Content-Length"));
            }
            if length.is_empty() || !length.iter().all(u8::is_ascii_digit) {
                return Err(Some("Content-Length is no number"));
            }
            let length = text(length).parse().map_err(|_| Some("Content-Length is too large"))?;
            message.body = take(bytes, &mut at, length)?.to_vec();
        }
        _ => return Err(Some("Transfer-Encoding is not `chunked`, alone")),
    }
    Ok((message, at))
}

/// Field lines up to and including the empty line.
fn fields(bytes: &[u8], at: &mut usize) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut fields = Vec::new();
    loop {
        let line = line(bytes, at)?;
        if line.is_empty() {
            return Ok(fields);
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let colon = colon.ok_or(Some("a field without a colon"))?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if !is_token(name) {
            return Err(Some("a field name that is no token"));
        }
        if value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return Err(Some("a control character in a field value"));
        }
        let start = value.iter().position(|byte| !b" \t".contains(byte)).unwrap_or(value.len());
        let end = value.iter().rposition(|byte| !b" \t".contains(byte)).map_or(start, |at| at + 1);
        fields.push((text(name), value[start..end].to_vec()));
    }
}

/// Chunks up to and including the line of the last one.
fn chunks(bytes: &[u8], at: &mut usize) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    loop {
        let line = line(bytes, at)?;
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let blanks = line[digits..].iter().take_while(|byte| b" \t".contains(byte)).count();
        match line.get(digits + blanks) {
            None if blanks == 0 => {}
            Some(b';') if !line.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') => {}
            _ => return Err(Some("a chunk size that is none")),
        }
        let size = usize::from_str_radix(&text(&line[..digits]), 16);
        let size = size.map_err(|_| Some("a chunk size that is none"))?;
        if size == 0 {
            return Ok(body);
        }
        if size > 1 << 40 {
            return Err(Some("a chunk size that cannot be"));
        }
        body.extend_from_slice(take(bytes, at, size)?);
        let end = &bytes[*at..];
        if !b"\r\n".starts_with(&end[..end.len().min(2)]) {
            return Err(Some("a chunk longer than its size"));
        }
        take(bytes, at, 2)?;
    }
}

/// A line without its CRLF.
fn line<'a>(bytes: &'a [u8], at: &mut usize) -> Result<&'a [u8], Failure> {
    let rest = &bytes[*at..];
    let end = rest.iter().position(|byte| b"\r\n".contains(byte)).ok_or(None)?;
    match (rest[end], rest.get(end + 1)) {
        (b'\r', Some(b'\n')) => {
            *at += end + 2;
            Ok(&rest[..end])
        }
        (b'\r', None) => Err(None),
        _ => Err(Some("a bare CR or LF")),
    }
}

fn take<'a>(bytes: &'a [u8], at: &mut usize, length: usize) -> Result<&'a [u8], Failure> {
    let taken = bytes[*at..].get(..length).ok_or(None)?;
    *at += length;
    Ok(taken)
}

fn is_token(name: &[u8]) -> bool {
    let is_tchar = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !name.is_empty() && name.iter().all(is_tchar)
}

/// Bytes that need not be UTF-8, without losing any.
fn text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framings(bytes: &str) -> (Vec<(String, Vec<u8>)>, Option<Reading>) {
        let (messages, rest) = read_all(bytes.as_bytes(), true);
        (messages.into_iter().map(|m| (m.target, m.body)).collect(), rest)
    }

    #[test]
    fn pipelined_requests_are_told_apart() {
        let (messages, rest) = framings(
            "POST /1 HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nab\
             POST /2 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n\
             2;x=y\r\ncd\r\n0\r\nt: u\r\n\r\n\
             GET /3 HTTP/1.1\r\nhost: a\r\n\r\nGET /4",
        );
        let expected = [("/1", "ab"), ("/2", "cd"), ("/3", "")];
        assert_eq!(messages, expected.map(|(t, b)| (t.to_owned(), b.as_bytes().to_vec())));
        assert_eq!(rest, Some(Reading::Partial));
    }

    #[test]
    fn what_has_two_readings_has_none() {
        for fields in [
            "content-length: 1\r\ntransfer-encoding: chunked",
            "content-length: 1\r\ncontent-length: 1",
            "content-length: +1",
            "content-length: 1, 1",
            "content-length : 1",
            "transfer-encoding: chunked, chunked",
            "transfer-encoding: \x0bchunked",
            "x: y\n",
            "x: y\r\n z",
            "x: \0",
            "host: b",
        ] {
            let bytes = format!("POST / HTTP/1.1\r\nhost: a\r\n{fields}\r\n\r\n0\r\n\r\n");
            let read = read(bytes.as_bytes(), true);
            assert!(matches!(read, Reading::Malformed(_)), "{fields:?}: {read:?}");
        }
        for body in ["5 \r\nhello", "g\r\n", "5\nhello", "5\r\nhello!", "-1\r\n", "\r\n"] {
            let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
            let read = read(format!("{head}{body}").as_bytes(), true);
            assert!(matches!(read, Reading::Malformed(_)), "{body:?}: {read:?}");
        }
    }
}
