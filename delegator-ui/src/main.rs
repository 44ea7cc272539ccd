//! The `fingerpost` binary: parse, set up output, run.

use std::process::ExitCode;

fn main() -> ExitCode {
    delegator_ui::cli::main()
}
