//! How far a connection has come, what it is waiting for, and what is to be done about that.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use super::Limits;
use super::head::Violation;
use super::slot::QUIET;

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
    pub(super) heads: AtomicU32,
    /// Exchanges that have begun and not ended.
    busy: AtomicU32,
    pub(super) received: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) late: AtomicBool,
    /// The next response is to be the last.
    pub(super) ending: AtomicBool,
    broken: AtomicBool,
    tunnel: AtomicBool,
    bad_body: AtomicBool,
    /// When the connection was closed on our side while the caller was still sending.
    closing_since: AtomicU64,
    rare: Mutex<Rare>,
}

/// What is touched only when something is out of the ordinary.
#[derive(Debug, Default)]
pub(super) struct Rare {
    violation: Option<(u32, Violation)>,
    pub(super) waker: Option<Waker>,
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
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            late: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            tunnel: AtomicBool::new(false),
            bad_body: AtomicBool::new(false),
            closing_since: AtomicU64::new(0),
            rare: Mutex::default(),
        })
    }

    pub(super) fn now(&self) -> u64 {
        self.started.elapsed().as_millis() as u64 + 1
    }

    pub(super) fn rare(&self) -> std::sync::MutexGuard<'_, Rare> {
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

    /// How many.
    pub(crate) fn received(&self, bytes: usize) {
        add(&self.received, bytes);
    }

    /// Bytes were to be written: how many the caller has taken, or that it takes none.
    pub(crate) fn written(&self, bytes: &Poll<io::Result<usize>>) {
        match bytes {
            Poll::Pending => {
                if self.writing_since.load(Relaxed) == 0 {
                    self.writing_since.store(self.now(), Relaxed);
                }
            }
            Poll::Ready(bytes) => {
                self.writing_since.store(0, Relaxed);
                add(&self.sent, *bytes.as_ref().unwrap_or(&0));
            }
        }
    }

    pub(crate) fn head_passed(&self) {
        self.head_since.store(0, Relaxed);
        self.late.store(false, Relaxed);
        self.heads.store(self.heads.load(Relaxed).wrapping_add(1), Relaxed);
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

    /// Whether the next response is to be the last.
    pub(crate) fn is_ending(&self) -> bool {
        self.ending.load(Relaxed)
    }

    /// An exchange begins (true) or has ended (false).
    pub(crate) fn busy(&self, busy: bool) {
        let now = self.busy.load(Relaxed);
        self.busy.store(if busy { now.wrapping_add(1) } else { now.wrapping_sub(1) }, Relaxed);
    }

    /// Whether no exchange is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.busy.load(Relaxed) == 0 && !self.is_tunnel()
    }

    /// Whether the connection has been seen waiting for a request, with nothing left to write.
    pub(super) fn is_waiting(&self) -> bool {
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

    /// What to do about the connection now, which has been waiting for a request for `quiet`.
    pub(super) fn judge(&self, limits: &Limits, quiet: Option<Duration>) -> Verdict {
        let now = self.now();
        let overdue = |since: &AtomicU64, limit: Duration| match since.load(Relaxed) {
            0 => false,
            since => now.saturating_sub(since) > limit.as_millis() as u64,
        };
        let exceeds = |waited: Option<Duration>, limit: Option<Duration>| {
            waited.zip(limit).is_some_and(|(waited, limit)| waited >= limit)
        };
        if self.is_tunnel() {
            return Verdict::Fine;
        }
        if overdue(&self.closing_since, LINGER) {
            return Verdict::Close(Cause::Lingered);
        }
        if limits.write_time.is_some_and(|limit| overdue(&self.writing_since, limit)) {
            return Verdict::Break(Cause::WriteTimeout);
        }
        if overdue(&self.writing_since, limits.stall_time) {
            return Verdict::Break(Cause::Stalled);
        }
        if overdue(&self.head_since, limits.head_time) {
            return Verdict::HeadLate;
        }
        let reading = self.reading.load(Relaxed);
        if reading == Phase::Body as u8 && overdue(&self.reading_since, limits.stall_time) {
            return Verdict::Break(Cause::Stalled);
        }
        if (reading != Phase::Idle as u8
            && limits.read_time.is_some_and(|limit| overdue(&self.reading_since, limit)))
            || exceeds(quiet, limits.read_time)
        {
            return Verdict::Close(Cause::ReadTimeout);
        }
        if exceeds(quiet, limits.session_idle) {
            return Verdict::Close(Cause::Idle);
        }
        if exceeds(quiet, Some(limits.idle_time)) {
            return Verdict::Close(Cause::IdleLimit);
        }
        if exceeds(Some(Duration::from_millis(now)), limits.life_time) {
            return Verdict::Expired;
        }
        Verdict::Fine
    }

    fn instant(&self, since: &AtomicU64) -> Option<Instant> {
        match since.load(Relaxed) {
            0 => None,
            since => Some(self.started + Duration::from_millis(since)),
        }
    }

    /// Since when the caller has sent no more of a body, or taken no more of a response.
    pub(super) fn stalled_since(&self) -> Option<Instant> {
        let body = self.reading.load(Relaxed) == Phase::Body as u8;
        let unsent = self.instant(&self.reading_since).filter(|_| body);
        self.instant(&self.writing_since).into_iter().chain(unsent).min()
    }

    /// How readily the connection is given up for another, if it may be at all: the longest first of
    /// the first rank that has any. `stalls`: the exchange has been seen to stall.
    pub(super) fn dispensability(&self, stalls: bool) -> Option<(Dispensable, Instant)> {
        if self.is_tunnel() || self.closing_since.load(Relaxed) != 0 {
            return None;
        }
        if self.heads.load(Relaxed) == 0 && self.busy.load(Relaxed) == 0 {
            return Some((Dispensable::Headless, self.started));
        }
        if let Some(since) = self.instant(&self.head_since) {
            return Some((Dispensable::Headless, since));
        }
        if self.is_waiting() {
            let since = self.instant(&self.reading_since);
            return since.map(|since| (Dispensable::Waiting, since));
        }
        let since = self.stalled_since()?;
        (stalls || since.elapsed() >= QUIET).then_some((Dispensable::Stalled, since))
    }
}

