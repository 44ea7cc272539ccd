//! `io.l5d.fs`: names are files in a directory, and endpoints are the lines of a file.
//!
//! ```yaml
//! namers:
//! - kind: io.l5d.fs
//!   rootDir: disco
//! ```
//!
//! `/#/io.l5d.fs/web` is the file `disco/web`, and `/#/io.l5d.fs/eu/web` is `disco/eu/web`; what
//! follows the file's name is residual. A line is `host port` or `host port * weight`; `#` starts
//! a comment, and blank lines do not count. No such file, and a directory, are negative; an empty
//! file is a name with no endpoint.
//!
//! Changes are noticed at once where the system tells of them, and within about a second
//! otherwise: editing in place, replacing by rename, swapping a symbolic link on the way, removing
//! and making again a file, a folder or the root itself.
//!
//! A file with a malformed line has a failed address, as in Linkerd. But one that was good before
//! keeps its last good endpoints until it is mended, and the fault is reported; so does one that
//! cannot be read.

mod disk;
mod listing;
mod names;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use dtab::{Activity, Addr, Bound, Failure, FailureKind, Name, NameTree, Path};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use self::disk::{Disk, Found};
pub use self::listing::{Line, Listing, MAX_FILE, Malformed, parse_file};
pub(crate) use self::names::names_below;
use crate::naming::{Hosts, LiveNamer, Watch, WatchState};

/// Everything is looked at so often even if the system tells of no change.
const POLL: Duration = Duration::from_secs(1);

/// Changes are taken together for so long, and for twice as long as looking takes, up to a limit:
/// with very many files, or a slow disk, looking may not do nothing else.
const BURST: Duration = Duration::from_millis(3);
const BURST_MOST: Duration = Duration::from_millis(250);

/// How much longer polling waits than it works, at most 1 % of one core, up to a limit: on a file
/// system that tells of no changes nothing else finds them.
const REST: u32 = 100;
const POLL_MOST: Duration = Duration::from_secs(5);

/// So many names are kept without looking for those that nobody watches.
const MIN_ROOM: usize = 128;

/// The namer of one root directory.
pub struct FsNamer {
    shared: Arc<Shared>,
    task: AbortHandle,
}

struct Shared {
    root: PathBuf,
    prefix: Path,
    names: Mutex<Names>,
    /// Names were added.
    added: Notify,
    /// Something in a directory has changed.
    changed: Arc<Notify>,
}

#[derive(Default)]
struct Names {
    all: HashMap<Path, Arc<Watched>>,
    /// Those not looked at yet.
    added: Vec<Arc<Watched>>,
    /// With so many, those that nobody watches are looked for and forgotten.
    room: usize,
}

impl Names {
    fn forget_unused(&mut self) {
        self.all.retain(|_, watched| watched.tree.receiver_count() > 0);
        self.room = (self.all.len() * 2).max(MIN_ROOM);
    }
}

/// One watched name.
struct Watched {
    /// What follows the prefix.
    rest: Path,
    tree: watch::Sender<Activity<NameTree<Name>>>,
    note: Mutex<Note>,
}

struct Note {
    since: SystemTime,
    version: u64,
    fault: Option<Arc<str>>,
}

impl FsNamer {
    /// Serves the files below `root`, which need not be there yet, under `prefix`. Host names in
    /// files are those of `hosts`, on whose runtime the watching is done.
    pub fn new(root: PathBuf, prefix: Path, hosts: Hosts) -> Self {
        // The root's parent is watched, too, so that it must have one.
        let root = std::path::absolute(&root).unwrap_or(root);
        let shared = Arc::new(Shared {
            root,
            prefix,
            names: Mutex::default(),
            added: Notify::new(),
            changed: Arc::new(Notify::new()),
        });
        let task = hosts.runtime().spawn(follow(shared.clone(), hosts.clone())).abort_handle();
        FsNamer { shared, task }
    }
}

impl Drop for FsNamer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for FsNamer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FsNamer({} at {})", self.shared.root.display(), self.shared.prefix)
    }
}

impl LiveNamer for FsNamer {
    fn watch(&self, path: &Path) -> Watch<NameTree<Name>> {
        let Some(rest) = path.strip_prefix(&self.shared.prefix) else {
            return crate::naming::constant(Activity::Ok(NameTree::Neg));
        };
        let mut names = self.shared.names();
        if let Some(watched) = names.all.get(&rest) {
            return watched.tree.subscribe();
        }
        let (tree, watch) = watch::channel(Activity::Pending);
        let note = Mutex::new(Note { since: SystemTime::now(), version: 0, fault: None });
        let watched = Arc::new(Watched { rest: rest.clone(), tree, note });
        // A flood of made-up names must not wait for the next pass, which comes the later the more
        // names there are.
        if names.all.len() >= names.room {
            names.forget_unused();
        }
        names.all.insert(rest, watched.clone());
        names.added.push(watched);
        drop(names);
        self.shared.added.notify_one();
        watch
    }

