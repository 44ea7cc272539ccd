use std::path::Path;

use crate::assert_run;
use crate::shell::Shell;

const ROUTES: &str = "\
# who is where
/srv      => /#/io.l5d.fs ;
/svc      => /srv ;
/svc/ten  => 9 * /srv/web & /srv/web-v2 ;  /svc/api => /srv/api-eu | /srv/api-us ;
/svc/old  => ! ;
";

const TEST: &str = "\
dtab: routes.dtab
discovery:
  /#/io.l5d.fs/web: [10.0.0.1:8080, '10.0.0.2:8080 * 0.5']
  /#/io.l5d.fs/web-v2: ['[::1]:8080']
  /#/io.l5d.fs/api-us: [10.0.1.1:80]
  /#/io.l5d.fs/gone: ~
  /#/io.l5d.fs/bad: {failed: malformed}
hosts: {db.example: [10.0.0.9], none.example: ~}
cases:
- name: one in ten goes to v2
  path: /svc/ten/users
  expect:
    bound: {/#/io.l5d.fs/web: 0.9, /#/io.l5d.fs/web-v2: 0.1}
    endpoints: [10.0.0.1:8080, 10.0.0.2:8080, '[::1]:8080']
    residual: /users
    through: [2, '4:1', /srv, /svc/ten]
    not-through: [routes.dtab:5, '/svc => /srv', 3]
- name: roughly
  path: /svc/ten
  expect: {bound: {/#/io.l5d.fs/web: 0.85, /#/io.l5d.fs/web-v2: 0.15}, tolerance: 0.06}
- name: the old one is refused
  path: /svc/old
  expect: {error: fail}
- name: an override moves it
  path: /svc/old
  override: /svc/old => 1 * /svc/web & 1 * $
  expect: {bound: {/#/io.l5d.fs/web: 0.5, $: 0.5}}
- name: a request has its name from its host
  request: {method: POST, host: web, path: /x, headers: {l5d-dtab: ['/svc/web => /svc/api', '/a => /b']}}
  expect: {bound: /#/io.l5d.fs/api-us, through: '4:44'}
- {name: an absent name is negative, path: /svc/gone, expect: {error: neg}}
- {name: a bad one is bound all the same, path: /svc/bad, expect: {bound: /#/io.l5d.fs/bad, endpoints: []}}
- {name: an unknown class, path: /$/nope, expect: {error: unknown-namer}}
- {name: a known host, path: /$/inet/DB.example/80, expect: {endpoints: [10.0.0.9:80]}}
- {name: a host that does not exist, path: /$/inet/none.example/80, expect: {endpoints: []}}
- {name: a request without a host, request: {}, expect: {error: unidentified}}
";

fn passing() -> Shell {
    Shell::with(&[("routes.dtab", ROUTES), ("routes.test.yaml", TEST)])
}

/// With five cases of which two pass.
fn failing() -> Shell {
    let shell = passing();
    shell.write(
        "bad.test.yaml",
        "\
dtab: routes.dtab
discovery: {/#/io.l5d.fs/web: [10.0.0.1:8080], /#/io.l5d.fs/web-v2: [10.0.0.2:8080]}
cases:
- {name: all go to web, path: /svc/ten/a, expect: {bound: /#/io.l5d.fs/web, residual: /b}}
- {name: the override wins, path: /svc/web, override: /svc/web => /svc/web-v3, expect: {through: [/svc/old]}}
- {name: the host is a name, request: {path: /}, expect: {error: neg}}
- {name: web is there, path: /svc/web, expect: {bound: /#/io.l5d.fs/web}}
- {name: old is refused, path: /svc/old, expect: {error: fail}}
",
    );
    shell
}

#[test]
fn a_run_that_passes_says_how_many() {
    assert_run!(passing(), &["test", "routes.test.yaml"]);
}

#[test]
fn a_case_that_fails_shows_its_place_what_was_expected_and_the_tree() {
    assert_run!(failing(), &["test", "bad.test.yaml", "-v"]);
}

#[test]
fn the_line_to_paste_shows_the_same_tree() {
    let shell = failing();
    let json = shell.run(&["test", "bad.test.yaml", "--format", "json"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let case = &json["cases"][1];
    assert_eq!(
        case["command"],
        "fingerpost delegate /svc/web --snapshot bad.test.yaml --local '/svc/web=>/svc/web-v3'"
    );
    let pasted =
        ["delegate", "/svc/web", "--snapshot", "bad.test.yaml", "--local", "/svc/web=>/svc/web-v3"];
    let ran = shell.run(&[&pasted[..], &["--format", "json"]].concat());
    let shown: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let bare = |steps: &serde_json::Value| {
        // The override is written in another text.
        let mut steps = steps.clone();
        for step in steps.as_array_mut().expect("a list") {
            if step["dentry"]["table"] == "override" {
                step["dentry"]["place"].take();
            }
        }
        steps
    };
    assert_eq!(bare(&shown["steps"]), bare(&case["steps"]));
    assert_eq!(shown["summary"], case["summary"]);
}

#[test]
fn a_case_is_explained_also_if_it_passes() {
    assert_run!(passing(), &["test", "routes.test.yaml", "--explain", "override"]);
}

#[test]
fn only_the_cases_that_are_wanted_are_run() {
    let shell = failing();
    assert_run!(shell, &["test", "bad.test.yaml", "--filter", "is", "-v", "--coverage"]);
    let none = shell.run(&["test", "bad.test.yaml", "--filter", "nothing"]);
    assert_eq!(none.status, Some(2), "{}", none.transcript());
}

#[test]
fn coverage_names_what_no_case_reaches_and_several_files_cover_a_table_together() {
    let shell = failing();
    assert_run!(shell, &["test", "bad.test.yaml", "--filter", "is there", "--coverage"]);
    let both = shell.run(&["test", ".", "--coverage"]);
    assert!(both.stdout.contains("5 of 5 dentries, 6 of 7 branches (85.7 %)"), "{}", both.stdout);
}

#[test]
fn too_little_coverage_fails() {
    let shell = passing();
    let enough = shell.run(&["test", "routes.test.yaml", "--fail-under", "85%"]);
    assert_eq!(enough.status, Some(0), "{}", enough.transcript());
    assert_run!(shell, &["test", "routes.test.yaml", "--fail-under", "90", "--coverage"]);
    assert_eq!(shell.run(&["test", "routes.test.yaml", "--fail-under", "101"]).status, Some(2));
}

#[test]
fn json_has_every_case_and_branch() {
    let shell = passing();
    assert_run!(shell, &["test", "routes.test.yaml", "--filter", "old", "--format", "json"]);
}

#[test]
fn junit_has_a_suite_for_each_file() {
    assert_run!(failing(), &["test", "routes.test.yaml", "bad.test.yaml", "--format", "junit"]);
}

const CONFIG: &str = "\
namers:
- {kind: io.l5d.fs, rootDir: disco}
- {kind: io.l5d.rewrite, prefix: /rw, pattern: '/{a}', name: '/svc/{a}'}
routers:
- {protocol: http, label: one, dtab: /svc => /#/io.l5d.fs, servers: [{port: 1}]}
- protocol: http
  label: two
  identifier: {kind: io.l5d.path, segments: 2}
  dstPrefix: /p
  dtab: |
    /p/v1 => /#/rw ;
    /svc  => /#/io.l5d.fs ;
  interpreter: {kind: default, transformers: [{kind: io.l5d.port, port: 99}]}
  servers: [{port: 2}]
";

#[test]
fn a_configuration_brings_its_table_identifiers_and_namers() {
    let cases = "\
cases:
- name: the first two segments are the name
  request: {path: /v1/web/index}
  expect: {bound: /%/io.l5d.port/99/#/io.l5d.fs/web, endpoints: [10.0.0.7:99], through: [conf/linkerd.yaml:11]}
";
    let head = "config: conf/linkerd.yaml\nrouter: two\n";
    let shell = Shell::with(&[("conf/linkerd.yaml", CONFIG), ("disco/web", "host.example 80\n")]);
    let known = "hosts: {host.example: [10.0.0.7]}\n";
    shell.write("files.test.yaml", &format!("{head}{known}{cases}"));
    shell.write(
        "listed.test.yaml",
        &format!("{head}discovery: {{/#/io.l5d.fs/web: [10.0.0.7:80]}}\n{cases}"),
    );
    shell.write(
        "none.test.yaml",
        &format!(
            "{head}discovery: {{}}\n{}",
            cases.replace(
                "bound: /%/io.l5d.port/99/#/io.l5d.fs/web, endpoints: [10.0.0.7:99]",
                "error: neg"
            )
        ),
    );
    shell.run(&["snapshot", "--snapshot", "listed.test.yaml", "-o", "s.json"]);
    shell.write("recorded.test.yaml", &format!("{head}snapshot: s.json\n{cases}"));
    assert_run!(shell, &["test", ".", "-v", "--coverage"]);
}

#[test]
fn a_snapshot_brings_its_table_and_files_their_names() {
    let shell = Shell::with(&[("disco/web", "10.0.0.1 80\nhost.example 80\n")]);
    let case =
        "cases: [{name: web, path: /svc/web, expect: {endpoints: [10.0.0.1:80], through: 3}}]\n";
    shell.write(
        "t/files.test.yaml",
        &format!("dtab: |\n\n  /svc => /#/io.l5d.fs ;\ndisco: ../disco\n{case}"),
    );
    shell.run(&["snapshot", "--snapshot", "t/files.test.yaml", "-o", "t/s.json"]);
    shell.write("t/recorded.test.yaml", &format!("snapshot: s.json\n{case}"));
    assert_run!(shell, &["test", "t", "-v"]);
}

#[test]
fn what_is_wrong_with_a_test_file_is_pointed_at_with_status_2() {
    let shell = Shell::with(&[
        ("routes.dtab", ROUTES),
        ("wrong.dtab", "/svc = /a ;\n"),
        ("linkerd.yaml", CONFIG),
        ("disco/web", ""),
    ]);
    let case = "cases: [{name: a, path: /a, expect: {error: neg}}]\n";
    let expect = |expect: &str| {
        format!("dtab: routes.dtab\ncases:\n- {{name: a, path: /a, expect: {expect}}}\n")
    };
    let files = [
        ("empty", String::new()),
        ("no-table", case.to_owned()),
        ("no-cases", "dtab: /a => /b\n".to_owned()),
        ("empty-cases", "dtab: /a => /b\ncases: []\n".to_owned()),
        ("no-such-dtab", format!("dtab: none.dtab\n{case}")),
        ("wrong-dtab", format!("dtab: wrong.dtab\n{case}")),
        ("wrong-entries", format!("dtab: |\n  /a => /b ;\n  /c = /d\n{case}")),
        ("two-tables", format!("dtab: routes.dtab\nconfig: linkerd.yaml\n{case}")),
        ("router-of-nothing", format!("dtab: routes.dtab\nrouter: one\n{case}")),
        ("which-router", format!("config: linkerd.yaml\n{case}")),
        ("no-such-router", format!("config: linkerd.yaml\nrouter: three\n{case}")),
        ("two-discoveries", format!("dtab: routes.dtab\ndisco: disco\ndiscovery: {{}}\n{case}")),
        ("disco-and-namers", format!("config: linkerd.yaml\nrouter: one\ndisco: disco\n{case}")),
        ("no-such-disco", format!("dtab: routes.dtab\ndisco: nodir\n{case}")),
        ("no-such-snapshot", format!("snapshot: none.json\n{case}")),
        ("no-snapshot", format!("snapshot: linkerd.yaml\n{case}")),
        (
            "discovery",
            format!(
                "dtab: routes.dtab\ndiscovery:\n  web: []\n  /svc/web: []\n  /#/io.l5d.fs/a: [10.0.0.1]\n  \
                 /#/io.l5d.fs/b: yes\n  /#/io.l5d.fs/c: {{faild: x}}\n  /#/io.l5d.fs/d: []\n  \
                 /#/io.l5d.fs/d/e: []\n  /#/io.l5d.fs/f: ['10.0.0.1:80 * -1']\nhosts: {{h: [x]}}\n{case}"
            ),
        ),
        (
            "no-such-namer",
            format!("config: linkerd.yaml\nrouter: one\ndiscovery: {{/#/io.l5d.sf/web: []}}\n{case}"),
        ),
        (
            "keys",
            "dtab: routes.dtab\ndtab: /a => /b\ncasse: []\ncases:\n- name: a\n  pth: /a\n  expect: {errer: neg}\n\
             - name: b\n  path: svc\n  override: /a = /b\n"
                .to_owned(),
        ),
        (
            "cases",
            "dtab: routes.dtab\ncases:\n- {name: z, path: /a, request: {}, expect: {error: neg}}\n\
             - {name: a, path: /b, expect: {error: neg}}\n- {name: c, path: /b, expect: {error: neg}}\n\
             - {name: c, path: /b, expect: {error: neg}}\n\
             - {name: d, request: {hots: a, path: x}, expect: {error: neg}}\n\
             - {name: e, request: {host: a, headers: {'a b': c}}, expect: {error: neg}}\n\
             - {name: f, request: {host: a, headers: {l5d-dtab: /a}}, expect: {error: neg}}\n\
             - {name: g, request: {method: 'G T'}, expect: {error: neg}}\n"
                .to_owned(),
        ),
        ("nothing-expected", expect("{}")),
        ("bound-and-error", expect("{bound: /a, error: neg}")),
        ("class", expect("{error: nge}")),
        ("shares", expect("{bound: {/a: 0.9, /b: 0.2}, residual: a}")),
        ("share", expect("{bound: {/a: 1.5, b: 0}, endpoints: [x]}")),
        ("tolerance", expect("{error: neg, tolerance: 0.1}")),
        (
            "entries",
            expect("{through: [6, 4, 'routes.dtab:9', 'other.dtab:2', /svc/od, /srv => /x, first, /a b], not-through: /zzz => /x}"),
        ),
    ];
    let mut told = String::new();
    for (name, text) in &files {
        let file = format!("{name}.test.yaml");
        shell.write(&file, text);
        let ran = shell.run(&["test", &file]);
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), "0 passed, 0 failed\n"), "{name}");
        told += &format!("# {name}\n{}\n", ran.stderr);
    }
    insta::assert_snapshot!(told);
}

#[test]
fn files_that_cannot_be_read_do_not_keep_others_from_being_run() {
    let shell = passing();
    let ran = shell.run(&["test", "none.test.yaml", "routes.test.yaml"]);
    assert_eq!(ran.status, Some(2));
    assert!(ran.stdout.contains("11 passed, 0 failed"), "{}", ran.transcript());
    shell.write("empty/readme", "");
    assert_run!(shell, &["test", "empty"]);
}

/// The fixtures that stand in the manual: they pass, and no entry of theirs is there for show.
#[test]
fn the_cases_of_the_manual_pass_and_cover_their_tables() {
    let shell = Shell::with(&[]);
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/cases");
    let cases = cases.to_str().expect("UTF-8");
    let ran = shell.run(&["test", cases, "--coverage", "--fail-under", "100"]);
    assert_eq!(ran.status, Some(0), "{}", ran.transcript());
    assert!(ran.stdout.contains(" passed, 0 failed\n13 of 13 dentries, "), "{}", ran.stdout);
}

#[test]
fn the_line_to_paste_keeps_the_weights_of_an_override() {
    let shell = passing();
    let case = "cases: [{name: a, path: /a, override: /a => 0.995 * /b & 0.005 * /$/nil, expect: {error: fail}}]\n";
    shell.write("weights.test.yaml", &format!("dtab: /b => /$/inet/127.1/80\n{case}"));
    let ran = shell.run(&["test", "weights.test.yaml"]);
    let line = "--local '/a=>0.995 * /b & 0.005 * /$/nil'";
    assert!(ran.stdout.contains(line), "{}", ran.transcript());
}
