use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path as FilePath;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use dtab::{Activity, MetaValue};
use proptest::prelude::*;
use tempfile::TempDir;
use tokio::runtime::{Handle, Runtime};

use super::*;
use crate::naming::{HostLookup, Looked};

/// Every change is seen within this, however busy the machine is.
const SEEN: Duration = Duration::from_secs(20);

fn namer(root: &FilePath) -> FsNamer {
    let hosts = Hosts::system(Handle::current());
    FsNamer::new(root.to_owned(), path("/#/io.l5d.fs"), hosts)
}

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

/// `~`, or `id residual: addresses`.
fn shown(state: &Activity<NameTree<Name>>) -> String {
    match state {
        Activity::Ok(NameTree::Neg) => "~".to_owned(),
        Activity::Ok(NameTree::Leaf(Name::Bound(bound))) => {
            let addr = match &bound.addr {
                Addr::Bound(set) => {
                    let show = |address: &dtab::Address| match address.meta.values().next() {
                        Some(MetaValue::Number(weight)) => format!("{}*{weight}", address.socket),
                        _ => address.socket.to_string(),
                    };
                    set.endpoints().iter().map(show).collect::<Vec<_>>().join(" ")
                }
                other => format!("{other:?}"),
            };
            format!("{} {}: {addr}", bound.id, bound.residual)
        }
        other => format!("{other:?}"),
    }
}

async fn becomes(watch: &mut Watch<NameTree<Name>>, wanted: &str) {
    let seen =
        tokio::time::timeout(SEEN, watch.wait_for(|state| shown(state) == wanted)).await.is_ok();
    assert!(seen, "wanted {wanted}, has {}", shown(&watch.borrow()));
}

async fn first(namer: &FsNamer, name: &str) -> String {
    let mut watch = namer.watch(&path("/#/io.l5d.fs").concat(&path(name)));
    let known = watch.wait_for(|state| *state != Activity::Pending);
    let state = tokio::time::timeout(SEEN, known).await.unwrap().unwrap();
    shown(&state)
}

#[tokio::test]
async fn a_flood_of_made_up_names_is_forgotten_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let namer = namer(dir.path());
    let kept = namer.watch(&path("/#/io.l5d.fs/kept"));
    for name in 0..10_000 {
        namer.watch(&path(&format!("/#/io.l5d.fs/made-up-{name}")));
    }
    let names = namer.shared.names();
    assert!(names.all.len() <= 2 * MIN_ROOM, "{} names", names.all.len());
    assert!(names.all.contains_key(&path("/kept")), "{kept:?} is still watched");
}

/// A folder and the namer over it, with the root one below the folder.
fn folder() -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("disco");
    fs::create_dir(&root).unwrap();
    (folder, root)
}

#[tokio::test]
async fn a_file_is_a_name_and_the_rest_is_residual() {
    let (_folder, root) = folder();
    fs::create_dir_all(root.join("d/e")).unwrap();
    fs::write(root.join("d/a"), "127.0.0.1 80 * 0.5\n127.1 81").unwrap();
    fs::write(root.join("empty"), "").unwrap();
    fs::write(root.join("bad"), "127.0.0.1 80\nx y").unwrap();
    let namer = namer(&root);
    let id = "/#/io.l5d.fs";
    let both = "127.0.0.1:80*0.5 127.0.0.1:81";
    assert_eq!(first(&namer, "/d/a/x").await, format!("{id}/d/a /x: {both}"));
    assert_eq!(first(&namer, "/empty").await, format!("{id}/empty /: "));
    assert_eq!(
        first(&namer, "/bad").await,
        format!("{id}/bad /: Failed(\"malformed address: x y\")")
    );
    for neg in ["/", "/none", "/d", "/d/e", "/d/e/f", "/d/../d/a", "/d/./a", "/d\\x2fa", "/\\x00"] {
        assert_eq!(first(&namer, neg).await, "~", "{neg}");
    }
    let listed: Vec<_> = namer.bound_names().iter().map(ToString::to_string).collect();
    assert_eq!(listed, [format!("{id}/bad"), format!("{id}/d"), format!("{id}/empty")]);
}

