//! What the workers know together of a client's endpoints: whether they work, and how much they
//! have to do.
//!
//! Everything here is read for requests and shown to operators, but written only when something
//! changes; the exception are the [`Meter`]s, each of which one worker alone writes.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use dtab::{AddrSet, Path};

use crate::accrual::{Accrual, FailFast, State};
use crate::balance::{PeakEwma, Status};
use crate::config::ClientConfig;
use crate::config::kinds::{BalancerKind, FailureAccrualConfig};

/// The health of every client that some worker has.
#[derive(Debug, Default)]
pub(crate) struct HealthTable {
    clients: Mutex<BTreeMap<(String, Path), Weak<ClientHealth>>>,
}

impl HealthTable {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(HealthTable::default())
    }

    /// The health of a client of this router, shared with every worker that has it. Asked when a
    /// client is made. One whose policy has changed begins anew.
    pub(crate) fn client(
        &self,
        router: &str,
        id: &Path,
        config: &ClientConfig,
    ) -> Arc<ClientHealth> {
        let mut clients = lock(&self.clients);
        let key = (router.to_owned(), id.clone());
        if let Some(health) = clients.get(&key).and_then(Weak::upgrade)
            && health.policy == Policy::of(config)
        {
            return health;
        }
        clients.retain(|_, health| health.strong_count() > 0);
        let health = Arc::new(ClientHealth::new(Policy::of(config)));
        clients.insert(key, Arc::downgrade(&health));
        health
    }

    /// The endpoints of one client as they are now; none if no worker has it.
    pub(crate) fn endpoints(&self, router: &str, id: &Path) -> Vec<EndpointView> {
        let key = (router.to_owned(), id.clone());
        let health = lock(&self.clients).get(&key).and_then(Weak::upgrade);
        health.map_or_else(Vec::new, |health| health.view(Instant::now()))
    }

    /// Keeps what is known now until it is dropped, whether or not any worker has the clients.
    pub(crate) fn keep(&self) -> KeptHealth {
        let kept = lock(&self.clients).values().filter_map(Weak::upgrade).collect::<Vec<_>>();
        let endpoints = kept.iter().flat_map(|client| client.known()).collect();
        KeptHealth { _clients: kept, _endpoints: endpoints }
    }

    /// Every endpoint of every client as it is now, by router and client.
    pub(crate) fn view(&self) -> Vec<ClientView> {
        let clients: Vec<_> = lock(&self.clients)
            .iter()
            .filter_map(|(key, health)| Some((key.clone(), health.upgrade()?)))
            .collect();
        let now = Instant::now();
        let view = |((router, client), health): ((String, Path), Arc<ClientHealth>)| ClientView {
            router,
            client,
            endpoints: health.view(now),
        };
        clients.into_iter().map(view).collect()
    }
}

/// The health of clients that workers have let go of and may have again; see [`HealthTable::keep`].
#[must_use = "what nobody keeps is forgotten"]
pub(crate) struct KeptHealth {
    _clients: Vec<Arc<ClientHealth>>,
    _endpoints: Vec<Arc<Health>>,
}

/// The endpoints of one client, for people.
#[derive(Debug)]
pub(crate) struct ClientView {
    /// The label of the router.
    pub(crate) router: String,
    /// The bound name.
    pub(crate) client: Path,
    pub(crate) endpoints: Vec<EndpointView>,
}

/// One endpoint, for people.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EndpointView {
    pub(crate) address: SocketAddr,
    pub(crate) weight: f64,
    /// Why balancers leave it alone; none if it is open.
    pub(crate) busy: Option<Busy>,
    /// Requests in flight, on all workers.
    pub(crate) load: u32,
    /// The highest peak EWMA of the workers, if that is what the balancer goes by.
    pub(crate) cost: Option<Duration>,
    /// Failures since the last success.
    pub(crate) failures: u32,
    /// From 0 to 1, if that is what failure accrual goes by.
    pub(crate) success_rate: Option<f64>,
}

/// Why an endpoint is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Busy {
    /// It has failed too often, and is probed after this time.
    Dead(Duration),
    /// A request is on its way to see whether it works again.
    Probing,
    /// It took no connection this long ago, and has taken none since.
    FailedFast(Duration),
}

