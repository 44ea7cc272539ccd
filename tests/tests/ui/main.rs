//! The pages in a real browser, against a running router: what people do with them, with and without
//! scripts, by keyboard, with hostile data, and how fast.
//!
//! Chromium is driven by chromedriver, and axe-core looks for what keeps people out. If one of them
//! is not installed the tests are reported as ignored; `FINGERPOST_REQUIRE_SERVERS=1` makes that a
//! failure. `AXE_CORE` names the script of axe-core if it is not below `target/npm`.

#![allow(clippy::unwrap_used, reason = "all of it is tests, not only the functions so marked")]

mod delegate;
mod hostile;
mod pages;
mod requests;
mod scripts_off;
mod speed;
mod tools;
mod world;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Trial};
use tests::browser::Driver;

/// A test with its name.
type Test = (&'static str, fn(&Driver));

fn main() -> ExitCode {
    // One after the other: some of them measure time.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let driver = Driver::start().map(Arc::new);
    let trials = [
        delegate::TESTS,
        requests::TESTS,
        tools::TESTS,
        pages::TESTS,
        scripts_off::TESTS,
        hostile::TESTS,
        speed::TESTS,
    ];
    let trial = |&(name, test): &Test| {
        let driver = driver.clone();
        Trial::ignorable_test(name, move || match driver {
            Ok(driver) => {
                test(&driver);
                Ok(Completion::Completed)
            }
            Err(missing) => Ok(Completion::ignored_with(missing)),
        })
    };
    let trials = trials.concat().iter().map(trial).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    conclusion.exit_code()
}
