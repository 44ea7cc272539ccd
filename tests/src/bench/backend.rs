//! The backend all proxies stand before: a fixed 1 KiB answer to every request, on keep-alive
//! connections, for as little CPU as an epoll loop takes. A process of its own, so that its work
//! is in nobody's figures.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Length of the answer's body in bytes.
pub const BODY_LEN: usize = 1024;

/// The answer's body: printable, and not all one byte, so that a proxy that mixes up parts of
/// it is found out.
pub const BODY: [u8; BODY_LEN] = {
    let mut body = [b'\n'; BODY_LEN];
    let mut at = 0;
    while at < BODY_LEN - 1 {
        body[at] = b'a' + (at % 26) as u8;
        at += 1;
    }
    body
};

/// Serves on a port the system chooses, prints the port on stdout, and ends when stdin does: so
/// it ends with the bench however that ends.
pub fn serve() -> io::Result<()> {
    std::thread::Builder::new().name("until-stdin-ends".into()).spawn(|| {
        // An error on stdin is its end too.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        end();
    })?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("{}", listener.local_addr()?.port());
        io::stdout().flush()?;
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {BODY_LEN}\r\n\r\n"
        );
        let answer: &'static [u8] = [head.as_bytes(), &BODY].concat().leak();
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(async move {
                // Proxies close connections when they like.
                let _ = answer_all(stream, answer).await;
            });
        }
    })
}

#[expect(clippy::exit, reason = "the server has no state, and its main thread waits for sockets")]
fn end() {
    std::process::exit(0)
}

/// Answers each head; the requests of the bench have no bodies.
async fn answer_all(mut stream: TcpStream, answer: &[u8]) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(4096);
    while stream.read_buf(&mut buffer).await? > 0 {
        let mut done = 0;
        while let Some(end) = buffer[done..].windows(4).position(|w| w == b"\r\n\r\n") {
            done += end + 4;
            stream.write_all(answer).await?;
        }
        buffer.drain(..done);
    }
    Ok(())
}

/// The backend as a child of the bench. Dropping it ends it.
#[derive(Debug)]
pub struct BackendProcess {
    child: Child,
    /// Where it listens.
    pub addr: SocketAddr,
}

impl BackendProcess {
    /// Starts this executable again in the backend's role.
    pub fn start() -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("backend")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout.take(16)).read_line(&mut line)?;
        }
        let port = line.trim().parse::<u16>().map_err(io::Error::other)?;
        Ok(Self { child, addr: SocketAddr::from((Ipv4Addr::LOCALHOST, port)) })
    }
}

impl Drop for BackendProcess {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
