//! One connection of a caller.

use std::cell::Cell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::gate::Admitted;
use super::guard::{Guard, Socket};
use super::head::Violation;
use super::http2;
use super::progress::Progress;
use super::slot::Slot;
use crate::http::body::ResponseBody;
use crate::proxy::answer::Refusal;
use crate::proxy::{Caller, LocalServer, with_status};
use crate::tls::peer;
use crate::tls::server::HTTP_2;

/// The header fields that the codec has room for without an allocation for each request. No head with
/// more than its limit gets past the guard.
const CODEC_FIELDS: usize = 100;

/// Serves requests until the caller or the connection ends. Each is answered by what `slot` has when
/// it comes. One that is not admitted is answered why, and closed. A handshake may take as long as a
/// head.
pub(crate) async fn serve(
    slot: Rc<Slot>,
    socket: TcpStream,
    remote: SocketAddr,
    progress: Arc<Progress>,
    admitted: Result<Admitted, Violation>,
) {
    let server = slot.server();
    let _open = server.stats.connected();
    let Some(tls) = server.shared.tls.clone() else {
        return serve_on(socket, None, slot, server, remote, progress, admitted).await;
    };
    let limit = server.shared.limits.head_time;
    let shaken = Box::pin(tokio::time::timeout(limit, tls.accept(socket))).await;
    let socket = match shaken {
        Ok(Ok(socket)) => socket,
        Ok(Err(error)) => {
            server.stats.tls_failures.incr();
            tracing::debug!(%remote, address = %server.shared.address, %error, "no TLS");
            return;
        }
        Err(_) => {
            server.stats.tls_failures.incr();
            tracing::debug!(%remote, address = %server.shared.address, "no TLS in time");
            return;
        }
    };
    let certificate = socket.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let certificate = certificate.map(|certificate| peer::header_value(certificate));
    let _open_tls = server.stats.tls_connected();
    Box::pin(serve_on(socket, certificate, slot, server, remote, progress, admitted)).await;
}

async fn serve_on<S: Socket + Send + 'static>(
    socket: S,
    certificate: Option<http::HeaderValue>,
    slot: Rc<Slot>,
    server: Rc<LocalServer>,
    remote: SocketAddr,
    progress: Arc<Progress>,
    admitted: Result<Admitted, Violation>,
) {
    let local = socket.tcp().local_addr().unwrap_or(server.shared.address);
    let limits = server.shared.limits;
    let is_http2 = server.shared.speaks_http2 || socket.alpn() == Some(HTTP_2);
    let caller = Caller::new(&server, remote, local, certificate, progress.clone(), is_http2);
    if is_http2 {
        return match admitted {
            Ok(admitted) => Box::pin(http2::serve(socket, slot, caller, admitted)).await,
            Err(violation) => server.connections.refused(violation),
        };
    }
    let guard = Guard::new(socket, limits, progress).with_admission(admitted);
    let caller = Rc::new(caller);
    // Held no longer than a request needs it: it may be replaced.
    drop(server);
    let count = Cell::new(0_u32);
    let service = service_fn(|request: Request<Incoming>| {
        let (slot, caller) = (slot.clone(), caller.clone());
        let number = count.replace(count.get().wrapping_add(1));
        async move {
            let mut response = respond(&slot.server(), &caller, number, request).await;
            if slot.draining().is_some() || caller.progress.is_ending() {
                let close = http::HeaderValue::from_static("close");
                response.headers_mut().insert(http::header::CONNECTION, close);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let mut codec = http1::Builder::new();
    if limits.fields > CODEC_FIELDS {
        codec.max_headers(limits.fields);
    }
    codec
        .half_close(false)
        .max_buf_size((limits.head_bytes + limits.line_bytes).max(16 * 1024))
        .auto_date_header(false);
    // Its errors are the caller's: a reset, a broken head. What matters of them is answered above.
    let _ = codec.serve_connection(TokioIo::new(guard), service).with_upgrades().await;
}

async fn respond(
    server: &Rc<LocalServer>,
    caller: &Caller,
    number: u32,
    request: Request<Incoming>,
) -> Response<ResponseBody> {
    caller.progress.busy(true);
    let done = Done::new(caller.progress.clone());
    if let Some(violation) = caller.progress.violation(number) {
        server.connections.refused(violation);
        let refusal = Refusal::new(violation.status(), violation.to_string());
        return refusal.respond(server.router.shared.errors, server.shared.trusted, false);
    }
    let response = server.serve(caller, request).await;
    // There is no reset of one request in HTTP/1.1, and none is asked for.
    let response = response.unwrap_or_else(|_| with_status(http::StatusCode::BAD_GATEWAY));
    response.map(|body| body.until_done(done))
}

/// Dropped when an exchange has ended, the body of its response included.
#[derive(Debug)]
pub(crate) struct Done {
    progress: Arc<Progress>,
}

impl Done {
    pub(super) fn new(progress: Arc<Progress>) -> Self {
        Done { progress }
    }
}

impl Drop for Done {
    fn drop(&mut self) {
        self.progress.busy(false);
    }
}