/// What the health of a client's endpoints depends on.
#[derive(Clone, Debug, PartialEq)]
struct Policy {
    accrual: FailureAccrualConfig,
    fail_fast: bool,
    /// The window of the peak EWMA, if the balancer goes by that.
    decay: Option<Duration>,
}

impl Policy {
    fn of(config: &ClientConfig) -> Self {
        let decay = match config.load_balancer.kind {
            BalancerKind::Ewma { decay_time, .. } => Some(decay_time),
            _ => None,
        };
        Policy { accrual: config.failure_accrual.clone(), fail_fast: config.fail_fast, decay }
    }
}

/// The health of one client's endpoints.
#[derive(Debug)]
pub(crate) struct ClientHealth {
    policy: Policy,
    state: Mutex<Known>,
    /// The average loads of the apertures of all workers, as bits.
    offered_loads: Mutex<Vec<Weak<AtomicU64>>>,
}

#[derive(Debug, Default)]
struct Known {
    endpoints: HashMap<SocketAddr, Weak<Health>>,
    /// The newest addresses that some worker has seen.
    version: u64,
    addresses: Option<Arc<AddrSet>>,
}

/// How the newest addresses differ from those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Update {
    pub(crate) adds: usize,
    pub(crate) removes: usize,
}

impl ClientHealth {
    fn new(policy: Policy) -> Self {
        ClientHealth { policy, state: Mutex::default(), offered_loads: Mutex::default() }
    }

    /// Whether `failFast` is set.
    pub(crate) fn has_fail_fast(&self) -> bool {
        self.policy.fail_fast
    }

    /// The health of an endpoint. Asked when addresses change.
    pub(crate) fn endpoint(&self, address: SocketAddr, weight: f64) -> Arc<Health> {
        let mut known = lock(&self.state);
        if let Some(health) = known.endpoints.get(&address).and_then(Weak::upgrade) {
            health.weight.store(weight.to_bits(), Relaxed);
            return health;
        }
        known.endpoints.retain(|_, health| health.strong_count() > 0);
        let health = Arc::new(Health::new(address, weight, &self.policy, Instant::now()));
        known.endpoints.insert(address, Arc::downgrade(&health));
        health
    }

    /// A worker goes by these addresses from now on. The first that does is told how they differ
    /// from those before, so that a change is counted once whatever the number of workers.
    pub(crate) fn updated(&self, addresses: &Arc<AddrSet>, version: u64) -> Option<Update> {
        let mut known = lock(&self.state);
        let before = match &known.addresses {
            Some(_) if version < known.version => return None,
            Some(same) if **same == **addresses => return None,
            before => before.clone().unwrap_or_default(),
        };
        known.version = version;
        known.addresses = Some(addresses.clone());
        let removes = before.endpoints().iter().filter(|old| !has(addresses, old.socket)).count();
        let adds = addresses.endpoints().iter().filter(|new| !has(&before, new.socket)).count();
        Some(Update { adds, removes })
    }

    fn known(&self) -> Vec<Arc<Health>> {
        lock(&self.state).endpoints.values().filter_map(Weak::upgrade).collect()
    }

    /// The endpoints of the newest addresses, and those that are kept beside them.
    fn listed(&self) -> Vec<Arc<Health>> {
        let known = lock(&self.state);
        let newest = known.addresses.as_ref();
        let is_listed = |it: &Arc<Health>| {
            it.keepers.load(Relaxed) > 0 || newest.is_some_and(|set| has(set, it.address))
        };
        known.endpoints.values().filter_map(Weak::upgrade).filter(is_listed).collect()
    }

    /// The endpoints as they are now, by address.
    pub(crate) fn view(&self, now: Instant) -> Vec<EndpointView> {
        let mut endpoints: Vec<_> = self.listed().iter().map(|it| it.view(now)).collect();
        endpoints.sort_by_key(|endpoint| endpoint.address);
        endpoints
    }

    /// Where an aperture of one worker tells its average load, as bits.
    pub(crate) fn join_offered_load(&self) -> Arc<AtomicU64> {
        let load = Arc::default();
        let mut loads = lock(&self.offered_loads);
        loads.retain(|load| load.strong_count() > 0);
        loads.push(Arc::downgrade(&load));
        load
    }

    /// The average loads of all apertures together.
    pub(crate) fn offered_load(&self) -> f64 {
        let loads: Vec<_> = lock(&self.offered_loads).iter().filter_map(Weak::upgrade).collect();
        loads.iter().map(|load| f64::from_bits(load.load(Relaxed))).sum()
    }

