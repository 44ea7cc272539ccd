//! `fs`: what the `io.l5d.fs` namer makes of a folder of files.

use std::fs;
use std::path::Path as Folder;
use std::time::Duration;

use dtab::{Activity, Name, Path, wire};
use router::namer::fs::FsNamer;
use router::naming::{Hosts, LiveNamer};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::trees::show_bound;
use crate::vectors::{error, text};

const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn answer(_: &Folder, vector: &Value) -> Value {
    let root = tempfile::tempdir().expect("a folder");
    for (name, content) in vector["files"].as_object().expect("files") {
        let file = root.path().join(name);
        let folder = if name.ends_with('/') { Some(&*file) } else { file.parent() };
        fs::create_dir_all(folder.expect("a folder above")).expect("the folder");
        if !name.ends_with('/') {
            fs::write(&file, text(content)).expect("the file");
        }
    }
    let prefix = Path::parse("/#/io.l5d.fs").expect("a path");
    let name = prefix.concat(&Path::parse(text(&vector["path"])).expect("a path"));
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let hosts = Hosts::system(runtime.handle().clone());
        let namer = FsNamer::new(root.path().to_owned(), prefix, hosts);
        let mut watch = namer.watch(&name);
        let known = watch.wait_for(|state| *state != Activity::Pending);
        let known = tokio::time::timeout(PATIENCE, known).await.expect("an answer in time");
        match &*known.expect("an answer") {
            Activity::Ok(tree) => {
                let leaf = |name: &Name| match name {
                    Name::Bound(bound) => show_bound(bound),
                    Name::Path(path) => json!(path.to_string()),
                };
                json!({ "tree": wire::tree(tree, &leaf) })
            }
            Activity::Failed(failure) => error(failure),
            Activity::Pending => unreachable!("it was waited for"),
        }
    })
}
