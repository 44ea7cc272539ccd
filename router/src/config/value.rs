//! Readers of scalars: the types that Linkerd's keys have.
//!
//! The reader decides what a scalar is, not its spelling: `label: 8080` is the text `8080`.
//! Integers and booleans may be quoted, as in Linkerd (Jackson's coercion); a [`port`] may not.
//! Where Linkerd would cut a fraction off an integer (`2.5`), or take a port that is not a number
//! for some other number it has seen before, we refuse.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use dtab::{Dtab, Expected, Path, PathPattern, Source, Span, SyntaxError};
use regex::Regex;

use super::embedded;
use super::error::{Code, clip, closest};
use super::node::{Scalar, Value};
use super::offsets::OffsetMap;
use super::reader::Field;

fn scalar<'a>(field: &Field<'a>, wanted: &str) -> Option<&'a Scalar> {
    match &field.node.value {
        Value::Scalar(scalar) => Some(scalar),
        _ => field.wrong_type(wanted).none(),
    }
}

/// Digits as YAML 1.1 has them: a sign, and `_` between digits.
pub(crate) fn integer_text(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit())
        || !digits.bytes().all(|b| b.is_ascii_digit() || b == b'_')
    {
        return None;
    }
    text.replace('_', "").parse().ok()
}

/// Digits with an optional fraction and exponent; `.inf` and `.nan` are no numbers that a
/// configuration could mean.
fn number_text(text: &str) -> Option<f64> {
    let digit = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E' | '_');
    if !text.chars().all(digit) || text.starts_with('_') {
        return None;
    }
    text.replace('_', "").parse().ok().filter(|number: &f64| number.is_finite())
}

