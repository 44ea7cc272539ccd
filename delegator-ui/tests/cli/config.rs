use crate::assert_run;
use crate::shell::Shell;

fn reference(format: &str) -> String {
    let ran = Shell::with(&[]).run(&["config", "reference", "--format", format]);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    ran.stdout
}

#[test]
fn the_reference_has_a_paragraph_for_each_key() {
    let text = reference("text");
    assert_eq!(Shell::with(&[]).run(&["config", "reference"]).stdout, text, "the default");
    insta::assert_snapshot!(text);
    let meanings = text.lines().filter(|line| line.starts_with(' '));
    for line in meanings {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn the_reference_has_a_table_for_each_object() {
    insta::assert_snapshot!(reference("markdown"));
}

#[test]
fn the_reference_is_json_for_programs() {
    let json: serde_json::Value = serde_json::from_str(&reference("json")).expect("JSON");
    let keys = || {
        let objects = json.as_array().expect("a list").iter();
        objects.flat_map(|object| object["keys"].as_array().expect("a list"))
    };
    let key = |path: &str| keys().find(|key| key["path"] == path).expect("the key").clone();
    insta::assert_json_snapshot!([
        key("routers[].client.hostConnectionPool.minSize"),
        key("routers[].servers[].limits.maxHeaders"),
        key("routers[].compressionLevel"),
        key("telemetry"),
        key("admin.tls"),
    ]);
    let ours = keys().filter(|key| key["inLinkerd"] == false).count();
    assert!(keys().count() > 150 && ours > 10, "{} keys, {ours} of them ours", keys().count());
    assert_eq!(Shell::with(&[]).run(&["config", "reference", "--format", "xml"]).status, Some(2));
}

#[test]
fn the_commands_of_config_explain_themselves() {
    for command in ["reference", "validate"] {
        let help = Shell::with(&[]).run(&["config", command, "--help"]);
        assert_eq!(help.status, Some(0));
        insta::assert_snapshot!(format!("help_config_{command}"), help.transcript());
    }
    assert_eq!(Shell::with(&[]).run(&["config"]).status, Some(2));
}

#[test]
fn validate_is_what_run_does_before_it_runs() {
    let shell = Shell::with(&[
        ("good.yaml", "routers:\n- protocol: http\n  servers: [{port: 4140}]\n"),
        ("bad.yaml", "routers:\n- protocol: http\n  client: {failFsat: true}\n  servers: [{}]\n"),
    ]);
    assert_run!(shell, &["config", "validate", "good.yaml"]);
    assert_run!(shell, &["config", "validate", "bad.yaml"]);
    assert_run!(shell, &["config", "validate", "none.yaml"]);
    for file in ["good.yaml", "bad.yaml", "none.yaml"] {
        let (validate, run) =
            (shell.run(&["config", "validate", file]), shell.run(&["run", "--validate", file]));
        assert_eq!((validate.status, validate.stdout), (run.status, run.stdout), "{file}");
        assert_eq!(validate.stderr, run.stderr, "{file}");
    }
}