    /// How long the endpoints have been marked by `failFast`, the tries since, and how many are.
    pub(crate) fn failed_fast(&self, now: Instant) -> (Duration, u32, usize) {
        let listed = self.listed();
        let marked = listed.iter().filter_map(|health| health.fail_fast.as_ref());
        marked.fold((Duration::ZERO, 0, 0), |(time, tries, count), it| {
            (time + it.marked_for(now), tries + it.tries(), count + usize::from(it.is_marked()))
        })
    }
}

fn has(set: &AddrSet, address: SocketAddr) -> bool {
    set.endpoints().binary_search_by(|known| known.socket.cmp(&address)).is_ok()
}

/// The health of one endpoint.
#[derive(Debug)]
pub(crate) struct Health {
    address: SocketAddr,
    weight: AtomicU64,
    pub(crate) accrual: Accrual,
    /// There if `failFast` is set.
    pub(crate) fail_fast: Option<FailFast>,
    /// Workers that keep it for as long as it works, although its address has gone.
    keepers: AtomicU32,
    decay: Option<Duration>,
    meters: Mutex<Vec<Weak<Meter>>>,
}

impl Health {
    fn new(address: SocketAddr, weight: f64, policy: &Policy, now: Instant) -> Self {
        Health {
            address,
            weight: AtomicU64::new(weight.to_bits()),
            accrual: Accrual::new(&policy.accrual, now),
            fail_fast: policy.fail_fast.then(|| FailFast::new(now)),
            keepers: AtomicU32::new(0),
            decay: policy.decay,
            meters: Mutex::default(),
        }
    }

    pub(crate) fn status(&self, now: Instant) -> Status {
        let marked = self.fail_fast.as_ref().is_some_and(FailFast::is_marked);
        if !marked && self.accrual.is_open(now) { Status::Open } else { Status::Busy }
    }

    /// A worker keeps the endpoint although its address has gone, or no longer.
    pub(crate) fn keep(&self, keep: bool) {
        if keep {
            self.keepers.fetch_add(1, Relaxed);
        } else {
            self.keepers.fetch_sub(1, Relaxed);
        }
    }

    /// A meter for one worker.
    pub(crate) fn meter(&self, now: Instant) -> Arc<Meter> {
        let ewma = self.decay.map(|decay| PeakEwma::new(decay, now));
        let meter = Arc::new(Meter { load: AtomicU32::new(0), ewma });
        let mut meters = lock(&self.meters);
        meters.retain(|meter| meter.strong_count() > 0);
        meters.push(Arc::downgrade(&meter));
        meter
    }

    fn view(&self, now: Instant) -> EndpointView {
        let marked = self.fail_fast.as_ref().filter(|it| it.is_marked());
        let busy = match (self.accrual.state(now), marked) {
            (State::Dead(wait), _) => Some(Busy::Dead(wait)),
            (State::ProbeClosed, _) => Some(Busy::Probing),
            (_, Some(fail_fast)) => Some(Busy::FailedFast(fail_fast.marked_for(now))),
            (State::Alive | State::ProbeOpen, None) => None,
        };
        let meters: Vec<_> = lock(&self.meters).iter().filter_map(Weak::upgrade).collect();
        let costs = meters.iter().filter_map(|meter| meter.ewma.as_ref());
        EndpointView {
            address: self.address,
            weight: f64::from_bits(self.weight.load(Relaxed)),
            busy,
            load: meters.iter().map(|meter| meter.load()).sum(),
            cost: costs.map(|ewma| ewma.cost(now)).max(),
            failures: self.accrual.failures(),
            success_rate: self.accrual.success_rate(),
        }
    }
}

/// What one worker measures of an endpoint. Others only read it.
#[derive(Debug)]
pub(crate) struct Meter {
    load: AtomicU32,
    /// There if the balancer goes by it.
    pub(crate) ewma: Option<PeakEwma>,
}

impl Meter {
    /// Requests in flight.
    #[inline]
    pub(crate) fn load(&self) -> u32 {
        self.load.load(Relaxed)
    }

    /// The worker has one request more in flight.
    #[inline]
    pub(crate) fn inc(&self) {
        self.load.store(self.load().wrapping_add(1), Relaxed);
    }

