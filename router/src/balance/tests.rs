//! Every balancer, by simulation: requests come at a steady rate, and each endpoint takes its time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use super::*;
use crate::accrual::Outcome;
use crate::client::health::{ClientHealth, HealthTable};
use crate::config::ClientConfig;
use crate::config::kinds::LoadBalancerConfig;
use crate::telemetry::{Metrics, Value};

const P2C: BalancerKind = BalancerKind::P2c { max_effort: 5 };
const EWMA: BalancerKind =
    BalancerKind::Ewma { decay_time: Duration::from_secs(10), max_effort: 5 };
const APERTURE: BalancerKind = BalancerKind::Aperture {
    smooth_window: Duration::from_secs(5),
    max_effort: 5,
    low_load: 0.5,
    high_load: 2.0,
    min_aperture: 1,
};
const ROUND_ROBIN: BalancerKind = BalancerKind::RoundRobin { max_effort: 5 };
const ALL: [BalancerKind; 5] = [P2C, EWMA, APERTURE, BalancerKind::Heap, ROUND_ROBIN];

/// A balancer and its endpoints, known by their ports.
struct Trial {
    balancer: Balancer,
    health: Arc<ClientHealth>,
    metrics: Metrics,
    nodes: Vec<Rc<Node>>,
    classes: Vec<Class>,
    now: Instant,
}

impl Trial {
    fn new(kind: BalancerKind, weights: &[f64]) -> Self {
        entropy::seed(7);
        let load_balancer = LoadBalancerConfig { kind, enable_probation: false };
        let config = ClientConfig { load_balancer, ..ClientConfig::default() };
        let id = "/#/io.l5d.fs/web".parse().unwrap();
        let health = HealthTable::new().client("http", &id, &config);
        let metrics = Metrics::new();
        let stats = BalancerStats::new(&metrics.scope(&[]), kind, &health);
        let balancer = Balancer::new(kind, stats);
        let now = Instant::now();
        let mut trial = Trial { balancer, health, metrics, nodes: vec![], classes: vec![], now };
        for (port, &weight) in (1..).zip(weights) {
            trial.nodes.push(trial.node(port, weight));
        }
        trial.changed();
        trial
    }

    fn node(&self, port: u16, weight: f64) -> Rc<Node> {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        self.balancer.node(address, weight, self.health.endpoint(address, weight))
    }

    fn changed(&mut self) {
        self.classes = self.balancer.classify(&self.nodes);
    }

    fn place(&self, failed: Option<&Rc<Node>>) -> usize {
        self.balancer.place(&self.classes, failed, self.now).unwrap()
    }

    fn pick(&self) -> Rc<Node> {
        self.nodes[self.place(None)].clone()
    }

    fn kill(&self, place: usize) {
        for _ in 0..5 {
            self.nodes[place].begin(self.now).finished_at(Outcome::Failure, self.now);
        }
        assert_eq!(self.nodes[place].status(self.now), Status::Busy);
    }

    /// The share of each endpoint in so many requests that end at once.
    fn shares(&self, requests: u32) -> Vec<f64> {
        let mut counts = vec![0_u32; self.nodes.len()];
        for _ in 0..requests {
            counts[self.place(None)] += 1;
        }
        counts.iter().map(|&count| f64::from(count) / f64::from(requests)).collect()
    }

    fn counter(&self, name: &str) -> u64 {
        let samples = self.metrics.samples();
        let sample = samples.iter().find(|sample| sample.path.join("/") == name);
        match sample.map(|sample| &sample.value) {
            Some(Value::Counter(count)) => *count,
            Some(Value::Gauge(value)) => *value as u64,
            other => panic!("{name}: {other:?}"),
        }
    }
}

/// Requests under way, by when they end.
#[derive(Default)]
struct Traffic {
    ends: BinaryHeap<Reverse<(Instant, u64)>>,
    attempts: BTreeMap<u64, (Attempt, Outcome)>,
    begun: u64,
    counts: BTreeMap<u16, u64>,
}

impl Traffic {
    /// So many requests, one each millisecond. An endpoint takes so long to come to this.
    fn run(
        &mut self,
        trial: &mut Trial,
        requests: u64,
        answer: impl Fn(u16, u64) -> (Duration, Outcome),
    ) {
        for _ in 0..requests {
            trial.now += Duration::from_millis(1);
            self.end_until(trial.now);
            let node = trial.pick();
            let port = node.address.port();
            let (took, outcome) = answer(port, self.begun);
            self.attempts.insert(self.begun, (node.begin(trial.now), outcome));
            self.ends.push(Reverse((trial.now + took, self.begun)));
            self.begun += 1;
            *self.counts.entry(port).or_default() += 1;
        }
    }

