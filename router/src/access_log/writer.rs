//! The thread that writes an access log, and the buffers between it and the workers.
//!
//! A worker's buffer is locked by the worker for the time of a copy, and by the writer for that of
//! an exchange of two pointers, so that neither waits for the other to speak of. The first line in an
//! empty buffer wakes the writer, which gathers what comes within [`GATHER`] before it takes the
//! buffers away: a busy worker wakes it a hundred times a second, not with every line.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::roll::LogFile;
use crate::telemetry::{Counter, Scope};

/// The most bytes of lines that wait to be written, of one worker.
pub(super) const BUFFER: usize = 1024 * 1024;

/// How long lines are gathered before they are written.
const GATHER: Duration = Duration::from_millis(10);

/// How long a flush waits for the disk.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often an error of the file is told.
const TELL_PERIOD: Duration = Duration::from_mins(1);

/// Lines of one worker on their way to the file.
#[derive(Default)]
pub(super) struct Buffer(Mutex<Vec<u8>>);

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// It is the first in its buffer: the writer is to be woken.
    First,
    /// It is behind others.
    Behind,
    /// There is no room for it.
    Full,
}

impl Buffer {
    pub(super) fn push(&self, line: &[u8]) -> Pushed {
        let mut lines = lock(&self.0);
        if lines.len() + line.len() > BUFFER {
            return Pushed::Full;
        }
        let is_first = lines.is_empty();
        lines.extend_from_slice(line);
        if is_first { Pushed::First } else { Pushed::Behind }
    }

    /// Takes the lines away, leaving an empty buffer.
    fn take(&self, empty: Vec<u8>) -> Vec<u8> {
        std::mem::replace(&mut *lock(&self.0), empty)
    }
}

/// The writer of one log. After it is dropped, its thread writes out what is there and ends.
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Default)]
struct Shared {
    buffers: Mutex<Vec<Arc<Buffer>>>,
    reopen: AtomicBool,
    closing: AtomicBool,
    /// Flushes asked for.
    asked: AtomicU64,
    /// Flushes done.
    flushed: Mutex<u64>,
    is_flushed: Condvar,
}

impl Writer {
    pub(super) fn start(file: LogFile, metrics: &Scope) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let mut writing = Writing {
            shared: shared.clone(),
            file,
            dropped: metrics.counter("dropped"),
            errors: metrics.counter("write_errors"),
            told: None,
        };
        let named = std::thread::Builder::new().name("access-log".to_owned());
        let thread = named.spawn(move || writing.run())?;
        Ok(Writer { shared, thread: thread.thread().clone() })
    }

    /// A new worker's buffer.
    pub(super) fn buffer(&self) -> Arc<Buffer> {
        let buffer = Arc::<Buffer>::default();
        lock(&self.shared.buffers).push(buffer.clone());
        buffer
    }

    /// What a worker wakes.
    pub(super) fn thread(&self) -> Thread {
        self.thread.clone()
    }

    pub(super) fn reopen(&self) {
        self.shared.reopen.store(true, SeqCst);
        self.thread.unpark();
    }

    /// Waits until what has been pushed is written, or has been lost with an error; a disk that
    /// hangs is not waited for.
    pub(super) fn flush(&self) {
        let ticket = self.shared.asked.fetch_add(1, SeqCst) + 1;
        self.thread.unpark();
        let flushed = lock(&self.shared.flushed);
        let is_behind = |flushed: &mut u64| *flushed < ticket;
        let waited = self.shared.is_flushed.wait_timeout_while(flushed, PATIENCE, is_behind);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.closing.store(true, SeqCst);
        self.thread.unpark();
    }
}

/// What the thread has.
struct Writing {
    shared: Arc<Shared>,
    file: LogFile,
    dropped: Counter,
    errors: Counter,
    told: Option<Instant>,
}

impl Writing {
    fn run(&mut self) {
        let mut spare = Vec::new();
        loop {
            // Read before the buffers: what was pushed before it was said is written.
            let closing = self.shared.closing.load(SeqCst);
            let asked = self.shared.asked.load(SeqCst);
            spare = self.write_buffers(spare);
            if self.shared.reopen.swap(false, SeqCst) {
                let reopened = self.file.reopen();
                self.tell(reopened);
            }
            *lock(&self.shared.flushed) = asked;
            self.shared.is_flushed.notify_all();
            if closing {
                return;
            }
            std::thread::park();
            if !self.is_urgent() {
                std::thread::sleep(GATHER);
            }
        }
    }

    fn is_urgent(&self) -> bool {
        let Shared { closing, reopen, asked, flushed, .. } = &*self.shared;
        closing.load(SeqCst) || reopen.load(SeqCst) || asked.load(SeqCst) > *lock(flushed)
    }

    /// Writes what the buffers have. `spare` takes the place of a buffer that is taken away.
    fn write_buffers(&mut self, mut spare: Vec<u8>) -> Vec<u8> {
        let buffers = lock(&self.shared.buffers).clone();
        for buffer in &buffers {
            let mut lines = buffer.take(spare);
            if !lines.is_empty()
                && let Err(error) = self.file.write(&lines, Timestamp::now())
            {
                self.dropped.add(memchr::memchr_iter(b'\n', &lines).count() as u64);
                self.tell(Err(error));
            }
            lines.clear();
            spare = lines;
        }
        drop(buffers);
        // The buffer of a worker that has ended is held here only.
        lock(&self.shared.buffers)
            .retain(|buffer| Arc::strong_count(buffer) > 1 || !lock(&buffer.0).is_empty());
        spare
    }

    /// Counts an error, and logs it unless one was logged a moment ago.
    fn tell(&mut self, result: io::Result<()>) {
        let Err(error) = result else { return };
        self.errors.incr();
        if self.told.is_none_or(|told| told.elapsed() > TELL_PERIOD) {
            self.told = Some(Instant::now());
            tracing::warn!(%error, "cannot write the access log; its lines are lost");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
