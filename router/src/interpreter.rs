//! The `default` interpreter: a base table, the configured namers, transformers.

use std::sync::Arc;
use std::time::Duration;

use dtab::why_not::{Destination, Question, WhyNot};
use dtab::{Addr, Bound, Delegation, Dtab, Explore, Path, Resolver, Step, Transformer};
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::naming::{Asked, BindingHandle, Drivers, FIRST_ANSWERS, LiveNamers, Table};

/// Binds names: a router's interpreter.
#[derive(Debug)]
pub struct Interpreter {
    table: Arc<Table>,
    drivers: Arc<Drivers>,
    rt: Handle,
}

impl Interpreter {
    /// The interpreter of this base table. Its drivers run on `rt`.
    pub fn new(
        base: Dtab,
        namers: Arc<LiveNamers>,
        transformers: Vec<Transformer>,
        rt: Handle,
    ) -> Arc<Self> {
        base.compile();
        let table = Arc::new(Table { base, namers, transformers });
        Arc::new(Interpreter { table, drivers: Arc::default(), rt })
    }

    /// The live binding of a name.
    ///
    /// Does not block, and may be called from any thread. The same (local, path) asked for by
    /// several workers shares one driver, which ends with the last handle, and its watches with it.
    pub fn bind(self: &Arc<Self>, local: &Dtab, path: &Path) -> BindingHandle {
        self.drivers.bind(&self.table, &self.rt, local, path)
    }

    /// One explained resolution with all branches, over `base` rather than the configured table if
    /// they differ. Waits until nothing is pending or `timeout` has passed, and gives the last one.
    pub async fn delegate(
        &self,
        base: &Dtab,
        local: &Dtab,
        path: &Path,
        timeout: Duration,
    ) -> Delegation {
        self.resolve(base, local, path, Explore::All, Instant::now() + timeout).await
    }

    async fn resolve(
        &self,
        base: &Dtab,
        local: &Dtab,
        path: &Path,
        explore: Explore,
        deadline: Instant,
    ) -> Delegation {
        let Table { namers: live, transformers, .. } = &*self.table;
        let mut asked = Asked::default();
        loop {
            let delegation = asked.resolve(live, |namers| {
                Resolver { base, local, namers, transformers }.resolve(path, explore)
            });
            if !is_pending(&delegation)
                || tokio::time::timeout_at(deadline, asked.changed()).await.is_err()
            {
                return delegation;
            }
        }
    }

    /// Whether `path` reaches a destination, and why not; over `base` rather than the configured
    /// table if they differ. Waits for namers as [`delegate`](Self::delegate) does, and half as long
    /// again for all that is tried beside it.
    pub async fn why_not(
        &self,
        base: &Dtab,
        local: &Dtab,
        path: &Path,
        destination: &Destination,
        timeout: Duration,
    ) -> WhyNot {
        let prefixes = self.namers().prefixes();
        let mut known: Vec<_> = self.bound().into_iter().map(|bound| bound.id).collect();
        known.extend(self.namers().bound_names());
        known.sort_unstable();
        known.dedup();
        let question =
            Question { base, local, path, destination, prefixes: &prefixes, known: &known };
        let delegation = self.delegate(base, local, path, timeout).await;
        let mut why = question.explain(&delegation);
        let deadline = Instant::now() + timeout / 2;
        for probe in question.probes(&delegation) {
            // What else this thread does has its turn.
            tokio::task::yield_now().await;
            let (local, path) = (&probe.local, &probe.path);
            let tried = self.resolve(base, local, path, Explore::Needed, deadline).await;
            why.learn(&question, &probe, &tried);
        }
        why
    }

    /// The resolution of a name, kept up to date: a new one whenever it changes.
    pub(crate) fn follow(&self, base: Dtab, local: Dtab, path: Path) -> Followed {
        let (table, asked) = (self.table.clone(), Asked::default());
        Followed { table, base, local, path, asked, resolved: None }
    }

    /// The table of the router.
    pub fn base(&self) -> &Dtab {
        &self.table.base
    }

    /// The namers that the table ends in.
    pub fn namers(&self) -> &Arc<LiveNamers> {
        &self.table.namers
    }

    /// All that the names kept bound now are bound to.
    pub fn bound(&self) -> Vec<Bound> {
        self.drivers.bound()
    }

    /// The names that are kept bound now, apart from those under overrides.
    pub fn bound_names(&self) -> Vec<Path> {
        self.drivers.names()
    }

    /// How many names are kept bound now.
    pub fn bindings(&self) -> usize {
        self.drivers.len()
    }
}

/// How soon one resolution that is followed comes after another.
const BURST: Duration = Duration::from_millis(50);

/// An explained resolution that is kept up to date: see [`Interpreter::follow`].
pub(crate) struct Followed {
    table: Arc<Table>,
    base: Dtab,
    local: Dtab,
    path: Path,
    asked: Asked,
    /// When it was resolved last.
    resolved: Option<Instant>,
}

impl Followed {
    /// The first resolution, and then the one after each change. Nothing is lost if it is dropped
    /// half-way.
    pub(crate) async fn next(&mut self) -> Delegation {
        if let Some(before) = self.resolved {
            tokio::time::sleep_until(before + BURST).await;
            self.asked.changed().await;
            return self.resolve();
        }
        let until = Instant::now() + FIRST_ANSWERS;
        loop {
            let delegation = self.resolve();
            if !is_pending(&delegation)
                || tokio::time::timeout_at(until, self.asked.changed()).await.is_err()
            {
                return delegation;
            }
        }
    }

    fn resolve(&mut self) -> Delegation {
        self.resolved = Some(Instant::now());
        let Self { table, base, local, path, .. } = self;
        let Table { namers: live, transformers, .. } = &**table;
        self.asked.resolve(live, |namers| {
            Resolver { base, local, namers, transformers }.resolve(path, Explore::All)
        })
    }
}

/// Whether any part of it is still to come.
fn is_pending(delegation: &Delegation) -> bool {
    match &delegation.step {
        Step::Pending => true,
        Step::Leaf(bound) => bound.addr == Addr::Pending,
        Step::Transformed { before, after, .. } => {
            before.addr == Addr::Pending || is_pending(after)
        }
        _ => delegation.children().into_iter().any(is_pending),
    }
}
