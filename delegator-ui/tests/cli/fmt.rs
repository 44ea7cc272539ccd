use crate::assert_run;
use crate::shell::Shell;

const UNFORMATTED: &str = "# routes\n/svc=>/host; # all\n/svc/web =>0.90*/v1&.1*/v2";
const FORMATTED: &str = "\
# routes
/svc     => /host ; # all
/svc/web => 0.90 * /v1 & .1 * /v2 ;
";

#[test]
fn files_are_formatted_in_place() {
    let shell = Shell::with(&[("a.dtab", UNFORMATTED), ("b.dtab", FORMATTED)]);
    let ran = shell.run(&["fmt", "a.dtab", "b.dtab"]);
    assert_eq!(ran.transcript(), "$ fingerpost fmt a.dtab b.dtab\nstatus: 0\n");
    assert_eq!(shell.read("a.dtab"), FORMATTED);
    assert_eq!(shell.read("b.dtab"), FORMATTED);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let ran = Shell::with(&[]).stdin(UNFORMATTED).run(&["fmt", "-"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), FORMATTED));
}

#[test]
fn check_shows_the_difference_and_writes_nothing() {
    let shell = Shell::with(&[("a.dtab", UNFORMATTED), ("b.dtab", FORMATTED)]);
    assert_run!(shell, &["fmt", "--check", "a.dtab", "b.dtab"]);
    assert_eq!(shell.read("a.dtab"), UNFORMATTED);
    assert_eq!(shell.run(&["fmt", "--check", "b.dtab"]).status, Some(0));
}

#[test]
fn a_file_with_mistakes_is_left_alone_and_the_others_are_formatted() {
    let shell = Shell::with(&[("bad.dtab", "/svc = /host"), ("a.dtab", UNFORMATTED)]);
    assert_run!(shell, &["fmt", "bad.dtab", "a.dtab"]);
    assert_eq!(shell.read("bad.dtab"), "/svc = /host");
    assert_eq!(shell.read("a.dtab"), FORMATTED);
}

#[test]
fn a_configuration_or_missing_file_is_refused() {
    let shell = Shell::with(&[("linkerd.yaml", "routers: []")]);
    assert_run!(shell, &["fmt", "linkerd.yaml", "none.dtab"]);
    assert_eq!(shell.read("linkerd.yaml"), "routers: []");
}

#[cfg(unix)]
#[test]
fn permissions_and_links_stay_and_nothing_else_is_left_behind() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let shell = Shell::with(&[("real/a.dtab", UNFORMATTED)]);
    let permissions = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(shell.path("real/a.dtab"), permissions).expect("it is ours");
    symlink("real/a.dtab", shell.path("link.dtab")).expect("a link");
    assert_eq!(shell.run(&["fmt", "link.dtab"]).status, Some(0));
    assert_eq!(shell.read("real/a.dtab"), FORMATTED);
    let link = shell.path("link.dtab").symlink_metadata().expect("it is there");
    assert!(link.is_symlink());
    let mode = shell.path("real/a.dtab").metadata().expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    let files = std::fs::read_dir(shell.path("real")).expect("it is there").count();
    assert_eq!(files, 1);
}
