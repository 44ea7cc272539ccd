//! `l5d-explanation`: how the name of a request resolves, for the caller who asked by
//! `l5d-explain: 1`.

use http::{HeaderMap, HeaderValue};

use super::{EXPLAIN, EXPLANATION};

/// The most bytes of an explanation.
const LIMIT: usize = 4096;

/// Takes the question out of the headers of a request, so that nobody further on answers it, too.
/// Whether it was asked.
pub fn take(headers: &mut HeaderMap) -> bool {
    headers.remove(EXPLAIN).is_some_and(|value| value == "1")
}

/// Writes the answer: one line of ASCII, other characters escaped, cut at 4 KiB.
pub fn write(headers: &mut HeaderMap, explanation: &str) {
    let mut line = String::new();
    for c in explanation.chars() {
        let start = line.len();
        if matches!(c, ' '..='~') {
            line.push(c);
        } else {
            line.extend(c.escape_default());
        }
        if line.len() > LIMIT {
            line.truncate(start);
            break;
        }
    }
    if let Ok(value) = HeaderValue::try_from(line) {
        headers.insert(EXPLANATION, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(explanation: &str) -> String {
        let mut headers = HeaderMap::new();
        write(&mut headers, explanation);
        headers[EXPLANATION].to_str().expect("it is ASCII").to_owned()
    }

    #[test]
    fn an_explanation_is_one_short_line_of_ascii() {
        assert_eq!(written("/svc/web: bound"), "/svc/web: bound");
        assert_eq!(written("a\r\nb: c\u{7f}é"), "a\\r\\nb: c\\u{7f}\\u{e9}");
        let cut = written(&"é".repeat(LIMIT));
        assert!(cut.len() <= LIMIT && cut.len() > LIMIT - 6 && cut.ends_with("\\u{e9}"), "{cut}");
    }

    #[test]
    fn the_question_is_taken_whatever_it_says() {
        for (value, asked) in [("1", true), ("0", false), ("", false)] {
            let mut headers = HeaderMap::new();
            headers.insert(EXPLAIN, HeaderValue::from_static(value));
            assert_eq!(take(&mut headers), asked, "{value}");
            assert!(headers.is_empty());
        }
    }
}
