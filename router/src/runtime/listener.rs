//! Listening sockets, and who gets what they accept.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::RunError;
use super::worker::{ServerId, Workers};
use crate::config::SocketConfig;

/// Connections that the system keeps for us until they are accepted, unless `backlog` says otherwise.
const BACKLOG: u32 = 1024;

/// How long connections that the system has let in may take to reach a worker when we stop.
const LAST_ACCEPTS: Duration = Duration::from_secs(1);

/// How long a handshake that has begun may take to end before a shared port is left.
const HANDSHAKES: Duration = Duration::from_millis(300);

/// A server's socket, and the task that accepts on it.
pub(super) struct Listener {
    pub(super) id: ServerId,
    /// Where it listens, once a port of 0 has been given a number.
    pub(super) local: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Listener {
    /// Hands what `socket` accepts to workers, which must know the server by now.
    pub(super) fn start(
        id: ServerId,
        socket: TcpListener,
        local: SocketAddr,
        shared_port: bool,
        workers: Arc<Workers>,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(id, socket, shared_port, workers, stopped));
        Listener { id, local, stop, accepting }
    }

    /// Accepts what the system has let in, and closes the socket.
    pub(super) async fn stop(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(LAST_ACCEPTS, &mut self.accepting).await.is_err() {
            self.accepting.abort();
        }
    }
}

async fn accept(
    id: ServerId,
    socket: TcpListener,
    shared_port: bool,
    workers: Arc<Workers>,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            _ = stopped.wait_for(|&stopped| stopped) => break,
        };
        match accepted {
            Ok((socket, remote)) => workers.give(id, socket, remote).await,
            Err(error) => {
                // Out of file descriptors, most likely: the connection waits in the backlog.
                tracing::warn!(%error, "cannot accept");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    // A connection that is still to be accepted when the socket closes is reset, even if another
    // program listens on the port.
    let refusing = shared_port && refuse_handshakes(&socket).is_ok();
    let until = Instant::now() + if refusing { HANDSHAKES } else { Duration::ZERO };
    while let Ok(Ok((socket, remote))) = tokio::time::timeout_at(until, socket.accept()).await {
        workers.give(id, socket, remote).await;
    }
}

/// From now on no handshake begins on this socket; those that have begun go on. The caller's system
/// asks again a second later, and by then gets another socket of the port.
#[cfg(target_os = "linux")]
fn refuse_handshakes(socket: &TcpListener) -> io::Result<()> {
    use socket2::SockFilter;
    // Classic BPF over the TCP segment: drop it if its flags have SYN, else take all of it.
    const LOAD_BYTE: u16 = 0x30; // BPF_LD | BPF_B | BPF_ABS
    const JUMP_IF_SET: u16 = 0x45; // BPF_JMP | BPF_JSET | BPF_K
    const RETURN: u16 = 0x06; // BPF_RET | BPF_K
    const FLAGS: u32 = 13; // of the TCP header
    const SYN: u32 = 0x02;
    let program = [
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS),
        SockFilter::new(JUMP_IF_SET, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ];
    SockRef::from(socket).attach_filter(&program)
}

#[cfg(not(target_os = "linux"))]
fn refuse_handshakes(_: &TcpListener) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// A socket that listens. `place` says where the configuration asks for it.
pub(super) fn bind(
    address: SocketAddr,
    options: &SocketConfig,
    place: String,
) -> Result<TcpListener, RunError> {
    listen(address, options).map_err(|error| {
        let reason = match error.kind() {
            io::ErrorKind::AddrInUse => format!(
                "port {} is in use by another program; stop it or choose another port",
                address.port()
            ),
            io::ErrorKind::AddrNotAvailable => {
                format!("{} is no address of this machine", address.ip())
            }
            io::ErrorKind::PermissionDenied => {
                format!("port {} needs more rights than the program has", address.port())
            }
            _ => error.to_string(),
        };
        RunError::Listen { place, address, reason }
    })
}

fn listen(address: SocketAddr, options: &SocketConfig) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(options.reuse_addr)?;
    if options.reuse_port {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(options.backlog.unwrap_or(BACKLOG)).unwrap_or(i32::MAX))?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn options_reach_the_socket() {
        let options = SocketConfig { reuse_port: true, ..SocketConfig::default() };
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let one = bind(any, &options, String::new()).unwrap();
        let address = one.local_addr().unwrap();
        let other = bind(address, &options, String::new()).unwrap();
        assert_eq!(other.local_addr().unwrap(), address);
        let alone = bind(address, &SocketConfig::default(), "linkerd.yaml:1:1: ".to_owned());
        let error = alone.unwrap_err().to_string();
        assert!(error.starts_with("linkerd.yaml:1:1: cannot listen on"), "{error}");
        let plain = SocketConfig { reuse_addr: false, ..SocketConfig::default() };
        let socket = bind(any, &plain, String::new()).unwrap();
        assert!(!SockRef::from(&socket).reuse_address().unwrap());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_socket_that_refuses_handshakes_keeps_those_that_are_done() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let socket = bind(any, &SocketConfig::default(), String::new()).unwrap();
        let address = socket.local_addr().unwrap();
        let before = TcpStream::connect(address).unwrap();
        refuse_handshakes(&socket).unwrap();
        let (_, remote) = socket.accept().await.unwrap();
        assert_eq!(remote, before.local_addr().unwrap());
        let after = tokio::task::spawn_blocking(move || {
            TcpStream::connect_timeout(&address, Duration::from_millis(100))
        });
        let error = after.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
