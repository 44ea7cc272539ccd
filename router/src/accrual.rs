//! Failure accrual: an endpoint that fails too often is left alone for a while.
//!
//! Finagle's state machine (`FailureAccrualFactory`), one for each endpoint of a client, shared by
//! the workers:
//!
//! ```text
//! Alive ──policy says so──► Dead ──wait over──► ProbeOpen ──a request begins──► ProbeClosed
//!   ▲                        ▲ ▲                    ▲                            │ │ │
//!   └────────success─────────┼─┼────────────────────┼────────────────────────────┘ │ │
//!                            │ └──failure───────────┼──────────────────────────────┘ │
//!                            │                      └──neither: the caller gave up───┘
//! ```
//!
//! Balancers avoid an endpoint that is Dead or ProbeClosed, so one request at a time probes it. If
//! none is left they pick one all the same; what comes of a request while its endpoint is Dead or
//! ProbeOpen does not count.
//!
//! Most requests succeed, at an endpoint that is alive and has no failure to forget: that is found
//! out by reading alone. Whatever changes the state takes the lock of the endpoint, as does every
//! result under the policies of success rates, which must count them all: uncontended that is one
//! compare-and-swap.

mod consecutive_failures;
mod fail_fast;
mod success_rate;
mod success_rate_windowed;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::consecutive_failures::ConsecutiveFailures;
pub(crate) use self::fail_fast::FailFast;
use self::success_rate::SuccessRate;
use self::success_rate_windowed::SuccessRateWindowed;
use crate::backoff::Backoff;
use crate::config::kinds::{AccrualKind, BackoffConfig, FailureAccrualConfig};

/// What came of a request, as the response classifier of its service has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// An answer that counts as one.
    Success,
    /// No connection, no answer, or one that counts as a failure.
    Failure,
    /// Nothing that says anything of the endpoint: the caller gave up.
    Ignored,
}

/// When an endpoint has failed too often.
trait Policy: Send + std::fmt::Debug {
    /// A request has succeeded.
    fn succeeded(&mut self, now: Instant);

    /// A request has failed; whether the endpoint is dead now.
    fn failed(&mut self, now: Instant) -> bool;

    /// The endpoint is alive again: its past is forgotten.
    fn revived(&mut self, now: Instant);

    /// The success rate, from 0 to 1, if that is what it goes by and there has been a request.
    fn success_rate(&self) -> Option<f64> {
        None
    }
}

/// The registry of policies; `none` has none.
fn policy(kind: AccrualKind, now: Instant) -> Option<Box<dyn Policy>> {
    match kind {
        AccrualKind::ConsecutiveFailures { failures } => {
            Some(Box::new(ConsecutiveFailures::new(failures)))
        }
        AccrualKind::SuccessRate { success_rate, requests } => {
            Some(Box::new(SuccessRate::new(success_rate, requests)))
        }
        AccrualKind::SuccessRateWindowed { success_rate, window } => {
            Some(Box::new(SuccessRateWindowed::new(success_rate, window, now)))
        }
        AccrualKind::Never => None,
    }
}

/// Where an endpoint is in the state machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Alive,
    /// Left alone for so long from now.
    Dead(Duration),
    ProbeOpen,
    ProbeClosed,
}

/// What is counted of the state machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It was alive, and is dead for so long.
    Removed(Duration),
    /// The probe has failed: it is dead for so long again.
    StillDead(Duration),
    /// The probe has succeeded.
    Revived,
    /// A probe has begun.
    Probing,
}

/// The state machine of one endpoint.
#[derive(Debug)]
pub(crate) struct Accrual {
    epoch: Instant,
    /// [`State`] in the lower two bits, above them the milliseconds from `epoch` until which it is
    /// dead. Written under the lock of `tally` only.
    state: AtomicU64,
    /// Failures since the last success. Written under the lock, too.
    failures: AtomicU32,
    /// Whether the policy must be told of every success.
    counts_successes: bool,
    tally: Option<Mutex<Tally>>,
}

#[derive(Debug)]
struct Tally {
    policy: Box<dyn Policy>,
    waits: BackoffConfig,
    backoff: Backoff,
}

