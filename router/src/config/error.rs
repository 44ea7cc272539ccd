//! What is wrong with a configuration, where, and what to write instead.
//!
//! Reading a configuration reports every error it can find in one run, as [`ConfigErrors`]. Each
//! has a place, the key path and, where there is one, a repair. They are shown in two forms:
//! [`ConfigErrors::render`] draws the line with a caret, `Display` gives one `file:line:column:
//! key: message` line each.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use dtab::{Diagnostic, Position, Source};

/// More errors than this are counted, not kept.
pub(crate) const MAX_ERRORS: usize = 100;

/// Longer lines are not drawn: nobody reads them, and a file of one line would be drawn once per
/// error.
const MAX_SHOWN_LINE: usize = 2048;

/// The rule that was broken; a stable name for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// The file cannot be read, is not a file, or is larger than the limit.
    Unreadable,
    /// Not YAML, or not JSON when the text begins with `{`.
    Syntax,
    /// YAML that is understood but refused: aliases, anchors, tags, several documents, too deep.
    UnsupportedYaml,
    /// A key is given twice.
    DuplicateKey,
    /// A key that Linkerd does not know.
    UnknownKey,
    /// A `kind` or `protocol` that Linkerd does not know.
    UnknownKind,
    /// A required key is absent.
    Missing,
    /// A list where a text is wanted, a text where an integer is wanted, and so on.
    WrongType,
    /// Of the right type, but outside what is allowed.
    Invalid,
    /// A key or kind of Linkerd's whose feature this version does not have.
    NotBuilt,
    /// An experimental kind without `experimental: true`.
    Experimental,
    /// Two parts that cannot be used together.
    Conflict,
    /// A mistake in a dtab or path, by its name in the language.
    Dtab(dtab::Code),
}

impl Code {
    /// The name in reports, like `unknown-key`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Syntax => "syntax",
            Self::UnsupportedYaml => "unsupported-yaml",
            Self::DuplicateKey => "duplicate-key",
            Self::UnknownKey => "unknown-key",
            Self::UnknownKind => "unknown-kind",
            Self::Missing => "missing",
            Self::WrongType => "wrong-type",
            Self::Invalid => "invalid",
            Self::NotBuilt => "not-built",
            Self::Experimental => "experimental",
            Self::Conflict => "conflict",
            Self::Dtab(code) => code.name(),
        }
    }
}

/// Another place that an error is about, such as the first of two equal labels.
#[derive(Debug, Clone)]
pub struct Related {
    /// Byte range in the source.
    pub span: Range<usize>,
    /// Line and column of its start.
    pub position: Position,
    /// What is there.
    pub label: String,
}

/// One thing that is wrong.
#[derive(Debug, Clone)]
pub struct ConfigError {
    /// The rule that was broken.
    pub code: Code,
    /// File name, or `<stdin>`.
    pub file: String,
    /// Byte range in the source; empty and at 0 when the file could not be read.
    pub span: Range<usize>,
    /// Line and column of the range's start; `None` when the file could not be read.
    pub position: Option<Position>,
    /// Key path like `routers[0].servers[1].port`; empty for the document itself.
    pub key: String,
    /// What is wrong, in one line.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// The other place, where two are in conflict.
    pub related: Option<Related>,
    /// The finding as the language has it, for a mistake in a dtab or path: the same words, with
    /// its labels and its fix, all placed in the file.
    pub finding: Option<Diagnostic>,
}

