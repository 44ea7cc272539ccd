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
mod reload;
mod serving;
pub(crate) mod shown;
mod signals;
mod worker;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use self::build::Process;
use self::reload::Reloads;
use self::serving::Serving;
use self::signals::Asked;
use self::worker::Workers;
use crate::admin;
use crate::admin::events::Streams;
use crate::admin::requests::Requests;
use crate::admin::stats::Stats;
use crate::config::{Config, ConfigErrors};
use crate::telemetry::process::ProcessGauges;
use crate::telemetry::{Metrics, SUMMARY_INTERVAL};
use crate::tls;
use crate::tls::reload::FromFiles;

/// Reads the configuration again. It may block.
pub type ReadConfig = Arc<dyn Fn() -> Result<Config, ConfigErrors> + Send + Sync>;

/// How to run.
pub struct RunOptions {
    /// Data workers; as many as the machine has processors unless given.
    pub workers: Option<usize>,
    /// Pages to be served by the admin server beside its own answers.
    pub pages: admin::Pages,
    /// Changes the level of what is logged, if the program can.
    pub log_levels: Option<admin::LogLevels>,
    /// Reads the configuration again for a reload, if that is possible.
    pub reload: Option<ReadConfig>,
    /// Called once everything listens.
    pub ready: Box<dyn FnOnce(&Listening) + Send>,
}

impl Default for RunOptions {
    fn default() -> Self {
        RunOptions {
            workers: None,
            pages: Box::new(|_| axum::Router::new()),
            log_levels: None,
            reload: None,
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

/// Runs until told to stop by a signal or the admin server, and drains.
///
/// SIGTERM and SIGINT stop accepting, let requests that are under way end within
/// `admin.shutdownGraceMs`, and end; a second one ends at once. SIGHUP reads the configuration again
/// and puts it in force, if it is good: see [`RunOptions::reload`].
pub fn run(config: &Config, options: RunOptions) -> Result<(), RunError> {
    let control = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(config.admin.worker_threads.max(1))
        .thread_name("control")
        .thread_stack_size(dtab::STACK)
        .enable_all()
        .build()?;
    let result = control.block_on(run_on(config, options));
    control.shutdown_timeout(Duration::from_millis(100));
    result
}

async fn run_on(config: &Config, options: RunOptions) -> Result<(), RunError> {
    let config = Arc::new(config.clone());
    let metrics = Metrics::new();
    let mut signals = signals::Signals::new()?;
    let count = options.workers.filter(|&count| count > 0);
    let count = count.map_or_else(std::thread::available_parallelism, |count| {
        Ok(count.try_into().unwrap_or(std::num::NonZero::<usize>::MIN))
    })?;
    let workers = Arc::new(Workers::start(count.get())?);
    let mut serving = Serving::start(config.clone(), metrics.clone(), workers.clone()).await?;
    // Last, so that whoever finds the admin server can rely on the others.
    let at = SocketAddr::new(config.admin.ip, config.admin.port);
    let admin_socket = listener::bind(at, &config.admin.socket, String::new())?;
    let admin_tls = tls::setup::load_admin(&config.admin).map_err(RunError::Build)?;
    let from_files = admin_tls.iter().map(|tls| tls.clone() as Arc<dyn FromFiles>);
    let _following = tls::reload::follow(from_files.collect(), &Handle::current());
    let identifier_socket = match config.admin.http_identifier_port {
        Some(port) => {
            let at = SocketAddr::new(config.admin.ip, port);
            Some(listener::bind(at, &config.admin.socket, String::new())?)
        }
        None => None,
    };
    let listening = Listening { routers: serving.listening(), admin: admin_socket.local_addr()? };
    tokio::spawn(metrics.clone().summarize_every(SUMMARY_INTERVAL));

    let started = SystemTime::now();
    let _process_gauges = ProcessGauges::new(&metrics, started);
    let (stop, mut stopped) = mpsc::channel(1);
    let (mut reloads, reload) = Reloads::new(options.reload);
    let stats = Stats::new(metrics.clone(), serving.built().health.clone());
    let requests = Requests::new(serving.built().recent.clone());
    let process = Process {
        metrics,
        shutdown: stop,
        log_levels: options.log_levels.map(Arc::new),
        stats: stats.clone(),
        requests: requests.clone(),
        started,
        reload,
        delegations: Streams::new(),
        admin_tls: admin_tls.clone(),
    };
    let context = Arc::new(ArcSwap::from_pointee(serving.admin_context(&process)));
    tokio::spawn(stats.run(context.clone()));
    tokio::spawn(requests.run());
    let admin = tokio::spawn(admin::serve(admin_socket, admin_tls, context.clone(), options.pages));
    if let Some(socket) = identifier_socket {
        tracing::info!(address = %socket.local_addr()?, "serving httpIdentifierPort");
        tokio::spawn(admin::serve_identifiers(socket, context.clone()));
    }
    for (label, addresses) in &listening.routers {
        for address in addresses {
            tracing::info!(router = %label, %address, "serving");
        }
    }
    tracing::info!(address = %listening.admin, "serving admin");
    (options.ready)(&listening);

    let grace = loop {
        let answer_to = tokio::select! {
            asked = signals.next() => match asked {
                Asked::Stop => break None,
                Asked::Reload => {
                    serving.built().reopen_logs();
                    None
                }
            },
            asked = stopped.recv() => break asked.flatten(),
            Some(request) = reloads.requested() => Some(request),
        };
        let outcome = reloads.reload(&mut serving).await;
        if outcome.is_ok() {
            context.store(Arc::new(serving.admin_context(&process)));
        }
        if let Some(request) = answer_to {
            // Who asked may have gone.
            let _ = request.send(outcome);
        }
    };
    let grace = grace.unwrap_or(serving.built().config.admin.shutdown_grace);
    tracing::info!(grace_ms = grace.as_millis() as u64, "stopping: no more connections");
    serving.stop_accepting().await;
    workers.drain(grace);
    tokio::select! {
        () = workers.drained() => tracing::info!("stopped: every request has ended"),
        () = tokio::time::sleep(grace) => {
            tracing::warn!(connections = workers.connections(), "stopped: the grace period is over");
        }
        () = signals.stop() => tracing::warn!("stopped at once"),
    }
    serving.built().flush_logs();
    admin.abort();
    Ok(())
}
