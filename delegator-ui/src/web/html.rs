//! Texts in HTML. Everything on a page that is not written in this program goes through here.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::view::clean;

/// A text for HTML, in an element or a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A sentence that may come from outside, with control characters made visible, and what stands in
/// backquotes as code.
pub(super) fn quoted(words: &str) -> String {
    let words = escape(&clean(words));
    let mut rest = words.as_str();
    let mut html = String::with_capacity(words.len());
    while let Some((before, (code, after))) = rest.split_once('`').and_then(|(before, rest)| {
        Some((before, rest.split_once('`').filter(|it| !it.0.is_empty())?))
    }) {
        html.push_str(before);
        html.push_str("<code>");
        html.push_str(code);
        html.push_str("</code>");
        rest = after;
    }
    html + rest
}

/// The value of an `href` with a query; a parameter without a value is left out.
pub(super) fn href(path: &str, query: &[(&str, &str)]) -> String {
    const KEPT: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'/').remove(b'~');
    let given = query.iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<_> =
        given.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, KEPT))).collect();
    let mark = if pairs.is_empty() { "" } else { "?" };
    escape(&format!("{path}{mark}{}", pairs.join("&")))
}

/// What is written for each of some items, one behind the other.
pub(super) fn each<T>(
    items: impl IntoIterator<Item = T>,
    mut one: impl FnMut(T) -> String,
) -> String {
    let mut all = String::new();
    for item in items {
        all.push_str(&one(item));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        assert_eq!(
            escape("<b a=\"1\" c='2'>&amp;"),
            "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;"
        );
    }

    #[test]
    fn what_is_quoted_is_code() {
        assert_eq!(quoted("write `=>` for `=`"), "write <code>=&gt;</code> for <code>=</code>");
        assert_eq!(quoted("`<b>` and one ` alone"), "<code>&lt;b&gt;</code> and one ` alone");
        assert_eq!(quoted("``"), "``");
    }

    #[test]
    fn queries_hold_any_text() {
        assert_eq!(
            href("/delegator", &[("router", "a&b"), ("path", "/#/x y"), ("dtab", "")]),
            "/delegator?router=a%26b&amp;path=/%23/x%20y"
        );
        assert_eq!(href("/", &[]), "/");
    }
}
