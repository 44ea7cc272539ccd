//! A table as commands are given it: a dtab file, or a router of a configuration.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use dtab::analyze::{Names, Scope};
use dtab::lint::Known;
use dtab::{Dtab, Path, Source};
use router::config::kinds::NamerConfig;
use router::config::{self, Config, RouterConfig};

use super::{Error, Result, check, delegate, input};

/// A table, where it was read, and what is known of the namers beside it.
#[derive(Debug)]
pub(super) struct TableFile {
    pub(super) dtab: Dtab,
    pub(super) source: Arc<Source>,
    pub(super) known: Known,
}

impl TableFile {
    /// Reads a file; of a configuration the router with this label, or the only one.
    pub(super) fn read(file: &FilePath, router: Option<&str>) -> Result<Self> {
        let source = input::read(file)?;
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
    pub(super) fn of_router(config: &Config, router: &RouterConfig) -> Self {
        let rewriting = config.namers.iter().filter(|namer| namer.rewrites());
        let known = Known {
            prefixes: Some(config.namers.iter().map(NamerConfig::name_prefix).collect()),
            rewriting: rewriting.map(NamerConfig::name_prefix).collect(),
        };
        TableFile { dtab: router.dtab.clone(), source: config.source.clone(), known }
    }

    /// The names below `from`, or all, and the namers that are known.
    pub(super) fn scope(&self, from: Option<&Path>) -> Scope {
        let Known { prefixes, rewriting } = self.known.clone();
        let root = from.map_or_else(Names::all, Names::below);
        Scope { root, prefixes, rewriting, ..Scope::default() }
    }

    /// The lines of some entries, `12, 3`.
    pub(super) fn lines(&self, entries: &[usize]) -> String {
        let line = |at: &usize| {
            let span = self.dtab.dentries()[*at].span;
            self.source.position(span.start as usize).line.to_string()
        };
        entries.iter().map(line).collect::<Vec<_>>().join(", ")
    }
}

/// Which table of a file is meant, and which names are looked at.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// Which router of a configuration, if there are several
    #[arg(long, value_name = "LABEL")]
    pub(super) router: Option<String>,
    /// Look only at names that begin with this path
    #[arg(long, value_name = "PATH", value_parser = delegate::path_argument)]
    pub(super) from: Option<Path>,
}

/// A file of names, one a line; `#` begins a comment.
pub(super) fn names(file: &PathBuf) -> Result<Vec<Path>> {
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
