//! What a message says about its length.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, StatusCode};

/// A message gives more than one length. A request is refused with 400, a response becomes 502.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("conflicting `Content-Length` headers")]
pub struct ConflictingLength;

/// Refuses different lengths and drops a length that chunking makes void.
///
/// Two equal lengths pass. These are Linkerd's rules for what has reached its filters; the codec is
/// stricter and refuses more, earlier.
pub fn settle_length(headers: &mut HeaderMap) -> Result<(), ConflictingLength> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let Some(first) = lengths.next() else { return Ok(()) };
    if lengths.any(|length| length != first) {
        return Err(ConflictingLength);
    }
    if headers.get(TRANSFER_ENCODING).is_some_and(|coding| coding == "chunked") {
        headers.remove(CONTENT_LENGTH);
    }
    Ok(())
}

/// How a response contradicts itself. It becomes 502, and its connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadResponse {
    /// The codec would go by the encoding, another caller of the service by the length.
    #[error("the service gives both Content-Length and Transfer-Encoding (RFC 9112, 6.3)")]
    LengthAndEncoding,
    /// Only `chunked` is undone here.
    #[error("the Transfer-Encoding of the service is not just `chunked`")]
    NotJustChunked,
    /// Not digits, or not the same ones each time.
    #[error("the Content-Length of the service is not one number (RFC 9112, 6.3)")]
    BadLength,
}

/// Refuses a response with more than one reading, as RFC 9112, 6.3 has it, and leaves of equal
/// lengths one, or none with a status that has no content (RFC 9110, 8.6).
pub fn check_response(status: StatusCode, headers: &mut HeaderMap) -> Result<(), BadResponse> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let length = lengths.next();
    if length.is_some_and(|length| !is_number(length.as_bytes())) {
        return Err(BadResponse::BadLength);
    }
    let mut repeated = None;
    for other in lengths {
        if Some(other) != length {
            return Err(BadResponse::BadLength);
        }
        repeated = Some(other.clone());
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        if !coding.as_bytes().eq_ignore_ascii_case(b"chunked") || codings.next().is_some() {
            return Err(BadResponse::NotJustChunked);
        }
        if length.is_some() {
            return Err(BadResponse::LengthAndEncoding);
        }
    }
    if status == StatusCode::NO_CONTENT {
        headers.remove(CONTENT_LENGTH);
    } else if let Some(length) = repeated {
        headers.insert(CONTENT_LENGTH, length);
    }
    Ok(())
}

fn is_number(value: &[u8]) -> bool {
    !value.is_empty() && value.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn check(lines: &[(HeaderName, &'static str)]) -> Result<Vec<String>, BadResponse> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, HeaderValue::from_static(value));
        }
        check_response(StatusCode::OK, &mut headers)?;
        Ok(headers.values().map(|value| value.to_str().unwrap().to_owned()).collect())
    }

    #[test]
    fn a_response_has_one_reading() {
        let length = |value| (CONTENT_LENGTH, value);
        let coding = |value| (TRANSFER_ENCODING, value);
        assert_eq!(check(&[]), Ok(vec![]));
        assert_eq!(check(&[length("5"), length("5")]), Ok(vec!["5".to_owned()]));
        assert_eq!(check(&[coding("Chunked")]), Ok(vec!["Chunked".to_owned()]));
        for bad in ["", "+5", "5, 5", "5 ", "0x5"] {
            assert_eq!(check(&[length(bad)]), Err(BadResponse::BadLength), "{bad:?}");
        }
        assert_eq!(check(&[length("5"), length("6")]), Err(BadResponse::BadLength));
        assert_eq!(check(&[length("5"), length("05")]), Err(BadResponse::BadLength));
        for bad in ["gzip", "gzip, chunked", "chunked, gzip", "identity", ""] {
            assert_eq!(check(&[coding(bad)]), Err(BadResponse::NotJustChunked), "{bad:?}");
        }
        for (first, second) in [("chunked", "gzip"), ("gzip", "chunked"), ("chunked", "chunked")] {
            let both = check(&[coding(first), coding(second)]);
            assert_eq!(both, Err(BadResponse::NotJustChunked), "{first}, {second}");
        }
        let both = check(&[length("5"), coding("chunked")]);
        assert_eq!(both, Err(BadResponse::LengthAndEncoding));
    }

    #[test]
    fn no_content_has_no_length() {
        let mut headers = HeaderMap::from_iter([(CONTENT_LENGTH, HeaderValue::from_static("5"))]);
        assert_eq!(check_response(StatusCode::NO_CONTENT, &mut headers), Ok(()));
        assert!(headers.is_empty());
    }
}
