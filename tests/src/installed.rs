//! Programs of others, where they are installed.

use std::env;
use std::path::{Path, PathBuf};

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
    found_or(find(program), format!("{program} is not installed: apt-get install {package}"))
}

/// The same for a program that `go install MODULE` makes: it is on `PATH`, or where Go puts programs.
pub fn installed_by_go(program: &str, module: &str) -> Result<PathBuf, String> {
    let go_path = env::var_os("GOPATH").map(PathBuf::from);
    let go_path = go_path.or_else(|| Some(env::home_dir()?.join("go")));
    let dirs = [env::var_os("GOBIN").map(PathBuf::from), go_path.map(|path| path.join("bin"))];
    let found = find(program)
        .or_else(|| dirs.into_iter().flatten().map(|dir| dir.join(program)).find(|p| p.is_file()));
    found_or(found, format!("{program} is not installed: go install {module}"))
}

/// `client` and `server` of the interoperability tests of gRPC. Their names are too common for `PATH`:
/// they are in the folder that `GRPC_INTEROP` names, or where `.ci/run` puts them.
pub fn grpc_interop(program: &str) -> Result<PathBuf, String> {
    const MODULE: &str = "google.golang.org/grpc/interop";
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let dir =
        env::var_os("GRPC_INTEROP").map_or_else(|| root.join("target/grpc-interop"), PathBuf::from);
    let missing = format!(
        "the {program} of gRPC's interop tests is not here: GOBIN=DIR go install \
         {MODULE}/{program}@v1.85.0, and name DIR with GRPC_INTEROP"
    );
    found_or(Some(dir.join(program)).filter(|path| path.is_file()), missing)
}

fn found_or(found: Option<PathBuf>, missing: String) -> Result<PathBuf, String> {
    assert!(found.is_some() || !is_required(), "{missing}");
    found.ok_or(missing)
}

/// Whether nothing may be left out.
pub(crate) fn is_required() -> bool {
    env::var_os("FINGERPOST_REQUIRE_SERVERS").is_some_and(|value| value == "1")
}
