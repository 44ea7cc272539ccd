use crate::assert_run;
use crate::shell::Shell;

const ROUTES: &str = "\
# who serves what
/host    => /#/io.l5d.fs ;
/svc     => /host ;
/svc/web => 0.9 * /host/web & 0.1 * /host/web-v2 ;
/svc/api => /host/api-eu | /host/api-us ;
/svc/old => ! ;
/http/1.1/*/* => /svc ;
";

#[test]
fn a_table_is_told_as_a_table_of_classes() {
    assert_run!(Shell::with(&[("routes.dtab", ROUTES)]), &["classes", "routes.dtab"]);
}

#[test]
fn some_names_may_be_chosen() {
    let args = &["classes", "routes.dtab", "--from", "/svc/web", "--format", "json"];
    assert_run!(Shell::with(&[("routes.dtab", ROUTES)]), args);
}

#[test]
fn what_cannot_be_told_is_said_and_not_guessed() {
    let text = "\
/svc  => /$/io.buoyant.http.domainToPathPfx/host ;
/host => /$/inet ;
/peel/* => /peel ;
/round => /round/and ;
";
    assert_run!(Shell::with(&[("odd.dtab", text)]), &["classes", "odd.dtab"]);
}

#[test]
fn the_namers_of_a_configuration_are_known() {
    let config = "\
routers:
- protocol: http
  dtab: |
    /svc => /#/io.l5d.fs ;
    /svc/new => /#/io.l5d.consul/dc1 ;
    /svc/moved => /#/moved ;
  servers: [{port: 4140}]
namers:
- {kind: io.l5d.fs, rootDir: .}
- {kind: io.l5d.rewrite, prefix: /moved, pattern: \"/{x}\", name: \"/svc/{x}\"}
";
    assert_run!(Shell::with(&[("linkerd.yaml", config)]), &["classes", "linkerd.yaml"]);
}

#[test]
fn mistakes_are_drawn_and_nothing_is_told() {
    let files = [("routes.dtab", "/svc = /host ;\n")];
    assert_run!(Shell::with(&files), &["classes", "routes.dtab"]);
    assert_run!(Shell::with(&[]), &["classes", "nowhere.dtab"]);
    assert_run!(Shell::with(&files), &["classes", "routes.dtab", "--from", "svc"]);
    assert_run!(Shell::with(&files), &["classes", "routes.dtab", "--router", "http"]);
}

#[test]
fn a_snapshot_tells_which_namers_there_are() {
    let text = "/svc => /#/io.l5d.fs ;\n/svc/old => /#/io.l5d.consul/dc1 ;\n";
    let shell = Shell::with(&[("routes.dtab", text), ("disco/web", "127.0.0.1 8081\n")]);
    let record = ["snapshot", "-d", "routes.dtab", "--disco", "disco", "-o", "world.json"];
    assert_eq!(shell.run(&record).status, Some(0));
    let told = |args: &[&str]| shell.run(args).stdout;
    let by_files = told(&["classes", "routes.dtab"]);
    assert!(by_files.contains("/#/io.l5d.consul/dc1/…"), "{by_files}");
    let known = told(&["classes", "routes.dtab", "--snapshot", "world.json"]);
    assert!(!known.contains("consul"), "{known}");
    assert_eq!(told(&["classes", "world.json"]), known);
    let unknown = ["check", "routes.dtab", "--snapshot", "world.json"];
    assert_eq!(shell.run(&["check", "routes.dtab"]).status, Some(0));
    let ran = shell.run(&unknown);
    assert_eq!((ran.status, ran.stdout.contains("unknown-namer")), (Some(1), true));
    // Nobody has ever had a name of the namer that there is not.
    shell.write("new.dtab", "/svc => /#/io.l5d.fs ;\n");
    let diff = |args: &[&str]| shell.run(&[&["diff", "routes.dtab", "new.dtab"], args].concat());
    assert_eq!(diff(&[]).status, Some(1));
    assert_eq!(diff(&["--snapshot", "world.json"]).status, Some(0));
}
