//! `fingerpost ui`.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use router::admin::{LogLevels, serve_pages};
use tokio::net::TcpListener;

use self::files::{Files, Followed};
use super::delegate::Admin;
use super::log::Log;
use super::{Error, Outcome, Output, Result};
use crate::web::{self, Remote};

mod files;

/// Show in the browser where names go, and why
///
/// The pages that a running router has on its admin server, for a table, a configuration that no
/// router runs, what was recorded, or a router elsewhere. Files are read again when they change. Ctrl-C ends it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fingerpost ui -d routes.dtab --disco disco/
  fingerpost ui --config linkerd.yaml
  fingerpost ui --snapshot world.json
  fingerpost ui --admin http://127.0.0.1:9990
  fingerpost ui --port 8000 --no-open

It listens on this machine alone. With --admin it asks the router for what it shows, and changes
nothing there but log levels.

Exit status: 0 stopped, 2 cannot read or run.")]
pub(super) struct Args {
    /// A file with a dtab
    #[arg(short, long, value_name = "FILE")]
    dtab: Option<PathBuf>,
    /// A directory of discovery files, as the namer /#/io.l5d.fs
    #[arg(long, value_name = "DIR")]
    disco: Option<PathBuf>,
    /// The routers of a linkerd.yaml
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dtab", "disco"])]
    config: Option<PathBuf>,
    /// What `fingerpost snapshot` has recorded; nothing else is asked
    #[arg(long, value_name = "FILE", conflicts_with_all = ["config", "disco"])]
    snapshot: Option<PathBuf>,
    /// The running router with this admin server
    #[arg(long, value_name = "URL", conflicts_with_all = ["config", "dtab", "disco", "snapshot"])]
    admin: Option<String>,
    /// The port of the pages; any free one unless given
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// Do not open the browser
    #[arg(long)]
    no_open: bool,
    #[command(flatten)]
    log: Log,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result {
    let levels = args.log.start()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(dtab::STACK)
        .enable_all()
        .build()
        .map_err(|error| Error::new(format!("cannot start: {error}")))?;
    let result = runtime.block_on(serve(args, levels, output));
    // A host name that is still being looked up is not waited for.
    runtime.shutdown_background();
    result
}

async fn serve(args: &Args, levels: LogLevels, output: &mut Output) -> Result {
    let shown = match &args.admin {
        Some(url) => Shown::Elsewhere(Admin::new(url)?.remote()),
        None => Shown::Files(Followed::new(Files::of(args)?, levels)?),
    };
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let listener = TcpListener::bind(at).await;
    let listener =
        listener.map_err(|error| Error::new(format!("cannot listen on {at}: {error}")))?;
    let url = format!("http://{}/", listener.local_addr()?);
    writeln!(output.out, "The pages are at {url}\nCtrl-C ends it.")?;
    output.out.flush()?;
    if !args.no_open {
        open(&url);
    }
    tokio::select! {
        () = shown.serve(listener) => {}
        ended = tokio::signal::ctrl_c() => {
            ended.map_err(|error| Error::new(format!("cannot wait for Ctrl-C: {error}")))?;
        }
    }
    Ok(Outcome::Clean)
}

/// What there is to see.
enum Shown {
    /// A router elsewhere.
    Elsewhere(Remote),
    /// Files of this machine.
    Files(Followed),
}

impl Shown {
    /// Serves until somebody asks it to stop.
    async fn serve(self, listener: TcpListener) {
        match self {
            Shown::Elsewhere(remote) => {
                serve_pages(listener, web::of_another(remote)).await;
            }
            Shown::Files(followed) => followed.serve(listener).await,
        }
    }
}

/// Opens a page in the browser, if there is one. The address has been printed already.
fn open(url: &str) {
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    let mut command = Command::new(opener);
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Err(error) = command.spawn() {
        tracing::info!(%error, "no browser is opened by {opener}");
    }
}
