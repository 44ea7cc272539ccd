//! The built binary, run as people run it: what it prints, and its exit status.

mod check;
mod classes;
mod config;
mod delegate;
mod demo;
mod diff;
mod explain;
mod fmt;
mod help;
mod readme;
mod run;
mod shell;
mod sign_override;
mod snapshot;
mod test;
mod top;
mod ui;

/// Runs a command line in a directory, and compares all that it did with a snapshot.
macro_rules! assert_run {
    ($shell:expr, $args:expr) => {
        insta::assert_snapshot!($shell.run($args).transcript())
    };
}
pub(crate) use assert_run;
