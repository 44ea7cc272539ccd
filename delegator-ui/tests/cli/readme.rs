//! The section "Dtabs as code" of the README runs as it is written.

use std::path::PathBuf;
use std::process::Command;

/// The README's part under a heading, up to the next one of its kind.
fn section(heading: &str) -> String {
    let readme = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).expect("the README");
    let (_, section) = readme.split_once(&format!("\n## {heading}\n")).expect("the section");
    section.split("\n## ").next().unwrap_or_default().to_owned()
}

/// The fenced blocks of a language.
fn blocks<'s>(section: &'s str, language: &str) -> Vec<&'s str> {
    let fence = format!("```{language}\n");
    let blocks = section.split(&fence).skip(1);
    blocks.map(|block| block.split("```").next().unwrap_or_default()).collect()
}

#[test]
fn dtabs_as_code_is_as_the_readme_shows_it() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let dir = tempfile::tempdir().expect("a directory");
    std::os::unix::fs::symlink(root.join("fixtures"), dir.path().join("fixtures")).expect("a link");
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_fingerpost"));
    let folder = binary.parent().expect("its directory").display();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap_or_default());
    let mut commands = 0;
    for block in blocks(&section("Dtabs as code"), "console") {
        let told = format!("\n{block}");
        for told in told.split("\n$ ").skip(1) {
            let (command, wanted) = told.split_once('\n').unwrap_or((told, ""));
            let mut shell = Command::new("sh");
            shell.args(["-c", command]).current_dir(dir.path()).env("PATH", &path);
            let ran = shell.output().expect("a shell");
            let said = [ran.stdout, ran.stderr].concat();
            let said = String::from_utf8_lossy(&said).into_owned();
            assert_eq!(said.trim_end(), wanted.trim_end(), "$ {command}");
            commands += 1;
        }
    }
    assert!(commands > 5, "only {commands} commands");
}

#[test]
fn the_test_file_of_the_readme_passes_beside_its_table() {
    let section = section("Dtabs as code");
    let [test, ..] = blocks(&section, "yaml")[..] else { panic!("no test file") };
    let table = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/cases/canary/routes.dtab");
    let table = std::fs::read_to_string(table).expect("the table");
    let shell = crate::shell::Shell::with(&[("routes.dtab", &table), ("routes.test.yaml", test)]);
    let ran = shell.run(&["test", "routes.test.yaml"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), "1 passed, 0 failed\n"));
}
