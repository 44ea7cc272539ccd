//! `fingerpost completions SHELL`.

use std::io::Write;

use clap_complete::Shell;

use super::{Outcome, Output, Result};

/// Print the completions of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fingerpost completions bash > ~/.local/share/bash-completion/completions/fingerpost
  fingerpost completions zsh > \"${fpath[1]}/_fingerpost\"
  fingerpost completions fish > ~/.config/fish/completions/fingerpost.fish")]
pub(super) struct Args {
    /// Which shell: bash, elvish, fish, powershell or zsh
    #[arg(hide_possible_values = true)]
    shell: Shell,
}

pub(super) fn run(args: Args, output: &mut Output) -> Result {
    // Into memory first: the generator panics where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "fingerpost", &mut script);
    output.out.write_all(&script)?;
    Ok(Outcome::Clean)
}
