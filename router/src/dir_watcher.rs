//! Directories whose changes are told.

use std::collections::HashMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use notify::event::{AccessKind, AccessMode, Event, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

/// Watches directories, by the identity that they have: one that takes the place of another is watched
/// anew. Who has it looks at the files in passes, and must look now and then even if nothing is told:
/// not every file system tells of changes.
pub(crate) struct DirWatcher {
    watcher: Option<RecommendedWatcher>,
    dirs: HashMap<PathBuf, Dir>,
}

struct Dir {
    identity: Identity,
    /// The last pass that it was part of.
    pass: u64,
}

/// Tells one directory from another of the same path. The number of one that has gone is given to the
/// next, so when it was made counts, too, where the file system knows.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    created: Option<SystemTime>,
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        let (device, inode) = (metadata.dev(), metadata.ino());
        Identity { device, inode, created: metadata.created().ok() }
    }
}

impl DirWatcher {
    /// `on_event` runs on a thread of its own. `what` is for the log.
    pub(crate) fn new(
        what: &Path,
        on_event: impl Fn(notify::Result<Event>) + Send + 'static,
    ) -> Self {
        let watcher = notify::recommended_watcher(on_event);
        if let Err(error) = &watcher {
            tracing::warn!(what = %what.display(), %error, "changes are found by polling only");
        }
        DirWatcher { watcher: watcher.ok(), dirs: HashMap::new() }
    }

    /// Has changes in a directory told, if they are not yet.
    pub(crate) fn watch(&mut self, path: &Path, metadata: &Metadata, pass: u64) {
        let identity = Identity::of(metadata);
        let known = self.dirs.get_mut(path);
        let stale = match known {
            Some(dir) if dir.identity == identity => {
                dir.pass = pass;
                return;
            }
            known => known.is_some(),
        };
        let Some(watcher) = &mut self.watcher else { return };
        if stale {
            let _ = watcher.unwatch(path); // fails if the old directory has gone
        }
        match watcher.watch(path, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.dirs.insert(path.to_owned(), Dir { identity, pass });
            }
            Err(error) => {
                self.dirs.remove(path);
                tracing::debug!(dir = %path.display(), %error, "a directory is polled only");
            }
        }
    }

    /// Lets go of directories that were not part of this pass.
    pub(crate) fn keep(&mut self, pass: u64) {
        let gone = self.dirs.extract_if(|_, dir| dir.pass != pass);
        for (path, _) in gone {
            if let Some(watcher) = &mut self.watcher {
                let _ = watcher.unwatch(&path); // fails if the directory has gone, and its watch
            }
        }
    }
}

/// Whether an event can mean another content; our own reading does not.
pub(crate) fn is_change(event: &Event) -> bool {
    match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_directory_that_takes_the_place_and_the_number_of_another_is_watched() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("disco");
        let (sender, told) = mpsc::channel();
        let mut watcher = DirWatcher::new(&dir, move |event| {
            if let Ok(event) = event
                && event.paths.iter().any(|path| path.ends_with("disco/web"))
            {
                // Nobody listens any more once the test is over.
                let _ = sender.send(());
            }
        });
        fs::create_dir(&dir).unwrap();
        watcher.watch(&dir, &fs::metadata(&dir).unwrap(), 1);
        // The file system gives the same number again, as most do, or another: it must not matter.
        fs::remove_dir(&dir).unwrap();
        fs::create_dir(&dir).unwrap();
        watcher.watch(&dir, &fs::metadata(&dir).unwrap(), 2);
        fs::write(dir.join("web"), "127.0.0.1 80").unwrap();
        told.recv_timeout(Duration::from_secs(10)).expect("the new directory is watched");
    }
}
