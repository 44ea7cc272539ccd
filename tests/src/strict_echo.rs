//! A backend that reads by the letter and remembers what it read.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::wire::{self, Message, Reading};

/// What came over one connection, in the order in which it was whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A request.
    Request(Message),
    /// The connection ended within one; the bytes of it that came.
    Cut(Vec<u8>),
    /// Bytes that are no request, and why not.
    Malformed(&'static str, Vec<u8>),
}

/// An HTTP/1.1 server that takes only canonical requests (see [`wire::read`]), and answers with
/// the method, the target and the length of the content that it read.
#[derive(Debug)]
pub struct StrictEcho {
    addr: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl StrictEcho {
    /// Starts one, which lives as long as the test.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind the echo");
        let addr = listener.local_addr().expect("address of the echo");
        let seen = Arc::new(Mutex::default());
        let record = seen.clone();
        thread::spawn(move || {
            while let Ok((socket, _)) = listener.accept() {
                let record = record.clone();
                thread::spawn(move || serve(socket, &record));
            }
        });
        StrictEcho { addr, seen }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What came since this was asked last.
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The text that answers a request.
    pub fn answer(message: &Message) -> String {
        format!("{} {} {}", message.method, message.target, message.body.len())
    }
}

fn serve(mut socket: TcpStream, seen: &Mutex<Vec<Seen>>) {
    let note = |what| seen.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    let mut bytes = Vec::new();
    let mut piece = [0; 16 * 1024];
    loop {
        match wire::read(&bytes, true) {
            Reading::Whole(message, length) => {
                bytes.drain(..length);
                let close = message.version == "HTTP/1.0"
                    || message.all("connection").any(|value| value.eq_ignore_ascii_case(b"close"));
                let mut body = StrictEcho::answer(&message);
                let connection = if close { "connection: close\r\n" } else { "" };
                let length = body.len();
                if message.method == "HEAD" {
                    body.clear();
                }
                note(Seen::Request(message));
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n{connection}");
                if socket.write_all(format!("{head}\r\n{body}").as_bytes()).is_err() || close {
                    return;
                }
            }
            Reading::Malformed(why) => return note(Seen::Malformed(why, bytes)),
            Reading::Partial => match socket.read(&mut piece) {
                Ok(0) | Err(_) if bytes.is_empty() => return,
                Ok(0) | Err(_) => return note(Seen::Cut(bytes)),
                Ok(read) => bytes.extend_from_slice(&piece[..read]),
            },
        }
    }
}
