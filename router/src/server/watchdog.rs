//! Connections that make no progress.
//!
//! A timer for every read of every connection would cost more than the reads. Instead a connection
//! notes since when it has been waiting and for what, and each worker looks at its connections a few
//! times a second.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

use super::Limits;
use super::head::Violation;

/// How often a worker looks at its connections.
pub(crate) const PERIOD: Duration = Duration::from_millis(250);

/// How long a caller who is still sending may take to notice that we have closed.
const LINGER: Duration = Duration::from_secs(2);

/// What a connection is waiting for when it waits for bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// The next request.
    Idle,
    /// The rest of a head.
    Head,
    /// More of a body.
    Body,
}

/// How far one connection has come. Written by the connection, read by its worker's watchdog; both
/// run on one thread, and the atomics only make it possible to hand the socket to a tunnel.
#[derive(Debug)]
pub(crate) struct Progress {
    started: Instant,
    /// Milliseconds since `started` at which waiting for bytes began, plus one; 0 if not waiting.
    reading_since: AtomicU64,
    reading: AtomicU8,
    /// When the head that is being read began; 0 if none is.
    head_since: AtomicU64,
    writing_since: AtomicU64,
    /// Heads let through so far.
    heads: AtomicU32,
    /// Exchanges that have begun and not ended.
    busy: AtomicU32,
    late: AtomicBool,
    broken: AtomicBool,
    tunnel: AtomicBool,
    bad_body: AtomicBool,
    /// When the connection was closed on our side while the caller was still sending.
    closing_since: AtomicU64,
    rare: Mutex<Rare>,
}

/// What is touched only when something is out of the ordinary.
#[derive(Debug, Default)]
struct Rare {
    violation: Option<(u32, Violation)>,
    waker: Option<Waker>,
}

impl Progress {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Progress {
            started: Instant::now(),
            reading_since: AtomicU64::new(0),
            reading: AtomicU8::new(Phase::Idle as u8),
            head_since: AtomicU64::new(0),
            writing_since: AtomicU64::new(0),
            heads: AtomicU32::new(0),
            busy: AtomicU32::new(0),
            late: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            tunnel: AtomicBool::new(false),
            bad_body: AtomicBool::new(false),
            closing_since: AtomicU64::new(0),
            rare: Mutex::default(),
        })
    }

    fn now(&self) -> u64 {
        self.started.elapsed().as_millis() as u64 + 1
    }

    fn rare(&self) -> std::sync::MutexGuard<'_, Rare> {
        self.rare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waiting for bytes begins, or goes on.
    pub(crate) fn reading(&self, phase: Phase, waker: &Waker) {
        if phase == Phase::Head {
            if self.head_since.load(Relaxed) == 0 {
                self.head_since.store(self.now(), Relaxed);
            }
            self.rare().waker = Some(waker.clone());
        }
        if self.reading_since.load(Relaxed) == 0 {
            self.reading_since.store(self.now(), Relaxed);
        }
        self.reading.store(phase as u8, Relaxed);
    }

    /// Bytes have come.
    pub(crate) fn read(&self) {
        self.reading_since.store(0, Relaxed);
    }

    /// Bytes were to be written; whether the caller did not take them.
    pub(crate) fn writing(&self, stalled: bool) {
        if !stalled {
            self.writing_since.store(0, Relaxed);
        } else if self.writing_since.load(Relaxed) == 0 {
            self.writing_since.store(self.now(), Relaxed);
        }
    }

    pub(crate) fn head_passed(&self) {
        self.head_since.store(0, Relaxed);
        self.late.store(false, Relaxed);
        self.heads.fetch_add(1, Relaxed);
    }

    /// The head behind those passed so far is refused.
    pub(crate) fn refuse(&self, violation: Violation) {
        self.rare().violation = Some((self.heads.load(Relaxed), violation));
        self.head_since.store(0, Relaxed);
    }

    /// What is wrong with the request of this number, counted from 0.
    pub(crate) fn violation(&self, request: u32) -> Option<Violation> {
        if request < self.heads.load(Relaxed) {
            return None;
        }
        self.rare().violation.filter(|(at, _)| *at == request).map(|(_, violation)| violation)
    }

    /// Whether any head is refused.
    pub(crate) fn has_refused(&self) -> bool {
        self.rare().violation.is_some()
    }

    pub(crate) fn head_is_late(&self) -> bool {
        self.late.load(Relaxed)
    }

    /// An exchange begins (true) or has ended (false).
    pub(crate) fn busy(&self, busy: bool) {
        if busy {
            self.busy.fetch_add(1, Relaxed);
        } else {
            self.busy.fetch_sub(1, Relaxed);
        }
    }

    /// Whether no exchange is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.busy.load(Relaxed) == 0 && !self.is_tunnel()
    }

    /// Whether the connection has been seen waiting for a request, with nothing left to write.
    fn is_waiting(&self) -> bool {
        self.is_idle()
            && self.reading.load(Relaxed) == Phase::Idle as u8
            && self.reading_since.load(Relaxed) != 0
            && self.writing_since.load(Relaxed) == 0
    }

    /// Our side is closed, and the caller has not noticed yet.
    pub(crate) fn closing(&self) {
        if self.closing_since.load(Relaxed) == 0 {
            self.closing_since.store(self.now(), Relaxed);
        }
    }

    /// The body of a request is not framed as it says.
    pub(crate) fn set_bad_body(&self) {
        self.bad_body.store(true, Relaxed);
    }

    pub(crate) fn has_bad_body(&self) -> bool {
        self.bad_body.load(Relaxed)
    }

    /// The response broke after its head had been sent.
    pub(crate) fn set_broken(&self) {
        self.broken.store(true, Relaxed);
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.broken.load(Relaxed)
    }

    /// From now on the bytes are no longer HTTP.
    pub(crate) fn set_tunnel(&self) {
        self.tunnel.store(true, Relaxed);
    }

    pub(crate) fn is_tunnel(&self) -> bool {
        self.tunnel.load(Relaxed)
    }

    /// What to do about the connection now.
    fn judge(&self, limits: &Limits) -> Verdict {
        let now = self.now();
        let overdue = |since: &AtomicU64, limit: Duration| match since.load(Relaxed) {
            0 => false,
            since => now.saturating_sub(since) > limit.as_millis() as u64,
        };
        if self.is_tunnel() {
            return Verdict::Fine;
        }
        if overdue(&self.closing_since, LINGER) {
            return Verdict::Idle;
        }
        if overdue(&self.writing_since, limits.stall_time) {
            return Verdict::Stalled;
        }
        if overdue(&self.head_since, limits.head_time) {
            return Verdict::HeadLate;
        }
        let reading = self.reading.load(Relaxed);
        if reading == Phase::Body as u8 && overdue(&self.reading_since, limits.stall_time) {
            return Verdict::Stalled;
        }
        if reading == Phase::Idle as u8
            && self.is_idle()
            && overdue(&self.reading_since, limits.idle_time)
        {
            return Verdict::Idle;
        }
        Verdict::Fine
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Fine,
    HeadLate,
    Stalled,
    Idle,
}

