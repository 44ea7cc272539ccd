//! Everything changes all the time, under load, and nothing may come of it but right answers and
//! clear errors: no panic, no stuck request, no growth.
//!
//! Discovery files, backends, connections and overrides come and go; some callers send or read so
//! slowly that their limits strike; the configuration is loaded again and again; and retries, accrual
//! and balancing by latency are on. What is held in the end is what was held in the beginning.
//!
//! `CHURN_SECONDS` says for how long (12 unless given; 1800 for a soak), `CHURN_RELOADS` how many
//! changes come to one reload (40), `CHURN_SEED` which random numbers; the seed is printed.

#[path = "churn/caller.rs"]
mod caller;
#[path = "churn/random.rs"]
mod random;
#[path = "churn/slow.rs"]
mod slow;
#[path = "churn/truth.rs"]
mod truth;
#[path = "churn/world.rs"]
mod world;

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tests::{Proc, RawClient, free_port, procfs, wait_until};

use crate::caller::{Caller, Tally};
use crate::random::Random;
use crate::world::{SERVICES, World};

const CALLERS: usize = 4;
const SLOW_CALLERS: usize = 4;
/// How often the configuration is loaded again: once in so many changes.
const RELOADS: u64 = 40;
const WORKERS: usize = 2;

#[test]
fn everything_changes_and_every_answer_is_right_or_a_clear_error() {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let seconds = number("CHURN_SECONDS").unwrap_or(12);
    let time = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_nanos() as u64;
    let seed = number("CHURN_SEED").unwrap_or(time);
    println!("CHURN_SEED={seed} CHURN_SECONDS={seconds}");
    let mut random = Random::new(seed);
    let mut world = World::new(Random::new(random.next()));
    let mut router = Router::start(&world, number("CHURN_RELOADS").unwrap_or(RELOADS));

    // A little of everything, so that what is made once is there, and an allocator has what it needs
    // at the most: that takes the longer the rarer it is.
    let warm_up = (seconds / 15).clamp(2, 120);
    router.churn(&mut world, &mut random, Duration::from_secs(warm_up));
    world.restore();
    let before = router.quiet(|_| true);

    let tally = router.churn(&mut world, &mut random, Duration::from_secs(seconds));
    world.restore();
    let after = router.quiet(|now| now.is_near(&before));
    println!(
        "{} right answers, {} aborted, errors {:?}, {} under an override, {} edits, {} restarts, \
         {} reloads; before {before:?}, after {after:?}",
        tally.answered,
        tally.aborted,
        tally.errors,
        tally.overrides,
        world.edits,
        world.kills,
        router.reloads,
    );
    assert!(after.is_near(&before), "grown: before {before:?}, after {after:?}");
    let errors: u64 = tally.errors.values().sum();
    assert!(tally.answered > errors, "more errors than answers: {tally:?}");

    for service in 0..SERVICES {
        let began = Instant::now();
        let host = format!("s{service}");
        let answer = RawClient::get(router.address, "/", &[("host", &host)]).expect("an answer");
        assert!(began.elapsed() < Duration::from_secs(1), "s{service}: {:?}", began.elapsed());
        assert_eq!(answer.status, 200, "s{service}: {}", answer.text());
        assert!(answer.text().starts_with(&format!("{service} ")), "s{service}");
    }
    router.check();
}

/// A running router.
struct Router {
    proc: Proc,
    address: SocketAddr,
    admin: SocketAddr,
    one_reload_in: usize,
    reloads: usize,
}

/// What a leak would show in.
#[derive(Debug)]
struct Held {
    fds: usize,
    threads: usize,
    inotify: usize,
    watches: usize,
    metrics: usize,
    rss_mib: u64,
}

impl Held {
    /// Each worker keeps its last name; memory that was freed is not all given back.
    fn is_near(&self, before: &Held) -> bool {
        self.fds <= before.fds + 10
            && self.threads <= before.threads + 4
            && self.inotify <= before.inotify + 2
            && self.watches <= before.watches + 4 * WORKERS
            && self.metrics <= before.metrics + 200
            && self.rss_mib <= before.rss_mib + 16
    }
}

