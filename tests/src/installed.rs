//! Programs of others, where they are installed.

use std::env;
use std::path::PathBuf;

/// An installed program of this name, on `PATH` or where Debian puts servers.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let server_dirs = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(server_dirs).map(|d| d.join(program)).find(|p| p.is_file())
}

/// The program that a test needs, or how to install it: the reason why the test is ignored.
///
/// With `FINGERPOST_REQUIRE_SERVERS=1` a program that is missing is a panic, so that a run that has
/// to be complete leaves nothing out.
pub fn installed(program: &str, package: &str) -> Result<PathBuf, String> {
    let found = find(program);
    let missing = format!("{program} is not installed: apt-get install {package}");
    assert!(found.is_some() || !is_required(), "{missing}");
    found.ok_or(missing)
}

/// Whether nothing may be left out.
pub(crate) fn is_required() -> bool {
    env::var_os("FINGERPOST_REQUIRE_SERVERS").is_some_and(|value| value == "1")
}
