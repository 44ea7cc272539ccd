//! The binary behind `tests/bench/run`.

use std::process::ExitCode;

use clap::Parser;
use tests::bench::{self, Options, backend};

#[derive(Debug, Parser)]
#[command(
    bin_name = "tests/bench/run",
    about = "Measures fingerpost, nginx and HAProxy side by side on loopback",
    after_help = "Exit status: 0 measured, 1 a budget is exceeded (with --check), \
                  2 something could not be run."
)]
struct Cli {
    #[command(flatten)]
    options: Options,

    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Role {
    /// Serves the fixed answer until its input ends; the bench starts this itself.
    #[command(hide = true)]
    Backend,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.role {
        Some(Role::Backend) => backend::serve().map(|()| true).map_err(|e| e.to_string()),
        None => bench::cancel_on_signal().and_then(|()| bench::run(&cli.options)),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(why) => {
            eprintln!("bench: {why}");
            ExitCode::from(2)
        }
    }
}
