//! Balancers: which endpoint of a client gets a request.
//!
//! Endpoints of the same weight make a class. A request goes to a class by chance, with the weights
//! of all its endpoints together as its share, and the class's own balancer picks among them
//! (Finagle's `TrafficDistributor`). Each worker balances its own requests, so that picking takes no
//! lock; which endpoints are to be left alone is known by all ([`health`](crate::client::health)).
//!
//! A pick that is not open is tried again, up to `maxEffort` times. What comes then is ours: any
//! endpoint that is open, found by looking at them all, where Finagle would try one that is known
//! not to work. Only if none is open, one that is not is picked rather than none.

mod aperture;
mod ewma;
mod heap;
mod node;
mod p2c;
mod round_robin;
mod stats;

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use self::aperture::{Aperture, LoadBand};
pub(crate) use self::ewma::PeakEwma;
use self::heap::Heap;
pub(crate) use self::node::{Attempt, Node};
use self::p2c::P2c;
use self::round_robin::RoundRobin;
pub(crate) use self::stats::BalancerStats;
use crate::client::endpoint::Endpoint;
use crate::client::health::Health;
use crate::config::kinds::BalancerKind;
use crate::entropy;

/// Whether an endpoint may get requests; the better comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// It may.
    Open,
    /// It has just failed the request that is to be placed.
    Tried,
    /// It is dead by failure accrual, or a probe is on its way.
    Busy,
}

/// One way to pick an endpoint of a class.
trait Pick {
    /// The place of one of the nodes, of which there are at least two. It may be one that is not
    /// open: the caller tries again, or puts up with it.
    fn pick(&self, nodes: &Nodes<'_>) -> usize;

    /// Too many picks were not open; whether there was something to put in order.
    fn rebuild(&self, _nodes: &Nodes<'_>) -> bool {
        false
    }
}

/// The registry of balancers.
fn build(
    kind: BalancerKind,
    nodes: &[Rc<Node>],
    class: &ClassState,
    now: Instant,
) -> Box<dyn Pick> {
    match kind {
        BalancerKind::P2c { .. } => Box::new(P2c::least_loaded()),
        BalancerKind::Ewma { .. } => Box::new(P2c::peak_ewma()),
        BalancerKind::Aperture { .. } => Box::new(Aperture::new(nodes, class.band.clone(), now)),
        BalancerKind::Heap => Box::new(Heap),
        BalancerKind::RoundRobin { .. } => Box::new(RoundRobin::new(class.turn.clone())),
    }
}

/// The name that metrics have for a balancer.
fn name(kind: BalancerKind) -> &'static str {
    match kind {
        BalancerKind::P2c { .. } => "p2c_least_loaded",
        BalancerKind::Ewma { .. } => "p2c_peak_ewma",
        BalancerKind::Aperture { .. } => "aperture_least_loaded",
        BalancerKind::Heap => "heap_least_loaded",
        BalancerKind::RoundRobin { .. } => "round_robin",
    }
}

/// How often a pick that is not open is tried again. A heap has looked at all.
fn max_effort(kind: BalancerKind) -> u32 {
    match kind {
        BalancerKind::P2c { max_effort }
        | BalancerKind::Ewma { max_effort, .. }
        | BalancerKind::Aperture { max_effort, .. }
        | BalancerKind::RoundRobin { max_effort } => max_effort.max(1),
        BalancerKind::Heap => 1,
    }
}

/// The nodes that a request may go to.
struct Nodes<'n> {
    all: &'n [Rc<Node>],
    failed: Option<&'n Rc<Node>>,
    now: Instant,
}

impl Nodes<'_> {
    fn status(&self, at: usize) -> Status {
        match self.all[at].status(self.now) {
            Status::Open if self.has_failed(at) => Status::Tried,
            status => status,
        }
    }

    fn has_failed(&self, at: usize) -> bool {
        self.failed.is_some_and(|failed| Rc::ptr_eq(failed, &self.all[at]))
    }

    /// The place of the best of all, beginning anywhere.
    fn best(&self) -> usize {
        let begin = random_below(self.all.len());
        let places = (begin..self.all.len()).chain(0..begin);
        places.min_by_key(|&at| (self.status(at), self.has_failed(at))).unwrap_or(begin)
    }
}

/// A random number from 0 up to, but not, `limit`, which is not 0.
fn random_below(limit: usize) -> usize {
    (entropy::next_u64() % limit.max(1) as u64) as usize
}

/// The balancer of a client, on one worker.
pub(crate) struct Balancer {
    kind: BalancerKind,
    stats: BalancerStats,
    /// What outlives a change of the endpoints, by weight.
    classes: RefCell<Vec<(f64, Rc<ClassState>)>>,
}

/// What outlives a change of a class's endpoints.
struct ClassState {
    band: Option<Rc<LoadBand>>,
    /// The address that had its turn last.
    turn: Rc<Cell<Option<SocketAddr>>>,
}

/// The endpoints of a client, ready to be picked from. Made anew when they change.
#[derive(Default)]
pub(crate) struct Set {
    endpoints: Vec<Rc<Endpoint>>,
    classes: Vec<Class>,
}

/// The endpoints of one weight.
struct Class {
    nodes: Vec<Rc<Node>>,
    /// The place of each node among the endpoints of the set.
    places: Vec<usize>,
    pick: Box<dyn Pick>,
    /// The shares of the classes up to this one.
    sum: f64,
}

impl Set {
    pub(crate) fn endpoints(&self) -> &[Rc<Endpoint>] {
        &self.endpoints
    }

    /// Whether any of the endpoints may get requests.
    pub(crate) fn is_open(&self, now: Instant) -> bool {
        self.classes.iter().any(|class| class.is_open(now))
    }
}

