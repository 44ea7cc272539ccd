//! The running program: what a configuration becomes, from sockets to signals.
//!
//! ```text
//! control threads (admin.workerThreads)  data workers (one thread each, nothing shared for writing)
//!   listeners ── accepted sockets ──►      connections ─ bindings ─ clients ─ pools
//!   namers, drivers ── watches ─────►      (each its own)
//!   admin, signals
//! ```
//!
//! A listener gives each connection to the less loaded of two workers drawn at random. The kernel's
//! own spreading (`SO_REUSEPORT`) goes by a hash, which leaves one worker with most of the connections
//! often enough to show in the slowest responses.

mod build;
mod listener;
mod signals;
mod worker;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use self::listener::Listener;
use self::worker::Workers;
use crate::admin;
use crate::config::Config;
use crate::telemetry::{Metrics, SUMMARY_INTERVAL};

/// How to run.
pub struct RunOptions {
    /// Data workers; as many as the machine has processors unless given.
    pub workers: Option<usize>,
    /// Pages to be served by the admin server beside its own.
    pub pages: axum::Router,
    /// Changes the level of what is logged, if the program can.
    pub log_levels: Option<admin::LogLevels>,
    /// Called once everything listens.
    pub ready: Box<dyn FnOnce(&Listening) + Send>,
}

impl Default for RunOptions {
    fn default() -> Self {
        RunOptions {
            workers: None,
            pages: axum::Router::new(),
            log_levels: None,
            ready: Box::new(|_| {}),
        }
    }
}

impl fmt::Debug for RunOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunOptions").field("workers", &self.workers).finish_non_exhaustive()
    }
}

/// What listens where, once ports of 0 have been given numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listening {
    /// The servers of each router, by its label.
    pub routers: Vec<(String, Vec<SocketAddr>)>,
    /// The admin server.
    pub admin: SocketAddr,
}

/// Why the program does not start, or does not go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// An address cannot be listened on.
    #[error("{place}cannot listen on {address}: {reason}")]
    Listen {
        /// Where the configuration asks for it, as `file:line:column: `; empty if it does not.
        place: String,
        /// The address.
        address: SocketAddr,
        /// The system's reason, and what to do.
        reason: String,
    },
    /// A setting passed the check of the configuration and cannot be built.
    #[error("{0}")]
    Build(String),
    /// The system gives no threads or timers.
    #[error("cannot start: {0}")]
    Start(#[from] std::io::Error),
}

/// How long connections that the system has let in may take to reach a worker when we stop.
const LAST_ACCEPTS: Duration = Duration::from_secs(1);

/// Runs until told to stop by a signal or the admin server, and drains.
///
/// SIGTERM and SIGINT stop accepting, let requests that are under way end within
/// `admin.shutdownGraceMs`, and end; a second one ends at once.
pub fn run(config: &Config, options: RunOptions) -> Result<(), RunError> {
    // Resolving walks trees; a name may nest deep.
    const STACK: usize = 8 * 1024 * 1024;
    let control = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(config.admin.worker_threads.max(1))
        .thread_name("control")
        .thread_stack_size(STACK)
        .enable_all()
        .build()?;
    let result = control.block_on(run_on(config, options));
    control.shutdown_timeout(Duration::from_millis(100));
    result
}

async fn run_on(config: &Config, options: RunOptions) -> Result<(), RunError> {
    let control = tokio::runtime::Handle::current();
    let metrics = Metrics::new();
    let mut signals = signals::Signals::new()?;
    let built = build::build(config, &control, &metrics)?;
    let mut listeners = Vec::new();
    for (at, server) in built.servers.iter().enumerate() {
        listeners.push(Listener::bind(at, server)?);
    }
    let place = String::new();
    let admin = listener::bind(SocketAddr::new(config.admin.ip, config.admin.port), place)?;
    let listening = Listening { routers: built.listening(&listeners), admin: admin.local_addr()? };

    let count = options.workers.filter(|&count| count > 0);
    let count = count.map_or_else(std::thread::available_parallelism, |count| {
        Ok(count.try_into().unwrap_or(std::num::NonZero::<usize>::MIN))
    })?;
    let workers = Workers::start(count.get(), &built)?;
    let workers = Arc::new(workers);
    let (end_accepting, accepting_ends) = tokio::sync::watch::channel(false);
    let accepting: Vec<_> = listeners
        .into_iter()
        .map(|listener| tokio::spawn(listener.accept(workers.clone(), accepting_ends.clone())))
        .collect();
    tokio::spawn(metrics.clone().summarize_every(SUMMARY_INTERVAL));

    let (stop, mut stopped) = tokio::sync::mpsc::channel(1);
    let context = built.admin_context(config, metrics, stop, options.log_levels);
    let admin = tokio::spawn(admin::serve(admin, context, options.pages));
    for (label, addresses) in &listening.routers {
        for address in addresses {
            tracing::info!(router = %label, %address, "serving");
        }
    }
    tracing::info!(address = %listening.admin, "serving admin");
    (options.ready)(&listening);

    let grace = tokio::select! {
        () = signals.stop() => config.admin.shutdown_grace,
        asked = stopped.recv() => asked.flatten().unwrap_or(config.admin.shutdown_grace),
    };
    tracing::info!(grace_ms = grace.as_millis() as u64, "stopping: no more connections");
    end_accepting.send_replace(true);
    for mut accept in accepting {
        if tokio::time::timeout(LAST_ACCEPTS, &mut accept).await.is_err() {
            accept.abort();
        }
    }
    workers.drain();
    tokio::select! {
        () = workers.drained() => tracing::info!("stopped: every request has ended"),
        () = tokio::time::sleep(grace) => {
            tracing::warn!(connections = workers.connections(), "stopped: the grace period is over");
        }
        () = signals.stop() => tracing::warn!("stopped at once"),
    }
    admin.abort();
    Ok(())
}
