//! Child processes that end with their test.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use crate::procfs;

/// The `fingerpost` binary of this build.
///
/// `FINGERPOST_BIN` names another one. Under cargo it is built first, with the profile of the
/// running test, so that a test never meets a stale one: `cargo test -p tests` alone builds only
/// the library behind it.
pub fn fingerpost_bin() -> PathBuf {
    static BIN: OnceLock<PathBuf> = OnceLock::new();
    BIN.get_or_init(|| {
        if let Some(named) = std::env::var_os("FINGERPOST_BIN") {
            return named.into();
        }
        let exe = std::env::current_exe().expect("path of this executable");
        let mut dir = exe.parent().expect("folder of this executable");
        if dir.file_name() == Some(OsStr::new("deps")) {
            dir = dir.parent().expect("folder of the profile");
        }
        if let Some(cargo) = std::env::var_os("CARGO") {
            build(&cargo, dir);
        }
        let bin = dir.join("fingerpost");
        assert!(bin.is_file(), "{} is not built: cargo build -p delegator-ui", bin.display());
        bin
    })
    .clone()
}

fn build(cargo: &OsStr, profile_dir: &Path) {
    let profile = match profile_dir.file_name().and_then(OsStr::to_str) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let target = profile_dir.parent().expect("target folder");
    // With this crate beside it, so that the dependencies have the features they were built with.
    let status = Command::new(cargo)
        .args(["build", "--quiet", "-p", "delegator-ui", "-p", "tests", "--bin", "fingerpost"])
        .args(["--profile", profile, "--target-dir"])
        .arg(target)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .status()
        .expect("run cargo");
    assert!(status.success(), "cargo build of fingerpost failed");
}

/// Calls `done` every few milliseconds until it is true; `false` when `limit` has passed.
///
/// For conditions nobody notifies about: another process's port, its memory, a file.
pub fn wait_until(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if done() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Both streams of a child, as far as they were read, and a bell for each line.
#[derive(Debug, Default)]
struct Output {
    text: Mutex<[String; 2]>,
    grown: Condvar,
}

impl Output {
    fn text(&self) -> MutexGuard<'_, [String; 2]> {
        self.text.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn collect(self: &Arc<Self>, stream: impl Read + Send + 'static, which: usize) {
        let output = self.clone();
        std::thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                output.text()[which].push_str(&String::from_utf8_lossy(&line));
                output.grown.notify_all();
                line.clear();
            }
        });
    }
}

/// A child process: its output collected, its end certain. Dropping it kills it.
#[derive(Debug)]
pub struct Proc {
    child: Child,
    name: String,
    output: Arc<Output>,
}

impl Proc {
    /// Runs `fingerpost` with these arguments.
    pub fn fingerpost<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Self {
        Self::spawn(Command::new(fingerpost_bin()).args(args))
    }

    /// Runs any command, with no input and both outputs collected.
    pub fn spawn(command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("run {name}: {e}"));
        let output = Arc::new(Output::default());
        if let Some(stdout) = child.stdout.take() {
            output.collect(stdout, 0);
        }
        if let Some(stderr) = child.stderr.take() {
            output.collect(stderr, 1);
        }
        Self { child, name, output }
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to stdout until now.
    pub fn stdout(&self) -> String {
        self.output.text()[0].clone()
    }

    /// What it has written to stderr until now.
    pub fn stderr(&self) -> String {
        self.output.text()[1].clone()
    }

    /// Whether it still runs.
    pub fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until something accepts on `addr`. Panics with the child's output if it ends
    /// before, or if it takes over ten seconds.
    pub fn wait_port(&mut self, addr: SocketAddr) {
        let what = format!("accept on {addr}");
        self.wait_for(&what, |_| TcpStream::connect_timeout(&addr, Duration::from_secs(1)).is_ok());
    }

