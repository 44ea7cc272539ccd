//! The files below a root, read when they change.
//!
//! Everything here blocks, and is called on threads for that.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use dtab::Addr;
use notify::event::Event;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::listing::{Listing, MAX_FILE, parse_file};
use crate::dir_watcher::{DirWatcher, is_change};
use crate::naming::{Hosts, Watch, any_changed};

/// A file that was written to a shorter time ago may change again without its times showing it.
const UNSETTLED: Duration = Duration::from_secs(2);

/// A file with endpoints that becomes empty is believed after so long: a program that writes in
/// place empties it first.
const EMPTY_FOR: Duration = Duration::from_millis(30);

/// What a name is on disk.
pub(super) enum Found {
    /// No such file, or not one that can be a name.
    Neg,
    /// The first `depth` elements are a file.
    File { depth: usize, addr: Addr, fault: Option<Arc<str>> },
    /// A file that has only just become empty: not known yet.
    Emptied,
    /// It cannot be found out, for this reason.
    Unreadable(Arc<str>),
}

/// What is known of the files and directories that the watched names lead through.
pub(super) struct Disk {
    root: PathBuf,
    files: HashMap<PathBuf, Known>,
    dirs: DirWatcher,
    hosts: Hosts,
    host_watches: HashMap<String, Watch<Option<Vec<IpAddr>>>>,
    /// The pass over the names, by number: what it does not touch is forgotten.
    pass: u64,
    look_again_at: Option<Instant>,
}

/// A file that was read.
struct Known {
    version: Option<Version>,
    /// The last good content.
    listing: Option<Listing>,
    fault: Option<Arc<str>>,
    addr: Addr,
    /// Since when it has been empty, and of which write. Another write has emptied it anew.
    empty_since: Option<(Instant, Version)>,
    /// Where it really is, if a symbolic link leads there.
    real_dir: Option<PathBuf>,
    pass: u64,
}

/// Tells one content of a file from another without reading it.
#[derive(Clone, PartialEq)]
struct Version {
    identity: (u64, u64),
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Disk {
    pub(super) fn new(root: PathBuf, hosts: Hosts, changed: Arc<Notify>) -> Self {
        let own = root.clone();
        let on_event = move |event: notify::Result<notify::Event>| {
            if event.map_or(true, |event| may_matter(&event, &own)) {
                changed.notify_one();
            }
        };
        let dirs = DirWatcher::new(&root, on_event);
        Disk {
            root,
            files: HashMap::new(),
            dirs,
            hosts,
            host_watches: HashMap::new(),
            pass: 0,
            look_again_at: None,
        }
    }

    /// When to look again even if nothing tells of a change.
    pub(super) fn look_again_at(&self) -> Option<Instant> {
        self.look_again_at
    }

    /// Waits until a host that a file names changes.
    pub(super) async fn host_changed(&mut self) {
        any_changed(self.host_watches.values_mut()).await;
    }

    /// Starts a pass over the names, `whole` if over all of them.
    pub(super) fn begin(&mut self, whole: bool) {
        self.pass += 1;
        if whole {
            self.look_again_at = None;
        }
    }

    /// Ends a pass. After a whole one, what no name leads to is forgotten.
    pub(super) fn end(&mut self, whole: bool) {
        if !whole {
            return;
        }
        let pass = self.pass;
        self.files.retain(|_, known| known.pass == pass);
        self.dirs.keep(pass);
        let used: HashSet<&str> = self
            .files
            .values()
            .flat_map(|known| known.listing.iter().flat_map(Listing::host_names))
            .collect();
        self.host_watches.retain(|name, _| used.contains(name.as_str()));
    }

    /// Finds the file that the first elements of `rest` lead to.
    pub(super) fn find(&mut self, rest: &dtab::Path) -> Found {
        let mut at = self.root.clone();
        if let Some(parent) = at.parent()
            && let Ok(metadata) = fs::metadata(parent)
        {
            self.watch(parent, &metadata);
        }
        match fs::metadata(&at) {
            Ok(metadata) if metadata.is_dir() => self.watch(&at, &metadata),
            Ok(_) => return Found::Neg,
            Err(error) => return not_found(&at, &error),
        }
        for (before, element) in rest.iter().enumerate() {
            if !is_file_name(element) {
                return Found::Neg;
            }
            at.push(OsStr::from_bytes(element));
            match fs::metadata(&at) {
                Ok(metadata) if metadata.is_dir() => self.watch(&at, &metadata),
                Ok(metadata) if metadata.is_file() => return self.file(at, &metadata, before + 1),
                Ok(_) => return Found::Neg, // to read a pipe or a device could take for ever
                Err(error) => return not_found(&at, &error),
            }
        }
        Found::Neg
    }

    /// Has changes in a directory told, if they are not yet.
    fn watch(&mut self, path: &Path, metadata: &Metadata) {
        self.dirs.watch(path, metadata, self.pass);
    }

    fn file(&mut self, path: PathBuf, metadata: &Metadata, depth: usize) -> Found {
        let mut known = self.files.remove(&path).unwrap_or_else(Known::new);
        if known.pass != self.pass {
            known.pass = self.pass;
            if known.version.as_ref() != Some(&Version::of(metadata)) || !settled(metadata) {
                self.read(&path, &mut known);
            }
            self.resolve(&mut known);
        }
        if let Some(real) = &known.real_dir
            && let Ok(metadata) = fs::metadata(real)
        {
            self.watch(real, &metadata);
        }
        let found = match (&known.addr, &known.empty_since) {
            (Addr::Pending, Some(_)) => Found::Emptied,
            (addr, _) => Found::File { depth, addr: addr.clone(), fault: known.fault.clone() },
        };
        self.files.insert(path, known);
        found
    }

    /// Reads a file; what is wrong with it leaves the last good content.
    fn read(&mut self, path: &Path, known: &mut Known) {
        let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
        let real = is_link.then(|| fs::canonicalize(path).ok()).flatten();
        known.real_dir = real.and_then(|real| real.parent().map(Path::to_owned));
        let fault = match content(path) {
            Ok((version, text)) => match parse_file(&text) {
                Ok(listing) if known.must_wait(&listing, &version) => {
                    let again = Instant::now() + EMPTY_FOR;
                    let soonest = self.look_again_at.map_or(again, |at| at.min(again));
                    self.look_again_at = Some(soonest);
                    known.version = None;
                    return;
                }
                Ok(listing) => {
                    known.version = Some(version);
                    known.listing = Some(listing);
                    None
                }
                Err(malformed) => {
                    known.version = Some(version);
                    Some(malformed.to_string().into())
                }
            },
            Err(error) => {
                known.version = None;
                Some(Arc::<str>::from(format!("cannot be read: {error}")))
            }
        };
        known.empty_since = None;
        if known.fault != fault {
            let path = path.display();
            match &fault {
                Some(fault) if known.listing.is_some() => {
                    tracing::warn!(%path, %fault, "a file is bad; its last good endpoints are kept");
                }
                Some(fault) => tracing::warn!(%path, %fault, "a file is bad"),
                None => tracing::info!(%path, "a file is good again"),
            }
            known.fault = fault;
        }
    }

    /// Works the address out from the content and the hosts that it names.
    fn resolve(&mut self, known: &mut Known) {
        let addr = match (&known.listing, &known.fault) {
            (Some(listing), _) => {
                for name in listing.host_names() {
                    if !self.host_watches.contains_key(name) {
                        self.host_watches.insert(name.to_owned(), self.hosts.watch(name));
                    }
                }
                let watches = &self.host_watches;
                listing.addr(|name| match watches.get(name) {
                    Some(watch) => watch.borrow().clone(),
                    None => dtab::Activity::Ok(None),
                })
            }
            (None, Some(fault)) => Addr::Failed(fault.clone()),
            (None, None) => Addr::Pending,
        };
        // An equal set stays the same one.
        if known.addr != addr {
            known.addr = addr;
        }
    }
}

impl Known {
    fn new() -> Self {
        Known {
            version: None,
            listing: None,
            fault: None,
            addr: Addr::Pending,
            empty_since: None,
            real_dir: None,
            pass: 0,
        }
    }