/// `file:line:column: key: message`
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(position) = self.position {
            write!(f, ":{position}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for ConfigError {}

/// Every error of one configuration, in the order of their places.
#[derive(Debug)]
pub struct ConfigErrors {
    source: Arc<Source>,
    errors: Vec<ConfigError>,
    omitted: usize,
}

impl ConfigErrors {
    pub(crate) fn new(source: Arc<Source>, mut errors: Vec<ConfigError>, omitted: usize) -> Self {
        errors.sort_by_key(|error| error.span.start);
        Self { source, errors, omitted }
    }

    /// A file that cannot be read at all.
    pub(crate) fn unreadable(file: &str, message: String, help: Option<&str>) -> Self {
        let error = ConfigError {
            code: Code::Unreadable,
            file: file.to_owned(),
            span: 0..0,
            position: None,
            key: String::new(),
            message,
            help: help.map(str::to_owned),
            related: None,
            finding: None,
        };
        Self { source: Source::new(file, ""), errors: vec![error], omitted: 0 }
    }

    /// The errors, in the order of their places; at most 100.
    pub fn iter(&self) -> std::slice::Iter<'_, ConfigError> {
        self.errors.iter()
    }

    /// How many there are in all, with those that were not kept.
    pub fn count(&self) -> usize {
        self.errors.len() + self.omitted
    }

    /// The text that the byte ranges point into.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Draws each error with its line and a caret, and how many there are; with `colour`, for a
    /// terminal.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut out = String::new();
        for error in &self.errors {
            match &error.finding {
                Some(finding) => out.push_str(&self.draw(finding, &error.key, colour)),
                None => {
                    out.push_str(&renderer.render(&[self.group(error)]));
                    out.push('\n');
                }
            }
            out.push('\n');
        }
        if self.omitted > 0 {
            out.push_str(&format!("and {} more errors that are not shown\n\n", self.omitted));
        }
        out.push_str(&match self.count() {
            1 => "1 error".to_owned(),
            count => format!("{count} errors"),
        });
        out.push('\n');
        out
    }

    /// A mistake in a dtab, drawn as in a file of its own.
    fn draw(&self, finding: &Diagnostic, key: &str, colour: bool) -> String {
        let message = format!("{key}: {}", finding.message);
        dtab::render(&[Diagnostic { message, ..finding.clone() }], &self.source, colour)
    }

    fn group<'a>(&'a self, error: &'a ConfigError) -> Group<'a> {
        let title = if error.key.is_empty() || error.position.is_none() {
            error.message.clone()
        } else {
            format!("{}: {}", error.key, error.message)
        };
        let mut group = Group::with_title(Level::ERROR.primary_title(title));
        match error.position {
            // A file that cannot be read is named by the message itself.
            None if error.message.contains(&error.file) => {}
            None => {
                group = group.element(Level::NOTE.message(format!("while reading {}", error.file)));
            }
            Some(position) => {
                let line = line_range(self.source.text(), error.span.start);
                let related = error.related.as_ref();
                if line.len() > MAX_SHOWN_LINE {
                    group =
                        group.element(Level::NOTE.message(format!("at {}:{position}", error.file)));
                } else {
                    let same_line = related.filter(|related| line.contains(&related.span.start));
                    group = group.element(self.snippet(error, same_line));
                    if same_line.is_none()
                        && let Some(related) = related
                    {
                        group = group.element(self.related_snippet(error, related));
                    }
                }
            }
        }
        match &error.help {
            Some(help) => group.element(Level::HELP.message(help.as_str())),
            None => group,
        }
    }

    fn snippet<'a>(
        &'a self,
        error: &'a ConfigError,
        same_line: Option<&'a Related>,
    ) -> Snippet<'a, Annotation<'a>> {
        let line = line_range(self.source.text(), error.span.start);
        let mut snippet = self.line_snippet(&error.file, &line);
        snippet = snippet.annotation(AnnotationKind::Primary.span(within(&error.span, &line)));
        if let Some(related) = same_line {
            snippet = snippet.annotation(
                AnnotationKind::Context
                    .span(within(&related.span, &line))
                    .label(related.label.as_str()),
            );
        }
        snippet
    }

    fn related_snippet<'a>(
        &'a self,
        error: &'a ConfigError,
        related: &'a Related,
    ) -> Snippet<'a, Annotation<'a>> {
        let line = line_range(self.source.text(), related.span.start);
        self.line_snippet(&error.file, &line).annotation(
            AnnotationKind::Context
                .span(within(&related.span, &line))
                .label(related.label.as_str()),
        )
    }

    fn line_snippet<'a>(
        &'a self,
        file: &'a str,
        line: &Range<usize>,
    ) -> Snippet<'a, Annotation<'a>> {
        let text = self.source.text().get(line.clone()).unwrap_or_default();
        Snippet::source(text).line_start(self.source.position(line.start).line as usize).path(file)
    }
}

