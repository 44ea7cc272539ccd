//! Our own requests: the ways known to make two programs disagree about where a request ends, or
//! about whom it is for.

use super::path::{FOLLOW_UP, Path, Verdict, Via, escaped};

/// What has to become of a vector; that nobody is misled by it is checked for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Its first request is refused.
    Refused,
    /// Its first request reaches the echo.
    Served,
}
use Fate::{Refused, Served};

/// A name, what stands in the head behind `Host`, what stands behind the head, and its fate. The
/// method is `POST`.
const FIELDS: &[(&str, &str, &str, Fate)] = &[
    ("a plain length", "Content-Length: 5", "hello", Served),
    ("a plain chunked body", "Transfer-Encoding: chunked", CHUNKS, Served),
    ("chunked in another case", "tRANSFER-eNCODING: cHuNkEd", CHUNKS, Served),
    ("white space around chunked", "Transfer-Encoding: \t chunked \t", CHUNKS, Served),
    // CL.TE and TE.CL
    ("CL.TE", "Content-Length: 6\r\nTransfer-Encoding: chunked", "0\r\n\r\nG", Refused),
    ("TE.CL", "Transfer-Encoding: chunked\r\nContent-Length: 4", "5c\r\nGET /s", Refused),
    (
        "a length of 0 and chunks",
        "Content-Length: 0\r\nTransfer-Encoding: chunked",
        CHUNKS,
        Refused,
    ),
    ("a length far from the coding", FAR, CHUNKS, Refused),
    // TE.TE: one that only some take for a coding
    ("a tab before the colon", "Transfer-Encoding\t: chunked", CHUNKS, Refused),
    ("a space before the colon", "Transfer-Encoding : chunked", CHUNKS, Refused),
    ("a space before the name", " Transfer-Encoding: chunked", CHUNKS, Refused),
    ("a vertical tab in the value", "Transfer-Encoding: \x0bchunked", CHUNKS, Refused),
    ("a form feed behind the value", "Transfer-Encoding: chunked\x0c", CHUNKS, Refused),
    ("quoted", "Transfer-Encoding: \"chunked\"", CHUNKS, Refused),
    ("single quotes", "Transfer-Encoding: 'chunked'", CHUNKS, Refused),
    ("a comma behind", "Transfer-Encoding: chunked,", CHUNKS, Refused),
    ("a comma before", "Transfer-Encoding: ,chunked", CHUNKS, Refused),
    ("a parameter", "Transfer-Encoding: chunked;q=1", CHUNKS, Refused),
    ("identity", "Transfer-Encoding: identity", "", Refused),
    ("identity and a length", "Transfer-Encoding: identity\r\nContent-Length: 5", "hello", Refused),
    ("gzip, chunked", "Transfer-Encoding: gzip, chunked", CHUNKS, Refused),
    ("chunked, gzip", "Transfer-Encoding: chunked, gzip", CHUNKS, Refused),
    (
        "two codings, one unknown",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
        CHUNKS,
        Refused,
    ),
    (
        "two codings, the first empty",
        "Transfer-Encoding:\r\nTransfer-Encoding: chunked",
        CHUNKS,
        Refused,
    ),
    ("folded", "Transfer-Encoding:\r\n chunked", CHUNKS, Refused),
    ("folded behind", "Transfer-Encoding: chunked\r\n\t", CHUNKS, Refused),
    ("in the value of another, by a bare CR", "X: y\rTransfer-Encoding: chunked", CHUNKS, Refused),
    ("in the value of another, by a bare LF", "X: y\nTransfer-Encoding: chunked", CHUNKS, Refused),
    ("an underscore", "Transfer_Encoding: chunked", CHUNKS, Refused),
    // lengths
    ("two lengths", "Content-Length: 5\r\nContent-Length: 6", "hello!", Refused),
    ("two equal lengths", "Content-Length: 5\r\nContent-Length: 5", "hello", Served),
    ("equal but not the same", "Content-Length: 5\r\nContent-Length: 05", "hello", Refused),
    ("a list of lengths", "Content-Length: 5, 5", "hello", Refused),
    ("a plus", "Content-Length: +5", "hello", Refused),
    ("a minus", "Content-Length: -5", "hello", Refused),
    ("a space within", "Content-Length: 1 5", "hello", Refused),
    ("hexadecimal", "Content-Length: 0x5", "hello", Refused),
    ("no digits", "Content-Length:", "hello", Refused),
    ("2^64", "Content-Length: 18446744073709551616", "hello", Refused),
    ("2^64 + 5", "Content-Length: 18446744073709551621", "hello", Refused),
    ("digits of another script", "Content-Length: \u{665}", "hello", Refused),
    ("a space before the colon of a length", "Content-Length : 5", "hello", Refused),
    ("a length with an underscore", "Content_Length: 5", "hello", Refused),
    ("a NUL before a length", "\0Content-Length: 5", "hello", Refused),
    // lines
    ("a bare CR in a value", "X: a\rb", "", Refused),
    ("a bare LF behind a value", "X: a\nY: b", "", Refused),
    ("a NUL in a value", "X: a\0b", "", Refused),
    ("a NUL in a name", "X\0Y: a", "", Refused),
    ("a DEL in a value", "X: a\x7fb", "", Refused),
    ("no colon", "X", "", Refused),
    ("no name", ": a", "", Refused),
    ("a name with a space", "X Y: a", "", Refused),
    ("CR CR LF", "X: a\r", "", Refused),
    // chunks
    ("an extension", "Transfer-Encoding: chunked", "5;a=b\r\nhello\r\n0;c\r\n\r\n", Served),
    ("zeros before a size", "Transfer-Encoding: chunked", "0005\r\nhello\r\n000\r\n\r\n", Served),
    ("a size of no digits", "Transfer-Encoding: chunked", "\r\nhello\r\n0\r\n\r\n", Refused),
    ("a negative size", "Transfer-Encoding: chunked", "-5\r\nhello\r\n0\r\n\r\n", Refused),
    ("a size with 0x", "Transfer-Encoding: chunked", "0x5\r\nhello\r\n0\r\n\r\n", Refused),
    ("a size over 64 bits", "Transfer-Encoding: chunked", OVER, Refused),
    ("a space before a size", "Transfer-Encoding: chunked", " 5\r\nhello\r\n0\r\n\r\n", Refused),
    ("a space behind a size", "Transfer-Encoding: chunked", "5 \r\nhello\r\n0\r\n\r\n", Refused),
    ("two sizes", "Transfer-Encoding: chunked", "5 5\r\nhello\r\n0\r\n\r\n", Refused),
    ("a bare LF behind a size", "Transfer-Encoding: chunked", "5\nhello\r\n0\r\n\r\n", Refused),
    (
        "a bare LF behind an extension",
        "Transfer-Encoding: chunked",
        "5;a\nhello\r\n0\r\n\r\n",
        Refused,
    ),
    (
        "a bare CR in an extension",
        "Transfer-Encoding: chunked",
        "5;a\rb\r\nhello\r\n0\r\n\r\n",
        Refused,
    ),
    ("a bare LF behind a chunk", "Transfer-Encoding: chunked", "5\r\nhello\n0\r\n\r\n", Refused),
    (
        "a chunk longer than its size",
        "Transfer-Encoding: chunked",
        "4\r\nhello\r\n0\r\n\r\n",
        Refused,
    ),
    ("a bare LF as the end", "Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\n", Refused),
    ("a bare LF behind a trailer", "Transfer-Encoding: chunked", "0\r\nX: a\n\r\n", Refused),
    // what Connection may not name
    (
        "the length named in Connection",
        "Connection: Content-Length\r\nContent-Length: 5",
        "hello",
        Served,
    ),
    (
        "the coding named in Connection",
        "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked",
        CHUNKS,
        Served,
    ),
    ("Host named in Connection", "Connection: Host, l5d-dst-service", "", Served),
    // others
    ("Expect", "Expect: 100-continue\r\nContent-Length: 5", "hello", Served),
    (
        "Upgrade with a body",
        "Connection: upgrade\r\nUpgrade: x\r\nContent-Length: 5",
        "hello",
        Served,
    ),
    (
        "Upgrade to HTTP/2",
        "Connection: upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA",
        "",
        Served,
    ),
    ("a second Host", "Host: other", "", Refused),
    ("the same Host again", "Host: web", "", Refused),
];

