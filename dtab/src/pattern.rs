//! Linkerd's path patterns: `/#/io.l5d.fs/{service}`, used by `io.l5d.rewrite` and by the prefixes
//! of per-service and per-client settings.
//!
//! A pattern need only match the front of a path. Its segments are
//! - a literal, equal to the element as it is shown;
//! - `*`, any one element (at the end of the path an error rather than a mismatch, as in Linkerd);
//! - text with captures: each `{name}` takes as much as it can, `.` is literal, and all else keeps
//!   its meaning as a regular expression, found anywhere in the element.
//!
//! Names of captures are of letters, digits and `:` to `_` in ASCII order, so `-` is not one of
//! their characters. A name with a dot is an error, as it is in Linkerd.

use regex::Regex;

use crate::name::{Failure, FailureKind};
use crate::path::{self, Path};
use std::fmt;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct PathPattern {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug)]
enum Segment {
    Any,
    Literal(String),
    Captures {
        regex: Regex,
        names: Vec<String>,
    },
    /// Cannot be matched against anything.
    Broken(String),
}

/// The captures of a match, in the order of the pattern; of equal names the last one counts.
pub type Captures = Vec<(String, String)>;

impl PathPattern {
    /// Compiles a pattern. Leading slashes are optional; empty segments at the end do not count.
    ///
    /// Whatever is wrong with a segment is told by [`PathPattern::broken`].
    pub fn new(text: &str) -> Self {
        let segments = match text.trim_matches('/') {
            "" => Vec::new(),
            segments => segments.split('/').map(segment).collect(),
        };
        PathPattern { text: text.to_owned(), segments }
    }

    /// What is wrong with the pattern, if something is.
    pub fn broken(&self) -> Option<&str> {
        self.segments.iter().find_map(|segment| match segment {
            Segment::Broken(why) => Some(why.as_str()),
            _ => None,
        })
    }

    /// The captures if the pattern matches the front of `path`, `None` if it does not; a failure
    /// for a pattern that is [`broken`](PathPattern::broken), whatever the path.
    pub fn extract(&self, path: &Path) -> Result<Option<Captures>, Failure> {
        if let Some(why) = self.broken() {
            return Err(bad(why.to_owned()));
        }
        let mut found = Captures::new();
        let mut elements = path.iter();
        for segment in &self.segments {
            let Some(element) = elements.next() else {
                return match segment {
                    Segment::Any => Err(bad(format!(
                        "pattern {self} wants one more element for `*` than {path} has"
                    ))),
                    _ => Ok(None),
                };
            };
            let element = Shown(element).to_string();
            match segment {
                Segment::Any => {}
                Segment::Literal(literal) if *literal == element => {}
                Segment::Literal(_) => return Ok(None),
                Segment::Captures { regex, names } => {
                    let Some(captures) = regex.captures(&element) else { return Ok(None) };
                    for (at, name) in names.iter().enumerate() {
                        let value = captures.get(at + 1).map_or("", |group| group.as_str());
                        found.retain(|(known, _)| known != name);
                        found.push((name.clone(), value.to_owned()));
                    }
                }
                Segment::Broken(why) => return Err(bad(why.clone())),
            }
        }
        Ok(Some(found))
    }

    /// `template` with its `{names}` replaced, read as a path; `None` if `path` does not match.
    /// The rest of `path` behind the pattern is dropped.
    pub fn rewrite(&self, path: &Path, template: &str) -> Result<Option<Path>, Failure> {
        let Some(captures) = self.extract(path)? else { return Ok(None) };
        let rewritten = substitute(template, &captures);
        Path::parse(&rewritten).map(Some).map_err(|error| bad(error.to_string()))
    }
}

/// `template` with each `{name}` of `captures` replaced by its value. Other text stays.
pub fn substitute(template: &str, captures: &Captures) -> String {
    captures.iter().fold(template.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value)
    })
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn bad(message: String) -> Failure {
    Failure::new(FailureKind::BadName, message)
}

struct Shown<'a>(&'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        path::show_segment(self.0, f)
    }
}

fn segment(text: &str) -> Segment {
    if text == "*" {
        return Segment::Any;
    }
    let mut names = Vec::new();
    let mut regex = String::new();
    let mut rest = text;
    while let Some((before, name, after)) = next_capture(rest) {
        if name.contains('.') {
            return Segment::Broken(format!("`{{{name}}}`: the name of a capture has no dots"));
        }
        regex.push_str(&before.replace('.', "\\."));
        regex.push_str("(.*)");
        names.push(name.to_owned());
        rest = after;
    }
    if names.is_empty() {
        return Segment::Literal(text.to_owned());
    }
    regex.push_str(&rest.replace('.', "\\."));
    match Regex::new(&regex) {
        Ok(regex) => Segment::Captures { regex, names },
        Err(error) => Segment::Broken(format!("pattern segment `{text}`: {error}")),
    }
}

/// The first `{name}` of `text`, with what stands before and after it.
fn next_capture(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(open) = text[from..].find('{').map(|at| from + at) {
        let name = &text[open + 1..];
        let length = name
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || (':'..='_').contains(&c)))
            .unwrap_or(name.len());
        if length > 0 && name[length..].starts_with('}') {
            return Some((&text[..open], &name[..length], &name[length + 1..]));
        }
        from = open + 1;
    }
    None
}
