use std::fs;
use std::time::Duration;

use dtab::view::explain_short;
use dtab::{Address, Delegation, MetaValue, Path, Place, Source};

use super::*;
use crate::config::{self, Config};
use crate::configured;
use crate::interpreter::Interpreter;

const PATIENCE: Duration = Duration::from_secs(30);

/// A configuration over a new directory with these files.
struct World {
    _dir: tempfile::TempDir,
    config: Config,
}

impl World {
    fn new(files: &[(&str, &str)], routers: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = dir.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let root = dir.path().display();
        let text = format!(
            "namers:\n- kind: io.l5d.fs\n  rootDir: {root}\n- kind: io.l5d.rewrite\n  prefix: /rw\n  \
             pattern: /{{service}}\n  name: /svc/{{service}}\nrouters:\n{routers}"
        );
        World { _dir: dir, config: config::parse("linkerd.yaml", &text).unwrap() }
    }

    fn interpreter(&self) -> Arc<Interpreter> {
        let rt = tokio::runtime::Handle::current();
        let hosts =
            BTreeMap::from([("db.example".to_owned(), Some(vec!["10.0.0.9".parse().unwrap()]))]);
        let hosts = known_hosts(hosts, rt.clone());
        let namers = configured::namers_with(&self.config.namers, hosts).unwrap();
        configured::interpreter(&self.config.routers[0], namers, &rt)
    }

    async fn record(&self) -> (Arc<Interpreter>, Snapshot) {
        let live = self.interpreter();
        let recorder = Recorder::of(&self.config, &self.config.routers[0]);
        let snapshot = recorder.record(&live, live.base(), PATIENCE).await;
        (live, snapshot)
    }
}

const ROUTER: &str = "\
- protocol: http
  label: web
  dtab: |
    /srv     => /#/io.l5d.fs ;   # files
    /svc     => /srv ;
    /svc/db  => /$/inet/db.example/5432 | /$/inet/none.example/1 ;
    /svc/web => 0.995 * /srv/web &
                0.005 * /srv/eu/api ;
    /rw      => /#/rw ;
  interpreter:
    kind: default
    transformers: [{kind: io.l5d.port, port: 4141}, {kind: io.l5d.localhost}]
  servers: [{port: 0}]
";

