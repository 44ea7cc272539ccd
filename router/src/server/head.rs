//! Finding where messages end in a stream of bytes, and refusing what has two readings.
//!
//! Two programs that read the same bytes differently are how requests are smuggled. The codec behind
//! this is lenient in places (a bare LF ends a line, a `Content-Length` beside `Transfer-Encoding` or
//! a fragment of the target is dropped), so the heads are checked here, by RFC 9112: the request line
//! is three words, lines end in CRLF, names are tokens, there is no control character, and there is
//! one framing, which is `Content-Length` or `Transfer-Encoding: chunked`, alone.

use http::StatusCode;

use super::Limits;

/// Empty lines that may precede a request.
const EMPTY_LINES: usize = 4;

/// What is wrong with a head, or with its coming at all. Shown to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Violation {
    #[error("the request line is not a method, a target and HTTP/1.1 or HTTP/1.0 (RFC 9112, 3)")]
    RequestLine,
    #[error("the target has a fragment or a control character (RFC 9112, 3.2)")]
    Target,
    #[error("a header field has no colon (RFC 9112, 5)")]
    NoColon,
    #[error(
        "the name of a header field is not a token; no white space may surround it (RFC 9112, 5.1)"
    )]
    FieldName,
    #[error("a header field has a control character (RFC 9110, 5.5)")]
    Control,
    #[error("the name of a header field can be taken for Content-Length or Transfer-Encoding")]
    Lookalike,
    #[error("a line of the request head ends in a bare LF; lines end in CRLF (RFC 9112, 2.2)")]
    BareLf,
    #[error("both Content-Length and Transfer-Encoding are given (RFC 9112, 6.1)")]
    LengthAndEncoding,
    #[error("Transfer-Encoding is not just `chunked` (RFC 9112, 6.1)")]
    NotJustChunked,
    #[error("Transfer-Encoding in an HTTP/1.0 request (RFC 9112, 6.1)")]
    EncodingInOldVersion,
    #[error("Content-Length values differ (RFC 9112, 6.3)")]
    LengthsDiffer,
    #[error("Content-Length is not a number (RFC 9112, 6.3)")]
    BadLength,
    #[error("more than {EMPTY_LINES} empty lines before a request (RFC 9112, 2.2)")]
    EmptyLines,
    #[error("a header field is folded over two lines (RFC 9112, 5.2)")]
    Folded,
    #[error("the request line is longer than {0} bytes (maxInitialLineKB)")]
    LineTooLong(usize),
    #[error("the header section is longer than {0} bytes (maxHeadersKB)")]
    HeadTooLong(usize),
    #[error("the request has more than {0} header fields (limits.maxHeaders)")]
    TooManyFields(usize),
    #[error("the request head did not arrive within {0} ms (limits.headTimeoutMs)")]
    HeadTimeout(u64),
    #[error("{0} connections are open, and no more are taken (limits.maxConnections)")]
    TooManyConnections(u32),
    #[error(
        "{0} connections are open from this address, and no more are taken \
         (limits.maxConnectionsPerPeer)"
    )]
    TooManyOfPeer(u32),
}

impl Violation {
    /// Whether it would have helped if any other connection had ended.
    pub(crate) fn is_of_all(self) -> bool {
        matches!(self, Violation::TooManyConnections(_))
    }

