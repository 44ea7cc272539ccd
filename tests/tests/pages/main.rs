//! The pages in a real browser, against a running router: what people do with them, with and without
//! scripts, by keyboard, with hostile data, and how fast.
//!
//! Chromium is driven by chromedriver, and axe-core looks for what keeps people out. Tests that need
//! what is not installed are reported as ignored; `FINGERPOST_REQUIRE_SERVERS=1` makes that a
//! failure. `AXE_JS` names `axe.min.js` if it is not below `target/axe-core`.

#![allow(clippy::unwrap_used, reason = "all of it is tests, not only the functions so marked")]

mod delegate;
mod everyone;
mod hostile;
mod requests;
mod scripts_off;
mod speed;
mod tools;
mod world;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Trial};
use tests::browser::{self, Driver};

/// A test with its name.
type Test = (&'static str, fn(&Driver));

fn main() -> ExitCode {
    // One after the other: some of them measure time.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let driver = Driver::start().map(Arc::new);
    let with_axe = driver.clone().and_then(|driver| browser::axe().map(|_| driver));
    let trials = |tests: &[Test], driver: &Result<Arc<Driver>, String>| {
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
        tests.iter().map(trial).collect::<Vec<_>>()
    };
    let tests = [
        delegate::TESTS,
        requests::TESTS,
        tools::TESTS,
        everyone::TESTS,
        scripts_off::TESTS,
        hostile::TESTS,
        speed::TESTS,
    ];
    let mut all = trials(&tests.concat(), &driver);
    all.extend(trials(everyone::WITH_AXE, &with_axe));
    libtest_mimic::run(&arguments, all).exit_code()
}
