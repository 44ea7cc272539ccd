//! Finagle's way of saying that a request was not begun with, so that it may be sent again.

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, StatusCode};

/// `finagle-http-nack`: the request was not begun with and may be sent again.
pub const NACK: HeaderName = HeaderName::from_static("finagle-http-nack");
/// `finagle-http-nonretryable-nack`: it was not begun with, and there is no use in sending it again.
pub const NONRETRYABLE_NACK: HeaderName = HeaderName::from_static("finagle-http-nonretryable-nack");
/// `finagle-http-retryable-request`: the client can send this request with its body again, so that a
/// Finagle server may refuse it.
pub const RETRYABLE_REQUEST: HeaderName = HeaderName::from_static("finagle-http-retryable-request");

/// Whether a response says that the request may be sent again: 503 with Finagle's header, or with
/// `Retry-After: 0`.
pub fn is_nack(status: StatusCode, headers: &HeaderMap) -> bool {
    status == StatusCode::SERVICE_UNAVAILABLE
        && !headers.contains_key(NONRETRYABLE_NACK)
        && (headers.contains_key(NACK)
            || headers.get(RETRY_AFTER).is_some_and(|after| after.as_bytes() == b"0"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_nack_is_a_503_that_says_so() {
        let headers = |pairs: &[(&HeaderName, &'static str)]| -> HeaderMap {
            let pair =
                |&(name, value): &(&HeaderName, _)| (name.clone(), HeaderValue::from_static(value));
            pairs.iter().map(pair).collect()
        };
        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
        assert!(is_nack(unavailable, &headers(&[(&NACK, "true")])));
        assert!(is_nack(unavailable, &headers(&[(&RETRY_AFTER, "0")])));
        assert!(!is_nack(unavailable, &headers(&[(&RETRY_AFTER, "5")])));
        assert!(!is_nack(unavailable, &headers(&[])));
        assert!(!is_nack(StatusCode::OK, &headers(&[(&NACK, "true")])));
        let never = headers(&[(&NACK, "true"), (&NONRETRYABLE_NACK, "true")]);
        assert!(!is_nack(unavailable, &never));
    }
}
