//! `l5d-retryable` and `l5d-success-class`: what a router says about a response.

use http::{HeaderMap, HeaderValue};

use super::{RETRYABLE, SUCCESS_CLASS};

/// Whether the request surely was not delivered, so that it may be sent again whatever its method.
pub fn is_retryable(headers: &HeaderMap) -> bool {
    headers.get(RETRYABLE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
}

/// Says that the request surely was not delivered.
pub fn set_retryable(headers: &mut HeaderMap) {
    headers.insert(RETRYABLE, HeaderValue::from_static("true"));
}

const SUCCESS: &[u8] = b"1.0";
const FAILURE: &[u8] = b"0.0";

/// How a router further on judged the response: 1 is success, 0 failure.
pub fn success_class(headers: &HeaderMap) -> Option<f64> {
    let value = headers.get(SUCCESS_CLASS)?;
    match value.as_bytes() {
        // As routers write it, and each response has it; reading a number takes longer.
        SUCCESS => Some(1.0),
        FAILURE => Some(0.0),
        _ => value.to_str().ok()?.trim().parse().ok(),
    }
}

/// Says how the service's classifier judged the response.
pub fn set_success_class(headers: &mut HeaderMap, success: bool) {
    let value = if success { "1.0" } else { "0.0" };
    headers.insert(SUCCESS_CLASS, HeaderValue::from_static(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_success_class_reads_back() {
        let mut headers = HeaderMap::new();
        assert_eq!(success_class(&headers), None);
        set_success_class(&mut headers, true);
        assert_eq!(success_class(&headers), Some(1.0));
        set_success_class(&mut headers, false);
        assert_eq!(success_class(&headers), Some(0.0));
    }
}
