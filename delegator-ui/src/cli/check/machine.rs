//! Findings for other programs: JSON, and SARIF for code scanners.
//!
//! Dtab files and configurations are reported in one shape, that of [`dtab::to_json`] and
//! [`dtab::sarif`]; a finding in a configuration also has the path of its `key`.

use std::fmt::Write;

use dtab::{Diagnostic, Position, Source};
use router::config::{ConfigError, ConfigErrors};
use serde_json::{Value, json};

use super::Found;

/// A list of all findings, in the order of the files.
pub(super) fn json(all: &[Found]) -> Value {
    let findings = all.iter().flat_map(|found| -> Vec<Value> {
        match found {
            Found::Dtab(source, found) => {
                found.iter().map(|finding| dtab::to_json(finding, source)).collect()
            }
            Found::Config(errors) => {
                errors.iter().map(|error| config_json(error, errors.source())).collect()
            }
        }
    });
    findings.collect()
}

fn config_json(error: &ConfigError, source: &Source) -> Value {
    if let Some(finding) = &error.finding {
        let mut object = dtab::to_json(finding, source);
        object["key"] = error.key.as_str().into();
        return object;
    }
    let (start, end) = ends(error, source);
    let related: Vec<Value> = error
        .related
        .iter()
        .map(|other| {
            let end = source.position(other.span.end);
            json!({
                "line": other.position.line,
                "column": other.position.column,
                "end": { "line": end.line, "column": end.column },
                "text": other.label,
            })
        })
        .collect();
    json!({
        "file": error.file,
        "line": start.line,
        "column": start.column,
        "end": { "line": end.line, "column": end.column },
        "code": error.code.as_str(),
        "severity": "error",
        "message": error.message,
        "key": error.key,
        "labels": related,
        "help": error.help,
        "fix": null,
    })
}

fn ends(error: &ConfigError, source: &Source) -> (Position, Position) {
    (source.position(error.span.start), source.position(error.span.end))
}

/// Annotations for the changed lines of a pull request, one a line: `::error file=…,line=…::…`, as
/// GitHub's workflow commands are.
pub(super) fn github(all: &[Found]) -> String {
    let list = json(all);
    let mut text = String::new();
    for finding in list.as_array().into_iter().flatten() {
        let get = |key: &str| finding[key].as_str().unwrap_or_default();
        let help = finding["help"].as_str().map(|help| format!("\nhelp: {help}"));
        let _ = writeln!(
            text,
            "::{} file={},line={},col={},endLine={},endColumn={},title={}::{}",
            get("severity"),
            property(get("file")),
            finding["line"],
            finding["column"],
            finding["end"]["line"],
            finding["end"]["column"],
            property(get("code")),
            data(&format!("{}{}", get("message"), help.unwrap_or_default())),
        );
    }
    text
}

/// A text in which nothing ends a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The same for a property, which `,` and `:` would end.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// One SARIF document over all files.
pub(super) fn sarif(all: &[Found]) -> Value {
    let tables: Vec<_> = all
        .iter()
        .map(|found| match found {
            Found::Dtab(source, found) => (source.clone(), found.clone()),
            Found::Config(errors) => (errors.source().clone(), embedded(errors)),
        })
        .collect();
    let mut document = dtab::sarif(&tables);
    let configs = all.iter().filter_map(|found| match found {
        Found::Config(errors) => Some(errors),
        Found::Dtab(..) => None,
    });
    for errors in configs {
        for error in errors.iter().filter(|error| error.finding.is_none()) {
            add_config_error(&mut document["runs"][0], error, errors);
        }
    }
    document
}

/// The mistakes in the dtabs and paths of a configuration, each with the key where it stands.
fn embedded(errors: &ConfigErrors) -> Vec<Diagnostic> {
    let found = errors.iter().filter_map(|error| {
        let finding = error.finding.clone()?;
        Some(Diagnostic { message: format!("{}: {}", error.key, finding.message), ..finding })
    });
    found.collect()
}

fn add_config_error(run: &mut Value, error: &ConfigError, errors: &ConfigErrors) {
    let id = format!("config/{}", error.code.as_str());
    let Some(rules) = run["tool"]["driver"]["rules"].as_array_mut() else { return };
    let index = rules.iter().position(|rule| rule["id"] == id.as_str()).unwrap_or_else(|| {
        rules.push(json!({ "id": id, "shortDescription": { "text": error.code.as_str() } }));
        rules.len() - 1
    });
    let mut text = match error.key.as_str() {
        "" => error.message.clone(),
        key => format!("{key}: {}", error.message),
    };
    if let Some(help) = &error.help {
        text.push_str(if text.ends_with(['.', '?']) { " " } else { ". " });
        text.push_str(help);
    }
    let (start, end) = ends(error, errors.source());
    let result = json!({
        "ruleId": id,
        "ruleIndex": index,
        "level": "error",
        "message": { "text": text },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(&error.file) },
            "region": {
                "startLine": start.line,
                "startColumn": start.column,
                "endLine": end.line,
                "endColumn": end.column,
            },
        }}],
    });
    if let Some(results) = run["results"].as_array_mut() {
        results.push(result);
    }
}

/// A file name as a URI reference.
fn uri(name: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
    utf8_percent_encode(name, KEPT).to_string()
}
