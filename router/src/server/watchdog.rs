//! Connections that make no progress, or have lasted long enough.
//!
//! A timer for every read of every connection would cost more than the reads. Instead a connection
//! notes since when it has been waiting and for what ([`progress`](super::progress)), and each worker
//! looks at its connections a few times a second. It counts bytes and ends at the same time.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

use super::Limits;
use super::counts::{ConnectionCounts, Ended};
use super::progress::{Cause, Dispensable, Progress, Verdict};
use super::slot::{QUIET, Slot};

/// How often a worker looks at its connections.
pub(crate) const PERIOD: Duration = Duration::from_millis(250);

/// The connections of one worker.
#[derive(Default)]
pub(crate) struct Watchdog {
    connections: Vec<Watched>,
}

struct Watched {
    progress: Arc<Progress>,
    limits: Limits,
    slot: Rc<Slot>,
    counts: Rc<ConnectionCounts>,
    task: AbortHandle,
    /// The bytes received and sent that are counted already.
    counted: (u64, u64),
    /// Since when it has been seen waiting, and behind how many heads.
    quiet: Option<(Instant, u32)>,
    /// The exchange that has been seen to stall, by how many heads had come.
    stalled_in: Option<u32>,
    /// It has been ended and counted as that.
    ended: bool,
}

impl Watched {
    /// Looks at it once; whether it is still there.
    fn look(&mut self, now: Instant) -> bool {
        self.count_bytes();
        if self.task.is_finished() {
            let (received, sent) = self.counted;
            let requests = u64::from(self.progress.heads.load(Relaxed));
            self.counts.ended(Ended { millis: self.progress.now(), requests, received, sent });
            return false;
        }
        if self.ended {
            return true;
        }
        let quiet = self.quiet_for(now);
        let stalled = self.progress.stalled_since();
        if stalled.is_some_and(|since| now.saturating_duration_since(since) >= QUIET) {
            self.stalled_in = Some(self.progress.heads.load(Relaxed));
        }
        match self.progress.judge(&self.limits, quiet) {
            Verdict::Fine => self.drain(now, quiet),
            Verdict::HeadLate => {
                self.progress.late.store(true, Relaxed);
                if let Some(waker) = self.progress.rare().waker.take() {
                    waker.wake();
                }
            }
            Verdict::Expired => {
                if !self.progress.ending.swap(true, Relaxed) {
                    self.counts.lifetime.incr();
                }
                // Until it has been quiet for a while, its next request may be on the way, and be the
                // last one.
                if quiet.is_some_and(|quiet| quiet >= QUIET) {
                    self.end();
                } else {
                    self.drain(now, quiet);
                }
            }
            Verdict::Close(cause) => self.end_for(cause),
            Verdict::Break(cause) => {
                self.progress.set_broken();
                self.end_for(cause);
            }
        }
        true
    }

    fn count_bytes(&mut self) {
        let now = (self.progress.received.load(Relaxed), self.progress.sent.load(Relaxed));
        let before = std::mem::replace(&mut self.counted, now);
        if now != before {
            self.counts.received_bytes.add(now.0.wrapping_sub(before.0));
            self.counts.sent_bytes.add(now.1.wrapping_sub(before.1));
        }
    }

    /// For how long it has been seen waiting for a request without one coming between.
    fn quiet_for(&mut self, now: Instant) -> Option<Duration> {
        let heads = self.progress.heads.load(Relaxed);
        self.quiet = match self.quiet {
            _ if !self.progress.is_waiting() => None,
            Some((since, behind)) if behind == heads => Some((since, behind)),
            _ => Some((now, heads)),
        };
        self.quiet.map(|(since, _)| now.duration_since(since))
    }

    /// Ends it if its slot is draining and it is quiet, or too late.
    fn drain(&mut self, now: Instant, quiet: Option<Duration>) {
        let Some(drain) = self.slot.draining() else { return };
        if quiet.is_some_and(|quiet| quiet >= drain.quiet) {
            self.end();
        } else if drain.until.is_some_and(|until| until <= now) {
            self.progress.set_broken();
            self.end();
        }
    }

    fn end_for(&mut self, cause: Cause) {
        match cause {
            Cause::Lingered => {}
            Cause::Stalled => self.counts.body_timeout.incr(),
            Cause::IdleLimit => self.counts.idle_timeout.incr(),
            Cause::Idle => self.counts.idle.incr(),
            Cause::ReadTimeout => self.counts.read_timeout.incr(),
            Cause::WriteTimeout => self.counts.write_timeout.incr(),
        }
        self.end();
    }

    fn dispensability(&self) -> Option<(Dispensable, Instant)> {
        let exchange = self.progress.heads.load(Relaxed);
        self.progress.dispensability(self.stalled_in == Some(exchange))
    }

    fn end(&mut self) {
        self.ended = true;
        self.task.abort();
    }
}

impl Watchdog {
    pub(crate) fn watch(&mut self, slot: Rc<Slot>, progress: Arc<Progress>, task: AbortHandle) {
        let server = slot.server();
        self.connections.push(Watched {
            progress,
            limits: server.shared.limits,
            counts: server.connections.clone(),
            slot,
            task,
            counted: (0, 0),
            quiet: None,
            stalled_in: None,
            ended: false,
        });
    }

    /// Looks at every connection once: late heads are answered, those whose time is over end.
    pub(crate) fn look(&mut self) {
        let now = Instant::now();
        self.connections.retain_mut(|connection| connection.look(now));
    }

    /// Ends up to `most` connections of `slot` that are the easiest to do without; how many.
    pub(crate) fn shed(&mut self, slot: &Rc<Slot>, most: usize) -> usize {
        let now = Instant::now();
        if slot.nothing_to_shed.get().is_some_and(|seen| now.duration_since(seen) < PERIOD) {
            return 0;
        }
        let own = self.connections.iter_mut();
        let own = own.filter(|c| !c.ended && Rc::ptr_eq(&c.slot, slot) && !c.task.is_finished());
        let mut dispensable: Vec<_> =
            own.filter_map(|c| c.dispensability().map(|rank| (rank, c))).collect();
        slot.nothing_to_shed.set(dispensable.is_empty().then_some(now));
        dispensable.sort_by_key(|(rank, _)| *rank);
        dispensable.truncate(most);
        for ((rank, _), connection) in &mut dispensable {
            connection.counts.shed.incr();
            if *rank == Dispensable::Stalled {
                connection.progress.set_broken();
            }
            connection.end();
        }
        dispensable.len()
    }
}