    /// Waits until `ready` is true, under the terms of [`Self::wait_port`]; `what` is for the
    /// message.
    pub fn wait_for(&mut self, what: &str, mut ready: impl FnMut(&Self) -> bool) {
        let mut ended = false;
        let done = wait_until(Duration::from_secs(10), || {
            ended = !self.alive();
            ended || ready(self)
        });
        assert!(done && !ended, "{} did not {what}{}", self.name, self.report(ended));
    }

    /// Waits for a line with `needle` on either stream and returns the line. Panics with the
    /// output if none came in ten seconds.
    pub fn wait_log(&self, needle: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut text = self.output.text();
        loop {
            let found = text.iter().flat_map(|t| t.lines()).find(|l| l.contains(needle));
            if let Some(line) = found {
                return line.to_owned();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(text);
                panic!("{} did not print {needle:?}{}", self.name, self.report(false));
            }
            let woken = self.output.grown.wait_timeout(text, left);
            text = woken.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
    }

    /// Sends a signal by its name (`TERM`, `INT`, `STOP`, `CONT`, ...).
    pub fn signal(&self, name: &str) {
        // The shell's own `kill`: always there, and no unsafe call.
        let kill = format!("kill -{name} {}", self.pid());
        let status = Command::new("sh").arg("-c").arg(&kill).status().expect("run sh");
        assert!(status.success(), "{kill} failed");
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Waits for its end. Panics with its output if `limit` passes.
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        let mut status = None;
        wait_until(limit, || {
            status = self.child.try_wait().expect("wait for the child");
            status.is_some()
        });
        status.unwrap_or_else(|| panic!("{} did not end{}", self.name, self.report(false)))
    }

    /// Resident memory in bytes; panics if it has ended.
    pub fn rss_bytes(&self) -> u64 {
        procfs::rss_bytes(self.pid()).expect("memory of a running process")
    }

    /// Open file descriptors; panics if it has ended.
    pub fn fd_count(&self) -> usize {
        procfs::fd_count(self.pid()).expect("descriptors of a running process")
    }

    fn report(&self, ended: bool) -> String {
        let state = if ended { "and has ended" } else { "in time" };
        format!(" {state}\n--- stdout\n{}\n--- stderr\n{}", self.stdout(), self.stderr())
    }
}

impl Drop for Proc {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Proc {
        Proc::spawn(Command::new("sh").arg("-c").arg(script))
    }

    #[test]
    fn collects_both_streams_and_the_status() {
        let mut proc = sh("echo out; echo err >&2; exit 3");
        assert_eq!(proc.wait_log("err"), "err");
        assert_eq!(proc.wait_log("ou"), "out");
        assert_eq!(proc.wait(Duration::from_secs(5)).code(), Some(3));
        assert_eq!((proc.stdout(), proc.stderr()), ("out\n".into(), "err\n".into()));
    }

    #[test]
    fn a_signal_reaches_it() {
        let mut proc = sh("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done");
        proc.wait_log("ready");
        proc.terminate();
        assert!(proc.wait(Duration::from_secs(5)).success());
        assert_eq!(proc.wait_log("bye"), "bye");
    }

    #[test]
    fn dropping_it_ends_it() {
        let proc = Proc::spawn(Command::new("sleep").arg("60"));
        let pid = proc.pid();
        assert!(proc.rss_bytes() > 0 && proc.fd_count() >= 3);
        drop(proc);
        assert_eq!(procfs::fd_count(pid), None);
    }

    #[test]
    #[should_panic(expected = "no such file here")]
    fn a_child_that_ends_early_shows_its_output() {
        let mut proc = sh("echo no such file here >&2; exit 1");
        proc.wait_log("no such file");
        proc.wait_port(SocketAddr::from(([127, 0, 0, 1], crate::free_port())));
    }

    #[test]
    fn the_binary_of_this_build_runs() {
        let mut proc = Proc::fingerpost(["--help"]);
        assert!(proc.wait(Duration::from_secs(10)).success());
    }

    #[test]
    fn waits_for_a_port() {
        let backend = crate::Backend::fixed("x");
        let mut proc = Proc::spawn(Command::new("sleep").arg("60"));
        proc.wait_port(backend.addr());
    }
}