/// The byte range of the line that holds `offset`, without its line break.
fn line_range(text: &str, offset: usize) -> Range<usize> {
    let offset = offset.min(text.len());
    let (before, after) = text.as_bytes().split_at(offset);
    let start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
    let end = memchr::memchr(b'\n', after).map_or(text.len(), |newline| offset + newline);
    let end =
        if text.get(start..end).is_some_and(|line| line.ends_with('\r')) { end - 1 } else { end };
    start..end
}

/// The part of `span` that lies in `line`, relative to the line.
fn within(span: &Range<usize>, line: &Range<usize>) -> Range<usize> {
    let start = span.start.clamp(line.start, line.end) - line.start;
    let end = span.end.clamp(line.start, line.end) - line.start;
    start..end.max(start)
}

/// One line per error.
impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        if self.omitted > 0 {
            write!(f, "\nand {} more errors", self.omitted)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl<'a> IntoIterator for &'a ConfigErrors {
    type Item = &'a ConfigError;
    type IntoIter = std::slice::Iter<'a, ConfigError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Text from the file as a message may quote it: on one line, not longer than a person wants to
/// read.
pub(crate) fn clip(text: &str) -> String {
    const LIMIT: usize = 60;
    let mut clipped: String = text.chars().take(LIMIT).flat_map(char::escape_debug).collect();
    if text.chars().nth(LIMIT).is_some() {
        clipped.push('…');
    }
    clipped
}

/// The candidate that someone who wrote `written` most likely meant.
pub(crate) fn closest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if written.len() > 64 {
        return None;
    }
    let written = written.to_ascii_lowercase();
    let allowed = (written.chars().count() / 3).max(1);
    let distance = |candidate: &str| {
        let candidate = candidate.to_ascii_lowercase();
        // `prometheus` for `io.l5d.prometheus`, or the other way round.
        let ends_with = |long: &str, short: &str| {
            long.strip_suffix(short).is_some_and(|rest| rest.ends_with('.'))
        };
        if !written.is_empty()
            && (ends_with(&candidate, &written) || ends_with(&written, &candidate))
        {
            return 0;
        }
        strsim::damerau_levenshtein(&written, &candidate)
    };
    candidates
        .into_iter()
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised_and_a_different_word_is_not() {
        let keys = ["port", "ip", "label", "maxCallDepth"];
        assert_eq!(closest("prot", keys), Some("port"));
        assert_eq!(closest("maxcalldepth", keys), Some("maxCallDepth"));
        assert_eq!(closest("timeout", keys), None);
        assert_eq!(
            closest("prometheus", ["io.l5d.statsd", "io.l5d.prometheus"]),
            Some("io.l5d.prometheus")
        );
        assert_eq!(closest("io.l5d.default", ["default"]), Some("default"));
        assert_eq!(closest(&"x".repeat(10_000), keys), None);
    }

    #[test]
    fn a_line_is_shown_without_its_break() {
        assert_eq!(line_range("ab\r\ncd", 1), 0..2);
        assert_eq!(line_range("ab\r\ncd", 6), 4..6);
        assert_eq!(line_range("", 0), 0..0);
    }

    #[test]
    fn quoted_text_stays_on_one_line_and_short() {
        assert_eq!(clip("a\nb"), "a\\nb");
        assert_eq!(clip(&"x".repeat(100)).chars().count(), 61);
    }
}