const ALIVE: u64 = 0;
const PROBE_OPEN: u64 = 1;
const PROBE_CLOSED: u64 = 2;
const DEAD: u64 = 3;

impl Accrual {
    /// An endpoint that is alive.
    pub(crate) fn new(config: &FailureAccrualConfig, now: Instant) -> Self {
        let tally = |policy| {
            Mutex::new(Tally {
                policy,
                waits: config.backoff,
                backoff: Backoff::new(config.backoff),
            })
        };
        Accrual {
            epoch: now,
            state: AtomicU64::new(ALIVE),
            failures: AtomicU32::new(0),
            counts_successes: !matches!(config.kind, AccrualKind::ConsecutiveFailures { .. }),
            tally: policy(config.kind, now).map(tally),
        }
    }

    pub(crate) fn state(&self, now: Instant) -> State {
        let state = self.state.load(Relaxed);
        match state & 3 {
            ALIVE => State::Alive,
            PROBE_OPEN => State::ProbeOpen,
            PROBE_CLOSED => State::ProbeClosed,
            _ => {
                let until = self.epoch + Duration::from_millis(state >> 2);
                let left = until.saturating_duration_since(now);
                if left.is_zero() { State::ProbeOpen } else { State::Dead(left) }
            }
        }
    }

    /// Whether balancers may give it a request.
    pub(crate) fn is_open(&self, now: Instant) -> bool {
        self.state.load(Relaxed) == ALIVE
            || matches!(self.state(now), State::Alive | State::ProbeOpen)
    }

    /// Failures since the last success.
    pub(crate) fn failures(&self) -> u32 {
        self.failures.load(Relaxed)
    }

    /// See [`Policy::success_rate`].
    pub(crate) fn success_rate(&self) -> Option<f64> {
        self.tally.as_ref().and_then(|tally| lock(tally).policy.success_rate())
    }

    /// A request to the endpoint begins.
    pub(crate) fn begin(&self, now: Instant) -> Option<Change> {
        if self.state.load(Relaxed) == ALIVE {
            return None;
        }
        let _tally = lock(self.tally.as_ref()?);
        (self.state(now) == State::ProbeOpen).then(|| {
            self.state.store(PROBE_CLOSED, Relaxed);
            Change::Probing
        })
    }

    /// A request has come to this. One that is counted must have been told of by
    /// [`begin`](Accrual::begin).
    pub(crate) fn finished(&self, outcome: Outcome, now: Instant) -> Option<Change> {
        let tally = self.tally.as_ref()?;
        let is_alive = self.state.load(Relaxed) == ALIVE;
        match outcome {
            Outcome::Success if is_alive && !self.counts_successes && self.failures() == 0 => None,
            Outcome::Ignored if is_alive => None,
            _ => self.count(&mut lock(tally), outcome, now),
        }
    }

    fn count(&self, tally: &mut Tally, outcome: Outcome, now: Instant) -> Option<Change> {
        let state = self.state(now);
        if !matches!(state, State::Alive | State::ProbeClosed) {
            return None;
        }
        match outcome {
            Outcome::Success => {
                self.failures.store(0, Relaxed);
                if state == State::Alive {
                    tally.policy.succeeded(now);
                    return None;
                }
                tally.policy.revived(now);
                tally.backoff = Backoff::new(tally.waits);
                self.state.store(ALIVE, Relaxed);
                Some(Change::Revived)
            }
            Outcome::Failure => {
                self.failures.store(self.failures().saturating_add(1), Relaxed);
                if tally.policy.failed(now) {
                    let wait = tally.backoff.next();
                    let until = now.saturating_duration_since(self.epoch).saturating_add(wait);
                    let until = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
                    self.state.store((until.min(u64::MAX >> 2) << 2) | DEAD, Relaxed);
                    let was_alive = state == State::Alive;
                    return Some(if was_alive {
                        Change::Removed(wait)
                    } else {
                        Change::StillDead(wait)
                    });
                }
                if state == State::ProbeClosed {
                    self.state.store(PROBE_OPEN, Relaxed);
                }
                None
            }
            Outcome::Ignored => {
                if state == State::ProbeClosed {
                    self.state.store(PROBE_OPEN, Relaxed);
                }
                None
            }
        }
    }
}

/// A tally is complete at each point where its holder could panic.
fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
