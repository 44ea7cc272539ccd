//! What a message says about its length.

use http::HeaderMap;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};

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
