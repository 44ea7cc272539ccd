use crate::assert_run;
use crate::shell::Shell;

#[test]
fn every_command_explains_itself_with_examples() {
    let shell = Shell::with(&[]);
    let top = shell.run(&["--help"]);
    let commands: Vec<_> = top
        .stdout
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.contains(&"check"), "{commands:?}");
    for command in &commands {
        let help = shell.run(&[command, "--help"]);
        assert_eq!(help.status, Some(0));
        assert!(help.stdout.contains("Examples:\n  fingerpost "), "{command}");
        insta::assert_snapshot!(format!("help_{command}"), help.transcript());
    }
    insta::assert_snapshot!("help", top.transcript());
}

#[test]
fn the_version_is_that_of_the_crate() {
    let version = Shell::with(&[]).run(&["--version"]);
    assert_eq!(version.stdout, format!("fingerpost {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_usage_is_said_on_standard_error_with_status_2() {
    assert_run!(Shell::with(&[]), &["chekc", "a.dtab"]);
    for wrong in [&[][..], &["check"], &["fmt"], &["run"], &["delegate"], &["check", "--formta"]] {
        let ran = Shell::with(&[]).run(wrong);
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{wrong:?}");
        assert!(ran.stderr.contains("Usage: fingerpost"), "{wrong:?}: {}", ran.stderr);
    }
}

#[test]
fn every_shell_has_completions_that_know_the_commands() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = Shell::with(&[]).run(&["completions", shell]);
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{shell}");
        for known in ["fingerpost", "delegate", "validate"] {
            assert!(ran.stdout.contains(known), "{shell} lacks {known}");
        }
    }
    assert_eq!(Shell::with(&[]).run(&["completions", "vi"]).status, Some(2));
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let shell = Shell::with(&[]);
    let page = shell.run(&["man"]);
    assert_eq!(page.status, Some(0));
    assert!(page.stdout.contains(".TH fingerpost 1"), "{}", page.stdout);
    assert_eq!(shell.run(&["man", "--dir", "pages/man1"]).status, Some(0));
    for name in ["fingerpost.1", "fingerpost-delegate.1", "fingerpost-check.1"] {
        assert!(shell.read(&format!("pages/man1/{name}")).contains(".TH fingerpost"), "{name}");
    }
    shell.write("file", "");
    assert_eq!(shell.run(&["man", "--dir", "file"]).status, Some(2));
}

#[cfg(target_os = "linux")]
#[test]
fn a_reader_that_hangs_up_is_not_an_error_but_a_full_disk_is() {
    use std::process::{Command, Stdio};
    let fingerpost = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fingerpost"));
        command.args(["completions", "zsh"]).stderr(Stdio::piped());
        command
    };
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let hung_up = fingerpost().stdout(writer).output().expect("it runs");
    assert_eq!((hung_up.status.code(), hung_up.stderr.as_slice()), (Some(0), &b""[..]));

    let full = std::fs::File::create("/dev/full").expect("Linux has it");
    let full = fingerpost().stdout(full).output().expect("it runs");
    assert_eq!(full.status.code(), Some(2));
    let complaint = String::from_utf8_lossy(&full.stderr).into_owned();
    assert!(complaint.starts_with("error: cannot write the output: "), "{complaint}");
}