impl Router {
    fn start(world: &World, one_reload_in: u64) -> Self {
        let [address, admin] =
            [free_port(), free_port()].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let config = world.folder().join("linkerd.yaml");
        let text = format!(
            "admin: {{ port: {} }}\n\
             namers:\n- kind: io.l5d.fs\n  rootDir: {}\n\
             routers:\n- protocol: http\n  dtab: /svc => /#/io.l5d.fs\n  \
             bindingCache: {{ paths: 100, idleTtlSecs: 1 }}\n  \
             httpAccessLog: {}\n  httpAccessLogRollPolicy: 1.megabyte\n  \
             httpAccessLogRotateCount: 1\n  \
             client:\n    loadBalancer: {{ kind: ewma }}\n    \
             failureAccrual: {{ kind: io.l5d.successRate, successRate: 0.5, requests: 100, \
             backoff: {{ kind: constant, ms: 50 }} }}\n  \
             service:\n    responseClassifier: {{ kind: io.l5d.http.retryableRead5XX }}\n  \
             servers:\n  - port: {}\n    limits: {{ headTimeoutMs: 1000, bodyTimeoutMs: 1000 }}\n",
            admin.port(),
            world.folder().join("disco").display(),
            world.folder().join("access.log").display(),
            address.port()
        );
        fs::write(&config, text).expect("the configuration");
        let workers = WORKERS.to_string();
        let config = config.to_str().expect("a path");
        let mut proc = Proc::fingerpost(["run", "--log", "warn", "--workers", &workers, config]);
        proc.wait_port(address);
        proc.wait_port(admin);
        Router { proc, address, admin, one_reload_in: one_reload_in as usize, reloads: 0 }
    }

    /// Changes the world for some time while callers send requests.
    fn churn(&mut self, world: &mut World, random: &mut Random, time: Duration) -> Tally {
        let stop = Arc::new(AtomicBool::new(false));
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                let truth = world.truth.clone();
                let caller =
                    Caller { router: self.address, truth, random: Random::new(random.next()) };
                let stop = stop.clone();
                thread::spawn(move || caller.run(&stop))
            })
            .collect();
        let slow: Vec<_> = (0..SLOW_CALLERS)
            .map(|_| {
                let (router, random) = (self.address, Random::new(random.next()));
                let stop = stop.clone();
                thread::spawn(move || slow::run(router, random, &stop))
            })
            .collect();
        let end = Instant::now() + time;
        while Instant::now() < end && callers.iter().all(|caller| !caller.is_finished()) {
            world.churn();
            if random.one_in(self.one_reload_in) {
                self.proc.signal("HUP");
                self.reloads += 1;
            }
            thread::sleep(Duration::from_millis(random.below(100) as u64));
            self.check();
        }
        stop.store(true, Relaxed);
        for slow in slow {
            slow.join().expect("a slow caller");
        }
        let mut tally = Tally::default();
        for caller in callers {
            tally.add(caller.join().expect("a caller"));
        }
        self.check();
        assert!(
            tally.wrong.is_empty(),
            "{}\n\n{}",
            tally.wrong.join("\n\n"),
            last_lines(&self.proc.stderr())
        );
        tally
    }

    /// It runs, and nothing in it has panicked.
    fn check(&mut self) {
        let stderr = self.proc.stderr();
        assert!(self.proc.alive() && !stderr.contains("panicked"), "{}", last_lines(&stderr));
    }

    /// What it holds once it has been idle for a while; `done` may end the wait early.
    fn quiet(&self, done: impl Fn(&Held) -> bool) -> Held {
        let calm = |held: &Held| held.watches <= 4 * WORKERS && done(held);
        wait_until(Duration::from_secs(20), || {
            thread::sleep(Duration::from_millis(200));
            calm(&self.held())
        });
        let held = self.held();
        assert!(held.watches <= 4 * WORKERS, "names are kept that nobody asks for: {held:?}");
        held
    }

    fn held(&self) -> Held {
        let get = |page: &str| {
            let host = self.admin.to_string();
            RawClient::get(self.admin, page, &[("host", &host), ("connection", "close")])
                .expect("an admin page")
                .json()
        };
        let watches = get("/watches.json");
        let watches = watches.as_object().expect("namers").values();
        let metrics = get("/admin/metrics.json");
        let pid = self.proc.pid();
        Held {
            fds: self.proc.fd_count(),
            threads: procfs::thread_count(pid).expect("its threads"),
            inotify: procfs::inotify_watches(pid).expect("its watches"),
            watches: watches.map(|list| list.as_array().map_or(0, Vec::len)).sum(),
            metrics: metrics.as_object().map_or(0, |all| all.keys().filter(is_no_summary).count()),
            rss_mib: self.proc.rss_bytes() >> 20,
        }
    }
}

/// Summaries of histograms come and go by the minute.
fn is_no_summary(name: &&String) -> bool {
    !name.rsplit('/').next().is_some_and(|last| last.contains('.'))
}

fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
