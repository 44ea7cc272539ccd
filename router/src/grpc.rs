//! What gRPC has on top of HTTP/2, as far as routing needs it: how a call is told, its status and its
//! deadline (gRPC over HTTP/2, "Requests" and "Responses").

use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// `grpc-status`: what came of a call; in the trailers, or in the head of a response without a body.
pub(crate) const STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// `grpc-message`: the same in words, percent-encoded.
pub(crate) const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// `grpc-timeout`: how long the caller waits for the end of the response.
pub(crate) const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The status codes that a router answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    PermissionDenied = 7,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    Unauthenticated = 16,
}

impl Code {
    /// What stands for an answer of HTTP in gRPC. For what clients of gRPC see themselves, this is
    /// their own table (gRPC, "HTTP to gRPC status code mapping"); for what only a router answers, 400
    /// is what is wrong with the request.
    pub(crate) fn of_http(status: StatusCode) -> Self {
        match status.as_u16() {
            400 | 413 | 414 | 431 => Code::InvalidArgument,
            401 => Code::Unauthenticated,
            403 => Code::PermissionDenied,
            404 | 405 => Code::Unimplemented,
            429 | 502..=504 => Code::Unavailable,
            500 => Code::Internal,
            _ => Code::Unknown,
        }
    }
}

/// Whether a message is of a call of gRPC. gRPC-Web is not: to a router it is any body.
pub(crate) fn is_call(headers: &HeaderMap) -> bool {
    const TYPE: &[u8] = b"application/grpc";
    headers.get(CONTENT_TYPE).is_some_and(|value| {
        let value = value.as_bytes();
        value.get(..TYPE.len()).is_some_and(|start| start.eq_ignore_ascii_case(TYPE))
            && matches!(value.get(TYPE.len()), None | Some(b'+' | b';' | b' '))
    })
}

/// `grpc-status`, if there is one.
pub(crate) fn status(headers: &HeaderMap) -> Option<u32> {
    headers.get(STATUS)?.to_str().ok()?.trim().parse().ok()
}

/// Makes an answer of our own that of a call: all head, with the status in it.
pub(crate) fn answer(headers: &mut HeaderMap, code: Code, message: &str) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.remove(http::header::CONTENT_LENGTH);
    headers.insert(STATUS, HeaderValue::from(code as u16));
    headers.insert(MESSAGE, encode(message.trim_end()));
}

/// A message for `grpc-message`: UTF-8, with all but printable ASCII percent-encoded.
fn encode(message: &str) -> HeaderValue {
    const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');
    let encoded = utf8_percent_encode(message, ESCAPED).to_string();
    // Only printable ASCII is left.
    HeaderValue::try_from(encoded).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// `grpc-timeout`, if there is one that can be read: at most eight digits and a unit.
pub(crate) fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let (digits, unit) = headers.get(TIMEOUT)?.to_str().ok()?.split_last_char()?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: u64 = digits.parse().ok()?;
    Some(match unit {
        'H' => Duration::from_secs(value * 3600),
        'M' => Duration::from_secs(value * 60),
        'S' => Duration::from_secs(value),
        'm' => Duration::from_millis(value),
        'u' => Duration::from_micros(value),
        'n' => Duration::from_nanos(value),
        _ => return None,
    })
}

/// Writes the time that is left for the next hop.
pub(crate) fn set_timeout(headers: &mut HeaderMap, left: Duration) {
    const MOST: u128 = 99_999_999;
    let units = [(left.as_nanos(), 'n'), (left.as_micros(), 'u'), (left.as_millis(), 'm')];
    let fits = units.into_iter().find(|(value, _)| *value <= MOST);
    let (value, unit) = fits.unwrap_or((u128::from(left.as_secs()).min(MOST), 'S'));
    if let Ok(value) = HeaderValue::try_from(format!("{value}{unit}")) {
        headers.insert(TIMEOUT, value);
    }
}

trait SplitLastChar {
    fn split_last_char(&self) -> Option<(&str, char)>;
}

impl SplitLastChar for str {
    fn split_last_char(&self) -> Option<(&str, char)> {
        let last = self.chars().next_back()?;
        Some((&self[..self.len() - last.len_utf8()], last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_call_is_told_by_its_content_type() {
        let is_call = |value| is_call(&headers(CONTENT_TYPE, value));
        for call in ["application/grpc", "application/grpc+proto", "Application/gRPC; charset=x"] {
            assert!(is_call(call), "{call}");
        }
        for other in ["application/grpc-web", "application/grpc-web+proto", "application/json", ""]
        {
            assert!(!is_call(other), "{other}");
        }
    }

    #[test]
    fn a_timeout_is_up_to_eight_digits_and_a_unit() {
        let timeout = |value| timeout(&headers(TIMEOUT, value));
        assert_eq!(timeout("5S"), Some(Duration::from_secs(5)));
        assert_eq!(timeout("1H"), Some(Duration::from_hours(1)));
        assert_eq!(timeout("2M"), Some(Duration::from_mins(2)));
        assert_eq!(timeout("100m"), Some(Duration::from_millis(100)));
        assert_eq!(timeout("99999999n"), Some(Duration::from_nanos(99_999_999)));
        for bad in ["", "S", "5", "5s", "-5S", "+5S", "999999999n", "5 S"] {
            assert_eq!(timeout(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn what_is_left_of_a_timeout_is_written_as_exactly_as_it_can_be() {
        let written = |left| {
            let mut headers = HeaderMap::new();
            set_timeout(&mut headers, left);
            headers[TIMEOUT].to_str().unwrap().to_owned()
        };
        assert_eq!(written(Duration::ZERO), "0n");
        assert_eq!(written(Duration::from_millis(5)), "5000000n");
        assert_eq!(written(Duration::from_secs(5)), "5000000u");
        assert_eq!(written(Duration::from_secs(1_000_000)), "1000000S");
    }

    #[test]
    fn a_message_is_percent_encoded() {
        let mut headers = HeaderMap::new();
        answer(&mut headers, Code::Unavailable, "50 % of\nGrüße\n");
        assert_eq!(headers[STATUS], "14");
        assert_eq!(headers[MESSAGE], "50 %25 of%0AGr%C3%BC%C3%9Fe");
    }
}
