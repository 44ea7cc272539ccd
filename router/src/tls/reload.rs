//! Certificates and keys that change on disk, taken on without a restart.
//!
//! What handshakes go by is one value, made of all its files together and swapped whole: a certificate
//! never meets the key of another. Files that do not make a good value leave the last good one in use.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::Fault;
use super::files::{Digest, Files};
use crate::dir_watcher::{DirWatcher, is_change};

/// How often files are looked at although nothing tells of a change.
const POLL: Duration = Duration::from_secs(10);

/// Changes come in groups: a certificate, its key, a rename. They are waited for for so long.
const GROUP: Duration = Duration::from_millis(20);

/// Files that stay bad for so long are complained about: a key may follow its certificate a moment
/// later.
const SETTLED: Duration = Duration::from_millis(500);

type Make<T> = Box<dyn Fn(&Files) -> Result<T, Fault> + Send + Sync>;

/// A value made of files, which follows them.
pub(crate) struct Live<T> {
    /// Whose it is, for the log.
    subject: String,
    paths: Vec<PathBuf>,
    make: Make<T>,
    current: ArcSwap<T>,
    state: Mutex<State>,
}

struct State {
    /// The files as they were when last looked at.
    digest: Digest,
    /// When the value in use was made.
    since: SystemTime,
    fault: Option<Fault>,
    /// Files that are bad and may only be half written, since when.
    suspect: Option<(Digest, Instant)>,
}

/// What is known of a [`Live`] value, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) subject: String,
    pub(crate) files: Vec<PathBuf>,
    /// When the value in use was made of them.
    pub(crate) since: SystemTime,
    /// Why the files as they are now are not in use.
    pub(crate) error: Option<String>,
}

impl<T> Live<T> {
    /// Makes the value for the first time. `make` sees the content of `paths` and nothing else.
    pub(super) fn load(
        subject: String,
        paths: Vec<PathBuf>,
        make: impl Fn(&Files) -> Result<T, Fault> + Send + Sync + 'static,
    ) -> Result<Arc<Self>, Fault> {
        let files = Files::read(&paths);
        let current = ArcSwap::from_pointee(make(&files)?);
        let state = Mutex::new(State {
            digest: files.digest(),
            since: SystemTime::now(),
            fault: None,
            suspect: None,
        });
        Ok(Arc::new(Live { subject, paths, make: Box::new(make), current, state }))
    }

