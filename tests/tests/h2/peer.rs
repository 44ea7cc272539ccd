//! One end of an HTTP/2 connection whose frames a test writes and reads itself.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use tests::wait_until;

use crate::PATIENCE;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

/// Flag of SETTINGS and PING.
pub(crate) const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

pub(crate) const NO_ERROR: u32 = 0;
pub(crate) const INTERNAL_ERROR: u32 = 2;
pub(crate) const REFUSED_STREAM: u32 = 7;
pub(crate) const CANCEL: u32 = 8;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;

pub(crate) const MAX_CONCURRENT_STREAMS: u16 = 3;
pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;
const HEADER_TABLE_SIZE: u16 = 1;

/// A frame that has come.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Frame { kind, flags, stream, payload } = self;
        write!(f, "{kind}/{flags:x} on {stream}: {}", payload.escape_ascii())
    }
}

impl Frame {
    /// The code of a RST_STREAM or GOAWAY.
    pub(crate) fn code(&self) -> u32 {
        let at = match self.kind {
            RST_STREAM => 0,
            GOAWAY => 4,
            _ => panic!("{self:?} has no code"),
        };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().expect("four bytes"))
    }

    pub(crate) fn ends(&self) -> bool {
        self.kind <= HEADERS && self.flags & END_STREAM != 0
    }

    /// The status that a HEADERS frame begins with, from an encoder without a table.
    pub(crate) fn status(&self) -> u16 {
        // The table's size may be told first.
        let block = match &self.payload[..] {
            [size, block @ ..] if size >> 5 == 1 => block,
            block => block,
        };
        match *block {
            [0x88, ..] => 200,
            [0x8e, ..] => 500,
            [0x8d, ..] => 404,
            [0x8c, ..] => 400,
            [0x48 | 0x08 | 0x18, length, ref value @ ..] if length & 0x80 == 0 => {
                let text = String::from_utf8_lossy(&value[..length as usize]);
                text.parse().expect("a status")
            }
            // Digits of Huffman's code: 0 to 2 have five bits, the others six.
            [0x48 | 0x08 | 0x18, length, ref value @ ..] => {
                let bytes = &value[..usize::from(length & 0x7f)];
                let mut bits = bytes.iter().flat_map(|b| (0..8).rev().map(move |at| b >> at & 1));
                (0..3).fold(0, |status, _| {
                    let mut code = (0..5).fold(0, |code, _| code << 1 | bits.next().unwrap_or(1));
                    if code > 2 {
                        code = (code << 1 | bits.next().unwrap_or(1)) - 0x19 + 3;
                    }
                    status * 10 + u16::from(code)
                })
            }
            _ => panic!("{self:?} has no status"),
        }
    }
}

/// One end of a connection. Pings and settings are answered as frames are read.
pub(crate) struct Peer {
    socket: TcpStream,
    next_stream: u32,
}

impl Peer {
    /// A caller.
    pub(crate) fn connect(addr: SocketAddr, settings: &[(u16, u32)]) -> Self {
        let socket = TcpStream::connect(addr).expect("connect to the router");
        let mut peer = Self::new(socket);
        peer.socket.write_all(PREFACE).expect("the preface");
        peer.settings(settings);
        peer
    }

