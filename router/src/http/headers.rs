//! The `l5d-` headers: what routers tell each other, and what they tell services and callers.
//!
//! | header | read from a request | written to the next hop |
//! |---|---|---|
//! | `l5d-ctx-dtab`, `l5d-dtab` | [`dtab`] | `l5d-ctx-dtab` |
//! | `baggage` (its member `l5d-dtab`) | [`baggage`] | the same |
//! | `l5d-dtab-signature` | [`signature`] | the same |
//! | `l5d-ctx-deadline` | [`deadline`] | the same |
//! | `l5d-ctx-trace`, `l5d-sample` | [`trace`], [`sample`] | `l5d-ctx-trace`, `l5d-reqid` |
//! | `x-b3-…`, if the router propagates traces so | [`b3`] | the same |
//! | `traceparent` | [`traceparent`] | the same, with a new span |
//! | `l5d-explain` | 1 from a trusted caller: the response has an `l5d-explanation` | |
//! | `l5d-add-context` | with TRACE, from a trusted caller: the body tells the way | the same |
//! | `l5d-dst-service`, `-client`, `-residual` | | [`dst`] |
//!
//! Responses carry `l5d-err` and `l5d-retryable` ([errors](super::errors)), `l5d-success-class`
//! ([`outcome`]), and `l5d-override-used` if the request had overrides. Other `l5d-ctx-` headers pass untouched. [`finagle`] has the headers of plain
//! Finagle services, which a router passes on without reading them.

pub mod b3;
pub mod baggage;
pub mod deadline;
pub mod dst;
pub mod dtab;
pub mod explanation;
pub mod finagle;
pub mod outcome;
pub mod sample;
pub mod signature;
pub mod trace;
pub mod traceparent;

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue};

/// `l5d-ctx-dtab`: the overrides that routers hand on.
pub const CTX_DTAB: HeaderName = HeaderName::from_static("l5d-ctx-dtab");
/// `l5d-dtab`: the overrides of the user.
pub const USER_DTAB: HeaderName = HeaderName::from_static("l5d-dtab");
/// `l5d-dtab-signature`: who vouches for the overrides; see [`signature`].
pub const DTAB_SIGNATURE: HeaderName = HeaderName::from_static("l5d-dtab-signature");
/// `l5d-override-used`: which entries of the overrides of a request led to where it went.
pub const OVERRIDE_USED: HeaderName = HeaderName::from_static("l5d-override-used");
/// `l5d-ctx-deadline`: until when an answer is of use.
pub const CTX_DEADLINE: HeaderName = HeaderName::from_static("l5d-ctx-deadline");
/// `l5d-ctx-trace`: the span that a request belongs to.
pub const CTX_TRACE: HeaderName = HeaderName::from_static("l5d-ctx-trace");
/// `l5d-sample`: the probability with which this request is to be traced.
pub const SAMPLE: HeaderName = HeaderName::from_static("l5d-sample");
/// `l5d-reqid`: the root trace id, for logs.
pub const REQID: HeaderName = HeaderName::from_static("l5d-reqid");
/// `l5d-dst-service`: the logical name of the request.
pub const DST_SERVICE: HeaderName = HeaderName::from_static("l5d-dst-service");
/// `l5d-dst-client`: the bound name.
pub const DST_CLIENT: HeaderName = HeaderName::from_static("l5d-dst-client");
/// `l5d-dst-residual`: what is left of the name behind the bound one.
pub const DST_RESIDUAL: HeaderName = HeaderName::from_static("l5d-dst-residual");
/// `l5d-add-context`: the response to a TRACE is to say how each router has named it.
pub const ADD_CONTEXT: HeaderName = HeaderName::from_static("l5d-add-context");
/// `l5d-explain`: with `1`, a trusted caller asks how the name of this request resolves.
pub const EXPLAIN: HeaderName = HeaderName::from_static("l5d-explain");
/// `l5d-explanation`: how it does; see [`explanation`].
pub const EXPLANATION: HeaderName = HeaderName::from_static("l5d-explanation");
/// `l5d-err`: this response is the router's own, and why.
pub const ERR: HeaderName = HeaderName::from_static("l5d-err");
/// `l5d-retryable`: the request was surely not delivered.
pub const RETRYABLE: HeaderName = HeaderName::from_static("l5d-retryable");
/// `l5d-success-class`: how the service's classifier judged the response.
pub const SUCCESS_CLASS: HeaderName = HeaderName::from_static("l5d-success-class");

