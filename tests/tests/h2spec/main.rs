//! HTTP/2 by the letter: the cases of h2spec against a router's servers, plain and with TLS.
//!
//! If it is not installed the tests are reported as ignored:
//! `go install github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible`.

#![allow(clippy::unwrap_used, reason = "all of it is tests, not only the functions so marked")]

mod report;

use std::fs;
use std::process::{Command, ExitCode};
use std::time::Duration;

use libtest_mimic::{Arguments, Completion, Trial};
use report::Outcome;
use tests::certs::Authority;
use tests::http2::{Message, Service};
use tests::{Proc, Router, Setup, installed_by_go};

const MODULE: &str = "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible";

/// All that h2spec has, the strict one included. None is skipped: that is what becomes of the four of
/// 6.5.3, 6.9.1 and 6.9.2 that need a body if there is none, and of 5.1.2 if a server names no limit of
/// streams. Here there are both.
const CASES: usize = 146;

/// Each case has two seconds, and most need none.
const LIMIT: Duration = Duration::from_mins(5);

fn main() -> ExitCode {
    let trial = |name: &str, test: fn(Command) -> Result<(), String>| {
        Trial::ignorable_test(name, move || match installed_by_go("h2spec", MODULE) {
            Ok(program) => {
                test(Command::new(program))?;
                Ok(Completion::Completed)
            }
            Err(missing) => Ok(Completion::ignored_with(missing)),
        })
    };
    let trials = vec![trial("plain", plain), trial("with_tls", with_tls)];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn plain(h2spec: Command) -> Result<(), String> {
    every_case_passes(h2spec, setup())
}

fn with_tls(mut h2spec: Command) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    let identity = Authority::new(dir.path(), "authority").issue("router", &["localhost"]);
    h2spec.args(["--tls", "--insecure"]);
    every_case_passes(h2spec, setup().server(&format!("tls: {{{}}}", identity.yaml())))
}

/// Whatever it is asked for, h2spec is served by `web`.
fn setup() -> Setup {
    Setup::h2("/svc => /#/io.l5d.fs/web")
}

fn every_case_passes(mut h2spec: Command, setup: Setup) -> Result<(), String> {
    // Some cases need a body to stop in the middle of.
    let service = Service::start(Message::ok("a body of some length"));
    let router: Router = setup.file("web", &service.fs_line()).start();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("report.xml");
    h2spec.args(["--strict", "--host", "127.0.0.1", "--port", &router.addr.port().to_string()]);
    h2spec.arg("--junit-report").arg(&file);
    let mut run = Proc::spawn(&mut h2spec);
    // Its status is what the report says.
    run.wait(LIMIT);
    let report = fs::read_to_string(&file).map_err(|_| run.stdout() + &run.stderr())?;
    let cases = report::cases(&report);
    let other = cases.iter().filter(|case| case.outcome != Outcome::Passed);
    let other: Vec<_> = other.map(ToString::to_string).collect();
    let other = other.join("\n");
    if cases.len() != CASES {
        return Err(format!("{} cases in place of {CASES}\n{other}", cases.len()));
    }
    if other.is_empty() { Ok(()) } else { Err(other) }
}
