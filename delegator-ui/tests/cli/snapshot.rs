use crate::assert_run;
use crate::delegate::admin_server;
use crate::shell::{Ran, Shell};
use crate::ui::Serving;

const CONFIG: &str = "\
namers:
- kind: io.l5d.fs
  rootDir: disco
- kind: io.l5d.rewrite
  prefix: /rw
  pattern: /{service}
  name: /svc/{service}
routers:
- protocol: http
  label: a
  dtab: |
    /srv      => /#/io.l5d.fs ;   # files
    /svc      => /srv ;
    /svc/ten  => 0.995 * /srv/web &
                 0.005 * /srv/eu/api & /srv/none ;
    /svc/stop => ! ;
    /svc/nil  => $ ;
    /svc/loop => /svc/loop/again ;
    /rw       => /#/rw ;
  interpreter:
    kind: default
    transformers:
    - {kind: io.l5d.port, port: 4141}
  servers: [{port: 4140}]
- protocol: http
  label: b
  interpreter:
    kind: default
    transformers: [{kind: io.l5d.localhost}]
  servers: [{port: 4142}]
";

fn world() -> Shell {
    Shell::with(&[
        ("linkerd.yaml", CONFIG),
        ("disco/web", "10.0.0.1 8080\n10.0.0.2 8080 * 0.5\n"),
        ("disco/eu/api", "10.0.1.1 80\n"),
        ("disco/idle", ""),
        ("disco/bad", "10.0.0.1\n"),
    ])
}

/// The text of a snapshot, without the time at which it was taken.
fn written(shell: &Shell, name: &str) -> String {
    let text = shell.read(name);
    let line = text.lines().find(|line| line.contains("\"taken\"")).expect("it says when");
    let (before, time) = line.split_once(": ").expect("a time");
    assert!(time.ends_with("Z\",") && time.len() == "\"2026-11-25T12:00:00Z\",".len(), "{line}");
    text.replace(line, &format!("{before}: TIME,"))
}

#[test]
fn a_configuration_is_recorded_with_every_name_of_its_files() {
    let shell = world();
    assert_run!(shell, &["snapshot", "--config", "linkerd.yaml", "--router", "a", "-o", "a.json"]);
    insta::assert_snapshot!(written(&shell, "a.json"));
}

/// The law of snapshots: what is shown of a name does not change by being recorded.
#[test]
fn a_name_resolves_by_a_snapshot_as_by_what_was_recorded() {
    let shell = world();
    let live = ["--config", "linkerd.yaml", "--router", "a"];
    shell.run(&[&["snapshot", "-o", "a.json"], &live[..]].concat());
    // Nothing is there but the snapshot.
    let elsewhere = Shell::with(&[("a.json", &shell.read("a.json"))]);
    let names = [
        "/svc/web/x",
        "/svc/ten",
        "/svc/stop",
        "/svc/nil",
        "/svc/loop",
        "/svc/none",
        "/svc/idle",
        "/svc/bad",
        "/svc/eu",
        "/svc/eu/api/v1",
        "/rw/web",
        "/rw",
        "/$/inet/127.1/80",
        "/x",
    ];
    let mut bound = 0;
    for name in names {
        for local in ["", "/svc/web => /svc/ten ; /svc/none => /srv/web ; /srv => /$/nil | /srv/eu"]
        {
            let format = if local.is_empty() { "tree" } else { "json" };
            let asked = ["delegate", name, "--local", local, "--format", format];
            let now = shell.run(&[&asked, &live[..]].concat());
            let then = elsewhere.run(&[&asked[..], &["--snapshot", "a.json"]].concat());
            let seen = |ran: &Ran| (ran.status, ran.stdout.clone(), ran.stderr.clone());
            assert_eq!(seen(&then), seen(&now), "{name} with {local}");
            bound += usize::from(now.status == Some(0));
        }
    }
    assert!(bound > 10, "some of them are bound: {bound}");
}