    /// The entries of the root directory, as Linkerd lists them.
    fn bound_names(&self) -> Vec<Path> {
        let Ok(entries) = std::fs::read_dir(&self.shared.root) else { return Vec::new() };
        let name = |entry: std::fs::DirEntry| {
            self.shared.prefix.concat(&Path::from_segments([entry.file_name().as_bytes()]))
        };
        let mut names: Vec<_> = entries.filter_map(|entry| entry.ok().map(name)).collect();
        names.sort();
        names
    }

    fn watches(&self) -> Vec<WatchState> {
        let in_use = self.shared.in_use();
        let mut states: Vec<_> = in_use.iter().map(|watched| self.shared.state(watched)).collect();
        states.sort_by(|a, b| a.name.cmp(&b.name));
        states
    }
}

impl Shared {
    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The names that somebody watches; the others are forgotten.
    fn in_use(&self) -> Vec<Arc<Watched>> {
        let mut names = self.names();
        names.forget_unused();
        names.all.values().cloned().collect()
    }

    fn take_added(&self) -> Vec<Arc<Watched>> {
        std::mem::take(&mut self.names().added)
    }

    fn state(&self, watched: &Watched) -> WatchState {
        let state = match &*watched.tree.borrow() {
            Activity::Pending => "pending",
            Activity::Ok(NameTree::Leaf(Name::Bound(bound))) => match &bound.addr {
                Addr::Pending => "pending",
                Addr::Failed(_) => "failed",
                _ => "ok",
            },
            Activity::Ok(_) => "neg",
            Activity::Failed(_) => "failed",
        };
        let note = watched.note.lock().unwrap_or_else(PoisonError::into_inner);
        let error = note.fault.as_deref().map(str::to_owned);
        let name = self.prefix.concat(&watched.rest).to_string();
        WatchState { name, state, since: note.since, version: note.version, error }
    }

    /// Looks a name up on disk and publishes what it finds, if that differs.
    fn look(&self, watched: &Watched, disk: &mut Disk) {
        let (next, fault) = match disk.find(&watched.rest) {
            Found::Neg => (Some(Activity::Ok(NameTree::Neg)), None),
            Found::File { depth, addr, fault } => {
                let id = self.prefix.concat(&watched.rest.take(depth));
                let bound = Bound::new(id, watched.rest.drop_front(depth), addr);
                (Some(Activity::Ok(NameTree::Leaf(Name::Bound(bound)))), fault)
            }
            Found::Emptied => return,
            Found::Unreadable(why) => (None, Some(why)),
        };
        let mut note = watched.note.lock().unwrap_or_else(PoisonError::into_inner);
        watched.tree.send_if_modified(|now| {
            let next = match (next, &now, &fault) {
                (Some(next), ..) => next,
                // What was known before is kept.
                (None, Activity::Ok(_), _) | (None, _, None) => return false,
                (None, _, Some(why)) => {
                    Activity::Failed(Failure::new(FailureKind::Namer, why.clone()))
                }
            };
            let differs = *now != next;
            if differs {
                *now = next;
                note.since = SystemTime::now();
                note.version += 1;
            }
            differs
        });
        note.fault = fault;
    }
}

/// How often files are looked at, by how long looking takes. That is the shorter of the last two times:
/// one look that had to wait for a processor or a disk must not make the next ones late.
#[derive(Default)]
struct Pace {
    last: Duration,
    cost: Duration,
}

impl Pace {
    fn looked(&mut self, time: Duration) {
        self.cost = time.min(self.last);
        self.last = time;
    }

    /// How long changes are taken together.
    fn burst(&self) -> Duration {
        (self.cost * 2).clamp(BURST, BURST_MOST)
    }

    /// How long after one look the next one is due although nothing tells of a change.
    fn poll(&self) -> Duration {
        (self.cost * REST).clamp(POLL, POLL_MOST)
    }
}

/// Keeps all names of a namer up to date.
async fn follow(shared: Arc<Shared>, hosts: Hosts) {
    let mut disk = Disk::new(shared.root.clone(), hosts.clone(), shared.changed.clone());
    let mut looked_at_all = Instant::now();
    let mut pace = Pace::default();
    loop {
        let poll_at = looked_at_all + pace.poll();
        let soon = disk.look_again_at().map_or(poll_at, |again| again.min(poll_at));
        let all = tokio::select! {
            () = shared.changed.notified() => {
                // A little later, so that a burst is one change.
                tokio::time::sleep(pace.burst()).await;
                true
            }
            () = disk.host_changed() => true,
            () = tokio::time::sleep_until(soon) => true,
            () = shared.added.notified() => false,
        };
        let started = Instant::now();
        let whole = all;
        let work = {
            let shared = shared.clone();
            move || {
                disk.begin(whole);
                let added = shared.take_added();
                let names = if whole { shared.in_use() } else { added };
                for watched in &names {
                    shared.look(watched, &mut disk);
                }
                disk.end(whole);
                disk
            }
        };
        disk = match tokio::task::spawn_blocking(work).await {
            Ok(disk) => disk,
            Err(panic) => {
                tracing::error!(root = %shared.root.display(), %panic, "looking at files panicked");
                tokio::time::sleep(POLL).await;
                Disk::new(shared.root.clone(), hosts.clone(), shared.changed.clone())
            }
        };
        if all {
            looked_at_all = Instant::now();
            pace.looked(looked_at_all - started);
        }
    }
}
