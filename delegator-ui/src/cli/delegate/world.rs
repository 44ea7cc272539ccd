//! What a name is resolved in: namers of this process, a snapshot, or a running router.

use std::io::Write;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use dtab::why_not::Destination;
use dtab::{Dtab, Path, wire};
use router::config::kinds::{FsNamerConfig, NamerConfig, NamerKind};
use router::config::{self, Config};
use router::configured;
use router::interpreter::Interpreter;
use router::naming::Hosts;
use router::snapshot::{Recorder, Snapshot};
use serde_json::Value;
use tokio::runtime::Handle;

use super::admin::Admin;
use super::tables::Tables;
use super::tree::Reader;
use super::{Resolved, choose_router};
use crate::cli::input::WorldArgs;
use crate::cli::{Error, Output, Result, test};

/// How long discovery may take, as with a running router.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where names come from.
#[derive(Debug)]
pub(in crate::cli) enum World {
    /// Namers of this process.
    Here {
        /// With the table of the configuration, or none.
        interpreter: Arc<Interpreter>,
        /// How to record it.
        recorder: Recorder,
    },
    /// What was recorded.
    Recorded {
        /// With the table that was recorded.
        interpreter: Arc<Interpreter>,
        /// What it was made of.
        snapshot: Box<Snapshot>,
    },
    /// A running router.
    Admin {
        /// Its admin server.
        admin: Admin,
        /// Which router.
        label: String,
        /// Its table.
        base: Dtab,
    },
}

impl World {
    /// What the arguments name.
    pub(in crate::cli) async fn new(args: &WorldArgs) -> Result<Self> {
        if let Some(url) = &args.admin {
            let admin = Admin::new(url)?;
            let (label, base) = admin.router(args.router.as_deref()).await?;
            return Ok(World::Admin { admin, label, base });
        }
        if let Some(file) = &args.snapshot {
            return World::of_snapshot(test::read_snapshot(file).await?);
        }
        let names: Vec<_> = args.files().map(|file| file.display().to_string()).collect();
        let source = if names.is_empty() { "-e".to_owned() } else { names.join(" ") };
        let (config, disco) = (args.config.as_deref(), args.disco.as_deref());
        let (interpreter, recorder) =
            here(config, disco, args.router.as_deref(), &source, &Handle::current())?;
        Ok(World::Here { interpreter, recorder })
    }

    /// What was recorded.
    pub(in crate::cli) fn of_snapshot(snapshot: Snapshot) -> Result<Self> {
        let interpreter = snapshot
            .interpreter(&Handle::current())
            .map_err(|failure| Error::new(format!("{}: {failure}", snapshot.source)))?;
        Ok(World::Recorded { interpreter, snapshot: Box::new(snapshot) })
    }

    /// Resolves a name by the tables of this world and these.
    pub(in crate::cli) async fn delegate(&self, tables: &Tables, path: &Path) -> Result<Resolved> {
        match self {
            World::Here { interpreter, .. } | World::Recorded { interpreter, .. } => {
                let base = interpreter.base().concat(&tables.base);
                let patience = self.patience();
                let delegation = interpreter.delegate(&base, &tables.local, path, patience).await;
                Ok(Resolved::new(&delegation, &interpreter.namers().prefixes()))
            }
            World::Admin { admin, label, base } => {
                if tables.base.is_empty()
                    && let Some(resolved) =
                        admin.explained(label, &tables.local.to_string(), path).await?
                {
                    return Ok(resolved);
                }
                // A Linkerd, or a table that the router does not have: it takes one with the name.
                let base = base.concat(&tables.base);
                let all = base.concat(&tables.local).to_string();
                let tree = admin.delegate(label, &all, &path.to_string()).await?;
                let reader = Reader { base: &base, local: &tables.local };
                let delegation = reader.read(&tree, path).ok_or_else(|| {
                    Error::new(format!("{} does not answer with a delegation tree", admin.url()))
                })?;
                Ok(Resolved::new(&delegation, &[]))
            }
        }
    }

    /// Whether a name reaches a destination by the tables of this world and these, as
    /// `/why-not.json` tells it.
    pub(super) async fn why_not(
        &self,
        tables: &Tables,
        path: &Path,
        destination: &Destination,
    ) -> Result<Value> {
        match self {
            World::Here { interpreter, .. } | World::Recorded { interpreter, .. } => {
                let base = interpreter.base().concat(&tables.base);
                let (local, patience) = (&tables.local, self.patience());
                let why = interpreter.why_not(&base, local, path, destination, patience).await;
                Ok(wire::why_not(&why))
            }
            World::Admin { admin, label, base } => {
                // Its own unless there is more than it knows of.
                let base = if tables.base.is_empty() {
                    String::new()
                } else {
                    base.concat(&tables.base).to_string()
                };
                let (path, destination) = (path.to_string(), destination.to_string());
                let local = tables.local.to_string();
                let asked = [
                    ("router", label.as_str()),
                    ("path", &path),
                    ("destination", &destination),
                    ("dtab", &local),
                    ("base", &base),
                ];
                admin.why_not(&asked).await
            }
        }
    }