    fn new(socket: TcpStream) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        socket.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        socket.set_nodelay(true).expect("no delay");
        Peer { socket, next_stream: 1 }
    }

    fn settings(&mut self, settings: &[(u16, u32)]) {
        let all = [&[(HEADER_TABLE_SIZE, 0)], settings].concat();
        let payload: Vec<u8> = all
            .iter()
            .flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat())
            .collect();
        self.send(SETTINGS, 0, 0, &payload);
    }

    pub(crate) fn try_send(
        &mut self,
        kind: u8,
        flags: u8,
        stream: u32,
        payload: &[u8],
    ) -> io::Result<()> {
        self.socket.write_all(&frame(kind, flags, stream, payload))
    }

    pub(crate) fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.try_send(kind, flags, stream, payload).expect("send a frame");
    }

    /// Sends a frame that is made of one number: RST_STREAM, WINDOW_UPDATE.
    pub(crate) fn send_number(&mut self, kind: u8, stream: u32, number: u32) {
        self.send(kind, 0, stream, &number.to_be_bytes());
    }

    /// Sends all of these, until the other end has had enough of it.
    pub(crate) fn flood(&mut self, frames: impl IntoIterator<Item = Vec<u8>>) {
        for part in frames.into_iter().collect::<Vec<_>>().chunks(100) {
            if self.socket.write_all(&part.concat()).is_err() {
                return;
            }
        }
    }

    pub(crate) fn stream(&mut self) -> u32 {
        self.next_stream += 2;
        self.next_stream - 2
    }

    /// Asks for `/` of `web`; the stream's number.
    pub(crate) fn get(&mut self) -> u32 {
        let stream = self.stream();
        self.send(HEADERS, END_HEADERS | END_STREAM, stream, &head("GET", "/"));
        stream
    }

    /// Begins a request with a body.
    pub(crate) fn post(&mut self) -> u32 {
        let stream = self.stream();
        self.send(HEADERS, END_HEADERS, stream, &head("POST", "/"));
        stream
    }

    /// Answers 200, and ends the stream if `flags` say so.
    pub(crate) fn ok(&mut self, stream: u32, flags: u8) {
        const STATUS_200: [u8; 1] = [0x88];
        self.send(HEADERS, END_HEADERS | flags, stream, &STATUS_200);
    }

    /// The next frame; nothing if the connection has ended. Panics if none comes.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        loop {
            let mut head = [0; 9];
            if let Err(error) = self.socket.read_exact(&mut head) {
                assert!(error.kind() != io::ErrorKind::WouldBlock, "no frame has come");
                return None;
            }
            let [a, b, c, kind, flags, stream @ ..] = head;
            let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
            self.socket.read_exact(&mut payload).ok()?;
            match kind {
                SETTINGS | PING if flags & ACK == 0 => {
                    // Who has gone needs no answer.
                    let payload = if kind == PING { &payload[..] } else { &[] };
                    let _ = self.try_send(kind, ACK, 0, payload);
                }
                SETTINGS => {}
                _ => {
                    let stream = u32::from_be_bytes(stream);
                    return Some(Frame { kind, flags, stream, payload });
                }
            }
        }
    }

    /// The next frame of this kind.
    pub(crate) fn until(&mut self, kind: u8) -> Frame {
        let mut before = Vec::new();
        loop {
            match self.next() {
                Some(frame) if frame.kind == kind => return frame,
                Some(frame) => before.push(frame),
                None => panic!("no frame of kind {kind} has come, but {before:?}"),
            }
        }
    }

    /// The status of the answer to this request.
    pub(crate) fn status(&mut self, stream: u32) -> u16 {
        loop {
            let frame = self.next().expect("an answer");
            assert!(frame.kind != GOAWAY && frame.kind != RST_STREAM, "{frame:?}");
            if frame.kind == HEADERS && frame.stream == stream {
                return frame.status();
            }
        }
    }
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    [&[a, b, c, kind, flags][..], &stream.to_be_bytes(), payload].concat()
}

/// The head of a request to `web`.
pub(crate) fn head(method: &str, path: &str) -> Vec<u8> {
    let fields = [(":method", method), (":scheme", "http"), (":authority", "web"), (":path", path)];
    fields.into_iter().flat_map(|(name, value)| field(name, value)).collect()
}

/// A field that is in no table.
pub(crate) fn field(name: &str, value: &str) -> Vec<u8> {
    let [name_length, value_length] =
        [name, value].map(|text| u8::try_from(text.len()).expect("a short text"));
    assert!(name_length < 127 && value_length < 127, "a short text");
    [&[0, name_length], name.as_bytes(), &[value_length], value.as_bytes()].concat()
}

/// A service whose connections a test accepts.
pub(crate) struct Service {
    listener: TcpListener,
    settings: Vec<(u16, u32)>,
}

impl Service {
    pub(crate) fn start(settings: &[(u16, u32)]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        Service { listener, settings: settings.to_vec() }
    }

    pub(crate) fn fs_line(&self) -> String {
        let addr = self.listener.local_addr().expect("an address");
        format!("{} {}\n", addr.ip(), addr.port())
    }

    /// The next connection, as it is: it need not speak HTTP/2.
    pub(crate) fn accept_socket(&self) -> TcpStream {
        self.listener.set_nonblocking(true).expect("not to block");
        let mut accepted = None;
        wait_until(PATIENCE, || {
            accepted = self.listener.accept().ok();
            accepted.is_some()
        });
        let (socket, _) = accepted.expect("a connection of the router");
        socket.set_nonblocking(false).expect("to block");
        socket
    }

    pub(crate) fn accept(&self) -> Peer {
        self.of_socket(self.accept_socket()).expect("the preface")
    }

    /// What is on a connection, unless it ends before it has begun.
    fn of_socket(&self, socket: TcpStream) -> Option<Peer> {
        let mut peer = Peer::new(socket);
        let mut preface = [0; PREFACE.len()];
        peer.socket.read_exact(&mut preface).ok()?;
        assert_eq!(preface, PREFACE);
        peer.settings(&self.settings);
        Some(peer)
    }

    /// Has each connection served on a thread of its own, for as long as this process lives.
    pub(crate) fn serve(self, answer: impl Fn(&mut Peer, &Frame) + Clone + Send + 'static) {
        thread::spawn(move || {
            while let Ok((socket, _)) = self.listener.accept() {
                let Some(mut peer) = self.of_socket(socket) else { continue };
                let answer = answer.clone();
                peer.socket.set_read_timeout(None).expect("no timeout");
                thread::spawn(move || {
                    while let Some(frame) = peer.next() {
                        answer(&mut peer, &frame);
                    }
                });
            }
        });
    }
}