#[test]
fn a_table_and_files_are_recorded_and_entries_can_be_added() {
    let shell = world();
    shell.write("routes.dtab", "# all of them\n/svc => /#/io.l5d.fs ;\n");
    let recorded =
        ["snapshot", "-d", "routes.dtab", "-e", "/a => /svc/web", "--disco", "disco", "-o", "-"];
    shell.write("world.json", &shell.run(&recorded).stdout);
    insta::assert_snapshot!(written(&shell, "world.json"));
    assert_run!(shell, &["delegate", "/b", "--snapshot", "world.json", "-e", "/b => /a"]);
    assert_run!(
        shell,
        &["delegate", "/a", "--snapshot", "world.json", "--explain-not", "/#/io.l5d.fs/idle"]
    );
}

#[test]
fn what_cannot_be_recorded_is_told_and_again_where_it_matters() {
    let shell = world();
    assert_run!(shell, &["snapshot", "--config", "linkerd.yaml", "--router", "b", "-o", "b.json"]);
    assert_run!(shell, &["delegate", "/$/inet/host.example/80", "--snapshot", "b.json"]);
}

#[test]
fn a_running_router_is_recorded_by_itself() {
    let shell = world();
    shell.write("routes.dtab", "/svc => /#/io.l5d.fs ;\n");
    let ui = Serving::ui(&shell, &["-d", "routes.dtab", "--disco", "disco"]);
    let url = format!("http://{}", ui.address);
    let recorded = shell.run(&["snapshot", "--admin", &url, "-o", "admin.json"]);
    assert_eq!(recorded.status, Some(0), "{}", recorded.transcript());
    let of_admin = written(&shell, "admin.json");
    assert!(
        of_admin.contains(&format!("\"source\": \"{url}\",\n  \"router\": \"table\"")),
        "{of_admin}"
    );
    shell.run(&["snapshot", "-d", "routes.dtab", "--disco", "disco", "-o", "files.json"]);
    // But for what it is called, it is the same as of the files.
    let same = |text: &str| text.split_once("\"dtab\"").map(|it| it.1.to_owned());
    assert_eq!(same(&of_admin), same(&written(&shell, "files.json")));
}

#[test]
fn a_linkerd_cannot_be_recorded_and_it_is_said_what_to_do() {
    let url = admin_server(&[("/config.json", r#"{"routers":[{"protocol":"http"}]}"#)]);
    let ran = Shell::with(&[]).run(&["snapshot", "--admin", &url, "-o", "x.json"]);
    insta::assert_snapshot!(ran.transcript().replace(&url, "URL"));
}

#[test]
fn what_is_no_snapshot_is_pointed_at_with_status_2() {
    let shell = Shell::with(&[
        ("old.json", "{\n  \"version\": 7,\n  \"names\": []\n}\n"),
        ("cut.json", "{\n  \"version\": 1,\n  \"taken\": "),
        (
            "slip.json",
            "{\"version\": 1, \"taken\": \"2026-11-25T12:00:00Z\", \"source\": \"\", \"router\": \"\", \
            \"dtab\": [], \"transformers\": [], \"namers\": [{\"prefix\": \"/#/x\", \"transformers\": [], \
            \"nmaes\": {}}], \"hosts\": {}, \"left_out\": []}",
        ),
    ]);
    let runs = [
        shell.run(&["delegate", "/x", "--snapshot", "old.json"]),
        shell.run(&["delegate", "/x", "--snapshot", "cut.json"]),
        shell.run(&["delegate", "/x", "--snapshot", "slip.json"]),
        shell.run(&["delegate", "/x", "--snapshot", "none.json"]),
        shell.run(&["delegate", "/x", "--snapshot", "old.json", "--watch"]),
        shell.run(&["delegate", "/x", "--snapshot", "old.json", "--disco", "."]),
        shell.run(&["snapshot", "-d", "-", "--snapshot", "-", "-o", "x"]),
        shell.run(&["snapshot", "-o", "no/such/folder/x"]),
    ];
    assert!(runs.iter().all(|ran| ran.status == Some(2) && ran.stdout.is_empty()));
    insta::assert_snapshot!(runs.map(|ran| ran.transcript()).join("\n"));
}