pub(crate) fn boolean_text(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// Any text.
pub(crate) fn text(field: &Field<'_>) -> Option<String> {
    scalar(field, "a text").map(|scalar| scalar.text.clone())
}

/// `true` or `false`.
pub(crate) fn boolean(field: &Field<'_>) -> Option<bool> {
    let wanted = "true or false";
    match boolean_text(&scalar(field, wanted)?.text) {
        Some(value) => {
            field.show(value);
            Some(value)
        }
        None => field.wrong_type(wanted).none(),
    }
}

/// The largest of Linkerd's integers.
pub(crate) const MAX: i64 = i32::MAX as i64;

/// An integer within `range`.
pub(crate) fn integer<T>(range: RangeInclusive<i64>) -> impl Fn(&Field<'_>) -> Option<T>
where
    T: TryFrom<i64>,
{
    move |field| {
        let Some(value) = integer_text(&scalar(field, "an integer")?.text) else {
            return field.wrong_type("an integer").none();
        };
        field.show(value);
        match T::try_from(value) {
            Ok(converted) if range.contains(&value) => Some(converted),
            _ => {
                let (least, most) = (*range.start(), *range.end());
                let wanted = if value < least && most == MAX {
                    format!("at least {least}")
                } else {
                    format!("from {least} to {most}")
                };
                let message = format!("{value} is out of range: it must be {wanted}");
                field.error(Code::Invalid, message).none()
            }
        }
    }
}

/// A number within `range`, with or without a fraction.
pub(crate) fn number(range: RangeInclusive<f64>) -> impl Fn(&Field<'_>) -> Option<f64> {
    move |field| {
        let Some(value) = number_text(&scalar(field, "a number")?.text) else {
            return field.wrong_type("a number").none();
        };
        field.show(value);
        if range.contains(&value) {
            return Some(value);
        }
        let (least, most) = (range.start(), range.end());
        let wanted = if most.is_infinite() {
            format!("at least {least}")
        } else {
            format!("from {least} to {most}")
        };
        field.error(Code::Invalid, format!("{value} is out of range: it must be {wanted}")).none()
    }
}

/// A positive integer. Limits are such: 0 would mean no limit to some and nothing at all to others.
pub(crate) fn count<T: TryFrom<i64>>(field: &Field<'_>) -> Option<T> {
    integer(1..=MAX)(field)
}

/// A time in milliseconds, at most some 24 days.
pub(crate) fn millis(field: &Field<'_>) -> Option<Duration> {
    integer(0..=MAX)(field).map(Duration::from_millis)
}

/// A limit of time in milliseconds.
pub(crate) fn limit_millis(field: &Field<'_>) -> Option<Duration> {
    count(field).map(Duration::from_millis)
}

/// A port from 0 to 65535; a quoted number is refused.
pub(crate) fn port(field: &Field<'_>) -> Option<u16> {
    let wanted = "a port, an integer from 0 to 65535";
    let scalar = scalar(field, wanted)?;
    let Some(value) = integer_text(&scalar.text) else {
        return field.wrong_type(wanted).none();
    };
    if !scalar.is_plain() {
        return field
            .wrong_type(wanted)
            .help(format!("write the port without quotes: {value}"))
            .none();
    }
    field.show(value);
    match u16::try_from(value) {
        Ok(port) => Some(port),
        Err(_) => {
            let reported =
                field.error(Code::Invalid, format!("{value} outside valid range for ports"));
            reported.help("a port is an integer from 0 to 65535; 0 takes any free one").none()
        }
    }
}

/// A literal IPv4 or IPv6 address.
pub(crate) fn ip(field: &Field<'_>) -> Option<IpAddr> {
    let text = &scalar(field, "an IP address")?.text;
    match text.parse() {
        Ok(ip) => Some(ip),
        Err(_) => {
            let reported =
                field.error(Code::Invalid, format!("`{}` is not an IP address", clip(text)));
            reported
                .help("write the address in digits, like 127.0.0.1 or ::1; names are not looked up")
                .none()
        }
    }
}

/// A directory that exists, relative to the working directory of the process.
pub(crate) fn directory(field: &Field<'_>) -> Option<PathBuf> {
    let text = &scalar(field, "a directory")?.text;
    let path = PathBuf::from(text);
    if path.is_dir() {
        return Some(path);
    }
    let reported = field.error(Code::Invalid, format!("{} is not a directory", clip(text)));
    if path.exists() {
        return reported.help("it is a file; give the directory that holds it").none();
    }
    if path.is_relative() {
        return reported
            .help("it is looked for in the directory in which the program is started")
            .none();
    }
    reported.help("it must exist when the program starts").none()
}

/// A file that exists, relative to the working directory of the process.
pub(crate) fn file(field: &Field<'_>) -> Option<PathBuf> {
    let text = &scalar(field, "a file")?.text;
    let path = PathBuf::from(text);
    if path.is_file() {
        return Some(path);
    }
    if path.is_dir() {
        let reported = field.error(Code::Invalid, format!("{} is not a file", clip(text)));
        return reported.help("it is a directory; give a file in it").none();
    }
    let reported = field.error(Code::Invalid, format!("there is no file {}", clip(text)));
    if path.is_relative() {
        return reported
            .help("it is looked for in the directory in which the program is started")
            .none();
    }
    reported.help("it must exist when the program starts").none()
}

/// A list of texts.
pub(crate) fn texts(field: &Field<'_>) -> Option<Vec<String>> {
    field.list("texts", text)
}

/// A regular expression that texts are matched with as a whole.
pub(crate) fn regex(field: &Field<'_>) -> Option<Regex> {
    let text = &scalar(field, "a regular expression")?.text;
    match Regex::new(&format!("^(?:{text})$")) {
        Ok(regex) => Some(regex),
        Err(error) => {
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
            let message = format!("`{}` is not a regular expression: {why}", clip(text));
            field.error(Code::Invalid, message).none()
        }
    }
}

/// One of some words.
pub(crate) fn word<T: Copy>(words: &[(&str, T)]) -> impl Fn(&Field<'_>) -> Option<T> {
    move |field| {
        let ids = || words.iter().map(|(word, _)| *word);
        let wanted = format!("one of {}", ids().collect::<Vec<_>>().join(", "));
        let text = &scalar(field, &wanted)?.text;
        if let Some((_, value)) = words.iter().find(|(word, _)| word == text) {
            return Some(*value);
        }
        let reported = field.error(Code::Invalid, format!("`{}` is not {wanted}", clip(text)));
        match closest(text, ids()) {
            Some(meant) => reported.help(format!("did you mean `{meant}`?")).none(),
            None => reported.none(),
        }
    }
}

/// A pattern that can be matched. Linkerd finds out at the first name that gets to the bad segment.
pub(crate) fn pattern(field: &Field<'_>) -> Option<PathPattern> {
    let pattern = PathPattern::new(&text(field)?);
    match pattern.broken() {
        Some(why) => field.error(Code::Invalid, format!("not a pattern: {why}")).none(),
        None => Some(pattern),
    }
}

/// The name of an HTTP header.
pub(crate) fn header_name(field: &Field<'_>) -> Option<String> {
    let text = &scalar(field, "the name of a header")?.text;
    if http::HeaderName::from_bytes(text.as_bytes()).is_ok() {
        return Some(text.clone());
    }
    field.error(Code::Invalid, format!("`{}` is not the name of an HTTP header", clip(text))).none()
}

/// The name of a header of HTTP/2, or of what HTTP/2 has in place of the request line.
pub(crate) fn h2_header_name(field: &Field<'_>) -> Option<String> {
    const PSEUDO: [&str; 4] = [":authority", ":method", ":path", ":scheme"];
    let text = scalar(field, "the name of a header")?.text.to_ascii_lowercase();
    if !text.starts_with(':') {
        return header_name(field).map(|name| name.to_ascii_lowercase());
    }
    if PSEUDO.contains(&text.as_str()) {
        return Some(text);
    }
    let message = format!("`{}` is not the name of an HTTP/2 header", clip(&text));
    field
        .error(Code::Invalid, message)
        .help(format!("of those with a colon there are {}", PSEUDO.join(", ")))
        .none()
}

/// A path like `/svc/web`.
pub(crate) fn path(field: &Field<'_>) -> Option<Path> {
    let scalar = scalar(field, "a path")?;
    let (path, found) = dtab::check_path(&Source::new("", scalar.text.as_str()));
    embedded::report(field, scalar, found);
    path
}

/// The prefix of a namer or transformer: a path whose first `/` may be left out.
pub(crate) fn prefix(field: &Field<'_>) -> Option<Path> {
    let scalar = scalar(field, "a path")?;
    if scalar.text.starts_with('/') {
        return path(field);
    }
    match Path::parse(&format!("/{}", scalar.text)) {
        Ok(path) => Some(path),
        Err(error) => {
            let message = format!("not a path: {}", expectation(&error));
            field
                .error(Code::Invalid, message)
                .help("a prefix is a name, or a path of several: `/a/b`")
                .none()
        }
    }
}

/// A dtab, whose dentries know their places in the file.
pub(crate) fn dtab(field: &Field<'_>) -> Option<Dtab> {
    let scalar = scalar(field, "a dtab in a text")?;
    let (dtab, found) = dtab::check_dtab(&Source::new("", scalar.text.as_str()));
    if !found.is_empty() {
        embedded::report(field, scalar, found);
        return None;
    }
    field.show(dtab.to_string());
    let source = field.cx.source();
    let offsets = OffsetMap::new(source.text(), &field.node.span, scalar);
    let placed = dtab.iter().cloned().map(|mut dentry| {
        let (start, end) = (dentry.span.start as usize, dentry.span.end as usize);
        dentry.span = Span::new(offsets.source_offset(start), offsets.source_offset(end));
        dentry.source = Some(source.clone());
        dentry
    });
    Some(placed.collect())
}

/// What the strict parser wanted and found; the text around it is shown beside.
pub(crate) fn expectation(error: &SyntaxError) -> String {
    let expected = match error.expected() {
        Expected::Char(wanted) => format!("expected `{wanted}`"),
        Expected::End => "expected nothing more".to_owned(),
        Expected::LabelChar => "expected the name of a segment".to_owned(),
        Expected::HexDigit => "expected a hexadecimal digit".to_owned(),
        Expected::NumberChar => "expected a digit".to_owned(),
        Expected::Number => "expected a number".to_owned(),
        Expected::Simple => "expected a path, `!`, `~`, `$` or `(`".to_owned(),
        Expected::LessNesting => format!("expected {}", error.expected()),
    };
    match error.found() {
        Some(found) => format!("{expected}, found `{}`", found.escape_debug()),
        None => format!("{expected}, but the text ends here"),
    }
}
