//! Calls of gRPC through a router: the official interoperability client and server of grpc-go, an
//! override for one call, and what only looks like gRPC.
//!
//! If they are not installed their tests are reported as ignored; see [`tests::grpc_interop`].

#![allow(clippy::unwrap_used, reason = "all of it is tests, not only the functions so marked")]

mod interop;
mod untouched;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let mut trials = interop::trials();
    for (name, test) in untouched::TESTS {
        trials.push(Trial::test(*name, move || {
            test();
            Ok(())
        }));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
