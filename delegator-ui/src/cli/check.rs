//! `fingerpost check FILE...`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use dtab::lint::{Known, RULES, Rule};
use dtab::{Code, Diagnostic, Severity, Source};
use router::config::{self, ConfigErrors};

use super::{Outcome, Output, Result, input};
use crate::lint;

mod machine;

/// Report every mistake of dtab files and configurations, and what is hardly meant
///
/// What ends in .yaml, .yml or .json is read as a linkerd.yaml, what ends in .dtab as a dtab;
/// anything else by its looks. Findings about what a table means, such as an entry that no name comes
/// to, are warnings unless they make names fail. `fingerpost explain CODE` says more of a finding; a
/// comment `# fingerpost: allow(CODE) REASON` before an entry leaves it out.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fingerpost check routes.dtab linkerd.yaml
  fingerpost check --deny warnings *.dtab
  fingerpost check --format sarif *.dtab > findings.sarif
  echo '/svc => /host' | fingerpost check -

Exit status: 0 no errors, 1 errors, 2 cannot read.")]
pub(super) struct Args {
    /// How to print what is found: text, json, sarif, or github (annotations of a workflow)
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
    format: Format,
    /// Take findings of this kind for errors; `warnings` are all
    #[arg(long, value_name = "CODE", value_parser = denied)]
    deny: Vec<Denied>,
    /// Leave findings of this kind out
    #[arg(long, value_name = "CODE", value_parser = lint_code)]
    allow: Vec<Code>,
    /// For dtab files, know the namers that `fingerpost snapshot` has recorded; there are no others then
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    /// The files; - for standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Sarif,
    Github,
}

/// Which warnings are errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Denied {
    Warnings,
    Code(Code),
}

fn denied(text: &str) -> std::result::Result<Denied, String> {
    if text == "warnings" { Ok(Denied::Warnings) } else { lint_code(text).map(Denied::Code) }
}

/// The code of a rule about what tables mean; mistakes of the grammar cannot be left out.
fn lint_code(text: &str) -> std::result::Result<Code, String> {
    let code = Code::from_name(text).filter(|code| Rule::of(*code).is_some());
    code.ok_or_else(|| {
        let known: Vec<_> = RULES.iter().map(|rule| rule.code.name()).collect();
        format!("there is no such rule; there are {}", known.join(", "))
    })
}

/// What is found in one file.
enum Found {
    Dtab(Arc<Source>, Vec<Diagnostic>),
    Config(ConfigErrors),
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result {
    let snapshot = args.snapshot.as_deref().map(input::snapshot).transpose()?;
    let known = snapshot.as_ref().map(lint::recorded).unwrap_or_default();
    let mut outcome = Outcome::Clean;
    let mut all = Vec::new();
    for file in &args.files {
        match input::read(file) {
            Ok(source) => all.extend(check(file, &source, args, &known)),
            Err(error) => {
                output.complain(&error);
                outcome = Outcome::Unusable;
            }
        }
    }
    if outcome == Outcome::Clean && all.iter().any(Found::has_errors) {
        outcome = Outcome::Findings;
    }
    match args.format {
        Format::Text => {
            for (at, found) in all.iter().enumerate() {
                let between = if at == 0 { "" } else { "\n" };
                write!(output.out, "{between}{}", found.text())?;
            }
        }
        Format::Json => super::write_json(&machine::json(&all), output)?,
        Format::Sarif => super::write_json(&machine::sarif(&all), output)?,
        Format::Github => output.out.write_all(machine::github(&all).as_bytes())?,
    }
    Ok(outcome)
}

fn check(file: &Path, source: &Arc<Source>, args: &Args, known: &Known) -> Option<Found> {
    let mut found = if is_config(file, source.text()) {
        let config = match config::parse(source.name(), source.text()) {
            Ok(config) => config,
            Err(errors) => return Some(Found::Config(errors)),
        };
        lint::of_config(&config)
    } else {
        let (dtab, found) = dtab::check_dtab(source);
        if found.is_empty() { lint::of_dtab(&dtab, source, known) } else { found }
    };
    found.retain(|finding| !args.allow.contains(&finding.code));
    for finding in &mut found {
        let is_denied = |denied: &Denied| match denied {
            Denied::Warnings => true,
            Denied::Code(code) => *code == finding.code,
        };
        if args.deny.iter().any(is_denied) {
            finding.severity = Severity::Error;
        }
    }
    (!found.is_empty()).then(|| Found::Dtab(source.clone(), found))
}

/// Whether a file is a configuration rather than a dtab: by its name, else by its looks. A dtab
/// begins with `/`, comments aside, and a configuration never does.
pub(super) fn is_config(file: &Path, text: &str) -> bool {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("yaml" | "yml" | "json") => return true,
        Some("dtab") => return false,
        _ => {}
    }
    let text = text.trim_start_matches('\u{feff}');
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    first.is_some_and(|line| {
        let key = line.split_once(':').map_or("", |(key, _)| key);
        let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
        line.starts_with('{') || line.starts_with("---") || is_key
    })
}

impl Found {
    fn has_errors(&self) -> bool {
        match self {
            Found::Config(_) => true,
            Found::Dtab(_, found) => {
                found.iter().any(|finding| finding.severity == Severity::Error)
            }
        }
    }

    fn text(&self) -> String {
        match self {
            Found::Config(errors) => errors.render(true),
            Found::Dtab(source, found) => {
                let count = match found.len() {
                    1 => "1 finding".to_owned(),
                    count => format!("{count} findings"),
                };
                format!("{}\n{count}\n", dtab::render(found, source, true))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_by_its_name_and_else_by_its_looks() {
        let is = |name: &str, text| is_config(Path::new(name), text);
        assert!(is("a.yaml", "/svc => /host"));
        assert!(!is("a.dtab", "routers: []"));
        assert!(is("-", "# all of it\n\nrouters:\n- protocol: http"));
        assert!(is("conf", "{\"routers\": []}"));
        assert!(is("conf", "---\nrouters: []"));
        assert!(!is("conf", "# x: y\n/svc => /host:80"));
        assert!(!is("conf", "svc => /host"));
        assert!(!is("conf", ""));
    }
}