    /// The worker has one request less in flight.
    #[inline]
    pub(crate) fn dec(&self) {
        self.load.store(self.load().wrapping_sub(1), Relaxed);
    }
}

/// What is behind these locks is complete at each point where their holder could panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accrual::Outcome;

    fn id() -> Path {
        "/#/io.l5d.fs/web".parse().unwrap()
    }

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    fn set(ports: &[u16]) -> Arc<AddrSet> {
        Arc::new(AddrSet::new(ports.iter().map(|&port| address(port).into())))
    }

    fn kill(health: &Health) {
        for _ in 0..5 {
            health.accrual.finished(Outcome::Failure, Instant::now());
        }
    }

    #[test]
    fn workers_share_what_they_know_and_forget_it_together() {
        let (table, config) = (HealthTable::new(), ClientConfig::default());
        let clients = [(); 2].map(|()| table.client("http", &id(), &config));
        let endpoints = clients.each_ref().map(|client| client.endpoint(address(1), 1.0));
        kill(&endpoints[0]);
        assert_eq!(endpoints[1].status(Instant::now()), Status::Busy);
        drop((clients, endpoints));
        let client = table.client("http", &id(), &config);
        assert_eq!(client.endpoint(address(1), 1.0).status(Instant::now()), Status::Open);
    }

    #[test]
    fn what_is_kept_is_known_to_who_comes_next() {
        let (table, config) = (HealthTable::new(), ClientConfig::default());
        let client = table.client("http", &id(), &config);
        let endpoint = client.endpoint(address(1), 1.0);
        kill(&endpoint);
        let kept = table.keep();
        drop((client, endpoint));
        let status = || {
            let client = table.client("http", &id(), &config);
            client.endpoint(address(1), 1.0).status(Instant::now())
        };
        assert_eq!(status(), Status::Busy);
        drop(kept);
        assert_eq!(status(), Status::Open);
    }

    #[test]
    fn clients_of_two_routers_and_two_policies_know_nothing_of_each_other() {
        let table = HealthTable::new();
        let config = ClientConfig::default();
        let strict = ClientConfig { fail_fast: true, ..ClientConfig::default() };
        let clients = [
            table.client("one", &id(), &config),
            table.client("two", &id(), &config),
            table.client("two", &id(), &strict),
        ];
        let endpoints = clients.each_ref().map(|client| client.endpoint(address(1), 1.0));
        kill(&endpoints[1]);
        let statuses = endpoints.each_ref().map(|endpoint| endpoint.status(Instant::now()));
        assert_eq!(statuses, [Status::Open, Status::Busy, Status::Open]);
    }

    #[test]
    fn a_change_of_addresses_is_told_to_the_first_worker_only() {
        let client = HealthTable::new().client("http", &id(), &ClientConfig::default());
        let told = [
            (set(&[1, 2]), 1),
            (set(&[1, 2]), 1),
            (set(&[2, 3, 4]), 3),
            (set(&[1, 2]), 2),
            (set(&[2, 3, 4]), 3),
            (set(&[]), 4),
        ]
        .map(|(set, version)| client.updated(&set, version));
        let update = |adds, removes| Some(Update { adds, removes });
        assert_eq!(told, [update(2, 0), None, update(2, 1), None, None, update(0, 3)]);
    }

    #[test]
    fn the_view_has_every_endpoint_of_the_newest_addresses() {
        let client = HealthTable::new().client("http", &id(), &ClientConfig::default());
        let now = Instant::now();
        let endpoints = [3, 1, 2].map(|port| client.endpoint(address(port), f64::from(port)));
        client.updated(&set(&[1, 3]), 1);
        let meters = [(); 2].map(|()| endpoints[0].meter(now));
        for meter in &meters {
            meter.inc();
        }
        kill(&endpoints[1]);
        let view = client.view(now + Duration::from_millis(100));
        assert_eq!(view.iter().map(|it| it.address).collect::<Vec<_>>(), [address(1), address(3)]);
        assert!(matches!(view[0].busy, Some(Busy::Dead(left)) if left <= Duration::from_secs(5)));
        assert_eq!((view[0].failures, view[0].load, view[0].weight), (5, 0, 1.0));
        assert_eq!((view[1].busy, view[1].load, view[1].weight), (None, 2, 3.0));
        endpoints[2].keep(true);
        assert_eq!(client.view(now).len(), 3);
    }
}