const PREFIX: &str = "l5d-";

/// Whether a header, in whatever case, belongs to routers.
pub fn is_l5d(name: &str) -> bool {
    name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

/// Forgets what the caller of an untrusted server says (`clearContext`): every `l5d-` header, and an
/// override in the `baggage`, before anything reads one. `dtab-local`, the B3 headers and
/// `traceparent` are not of ours and stay.
pub fn clear_request(headers: &mut HeaderMap) {
    remove_where(headers, is_l5d);
    baggage::remove_overrides(headers);
}

/// Removes every carrier of an override unread. `dtab-local` and `x-dtab-`, which no router reads,
/// are among them: services behind may be of Finagle, which does.
pub fn remove_overrides(headers: &mut HeaderMap) {
    for name in [CTX_DTAB, USER_DTAB, DTAB_SIGNATURE] {
        headers.remove(name);
    }
    baggage::remove_overrides(headers);
    finagle::clear_dtab(headers);
}

/// Tells the caller of an untrusted server nothing: removes every `l5d-` header of the response.
///
/// Gives back whether the response was the router's own error; then its body must be emptied too.
/// The status stays.
#[must_use = "the body of an error response must be emptied"]
pub fn clear_response(headers: &mut HeaderMap) -> bool {
    let is_error = headers.contains_key(ERR);
    remove_where(headers, is_l5d);
    is_error
}

/// Removes every header whose (lower-case) name fits. Costs no allocation if none does.
fn remove_where(headers: &mut HeaderMap, fits: impl Fn(&str) -> bool) {
    let doomed: Vec<HeaderName> =
        headers.keys().filter(|name| fits(name.as_str())).cloned().collect();
    for name in doomed {
        headers.remove(name);
    }
}

/// A header value as text. Bytes that are not UTF-8 are replaced: no header that is read here means
/// anything by them.
fn text(value: &HeaderValue) -> Cow<'_, str> {
    String::from_utf8_lossy(value.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(names: &[&'static str]) -> HeaderMap {
        let named = |&name| (HeaderName::from_static(name), HeaderValue::from_static("x"));
        names.iter().map(named).collect()
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn an_untrusted_caller_has_no_context() {
        let mut request =
            headers(&["l5d-dtab", "host", "l5d-ctx-foo", "dtab-local", "x-l5d-a", "l5d"]);
        clear_request(&mut request);
        assert_eq!(names(&request), ["dtab-local", "host", "l5d", "x-l5d-a"]);
    }

    #[test]
    fn overrides_are_removed_from_all_their_carriers() {
        let carriers =
            ["l5d-dtab", "l5d-ctx-dtab", "l5d-dtab-signature", "dtab-local", "x-dtab-00-a"];
        let mut request = headers(&carriers);
        request.insert("l5d-ctx-foo", HeaderValue::from_static("x"));
        request.insert("baggage", HeaderValue::from_static("user=ada,l5d-dtab=/a=>/b"));
        remove_overrides(&mut request);
        assert_eq!(names(&request), ["baggage", "l5d-ctx-foo"]);
        assert_eq!(request["baggage"], "user=ada");
    }

    #[test]
    fn an_untrusted_caller_is_told_no_cause() {
        let mut error = headers(&["l5d-err", "content-type", "l5d-success-class"]);
        assert!(clear_response(&mut error));
        assert_eq!(names(&error), ["content-type"]);
        assert!(!clear_response(&mut headers(&["l5d-success-class"])));
    }
}