const CHUNKS: &str = "5\r\nhello\r\n0\r\n\r\n";
const OVER: &str = "10000000000000005\r\nhello\r\n0\r\n\r\n";
const FAR: &str = "Content-Length: 5\r\nA: b\r\nC: d\r\nE: f\r\nTransfer-Encoding: chunked";

/// A name, a whole head and what is behind it, and its fate.
const WHOLE: &[(&str, &str, Fate)] = &[
    ("a GET with a body", "GET / HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\n\r\nhello", Served),
    (
        "a HEAD with a body",
        "HEAD / HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\n\r\nhello",
        Served,
    ),
    (
        "a DELETE with chunks",
        "DELETE / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Served,
    ),
    (
        "HTTP/1.0 with chunks",
        "POST / HTTP/1.0\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        Refused,
    ),
    ("HTTP/0.9", "GET /\r\n", Refused),
    ("HTTP/1.2", "GET / HTTP/1.2\r\nHost: web\r\n\r\n", Refused),
    ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Refused),
    ("a version in lower case", "GET / http/1.1\r\nHost: web\r\n\r\n", Refused),
    ("a version that is too long", "GET / HTTP/1.10\r\nHost: web\r\n\r\n", Refused),
    ("a tab for a space", "GET\t/ HTTP/1.1\r\nHost: web\r\n\r\n", Refused),
    ("two spaces", "GET  / HTTP/1.1\r\nHost: web\r\n\r\n", Refused),
    ("a space at the end", "GET / HTTP/1.1 \r\nHost: web\r\n\r\n", Refused),
    ("a space in the target", "GET /a b HTTP/1.1\r\nHost: web\r\n\r\n", Refused),
    ("a NUL in the target", "GET /a\0b HTTP/1.1\r\nHost: web\r\n\r\n", Refused),
    ("a bare CR in the target", "GET /a\rb HTTP/1.1\r\nHost: web\r\n\r\n", Refused),
    ("a fragment", "GET /a#b HTTP/1.1\r\nHost: web\r\n\r\n", Refused),
    ("no target", "GET HTTP/1.1\r\nHost: web\r\n\r\n", Refused),
    ("no method", " / HTTP/1.1\r\nHost: web\r\n\r\n", Refused),
    ("a method that is no token", "G@T / HTTP/1.1\r\nHost: web\r\n\r\n", Refused),
    ("a method of its own", "PURGE /a HTTP/1.1\r\nHost: web\r\n\r\n", Served),
    (
        "white space before the first field",
        "GET / HTTP/1.1\r\n Host: web\r\nHost: web\r\n\r\n",
        Refused,
    ),
    ("no Host", "GET / HTTP/1.1\r\nX: y\r\n\r\n", Refused),
    ("an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", Refused),
    ("a Host with a user", "GET / HTTP/1.1\r\nHost: a@web\r\n\r\n", Refused),
    ("a list of Hosts", "GET / HTTP/1.1\r\nHost: web, other\r\n\r\n", Refused),
    ("a Host with a space", "GET / HTTP/1.1\r\nHost: web other\r\n\r\n", Refused),
    ("a Host with a path", "GET / HTTP/1.1\r\nHost: web/other\r\n\r\n", Refused),
    (
        "a target that names another host",
        "GET http://other/ HTTP/1.1\r\nHost: web\r\n\r\n",
        Refused,
    ),
    ("a target that names a user", "GET http://a@web/ HTTP/1.1\r\nHost: web\r\n\r\n", Refused),
    ("a target that is a host", "GET web HTTP/1.1\r\nHost: web\r\n\r\n", Refused),
    ("CONNECT", "CONNECT web:80 HTTP/1.1\r\nHost: web:80\r\n\r\n", Refused),
    (
        "CONNECT with a body",
        "CONNECT web:80 HTTP/1.1\r\nHost: web:80\r\nContent-Length: 5\r\n\r\nhello",
        Refused,
    ),
    (
        "a request behind Upgrade",
        "GET / HTTP/1.1\r\nHost: web\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nGET /next HTTP/1.1\r\nHost: web\r\n\r\n",
        Served,
    ),
    (
        "a request in a body",
        "POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 38\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: web\r\n\r\n.",
        Served,
    ),
];