    fn end_until(&mut self, now: Instant) {
        while let Some(&Reverse((end, at))) = self.ends.peek()
            && end <= now
        {
            self.ends.pop();
            let (attempt, outcome) = self.attempts.remove(&at).unwrap();
            attempt.finished_at(outcome, end);
        }
    }

    fn share(&self, port: u16) -> f64 {
        let count = self.counts.get(&port).copied().unwrap_or(0);
        count as f64 / self.counts.values().sum::<u64>() as f64
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn idle_endpoints_of_equal_weight_share_evenly() {
    for kind in [P2C, EWMA, BalancerKind::Heap, ROUND_ROBIN] {
        for share in Trial::new(kind, &[1.0; 4]).shares(40_000) {
            assert!((share - 0.25).abs() < 0.02, "{kind:?}: {share}");
        }
    }
}

#[test]
fn weights_are_shares_whatever_the_balancer() {
    for kind in ALL {
        // Three classes: 3 + 3, 1 + 1, and none for what has no weight.
        let shares = Trial::new(kind, &[3.0, 1.0, 3.0, 1.0, 0.0]).shares(40_000);
        let three = shares[0] + shares[2];
        assert!((three - 0.75).abs() < 0.02 && shares[4] == 0.0, "{kind:?}: {shares:?}");
    }
}

#[test]
fn nonsense_for_weights_is_borne() {
    for weights in [[-1.0, -1.0], [f64::NAN, f64::NAN], [0.0, -0.0]] {
        let shares = Trial::new(P2C, &weights).shares(1000);
        assert!(shares.iter().all(|&share| share > 0.3), "{weights:?}: {shares:?}");
    }
}

#[test]
fn a_class_that_is_all_busy_gives_its_share_to_the_others() {
    let trial = Trial::new(P2C, &[8.0, 1.0, 1.0, 2.0]);
    trial.kill(0);
    let shares = trial.shares(40_000);
    assert!(shares[0] == 0.0 && (shares[3] - 0.5).abs() < 0.02, "{shares:?}");
    let busy = trial.counter("loadbalancer/busy_weight_classes");
    assert!((busy as f64 / 40_000.0 - 8.0 / 12.0).abs() < 0.02, "{busy}");
}

#[test]
fn the_less_loaded_of_two_is_taken() {
    let trial = Trial::new(P2C, &[1.0, 1.0]);
    let _busy = trial.nodes[0].begin(trial.now);
    assert_eq!(trial.shares(1000), [0.0, 1.0]);
}

#[test]
fn an_endpoint_that_is_dead_gets_nothing_while_another_is_alive() {
    for kind in ALL {
        let trial = Trial::new(kind, &[1.0; 8]);
        (0..7).for_each(|place| trial.kill(place));
        assert_eq!(trial.shares(1000)[7], 1.0, "{kind:?}");
    }
}

#[test]
fn if_all_are_dead_one_is_tried_all_the_same() {
    for kind in ALL {
        let trial = Trial::new(kind, &[1.0; 3]);
        (0..3).for_each(|place| trial.kill(place));
        assert!(trial.shares(1000).iter().all(|&share| share > 0.2), "{kind:?}");
        assert_eq!(trial.counter("loadbalancer/max_effort_exhausted"), 1000, "{kind:?}");
    }
}

#[test]
fn what_has_just_failed_is_not_tried_again_if_there_is_another() {
    for kind in ALL {
        let trial = Trial::new(kind, &[1.0; 3]);
        let places: Vec<_> = (0..200).map(|_| trial.place(Some(&trial.nodes[1]))).collect();
        assert!(!places.contains(&1), "{kind:?}");
        // One that has failed once is still better than one that is known not to work.
        trial.kill(0);
        trial.kill(2);
        assert_eq!(trial.place(Some(&trial.nodes[1])), 1, "{kind:?}");
        trial.kill(1);
        assert_ne!(trial.place(Some(&trial.nodes[1])), 1, "{kind:?}");
    }
}

#[test]
fn no_endpoint_is_no_pick() {
    let trial = Trial::new(P2C, &[]);
    assert!(trial.balancer.place(&trial.classes, None, trial.now).is_none());
}

#[test]
fn an_endpoint_that_is_probed_gets_one_request_until_it_has_answered() {
    let mut trial = Trial::new(P2C, &[1.0, 1.0]);
    trial.kill(0);
    trial.now += Duration::from_secs(6);
    let mut probe = None;
    for _ in 0..100 {
        let node = trial.pick();
        if node.address.port() == 1 {
            assert!(probe.is_none(), "a second probe");
            probe = Some(node.begin(trial.now));
        }
    }
    probe.unwrap().finished_at(Outcome::Success, trial.now);
    assert!(trial.shares(1000)[0] > 0.4);
    let counts = ["removals", "probes", "revivals", "removed_for_ms"]
        .map(|name| trial.counter(&format!("failure_accrual/{name}")));
    assert_eq!(counts, [1, 1, 1, 5000]);
}

#[test]
fn ewma_steers_away_from_an_endpoint_ten_times_slower() {
    let mut trial = Trial::new(EWMA, &[1.0; 5]);
    let mut traffic = Traffic::default();
    traffic.run(&mut trial, 60_000, |port, _| {
        (if port == 3 { ms(100) } else { ms(10) }, Outcome::Success)
    });
    assert!(traffic.share(3) < 0.01, "{:?}", traffic.counts);
    assert!([1, 2, 4, 5].iter().all(|&port| traffic.share(port) > 0.2), "{:?}", traffic.counts);
}

#[test]
fn ewma_steers_away_within_seconds_from_an_endpoint_that_gets_slow() {
    let mut trial = Trial::new(EWMA, &[1.0; 5]);
    let mut traffic = Traffic::default();
    traffic.run(&mut trial, 10_000, |_, _| (ms(10), Outcome::Success));
    traffic.counts.clear();
    traffic.run(&mut trial, 2000, |port, _| {
        (if port == 3 { ms(100) } else { ms(10) }, Outcome::Success)
    });
    assert!(traffic.share(3) < 0.05, "{:?}", traffic.counts);
}

#[test]
fn ewma_is_not_taken_in_by_an_endpoint_that_fails_fast() {
    let mut trial = Trial::new(EWMA, &[1.0; 5]);
    let mut traffic = Traffic::default();
    // Half of its requests fail, at once, so that it is never five in a row.
    traffic.run(&mut trial, 60_000, |port, at| match port {
        3 if at % 2 == 0 => (ms(1), Outcome::Failure),
        _ => (ms(20), Outcome::Success),
    });
    assert!(traffic.share(3) < 0.01, "{:?}", traffic.counts);
}

#[test]
fn ewma_gives_a_fresh_endpoint_one_request_until_it_has_answered() {
    let mut trial = Trial::new(EWMA, &[1.0; 4]);
    let mut traffic = Traffic::default();
    let answer = |port, _| (if port == 9 { ms(3000) } else { ms(10) }, Outcome::Success);
    traffic.run(&mut trial, 1000, answer);
    trial.nodes.push(trial.node(9, 1.0));
    trial.changed();
    traffic.run(&mut trial, 2900, answer);
    assert_eq!(traffic.counts.get(&9), Some(&1), "{:?}", traffic.counts);
}

#[test]
fn heap_takes_one_of_those_with_the_fewest_requests() {
    let mut trial = Trial::new(BalancerKind::Heap, &[1.0; 6]);
    let mut under_way = Vec::new();
    for at in 0..2000 {
        let picked = trial.pick();
        let least = trial.nodes.iter().map(|node| node.load()).min().unwrap();
        assert_eq!(picked.load(), least);
        under_way.push(picked.begin(trial.now));
        if at % 3 == 0 {
            trial.now += ms(1);
            under_way.swap_remove(random_below(under_way.len()));
        }
    }
}

#[test]
fn round_robin_goes_by_address_and_past_what_is_dead() {
    let trial = Trial::new(ROUND_ROBIN, &[1.0; 4]);
    let ports = |count| (0..count).map(|_| trial.pick().address.port()).collect::<Vec<_>>();
    while ports(1) != [4] {}
    assert_eq!(ports(6), [1, 2, 3, 4, 1, 2]);
    trial.kill(3);
    assert_eq!(ports(5), [3, 1, 2, 3, 1]);
}

#[test]
fn round_robin_goes_on_where_it_was_when_endpoints_change() {
    let mut trial = Trial::new(ROUND_ROBIN, &[1.0; 4]);
    while trial.pick().address.port() != 2 {}
    trial.nodes.remove(1);
    trial.nodes.push(trial.node(7, 1.0));
    trial.changed();
    let ports: Vec<_> = (0..5).map(|_| trial.pick().address.port()).collect();
    assert_eq!(ports, [3, 4, 7, 1, 3]);
}

#[test]
fn aperture_uses_as_few_endpoints_as_the_load_allows() {
    let used = |took| {
        let mut trial = Trial::new(APERTURE, &[1.0; 20]);
        let mut traffic = Traffic::default();
        traffic.run(&mut trial, 60_000, |_, _| (ms(took), Outcome::Success));
        traffic.counts.clear();
        traffic.run(&mut trial, 1000, |_, _| (ms(took), Outcome::Success));
        (traffic.counts.len(), trial.counter("loadbalancer/logical_aperture"))
    };
    // One request each millisecond: as many are in flight as it takes milliseconds.
    assert_eq!(used(1), (1, 1));
    let (endpoints, width) = used(20);
    assert!((10..=20).contains(&endpoints) && endpoints as u64 == width, "{endpoints}, {width}");
}

#[test]
fn no_endpoint_gets_much_more_than_its_share_while_others_come_and_go() {
    for kind in [P2C, EWMA, BalancerKind::Heap, ROUND_ROBIN] {
        let mut trial = Trial::new(kind, &[1.0; 10]);
        let mut traffic = Traffic::default();
        // What each would have if every pick were by lot.
        let mut fair = BTreeMap::<u16, f64>::new();
        for round in 0..400_u16 {
            let answer = |port, _| (ms(5 + u64::from(port % 4)), Outcome::Success);
            traffic.run(&mut trial, 100, answer);
            let share = 100.0 / trial.nodes.len() as f64;
            trial.nodes.iter().for_each(|n| *fair.entry(n.address.port()).or_default() += share);
            trial.nodes.swap_remove(random_below(trial.nodes.len()));
            trial.nodes.push(trial.node(100 + round, 1.0));
            trial.changed();
        }
        for (port, &count) in &traffic.counts {
            assert!(count as f64 <= 3.0 * fair[port], "{kind:?}: {port} got {count} of {fair:?}");
        }
    }
}

#[test]
fn endpoints_that_stay_keep_their_history_when_others_change() {
    let mut trial = Trial::new(EWMA, &[1.0, 1.0]);
    let mut traffic = Traffic::default();
    traffic.run(&mut trial, 100, |_, _| (ms(1), Outcome::Success));
    let cost = trial.nodes[0].cost(trial.now);
    trial.nodes.push(trial.node(3, 2.0));
    trial.changed();
    assert_eq!(trial.nodes[0].cost(trial.now), cost);
}

#[test]
fn gauges_hold_for_all_workers_together() {
    let trial = Trial::new(P2C, &[1.0, 2.0, 3.0]);
    let addresses = trial.nodes.iter().map(|node| node.address.into());
    let addresses = Arc::new(dtab::AddrSet::new(addresses));
    // Another worker, with nodes of its own.
    let kind = trial.balancer.kind;
    let stats = BalancerStats::new(&trial.metrics.scope(&[]), kind, &trial.health);
    let other = Balancer::new(kind, stats);
    for balancer in [&trial.balancer, &other] {
        if let Some(update) = trial.health.updated(&addresses, 1) {
            balancer.stats().updated(update);
        }
    }
    let address = trial.nodes[0].address;
    let elsewhere = other.node(address, 1.0, trial.health.endpoint(address, 1.0));
    let _in_flight = [elsewhere.begin(trial.now), trial.nodes[1].begin(trial.now)];
    trial.kill(2);
    let names = [
        "size",
        "available",
        "busy",
        "closed",
        "load",
        "meanweight",
        "num_weight_classes",
        "algorithm/p2c_least_loaded",
        "adds",
        "updates",
        "rebuilds",
        "removes",
    ];
    let values = names.map(|name| trial.counter(&format!("loadbalancer/{name}")));
    assert_eq!(values, [3, 2, 1, 0, 2, 2, 3, 1, 3, 1, 1, 0]);
}
