use crate::assert_run;
use crate::shell::Shell;

const FIVE_MISTAKES: &str = "\
# who serves what
/svc = /host ;
/svc/web => /host/web
/host/web => 0.9 * /v1 & x.1 * /v2 ;
/host/api => (/a | /b ;
/host/old => v1 ;
";

const CONFIG: &str = "\
routers:
- protocol: http
  dtab: /svc => /$/inet/127.1/8080
  servers: [{port: 4140}]
";

const WRONG_CONFIG: &str = "\
routers:
- protocol: http
  dtab: /svc => /host
  labl: web
  servers: [{port: 70000}]
";

#[test]
fn five_mistakes_in_a_file_are_five_findings() {
    assert_run!(Shell::with(&[("a.dtab", FIVE_MISTAKES)]), &["check", "a.dtab"]);
}

#[test]
fn a_configuration_is_told_by_its_name() {
    let files = [("linkerd.yaml", WRONG_CONFIG), ("good.yaml", CONFIG)];
    assert_run!(Shell::with(&files), &["check", "good.yaml", "linkerd.yaml"]);
}

#[test]
fn several_files_are_reported_in_their_order() {
    let files = [("a.dtab", "/a = /b ;\n"), ("l.yaml", "routers: []\n"), ("b", "/a => b ;\n")];
    assert_run!(Shell::with(&files), &["check", "b", "l.yaml", "a.dtab"]);
}

#[test]
fn clean_files_are_passed_in_silence() {
    let files = [("a.dtab", "/a => /#/io.l5d.fs ;\n"), ("linkerd.yaml", CONFIG), ("empty", "")];
    let shell = Shell::with(&files);
    let ran = shell.run(&["check", "a.dtab", "linkerd.yaml", "empty"]);
    assert_eq!(ran.transcript(), "$ fingerpost check a.dtab linkerd.yaml empty\nstatus: 0\n");
}

#[test]
fn standard_input_is_told_by_its_looks() {
    let ran = Shell::with(&[]).stdin(CONFIG).run(&["check", "-"]);
    assert_eq!(ran.status, Some(0), "{}", ran.transcript());
    assert_run!(Shell::with(&[]).stdin("/svc => /host ;;\n"), &["check", "-"]);
}

#[test]
fn a_file_that_cannot_be_read_is_status_2_and_the_others_are_still_checked() {
    let shell = Shell::with(&[("a.dtab", "/a = /b ;\n")]);
    std::fs::write(shell.path("latin1.dtab"), b"/a => /\xe9 ;").expect("a file");
    assert_run!(shell, &["check", "none.dtab", "latin1.dtab", ".", "a.dtab"]);
}

#[test]
fn json_lists_the_findings_of_all_files() {
    let files = [("a.dtab", "/a = /b ;\n"), ("linkerd.yaml", WRONG_CONFIG)];
    assert_run!(Shell::with(&files), &["check", "--format", "json", "a.dtab", "linkerd.yaml"]);
    let clean = Shell::with(&[("a.dtab", "")]).run(&["check", "--format=json", "a.dtab"]);
    assert_eq!((clean.status, clean.stdout.as_str()), (Some(0), "[]\n"));
}

#[test]
fn sarif_is_one_run_over_all_files() {
    let files = [("a.dtab", "/a = /b ;\n"), ("link erd.yaml", WRONG_CONFIG)];
    assert_run!(Shell::with(&files), &["check", "--format", "sarif", "a.dtab", "link erd.yaml"]);
}

#[test]
fn colour_is_for_those_who_see_it() {
    let shell = Shell::with(&[("a.dtab", "/a = /b ;\n")]);
    assert!(!shell.run(&["check", "a.dtab"]).stdout.contains('\x1b'));
    assert!(shell.run(&["check", "a.dtab", "--color", "always"]).stdout.contains('\x1b'));
}

const HARDLY_MEANT: &str = "\
/host => /#/io.l5d.fs ;
/svc/web => /host/web-v2 ;
/svc => /$/inet/127.1/8080 | /hots ;
";

#[test]
fn what_is_hardly_meant_is_a_warning_and_no_error() {
    assert_run!(Shell::with(&[("a.dtab", HARDLY_MEANT)]), &["check", "a.dtab"]);
}

#[test]
fn warnings_may_be_denied_and_left_out() {
    let shell = Shell::with(&[("a.dtab", HARDLY_MEANT)]);
    let status = |args: &[&str]| shell.run(&[&["check", "a.dtab"], args].concat()).status;
    assert_eq!(status(&[]), Some(0));
    assert_eq!(status(&["--deny", "warnings"]), Some(1));
    assert_eq!(status(&["--deny", "unused-fallback"]), Some(1));
    assert_eq!(status(&["--deny", "cycle"]), Some(0));
    let allow = ["--allow", "unused-fallback", "--allow", "unreachable-dentry"];
    assert_eq!(status(&[&allow[..], &["--deny", "warnings"]].concat()), Some(0));
    assert_run!(shell, &["check", "a.dtab", "--deny", "missing-arrow"]);
}

#[test]
fn a_comment_allows_what_stands_behind_it() {
    let text = "\
# fingerpost: allow(dead-branch) the routers' own table has /legacy
/svc => /#/io.l5d.fs | /legacy ;
/svc/a => /gone ; # fingerpost: allow(dead-branch) until Monday
/svc/b => /gone ;
# fingerpost: allow(dead-branch)
/svc/c => /gone ;
";
    assert_run!(Shell::with(&[("a.dtab", text)]), &["check", "a.dtab"]);
}

#[test]
fn the_tables_of_a_configuration_are_looked_at_with_its_namers() {
    let config = "\
routers:
- protocol: http
  dtab: |
    /svc => /#/io.l5d.fs ;
    /svc/old => /#/io.l5d.consul/dc1 ;
    /host => /svc ;
    /svc/loop => /host/loop ;
  servers: [{port: 4140}]
namers:
- {kind: io.l5d.fs, rootDir: .}
";
    assert_run!(Shell::with(&[("linkerd.yaml", config)]), &["check", "linkerd.yaml"]);
}

#[test]
fn findings_are_annotations_of_a_workflow() {
    let files = [("a.dtab", HARDLY_MEANT), ("b,1.dtab", "/svc = /host ;\n")];
    assert_run!(Shell::with(&files), &["check", "--format", "github", "a.dtab", "b,1.dtab"]);
}
