//! The bindings that a worker has in use, and the clients behind them.
//!
//! The way from a name to its binding is one look-up in a map of the worker's own. Behind an entry
//! stands a driver of the router's interpreter, shared by all workers, which resolves the name again
//! whenever something that it asked changes; an entry notices by one atomic load.
//!
//! Names under overrides are kept apart from the others, so that a caller who makes up overrides
//! cannot push out what everybody uses. Both are bounded: a full map gives up its longest idle entry,
//! and if all are in use the name is bound for one request only.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ahash::RandomState;
use dtab::{Activity, Addr, Bound, Dtab, Failure, NameTree, Path};
use http::{HeaderMap, HeaderValue};

use super::Router;
use super::answer::Refusal;
use super::context::{Context, Overrides};
use super::influence::{self, Influence};
use super::stats::{ClientStats, RouterStats, ServiceStats};
use super::trust::{OverridePolicy, Violation};
use crate::client::Client;
use crate::config::ServiceConfig;
use crate::entropy;
use crate::http::headers::dst::DstHeaders;
use crate::naming::{Binding, BindingHandle};
use crate::retry::budget::{Account, Budget};

/// The most names that are kept bound under overrides: what one costs is up to whoever makes it up.
const OVERRIDDEN: usize = 128;

/// All bindings of one router on one worker.
pub(crate) struct Bindings {
    router: Arc<Router>,
    plain: HashMap<Path, Rc<Entry>, RandomState>,
    overridden: HashMap<(Path, Overrides), Rc<Entry>, RandomState>,
    clients: HashMap<Path, Rc<Client>, RandomState>,
    stats: RouterStats,
}

/// One name, bound.
pub(crate) struct Entry {
    pub(crate) path: Path,
    pub(crate) local: Dtab,
    pub(crate) stats: ServiceStats,
    /// How its requests are judged and retried.
    pub(crate) policy: ServicePolicy,
    /// The overrides that it is bound under, and what they may do; none for a plain name.
    overridden: Option<Overridden>,
    handle: RefCell<BindingHandle>,
    resolved: RefCell<Option<Rc<Resolved>>>,
    uses: Cell<u32>,
    last_used: Cell<Instant>,
    /// The bindings that it belongs to, for its clients.
    owner: std::rc::Weak<RefCell<Bindings>>,
}

/// What a name under overrides has beyond a plain one.
struct Overridden {
    policy: Arc<OverridePolicy>,
    /// The table as it is handed on; none if it is empty.
    shown: Option<HeaderValue>,
    /// What it did to the newest binding that was good.
    influence: RefCell<Option<Rc<Influence>>>,
}

/// What holds for the requests of one logical name.
pub(crate) struct ServicePolicy {
    pub(crate) config: ServiceConfig,
    pub(crate) retries: Account,
}

/// What a binding comes to for requests: where they go, and with what share.
pub(crate) struct Resolved {
    pub(crate) binding: Arc<Binding>,
    choices: Vec<(f64, Choice)>,
    /// The override has led to where it may not; then there are no choices.
    violation: Option<Violation>,
}

/// A bound name that requests may go to.
pub(crate) struct Leaf {
    pub(crate) bound: Bound,
    /// Which entries of an override led here, as [`influence::shown`] has it; none if there was no
    /// override, or nothing is known of that.
    override_used: Option<HeaderValue>,
    version: u64,
    destination: OnceCell<Destination>,
}

/// A client, and how requests to it are named.
pub(crate) struct Destination {
    pub(crate) client: Rc<Client>,
    pub(crate) dst: DstHeaders,
}

/// Bindings of more leaves than this have clients only of those that have been drawn. An override
/// may name thousands for the sake of one request.
const ALL_CLIENTS: usize = 16;

/// Where a request may go.
pub(crate) enum Choice {
    /// To an endpoint of this name's client.
    Bound(Box<Leaf>),
    /// Nowhere: it is answered with this status.
    Status(u16),
    /// To a bound name whose addresses are not known yet.
    Pending,
    /// Nowhere.
    NoBrokers,
}

impl Bindings {
    pub(crate) fn new(router: Arc<Router>, stats: RouterStats) -> Self {
        Bindings {
            router,
            plain: HashMap::default(),
            overridden: HashMap::default(),
            clients: HashMap::default(),
            stats,
        }
    }