impl Class {
    fn is_open(&self, now: Instant) -> bool {
        self.nodes.iter().any(|node| node.status(now) == Status::Open)
    }
}

impl Balancer {
    pub(crate) fn new(kind: BalancerKind, stats: BalancerStats) -> Self {
        Balancer { kind, stats, classes: RefCell::default() }
    }

    pub(crate) fn stats(&self) -> &BalancerStats {
        &self.stats
    }

    /// What this balancer is to know of an endpoint.
    pub(crate) fn node(&self, address: SocketAddr, weight: f64, health: Arc<Health>) -> Rc<Node> {
        let band = self.class(weight).band.clone();
        let stats = self.stats.health.clone();
        Rc::new(Node::new(address, weight, health, band, stats, Instant::now()))
    }

    fn class(&self, weight: f64) -> Rc<ClassState> {
        let mut classes = self.classes.borrow_mut();
        if let Some((_, class)) = classes.iter().find(|(known, _)| *known == weight) {
            return class.clone();
        }
        let band = LoadBand::new(self.kind, self.stats.aperture.as_ref());
        let turn = Rc::new(Cell::new(None));
        let class = Rc::new(ClassState { band: band.map(Rc::new), turn });
        classes.push((weight, class.clone()));
        class
    }

    /// These endpoints, to be picked from from now on. Those of a weight that stays go on as before.
    pub(crate) fn set(&self, endpoints: Vec<Rc<Endpoint>>) -> Set {
        let nodes: Vec<_> = endpoints.iter().map(|endpoint| endpoint.node.clone()).collect();
        Set { endpoints, classes: self.classify(&nodes) }
    }

    fn classify(&self, nodes: &[Rc<Node>]) -> Vec<Class> {
        let now = Instant::now();
        // Weight by weight, and by address within each.
        let mut places: Vec<usize> = (0..nodes.len()).collect();
        places.sort_by(|&one, &other| {
            let (one, other) = (&nodes[one], &nodes[other]);
            one.weight.total_cmp(&other.weight).then(one.address.cmp(&other.address))
        });
        let mut sum = 0.0;
        let same = |&one: &usize, &other: &usize| nodes[one].weight == nodes[other].weight;
        let classes: Vec<_> = places
            .chunk_by(same)
            .map(|places| {
                let weight = nodes[places[0]].weight;
                // A source may say anything, a negative weight, too.
                sum += if weight > 0.0 { weight * places.len() as f64 } else { 0.0 };
                let nodes: Vec<_> = places.iter().map(|&place| nodes[place].clone()).collect();
                let pick = build(self.kind, &nodes, &self.class(weight), now);
                Class { nodes, places: places.to_vec(), pick, sum }
            })
            .collect();
        let is_used = |weight: f64| classes.iter().any(|used| used.nodes[0].weight == weight);
        self.classes.borrow_mut().retain(|(weight, _)| is_used(*weight));
        classes
    }

    /// One of the endpoints, if there is any. `failed` has just been tried in vain: another one is
    /// better.
    pub(crate) fn pick(
        &self,
        set: &Set,
        failed: Option<&Rc<Endpoint>>,
        now: Instant,
    ) -> Option<Rc<Endpoint>> {
        let failed = failed.map(|endpoint| &endpoint.node);
        let place = self.place(&set.classes, failed, now)?;
        set.endpoints.get(place).cloned()
    }

    fn place(&self, classes: &[Class], failed: Option<&Rc<Node>>, now: Instant) -> Option<usize> {
        let class = match classes {
            [] => return None,
            [only] => only,
            several => self.draw_class(several, now),
        };
        let nodes = Nodes { all: &class.nodes, failed, now };
        let at = self.place_in(class, &nodes);
        class.places.get(at).copied()
    }

    /// A class by its share, and only if that is all busy one of the others.
    fn draw_class<'c>(&self, classes: &'c [Class], now: Instant) -> &'c Class {
        let drawn = &classes[draw(classes.iter().map(|class| class.sum))];
        if drawn.is_open(now) {
            return drawn;
        }
        self.stats.busy_weight_classes.incr();
        let mut open = Vec::new();
        let (mut sum, mut before) = (0.0, 0.0);
        for (at, class) in classes.iter().enumerate() {
            let share = class.sum - before;
            before = class.sum;
            if class.is_open(now) {
                sum += share;
                open.push((at, sum));
            }
        }
        if open.is_empty() {
            return drawn;
        }
        &classes[open[draw(open.iter().map(|&(_, sum)| sum))].0]
    }

    fn place_in(&self, class: &Class, nodes: &Nodes<'_>) -> usize {
        if let [only] = nodes.all {
            if only.status(nodes.now) != Status::Open {
                self.stats.max_effort_exhausted.incr();
            }
            return 0;
        }
        for _ in 0..max_effort(self.kind) {
            let at = class.pick.pick(nodes);
            if nodes.status(at) == Status::Open {
                return at;
            }
        }
        self.stats.max_effort_exhausted.incr();
        if class.pick.rebuild(nodes) {
            self.stats.rebuilds.incr();
        }
        nodes.best()
    }
}

/// A place drawn by shares, given as sums up to each place.
fn draw(sums: impl ExactSizeIterator<Item = f64> + Clone) -> usize {
    let count = sums.len();
    let total = sums.clone().last().unwrap_or(0.0);
    if total <= 0.0 {
        return random_below(count);
    }
    let point = entropy::next_unit() * total;
    sums.take_while(|&sum| sum <= point).count().min(count - 1)
}

#[cfg(test)]
mod tests;
