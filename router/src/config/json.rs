//! JSON through the YAML parser.
//!
//! A configuration whose first character is `{` is JSON, and Linkerd reads it with a JSON parser.
//! We read it with the same parser as YAML, so that there is one node tree with one kind of place.
//! JSON is almost a subset of YAML; what is missing is supplied here:
//! - [`check`] refuses what YAML allows and JSON does not (bare words, comments, trailing commas);
//! - [`mask`] hides from the YAML parser what JSON allows and YAML does not (tabs between tokens,
//!   `\ud83d\ude00`);
//! - [`unquote`] decodes the strings of the original text.

use serde::de::IgnoredAny;

/// Strict JSON or an error with its byte offset.
pub(super) fn check(text: &str) -> Result<(), (usize, String)> {
    let error = match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    // serde_json counts columns in bytes, from 1, and names the last byte it read.
    let line_start = match error.line() {
        0 | 1 => 0,
        line => memchr::memchr_iter(b'\n', text.as_bytes())
            .nth(line - 2)
            .map_or(0, |newline| newline + 1),
    };
    let offset = (line_start + error.column().saturating_sub(1)).min(text.len());
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
    Err((offset, message))
}

/// The same text with the same offsets, in which strings hold only `x` and blanks are spaces.
///
/// `text` must have passed [`check`].
pub(super) fn mask(text: &str) -> String {
    let mut in_string = false;
    let mut escaped = false;
    text.bytes()
        .map(|byte| {
            if !in_string {
                in_string = byte == b'"';
                return if matches!(byte, b'\t' | b'\r') { ' ' } else { char::from(byte) };
            }
            if !escaped && byte == b'"' {
                in_string = false;
                return '"';
            }
            escaped = !escaped && byte == b'\\';
            'x'
        })
        .collect()
}

/// The value of a string with its quotes.
pub(super) fn unquote(quoted: &str) -> Option<String> {
    serde_json::from_str(quoted).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_yaml_allows_is_refused_at_its_place() {
        assert_eq!(check("{\"a\": [1, true, null, \"x\"]}"), Ok(()));
        assert_eq!(check("{\n a: 1}").map_err(|(offset, _)| offset), Err(3));
        assert!(check("{\"a\": 1,}").is_err());
        assert!(check("{\"a\": 1} # comment").is_err());
        assert!(check("{").is_err());
    }

    #[test]
    fn masking_keeps_every_offset() {
        let text = "{\t\"é\\\"\\ud83d\\ude00\":\r\n 1}";
        let masked = mask(text);
        assert_eq!(masked.len(), text.len());
        assert_eq!(masked, "{ \"xxxxxxxxxxxxxxxx\": \n 1}");
        assert_eq!(unquote("\"\\ud83d\\ude00\"").as_deref(), Some("😀"));
    }
}
