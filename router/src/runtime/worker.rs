//! Data workers: threads that serve connections, each with all that it needs.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::LocalSet;

use crate::entropy;
use crate::proxy::{LocalRouter, LocalServer, Router, Server};
use crate::server::connection;
use crate::server::progress::Progress;
use crate::server::slot::{Drain, Slot};
use crate::server::watchdog::{self, Watchdog};

/// Connections on their way to a worker.
const QUEUE: usize = 1024;

/// How often unused bindings are looked for.
const EXPIRE_PERIOD: Duration = Duration::from_secs(5);
/// How often unused connections to services are looked for.
const REAP_PERIOD: Duration = Duration::from_secs(1);

/// Connections of a worker that are being told that the server is full; more are just closed.
const MAX_REFUSED: usize = 64;

/// The part of a full server's connections that is given up at once: looking for them costs a look at
/// all.
const SHED_PART: u32 = 64;

/// A listening address, for as long as it is listened on.
pub(super) type ServerId = u64;

/// What workers are to serve.
pub(super) struct Plan {
    pub(super) routers: Vec<Arc<Router>>,
    pub(super) servers: Vec<PlannedServer>,
    /// How long connections of servers that are no more may last.
    pub(super) grace: Duration,
}

/// A server that workers are to serve.
pub(super) struct PlannedServer {
    pub(super) id: ServerId,
    pub(super) shared: Arc<Server>,
    /// Which of the routers it belongs to.
    pub(super) router: usize,
    /// Whether connections that are open may stay: they were made under the same terms.
    pub(super) carries_over: bool,
}

/// All data workers.
pub(super) struct Workers {
    workers: Vec<Worker>,
    /// The time that is left for draining, once it has begun.
    draining: watch::Sender<Option<Duration>>,
    ended: watch::Receiver<()>,
}

struct Worker {
    work: mpsc::Sender<Work>,
    /// Connections given to it and not yet ended.
    connections: Arc<AtomicUsize>,
}

enum Work {
    /// A connection to be served.
    Serve(Accepted),
    /// What to serve from now on. The sender is dropped when that is so.
    Adopt(Arc<Plan>, mpsc::Sender<()>),
}

struct Accepted {
    server: ServerId,
    socket: std::net::TcpStream,
    remote: SocketAddr,
}

impl Workers {
    /// Workers that serve nothing yet.
    pub(super) fn start(count: usize) -> io::Result<Self> {
        let (draining, _) = watch::channel(None);
        let (ended_sender, ended) = watch::channel(());
        let mut workers = Vec::new();
        for at in 0..count {
            let (sender, work) = mpsc::channel(QUEUE);
            let connections = Arc::new(AtomicUsize::new(0));
            let draining = draining.subscribe();
            let (open, ended) = (connections.clone(), ended_sender.clone());
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let thread = std::thread::Builder::new().name(format!("worker-{at}"));
            thread.stack_size(dtab::STACK).spawn(move || {
                let local = Local::new(open);
                LocalSet::new().block_on(&runtime, local.run(work, draining));
                drop(ended);
            })?;
            workers.push(Worker { work: sender, connections });
        }
        Ok(Workers { workers, draining, ended })
    }

    /// Serves this from now on: connections of servers that stay are answered by it from their next
    /// request on, those of servers that do not are ended. Returns when every worker does so.
    pub(super) async fn adopt(&self, plan: Plan) {
        let plan = Arc::new(plan);
        let (adopted, mut all) = mpsc::channel(1);
        for worker in &self.workers {
            // A worker that has ended serves nothing.
            let _ = worker.work.send(Work::Adopt(plan.clone(), adopted.clone())).await;
        }
        drop(adopted);
        while all.recv().await.is_some() {}
    }

    /// Gives a connection to the less loaded of two workers drawn at random.
    pub(super) async fn give(&self, server: ServerId, socket: TcpStream, remote: SocketAddr) {
        let draw = || &self.workers[(entropy::next_u64() % self.workers.len() as u64) as usize];
        let (one, other) = (draw(), draw());
        let load = |worker: &Worker| worker.connections.load(Relaxed);
        let worker = if load(other) < load(one) { other } else { one };
        // A socket that has failed by now is dropped, and its caller sees that.
        let Ok(socket) = socket.into_std() else { return };
        worker.connections.fetch_add(1, Relaxed);
        let accepted = Accepted { server, socket, remote };
        if worker.work.send(Work::Serve(accepted)).await.is_err() {
            worker.connections.fetch_sub(1, Relaxed);
        }
    }

