//! `fingerpost check FILE...`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use dtab::{Diagnostic, Source};
use router::config::{self, ConfigErrors};

use super::{Outcome, Output, Result, input};

mod machine;

/// Report every mistake of dtab files and configurations
///
/// What ends in .yaml, .yml or .json is read as a linkerd.yaml, what ends in .dtab as a dtab;
/// anything else by its looks.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fingerpost check routes.dtab linkerd.yaml
  fingerpost check --format sarif *.dtab > findings.sarif
  echo '/svc => /host' | fingerpost check -

Exit status: 0 no mistakes, 1 mistakes, 2 cannot read.")]
pub(super) struct Args {
    /// How to print what is found: text, json or sarif
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
    format: Format,
    /// The files; - for standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Sarif,
}

/// The mistakes of one file.
enum Found {
    Dtab(Arc<Source>, Vec<Diagnostic>),
    Config(ConfigErrors),
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result {
    let mut outcome = Outcome::Clean;
    let mut all = Vec::new();
    for file in &args.files {
        match input::read(file) {
            Ok(source) => all.extend(check(file, &source)),
            Err(error) => {
                output.complain(&error);
                outcome = Outcome::Unusable;
            }
        }
    }
    if outcome == Outcome::Clean && !all.is_empty() {
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
    }
    Ok(outcome)
}

fn check(file: &Path, source: &Arc<Source>) -> Option<Found> {
    if is_config(file, source.text()) {
        return config::parse(source.name(), source.text()).err().map(Found::Config);
    }
    let (_, found) = dtab::check_dtab(source);
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
