//! A listening address as one worker serves it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::proxy::LocalServer;

/// A connection that is to end and has been quiet for so long is closed. One that has not may have its
/// next request on the way; it ends with the response to that.
pub(super) const QUIET: Duration = Duration::from_millis(500);

/// What connections of one address have in common: the server that answers their next request, and
/// whether that is to be their last.
pub(crate) struct Slot {
    server: RefCell<Rc<LocalServer>>,
    drain: Cell<Option<Drain>>,
    /// No connection could be shed when it was last tried.
    pub(super) nothing_to_shed: Cell<Option<Instant>>,
}

/// How connections end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drain {
    /// Closed after so long without a request.
    pub(super) quiet: Duration,
    /// Cut at this time, whatever is under way.
    pub(super) until: Option<Instant>,
}

impl Drain {
    /// Ends what is quiet, and cuts what is left after `limit`.
    pub(crate) fn within(limit: Duration) -> Self {
        Drain { quiet: QUIET.min(limit / 2), until: Instant::now().checked_add(limit) }
    }

    /// Ends what is quiet; every request ends as it would have.
    pub(crate) fn unhurried() -> Self {
        Drain { quiet: QUIET, until: None }
    }
}

impl Slot {
    pub(crate) fn new(server: Rc<LocalServer>) -> Rc<Self> {
        Rc::new(Slot {
            server: RefCell::new(server),
            drain: Cell::new(None),
            nothing_to_shed: Cell::new(None),
        })
    }

    /// What answers the next request.
    pub(crate) fn server(&self) -> Rc<LocalServer> {
        self.server.borrow().clone()
    }

    /// From the next request on, `server` answers.
    pub(crate) fn replace(&self, server: Rc<LocalServer>) {
        self.server.replace(server);
    }

    /// Its connections are to end.
    pub(crate) fn drain(&self, how: Drain) {
        self.drain.set(Some(how));
    }

    pub(crate) fn draining(&self) -> Option<Drain> {
        self.drain.get()
    }
}
