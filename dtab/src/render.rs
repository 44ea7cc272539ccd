//! Findings as text for people, in the manner of rustc.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Severity};
use crate::span::{Source, Span};

/// Draws findings about `source`, each with the lines it is about, a blank line between two.
/// With `color`, ANSI escapes colour it. The result ends in a new line unless it is empty.
pub fn render(diagnostics: &[Diagnostic], source: &Source, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let mut text = String::new();
    for diagnostic in diagnostics {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&renderer.render(&[group(diagnostic, source)]));
        text.push('\n');
    }
    text
}

fn group<'a>(diagnostic: &'a Diagnostic, source: &'a Source) -> Group<'a> {
    let Diagnostic { code, severity, message, labels, help, fix } = diagnostic;
    let level = match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let window = Window::around(source, labels.iter().map(|label| label.span));
    let annotations = labels.iter().enumerate().map(|(at, label)| {
        let kind = if at == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        kind.span(window.range(label.span)).label(label.text.as_str())
    });
    let mut snippet = Snippet::source(window.text).line_start(window.line).annotations(annotations);
    let mut group = Group::with_title(level.primary_title(message.as_str()).id(code.name()));
    if window.whole {
        snippet = snippet.path(source.name());
    } else {
        let position = diagnostic.position(source);
        let origin = Origin::path(source.name()).line(position.line as usize);
        group = group.element(origin.char_column(position.column as usize));
    }
    group = group.element(snippet);
    if let Some(help) = help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    if let Some(fix) = fix {
        let window = Window::around(source, [fix.span]);
        // A line that is cut off cannot be shown as it should be; the help has said how.
        if window.whole && window.text.len() <= REACH {
            let patch = Patch::new(window.range(fix.span), fix.replacement.as_str());
            let snippet = Snippet::source(window.text).line_start(window.line);
            group = group.element(snippet.path(source.name()).patch(patch));
        }
    }
    group
}

/// The lines of a source that a finding is about. The renderer looks at the whole text it is
/// given, so a finding in a long file brings only these.
struct Window<'a> {
    text: &'a str,
    start: usize,
    line: usize,
    /// Whether these are whole lines. The renderer counts columns of others from the wrong place.
    whole: bool,
}

/// How far around a finding text is shown. Keeps a file of one endless line from being repeated
/// for every finding.
const REACH: usize = 400;

impl<'a> Window<'a> {
    fn around(source: &'a Source, spans: impl IntoIterator<Item = Span>) -> Self {
        let text = source.text();
        let (mut first, mut last) = (text.len(), 0);
        for span in spans {
            first = first.min(span.start as usize);
            last = last.max(span.end as usize).min(text.len());
        }
        first = first.min(last);
        let reach = text.floor_char_boundary(first.saturating_sub(REACH));
        let start = memchr::memrchr(b'\n', &text.as_bytes()[reach..first])
            .map_or(reach, |newline| reach + newline + 1);
        let reach = text.ceil_char_boundary(last.saturating_add(REACH).min(text.len()));
        let end = memchr::memchr(b'\n', &text.as_bytes()[last..reach])
            .map_or(reach, |newline| last + newline);
        let begins = start == 0 || text.as_bytes().get(start - 1) == Some(&b'\n');
        let ends = text.as_bytes().get(end).is_none_or(|&byte| byte == b'\n');
        let line = source.position(start).line as usize;
        Window { text: &text[start..end], start, line, whole: begins && ends }
    }

    fn range(&self, span: Span) -> std::ops::Range<usize> {
        let inside = |offset: u32| {
            self.text.floor_char_boundary((offset as usize).saturating_sub(self.start))
        };
        let (start, end) = (inside(span.start), inside(span.end));
        start..end.max(start)
    }
}
