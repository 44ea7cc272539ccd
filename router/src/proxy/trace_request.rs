//! TRACE requests, by which routers tell where they send a request and why.
//!
//! `Max-Forwards` counts routers down, and the one at which it is 0 answers (RFC 9110, 7.6.2). With
//! `l5d-add-context: true` each router on the way adds to the body of the response how it has named
//! the request and which addresses it knows. That is for callers who are trusted; for others the
//! header is removed, lest routers behind, who trust us, tell them.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

use dtab::{Delegation, Outcome, Path, Step};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, MAX_FORWARDS, TRANSFER_ENCODING};
use http::{HeaderValue, Method, Response, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt as _;

use super::answer::Refusal;
use super::bindings::{Choice, Entry, Resolved};
use crate::http::body::ResponseBody;
use crate::http::headers::ADD_CONTEXT;

/// The longest body of a response that is kept when something is added to it.
const MAX_BODY: u64 = 64 * 1024;

/// What a TRACE request asks for.
pub(super) struct TraceRequest {
    started: Instant,
    is_last: bool,
    adds_context: bool,
}

impl TraceRequest {
    /// Reads a request, if it is a TRACE, and counts its `Max-Forwards` down.
    pub(super) fn read(
        parts: &mut http::request::Parts,
        trusted: bool,
    ) -> Result<Option<Self>, Refusal> {
        if parts.method != Method::TRACE {
            return Ok(None);
        }
        let headers = &mut parts.headers;
        let asked = headers.get(ADD_CONTEXT).map(HeaderValue::as_bytes);
        let adds_context = trusted && matches!(asked, Some(b"true" | b"1" | b"t"));
        if !trusted {
            headers.remove(ADD_CONTEXT);
        }
        let forwards = match headers.get(MAX_FORWARDS) {
            None => None,
            Some(value) => {
                let number = value.to_str().ok().and_then(|value| value.trim().parse::<u32>().ok());
                let wrong = || Refusal::bad_request("Invalid value for Max-Forwards header");
                Some(number.ok_or_else(wrong)?)
            }
        };
        if let Some(left) = forwards.and_then(|forwards| forwards.checked_sub(1)) {
            headers.insert(MAX_FORWARDS, HeaderValue::from(left));
        }
        let is_last = forwards == Some(0);
        Ok(Some(TraceRequest { started: Instant::now(), is_last, adds_context }))
    }

    /// Whether it goes no further than this router.
    pub(super) fn is_last(&self) -> bool {
        self.is_last
    }

    /// The response with what there is to tell of this router. `selected` is who has answered, if
    /// that was not the router itself.
    pub(super) async fn add_context(
        &self,
        router: &str,
        entry: &Rc<Entry>,
        (resolved, drawn): (&Resolved, usize),
        selected: Option<SocketAddr>,
        response: Response<ResponseBody>,
    ) -> Result<Response<ResponseBody>, Refusal> {
        if !self.adds_context || response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(response);
        }
        let (mut parts, body) = response.into_parts();
        let mut text = if is_kept(&parts.headers, &body) {
            let broken = |error| {
                let why = format!("the service broke off its answer to TRACE: {error}");
                Refusal::new(StatusCode::BAD_GATEWAY, why)
            };
            let body = body.collect().await.map_err(broken)?.to_bytes();
            String::from_utf8_lossy(&body).trim().to_owned()
        } else {
            discarded(&parts)
        };
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        let elapsed = self.started.elapsed().as_millis();
        let _ = writeln!(text, "--- Router: {router} ---\nrequest duration: {elapsed} ms");
        let _ = writeln!(text, "service name: {}", entry.path);
        if let Choice::Bound(leaf) = resolved.choice(drawn) {
            let _ = writeln!(text, "client name: {}", leaf.bound.id);
            let addresses = entry.destination(leaf).map(|it| it.client.addresses());
            let addresses: Vec<_> = addresses.iter().flatten().map(ToString::to_string).collect();
            let _ = writeln!(text, "addresses: [{}]", addresses.join(", "));
            if let Some(selected) = selected {
                let _ = writeln!(text, "selected address: {selected}");
            }
            text.push_str("dtab resolution:\n");
            let mut lines = Vec::new();
            way(&resolved.binding.delegation, &leaf.bound.id, None, &mut lines);
            text.extend(lines);
        }
        parts.headers.remove(TRANSFER_ENCODING);
        parts.headers.remove(CONTENT_ENCODING);
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(text.len()));
        Ok(Response::from_parts(parts, ResponseBody::from(bytes::Bytes::from(text))))
    }
}

