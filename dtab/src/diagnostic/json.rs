//! Findings for other programs: JSON, and SARIF for code scanners.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Code, Diagnostic, Severity};
use crate::span::{Source, Span};

/// The JSON form of a finding.
///
/// `{"file", "line", "column", "end": {"line", "column"}, "code", "severity", "message",
/// "labels": [{"line", "column", "end", "text"}], "help": text or null,
/// "fix": {"line", "column", "end", "replacement"} or null}`. Lines and columns count from 1,
/// columns in characters, and `end` is the place behind the last character.
pub fn to_json(diagnostic: &Diagnostic, source: &Source) -> Value {
    let Diagnostic { code, severity, message, labels, help, fix } = diagnostic;
    let mut object = json!({ "file": source.name() });
    add_place(&mut object, source, diagnostic.span());
    object["code"] = code.name().into();
    object["severity"] = severity.name().into();
    object["message"] = message.as_str().into();
    let label = |(span, key, text): (Span, &str, &str)| {
        let mut object = json!({});
        add_place(&mut object, source, span);
        object[key] = text.into();
        object
    };
    object["labels"] =
        labels.iter().map(|at| label((at.span, "text", &at.text))).collect::<Vec<_>>().into();
    object["help"] = help.as_deref().into();
    object["fix"] =
        fix.as_ref().map(|fix| label((fix.span, "replacement", &fix.replacement))).into();
    object
}

fn add_place(object: &mut Value, source: &Source, span: Span) {
    let (start, end) = (source.position(span.start as usize), source.position(span.end as usize));
    object["line"] = start.line.into();
    object["column"] = start.column.into();
    object["end"] = json!({ "line": end.line, "column": end.column });
}

/// A SARIF 2.1.0 document of one run over these texts.
pub fn sarif(findings: &[(Arc<Source>, Vec<Diagnostic>)]) -> Value {
    let mut codes: Vec<Code> =
        findings.iter().flat_map(|(_, found)| found.iter().map(|found| found.code)).collect();
    codes.sort_unstable();
    codes.dedup();
    let rules: Vec<Value> = codes
        .iter()
        .map(|code| {
            json!({
                "id": code.name(),
                "shortDescription": { "text": code.rule() },
                "help": { "text": code.explain() },
            })
        })
        .collect();
    let results: Vec<Value> = findings
        .iter()
        .flat_map(|(source, found)| found.iter().map(|found| result(found, source, &codes)))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "fingerpost",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(diagnostic: &Diagnostic, source: &Source, codes: &[Code]) -> Value {
    let Diagnostic { code, severity, message, labels, help, fix } = diagnostic;
    let text = match help {
        Some(help) => format!("{message}\nhelp: {help}"),
        None => message.clone(),
    };
    let mut result = json!({
        "ruleId": code.name(),
        "ruleIndex": codes.binary_search(code).unwrap_or_default(),
        "level": match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "message": { "text": text },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(source.name()) },
            "region": region(source, diagnostic.span()),
        }}],
    });
    if let Some(related) = labels.get(1..).filter(|more| !more.is_empty()) {
        let related = related.iter().enumerate().map(|(at, label)| {
            json!({
                "id": at,
                "message": { "text": label.text },
                "physicalLocation": {
                    "artifactLocation": { "uri": uri(source.name()) },
                    "region": region(source, label.span),
                },
            })
        });
        result["relatedLocations"] = related.collect::<Vec<_>>().into();
    }
    if let Some(fix) = fix {
        result["fixes"] = json!([{
            "artifactChanges": [{
                "artifactLocation": { "uri": uri(source.name()) },
                "replacements": [{
                    "deletedRegion": region(source, fix.span),
                    "insertedContent": { "text": fix.replacement },
                }],
            }],
        }]);
    }
    result
}

fn region(source: &Source, span: Span) -> Value {
    let (start, end) = (source.position(span.start as usize), source.position(span.end as usize));
    json!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    })
}

/// A file name as a URI reference: what a URI cannot hold is escaped, and a first segment with a
/// colon is kept from being a scheme.
fn uri(name: &str) -> String {
    let mut uri = String::with_capacity(name.len());
    let first = name.split('/').next().unwrap_or_default();
    if first.contains(':') {
        uri.push_str("./");
    }
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => uri.push(char::from(byte)),
            b'-' | b'.' | b'_' | b'~' | b'/' | b':' | b'@' | b'+' | b',' | b'=' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