    pub(crate) fn status(self) -> StatusCode {
        match self {
            Violation::LineTooLong(_) => StatusCode::URI_TOO_LONG,
            Violation::HeadTooLong(_) | Violation::TooManyFields(_) => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            Violation::HeadTimeout(_) => StatusCode::REQUEST_TIMEOUT,
            Violation::TooManyConnections(_) => StatusCode::SERVICE_UNAVAILABLE,
            Violation::TooManyOfPeer(_) => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// How the body behind a head is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
}

/// A whole head: how many bytes it has, and what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) bytes: usize,
    pub(crate) framing: Framing,
}

/// Checks the head at the front of `input`. `None` if it is not all there yet.
pub(crate) fn scan(input: &[u8], limits: &Limits) -> Result<Option<Head>, Violation> {
    let mut at = 0;
    // A client may send an empty line behind a body (RFC 9112, 2.2).
    while input[at..].starts_with(b"\r\n") {
        at += 2;
        if at > 2 * EMPTY_LINES {
            return Err(Violation::EmptyLines);
        }
    }
    let head_start = at;
    let mut fields = 0;
    let mut old_version = false;
    let mut length: Option<(u64, &[u8])> = None;
    let mut chunked = false;
    loop {
        let limit = if at == head_start { limits.line_bytes } else { limits.head_bytes };
        let Some(lf) = memchr::memchr(b'\n', &input[at..]) else {
            return match input.len() - head_start {
                partial if at == head_start && partial > limit + 2 => {
                    Err(Violation::LineTooLong(limit))
                }
                partial if partial > limits.line_bytes + limits.head_bytes => {
                    Err(Violation::HeadTooLong(limits.head_bytes))
                }
                _ => Ok(None),
            };
        };
        let Some(line) = input[at..at + lf].strip_suffix(b"\r") else {
            return Err(Violation::BareLf);
        };
        let first = at == head_start;
        at += lf + 1;
        if first {
            if line.len() > limits.line_bytes {
                return Err(Violation::LineTooLong(limits.line_bytes));
            }
            old_version = is_old_version(line)?;
            continue;
        }
        if at - head_start > limits.line_bytes + limits.head_bytes {
            return Err(Violation::HeadTooLong(limits.head_bytes));
        }
        if line.is_empty() {
            break;
        }
        fields += 1;
        if fields > limits.fields {
            return Err(Violation::TooManyFields(limits.fields));
        }
        if matches!(line[0], b' ' | b'\t') {
            return Err(Violation::Folded);
        }
        let (name, value) = field(line)?;
        if name.eq_ignore_ascii_case(b"content-length") {
            let digits = std::str::from_utf8(value).ok().filter(|value| {
                !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit())
            });
            let Some(number) = digits.and_then(|digits| digits.parse().ok()) else {
                return Err(Violation::BadLength);
            };
            if length.replace((number, value)).is_some_and(|(_, before)| before != value) {
                return Err(Violation::LengthsDiffer);
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Violation::NotJustChunked);
            }
            chunked = true;
        } else if is_lookalike(name) {
            return Err(Violation::Lookalike);
        }
    }
    let framing = match (length, chunked) {
        (Some(_), true) => return Err(Violation::LengthAndEncoding),
        (None, true) if old_version => return Err(Violation::EncodingInOldVersion),
        (None, true) => Framing::Chunked,
        (length, false) => Framing::Length(length.map_or(0, |(number, _)| number)),
    };
    Ok(Some(Head { bytes: at, framing }))
}

/// Whether a request line is one of HTTP/1.0.
fn is_old_version(line: &[u8]) -> Result<bool, Violation> {
    const VERSION: usize = " HTTP/1.1".len();
    let (rest, version) = line.split_at(line.len().saturating_sub(VERSION));
    let old = match version {
        b" HTTP/1.1" => false,
        b" HTTP/1.0" => true,
        _ => return Err(Violation::RequestLine),
    };
    let space = memchr::memchr(b' ', rest).ok_or(Violation::RequestLine)?;
    let (method, target) = (&rest[..space], &rest[space + 1..]);
    if !is_token(method) || target.is_empty() || memchr::memchr(b' ', target).is_some() {
        return Err(Violation::RequestLine);
    }
    if memchr::memchr2(b'#', b'\t', target).is_some() || has_control(target) {
        return Err(Violation::Target);
    }
    Ok(old)
}

/// The name and the value of a field line.
fn field(line: &[u8]) -> Result<(&[u8], &[u8]), Violation> {
    let colon = memchr::memchr(b':', line).ok_or(Violation::NoColon)?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if !is_token(name) {
        return Err(Violation::FieldName);
    }
    if has_control(value) {
        return Err(Violation::Control);
    }
    Ok((name, trim_blanks(value)))
}

