//! What a name is resolved in: namers of this process, or a running router.

use std::sync::Arc;
use std::time::Duration;

use dtab::why_not::Destination;
use dtab::{Dtab, Path, wire};
use router::config::{self, Config};
use router::configured;
use router::interpreter::Interpreter;
use router::namer::fs::FsNamer;
use router::naming::{Hosts, LiveNamer, LiveNamers};
use serde_json::Value;
use tokio::runtime::Handle;

use super::admin::Admin;
use super::tables::Tables;
use super::tree::Reader;
use super::{Args, Resolved, choose_router};
use crate::cli::{Error, Result};

/// How long discovery may take, as with a running router.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where names come from.
#[derive(Debug)]
pub(super) enum World {
    /// Namers of this process.
    Here(Arc<Interpreter>),
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
    pub(super) async fn new(args: &Args) -> Result<Self> {
        if let Some(url) = &args.admin {
            let admin = Admin::new(url)?;
            let (label, base) = admin.router(args.router.as_deref()).await?;
            return Ok(World::Admin { admin, label, base });
        }
        let (config, disco) = (args.config.as_deref(), args.disco.as_deref());
        let rt = Handle::current();
        interpreter(config, disco, args.router.as_deref(), &rt).map(World::Here)
    }

    /// Resolves a name by the tables of this world and these.
    pub(super) async fn delegate(&self, tables: &Tables, path: &Path) -> Result<Resolved> {
        match self {
            World::Here(interpreter) => {
                let base = interpreter.base().concat(&tables.base);
                let delegation = interpreter.delegate(&base, &tables.local, path, PATIENCE).await;
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
            World::Here(interpreter) => {
                let base = interpreter.base().concat(&tables.base);
                let (local, patience) = (&tables.local, PATIENCE);
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
}

/// The interpreter of a router of a configuration, or else of the built-in names and a directory of
/// discovery files. What they watch is watched on `rt`.
pub(in crate::cli) fn interpreter(
    config: Option<&std::path::Path>,
    disco: Option<&std::path::Path>,
    router: Option<&str>,
    rt: &Handle,
) -> Result<Arc<Interpreter>> {
    match (config, disco) {
        (Some(file), _) => {
            let config = config::load(file).map_err(|errors| Error::Drawn(errors.render(true)))?;
            of_config(&config, router, rt)
        }
        (None, Some(dir)) if !dir.is_dir() => {
            Err(Error::new(format!("--disco {}: not a directory", dir.display())))
        }
        (None, disco) => {
            let hosts = Hosts::system(rt.clone());
            let mut namers: Vec<(Path, Arc<dyn LiveNamer>)> = Vec::new();
            if let Some(dir) = disco {
                let prefix = Path::from_segments(["#", "io.l5d.fs"]);
                let live = FsNamer::new(dir.to_owned(), prefix.clone(), hosts.clone());
                namers.push((prefix, Arc::new(live)));
            }
            let namers = LiveNamers::new(namers, hosts);
            Ok(Interpreter::new(Dtab::empty(), Arc::new(namers), Vec::new(), rt.clone()))
        }
    }
}

/// The interpreter of a router of a configuration.
fn of_config(config: &Config, label: Option<&str>, rt: &Handle) -> Result<Arc<Interpreter>> {
    let labels = config.routers.iter().map(|router| router.label.as_str());
    let at = choose_router(labels, label, config.source.name())?;
    let namers = configured::namers(config, rt)
        .map_err(|failure| Error::new(format!("{}: {failure}", config.source.name())))?;
    Ok(configured::interpreter(&config.routers[at], namers, rt))
}
