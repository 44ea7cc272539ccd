//! The files of `fingerpost ui`, and what is shown of them as they change.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use dtab::Dtab;
use router::admin::{AdminContext, LogLevels, Reload, Unserved, serve_unserved};
use router::config::{self, Config};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::Args;
use crate::cli::delegate::parse_table;
use crate::cli::{Error, Result, input};
use crate::web;

/// What the router of a table is called that no configuration names.
const LABEL: &str = "table";

/// How often files are looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Which files.
#[derive(Clone, Debug)]
pub(super) struct Files {
    dtab: Option<PathBuf>,
    disco: Option<PathBuf>,
    config: Option<PathBuf>,
    snapshot: Option<PathBuf>,
}

impl Files {
    /// Those of the arguments.
    pub(super) fn of(args: &Args) -> Result<Self> {
        let Args { dtab, disco, config, snapshot, .. } = args;
        if dtab.iter().chain(config).chain(snapshot).any(|file| input::is_stdin(file)) {
            return Err(Error::new("the pages follow a file, so it cannot be standard input"));
        }
        if let Some(dir) = disco.as_ref().filter(|dir| !dir.is_dir()) {
            return Err(Error::new(format!("--disco {}: not a directory", dir.display())));
        }
        let (dtab, disco) = (dtab.clone(), disco.clone());
        Ok(Files { dtab, disco, config: config.clone(), snapshot: snapshot.clone() })
    }

    /// What is in them; nothing where one cannot be read. Discovery files are followed by their namer.
    fn contents(&self) -> Vec<Option<Vec<u8>>> {
        let files = self.dtab.iter().chain(&self.config).chain(&self.snapshot);
        files.map(|file| std::fs::read(file).ok()).collect()
    }

    /// The configuration that they are, or that a table and a directory stand for.
    fn read(&self) -> Result<Config> {
        let drawn = |errors: config::ConfigErrors| Error::Drawn(errors.render(true));
        if let Some(file) = &self.config {
            return config::load(file).map_err(drawn);
        }
        let dtab = match &self.dtab {
            Some(file) => parse_table(&input::read(file)?)?,
            None => Dtab::empty(),
        };
        let mut config = self.stand_in(LABEL, &dtab)?;
        for router in &mut config.routers {
            // Its entries stand in the file.
            router.dtab = dtab.clone();
        }
        Ok(config)
    }

    /// A configuration of a router with this table and the directory.
    fn stand_in(&self, label: &str, dtab: &Dtab) -> Result<Config> {
        let drawn = |errors: config::ConfigErrors| Error::Drawn(errors.render(true));
        let mut text = json!({
            "routers": [{
                "protocol": "http",
                "label": label,
                "dtab": dtab.to_string(),
                // It is not served, but there is none without.
                "servers": [{ "port": 0 }],
            }],
        });
        if let Some(dir) = &self.disco {
            text["namers"] = json!([{ "kind": "io.l5d.fs", "rootDir": dir }]);
        }
        let mut config = config::parse("fingerpost ui", &text.to_string()).map_err(drawn)?;
        for router in &mut config.routers {
            router.servers.clear();
        }
        Ok(config)
    }
}

/// Files, and what is shown of them.
pub(super) struct Followed {
    files: Files,
    /// What was in them when they were read last.
    contents: Vec<Option<Vec<u8>>>,
    context: Arc<ArcSwap<AdminContext>>,
    unserved: Unserved,
    reload: Reload,
    stop: mpsc::Receiver<Option<Duration>>,
}

impl Followed {
    /// Reads them for the first time. Called on a runtime, which is where namers watch.
    pub(super) fn new(files: Files, levels: LogLevels) -> Result<Self> {
        let (shutdown, stop) = mpsc::channel(1);
        let reload = Reload::default();
        let unserved = Unserved::new(shutdown, Some(levels), reload.clone());
        let contents = files.contents();
        let context = Arc::new(ArcSwap::from_pointee(context(&files, &unserved)?));
        Ok(Followed { files, contents, context, unserved, reload, stop })
    }

    /// Serves the pages, until somebody asks it to stop.
    pub(super) async fn serve(mut self, listener: TcpListener) {
        let serving = serve_unserved(listener, self.context.clone(), web::served());
        let serving = tokio::spawn(serving);
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = looks.tick() => self.look(),
                _ = self.stop.recv() => break,
            }
        }
        serving.abort();
    }

    /// Reads them again if they have changed. With mistakes in them, what was there before stays.
    fn look(&mut self) {
        let contents = self.files.contents();
        if contents == self.contents {
            return;
        }
        self.contents = contents;
        match context(&self.files, &self.unserved) {
            Ok(context) => {
                self.context.store(Arc::new(context));
                self.reload.succeeded();
                tracing::info!("the files were read again");
            }
            Err(error) => {
                let error = error.to_string();
                let why = anstream::adapter::strip_str(&error).to_string();
                tracing::error!("what is shown stays as it was: {why}");
                self.reload.failed(&why);
            }
        }
    }
}

fn context(files: &Files, unserved: &Unserved) -> Result<AdminContext> {
    let rt = &Handle::current();
    let Some(file) = &files.snapshot else {
        return unserved.context(&files.read()?, rt).map_err(Error::new);
    };
    let mut snapshot = input::snapshot(file)?;
    if let Some(file) = &files.dtab {
        snapshot.dtab = snapshot.dtab.concat(&parse_table(&input::read(file)?)?);
    }
    let label = if snapshot.router.is_empty() { LABEL } else { &snapshot.router };
    let config = files.stand_in(label, &snapshot.dtab)?;
    unserved.recorded(&config, &snapshot, rt).map_err(Error::new)
}
