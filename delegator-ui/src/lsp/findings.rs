//! What is to be said of a text, and the changes that mend it.

use std::sync::Arc;

use dtab::lint::Known;
use dtab::{Diagnostic, Fix, Label, Severity, Source, Span, check_dtab};
use lsp_types::{
    DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString,
    PublishDiagnosticsParams,
};
use router::config::{self, ConfigError};

use super::document::{Document, Kind};
use super::table::{mark, shifted};
use crate::lint;

/// What diagnostics say they come from.
const SOURCE: &str = "fingerpost";

/// How often mistakes are mended and looked for again: mending one may show another.
const ROUNDS: usize = 16;

/// A finding of either language, placed in the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// The name of the rule.
    pub(super) code: &'static str,
    /// How bad it is.
    pub(super) severity: Severity,
    /// What is wrong, and what to do about it.
    pub(super) message: String,
    /// Where.
    pub(super) span: Span,
    /// Other places that belong to it.
    pub(super) related: Vec<Label>,
    /// The change that does what is to be done.
    pub(super) fix: Option<Fix>,
}

/// All that is to be said of a text.
pub(super) fn findings(kind: Kind, source: &Arc<Source>) -> Vec<Finding> {
    match kind {
        Kind::Dtab => {
            let (dtab, found) = check_dtab(source);
            let found = if found.is_empty() {
                lint::of_dtab(&dtab, source, &Known::default())
            } else {
                found
            };
            found.into_iter().map(Finding::from).collect()
        }
        Kind::Config => match config::parse(source.name(), source.text()) {
            Ok(config) => {
                let mark = mark(source.text());
                let found = lint::of_config(&config).into_iter();
                found.map(|finding| Finding::from(finding).shifted(mark)).collect()
            }
            Err(errors) => {
                let mark = mark(source.text());
                errors.iter().map(|error| Finding::from(error).shifted(mark)).collect()
            }
        },
        Kind::Other => Vec::new(),
    }
}

impl From<Diagnostic> for Finding {
    fn from(found: Diagnostic) -> Self {
        let span = found.span();
        let Diagnostic { code, severity, message, mut labels, help, fix } = found;
        let first = if labels.is_empty() { String::new() } else { labels.remove(0).text };
        let lines = [Some(message), Some(first).filter(|label| !label.is_empty()), help];
        let message = lines.into_iter().flatten().collect::<Vec<_>>().join("\n");
        Finding { code: code.name(), severity, message, span, related: labels, fix }
    }
}

impl From<&ConfigError> for Finding {
    fn from(error: &ConfigError) -> Self {
        let keyed = |message: &str| match error.key.as_str() {
            "" => message.to_owned(),
            key => format!("{key}: {message}"),
        };
        if let Some(finding) = &error.finding {
            let message = keyed(&finding.message);
            return Finding::from(Diagnostic { message, ..finding.clone() });
        }
        let related = error.related.iter().map(|other| Label {
            span: Span::new(other.span.start, other.span.end),
            text: other.label.clone(),
        });
        let lines = [Some(keyed(&error.message)), error.help.clone()];
        Finding {
            code: error.code.as_str(),
            severity: Severity::Error,
            message: lines.into_iter().flatten().collect::<Vec<_>>().join("\n"),
            span: Span::new(error.span.start, error.span.end),
            related: related.collect(),
            fix: None,
        }
    }
}

impl Finding {
    /// The same, `by` bytes further on.
    fn shifted(mut self, by: usize) -> Self {
        self.span = shifted(self.span, by);
        for label in &mut self.related {
            label.span = shifted(label.span, by);
        }
        if let Some(fix) = &mut self.fix {
            fix.span = shifted(fix.span, by);
        }
        self
    }

    /// Whether any of its bytes, or the place between two where it is, is in a span.
    pub(super) fn touches(&self, span: Span) -> bool {
        self.span.start <= span.end && span.start <= self.span.end
    }

