//! The arguments that say by which tables and namers names are resolved.

use std::path::{Path, PathBuf};

use crate::cli::{Error, Result, input};

/// Tables and namers, for the commands that resolve names.
#[derive(Clone, Debug, Default, clap::Args)]
pub(in crate::cli) struct WorldArgs {
    /// A file with a dtab; - for standard input
    #[arg(short, long, value_name = "FILE")]
    pub(in crate::cli) dtab: Option<PathBuf>,
    /// More entries
    #[arg(short, long, value_name = "DTAB")]
    pub(in crate::cli) entries: Option<String>,
    /// Take the dtab, namers and transformers of a router of a linkerd.yaml
    #[arg(long, value_name = "FILE", conflicts_with = "admin")]
    pub(in crate::cli) config: Option<PathBuf>,
    /// Which router, if there are several
    #[arg(long, value_name = "LABEL")]
    pub(in crate::cli) router: Option<String>,
    /// A directory of discovery files, as the namer /#/io.l5d.fs
    #[arg(long, value_name = "DIR", conflicts_with_all = ["admin", "config"])]
    pub(in crate::cli) disco: Option<PathBuf>,
    /// Take what `fingerpost snapshot` has recorded, or a test file; the network is left alone
    #[arg(long, value_name = "FILE", conflicts_with_all = ["admin", "config", "disco"])]
    pub(in crate::cli) snapshot: Option<PathBuf>,
    /// Ask the running router with this admin server
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) admin: Option<String>,
}

impl WorldArgs {
    /// Refuses what can only be a mistake.
    pub(in crate::cli) fn check(&self) -> Result<()> {
        if self.router.is_some() && self.config.is_none() && self.admin.is_none() {
            return Err(Error::new("--router chooses a router of --config or --admin"));
        }
        let from_stdin = |file: &Option<PathBuf>| file.as_deref().is_some_and(input::is_stdin);
        let files = [&self.dtab, &self.config, &self.snapshot];
        if files.into_iter().filter(|file| from_stdin(file)).count() > 1 {
            return Err(Error::new("standard input can be read once"));
        }
        Ok(())
    }

    /// The files and the directory that are read here, as they are given.
    pub(in crate::cli) fn files(&self) -> impl Iterator<Item = &Path> {
        let files = [&self.dtab, &self.config, &self.disco, &self.snapshot];
        files.into_iter().flatten().map(PathBuf::as_path)
    }
}