    /// All of it, with the tables that are given beside it.
    pub(in crate::cli) async fn record(&self, tables: &Tables) -> Result<Snapshot> {
        match self {
            World::Here { interpreter, recorder } => {
                let base = interpreter.base().concat(&tables.base);
                Ok(recorder.record(interpreter, &base, PATIENCE).await)
            }
            World::Recorded { snapshot, .. } => Ok(with(&tables.base, Snapshot::clone(snapshot))),
            World::Admin { admin, label, .. } => {
                Ok(with(&tables.base, admin.snapshot(Some(label)).await?))
            }
        }
    }

    /// Says what a snapshot does not have, on standard error: names may resolve in another way for it.
    pub(in crate::cli) fn tell_left_out(&self, output: &mut Output) -> Result<()> {
        match self {
            World::Recorded { snapshot, .. } => tell_left_out(snapshot, output),
            World::Here { .. } | World::Admin { .. } => Ok(()),
        }
    }

    /// How long may be waited for an answer. What was recorded never changes.
    fn patience(&self) -> Duration {
        match self {
            World::Recorded { .. } => Duration::ZERO,
            World::Here { .. } | World::Admin { .. } => PATIENCE,
        }
    }
}

/// The interpreter of a router of a configuration, or else of the built-in names and a directory of
/// discovery files. What they watch is watched on `rt`.
pub(in crate::cli) fn interpreter(
    config: Option<&FilePath>,
    disco: Option<&FilePath>,
    router: Option<&str>,
    rt: &Handle,
) -> Result<Arc<Interpreter>> {
    here(config, disco, router, "", rt).map(|(interpreter, _)| interpreter)
}

/// The same, with what records it; `source` is where the tables that are given beside it are from.
fn here(
    config: Option<&FilePath>,
    disco: Option<&FilePath>,
    router: Option<&str>,
    source: &str,
    rt: &Handle,
) -> Result<(Arc<Interpreter>, Recorder)> {
    match (config, disco) {
        (Some(file), _) => {
            let config = config::load(file).map_err(|errors| Error::Drawn(errors.render(true)))?;
            of_config(&config, router, rt)
        }
        (None, Some(dir)) if !dir.is_dir() => {
            Err(Error::new(format!("--disco {}: not a directory", dir.display())))
        }
        (None, disco) => {
            let namers: Vec<_> = disco.into_iter().map(discovery_files).collect();
            let recorder = Recorder::of_table(source, &namers);
            let live = configured::namers_with(&namers, Hosts::system(rt.clone()));
            let live = live.map_err(|failure| Error::new(failure.to_string()))?;
            Ok((Interpreter::new(Dtab::empty(), live, Vec::new(), rt.clone()), recorder))
        }
    }
}

/// Says what a snapshot does not have, on standard error: names may resolve in another way for it.
pub(in crate::cli) fn tell_left_out(snapshot: &Snapshot, output: &mut Output) -> Result<()> {
    const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
    for what in &snapshot.left_out {
        writeln!(output.err, "{YELLOW}warning{YELLOW:#}: not in the snapshot: {what}")?;
    }
    Ok(())
}

/// A directory of discovery files as the namer that it is by default.
pub(in crate::cli) fn discovery_files(dir: &FilePath) -> NamerConfig {
    NamerConfig {
        kind: NamerKind::Fs(FsNamerConfig { root_dir: dir.to_owned() }),
        prefix: Path::from_segments(["io.l5d.fs"]),
        transformers: Vec::new(),
    }
}

/// The snapshot with more entries.
fn with(entries: &Dtab, snapshot: Snapshot) -> Snapshot {
    Snapshot { dtab: snapshot.dtab.concat(entries), ..snapshot }
}

/// A router of a configuration.
fn of_config(
    config: &Config,
    label: Option<&str>,
    rt: &Handle,
) -> Result<(Arc<Interpreter>, Recorder)> {
    let labels = config.routers.iter().map(|router| router.label.as_str());
    let router = &config.routers[choose_router(labels, label, config.source.name())?];
    let namers = configured::namers(config, rt)
        .map_err(|failure| Error::new(format!("{}: {failure}", config.source.name())))?;
    Ok((configured::interpreter(router, namers, rt), Recorder::of(config, router)))
}
