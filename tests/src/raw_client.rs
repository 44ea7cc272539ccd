//! A client that shows the wire as it is.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// How long a read waits unless [`RawClient::timeout`] says otherwise.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A connection to a server, with what it sent and was not read yet.
#[derive(Debug)]
pub struct RawClient {
    stream: Stream,
    buffer: Vec<u8>,
    timeout: Duration,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    fn tcp(&self) -> &TcpStream {
        match self {
            Stream::Plain(socket) => socket,
            Stream::Tls(stream) => &stream.sock,
        }
    }
}

/// One response as it came over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawResponse {
    /// Status code.
    pub status: u16,
    /// Status line and headers, without the empty line at the end.
    pub head: String,
    /// Headers in wire order and case.
    pub headers: Vec<(String, String)>,
    /// Body with its framing taken off.
    pub body: Vec<u8>,
    /// Trailers of a chunked body.
    pub trailers: Vec<(String, String)>,
}

impl RawResponse {
    /// Value of the first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// All values of this name, in order.
    pub fn header_all(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        named.map(|(_, v)| v.as_str()).collect()
    }

    /// Body as text, lossy.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Body as JSON; panics with the body if it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("not JSON ({e}): {}\n\n{}", self.head, self.text()))
    }
}

impl RawClient {
    /// Connects, waiting at most the default five seconds, which is also the read timeout.
    pub fn connect(addr: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&addr, TIMEOUT)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self { stream: Stream::Plain(stream), buffer: Vec::new(), timeout: TIMEOUT })
    }

    /// Connects and speaks TLS; the handshake is done, as far as our side can know.
    pub fn connect_tls(addr: SocketAddr, config: &Arc<ClientConfig>, name: &str) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&addr, TIMEOUT)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        let name = name.to_owned().try_into().map_err(Error::other)?;
        let connection = ClientConnection::new(config.clone(), name).map_err(Error::other)?;
        let mut stream = StreamOwned::new(connection, stream);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        let stream = Stream::Tls(Box::new(stream));
        Ok(Self { stream, buffer: Vec::new(), timeout: TIMEOUT })
    }

    /// What TLS knows of the connection; panics if it has none.
    pub fn tls(&self) -> &ClientConnection {
        match &self.stream {
            Stream::Tls(stream) => &stream.conn,
            Stream::Plain(_) => panic!("the connection has no TLS"),
        }
    }

    /// One `GET` on a connection of its own.
    pub fn get(addr: SocketAddr, target: &str, headers: &[(&str, &str)]) -> Result<RawResponse> {
        Self::connect(addr)?.request("GET", target, headers, b"")
    }

    /// Waits at most this long for each thing read.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The client's own address.
    pub fn local_addr(&self) -> Result<SocketAddr> {
        self.stream.tcp().local_addr()
    }

    /// Sends these bytes, as they are.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        match &mut self.stream {
            Stream::Plain(socket) => socket.write_all(bytes.as_ref()),
            Stream::Tls(stream) => {
                stream.write_all(bytes.as_ref())?;
                stream.flush()
            }
        }
    }

    /// Closes the sending side only.
    pub fn finish(&mut self) -> Result<()> {
        self.stream.tcp().shutdown(Shutdown::Write)
    }

    /// Sends a well-formed request (`content-length` is added if there is a body; `host` is not)
    /// and reads its response.
    pub fn request(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<RawResponse> {
        let mut head = format!("{method} {target} HTTP/1.1\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        self.send([head.as_bytes(), body].concat())?;
        self.response_to(method)
    }

    /// Reads a response to anything but `HEAD` and `CONNECT`.
    pub fn response(&mut self) -> Result<RawResponse> {
        self.response_to("GET")
    }

    /// Reads a response with its body, framed as RFC 9112 section 6.3 says for a request of this
    /// method. A 1xx is a response of its own. A body that ends early is `UnexpectedEof`.
    pub fn response_to(&mut self, method: &str) -> Result<RawResponse> {
        let mut response = self.head()?;
        let bodiless = method == "HEAD" || matches!(response.status, 100..200 | 204 | 304);
        if bodiless {
            return Ok(response);
        }
        let coding = response.header("transfer-encoding").map(str::to_ascii_lowercase);
        if coding.is_some_and(|c| c.ends_with("chunked")) {
            loop {
                let line = self.line()?;
                let size = line.split(';').next().unwrap_or_default().trim();
                let size = usize::from_str_radix(size, 16).map_err(|_| bad("chunk size", &line))?;
                if size == 0 {
                    break;
                }
                response.body.extend(self.exactly(size)?);
                let end = self.line()?;
                if !end.is_empty() {
                    return Err(bad("end of chunk", &end));
                }
            }
            loop {
                let line = self.line()?;
                if line.is_empty() {
                    return Ok(response);
                }
                response.trailers.extend(field(&line));
            }
        }
        response.body = match response.header("content-length") {
            Some(length) => {
                let length = length.parse().map_err(|_| bad("content-length", length))?;
                self.exactly(length)?
            }
            None => self.to_end()?,
        };
        Ok(response)
    }

    /// Reads a status line and headers; the body stays to be read.
    pub fn head(&mut self) -> Result<RawResponse> {
        let head = self.until(b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&head).into_owned();
        let mut lines = head.split("\r\n");
        let status_line = lines.next().unwrap_or_default();
        let status = status_line.split(' ').nth(1).and_then(|s| s.parse().ok());
        let status = status.ok_or_else(|| bad("status line", status_line))?;
        let headers = lines.filter_map(field).collect();
        Ok(RawResponse { status, head, headers, body: Vec::new(), trailers: Vec::new() })
    }

    /// Reads a line, without its CRLF.
    pub fn line(&mut self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.until(b"\r\n")?).into_owned())
    }

    /// Reads exactly this many bytes.
    pub fn exactly(&mut self, length: usize) -> Result<Vec<u8>> {
        let deadline = Instant::now() + self.timeout;
        while self.buffer.len() < length {
            if self.fill(deadline)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        let rest = self.buffer.split_off(length);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    /// Reads until the server closes. A reset is an error.
    pub fn to_end(&mut self) -> Result<Vec<u8>> {
        let deadline = Instant::now() + self.timeout;
        while self.fill(deadline)? > 0 {}
        Ok(std::mem::take(&mut self.buffer))
    }

    /// Waits for the server to close, by FIN or reset, with nothing sent before. An error if
    /// bytes come instead, or nothing in time.
    pub fn expect_close(&mut self) -> Result<()> {
        match self.to_end() {
            Ok(bytes) if bytes.is_empty() => Ok(()),
            Ok(bytes) => Err(bad("bytes before the close", &String::from_utf8_lossy(&bytes))),
            Err(e) if e.kind() == ErrorKind::ConnectionReset => Ok(()),
            Err(e) => Err(e),
        }
    }

    fn until(&mut self, end: &[u8]) -> Result<Vec<u8>> {
        let deadline = Instant::now() + self.timeout;
        loop {
            if let Some(at) = self.buffer.windows(end.len()).position(|w| w == end) {
                let rest = self.buffer.split_off(at + end.len());
                let mut taken = std::mem::replace(&mut self.buffer, rest);
                taken.truncate(at);
                return Ok(taken);
            }
            if self.fill(deadline)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn fill(&mut self, deadline: Instant) -> Result<usize> {
        let left = deadline.saturating_duration_since(Instant::now());
        self.stream.tcp().set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        let mut chunk = [0; 16 * 1024];
        let read = loop {
            let read = match &mut self.stream {
                Stream::Plain(socket) => socket.read(&mut chunk),
                Stream::Tls(stream) => stream.read(&mut chunk),
            };
            match read {
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    let got = String::from_utf8_lossy(&self.buffer).into_owned();
                    let why = format!("nothing came in time; had so far: {got:?}");
                    return Err(Error::new(ErrorKind::TimedOut, why));
                }
                other => break other?,
            }
        };
        self.buffer.extend_from_slice(&chunk[..read]);
        Ok(read)
    }
}

fn field(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    Some((name.to_owned(), value.trim().to_owned()))
}

fn bad(what: &str, got: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("{what}: {got:?}"))
}
