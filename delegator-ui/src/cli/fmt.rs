//! `fingerpost fmt FILE...`.

use std::io::Write;
use std::path::{Path, PathBuf};

use dtab::Source;
use similar::TextDiff;

use super::{Error, Outcome, Output, Result, input};

/// Format dtab files
///
/// Comments stay, and so does the meaning: the same entries in the same order with the same
/// weights. A file with mistakes is never written.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fingerpost fmt routes.dtab            rewrite the file
  fingerpost fmt --check *.dtab         show what would change
  fingerpost fmt - < routes.dtab        from standard input to standard output

Exit status: 0 formatted, 1 --check found a difference, 2 cannot read, write or understand.")]
pub(super) struct Args {
    /// Change nothing; print what would change, and exit with 1 if anything would
    #[arg(long)]
    check: bool,
    /// The files; - formats standard input to standard output
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result {
    let mut outcome = Outcome::Clean;
    for file in &args.files {
        let this = format_file(file, args.check, output);
        match this {
            Ok(true) if args.check && outcome == Outcome::Clean => outcome = Outcome::Findings,
            Ok(_) => {}
            Err(error @ Error::Output(_)) => return Err(error),
            Err(error) => {
                output.complain(&error);
                outcome = Outcome::Unusable;
            }
        }
    }
    Ok(outcome)
}

/// Whether the text was not formatted yet.
fn format_file(file: &Path, check: bool, output: &mut Output) -> Result<bool> {
    let source = input::read(file)?;
    if super::check::is_config(file, source.text()) {
        return Err(Error::new(format!(
            "{} is a configuration; fmt formats dtab files",
            source.name()
        )));
    }
    let formatted = dtab::format(source.text())
        .map_err(|found| Error::Drawn(dtab::render(&found, &source, true)))?;
    let changed = formatted != source.text();
    if check {
        if changed {
            write_diff(&source, &formatted, output)?;
        }
    } else if input::is_stdin(file) {
        output.out.write_all(formatted.as_bytes())?;
    } else if changed {
        replace(file, &formatted).map_err(|error| Error::file("write", source.name(), &error))?;
    }
    Ok(changed)
}

/// A unified diff, removed lines in red and added ones in green.
fn write_diff(source: &Source, formatted: &str, output: &mut Output) -> Result<()> {
    use anstyle::AnsiColor::{Cyan, Green, Red};
    let name = source.name();
    let diff = TextDiff::from_lines(source.text(), formatted);
    let text = diff.unified_diff().header(name, &format!("{name} (formatted)")).to_string();
    for line in text.lines() {
        let style = match line.as_bytes().first() {
            Some(b'-') => Red.on_default(),
            Some(b'+') => Green.on_default(),
            Some(b'@') => Cyan.on_default(),
            _ => anstyle::Style::new(),
        };
        writeln!(output.out, "{style}{line}{style:#}")?;
    }
    Ok(())
}

/// Puts a whole new text in the place of a file: readers see the old one or the new one, and a
/// crash leaves one of them. A link stays a link, and the permissions stay.
fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let file = file.canonicalize()?;
    let dir = file.parent().unwrap_or(Path::new("."));
    let mut new = tempfile::Builder::new().prefix(".fingerpost-fmt-").tempfile_in(dir)?;
    new.write_all(text.as_bytes())?;
    new.as_file().set_permissions(file.metadata()?.permissions())?;
    new.as_file().sync_all()?;
    new.persist(&file)?;
    Ok(())
}