    /// The entry of a name under the overrides of a request, if the server's policy accepts them.
    pub(crate) fn entry(
        this: &Rc<RefCell<Self>>,
        name: &Path,
        context: &Context,
        policy: &Arc<OverridePolicy>,
    ) -> Result<Rc<Entry>, Refusal> {
        let mut bindings = this.borrow_mut();
        let bindings = &mut *bindings;
        match &context.overrides {
            None => {
                if let Some(entry) = bindings.plain.get(name) {
                    return Ok(entry.clone());
                }
                let entry = bindings.bind(this, name, Dtab::empty(), None);
                let capacity = bindings.router.cache.paths;
                insert(&mut bindings.plain, name.clone(), &entry, capacity, &bindings.stats);
                Ok(entry)
            }
            Some(overrides) => {
                // The key is built for the look-up; overrides are few and small.
                let key = (name.clone(), overrides.clone());
                if let Some(entry) = bindings.overridden.get(&key) {
                    entry.verify(context)?;
                    return Ok(entry.clone());
                }
                let local = overrides.parse(policy)?;
                let shown = HeaderValue::try_from(local.to_string()).ok();
                let shown = shown.filter(|_| !local.is_empty());
                let overridden =
                    Overridden { policy: policy.clone(), shown, influence: RefCell::default() };
                overridden.verify(context)?;
                let entry = bindings.bind(this, name, local, Some(overridden));
                let capacity = bindings.router.cache.paths.min(OVERRIDDEN);
                insert(&mut bindings.overridden, key, &entry, capacity, &bindings.stats);
                Ok(entry)
            }
        }
    }

    fn bind(
        &self,
        this: &Rc<RefCell<Self>>,
        path: &Path,
        local: Dtab,
        overridden: Option<Overridden>,
    ) -> Rc<Entry> {
        self.stats.path.misses.incr();
        let config = self.router.services.of(path);
        let retries =
            self.router.retry_budgets.get_or(path.clone(), || Budget::new(config.retries.budget));
        let retries = retries.open();
        Rc::new(Entry {
            path: path.clone(),
            handle: RefCell::new(self.router.interpreter.bind(&local, path)),
            local,
            stats: ServiceStats::new(&self.router.metrics, path, &retries),
            policy: ServicePolicy { config, retries },
            overridden,
            resolved: RefCell::default(),
            uses: Cell::new(0),
            last_used: Cell::new(Instant::now()),
            owner: Rc::downgrade(this),
        })
    }

    /// The client of a bound name. One that finds no room lives as long as the binding that has it.
    fn client(&mut self, id: &Path) -> Rc<Client> {
        if let Some(client) = self.clients.get(id) {
            return client.clone();
        }
        self.stats.client.misses.incr();
        let stats = ClientStats::new(&self.router.metrics, id);
        let config = self.router.clients.of(id);
        let shared = self.router.shared_clients.clone();
        let client = Rc::new(Client::new(id.clone(), config, shared, stats));
        if self.clients.len() >= self.router.cache.clients {
            let unused = self.clients.iter().find(|(_, client)| Rc::strong_count(client) == 1);
            match unused.map(|(id, _)| id.clone()) {
                Some(unused) => {
                    self.clients.remove(&unused);
                    self.stats.client.evicts.incr();
                }
                None => {
                    self.stats.client.oneshots.incr();
                    return client;
                }
            }
        }
        self.clients.insert(id.clone(), client.clone());
        client
    }

    /// Lets go of what nobody has used for a while, as Linkerd does; the last entry stays.
    pub(crate) fn expire(&mut self) {
        let idle_ttl = self.router.cache.idle_ttl;
        for expired in [expire(&mut self.plain, idle_ttl), expire(&mut self.overridden, idle_ttl)] {
            self.stats.path.expires.add(expired);
        }
        let before = self.clients.len();
        self.clients.retain(|_, client| Rc::strong_count(client) > 1);
        self.stats.client.expires.add((before - self.clients.len()) as u64);
    }

    /// Lets go of everything: its router is replaced. Requests that are under way keep what they use.
    pub(crate) fn let_go(&mut self) {
        self.plain.clear();
        self.overridden.clear();
        self.clients.clear();
    }

    /// Closes connections that have waited or lived for too long.
    pub(crate) fn reap(&self) {
        for client in self.clients.values() {
            client.reap();
        }
    }
}

type Entries<K> = HashMap<K, Rc<Entry>, RandomState>;

fn insert<K: std::hash::Hash + Eq + Clone>(
    entries: &mut Entries<K>,
    key: K,
    entry: &Rc<Entry>,
    capacity: usize,
    stats: &RouterStats,
) {
    if entries.len() >= capacity {
        let idle = entries.iter().filter(|(_, entry)| entry.uses.get() == 0);
        let Some(key) =
            idle.min_by_key(|(_, entry)| entry.last_used.get()).map(|(key, _)| key.clone())
        else {
            stats.path.oneshots.incr();
            return;
        };
        entries.remove(&key);
        stats.path.evicts.incr();
    }
    entries.insert(key, entry.clone());
}