/// The connections of one worker.
#[derive(Debug, Default)]
pub(crate) struct Watchdog {
    connections: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    progress: Arc<Progress>,
    limits: Limits,
    task: AbortHandle,
}

impl Watchdog {
    pub(crate) fn watch(&mut self, progress: Arc<Progress>, limits: Limits, task: AbortHandle) {
        self.connections.push(Watched { progress, limits, task });
    }

    /// Looks at every connection once: late heads are answered, stalled and idle connections end.
    pub(crate) fn look(&mut self) {
        self.connections.retain(|connection| {
            if connection.task.is_finished() {
                return false;
            }
            match connection.progress.judge(&connection.limits) {
                Verdict::Fine => {}
                Verdict::HeadLate => {
                    connection.progress.late.store(true, Relaxed);
                    if let Some(waker) = connection.progress.rare().waker.take() {
                        waker.wake();
                    }
                }
                Verdict::Stalled => {
                    connection.progress.set_broken();
                    connection.task.abort();
                }
                Verdict::Idle => connection.task.abort(),
            }
            true
        });
    }

    /// Ends every connection on which no exchange is under way.
    pub(crate) fn end_idle(&mut self) {
        self.look();
        for connection in &self.connections {
            if connection.progress.is_waiting() {
                connection.task.abort();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_connection_is_judged_by_what_it_waits_for() {
        let quick = Limits {
            head_time: Duration::ZERO,
            idle_time: Duration::ZERO,
            stall_time: Duration::ZERO,
            ..Limits::default()
        };
        let later = || {
            let progress = Progress::new();
            // As if it had begun a second ago.
            let started = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
            Progress { started, ..Arc::into_inner(progress).unwrap() }
        };
        let judged = |progress: &Progress| {
            for since in [&progress.reading_since, &progress.head_since, &progress.writing_since] {
                if since.load(Relaxed) != 0 {
                    since.store(1, Relaxed);
                }
            }
            progress.judge(&quick)
        };
        let progress = later();
        assert_eq!(judged(&progress), Verdict::Fine);
        progress.reading(Phase::Idle, Waker::noop());
        assert_eq!(judged(&progress), Verdict::Idle);
        progress.busy(true);
        assert_eq!(judged(&progress), Verdict::Fine);
        progress.reading(Phase::Body, Waker::noop());
        assert_eq!(judged(&progress), Verdict::Stalled);
        progress.read();
        progress.reading(Phase::Head, Waker::noop());
        assert_eq!(judged(&progress), Verdict::HeadLate);
        progress.writing(true);
        assert_eq!(judged(&progress), Verdict::Stalled);
        progress.set_tunnel();
        assert_eq!(judged(&progress), Verdict::Fine);
    }
}