#[tokio::test]
async fn names_and_content_that_are_not_text_do_no_harm() {
    let (_folder, root) = folder();
    let name = FilePath::new(std::ffi::OsStr::from_bytes(b"\xff\xfe"));
    fs::write(root.join(name), "127.0.0.1 80").unwrap();
    fs::write(root.join("binary"), b"127.0.0.1 \xff\n").unwrap();
    fs::write(root.join("large"), vec![b'\n'; MAX_FILE as usize + 1]).unwrap();
    let namer = namer(&root);
    assert!(first(&namer, "/\\xff\\xfe").await.ends_with(": 127.0.0.1:80"));
    assert!(first(&namer, "/binary").await.contains("malformed address: 127.0.0.1 \u{fffd}"));
    assert!(first(&namer, "/large").await.contains("larger than"));
    assert_eq!(first(&namer, &format!("/{}", "x".repeat(5000))).await, "~");
    assert_eq!(namer.bound_names().len(), 3);
}

#[tokio::test]
async fn edits_renames_and_removals_are_seen() {
    let (_folder, root) = folder();
    let namer = namer(&root);
    let mut web = namer.watch(&path("/#/io.l5d.fs/web"));
    let bound = |port: u16| format!("/#/io.l5d.fs/web /: 127.0.0.1:{port}");
    let file = root.join("web");
    becomes(&mut web, "~").await;
    fs::write(&file, "127.0.0.1 1").unwrap();
    becomes(&mut web, &bound(1)).await;
    fs::write(&file, "127.0.0.1 2").unwrap();
    becomes(&mut web, &bound(2)).await;
    fs::write(root.join(".web.new"), "127.0.0.1 3").unwrap();
    fs::rename(root.join(".web.new"), &file).unwrap();
    becomes(&mut web, &bound(3)).await;
    fs::remove_file(&file).unwrap();
    becomes(&mut web, "~").await;
    fs::write(&file, "127.0.0.1 4").unwrap();
    becomes(&mut web, &bound(4)).await;
    fs::write(&file, "").unwrap();
    becomes(&mut web, "/#/io.l5d.fs/web /: ").await;
}