fn expire<K: std::hash::Hash + Eq + Clone>(entries: &mut Entries<K>, idle_ttl: Duration) -> u64 {
    let idle = |entry: &Entry| entry.uses.get() == 0 && entry.last_used.get().elapsed() > idle_ttl;
    let mut expired: Vec<_> = entries
        .iter()
        .filter(|(_, entry)| idle(entry))
        .map(|(key, entry)| (entry.last_used.get(), key.clone()))
        .collect();
    expired.sort_by_key(|(last_used, _)| *last_used);
    if expired.len() == entries.len() {
        expired.pop();
    }
    for (_, key) in &expired {
        entries.remove(key);
    }
    expired.len() as u64
}

impl Entry {
    /// The entry is in use, for a request that came now, until the guard is dropped.
    pub(crate) fn begin(self: &Rc<Self>, came: Instant) -> InUse {
        self.uses.set(self.uses.get() + 1);
        self.last_used.set(came);
        InUse { entry: self.clone(), started: came, counted: self.stats.begin() }
    }

    /// Writes the context of a request for the next hop.
    pub(crate) fn write_context(&self, context: &Context, headers: &mut HeaderMap) {
        let shown = self.overridden.as_ref().and_then(|overridden| overridden.shown.as_ref());
        context.write(headers, shown);
    }

    /// Whether the overrides are signed as they must be.
    fn verify(&self, context: &Context) -> Result<(), Refusal> {
        self.overridden.as_ref().map_or(Ok(()), |overridden| overridden.verify(context))
    }

    /// What the name is bound to now, waiting for the first answer.
    async fn resolved(&self, timeout: Duration) -> Result<Rc<Resolved>, BindError> {
        let mut waiting = self.handle.borrow().clone();
        let known = waiting.rx.wait_for(|binding| is_known(binding));
        let known = tokio::time::timeout(timeout, known).await.is_ok();
        // Seen up to here; a change after this is noticed by the next request.
        let binding = self.handle.borrow_mut().rx.borrow_and_update().clone();
        let tree = match &binding.tree {
            Activity::Ok(tree) => tree.clone(),
            Activity::Pending => return Err(BindError::Timeout(binding, timeout)),
            Activity::Failed(failure) => return Err(BindError::Failed(failure.clone(), binding)),
        };
        if !known && matches!(&*tree, NameTree::Leaf(Bound { addr: Addr::Pending, .. })) {
            return Err(BindError::Timeout(binding, timeout));
        }
        let resolved = Rc::new(self.resolve(binding, &tree));
        // What is still waited for is waited for again by the next request.
        *self.resolved.borrow_mut() = known.then(|| resolved.clone());
        Ok(resolved)
    }

    /// Where a request goes. Waits for the first binding, and for the addresses of the leaf drawn.
    pub(crate) async fn drawn(
        &self,
        timeout: Duration,
    ) -> Result<(Rc<Resolved>, usize), BindError> {
        let mut until = None;
        loop {
            let resolved = match self.up_to_date() {
                Some(resolved) => resolved,
                None => {
                    until.get_or_insert_with(|| tokio::time::Instant::now() + timeout);
                    Box::pin(self.resolved(timeout)).await?
                }
            };
            if let Some(violation) = &resolved.violation {
                return Err(BindError::OutOfScope(violation.clone()));
            }
            let drawn = resolved.draw();
            if !matches!(resolved.choice(drawn), Choice::Pending) {
                return Ok((resolved, drawn));
            }
            let until = *until.get_or_insert_with(|| tokio::time::Instant::now() + timeout);
            let version = resolved.binding.version;
            let mut bindings = self.handle.borrow().rx.clone();
            let changed = bindings.wait_for(|binding| binding.version != version);
            if !matches!(tokio::time::timeout_at(until, changed).await, Ok(Ok(_))) {
                return Err(BindError::Timeout(resolved.binding.clone(), timeout));
            }
        }
    }

    fn up_to_date(&self) -> Option<Rc<Resolved>> {
        let resolved = self.resolved.borrow().clone()?;
        // A driver that has ended keeps its last word.
        let changed = self.handle.borrow().rx.has_changed().unwrap_or(false);
        (!changed).then_some(resolved)
    }

    fn resolve(&self, binding: Arc<Binding>, tree: &NameTree<Bound>) -> Resolved {
        // What is kept from before must not undo what another binding knows by now.
        let version = if binding.stale.is_some() { 0 } else { binding.version };
        let influence = self.overridden.as_ref().and_then(|it| it.influence_on(&binding));
        if let Err(violation) = self.check_scope(influence.as_deref(), tree) {
            let (choices, violation) = (Vec::new(), Some(violation));
            return Resolved { binding, choices, violation };
        }
        let used = |bound: &Bound| {
            let used = influence.as_ref()?.on(&bound.id, &bound.residual);
            influence::shown(&self.local, used)
        };
        let mut sum = 0.0;
        let choices = dtab::view::spread(tree).into_iter().map(|(bound, share)| {
            sum += share;
            (sum, bound.map_or(Choice::NoBrokers, |bound| choice(bound, version, used(bound))))
        });
        let choices: Vec<_> = choices.collect();
        if choices.iter().any(|(_, choice)| !matches!(choice, Choice::NoBrokers)) {
            self.stats.bound();
        }
        if choices.len() <= ALL_CLIENTS {
            for (_, choice) in &choices {
                if let Choice::Bound(leaf) = choice {
                    self.destination(leaf);
                }
            }
        }
        Resolved { binding, choices, violation: None }
    }

