//! Directories whose changes are told.

use std::collections::HashMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

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
    identity: (u64, u64),
    /// The last pass that it was part of.
    pass: u64,
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
        let identity = (metadata.dev(), metadata.ino());
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
