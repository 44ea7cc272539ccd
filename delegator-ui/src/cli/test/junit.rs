//! The results as JUnit XML, in the form that build servers read: a suite for each file.

use std::fmt::Write;

use super::suite::{Ran, Suite};
use super::text::command;
use crate::view::text;

pub(super) fn report(suites: &[Suite]) -> String {
    let sum = |number: fn(&Suite) -> usize| suites.iter().map(number).sum::<usize>();
    let (tests, failures) = (sum(|suite| suite.ran.len()), sum(|suite| suite.counts().1));
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ =
        writeln!(out, "<testsuites name=\"fingerpost\" tests=\"{tests}\" failures=\"{failures}\">");
    for suite in suites {
        let (name, (_, failures)) = (escaped(&suite.file), suite.counts());
        let tests = suite.ran.len();
        let _ = writeln!(
            out,
            "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\">",
        );
        for ran in &suite.ran {
            case(suite, ran, &mut out);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn case(suite: &Suite, ran: &Ran, out: &mut String) {
    let (file, title) = (escaped(&suite.file), escaped(&ran.case.title));
    let _ = write!(
        out,
        "    <testcase classname=\"{file}\" name=\"{title}\" file=\"{file}\" line=\"{}\"",
        ran.line
    );
    if ran.passed() {
        out.push_str("/>\n");
        return;
    }
    let told = ran
        .mismatches
        .iter()
        .map(|it| format!("{}: expected {}, got {}", it.what, it.expected, it.got));
    let told = told.collect::<Vec<_>>().join("\n");
    let _ = write!(out, ">\n      <failure message=\"{}\">", escaped(&told));
    let mut body = told;
    if let Some(resolved) = &ran.resolved {
        let _ = write!(body, "\n\n{}", anstream::adapter::strip_str(&text(&resolved.view)));
    }
    if let Some(line) = command(suite, ran) {
        let _ = write!(body, "\n{line}\n");
    }
    out.push_str(&content(&body));
    out.push_str("</failure>\n    </testcase>\n");
}

/// A text as it may stand in an attribute in double quotes: its line breaks would be read as blanks, so
/// they are references, too.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in content(text).chars() {
        match c {
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            c => out.push(c),
        }
    }
    out
}

/// A text as it may stand between tags: with references for what XML gives a meaning to, and U+FFFD for
/// characters that XML 1.0 cannot hold.
fn content(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            '\n' | '\t' => out.push(c),
            '\0'..'\u{20}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_an_attribute_or_opens_a_tag() {
        assert_eq!(escaped("a<b> & \"c\" 'd'"), "a&lt;b&gt; &amp; &quot;c&quot; 'd'");
        assert_eq!(escaped("]]>\n\t\r"), "]]&gt;&#10;&#9;&#13;");
        assert_eq!(content("]]>\n\t\"'"), "]]&gt;\n\t\"'");
        assert_eq!(
            escaped("\0\x1b[2J\u{ffff} é \u{1f980}"),
            "\u{fffd}\u{fffd}[2J\u{fffd} é \u{1f980}"
        );
    }
}