/// Without the white space of RFC 9110, 5.6.3: spaces and tabs.
fn trim_blanks(value: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !is_blank(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    &value[start..end]
}

/// Whether a name is `Content-Length` or `Transfer-Encoding` to a service that takes `_` for `-`, as
/// CGI and those after it do, or that does not count them.
fn is_lookalike(name: &[u8]) -> bool {
    let is = |known: &[u8]| {
        let letters = name.iter().filter(|byte| !matches!(byte, b'-' | b'_'));
        letters.map(u8::to_ascii_lowercase).eq(known.iter().copied())
    };
    match name.first() {
        Some(b'c' | b'C') if name.len() >= b"contentlength".len() => is(b"contentlength"),
        Some(b't' | b'T') if name.len() >= b"transferencoding".len() => is(b"transferencoding"),
        Some(b'-' | b'_') => is(b"contentlength") || is(b"transferencoding"),
        _ => false,
    }
}

/// Whether there is a control character other than a tab. Looks at all of them, without an early
/// way out, so that the compiler can take many at once.
fn has_control(bytes: &[u8]) -> bool {
    let is_control = |byte: &u8| *byte < b' ' && *byte != b'\t' || *byte == 0x7f;
    bytes.iter().fold(0, |found, byte| found | u8::from(is_control(byte))) != 0
}

/// The characters of a token (RFC 9110, 5.6.2).
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = matches!(
            byte as u8,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`'
                | b'|' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z'
        );
        byte += 1;
    }
    table
};

fn is_token(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|byte| TOKEN[usize::from(*byte)])
}

/// Where a chunked body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chunked {
    /// In the digits of a size; the size so far, and how many digits.
    Size(u64, u8),
    /// In white space behind the size, which only an extension may follow.
    Padding(u64),
    Extension(u64),
    /// At the LF behind a size.
    SizeLf(u64),
    Data(u64),
    DataCr,
    DataLf,
    /// At the start of a trailer line; true if it may be the last, empty one.
    TrailerStart,
    Trailer,
    TrailerLf,
    EndLf,
    Done,
}

/// The body is not chunked as it says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadChunk;

impl Chunked {
    pub(crate) const START: Chunked = Chunked::Size(0, 0);

    /// Moves over as much of `input` as belongs to the body; how many bytes that is.
    pub(crate) fn advance(&mut self, input: &[u8]) -> Result<usize, BadChunk> {
        use Chunked::*;
        let mut at = 0;
        while at < input.len() && *self != Done {
            if let Data(left) = *self {
                let here = left.min((input.len() - at) as u64);
                at += here as usize;
                *self = if left == here { DataCr } else { Data(left - here) };
                continue;
            }
            let byte = input[at];
            at += 1;
            *self = match (*self, byte) {
                (Size(size, digits), _) if byte.is_ascii_hexdigit() && digits < 15 => {
                    let digit = char::from(byte).to_digit(16).unwrap_or(0);
                    Size(size << 4 | u64::from(digit), digits + 1)
                }
                (Size(_, 0), _) => return Err(BadChunk),
                (Size(size, _) | Extension(size), b'\r') => SizeLf(size),
                (Size(size, _) | Padding(size), b' ' | b'\t') => Padding(size),
                (Size(size, _) | Padding(size), b';') => Extension(size),
                (Size(..) | Padding(_), _) => return Err(BadChunk),
                (Extension(size), b'\t' | b' '..=b'~' | 0x80..) => Extension(size),
                (Extension(_), _) => return Err(BadChunk),
                (SizeLf(0), b'\n') => TrailerStart,
                (SizeLf(size), b'\n') => Data(size),
                (DataCr, b'\r') => DataLf,
                (DataLf, b'\n') => Chunked::START,
                (TrailerStart, b'\r') => EndLf,
                (TrailerStart | Trailer, b'\n') => return Err(BadChunk),
                (Trailer, b'\r') => TrailerLf,
                (TrailerStart | Trailer, _) => Trailer,
                (TrailerLf, b'\n') => TrailerStart,
                (EndLf, b'\n') => Done,
                (SizeLf(_) | DataCr | DataLf | TrailerLf | EndLf | Data(_) | Done, _) => {
                    return Err(BadChunk);
                }
            };
        }
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &str) -> Result<Option<Framing>, Violation> {
        scan(head.as_bytes(), &Limits::default()).map(|head| head.map(|head| head.framing))
    }

    #[test]
    fn one_framing_or_none() {
        let get = |fields: &str| check(&format!("GET / HTTP/1.1\r\nhost: a\r\n{fields}\r\n"));
        assert_eq!(get(""), Ok(Some(Framing::Length(0))));
        assert_eq!(get("Content-Length: 5\r\n"), Ok(Some(Framing::Length(5))));
        assert_eq!(get("Content-Length:5\r\ncontent-length: 5\r\n"), Ok(Some(Framing::Length(5))));
        assert_eq!(get("Transfer-Encoding: Chunked\r\n"), Ok(Some(Framing::Chunked)));
        assert_eq!(
            get("content-length: 5\r\ntransfer-encoding: chunked\r\n"),
            Err(Violation::LengthAndEncoding)
        );
        assert_eq!(
            get("transfer-encoding: chunked\r\ncontent-length: 5\r\n"),
            Err(Violation::LengthAndEncoding)
        );
        assert_eq!(
            get("content-length: 5\r\ncontent-length: 6\r\n"),
            Err(Violation::LengthsDiffer)
        );
        assert_eq!(
            get("content-length: 5\r\ncontent-length: 05\r\n"),
            Err(Violation::LengthsDiffer)
        );
        for bad in ["+5", "5,5", "0x5", "", "5 5", "99999999999999999999"] {
            let fields = format!("content-length: {bad}\r\n");
            assert_eq!(get(&fields), Err(Violation::BadLength), "{bad}");
        }
        for bad in ["gzip", "chunked, chunked", "gzip, chunked", "xchunked", ""] {
            let fields = format!("transfer-encoding: {bad}\r\n");
            assert_eq!(get(&fields), Err(Violation::NotJustChunked), "{bad}");
        }
        assert_eq!(
            get("transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n"),
            Err(Violation::NotJustChunked)
        );
        assert_eq!(
            check("GET / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n"),
            Err(Violation::EncodingInOldVersion)
        );
    }

    #[test]
    fn lines_end_in_crlf_and_are_not_folded() {
        assert_eq!(check("GET / HTTP/1.1\nhost: a\r\n\r\n"), Err(Violation::BareLf));
        assert_eq!(check("GET / HTTP/1.1\r\nhost: a\n\r\n"), Err(Violation::BareLf));
        assert_eq!(check("GET / HTTP/1.1\r\nhost: a\r\n\n"), Err(Violation::BareLf));
        assert_eq!(check("GET / HTTP/1.1\r\nhost: a\r\n b\r\n\r\n"), Err(Violation::Folded));
        assert_eq!(check("\r\nGET / HTTP/1.1\r\n\r\n"), Ok(Some(Framing::Length(0))));
    }

    #[test]
    fn a_request_line_is_three_words() {
        let line = |line: &str| check(&format!("{line}\r\nhost: a\r\n\r\n")).map(drop);
        for good in ["GET / HTTP/1.1", "OPTIONS * HTTP/1.0", "M-SEARCH http://a/?b=c HTTP/1.1"] {
            assert_eq!(line(good), Ok(()), "{good:?}");
        }
        for bad in [
            "GET /",
            "GET / HTTP/0.9",
            "GET / HTTP/1.2",
            "GET / HTTP/2.0",
            "GET / http/1.1",
            "GET / HTTP/1.1 ",
            "GET / HTTP/1.1 HTTP/1.1",
            "GET  / HTTP/1.1",
            "GET /  HTTP/1.1",
            "GET / a HTTP/1.1",
            "GET\t/ HTTP/1.1",
            " GET / HTTP/1.1",
            "G(T / HTTP/1.1",
            "GET HTTP/1.1",
            " / HTTP/1.1",
            "HTTP/1.1",
            "x",
        ] {
            assert_eq!(line(bad), Err(Violation::RequestLine), "{bad:?}");
        }
        for bad in [
            "GET /#a HTTP/1.1",
            "GET /\0 HTTP/1.1",
            "GET /\ra HTTP/1.1",
            "GET /\tHTTP/1.1 HTTP/1.1",
        ] {
            assert_eq!(line(bad), Err(Violation::Target), "{bad:?}");
        }
    }

    #[test]
    fn a_field_is_a_token_and_a_value_without_controls() {
        let get = |field: &str| check(&format!("GET / HTTP/1.1\r\nhost: a\r\n{field}\r\n\r\n"));
        for good in ["a:", "a:b", "a: \u{e9} \tb\t", "x-^_`|~!#$%&'*+.: 1", "te: trailers"] {
            assert_eq!(get(good), Ok(Some(Framing::Length(0))), "{good:?}");
        }
        assert_eq!(get("no colon"), Err(Violation::NoColon));
        for bad in
            [": a", "a : b", "a\t: b", "a b: c", "a\0: b", "\u{e9}: a", "a\u{1}: b", "(a): b"]
        {
            assert_eq!(get(bad), Err(Violation::FieldName), "{bad:?}");
        }
        for bad in ["a: \0", "a: b\u{1}c", "a: b\rc: d", "a: \u{7f}", "content-length: \u{b}1"] {
            assert_eq!(get(bad), Err(Violation::Control), "{bad:?}");
        }
    }

    #[test]
    fn nothing_looks_like_a_framing_and_is_none() {
        let get = |name: &str| check(&format!("GET / HTTP/1.1\r\nhost: a\r\n{name}: 5\r\n\r\n"));
        for bad in [
            "Content_Length",
            "content--length",
            "-Content-Length",
            "Transfer_Encoding",
            "__transfer_encoding",
        ] {
            assert_eq!(get(bad), Err(Violation::Lookalike), "{bad}");
        }
        for good in ["x-content-length", "content-length-2", "transfer", "content-type", "_", "-"] {
            assert_eq!(get(good), Ok(Some(Framing::Length(0))), "{good}");
        }
    }

    #[test]
    fn limits_hold_before_the_head_is_whole() {
        let long = "x".repeat(5000);
        assert_eq!(check(&format!("GET /{long}")), Err(Violation::LineTooLong(4096)));
        assert_eq!(check(&format!("GET /{long} HTTP/1.1\r\n")), Err(Violation::LineTooLong(4096)));
        let fields = format!("GET / HTTP/1.1\r\na: {}", "x".repeat(13_000));
        assert_eq!(check(&fields), Err(Violation::HeadTooLong(8192)));
        let many = format!("GET / HTTP/1.1\r\n{}", "a: b\r\n".repeat(101));
        assert_eq!(check(&many), Err(Violation::TooManyFields(100)));
        assert_eq!(check("GET / HT"), Ok(None));
    }

    #[test]
    fn a_chunked_body_ends_where_it_says_however_it_is_cut() {
        let body =
            b"5 ;ext=1\r\nhello\r\n0a\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nGET / HTTP/1.1";
        let end = body.len() - b"GET / HTTP/1.1".len();
        for step in 1..body.len() {
            let mut state = Chunked::START;
            let mut used = 0;
            for piece in body.chunks(step) {
                let here = state.advance(piece).unwrap();
                used += here;
                if here < piece.len() {
                    break;
                }
            }
            assert_eq!((used, state), (end, Chunked::Done), "in pieces of {step}");
        }
    }

    #[test]
    fn chunks_are_strict() {
        for bad in [
            "\r\n",
            "g\r\n",
            "-5\r\n",
            "0x5\r\n",
            "5\nhello",
            "5 \r\nhello",
            "5 5\r\nhello",
            "5\r\nhelloX",
            "5;a\n",
            "5;a\0\r\n",
            "5;a\rb\r\n",
            "0\r\n\n",
            "0\r\na\n",
            "fffffffffffffffff\r\n",
        ] {
            assert_eq!(Chunked::START.clone().advance(bad.as_bytes()), Err(BadChunk), "{bad:?}");
        }
    }
}