/// What a connection that is given up for another is doing, the readiest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Dispensable {
    /// It has not brought a head.
    Headless,
    /// It waits for another request.
    Waiting,
    /// An exchange is under way, and its caller lets it wait again and again. Otherwise as many as
    /// there may be could keep everybody else out, a byte at a time.
    Stalled,
}

/// Adds to a number that only one thread writes.
fn add(number: &AtomicU64, n: usize) {
    number.store(number.load(Relaxed).wrapping_add(n as u64), Relaxed);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Fine,
    HeadLate,
    /// It has lasted as long as it may.
    Expired,
    /// Nothing is under way: it is closed.
    Close(Cause),
    /// What is under way is cut off.
    Break(Cause),
}

/// Why a connection is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    Lingered,
    Stalled,
    IdleLimit,
    Idle,
    ReadTimeout,
    WriteTimeout,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A connection that was opened a second ago, and waits since then for what it waits for.
    fn opened() -> Progress {
        let started = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
        Progress { started, ..Arc::into_inner(Progress::new()).unwrap() }
    }

    fn since_opened(progress: &Progress) {
        for since in [&progress.reading_since, &progress.head_since, &progress.writing_since] {
            if since.load(Relaxed) != 0 {
                since.store(1, Relaxed);
            }
        }
    }

    const HALF: Duration = Duration::from_millis(500);

    #[test]
    fn a_waiting_connection_is_judged_by_what_it_waits_for() {
        let quick = Limits {
            head_time: Duration::ZERO,
            idle_time: Duration::ZERO,
            stall_time: Duration::ZERO,
            ..Limits::default()
        };
        let progress = opened();
        let judged = |progress: &Progress| {
            since_opened(progress);
            progress.judge(&quick, progress.is_waiting().then_some(HALF))
        };
        assert_eq!(judged(&progress), Verdict::Fine);
        progress.reading(Phase::Idle, Waker::noop());
        assert_eq!(judged(&progress), Verdict::Close(Cause::IdleLimit));
        progress.busy(true);
        assert_eq!(judged(&progress), Verdict::Fine);
        progress.reading(Phase::Body, Waker::noop());
        assert_eq!(judged(&progress), Verdict::Break(Cause::Stalled));
        progress.read();
        progress.reading(Phase::Head, Waker::noop());
        assert_eq!(judged(&progress), Verdict::HeadLate);
        progress.written(&Poll::Pending);
        assert_eq!(judged(&progress), Verdict::Break(Cause::Stalled));
        progress.set_tunnel();
        assert_eq!(judged(&progress), Verdict::Fine);
    }

    #[test]
    fn session_and_socket_limits_are_told_apart_from_ours() {
        let idle = opened();
        idle.reading(Phase::Idle, Waker::noop());
        since_opened(&idle);
        let judge = |limits: Limits| idle.judge(&limits, Some(HALF));
        let limits = Limits::default();
        assert_eq!(judge(limits), Verdict::Fine);
        assert_eq!(judge(Limits { life_time: Some(HALF), ..limits }), Verdict::Expired);
        let session_idle = Limits { session_idle: Some(HALF), ..limits };
        assert_eq!(judge(session_idle), Verdict::Close(Cause::Idle));
        let read_time = Limits { read_time: Some(HALF), ..limits };
        assert_eq!(judge(read_time), Verdict::Close(Cause::ReadTimeout));
        assert_eq!(idle.judge(&read_time, None), Verdict::Fine, "a service is waited for");
        idle.written(&Poll::Pending);
        since_opened(&idle);
        let write_time = Limits { write_time: Some(HALF), ..limits };
        assert_eq!(judge(write_time), Verdict::Break(Cause::WriteTimeout));
    }

    #[test]
    fn who_has_brought_no_head_is_given_up_first_and_who_is_served_never() {
        let exchange = || {
            let progress = opened();
            progress.head_passed();
            progress.busy(true);
            progress
        };
        let silent = opened();
        let slow = opened();
        slow.reading(Phase::Head, Waker::noop());
        let idle = opened();
        idle.head_passed();
        idle.reading(Phase::Idle, Waker::noop());
        let served = exchange();
        served.reading(Phase::Idle, Waker::noop());
        let sending = exchange();
        sending.reading(Phase::Body, Waker::noop());
        let stalled = exchange();
        stalled.reading(Phase::Body, Waker::noop());
        since_opened(&stalled);
        let untaken = exchange();
        untaken.written(&Poll::Pending);
        since_opened(&untaken);
        let rank = |progress: &Progress| progress.dispensability(false).map(|(rank, _)| rank);
        assert_eq!([&silent, &slow].map(rank), [Some(Dispensable::Headless); 2]);
        assert_eq!(rank(&idle), Some(Dispensable::Waiting));
        assert_eq!([&stalled, &untaken].map(rank), [Some(Dispensable::Stalled); 2]);
        assert_eq!([&served, &sending].map(rank), [None; 2]);
        let stalls = |progress: &Progress| progress.dispensability(true).map(|(rank, _)| rank);
        assert_eq!([&served, &sending].map(stalls), [None, Some(Dispensable::Stalled)]);
        assert!(Dispensable::Headless < Dispensable::Waiting);
        assert!(Dispensable::Waiting < Dispensable::Stalled);
    }
}
