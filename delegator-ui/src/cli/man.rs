//! `fingerpost man`.

use std::io::Write;
use std::path::PathBuf;

use clap_mangen::Man;

use super::{Error, Outcome, Output, Result};

/// Print the manual page, or write all pages into a directory
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fingerpost man | man -l -
  fingerpost man --dir ~/.local/share/man/man1")]
pub(super) struct Args {
    /// Write fingerpost.1 and a page for each subcommand here
    #[arg(long)]
    dir: Option<PathBuf>,
}

pub(super) fn run(args: Args, output: &mut Output) -> Result {
    let command = super::command();
    let Some(dir) = args.dir else {
        let mut page = Vec::new();
        Man::new(command).render(&mut page)?;
        output.out.write_all(&page)?;
        return Ok(Outcome::Clean);
    };
    let failed = |error| Error::file("write manual pages to", &dir.display().to_string(), &error);
    std::fs::create_dir_all(&dir).map_err(failed)?;
    clap_mangen::generate_to(command, &dir).map_err(failed)?;
    Ok(Outcome::Clean)
}