    /// Whether the overrides have led to where they may.
    fn check_scope(
        &self,
        influence: Option<&Influence>,
        tree: &NameTree<Bound>,
    ) -> Result<(), Violation> {
        let Some(overridden) = &self.overridden else { return Ok(()) };
        let mut leaves = Vec::new();
        tree.for_each_leaf(&mut |bound| leaves.push((&bound.id, &bound.residual)));
        overridden.policy.check_bound(&self.local, influence, leaves)
    }

    /// The client of a leaf, which gets to know the addresses; none if the worker is ending.
    pub(crate) fn destination<'l>(&self, leaf: &'l Leaf) -> Option<&'l Destination> {
        if let Some(known) = leaf.destination.get() {
            return Some(known);
        }
        let Bound { id, residual, addr, .. } = &leaf.bound;
        let addresses = match addr {
            Addr::Bound(addresses) => addresses.clone(),
            Addr::Neg | Addr::Pending | Addr::Failed(_) | Addr::Status(_) => Arc::default(),
        };
        let client = self.owner.upgrade()?.borrow_mut().client(id);
        client.update(&addresses, leaf.version);
        let dst = DstHeaders::new(&self.path, id, residual);
        Some(leaf.destination.get_or_init(|| Destination { client, dst }))
    }
}

impl Overridden {
    fn verify(&self, context: &Context) -> Result<(), Refusal> {
        let Some(shown) = self.shown.as_ref().and_then(|shown| shown.to_str().ok()) else {
            return Ok(());
        };
        self.policy.verify(shown, &context.signatures).map_err(Refusal::bad_request)
    }

    /// What the overrides did to a binding. The tree of one that is stale is of an earlier
    /// resolution, and so is what led to it; if that was never seen, nothing is known.
    fn influence_on(&self, binding: &Binding) -> Option<Rc<Influence>> {
        if binding.stale.is_none() {
            let influence = Rc::new(Influence::of(&binding.delegation));
            *self.influence.borrow_mut() = Some(influence);
        }
        self.influence.borrow().clone()
    }
}

fn choice(bound: &Bound, version: u64, override_used: Option<HeaderValue>) -> Choice {
    match bound.addr {
        Addr::Status(code) => Choice::Status(code),
        Addr::Pending => Choice::Pending,
        _ => {
            let (bound, destination) = (bound.clone(), OnceCell::new());
            Choice::Bound(Box::new(Leaf { bound, override_used, version, destination }))
        }
    }
}

impl Resolved {
    /// Which entries of the request's override led to this choice; see [`influence::shown`].
    pub(crate) fn override_used(&self, drawn: usize) -> Option<&HeaderValue> {
        match self.choice(drawn) {
            Choice::Bound(leaf) => leaf.override_used.as_ref(),
            Choice::Status(_) | Choice::Pending | Choice::NoBrokers => None,
        }
    }

    /// Which of the choices a request takes, drawn by weight.
    fn draw(&self) -> usize {
        if self.choices.len() < 2 {
            return 0;
        }
        let point = entropy::next_unit();
        self.choices.partition_point(|(sum, _)| *sum <= point).min(self.choices.len() - 1)
    }

    pub(crate) fn choice(&self, drawn: usize) -> &Choice {
        self.choices.get(drawn).map_or(&Choice::NoBrokers, |(_, choice)| choice)
    }
}

/// Whether there is nothing left to wait for: neither the name nor the address of one of its leaves.
fn is_known(binding: &Binding) -> bool {
    let Activity::Ok(tree) = &binding.tree else { return binding.tree != Activity::Pending };
    let mut known = true;
    tree.for_each_leaf(&mut |bound| known &= bound.addr != Addr::Pending);
    known
}

/// Why a name has no binding.
pub(crate) enum BindError {
    /// It was not known in time.
    Timeout(Arc<Binding>, Duration),
    /// It cannot be known.
    Failed(Failure, Arc<Binding>),
    /// Its override has led it to where it may not.
    OutOfScope(Violation),
}

/// One request's use of an entry.
pub(crate) struct InUse {
    pub(crate) entry: Rc<Entry>,
    pub(crate) started: Instant,
    counted: bool,
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.entry.uses.set(self.entry.uses.get() - 1);
        if self.counted {
            self.entry.stats.done();
        }
    }
}
