//! Reads one request off a connection, keeping names and order as they came.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// No head and no body of a test is larger.
const MAX_HEAD: usize = 1 << 20;
const MAX_BODY: usize = 64 << 20;

/// One request as it came over the wire.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) version: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) trailers: Vec<(String, String)>,
}

impl Request {
    fn has(&self, name: &str, token: &str) -> bool {
        self.headers
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .flat_map(|(_, v)| v.split(','))
            .any(|t| t.trim().eq_ignore_ascii_case(token))
    }

    pub(super) fn wants_close(&self) -> bool {
        self.has("connection", "close")
            || self.version == "HTTP/1.0" && !self.has("connection", "keep-alive")
    }
}

/// The next request, or `None` when the peer closed between two. Bytes beyond it stay in
/// `buffer`. A request that expects it gets its `100 Continue` before its body is read.
pub(super) async fn read_request<S>(stream: &mut S, buffer: &mut Vec<u8>) -> Result<Option<Request>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(head) = take_until(stream, buffer, b"\r\n\r\n").await? else { return Ok(None) };
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().splitn(3, ' ').map(str::to_owned);
    let mut request = Request {
        method: first.next().unwrap_or_default(),
        target: first.next().unwrap_or_default(),
        version: first.next().unwrap_or_default(),
        headers: lines.filter_map(field).collect(),
        body: Vec::new(),
        trailers: Vec::new(),
    };
    if request.has("expect", "100-continue") {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    if request.has("transfer-encoding", "chunked") {
        read_chunks(stream, buffer, &mut request).await?;
    } else if let Some((_, length)) =
        request.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case("content-length"))
    {
        let length = length.parse().map_err(|_| bad("content-length is not a number"))?;
        request.body = take(stream, buffer, length).await?;
    }
    Ok(Some(request))
}

async fn read_chunks<S>(stream: &mut S, buffer: &mut Vec<u8>, request: &mut Request) -> Result<()>
where
    S: AsyncRead + Unpin,
{
    loop {
        let line = line(stream, buffer).await?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| bad("chunk size is not hex"))?;
        if size == 0 {
            break;
        }
        request.body.extend(take(stream, buffer, size).await?);
        if request.body.len() > MAX_BODY || take(stream, buffer, 2).await? != b"\r\n" {
            return Err(bad("chunk does not end with CRLF, or body too large"));
        }
    }
    loop {
        let line = line(stream, buffer).await?;
        if line.is_empty() {
            return Ok(());
        }
        request.trailers.extend(field(&line));
    }
}

fn field(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    Some((name.to_owned(), value.trim().to_owned()))
}

async fn line<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut Vec<u8>) -> Result<String> {
    let line = take_until(stream, buffer, b"\r\n").await?;
    let line = line.ok_or_else(|| Error::from(ErrorKind::UnexpectedEof))?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// Takes all before `end` and drops `end`; `None` if the stream ended with nothing read.
async fn take_until<S>(stream: &mut S, buffer: &mut Vec<u8>, end: &[u8]) -> Result<Option<Vec<u8>>>
where
    S: AsyncRead + Unpin,
{
    let mut searched = 0;
    loop {
        if let Some(at) = buffer[searched..].windows(end.len()).position(|w| w == end) {
            let at = searched + at;
            let rest = buffer.split_off(at + end.len());
            let mut taken = std::mem::replace(buffer, rest);
            taken.truncate(at);
            return Ok(Some(taken));
        }
        searched = (buffer.len() + 1).saturating_sub(end.len());
        if buffer.len() > MAX_HEAD {
            return Err(bad("head or line too large"));
        }
        if stream.read_buf(buffer).await? == 0 {
            let clean = buffer.is_empty();
            return if clean { Ok(None) } else { Err(ErrorKind::UnexpectedEof.into()) };
        }
    }
}

async fn take<S>(stream: &mut S, buffer: &mut Vec<u8>, length: usize) -> Result<Vec<u8>>
where
    S: AsyncRead + Unpin,
{
    if length > MAX_BODY {
        return Err(bad("body too large"));
    }
    while buffer.len() < length {
        if stream.read_buf(buffer).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    let rest = buffer.split_off(length);
    Ok(std::mem::replace(buffer, rest))
}

fn bad(why: &str) -> Error {
    Error::new(ErrorKind::InvalidData, why.to_owned())
}
