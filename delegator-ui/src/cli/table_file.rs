//! A table as commands are given it: a dtab file, a router of a configuration, or a snapshot.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use dtab::analyze::{Names, Scope};
use dtab::lint::Known;
use dtab::{Dtab, Path, Source};
use router::config::{self, Config, RouterConfig};
use router::snapshot::{self, Snapshot};

use super::{Error, Result, check, delegate, input};
use crate::lint;

/// A table, where it was read, and what is known of the namers beside it.
#[derive(Debug)]
pub(super) struct TableFile {
    pub(super) dtab: Dtab,
    pub(super) source: Arc<Source>,
    pub(super) known: Known,
}

impl TableFile {
    /// Reads a file; of a configuration the router that is meant, or the only one.
    pub(super) fn read(file: &FilePath, which: &Which) -> Result<Self> {
        let mut table = TableFile::alone(file, which.router.as_deref())?;
        if let Some(snapshot) = &which.snapshot {
            table.known = lint::recorded(&input::snapshot(snapshot)?);
        }
        Ok(table)
    }

    fn alone(file: &FilePath, router: Option<&str>) -> Result<Self> {
        let source = input::read(file)?;
        if is_snapshot(source.text()) {
            let snapshot = snapshot::read(source.name(), source.text())
                .map_err(|errors| Error::Drawn(errors.render(true)))?;
            return Ok(TableFile::of_snapshot(snapshot, source));
        }
        if !check::is_config(file, source.text()) {
            if let Some(router) = router {
                let name = source.name();
                return Err(Error::new(format!("{name} is a dtab; it has no router {router}")));
            }
            let dtab = delegate::parse_table(&source)?;
            return Ok(TableFile { dtab, source, known: Known::default() });
        }
        let config = config::parse(source.name(), source.text())
            .map_err(|errors| Error::Drawn(errors.render(true)))?;
        let labels = config.routers.iter().map(|router| router.label.as_str());
        let at = delegate::choose_router(labels, router, source.name())?;
        Ok(TableFile::of_router(&config, &config.routers[at]))
    }

    /// The table of a router.
    fn of_router(config: &Config, router: &RouterConfig) -> Self {
        let source = config.source.clone();
        TableFile { dtab: router.dtab.clone(), source, known: lint::known(config) }
    }

    /// The table of what was recorded, with its namers.
    fn of_snapshot(snapshot: Snapshot, source: Arc<Source>) -> Self {
        let known = lint::recorded(&snapshot);
        TableFile { dtab: snapshot.dtab, source, known }
    }

    /// The names below `from`, or all, and the namers that are known.
    pub(super) fn scope(&self, from: Option<&Path>) -> Scope {
        let Known { prefixes, rewriting } = self.known.clone();
        let root = from.map_or_else(Names::all, Names::below);
        Scope { root, prefixes, rewriting, ..Scope::default() }
    }

    /// The lines of some entries, `12, 3`.
    pub(super) fn lines(&self, entries: &[usize]) -> String {
        let line = |at: &usize| match self.dtab.dentries()[*at].place() {
            Some(place) => place.position().line.to_string(),
            None => format!("entry {}", at + 1),
        };
        entries.iter().map(line).collect::<Vec<_>>().join(", ")
    }
}

/// Whether a text is what `fingerpost snapshot` writes, and no configuration as JSON.
fn is_snapshot(text: &str) -> bool {
    let is_json = text.trim_start().starts_with('{');
    let document = is_json.then(|| serde_json::from_str::<serde_json::Value>(text).ok()).flatten();
    document.is_some_and(|object| object.get("taken").is_some() && object.get("routers").is_none())
}

/// Which table of a file is meant, which names are looked at, and how they are printed.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// Which router of a configuration, if there are several
    #[arg(long, value_name = "LABEL")]
    pub(super) router: Option<String>,
    /// Know the namers that `fingerpost snapshot` has recorded; there are no others then
    #[arg(long, value_name = "FILE")]
    pub(super) snapshot: Option<PathBuf>,
    /// Look only at names that begin with this path
    #[arg(long, value_name = "PATH", value_parser = delegate::path_argument)]
    pub(super) from: Option<Path>,
    /// How to print it: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
    pub(super) format: Format,
}

/// For people or for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
}

/// A file of names, one a line; `#` begins a comment.
pub(super) fn names(file: &FilePath) -> Result<Vec<Path>> {
    let source = input::read(file)?;
    let mut names = Vec::new();
    for (at, line) in source.text().lines().enumerate() {
        // A `#` within a name is part of it.
        let line = line.split(" #").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let name = Path::parse(line).map_err(|error| {
            Error::new(format!("{}:{}: {line} is no path: {error}", source.name(), at + 1))
        })?;
        names.push(name);
    }
    Ok(names)
}