const FILES: [(&str, &str); 4] = [
    ("web", "10.0.0.1 8080\n10.0.0.2 8080 * 0.5\n"),
    ("eu/api", "db.example 80\n"),
    ("bad", "10.0.0.1\n"),
    ("idle", ""),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_has_the_table_the_names_and_the_hosts() {
    let (_, mut snapshot) = World::new(&FILES, ROUTER).record().await;
    snapshot.taken = SystemTime::UNIX_EPOCH;
    insta::assert_snapshot!(format!("{:#}", to_json(&snapshot)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_is_read_again() {
    let (_, mut snapshot) = World::new(&FILES, ROUTER).record().await;
    snapshot.taken = SystemTime::UNIX_EPOCH;
    let text = to_json(&snapshot).to_string();
    let again = read("s.json", &text).unwrap();
    assert_eq!(again, snapshot);
    let places = |dtab: &Dtab| -> Vec<String> {
        dtab.iter()
            .map(|dentry| dentry.place().as_ref().map_or(String::new(), Place::to_string))
            .collect()
    };
    assert_eq!(places(&again.dtab), places(&snapshot.dtab));
    assert_eq!(to_json(&again).to_string(), text);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_resolve_from_a_snapshot_as_they_did() {
    // What goes by the machine is left out, so that it would not be the same.
    let router = ROUTER.replace(", {kind: io.l5d.localhost}", "");
    let world = World::new(&FILES, &router);
    let (live, snapshot) = world.record().await;
    assert_eq!(snapshot.left_out, ["the host none.example was not recorded, and is not looked up"]);
    let replay = snapshot.interpreter(&tokio::runtime::Handle::current()).unwrap();
    let local = Dtab::parse("/svc/idle => /srv/bad").unwrap();
    let resolve = async |by: &Interpreter, local: &Dtab, path: &str| -> Delegation {
        by.delegate(by.base(), local, &Path::parse(path).unwrap(), PATIENCE).await
    };
    for path in [
        "/svc/web/x",
        "/svc/db",
        "/svc/bad",
        "/svc/idle",
        "/svc/none",
        "/svc/eu",
        "/rw/web",
        "/#/rw/eu",
        "/x",
    ] {
        for local in [&Dtab::empty(), &local] {
            let (now, then) =
                (resolve(&live, local, path).await, resolve(&replay, local, path).await);
            assert_eq!(explain_short(&then, &[]), explain_short(&now, &[]), "{path}");
            assert_eq!(then, now, "{path}");
        }
    }
}

#[tokio::test]
async fn a_host_that_was_not_recorded_is_said_to_be_unknown() {
    let dtab = Dtab::parse("/svc => /$/inet").unwrap();
    let interpreter = Snapshot::of_table("-e", dtab.clone());
    let interpreter = interpreter.interpreter(&tokio::runtime::Handle::current()).unwrap();
    let path = Path::parse("/svc/www.example/80").unwrap();
    let told = interpreter.delegate(&dtab, &Dtab::empty(), &path, Duration::ZERO).await;
    let told = explain_short(&told, &[]);
    assert!(told.contains("www.example was not recorded, and is not looked up"), "{told}");
}

#[test]
fn every_state_has_a_form() {
    let address = Address {
        socket: "[::1]:80".parse().unwrap(),
        meta: [
            ("endpoint_addr_weight".to_owned(), MetaValue::Number(2.0)),
            ("nodeName".to_owned(), MetaValue::Text("7".to_owned())),
        ]
        .into(),
    };
    let states = [
        NameState::Bound(Addr::bound([address])),
        NameState::Bound(Addr::Neg),
        NameState::Bound(Addr::Failed("why".into())),
        NameState::Bound(Addr::Status(503)),
        NameState::Neg,
        NameState::Failed("why".into()),
        NameState::Pending,
    ];
    let prefix = Path::parse("/#/x").unwrap();
    let name = |at: usize| prefix.concat(&Path::from_segments([at.to_string()]));
    let names = states.into_iter().enumerate().map(|(at, state)| (name(at), state)).collect();
    let namer = RecordedNamer {
        prefix: prefix.clone(),
        transformers: vec![],
        answers: Answers::Names(names),
    };
    let snapshot = Snapshot {
        taken: SystemTime::UNIX_EPOCH,
        namers: vec![namer],
        hosts: [("a.example".to_owned(), None)].into(),
        ..Snapshot::of_table("x", Dtab::empty())
    };
    assert_eq!(read("s.json", &to_json(&snapshot).to_string()).unwrap(), snapshot);
}

#[test]
fn weights_keep_their_digits_and_places_may_be_missing_or_out_of_order() {
    let text = "/a => 0.0625 * /b & 3 * (/c | (/d & 0.00001 * /e)) ; /f => ! | ~ ; /g => $";
    let typed = Dtab::parse(text).unwrap();
    let placed = Dtab::parse_source(&Source::new("a:b.dtab", text)).unwrap();
    let back: Dtab = placed.iter().rev().cloned().collect();
    for dtab in [typed.clone(), placed.clone(), back.clone(), back.concat(&typed).concat(&placed)] {
        let again = table::read(table::write(&dtab)).unwrap();
        assert_eq!(again, dtab);
        let at = |dtab: &Dtab| {
            dtab.iter().map(|it| it.place().map(|at| at.to_string())).collect::<Vec<_>>()
        };
        assert_eq!(at(&again), at(&dtab));
    }
}

#[test]
fn what_is_no_snapshot_is_pointed_at() {
    let bad = [
        "",
        "[]",
        "{\"version\": 2, \"new\": 1}",
        "{\"version\": 1, \"taken\": \"now\", \"source\": \"\", \"router\": \"\", \"dtab\": [{\"at\": \"a:0:1\", \"dentry\": \"/a => /b\"}], \
         \"transformers\": [{\"kind\": \"io.l5d.prot\"}], \"namers\": [{\"prefix\": \"/#/a\", \"transformers\": [], \"names\": {\"/#/b\": \"neg\", \"c\": 1}}], \
         \"hosts\": {\"h\": \"no\"}, \"left_out\": [], \"lef_out\": []}",
        "{\"version\": 1, \"dtab\": [{\"dentry\": \"/a = /b\"}], \"namers\": [{\"prefix\": \"/#/a\", \"names\": {}, \"rewrite\": {}}]}",
    ];
    let told = bad.map(|text| read("s.json", text).unwrap_err().to_string());
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn places_far_apart_do_not_take_all_memory() {
    let entry =
        |at: &str| table::Written { at: Some(at.to_owned()), dentry: "/a => /b".to_owned() };
    let far = |count: usize| {
        let pairs = (0..count).flat_map(|_| [entry("f:1:100000"), entry("f:1:1")]);
        table::read(pairs)
    };
    assert_eq!(far(10).map(|dtab| dtab.len()), Ok(20));
    assert!(far(700).unwrap_err().ends_with("the places take more than 64 MiB"));
    assert!(
        table::read([entry("f:1000001:1")]).is_err() && table::read([entry("f:1:100001")]).is_err()
    );
}
