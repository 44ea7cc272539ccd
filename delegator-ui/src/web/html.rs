//! Texts in HTML. Everything on a page that is not written in this program goes through here.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

pub(super) use router::html::escape;

use crate::view::clean;

/// How the state of an answer is marked, and in which word.
pub(super) fn state(name: &str) -> (&'static str, &str) {
    match name {
        "bound" => ("ok", "bound"),
        "neg" => ("bad", "negative"),
        "fail" => ("bad", "refused"),
        "empty" => ("warn", "nobody"),
        "pending" => ("pending", "not known yet"),
        "failed" => ("bad", "failed"),
        other => ("idle", other),
    }
}

/// Says what is wrong with a question.
pub(super) fn cannot_be_asked(wrong: &str) -> String {
    let wrong = wrong.trim();
    // A mistake in a dtab is drawn below its line: the columns matter.
    let body = if wrong.contains('\n') {
        format!("<pre class=\"code\">{}</pre>", escape(wrong))
    } else {
        format!("<p>{}</p>", visible(wrong))
    };
    format!(
        "<div class=\"notice\" data-status=\"bad\" role=\"alert\"><div>\
         <strong>This cannot be asked</strong>{body}</div></div>"
    )
}

/// A text that may come from outside, in HTML and with control characters made visible.
pub(super) fn visible(text: &str) -> String {
    escape(&clean(text))
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
