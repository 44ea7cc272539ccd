//! The command line: one file for each subcommand, each with its arguments and a `run`.
//!
//! Manners: results go to standard output and complaints to standard error; colour only where a
//! terminal reads it (`NO_COLOR` and `--color` decide otherwise); a reader that hangs up early is
//! not an error; the status is 0 for clean, 1 for findings, 2 for what cannot be read or is used
//! wrongly.

use std::io::{self, Write};
use std::process::ExitCode;

use anstream::AutoStream;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

mod check;
mod classes;
mod completions;
mod config;
mod delegate;
mod demo;
mod diff;
mod explain;
mod fmt;
mod input;
mod log;
mod lsp;
mod man;
mod run;
mod sign_override;
mod snapshot;
mod table_file;
mod test;
mod top;
mod ui;

/// The arguments of `fingerpost`.
#[derive(Debug, Parser)]
#[command(
    name = "fingerpost",
    version,
    about = "Routes HTTP by delegation tables, and shows how any name resolves",
    after_help = "\
Examples:
  fingerpost demo
  fingerpost run linkerd.yaml
  fingerpost ui --config linkerd.yaml
  fingerpost delegate /svc/web -e '/svc => /$/inet/127.1/8080'
  fingerpost check linkerd.yaml routes.dtab
  fingerpost test tests/
  fingerpost config reference
  fingerpost fmt --check routes.dtab
  fingerpost diff old.dtab new.dtab

Exit status: 0 clean, 1 findings, 2 cannot read or wrongly used.",
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Cli {
    /// When to use colour
    #[arg(
        long,
        value_name = "WHEN",
        global = true,
        default_value = "auto",
        hide_possible_values = true,
        help = "When to use colour: auto, always or never"
    )]
    color: ColorWhen,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ColorWhen {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    Delegate(delegate::Args),
    Check(check::Args),
    Explain(explain::Args),
    Fmt(fmt::Args),
    Test(test::Args),
    Classes(classes::Args),
    Diff(diff::Args),
    Snapshot(snapshot::Args),
    Run(run::Args),
    Top(top::Args),
    Demo(demo::Args),
    Ui(ui::Args),
    Lsp(lsp::Args),
    Config(config::Args),
    SignOverride(sign_override::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// How a run ended, other than by an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Status 0.
    Clean,
    /// Status 1: something was found, or a name binds to nothing.
    Findings,
    /// Status 2: something could not be read, and was complained of already.
    Unusable,
}

/// Why a command could not do what it was asked for. Status 2, but for a reader that hung up.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// Said on one line behind `error: `.
    #[error("{0}")]
    Message(String),
    /// Already drawn for people, with the place of each mistake.
    #[error("{0}")]
    Drawn(String),
    /// The results could not be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}

impl Error {
    fn new(message: impl Into<String>) -> Self {
        Error::Message(message.into())
    }

    /// `cannot DO FILE: why`.
    fn file(doing: &str, name: &str, error: &io::Error) -> Self {
        Error::Message(format!("cannot {doing} {name}: {error}"))
    }
}

type Result<T = Outcome> = std::result::Result<T, Error>;

/// Where a command writes. Colours may always be written: they are taken out again where nobody
/// wants them.
struct Output {
    choice: anstream::ColorChoice,
    out: AutoStream<io::Stdout>,
    err: AutoStream<io::Stderr>,
}

impl Output {
    fn new(when: ColorWhen) -> Self {
        let choice = match when {
            ColorWhen::Auto => anstream::ColorChoice::Auto,
            ColorWhen::Always => anstream::ColorChoice::Always,
            ColorWhen::Never => anstream::ColorChoice::Never,
        };
        let out = AutoStream::new(io::stdout(), choice);
        let err = AutoStream::new(io::stderr(), choice);
        Output { choice, out, err }
    }

    /// Another writer to standard output, for what is printed later by another thread.
    fn another(&self) -> AutoStream<io::Stdout> {
        AutoStream::new(io::stdout(), self.choice)
    }

    /// Says what is wrong, on standard error.
    fn complain(&mut self, error: &Error) {
        const RED: anstyle::Style = anstyle::AnsiColor::Red.on_default().bold();
        // Nobody is left to be told if this fails.
        let _ = match error {
            Error::Drawn(text) => self.err.write_all(text.as_bytes()),
            error => writeln!(self.err, "{RED}error{RED:#}: {error}"),
        };
    }
}

/// Parses the arguments of the process, does what they ask, and says how it ended.
pub fn main() -> ExitCode {
    let Cli { color, command } = Cli::parse();
    let output = &mut Output::new(color);
    let result = match command {
        Command::Delegate(args) => delegate::run(args, output),
        Command::Check(args) => check::run(&args, output),
        Command::Test(args) => test::run(&args, output),
        Command::Snapshot(args) => snapshot::run(&args, output),
        Command::Fmt(args) => fmt::run(&args, output),
        Command::Explain(args) => explain::run(&args, output),
        Command::Classes(args) => classes::run(&args, output),
        Command::Diff(args) => diff::run(&args, output),
        Command::Run(args) => run::run(&args, output),
        Command::Top(args) => top::run(&args, output),
        Command::Demo(args) => demo::run(&args, output),
        Command::Ui(args) => ui::run(&args, output),
        Command::Lsp(args) => lsp::run(&args, output),
        Command::Config(args) => config::run(&args, output),
        Command::SignOverride(args) => sign_override::run(&args, output),
        Command::Completions(args) => completions::run(args, output),
        Command::Man(args) => man::run(args, output),
    };
    let result = result.and_then(|outcome| {
        output.out.flush()?;
        Ok(outcome)
    });
    match result {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Ok(Outcome::Unusable) => ExitCode::from(2),
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            output.complain(&error);
            ExitCode::from(2)
        }
    }
}

/// The whole command line, as completions and manual pages are made of it.
fn command() -> clap::Command {
    Cli::command()
}

/// What namers watch on, for a command that asks them now and then ends.
fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Error::new(format!("cannot start: {error}")))
}

/// JSON for people to read, too.
fn write_json(value: &serde_json::Value, output: &mut Output) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::new(format!("cannot write JSON: {error}")))?;
    Ok(writeln!(output.out, "{text}")?)
}
