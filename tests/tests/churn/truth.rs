//! What was true when: which answers are right is a question of time.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a change may take to be obeyed. The file watcher polls once a second where the system
/// tells of no change; the rest is for a busy machine.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// How often it is tried how late the machine is, and for how long the worst of it counts.
const PROBE: Duration = Duration::from_millis(20);
const PROBES_KEPT: usize = 500;

/// A program that writes a file in place leaves it empty for a moment, which the router waits out
/// for 30 ms. One that takes this long may be seen.
const SLOW_WRITE: Duration = Duration::from_millis(10);

/// What the file of a service says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State {
    /// The service's backends that may answer, a bit for each.
    pub(crate) backends: u8,
    /// Whether it may be that nobody answers.
    pub(crate) none: bool,
}

impl State {
    /// Both are possible.
    pub(crate) fn or(self, other: State) -> State {
        State { backends: self.backends | other.backends, none: self.none || other.none }
    }
}

/// The history of one thing, newest last.
#[derive(Debug)]
struct History<T>(Vec<(Instant, T)>);

impl<T: Copy> History<T> {
    fn now(&self) -> T {
        self.0[self.0.len() - 1].1
    }

    fn set(&mut self, next: T) {
        let now = Instant::now();
        self.0.push((now, next));
        // What ended long before any request that is still under way.
        let old = now.checked_sub(GRACE * 10).unwrap_or(now);
        let gone = self.0.partition_point(|(since, _)| *since < old).saturating_sub(1);
        self.0.drain(..gone);
    }

    /// All that was the case at some time since `from`.
    fn since(&self, from: Instant) -> impl Iterator<Item = T> {
        let first = self.0.partition_point(|(since, _)| *since <= from).saturating_sub(1);
        self.0[first..].iter().map(|(_, state)| *state)
    }
}

/// The histories of all services and backends.
#[derive(Debug)]
pub(crate) struct Truth {
    services: Mutex<Vec<Service>>,
    /// How late the machine has been of late: what it does not run cannot be in time.
    lateness: Mutex<VecDeque<Duration>>,
}

#[derive(Debug)]
struct Service {
    state: History<State>,
    /// The backends that are up, a bit for each.
    up: History<u8>,
    /// Since when its file is being written in place.
    written_since: Option<Instant>,
}

impl Service {
    /// Whether its file may be empty for longer than the router waits.
    fn is_written_slowly(&self) -> bool {
        self.written_since.is_some_and(|since| since.elapsed() > SLOW_WRITE)
    }
}

impl Truth {
    pub(crate) fn new(services: usize, state: State) -> Self {
        let now = Instant::now();
        let service = |_| Service {
            state: History(vec![(now, state)]),
            up: History(vec![(now, u8::MAX)]),
            written_since: None,
        };
        let services = Mutex::new((0..services).map(service).collect());
        Truth { services, lateness: Mutex::default() }
    }

    /// Tries how late the machine is, as long as anybody is interested: a wait, and a file that is
    /// written beside the others.
    pub(crate) fn watch_the_machine(self: &Arc<Self>, beside: PathBuf) {
        let truth = Arc::downgrade(self);
        std::thread::spawn(move || {
            while truth.strong_count() > 0 {
                let began = Instant::now();
                std::thread::sleep(PROBE);
                // Its folder goes when the test ends.
                let _ =
                    std::fs::write(&beside, "late?").and_then(|()| std::fs::remove_file(&beside));
                let late = began.elapsed().saturating_sub(PROBE);
                let Some(truth) = truth.upgrade() else { return };
                let mut lateness = truth.lateness.lock().unwrap_or_else(PoisonError::into_inner);
                lateness.push_back(late);
                if lateness.len() > PROBES_KEPT {
                    lateness.pop_front();
                }
            }
        });
    }

    /// How long a change may take to be obeyed now.
    fn grace(&self) -> Duration {
        let lateness = self.lateness.lock().unwrap_or_else(PoisonError::into_inner);
        // The router waits for a processor several times until it has obeyed.
        GRACE + lateness.iter().max().copied().unwrap_or_default() * 5
    }

    fn earlier(&self, began: Instant) -> Instant {
        began.checked_sub(self.grace()).unwrap_or(began)
    }

    fn services(&self) -> MutexGuard<'_, Vec<Service>> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn state(&self, service: usize) -> State {
        self.services()[service].state.now()
    }

    pub(crate) fn set(&self, service: usize, state: State) {
        self.services()[service].state.set(state);
    }

    /// Does `write`, which writes the service's file in place.
    pub(crate) fn writing(&self, service: usize, write: impl FnOnce()) {
        self.services()[service].written_since = Some(Instant::now());
        write();
        let mut services = self.services();
        let service = &mut services[service];
        if service.is_written_slowly() {
            service.state.set(State { none: true, ..service.state.now() });
        }
        service.written_since = None;
    }

    pub(crate) fn set_up(&self, service: usize, backend: usize, up: bool) {
        let history = &mut self.services()[service].up;
        let bit = 1 << backend;
        let next = if up { history.now() | bit } else { history.now() & !bit };
        history.set(next);
    }

    /// What the service's file may have said to a request that began at `began` and has just ended.
    pub(crate) fn possible(&self, service: usize, began: Instant) -> State {
        let services = self.services();
        let service = &services[service];
        let states = service.state.since(self.earlier(began));
        let state = states.reduce(State::or).unwrap_or(State { backends: 0, none: true });
        State { none: state.none || service.is_written_slowly(), ..state }
    }

    /// What the service's file has said of late, and how long ago that began.
    pub(crate) fn told(&self, service: usize) -> String {
        let services = self.services();
        let History(states) = &services[service].state;
        let newest = states.iter().rev().take(4);
        let told = newest.map(|(since, state)| format!("{state:?} for {:?}", since.elapsed()));
        told.collect::<Vec<_>>().join(", before ")
    }

    /// Whether all the service's backends were up all the time.
    pub(crate) fn all_up(&self, service: usize, began: Instant) -> bool {
        self.services()[service].up.since(self.earlier(began)).all(|up| up == u8::MAX)
    }
}
