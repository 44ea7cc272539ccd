//! `fingerpost lsp`.

use std::io::{self, BufReader};
use std::path::PathBuf;
use std::sync::Arc;

use anstream::adapter::strip_str;
use router::interpreter::Interpreter;
use tokio::runtime::Handle;

use super::{Error, Outcome, Output, Result, delegate, input};
use crate::lsp::{self, Ended, Sources};

/// Serve an editor: findings, fixes, where names go, renaming and more
///
/// A language server for dtab files and the dtabs in a linkerd.yaml, on standard input and output. It is
/// started by the editor. Without --config, --disco or --snapshot it shows what a table says by itself.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fingerpost lsp
  fingerpost lsp --disco disco/
  fingerpost lsp --config linkerd.yaml --router http

The client may give the same as initializationOptions, which count instead: {\"config\": FILE},
{\"disco\": DIR} or {\"snapshot\": FILE}, and {\"router\": LABEL}.

Exit status: 0 shut down, 1 ended without a shutdown, 2 wrongly used.")]
pub(super) struct Args {
    /// Resolve names by the namers and transformers of a router of a linkerd.yaml, and by its table
    /// before that of a dtab file
    #[arg(long, value_name = "FILE", conflicts_with = "disco")]
    config: Option<PathBuf>,
    /// Which router, if there are several
    #[arg(long, value_name = "LABEL")]
    router: Option<String>,
    /// Resolve names by a directory of discovery files, as the namer /#/io.l5d.fs
    #[arg(long, value_name = "DIR")]
    disco: Option<PathBuf>,
    /// Resolve names by what `fingerpost snapshot` has recorded
    #[arg(long, value_name = "FILE", conflicts_with_all = ["config", "disco", "router"])]
    snapshot: Option<PathBuf>,
    /// What many clients add; there is no other way to talk
    #[arg(long, hide = true)]
    stdio: bool,
}

pub(super) fn run(args: &Args, _: &mut Output) -> Result {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_stack_size(dtab::STACK)
        .enable_all()
        .build()
        .map_err(|error| Error::new(format!("cannot start: {error}")))?;
    let Args { config, disco, router, snapshot, stdio: _ } = args.clone();
    let sources = Sources { config, disco, snapshot, router };
    let rt = runtime.handle().clone();
    let open = move |sources: &Sources| open(sources, &rt);
    let input = BufReader::new(io::stdin());
    let ended = lsp::serve(input, io::stdout(), sources, Box::new(open), runtime.handle());
    // Answers that nobody waits for any more are not waited for here.
    runtime.shutdown_background();
    Ok(match ended? {
        Ended::Properly => Outcome::Clean,
        // The protocol's status for it.
        Ended::Abruptly => Outcome::Findings,
    })
}

fn open(sources: &Sources, rt: &Handle) -> std::result::Result<Arc<Interpreter>, String> {
    let Sources { config, disco, snapshot, router } = sources;
    if [config, snapshot].into_iter().flatten().any(|file| input::is_stdin(file)) {
        return Err("discovery is a file: standard input is the client's".to_owned());
    }
    let opened = match snapshot {
        Some(file) => input::snapshot(file).and_then(|snapshot| {
            snapshot.interpreter(rt).map_err(|failure| Error::new(failure.to_string()))
        }),
        None => delegate::interpreter(config.as_deref(), disco.as_deref(), router.as_deref(), rt),
    };
    opened.map_err(|error| strip_str(&error.to_string()).to_string())
}
