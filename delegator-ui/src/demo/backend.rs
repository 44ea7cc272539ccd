//! A backend that says who it is.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::http::{Method, Uri};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A server on a free port of the loopback interface, which ends when this is dropped. It answers
/// every request with its name, the method and the path: `web v1: GET /path`.
#[derive(Debug)]
pub(super) struct Backend {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Backend {
    pub(super) async fn start(name: &'static str) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let answer = move |method: Method, uri: Uri| async move {
            let path = uri.path_and_query().map_or(uri.path(), |path| path.as_str());
            format!("{name}: {method} {path}\n")
        };
        let app = Router::new().fallback(answer);
        let task = tokio::spawn(async move {
            // Serving ends only with the task.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Backend { address, task })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn it_answers_with_its_name_the_method_and_the_path() {
        let backend = Backend::start("web v1").await.expect("a free port");
        let address = backend.address;
        let answer = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).expect("it listens");
            let head = "PUT /a?b=c HTTP/1.1\r\nhost: web\r\nconnection: close\r\n\r\n";
            stream.write_all(head.as_bytes()).expect("it reads");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("it answers");
            answer
        });
        let answer = answer.await.expect("no panic");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\nweb v1: PUT /a?b=c\n"), "{answer}");
    }
}
