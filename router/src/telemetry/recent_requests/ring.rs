//! What one worker remembers of one router.

use std::collections::VecDeque;
use std::sync::Arc;

use dtab::Delegation;

use super::{BINDINGS, Recent, STEPS};
use crate::naming::Binding;

/// Successes and failures apart.
#[derive(Debug, Default)]
pub(super) struct Rings {
    successes: Ring,
    failures: Ring,
}

/// The latest requests of one kind, oldest first.
#[derive(Debug, Default)]
struct Ring {
    requests: VecDeque<Arc<Recent>>,
    /// How many of the newest have not been told yet.
    untold: usize,
    /// Bindings that are kept alive, each with the steps that it has.
    bindings: VecDeque<(Arc<Binding>, usize)>,
}

impl Rings {
    /// Those that failed, or that did not, oldest first.
    pub(super) fn of(&self, failed: bool) -> &VecDeque<Arc<Recent>> {
        if failed { &self.failures.requests } else { &self.successes.requests }
    }

    /// Takes one in, and lets the oldest go if there are more than `capacity`.
    pub(super) fn push(
        &mut self,
        request: Arc<Recent>,
        binding: Option<&Arc<Binding>>,
        capacity: usize,
    ) {
        let ring = if request.failed { &mut self.failures } else { &mut self.successes };
        if let Some(binding) = binding {
            ring.keep(binding);
        }
        ring.requests.push_back(request);
        ring.untold += 1;
        while ring.requests.len() > capacity {
            ring.requests.pop_front();
        }
    }

    pub(super) fn get(&self, id: u64) -> Option<Arc<Recent>> {
        let mut all = self.successes.requests.iter().chain(&self.failures.requests);
        all.find(|request| request.id == id).cloned()
    }

    /// Those that are new since the last call.
    pub(super) fn news(&mut self) -> Vec<Arc<Recent>> {
        let rings = [&mut self.successes, &mut self.failures];
        rings.into_iter().flat_map(Ring::news).collect()
    }

    /// Gives away all that there is.
    pub(super) fn move_to(&mut self, other: &mut Rings, capacity: usize) {
        for (from, to) in
            [(&mut self.successes, &mut other.successes), (&mut self.failures, &mut other.failures)]
        {
            for (binding, _) in from.bindings.drain(..) {
                to.keep(&binding);
            }
            to.untold += from.untold;
            to.requests.extend(from.requests.drain(..));
            to.requests.make_contiguous().sort_by_key(|request| (request.ended, request.id));
            while to.requests.len() > capacity {
                to.requests.pop_front();
            }
        }
    }
}

impl Ring {
    fn news(&mut self) -> Vec<Arc<Recent>> {
        let told = self.requests.len().saturating_sub(std::mem::take(&mut self.untold));
        self.requests.range(told..).cloned().collect()
    }

    /// Keeps a binding alive, and lets the oldest go if they have grown too large.
    fn keep(&mut self, binding: &Arc<Binding>) {
        if self.bindings.iter().any(|(kept, _)| Arc::ptr_eq(kept, binding)) {
            return;
        }
        let steps = steps(&binding.delegation);
        if steps > STEPS {
            return;
        }
        self.bindings.push_back((binding.clone(), steps));
        let mut all: usize = self.bindings.iter().map(|(_, steps)| steps).sum();
        while self.bindings.len() > BINDINGS || all > STEPS {
            all -= self.bindings.pop_front().map_or(0, |(_, steps)| steps);
        }
    }
}

/// The steps of a resolution, counted no further than one beyond [`STEPS`].
fn steps(delegation: &Delegation) -> usize {
    let (mut open, mut steps) = (vec![delegation], 0);
    while let Some(step) = open.pop() {
        steps += 1;
        if steps > STEPS {
            break;
        }
        open.extend(step.children());
    }
    steps
}