/// Whether something can be added to a body: a text, as far as that shows, of a known length.
fn is_kept(headers: &http::HeaderMap, body: &ResponseBody) -> bool {
    let length = body.size_hint().exact();
    length.is_some_and(|length| length <= MAX_BODY) && !headers.contains_key(CONTENT_ENCODING)
}

/// What stands in the place of a body that cannot be added to.
fn discarded(parts: &http::response::Parts) -> String {
    let mut text = String::new();
    for (name, value) in &parts.headers {
        let _ = writeln!(text, "{name}: {}", String::from_utf8_lossy(value.as_bytes()));
    }
    let (code, reason) = (parts.status.as_u16(), parts.status.canonical_reason().unwrap_or(""));
    let _ = write!(text, "HTTP {code} - {reason}\nthe content of the response was discarded");
    text
}

/// The names on the first way to a bound name, a line for each, with the entries that led to them.
/// Whether there is one.
fn way(node: &Delegation, id: &Path, above: Option<&Path>, lines: &mut Vec<String>) -> bool {
    let before = lines.len();
    if above != Some(&node.path) {
        let by = node.dentry.as_ref().map(|via| format!(" ({})", via.dentry()));
        lines.push(format!("  {}{}\n", node.path, by.unwrap_or_default()));
    }
    let below = |child: &Delegation, lines: &mut _| way(child, id, Some(&node.path), lines);
    let found = match &node.step {
        Step::Leaf(bound) => bound.id == *id,
        Step::Alt(branches) => branches
            .iter()
            .find(|branch| branch.outcome != Outcome::Neg)
            .is_some_and(|branch| below(branch, lines)),
        _ => node.children().into_iter().any(|child| below(child, lines)),
    };
    if !found {
        lines.truncate(before);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        fields: &[(&'static str, &'static str)],
        trusted: bool,
    ) -> (Option<TraceRequest>, String) {
        let mut request = http::Request::new(());
        *request.method_mut() = Method::TRACE;
        for (name, value) in fields {
            request.headers_mut().insert(*name, HeaderValue::from_static(value));
        }
        let (mut parts, ()) = request.into_parts();
        let Ok(trace) = TraceRequest::read(&mut parts, trusted) else {
            return (None, String::new());
        };
        (trace, format!("{:?}", parts.headers))
    }

    #[test]
    fn forwards_are_counted_down_to_the_last() {
        for (sent, left) in [("5", Some("4")), ("1", Some("0")), ("0", None)] {
            let (trace, headers) = read(&[("max-forwards", sent)], true);
            assert_eq!(trace.expect("it is a number").is_last(), left.is_none());
            let left = left.unwrap_or("0");
            assert_eq!(headers, format!("{{\"max-forwards\": \"{left}\"}}"));
        }
        assert!(!read(&[], true).0.expect("none is fine").is_last());
        for wrong in ["", "-1", "x", "1.5", "99999999999"] {
            assert!(read(&[("max-forwards", wrong)], true).0.is_none(), "{wrong}");
        }
    }

    #[test]
    fn context_is_for_callers_who_are_trusted() {
        let adds = |value, trusted| {
            let (trace, headers) = read(&[("l5d-add-context", value)], trusted);
            (trace.expect("it is a TRACE").adds_context, headers != "{}")
        };
        for yes in ["true", "1", "t"] {
            assert_eq!((adds(yes, true), adds(yes, false)), ((true, true), (false, false)));
        }
        assert_eq!(adds("false", true), (false, true));
    }
}
