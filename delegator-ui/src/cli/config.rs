//! `fingerpost config reference` and `fingerpost config validate CONFIG`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::{Outcome, Output, Result};

mod reference;

/// Look up the keys of a linkerd.yaml, or check one
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fingerpost config reference
  fingerpost config reference --format markdown > reference.md
  fingerpost config validate linkerd.yaml")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Reference(ReferenceArgs),
    Validate(ValidateArgs),
}

/// Print every key with its type, its default and its meaning
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fingerpost config reference | less
  fingerpost config reference --format json

Of an object that can stand at several places, the keys are told at the first.")]
struct ReferenceArgs {
    /// How to print it: text, markdown or json
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Markdown,
    Json,
}

/// Check a configuration, as `fingerpost run --validate` does
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fingerpost config validate linkerd.yaml

Exit status: 0 valid, 1 mistakes in the configuration, 2 cannot read.")]
struct ValidateArgs {
    /// The configuration, YAML or JSON; - for standard input
    config: PathBuf,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result {
    match &args.command {
        Command::Reference(args) => {
            let objects = router::config::reference();
            match args.format {
                Format::Text => reference::text(&objects, &mut output.out)?,
                Format::Markdown => reference::markdown(&objects, &mut output.out)?,
                Format::Json => super::write_json(&reference::json(&objects), output)?,
            }
            Ok(Outcome::Clean)
        }
        Command::Validate(args) => super::run::validate(&args.config, output),
    }
}
