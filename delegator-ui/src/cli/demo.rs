//! `fingerpost demo`.

use std::io::Write;
use std::sync::Arc;

use router::runtime::{Listening, RunOptions};

use super::log::Log;
use super::{Error, Outcome, Output, Result};
use crate::demo::Demo;
use crate::web;

/// Try it: a router and three tiny backends in one process
///
/// Prints what listens where, and lines to paste into another terminal. The discovery files lie in
/// a new directory that is removed at the end; changing them moves traffic. Ctrl-C ends it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fingerpost demo
  fingerpost demo --port 8080 --admin-port 0

Exit status: 0 stopped, 2 cannot run.")]
pub(super) struct Args {
    /// The port of the router; 0 for any free one
    #[arg(long, value_name = "PORT", default_value_t = 4140)]
    port: u16,
    /// The port of the admin server; 0 for any free one
    #[arg(long, value_name = "PORT", default_value_t = 9990)]
    admin_port: u16,
    #[command(flatten)]
    log: Log,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result {
    let log_levels = Some(args.log.start()?);
    let cannot = |error: &dyn std::fmt::Display| Error::new(error.to_string());
    let backends = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| cannot(&error))?;
    let demo = backends
        .block_on(Demo::prepare(args.port, args.admin_port))
        .map(Arc::new)
        .map_err(|error| cannot(&error))?;
    let program = std::env::args().next().unwrap_or_else(|| "fingerpost".to_owned());
    let (guided, mut out) = (demo.clone(), output.another());
    let mut print = move |listening: &Listening| {
        let router = listening.routers.iter().find_map(|(_, servers)| servers.first());
        let router = router.copied().unwrap_or(listening.admin);
        let guide = guided.guide(&program, router, listening.admin);
        out.write_all(guide.as_bytes()).and_then(|()| out.flush())
    };
    let options = RunOptions {
        log_levels,
        // What is pasted from the guide must find somebody listening.
        ready: Box::new(move |listening| {
            if let Err(error) = print(listening) {
                tracing::warn!(%error, "the guide cannot be printed");
            }
        }),
        pages: web::served(),
        ..RunOptions::default()
    };
    router::runtime::run(demo.config(), options).map_err(|error| cannot(&error))?;
    Ok(Outcome::Clean)
}