pub(crate) fn run(path: &Path) -> Result<(), String> {
    let fields = FIELDS.iter().map(|(what, fields, rest, fate)| {
        (*what, format!("POST / HTTP/1.1\r\nHost: web\r\n{fields}\r\n\r\n{rest}"), *fate)
    });
    let whole = WHOLE.iter().map(|(what, bytes, fate)| (*what, (*bytes).to_owned(), *fate));
    let long = [
        (
            "a long field",
            format!("GET / HTTP/1.1\r\nHost: web\r\nX: {}\r\n\r\n", "x".repeat(1 << 16)),
        ),
        ("a long target", format!("GET /{} HTTP/1.1\r\nHost: web\r\n\r\n", "x".repeat(1 << 16))),
        (
            "many fields",
            format!("GET / HTTP/1.1\r\nHost: web\r\n{}\r\n", "X: y\r\n".repeat(10_000)),
        ),
    ];
    let long = long.into_iter().map(|(what, bytes)| (what, bytes, Refused));
    let mut failures = Vec::new();
    for (what, bytes, fate) in fields.chain(whole).chain(long) {
        let bytes = format!("{bytes}{FOLLOW_UP}");
        match path.send(bytes.as_bytes()) {
            // Whatever stands behind us may refuse more than we do.
            Ok((verdict, _))
                if (verdict == Verdict::Served) == (fate == Served)
                    || verdict != Verdict::Served && path.via != Via::Strict => {}
            Ok((verdict, _)) => failures.push(format!("{what}: {verdict:?}, not {fate:?}")),
            Err(why) => failures.push(format!("{what}: {why}\n  {:?}", escaped(bytes.as_bytes()))),
        }
    }
    if path.via == Via::Strict {
        failures.extend(rewritten(path).err());
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

/// What does not leave as it came.
fn rewritten(path: &Path) -> Result<(), String> {
    let get = |bytes: &str| {
        let (_, seen) = path.send(format!("{bytes}{FOLLOW_UP}").as_bytes())?;
        seen.into_iter().next().ok_or_else(|| format!("not served: {bytes:?}"))
    };
    let message = get("POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\
         TE: trailers\r\nTrailer: Content-Length, Host, Transfer-Encoding, X\r\n\r\n\
         5\r\nhello\r\n0\r\nContent-Length: 3\r\nHost: other\r\nTransfer-Encoding: gzip\r\nX: y\r\n\r\n")?;
    let trailers: Vec<_> = message.trailers.iter().map(|(name, _)| name.as_str()).collect();
    if trailers != ["x"] {
        return Err(format!("trailers that say how a message is framed or routed: {trailers:?}"));
    }
    let message = get(
        "POST / HTTP/1.1\r\nHost: web\r\nConnection: Content-Length, Host, l5d-ctx-dtab, X\r\n\
         Content-Length: 5\r\nl5d-ctx-dtab: /a=>/b\r\nX: y\r\n\r\nhello",
    )?;
    if message.all("l5d-ctx-dtab").count() != 1 || message.all("x").count() != 0 {
        return Err(format!("Connection removes what it must not: {:?}", message.fields));
    }
    let message = get(
        "POST / HTTP/1.1\r\nHost: web\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    )?;
    if message.all("expect").count() != 0 {
        return Err("the service sees Expect".to_owned());
    }
    Ok(())
}
