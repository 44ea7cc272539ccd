//! Listening sockets, and who gets what they accept.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::RunError;
use super::build::BuiltServer;
use super::worker::Workers;

/// Connections that the system keeps for us until they are accepted.
const BACKLOG: i32 = 1024;

/// The listening socket of one server.
pub(super) struct Listener {
    server: usize,
    pub(super) socket: TcpListener,
}

impl Listener {
    pub(super) fn bind(at: usize, server: &BuiltServer) -> Result<Self, RunError> {
        let socket = bind(server.shared.address, format!("{}: ", server.place))?;
        Ok(Listener { server: at, socket })
    }

    /// Hands connections to workers until told to stop, and then those that the system has let in.
    pub(super) async fn accept(self, workers: Arc<Workers>, mut stop: watch::Receiver<bool>) {
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                _ = stop.wait_for(|&stop| stop) => break,
            };
            match accepted {
                Ok((socket, remote)) => workers.give(self.server, socket, remote).await,
                Err(error) => {
                    // Out of file descriptors, most likely: the connection waits in the backlog.
                    tracing::warn!(%error, "cannot accept");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        for _ in 0..BACKLOG {
            let accepted = tokio::time::timeout(Duration::ZERO, self.socket.accept()).await;
            let Ok(Ok((socket, remote))) = accepted else { break };
            workers.give(self.server, socket, remote).await;
        }
    }
}

/// A socket that listens. `place` says where the configuration asks for it.
pub(super) fn bind(address: SocketAddr, place: String) -> Result<TcpListener, RunError> {
    listen(address).map_err(|error| {
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

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}
