//! What is wrong with a text, where, and what to write instead.

use crate::span::{Position, Source, Span};

mod code;
#[cfg(feature = "serde")]
mod json;

pub use code::Code;
#[cfg(feature = "serde")]
pub use json::{sarif, to_json};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The text means nothing until this is mended.
    Error,
    /// The text means something, though perhaps not what was wanted.
    Warning,
}

impl Severity {
    /// `error` or `warning`, as JSON, SARIF and the one-line form have it.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// A place in the text and what is to be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The bytes it points at. An empty span is the spot before its offset.
    pub span: Span,
    /// The words beside it.
    pub text: String,
}

/// A change of the text that mends what is wrong and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// The bytes to take out; empty where something is only put in.
    pub span: Span,
    /// What to put in their place.
    pub replacement: String,
}

/// One finding about a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of finding it is.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// Where. The first is the place of the finding; others show what belongs to it.
    pub labels: Vec<Label>,
    /// What to do about it.
    pub help: Option<String>,
    /// The change that does it, where there is just one.
    pub fix: Option<Fix>,
}

impl Diagnostic {
    /// An error at one place, without help.
    pub fn error(
        code: Code,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        Diagnostic {
            code,
            severity: Severity::Error,
            message: message.into(),
            labels: vec![Label { span, text: label.into() }],
            help: None,
            fix: None,
        }
    }

    /// The same, with words on what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same, with the change that mends it.
    #[must_use]
    pub fn fix(mut self, span: Span, replacement: impl Into<String>) -> Self {
        self.fix = Some(Fix { span, replacement: replacement.into() });
        self
    }

    /// The same, with one more place.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// The place of the finding; `0..0` if it has none.
    pub fn span(&self) -> Span {
        self.labels.first().map(|label| label.span).unwrap_or_default()
    }

    /// Line and column of the place of the finding.
    pub fn position(&self, source: &Source) -> Position {
        source.position(self.span().start as usize)
    }

    /// The finding on one line, for editors and `grep`:
    /// `FILE:LINE:COLUMN: error[CODE]: MESSAGE`.
    pub fn one_line(&self, source: &Source) -> String {
        let Diagnostic { code, severity, message, .. } = self;
        let (name, position) = (source.name(), self.position(source));
        format!("{name}:{position}: {}[{code}]: {message}", severity.name())
    }
}
