//! Finding where messages end in a stream of bytes, and refusing what has two readings.
//!
//! Two programs that read the same bytes differently are how requests are smuggled. The codec behind
//! this is lenient in places (a bare LF ends a line, a `Content-Length` beside `Transfer-Encoding` is
//! dropped), so the heads are checked here, by RFC 9112: lines end in CRLF, there is one framing, and
//! it is `Content-Length` or `Transfer-Encoding: chunked`, alone.

use http::StatusCode;

use super::Limits;

/// Empty lines that may precede a request.
const EMPTY_LINES: usize = 4;

/// What is wrong with a head, or with its coming at all. Shown to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Violation {
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
    let mut length: Option<u64> = None;
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
            old_version = line.ends_with(b" HTTP/1.0");
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
        if let Some(value) = field(line, b"content-length") {
            let value = std::str::from_utf8(value).ok().filter(|value| {
                !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit())
            });
            let Some(value) = value.and_then(|value| value.parse().ok()) else {
                return Err(Violation::BadLength);
            };
            if length.replace(value).is_some_and(|before| before != value) {
                return Err(Violation::LengthsDiffer);
            }
        } else if let Some(value) = field(line, b"transfer-encoding") {
            if chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Violation::NotJustChunked);
            }
            chunked = true;
        }
    }
    let framing = match (length, chunked) {
        (Some(_), true) => return Err(Violation::LengthAndEncoding),
        (None, true) if old_version => return Err(Violation::EncodingInOldVersion),
        (None, true) => Framing::Chunked,
        (length, false) => Framing::Length(length.unwrap_or(0)),
    };
    Ok(Some(Head { bytes: at, framing }))
}

/// The value of `line` if it is the field of that (lower-case) name.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, value) = line.split_at_checked(name.len())?;
    let value = value.strip_prefix(b":")?;
    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

/// Where a chunked body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chunked {
    /// In the digits of a size; the size so far, and how many digits.
    Size(u64, u8),
    /// Behind the size: white space or an extension.
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
                (Size(size, _), b';' | b' ' | b'\t') => Extension(size),
                (Extension(_), b'\n') | (Size(..), _) => return Err(BadChunk),
                (Extension(size), _) => Extension(size),
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
        let body = b"5;ext=1\r\nhello\r\n0a\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nGET / HTTP/1.1";
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
        for bad in ["\r\n", "g\r\n", "5\nhello", "5\r\nhelloX", "5;a\n", "0\r\n\n", "0\r\na\n"] {
            assert_eq!(Chunked::START.clone().advance(bad.as_bytes()), Err(BadChunk), "{bad:?}");
        }
    }
}