    /// Whether the file has only just become empty, or been made.
    fn must_wait(&mut self, listing: &Listing, version: &Version) -> bool {
        let awaited = match &self.listing {
            Some(known) => !known.lines.is_empty(),
            None => version.age() < EMPTY_FOR,
        };
        if !listing.lines.is_empty() || !(awaited || self.empty_since.is_some()) {
            return false;
        }
        let since = match &self.empty_since {
            Some((since, of)) if of == version => *since,
            _ => Instant::now(),
        };
        self.empty_since = Some((since, version.clone()));
        since.elapsed() < EMPTY_FOR
    }
}

impl Version {
    fn of(metadata: &Metadata) -> Self {
        Version {
            identity: (metadata.dev(), metadata.ino()),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// How long ago it was written; zero if the clocks disagree.
    fn age(&self) -> Duration {
        let (secs, nanos) = self.modified;
        let since = Duration::new(secs.try_into().unwrap_or(0), nanos.try_into().unwrap_or(0));
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH + since).unwrap_or_default()
    }
}

/// Whether the last change was long enough ago for another one to show in the times.
fn settled(metadata: &Metadata) -> bool {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let last = metadata.mtime().max(metadata.ctime());
    i64::try_from(now.saturating_sub(UNSETTLED).as_secs()).is_ok_and(|then| last < then)
}

fn content(path: &Path) -> io::Result<(Version, String)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(ErrorKind::InvalidInput.into());
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(io::Error::other(format!("it is larger than {MAX_FILE} bytes")));
    }
    Ok((Version::of(&metadata), String::from_utf8_lossy(&bytes).into_owned()))
}

/// Our own reading is not a change, and of what lies beside the root nothing matters.
fn may_matter(event: &Event, root: &Path) -> bool {
    let beside = |path: &PathBuf| path != root && path.parent() == root.parent();
    is_change(event) && (event.paths.is_empty() || !event.paths.iter().all(beside))
}

/// Whether an element names an entry of a directory, and not the way out of it.
fn is_file_name(element: &[u8]) -> bool {
    element != b"." && element != b".." && !element.iter().any(|byte| matches!(byte, b'/' | 0))
}

fn not_found(path: &Path, error: &io::Error) -> Found {
    match error.kind() {
        ErrorKind::NotFound
        | ErrorKind::NotADirectory
        | ErrorKind::InvalidFilename
        | ErrorKind::InvalidInput => Found::Neg,
        _ => Found::Unreadable(format!("{} cannot be looked at: {error}", path.display()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(written: i64) -> Version {
        Version { identity: (1, 1), length: 0, modified: (written, 0), changed: (written, 0) }
    }

    #[tokio::test]
    async fn a_file_that_is_written_again_and_again_has_not_become_empty() {
        let some = parse_file("127.0.0.1 80").unwrap();
        let none = parse_file("").unwrap();
        let mut known = Known { listing: Some(some), ..Known::new() };
        assert!(known.must_wait(&none, &version(1)), "only just");
        let long_ago = Instant::now().checked_sub(EMPTY_FOR * 2).unwrap();
        known.empty_since = Some((long_ago, version(1)));
        assert!(known.must_wait(&none, &version(2)), "by another write");
        known.empty_since = Some((long_ago, version(2)));
        assert!(!known.must_wait(&none, &version(2)), "all the time");
    }
}