    /// Tells the workers to end: quiet connections soon, busy ones after the present response.
    pub(super) fn drain(&self, grace: Duration) {
        self.draining.send_replace(Some(grace));
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

/// One worker, on its thread.
struct Local {
    slots: HashMap<ServerId, Rc<Slot>>,
    routers: Rc<RefCell<Vec<Rc<LocalRouter>>>>,
    watchdog: Rc<RefCell<Watchdog>>,
    connections: Arc<AtomicUsize>,
    /// Held by connections that are being refused.
    refused: Arc<AtomicUsize>,
}

impl Local {
    fn new(connections: Arc<AtomicUsize>) -> Self {
        Local {
            slots: HashMap::new(),
            routers: Rc::default(),
            watchdog: Rc::default(),
            connections,
            refused: Arc::default(),
        }
    }

    async fn run(
        mut self,
        mut work: mpsc::Receiver<Work>,
        mut draining: watch::Receiver<Option<Duration>>,
    ) {
        tokio::task::spawn_local(look_after(self.routers.clone(), self.watchdog.clone()));
        loop {
            tokio::select! {
                work = work.recv() => match work {
                    Some(Work::Serve(accepted)) => self.serve(accepted),
                    Some(Work::Adopt(plan, _adopted)) => self.adopt(&plan),
                    None => break,
                },
                _ = draining.changed() => break,
            }
        }
        let grace = draining.borrow().unwrap_or_default();
        for slot in self.slots.values() {
            slot.drain(Drain::within(grace));
        }
        while let Ok(work) = work.try_recv() {
            if let Work::Serve(accepted) = work {
                self.serve(accepted);
            }
        }
        // Requests that have just come in are still answered: a connection counts as quiet only
        // once it has been seen waiting for a while.
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        while self.connections.load(Relaxed) > 0 {
            tick.tick().await;
            self.watchdog.borrow_mut().look();
        }
    }

    fn adopt(&mut self, plan: &Plan) {
        let routers: Vec<_> = plan.routers.iter().cloned().map(LocalRouter::new).collect();
        let mut before = std::mem::take(&mut self.slots);
        for planned in &plan.servers {
            let server = LocalServer::new(planned.shared.clone(), routers[planned.router].clone());
            let slot = match before.remove(&planned.id) {
                Some(slot) => {
                    slot.replace(server.clone());
                    if planned.carries_over {
                        slot
                    } else {
                        slot.drain(Drain::unhurried());
                        Slot::new(server)
                    }
                }
                None => Slot::new(server),
            };
            self.slots.insert(planned.id, slot);
        }
        for slot in before.into_values() {
            slot.drain(Drain::within(plan.grace));
        }
        for replaced in self.routers.replace(routers) {
            replaced.bindings.borrow_mut().let_go();
        }
    }

    fn serve(&self, accepted: Accepted) {
        let counted = Counted(self.connections.clone());
        let Accepted { server, socket, remote } = accepted;
        let Some(slot) = self.slots.get(&server) else { return };
        let shared = slot.server().shared.clone();
        let Ok(socket) = TcpStream::from_std(socket) else { return };
        if shared.no_delay {
            let _ = socket.set_nodelay(true);
        }
        if let Some(keep_alive) = shared.keep_alive {
            let _ = SockRef::from(&socket).set_keepalive(keep_alive);
        }
        let gate = &shared.gate;
        let admitted = gate.admit(remote.ip()).or_else(|full| {
            let most = (gate.max_connections() / SHED_PART).max(1) as usize;
            if full.is_of_all() && self.watchdog.borrow_mut().shed(slot, most) > 0 {
                gate.admit_another(remote.ip())
            } else {
                Err(full)
            }
        });
        let refused = admitted.is_err().then(|| Counted::one_more(&self.refused));
        if self.refused.load(Relaxed) > MAX_REFUSED
            && let Err(violation) = admitted
        {
            slot.server().connections.refused(violation);
            return;
        }
        let progress = Progress::new();
        let serving = connection::serve(slot.clone(), socket, remote, progress.clone(), admitted);
        let task = tokio::task::spawn_local(async move {
            let _counted = (counted, refused);
            serving.await;
        });
        self.watchdog.borrow_mut().watch(slot.clone(), progress, task.abort_handle());
    }
}

/// Counts a connection out when it ends.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn one_more(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Relaxed);
        Counted(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// Ends what makes no progress, and lets go of what is not used.
async fn look_after(routers: Rc<RefCell<Vec<Rc<LocalRouter>>>>, watchdog: Rc<RefCell<Watchdog>>) {
    let mut tick = tokio::time::interval(watchdog::PERIOD);
    let mut expire = tokio::time::interval(EXPIRE_PERIOD);
    let mut reap = tokio::time::interval(REAP_PERIOD);
    loop {
        tokio::select! {
            _ = tick.tick() => watchdog.borrow_mut().look(),
            _ = expire.tick() => {
                for router in &*routers.borrow() {
                    router.bindings.borrow_mut().expire();
                }
            }
            _ = reap.tick() => {
                for router in &*routers.borrow() {
                    router.recent.begin_second();
                    router.bindings.borrow().reap();
                }
            }
        }
    }
}
