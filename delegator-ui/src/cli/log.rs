//! What a running router logs, and how.

use std::io::IsTerminal;

use clap::ValueEnum;
use router::admin::LogLevels;
use tracing_subscriber::EnvFilter;

use super::{Error, Result};

/// The options of logging.
#[derive(Debug, clap::Args)]
pub(super) struct Log {
    /// What is logged: error, warn, info, debug or trace, also by module (warn,router::naming=debug)
    #[arg(long = "log", value_name = "LEVEL", default_value = "info")]
    level: String,
    /// How: text, or json with one object a line
    #[arg(long = "log-format", value_name = "FORMAT", default_value = "text")]
    #[arg(hide_possible_values = true)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

impl Log {
    /// The levels, with that of the HTTP/2 codec lower unless it is named: it warns of what any caller
    /// may send, as often as they send it.
    fn level(&self) -> String {
        let names_codec = self.level.split(',').any(|part| part.trim_start().starts_with("h2"));
        if names_codec { self.level.clone() } else { format!("{},h2=error", self.level) }
    }

    /// Starts logging to standard error. The levels can be changed by what is returned.
    pub(super) fn start(&self) -> Result<LogLevels> {
        let level = self.level();
        let filter = EnvFilter::try_new(&level)
            .map_err(|error| Error::new(format!("--log {}: {error}", self.level)))?;
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal());
        let (levels, started) = match self.format {
            Format::Text => {
                let log = log.with_filter_reloading();
                (LogLevels::new(&level, log.reload_handle()), log.try_init())
            }
            Format::Json => {
                let log = log.json().with_filter_reloading();
                (LogLevels::new(&level, log.reload_handle()), log.try_init())
            }
        };
        started.map_err(|error| Error::new(format!("cannot log: {error}")))?;
        Ok(levels)
    }
}
