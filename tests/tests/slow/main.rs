//! Callers that are slow on purpose, by Debian's `slowhttptest`, against a limit of 2,000 connections:
//! whoever else calls meanwhile is served, on a connection that is kept and on fresh ones.
//!
//! Each of its three modes runs for a few seconds; `SLOWHTTP_SECONDS=30` makes them longer. If it is
//! not installed the tests are reported as ignored.

#![allow(clippy::unwrap_used, reason = "all of it is tests, not only the functions so marked")]

use std::env;
use std::fs;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Completion, Trial};
use tests::{Backend, Proc, RawClient, Router, Setup, installed, wait_until};

/// The limit of connections, and how many the attack wants.
const CONNECTIONS: usize = 2000;

/// So many connections of the attack have to be open at once for the test to say anything.
const ENOUGH: f64 = 1000.0;

/// Descriptors of the router and of this process: each has the attack's connections, or those to the
/// service for them, and some more.
const DESCRIPTORS: u64 = 3 * CONNECTIONS as u64;

/// Between two requests of the other caller.
const PACE: Duration = Duration::from_millis(50);

/// No request of the other caller may take longer.
const LONGEST: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    if let Some(code) = with_more_descriptors() {
        return code;
    }
    // One after the other: the next attack would be another caller to be served.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let mode = |name: &str, options: &'static [&'static str]| {
        Trial::ignorable_test(name, move || match installed("slowhttptest", "slowhttptest") {
            Ok(program) => {
                attack(Command::new(program).args(options))?;
                Ok(Completion::Completed)
            }
            Err(missing) => Ok(Completion::ignored_with(missing)),
        })
    };
    let trials = vec![
        mode("slow_heads", &["-H", "-i", "1", "-x", "24"]),
        mode("slow_bodies", &["-B", "-i", "1", "-s", "8192", "-x", "24"]),
        // Windows of a few bytes, each emptied once a second.
        mode("slow_reads", &["-X", "-w", "10", "-y", "20", "-n", "1", "-z", "32"]),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn attack(command: &mut Command) -> Result<(), String> {
    // More than the sockets between a reader and the service take, so that readers do hold it up.
    let body = vec![b'x'; 256 << 10];
    let backend = Backend::fixed(body.clone());
    let router = Setup::new("/svc/* => /#/io.l5d.fs/web")
        .service("web", &[&backend])
        .server(&format!("limits: {{maxConnections: {CONNECTIONS}}}"))
        .start();
    let mut kept = router.connect();
    let first = get(&mut kept)?;
    let seconds = env::var("SLOWHTTP_SECONDS").unwrap_or_else(|_| "8".to_owned());
    command.args(["-c", &CONNECTIONS.to_string(), "-r", "500", "-p", "5", "-l", &seconds]);
    command.args(["-u", &format!("http://{}/", router.addr)]);
    let mut attack = Proc::spawn(command);
    let (mut times, mut most) = (vec![first], 0.0_f64);
    while !wait_until(PACE, || !attack.alive()) {
        // A full server may close a connection between requests; whoever had it connects again.
        let of_kept = match get(&mut kept) {
            Err(_) => {
                kept = router.connect();
                get(&mut kept)
            }
            served => served,
        };
        let fresh = get(&mut router.connect());
        times.extend([of_kept?, fresh?]);
        most = most.max(open(&router));
    }
    times.sort_unstable();
    let p99 = times[times.len() * 99 / 100];
    let longest = times[times.len() - 1];
    println!(
        "\n{} requests of another caller beside {most} connections: p99 {p99:?}, longest {longest:?}",
        times.len()
    );
    if most < ENOUGH {
        return Err(format!("only {most} connections were open\n{}", attack.stdout()));
    }
    if longest > LONGEST {
        return Err(format!("a request took {longest:?}"));
    }
    Ok(())
}

/// How long a request takes that is served.
fn get(client: &mut RawClient) -> Result<Duration, String> {
    let begun = Instant::now();
    let response = client.request("GET", "/", &[("host", "other")], b"");
    let took = begun.elapsed();
    match response {
        Ok(response) if response.status == 200 => Ok(took),
        Ok(response) => Err(format!("{}\n{}", response.head, response.text())),
        Err(error) => Err(format!("after {took:?}: {error}")),
    }
}

/// Connections that the router has open to its callers.
fn open(router: &Router) -> f64 {
    router.metric(&format!("rt/http/server/127.0.0.1/{}/connections", router.addr.port()))
}

/// Runs this program once more if it may have more descriptors than it has. The limit is handed down
/// to the router and to the attack.
fn with_more_descriptors() -> Option<ExitCode> {
    const AGAIN: &str = "SLOW_WITH_MORE_DESCRIPTORS";
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let soft = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let soft: u64 = soft.split_whitespace().next()?.parse().ok()?;
    if soft >= DESCRIPTORS || env::var_os(AGAIN).is_some() {
        return None;
    }
    let raise = format!("ulimit -n {DESCRIPTORS}; exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.arg("-c").arg(raise).arg(env::current_exe().ok()?).args(env::args().skip(1));
    let status = command.env(AGAIN, "1").status().ok()?;
    Some(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