    /// The same in the words of the protocol.
    pub(super) fn diagnostic(&self, document: &Document, related: bool) -> lsp_types::Diagnostic {
        let place = |span| Location::new(document.uri.clone(), document.text.range(span));
        let others = self.related.iter().map(|label| DiagnosticRelatedInformation {
            location: place(label.span),
            message: label.text.clone(),
        });
        let others: Vec<_> = others.filter(|_| related).collect();
        lsp_types::Diagnostic {
            range: document.text.range(self.span),
            severity: Some(match self.severity {
                Severity::Error => DiagnosticSeverity::ERROR,
                Severity::Warning => DiagnosticSeverity::WARNING,
            }),
            code: Some(NumberOrString::String(self.code.to_owned())),
            source: Some(SOURCE.to_owned()),
            message: self.message.clone(),
            related_information: (!others.is_empty()).then_some(others),
            ..lsp_types::Diagnostic::default()
        }
    }
}

/// What a client is told of a document; `related` if it can show places that belong to a finding.
pub(super) fn published(document: &Document, related: bool) -> PublishDiagnosticsParams {
    let all = document.findings.iter().map(|finding| finding.diagnostic(document, related));
    PublishDiagnosticsParams::new(document.uri.clone(), all.collect(), Some(document.version))
}

/// The text with every fix made, and those of what comes to light then; `None` if there are none.
pub(super) fn fixed(kind: Kind, source: &Arc<Source>) -> Option<String> {
    let mut text = source.clone();
    for _ in 0..ROUNDS {
        match with_fixes(text.text(), &findings(kind, &text)) {
            Some(mended) => text = Source::new(source.name(), mended),
            None => break,
        }
    }
    (text.text() != source.text()).then(|| text.text().to_owned())
}

/// The text with the fixes made that do not get in the way of one another.
fn with_fixes(text: &str, found: &[Finding]) -> Option<String> {
    let mut fixes: Vec<_> = found.iter().filter_map(|finding| finding.fix.as_ref()).collect();
    fixes.sort_by_key(|fix| fix.span);
    let mut mended = String::new();
    let mut end = None;
    for Fix { span, replacement } in fixes {
        let (start, from) = (span.start as usize, end.unwrap_or(0));
        // Two insertions at one place are most often the same one.
        if end.is_some_and(|end| start <= end) {
            continue;
        }
        let Some(kept) = text.get(from..start) else { continue };
        mended.push_str(kept);
        mended.push_str(replacement);
        end = Some(span.end as usize);
    }
    mended.push_str(text.get(end?..)?);
    (mended != text).then_some(mended)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed_dtab(text: &str) -> Option<String> {
        fixed(Kind::Dtab, &Source::new("t.dtab", text))
    }

    #[test]
    fn all_is_mended_that_can_be_and_the_rest_stays() {
        assert_eq!(fixed_dtab("/a = /b/ ;\n/c -> d ;").as_deref(), Some("/a => /b ;\n/c => /d ;"));
        assert_eq!(fixed_dtab("/a = /b ;\n/c => (/d").as_deref(), Some("/a => /b ;\n/c => (/d"));
        assert_eq!(fixed_dtab("/a => /b ;"), None);
    }

    #[test]
    fn what_comes_to_light_by_mending_is_mended_too() {
        let mended = fixed_dtab(";; /svc/ == host/ ;; /host => /#/io.l5d.fs")
            .expect("there is something to mend");
        assert_eq!(findings(Kind::Dtab, &Source::new("t.dtab", mended.as_str())), [], "{mended}");
    }

    #[test]
    fn a_configuration_is_mended_in_its_tables() {
        let text = "\u{feff}routers:\n- protocol: http\n  dtab: |\n    /a = /b ;\n  servers: [{port: 1}]\n";
        let source = Source::new("linkerd.yaml", text);
        let found = findings(Kind::Config, &source);
        let [finding] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(finding.code, "single-equals");
        assert_eq!(&text[finding.span.start as usize..finding.span.end as usize], "=");
        assert!(finding.message.starts_with("routers[0].dtab: `=` instead of `=>`\n"));
        let mended = fixed(Kind::Config, &source);
        assert_eq!(mended.as_deref(), Some(text.replace("/a =", "/a =>").as_str()));
    }
}
