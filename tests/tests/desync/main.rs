//! Requests and responses that two programs could read differently, against the running proxy.
//!
//! Behind the proxy stand, in turn, an echo that reads by the letter, and that same echo behind
//! nginx and behind HAProxy. What each test sends is read by [`tests::wire`], which shares no code
//! with the proxy: the echo must get exactly the requests that are in those bytes, as far as they
//! are answered, and nothing else. See [`path`].
//!
//! - [`guardian`]: the cases of the crate `http_desync_guardian`.
//! - [`requests`]: our own requests.
//! - [`responses`]: what a hostile service may answer.
//!
//! A test whose server is not installed is reported as ignored, with the package to install.

#![allow(clippy::unwrap_used, reason = "all of it is tests, not only the functions so marked")]

mod guardian;
mod path;
mod requests;
mod responses;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use crate::path::{Path, Via};

fn main() -> ExitCode {
    let through = |what: &str, via: Via, run: fn(&Path) -> Result<(), String>| {
        Trial::ignorable_test(format!("{what}::{via}"), move || -> Result<Completion, Failed> {
            match Path::open(via) {
                Ok(path) => run(&path).map(|()| Completion::Completed).map_err(Failed::from),
                Err(missing) => Ok(Completion::ignored_with(missing)),
            }
        })
    };
    let mut trials = Vec::new();
    for via in Via::ALL {
        trials.push(Trial::ignorable_test(format!("guardian::{via}"), move || {
            let cases = match guardian::cases() {
                Ok(cases) => cases,
                Err(missing) => return Ok(Completion::ignored_with(missing)),
            };
            match Path::open(via) {
                Ok(path) => guardian::run(&path, &cases).map(|()| Completion::Completed),
                Err(missing) => return Ok(Completion::ignored_with(missing)),
            }
            .map_err(Failed::from)
        }));
        trials.push(through("requests", via, requests::run));
    }
    trials.extend(responses::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
