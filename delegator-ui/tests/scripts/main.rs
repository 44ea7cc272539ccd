//! What of the pages' scripts needs no browser, run by Node.js. The command line says what its tree
//! and its DOT look like, and the scripts have to make the same of its JSON.
//!
//! Without `node` on `PATH` there is nothing to run; `FINGERPOST_REQUIRE_SERVERS=1` makes that a
//! failure.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;

const ROUTES: &str = "\
/host      => /$/inet/127.1 ;
/host/web  => 0.9 * /v/8081 & 0.1 * /v/8082 & 3 * /nowhere ;
/v         => /$/inet/127.1 ;
/svc       => /host ;
/svc/users => ! | /host/8080 ;
/svc/gone  => ~ ;
/svc/nil   => $ ;
/loop      => /loop/again ; /loop/again => /loop ;
/round     => /trip ; /trip/a => /round/a ;
/alt       => /nowhere | /$/inet/127.1/80/a | /$/inet/127.1/81 ;
/both      => /alt & /svc/web ;
/deep      => /alt | /both | /svc/nil | /loop ;
/odd       => /$/io.example/x | /v/1 ;
/any       => 0.5 * /svc/gone & 1 * /svc/users ;
";

const NAMES: [&str; 14] = [
    "/svc/web",
    "/svc/users",
    "/svc/gone",
    "/svc/nil",
    "/svc/none",
    "/loop",
    "/round/a",
    "/alt/b",
    "/both/x",
    "/deep/x",
    "/odd",
    "/any",
    "/svc/web/rest/of/it",
    "/nobody",
];

fn delegate(routes: &Path, name: &str, format: &str) -> io::Result<Output> {
    let table = routes.display().to_string();
    let more = ["--local", "/svc/web/rest => /both | /nowhere", "--format", format];
    Command::new(cargo_bin("fingerpost"))
        .args(["--color", "never", "delegate", name, "-d", table.as_str()])
        .args(more)
        .output()
}

#[test]
fn the_scripts_draw_what_the_command_line_draws() {
    if Command::new("node").arg("--version").output().is_err() {
        assert!(std::env::var_os("FINGERPOST_REQUIRE_SERVERS").is_none(), "node is not on PATH");
        return;
    }
    let pictures = tempfile::tempdir().unwrap();
    let routes = pictures.path().join("routes.dtab");
    fs::write(&routes, ROUTES).unwrap();
    for (nth, name) in NAMES.iter().enumerate() {
        for format in ["json", "tree", "dot"] {
            let file = pictures.path().join(format!("{nth}.{format}"));
            fs::write(file, delegate(&routes, name, format).unwrap().stdout).unwrap();
        }
    }
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut files: Vec<_> = fs::read_dir(&tests)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "mjs"))
        .collect();
    files.sort();
    let run = Command::new("node")
        .arg("--test")
        .args(files)
        .env("PICTURES", pictures.path())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
}