    /// The value as it is now.
    pub(super) fn current(&self) -> Arc<T> {
        self.current.load_full()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> std::fmt::Debug for Live<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// A [`Live`] value of any type.
pub(crate) trait FromFiles: Send + Sync {
    /// Its files.
    fn paths(&self) -> &[PathBuf];

    /// Looks at the files and takes them on if they have changed and are good. Whether they may only
    /// be half written and should be looked at again soon. Blocks.
    fn look(&self) -> bool;

    /// What to tell people.
    fn status(&self) -> Status;
}

impl<T: Send + Sync> FromFiles for Live<T> {
    fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    fn look(&self) -> bool {
        let files = Files::read(&self.paths);
        let digest = files.digest();
        let mut state = self.state();
        if digest == state.digest {
            state.suspect = None;
            return false;
        }
        match (self.make)(&files) {
            Ok(value) => {
                self.current.store(Arc::new(value));
                *state = State { digest, since: SystemTime::now(), fault: None, suspect: None };
                tracing::info!(subject = %self.subject, "certificates and keys are reloaded");
                false
            }
            Err(fault) => {
                let since = match state.suspect {
                    Some((suspect, since)) if suspect == digest => since,
                    _ => Instant::now(),
                };
                if since.elapsed() < SETTLED {
                    state.suspect = Some((digest, since));
                    return true;
                }
                tracing::warn!(
                    subject = %self.subject,
                    %fault,
                    "certificates and keys have changed and are bad; the last good ones are kept"
                );
                state.digest = digest;
                state.fault = Some(fault);
                state.suspect = None;
                false
            }
        }
    }

    fn status(&self) -> Status {
        let state = self.state();
        Status {
            subject: self.subject.clone(),
            files: self.paths.clone(),
            since: state.since,
            error: state.fault.as_ref().map(Fault::to_string),
        }
    }
}

/// Looks at the files until it is dropped.
#[derive(Debug)]
pub(crate) struct Following(JoinHandle<()>);

impl Drop for Following {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Has the values follow their files.
pub(crate) fn follow(all: Vec<Arc<dyn FromFiles>>, control: &Handle) -> Following {
    Following(control.spawn(async move {
        if all.is_empty() {
            return;
        }
        let all: Arc<[_]> = all.into();
        let changed = Arc::new(Notify::new());
        let told = changed.clone();
        let mut dirs = DirWatcher::new(Path::new("certificates"), move |event| {
            if event.map_or(true, |event| is_change(&event)) {
                told.notify_one();
            }
        });
        for pass in 0.. {
            let all = all.clone();
            let looked = tokio::task::spawn_blocking(move || {
                // Watched before they are read, so that no change falls between.
                for value in all.iter() {
                    for path in value.paths() {
                        watch(&mut dirs, path, pass);
                    }
                }
                dirs.keep(pass);
                let unsettled = all.iter().filter(|value| value.look()).count();
                (dirs, unsettled > 0)
            });
            let Ok((returned, unsettled)) = looked.await else { return };
            dirs = returned;
            let pause = if unsettled { SETTLED } else { POLL };
            tokio::select! {
                () = changed.notified() => tokio::time::sleep(GROUP).await,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }))
}

/// Watches the directory that a file is in, and the one that it really is in: a volume of Kubernetes
/// swaps a link between the two.
fn watch(dirs: &mut DirWatcher, path: &Path, pass: u64) {
    let real = fs::canonicalize(path).ok();
    let parents = [Some(path), real.as_deref()].into_iter().flatten().filter_map(Path::parent);
    for parent in parents {
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        if let Ok(metadata) = fs::metadata(parent) {
            dirs.watch(parent, &metadata, pass);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of a file that must not be `bad`.
    fn text(path: &Path) -> Arc<Live<String>> {
        let own = path.to_owned();
        let make = move |files: &Files| match files.get(&own)? {
            b"bad" => Err(Fault::new("it is bad", "make it good")),
            bytes => Ok(String::from_utf8_lossy(bytes).into_owned()),
        };
        Live::load("a test".to_owned(), vec![path.to_owned()], make).unwrap()
    }

    #[test]
    fn a_good_change_is_taken_on_and_no_change_makes_nothing_new() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "one").unwrap();
        let live = text(&path);
        let one = live.current();
        assert!(!live.look());
        assert!(Arc::ptr_eq(&one, &live.current()));
        fs::write(&path, "two").unwrap();
        assert!(!live.look());
        assert_eq!(*live.current(), "two");
    }

    #[test]
    fn a_bad_change_is_told_of_once_it_stays_and_never_taken_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "one").unwrap();
        let live = text(&path);
        fs::write(&path, "bad").unwrap();
        assert!(live.look(), "it may be half written");
        assert_eq!(live.status().error, None);
        // As if it had been so for a while.
        if let Some((_, since)) = &mut live.state().suspect {
            *since = since.checked_sub(SETTLED).unwrap();
        }
        assert!(!live.look());
        assert_eq!(live.status().error.as_deref(), Some("it is bad; make it good"));
        assert_eq!(*live.current(), "one");
        fs::write(&path, "two").unwrap();
        assert!(!live.look());
        assert_eq!((live.status().error, live.current().as_str()), (None, "two"));
    }

    #[test]
    fn files_that_become_what_they_were_are_no_fault() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "one").unwrap();
        let live = text(&path);
        fs::remove_file(&path).unwrap();
        assert!(live.look());
        fs::write(&path, "one").unwrap();
        assert!(!live.look());
        assert_eq!((live.status().error, live.current().as_str()), (None, "one"));
    }
}
