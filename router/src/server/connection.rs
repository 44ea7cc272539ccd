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

use super::guard::Guard;
use super::watchdog::Progress;
use crate::http::body::ResponseBody;
use crate::proxy::answer::Refusal;
use crate::proxy::{Caller, LocalServer};

/// Serves requests until the caller or the connection ends.
pub(crate) async fn serve(
    server: Rc<LocalServer>,
    socket: TcpStream,
    remote: SocketAddr,
    progress: Arc<Progress>,
    draining: Rc<Cell<bool>>,
) {
    let _open = server.stats.connected();
    let local = socket.local_addr().unwrap_or(server.shared.address);
    let limits = server.shared.limits;
    let guard = Guard::new(socket, limits, progress.clone());
    let caller = Rc::new(Caller::new(&server, remote, local, progress));
    let count = Cell::new(0_u32);
    let service = service_fn(|request: Request<Incoming>| {
        let (server, caller, draining) = (server.clone(), caller.clone(), draining.clone());
        let number = count.replace(count.get().wrapping_add(1));
        async move {
            let mut response = respond(&server, &caller, number, request).await;
            if draining.get() {
                let close = http::HeaderValue::from_static("close");
                response.headers_mut().insert(http::header::CONNECTION, close);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let mut codec = http1::Builder::new();
    codec
        .half_close(false)
        .max_headers(limits.fields + 1)
        .max_buf_size((limits.head_bytes + limits.line_bytes).max(16 * 1024))
        .auto_date_header(false);
    // Its errors are the caller's: a reset, a broken head. What matters of them is answered above.
    let _ = codec.serve_connection(TokioIo::new(guard), service).with_upgrades().await;
}

async fn respond(
    server: &LocalServer,
    caller: &Caller,
    number: u32,
    request: Request<Incoming>,
) -> Response<ResponseBody> {
    caller.progress.busy(true);
    let done = Done { progress: caller.progress.clone() };
    if let Some(violation) = caller.progress.violation(number) {
        let refusal = Refusal::new(violation.status(), violation.to_string());
        return refusal.respond(server.router.shared.errors, server.shared.trusted);
    }
    let response = server.serve(caller, request).await;
    response.map(|body| body.until_done(done))
}

/// Dropped when an exchange has ended, the body of its response included.
#[derive(Debug)]
pub(crate) struct Done {
    progress: Arc<Progress>,
}

impl Drop for Done {
    fn drop(&mut self) {
        self.progress.busy(false);
    }
}