/// Polling alone would take about ten seconds.
#[tokio::test]
async fn changes_are_seen_when_they_happen_and_not_when_polled() {
    let (_folder, root) = folder();
    let namer = namer(&root);
    let mut web = namer.watch(&path("/#/io.l5d.fs/web"));
    let started = std::time::Instant::now();
    for port in 1..=20 {
        fs::write(root.join("web"), format!("127.0.0.1 {port}")).unwrap();
        becomes(&mut web, &format!("/#/io.l5d.fs/web /: 127.0.0.1:{port}")).await;
    }
    let took = started.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn one_slow_look_makes_no_other_late_and_slow_looks_make_them_only_so_late() {
    let ms = Duration::from_millis;
    let mut pace = Pace::default();
    pace.looked(ms(1));
    pace.looked(ms(3000));
    assert_eq!((pace.burst(), pace.poll()), (BURST, POLL));
    pace.looked(ms(20));
    assert_eq!((pace.burst(), pace.poll()), (ms(40), ms(2000)));
    pace.looked(ms(3000));
    pace.looked(ms(3000));
    assert_eq!((pace.burst(), pace.poll()), (BURST_MOST, POLL_MOST));
}

#[tokio::test]
async fn folders_and_the_root_may_go_and_come_back() {
    let (folder, root) = folder();
    fs::remove_dir(&root).unwrap();
    let namer = namer(&root);
    let mut web = namer.watch(&path("/#/io.l5d.fs/eu/web"));
    let bound = |port: u16| format!("/#/io.l5d.fs/eu/web /: 127.0.0.1:{port}");
    becomes(&mut web, "~").await;
    for port in 1..4 {
        fs::create_dir(&root).unwrap();
        fs::create_dir(root.join("eu")).unwrap();
        fs::write(root.join("eu/web"), format!("127.0.0.1 {port}")).unwrap();
        becomes(&mut web, &bound(port)).await;
        fs::rename(root.join("eu"), folder.path().join(format!("old-{port}"))).unwrap();
        becomes(&mut web, "~").await;
        fs::create_dir(root.join("eu")).unwrap();
        fs::write(root.join("eu/web"), format!("127.0.0.1 1{port}")).unwrap();
        becomes(&mut web, &bound(10 + port)).await;
        fs::remove_dir_all(&root).unwrap();
        becomes(&mut web, "~").await;
    }
}

/// As Kubernetes mounts a ConfigMap: files lead through `..data`, which is swapped by a rename.
#[tokio::test]
async fn swapped_links_are_seen_and_so_are_edits_behind_links() {
    let (folder, root) = folder();
    let publish = |port: u16| {
        let version = format!("..v{port}");
        fs::create_dir(root.join(&version)).unwrap();
        fs::write(root.join(&version).join("web"), format!("127.0.0.1 {port}")).unwrap();
        symlink(&version, root.join("..data_tmp")).unwrap();
        fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
    };
    publish(1);
    symlink("..data/web", root.join("web")).unwrap();
    let namer = namer(&root);
    let mut web = namer.watch(&path("/#/io.l5d.fs/web"));
    let bound = |port: u16| format!("/#/io.l5d.fs/web /: 127.0.0.1:{port}");
    becomes(&mut web, &bound(1)).await;
    for port in 2..5 {
        publish(port);
        becomes(&mut web, &bound(port)).await;
    }
    fs::write(folder.path().join("elsewhere"), "127.0.0.1 8").unwrap();
    fs::remove_file(root.join("web")).unwrap();
    symlink(folder.path().join("elsewhere"), root.join("web")).unwrap();
    becomes(&mut web, &bound(8)).await;
    fs::write(folder.path().join("elsewhere"), "127.0.0.1 9").unwrap();
    becomes(&mut web, &bound(9)).await;
}

#[tokio::test]
async fn a_file_that_goes_bad_keeps_its_last_good_endpoints_and_says_so() {
    let (_folder, root) = folder();
    let file = root.join("web");
    fs::write(&file, "127.0.0.1 1").unwrap();
    let namer = namer(&root);
    let mut web = namer.watch(&path("/#/io.l5d.fs/web"));
    becomes(&mut web, "/#/io.l5d.fs/web /: 127.0.0.1:1").await;
    fs::write(&file, "127.0.0.1 2\noops").unwrap();
    let error = || namer.watches()[0].error.clone();
    until(|| error() == Some("malformed address: oops".to_owned())).await;
    let version = namer.watches()[0].version;
    becomes(&mut web, "/#/io.l5d.fs/web /: 127.0.0.1:1").await;
    assert_eq!(namer.watches()[0].state, "ok");
    fs::write(&file, "127.0.0.1 3").unwrap();
    becomes(&mut web, "/#/io.l5d.fs/web /: 127.0.0.1:3").await;
    until(|| error().is_none()).await;
    assert_eq!(namer.watches()[0].version, version + 1, "the bad file was no change");
}

/// Knows one host, `web.test`, at 10.0.0.N after N look-ups.
#[derive(Default)]
struct Moving(std::sync::atomic::AtomicU8);

impl HostLookup for Moving {
    fn look_up(
        self: Arc<Self>,
        name: Arc<str>,
    ) -> Pin<Box<dyn Future<Output = Result<Looked, String>> + Send>> {
        let times = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        let address = (&*name == "web.test").then(|| [10, 0, 0, times].into());
        let looked = Looked { addresses: address.into_iter().collect(), ttl: Some(Duration::ZERO) };
        Box::pin(async move { Ok(looked) })
    }
}

#[tokio::test]
async fn host_names_in_files_are_followed_and_forgotten_with_the_file() {
    let (_folder, root) = folder();
    fs::write(root.join("web"), "web.test 80 * 2\n127.0.0.1 81").unwrap();
    let hosts = Hosts::with_source(Arc::<Moving>::default(), Handle::current());
    let namer = FsNamer::new(root.clone(), path("/#/io.l5d.fs"), hosts.clone());
    let mut web = namer.watch(&path("/#/io.l5d.fs/web"));
    for times in 1..=2 {
        becomes(&mut web, &format!("/#/io.l5d.fs/web /: 10.0.0.{times}:80*2 127.0.0.1:81")).await;
    }
    fs::write(root.join("web"), "127.0.0.1 81").unwrap();
    becomes(&mut web, "/#/io.l5d.fs/web /: 127.0.0.1:81").await;
    until(|| hosts.is_idle()).await;
}

#[tokio::test]
async fn watches_end_with_their_last_receiver() {
    let (_folder, root) = folder();
    let namer = namer(&root);
    let watches: Vec<_> =
        (0..100).map(|at| namer.watch(&path(&format!("/#/io.l5d.fs/d/{at}")))).collect();
    assert_eq!(namer.watches().len(), 100);
    drop(watches);
    until(|| namer.shared.names().all.is_empty()).await;
}

/// Waits for what cannot be watched.
async fn until(condition: impl Fn() -> bool) {
    let met = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(SEEN, met).await.unwrap();
}

#[derive(Clone, Debug)]
enum Change {
    Write(&'static str, u16),
    Replace(&'static str, u16),
    Spoil(&'static str),
    Remove(&'static str),
    RemoveFolder,
    RemoveRoot,
}

fn change() -> impl Strategy<Value = Change> {
    let file = || prop::sample::select(vec!["a", "b", "d/a", "d/b"]);
    prop_oneof![
        4 => (file(), 1..100_u16).prop_map(|(file, port)| Change::Write(file, port)),
        4 => (file(), 1..100_u16).prop_map(|(file, port)| Change::Replace(file, port)),
        1 => file().prop_map(Change::Spoil),
        2 => file().prop_map(Change::Remove),
        1 => Just(Change::RemoveFolder),
        1 => Just(Change::RemoveRoot),
    ]
}

fn apply(change: &Change, root: &FilePath) {
    let parent = |file: &str| fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
    match change {
        Change::Write(file, port) => {
            parent(file);
            fs::write(root.join(file), format!("127.0.0.1 {port}")).unwrap();
        }
        Change::Replace(file, port) => {
            parent(file);
            let new = root.join("new");
            fs::write(&new, format!("127.0.0.1 {port}")).unwrap();
            fs::rename(new, root.join(file)).unwrap();
        }
        Change::Spoil(file) => {
            parent(file);
            fs::write(root.join(file), "oops").unwrap();
        }
        Change::Remove(file) => drop(fs::remove_file(root.join(file))),
        Change::RemoveFolder => drop(fs::remove_dir_all(root.join("d"))),
        Change::RemoveRoot => drop(fs::remove_dir_all(root)),
    }
}

/// What a fresh look at the file gives.
fn on_disk(file: &FilePath) -> Option<Result<String, ()>> {
    let text = fs::read_to_string(file).ok()?;
    let port = text.strip_prefix("127.0.0.1 ").ok_or(());
    Some(port.map(|port| format!("127.0.0.1:{port}")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever happens to the files, in the end the names say what the files say; a bad file
    /// leaves some earlier good endpoint, or is a failed address.
    #[test]
    fn after_any_changes_the_names_are_what_the_files_are(
        changes in prop::collection::vec((change(), any::<bool>()), 1..25),
    ) {
        let (_folder, root) = folder();
        Runtime::new().unwrap().block_on(async {
            let namer = namer(&root);
            let names = ["a", "b", "d/a", "d/b"];
            let mut watches = names
                .map(|name| (name, namer.watch(&path(&format!("/#/io.l5d.fs/{name}")))));
            for (change, pause) in &changes {
                apply(change, &root);
                if *pause {
                    tokio::time::sleep(Duration::from_millis(4)).await;
                }
            }
            for (name, watch) in &mut watches {
                let prefix = format!("/#/io.l5d.fs/{name} /: ");
                match on_disk(&root.join(*name)) {
                    None => becomes(watch, "~").await,
                    Some(Ok(address)) => becomes(watch, &format!("{prefix}{address}")).await,
                    Some(Err(())) => {
                        let bound = |state: &_| shown(state).starts_with(&prefix);
                        tokio::time::timeout(SEEN, watch.wait_for(bound)).await.unwrap().unwrap();
                    }
                }
            }
        });
    }
}
