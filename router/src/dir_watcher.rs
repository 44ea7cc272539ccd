//! Directories whose changes are told.

use std::collections::HashMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use notify::event::{AccessKind, AccessMode, Event, EventKind, ModifyKind, RenameMode};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

/// Watches directories, by the identity that they have: one that takes the place of another is watched
/// anew. Who has it looks at the files in passes, and must look now and then even if nothing is told:
/// not every file system tells of changes.
pub(crate) struct DirWatcher {
    watcher: Option<RecommendedWatcher>,
    dirs: Dirs,
}

/// The directories that are watched, also known to the thread that events come from.
#[derive(Clone, Default)]
struct Dirs(Arc<Mutex<HashMap<PathBuf, Dir>>>);

struct Dir {
    identity: Identity,
    /// The last pass that it was part of.
    pass: u64,
    /// Its changes may not be told any more.
    lost: bool,
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

impl Dirs {
    fn all(&self) -> MutexGuard<'_, HashMap<PathBuf, Dir>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes which directories an event may have cost their watch. When a directory goes, its watch is
    /// ended by path, and that may hit one that has taken its place and is watched already.
    fn note(&self, event: &Event) {
        let gone = matches!(
            event.kind,
            EventKind::Remove(_)
                | EventKind::Modify(ModifyKind::Name(RenameMode::From | RenameMode::Both))
        );
        if !gone && !event.need_rescan() {
            return;
        }
        for (path, dir) in &mut *self.all() {
            let below = event.paths.iter().any(|gone| path.starts_with(gone));
            dir.lost |= event.need_rescan() || below;
        }
    }
}

impl DirWatcher {
    /// `on_event` runs on a thread of its own. `what` is for the log.
    pub(crate) fn new(
        what: &Path,
        on_event: impl Fn(notify::Result<Event>) + Send + 'static,
    ) -> Self {
        let dirs = Dirs::default();
        let known = dirs.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if let Ok(event) = &event {
                known.note(event);
            }
            on_event(event);
        });
        if let Err(error) = &watcher {
            tracing::warn!(what = %what.display(), %error, "changes are found by polling only");
        }
        DirWatcher { watcher: watcher.ok(), dirs }
    }

    /// Has changes in a directory told, if they are not yet.
    pub(crate) fn watch(&mut self, path: &Path, metadata: &Metadata, pass: u64) {
        let Some(watcher) = &mut self.watcher else { return };
        let identity = Identity::of(metadata);
        // It is known before it is watched, so that nothing that happens to the watch is missed; and
        // the lock is not held while the thread that events come from is waited for.
        let known = {
            let mut all = self.dirs.all();
            match all.get_mut(path) {
                Some(dir) if dir.identity == identity && !dir.lost => {
                    dir.pass = pass;
                    return;
                }
                _ => all.insert(path.to_owned(), Dir { identity, pass, lost: false }),
            }
        };
        if known.is_some() {
            let _ = watcher.unwatch(path); // fails if the old directory has gone
        }
        if let Err(error) = watcher.watch(path, RecursiveMode::NonRecursive) {
            self.dirs.all().remove(path);
            tracing::debug!(dir = %path.display(), %error, "a directory is polled only");
        }
    }

    /// Lets go of directories that were not part of this pass.
    pub(crate) fn keep(&mut self, pass: u64) {
        let gone: Vec<_> = self.dirs.all().extract_if(|_, dir| dir.pass != pass).collect();
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

    use notify::event::{Flag, RemoveKind};

    use super::*;

    /// Watches `dir`, and tells of changes to `dir/web`.
    fn watcher_of_web(dir: &Path) -> (DirWatcher, mpsc::Receiver<()>) {
        let (sender, told) = mpsc::channel();
        let web = dir.join("web");
        let watcher = DirWatcher::new(dir, move |event| {
            if let Ok(event) = event
                && event.paths.contains(&web)
            {
                // Nobody listens any more once the test is over.
                let _ = sender.send(());
            }
        });
        (watcher, told)
    }

    #[test]
    fn a_directory_that_takes_the_place_and_the_number_of_another_is_watched() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("disco");
        let (mut watcher, told) = watcher_of_web(&dir);
        fs::create_dir(&dir).unwrap();
        watcher.watch(&dir, &fs::metadata(&dir).unwrap(), 1);
        // The file system gives the same number again, as most do, or another: it must not matter.
        fs::remove_dir(&dir).unwrap();
        fs::create_dir(&dir).unwrap();
        watcher.watch(&dir, &fs::metadata(&dir).unwrap(), 2);
        fs::write(dir.join("web"), "127.0.0.1 80").unwrap();
        told.recv_timeout(Duration::from_secs(10)).expect("the new directory is watched");
    }

    /// The thread that events come from may learn that a directory has gone after another has taken
    /// its place and is watched, and then ends the watch of the new one.
    #[test]
    fn a_directory_whose_watch_has_ended_by_its_path_is_watched_again() {
        let parent = tempfile::tempdir().unwrap();
        let [root, dir] = ["root", "root/disco"].map(|name| parent.path().join(name));
        fs::create_dir_all(&dir).unwrap();
        let (mut watcher, told) = watcher_of_web(&dir);
        let moved = EventKind::Modify(ModifyKind::Name(RenameMode::From));
        let events = [
            Event::new(moved).add_path(dir.clone()),
            Event::new(moved).add_path(root),
            Event::new(EventKind::Remove(RemoveKind::Folder)).add_path(dir.clone()),
            Event::new(EventKind::Other).set_flag(Flag::Rescan),
        ];
        for (pass, event) in (1..).zip(events) {
            watcher.watch(&dir, &fs::metadata(&dir).unwrap(), pass);
            watcher.watcher.as_mut().unwrap().unwatch(&dir).unwrap();
            watcher.dirs.note(&event);
            watcher.watch(&dir, &fs::metadata(&dir).unwrap(), pass);
            fs::write(dir.join("web"), "127.0.0.1 80").unwrap();
            let wait = Duration::from_secs(10);
            told.recv_timeout(wait).unwrap_or_else(|_| panic!("not watched after {event:?}"));
            watcher.keep(u64::MAX);
            while told.try_recv().is_ok() {}
        }
    }
}
