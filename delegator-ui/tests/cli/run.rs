use crate::assert_run;
use crate::shell::Shell;

const CONFIG: &str = "\
namers:
- kind: io.l5d.fs
  rootDir: disco
admin: {port: 9991}
routers:
- protocol: http
  label: out
  dtab: /svc => /#/io.l5d.fs
  servers: [{port: 4140}]
- protocol: http
  label: in
  servers: [{port: 4141}]
";

#[test]
fn a_valid_configuration_is_summed_up_without_running_it() {
    let shell = Shell::with(&[("linkerd.yaml", CONFIG), ("disco/web", "")]);
    assert_run!(shell, &["run", "--validate", "linkerd.yaml"]);
    let stdin = Shell::with(&[("disco/web", "")]).stdin(CONFIG).run(&["run", "--validate", "-"]);
    assert!(stdin.stdout.starts_with("<stdin> is valid: 2 routers"), "{}", stdin.stdout);
}

#[test]
fn mistakes_are_pointed_at_and_nothing_runs() {
    let wrong = CONFIG.replace("protocol: http", "protocol: htpp").replace("9991", "99910");
    let shell = Shell::with(&[("linkerd.yaml", &wrong), ("disco/web", "")]);
    assert_run!(shell, &["run", "linkerd.yaml"]);
    assert_eq!(shell.run(&["run", "--validate", "linkerd.yaml"]).status, Some(1));
    assert_run!(shell, &["run", "none.yaml"]);
}
