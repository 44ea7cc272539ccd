//! Data workers: threads that serve connections, each with all that it needs.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::LocalSet;

use super::build::Built;
use crate::entropy;
use crate::proxy::stats::ServerStats;
use crate::proxy::{LocalRouter, LocalServer, Router, Server};
use crate::server::connection;
use crate::server::watchdog::{self, Progress, Watchdog};

/// Connections on their way to a worker.
const QUEUE: usize = 1024;

/// How often unused bindings are looked for.
const EXPIRE_PERIOD: Duration = Duration::from_secs(5);
/// How often unused connections to services are looked for.
const REAP_PERIOD: Duration = Duration::from_secs(1);

/// All data workers.
pub(super) struct Workers {
    workers: Vec<Worker>,
    draining: watch::Sender<bool>,
    ended: watch::Receiver<()>,
}

struct Worker {
    accepted: mpsc::Sender<Accepted>,
    /// Connections given to it and not yet ended.
    connections: Arc<AtomicUsize>,
}

/// A connection that a worker is to serve.
struct Accepted {
    server: usize,
    socket: std::net::TcpStream,
    remote: SocketAddr,
}

/// What a worker is started with.
struct Plan {
    routers: Vec<Arc<Router>>,
    /// Each server and which of the routers it belongs to.
    servers: Vec<(Arc<Server>, usize)>,
    accepted: mpsc::Receiver<Accepted>,
    connections: Arc<AtomicUsize>,
    draining: watch::Receiver<bool>,
    /// Dropped with the worker's thread.
    _ended: watch::Sender<()>,
}

impl Workers {
    pub(super) fn start(count: usize, built: &Built) -> io::Result<Self> {
        let (draining, _) = watch::channel(false);
        let (ended_sender, ended) = watch::channel(());
        let mut workers = Vec::new();
        for at in 0..count {
            let (sender, accepted) = mpsc::channel(QUEUE);
            let connections = Arc::new(AtomicUsize::new(0));
            let plan = Plan {
                routers: built.routers.iter().map(|router| router.shared.clone()).collect(),
                servers: built.servers.iter().map(|s| (s.shared.clone(), s.router)).collect(),
                accepted,
                connections: connections.clone(),
                draining: draining.subscribe(),
                _ended: ended_sender.clone(),
            };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            std::thread::Builder::new().name(format!("worker-{at}")).spawn(move || {
                LocalSet::new().block_on(&runtime, plan.run());
            })?;
            workers.push(Worker { accepted: sender, connections });
        }
        Ok(Workers { workers, draining, ended })
    }

    /// Gives a connection to the less loaded of two workers drawn at random.
    pub(super) async fn give(&self, server: usize, socket: TcpStream, remote: SocketAddr) {
        let draw = || &self.workers[(entropy::next_u64() % self.workers.len() as u64) as usize];
        let (one, other) = (draw(), draw());
        let load = |worker: &Worker| worker.connections.load(Relaxed);
        let worker = if load(other) < load(one) { other } else { one };
        // A socket that has failed by now is dropped, and its caller sees that.
        let Ok(socket) = socket.into_std() else { return };
        worker.connections.fetch_add(1, Relaxed);
        if worker.accepted.send(Accepted { server, socket, remote }).await.is_err() {
            worker.connections.fetch_sub(1, Relaxed);
        }
    }

    /// Tells the workers to end: idle connections at once, busy ones after the present response.
    pub(super) fn drain(&self) {
        self.draining.send_replace(true);
    }

    /// Waits until every worker has ended.
    pub(super) async fn drained(&self) {
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }

    /// Connections that are open.
    pub(super) fn connections(&self) -> usize {
        self.workers.iter().map(|worker| worker.connections.load(Relaxed)).sum()
    }
}

impl Plan {
    async fn run(mut self) {
        let routers: Vec<_> =
            self.routers.iter().map(|router| LocalRouter::new(router.clone())).collect();
        let servers: Vec<_> = self
            .servers
            .iter()
            .map(|(server, router)| {
                Rc::new(LocalServer {
                    shared: server.clone(),
                    router: routers[*router].clone(),
                    stats: ServerStats::new(&server.metrics),
                })
            })
            .collect();
        let draining = Rc::new(Cell::new(false));
        let watchdog = Rc::new(RefCell::new(Watchdog::default()));
        tokio::task::spawn_local(look_after(routers, watchdog.clone()));
        loop {
            tokio::select! {
                accepted = self.accepted.recv() => match accepted {
                    Some(accepted) => {
                        let server = &servers[accepted.server];
                        self.serve(server, accepted, &draining, &watchdog);
                    }
                    None => break,
                },
                _ = self.draining.changed() => break,
            }
        }
        draining.set(true);
        while let Ok(accepted) = self.accepted.try_recv() {
            let server = &servers[accepted.server];
            self.serve(server, accepted, &draining, &watchdog);
        }
        // Requests that have just come in are still answered: a connection counts as idle only
        // once it has been seen waiting.
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        while self.connections.load(Relaxed) > 0 {
            tick.tick().await;
            watchdog.borrow_mut().end_idle();
        }
    }

    fn serve(
        &self,
        server: &Rc<LocalServer>,
        accepted: Accepted,
        draining: &Rc<Cell<bool>>,
        watchdog: &Rc<RefCell<Watchdog>>,
    ) {
        let counted = Counted(self.connections.clone());
        let Accepted { socket, remote, .. } = accepted;
        let Ok(socket) = TcpStream::from_std(socket) else { return };
        let _ = socket.set_nodelay(true);
        let progress = Progress::new();
        let serving =
            connection::serve(server.clone(), socket, remote, progress.clone(), draining.clone());
        let task = tokio::task::spawn_local(async move {
            let _counted = counted;
            serving.await;
        });
        watchdog.borrow_mut().watch(progress, server.shared.limits, task.abort_handle());
    }
}

/// Counts a connection out when it ends.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// Ends what makes no progress, and lets go of what is not used.
async fn look_after(routers: Vec<Rc<LocalRouter>>, watchdog: Rc<RefCell<Watchdog>>) {
    let mut tick = tokio::time::interval(watchdog::PERIOD);
    let mut expire = tokio::time::interval(EXPIRE_PERIOD);
    let mut reap = tokio::time::interval(REAP_PERIOD);
    loop {
        tokio::select! {
            _ = tick.tick() => watchdog.borrow_mut().look(),
            _ = expire.tick() => {
                for router in &routers {
                    router.bindings.borrow_mut().expire();
                }
            }
            _ = reap.tick() => {
                for router in &routers {
                    router.bindings.borrow().reap();
                }
            }
        }
    }
}
