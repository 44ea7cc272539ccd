//! Connections that stop being HTTP, such as WebSockets.
//!
//! A tunnel is opened only once the service has said 101, and never for a request with a body, whose
//! bytes a service might take for the new protocol. `Upgrade: h2c` is not passed on: HTTP/2 behind our
//! back would be requests that we neither name nor count.

use std::sync::Arc;

use http::header::{CONNECTION, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, Version, request, response};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use crate::client::Exchange;
use crate::http::body::ResponseBody;
use crate::server::progress::Progress;

/// The protocol that a request asks to switch to, if it may.
pub(super) fn wanted(parts: &request::Parts, bodyless: bool) -> Option<HeaderValue> {
    let protocol = parts.headers.get(UPGRADE)?;
    let may = bodyless
        && parts.version == Version::HTTP_11
        && !names_h2c(&parts.headers)
        && names_upgrade(&parts.headers);
    may.then(|| protocol.clone())
}

fn names_h2c(headers: &HeaderMap) -> bool {
    names(headers, &UPGRADE, "h2c")
}

fn names_upgrade(headers: &HeaderMap) -> bool {
    names(headers, &CONNECTION, UPGRADE.as_str())
}

/// Whether one of the comma-separated values of a header is this word.
fn names(headers: &HeaderMap, header: &HeaderName, word: &str) -> bool {
    let lines = headers.get_all(header).into_iter();
    lines
        .flat_map(|line| line.as_bytes().split(|&byte| byte == b','))
        .any(|value| value.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
}

/// Asks the service to switch.
pub(super) fn ask(headers: &mut HeaderMap, protocol: &HeaderValue) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, protocol.clone());
}

/// Passes the service's 101 on and joins the two connections.
pub(super) fn switch(
    mut parts: response::Parts,
    exchange: Exchange,
    ours: OnUpgrade,
    theirs: OnUpgrade,
    caller: Arc<Progress>,
) -> Response<ResponseBody> {
    caller.set_tunnel();
    tokio::task::spawn_local(async move {
        // The exchange counts as load, and its connection never goes back to the pool.
        let _load = exchange;
        let (Ok(theirs), Ok(ours)) = tokio::join!(theirs, ours) else { return };
        let (mut theirs, mut ours) = (TokioIo::new(theirs), TokioIo::new(ours));
        let _ = tokio::io::copy_bidirectional(&mut theirs, &mut ours).await;
    });
    let protocol = parts.headers.get(UPGRADE).cloned();
    crate::http::hop_by_hop::strip(&mut parts.headers);
    if let Some(protocol) = protocol {
        ask(&mut parts.headers, &protocol);
    }
    Response::from_parts(parts, ResponseBody::empty())
}
