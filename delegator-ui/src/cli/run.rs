//! `fingerpost run CONFIG`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use router::config::{self, Code, Config, ConfigErrors};
use router::runtime::{ReadConfig, RunOptions};

use super::log::Log;
use super::{Error, Outcome, Output, Result};
use crate::web;

/// Route by a linkerd.yaml
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fingerpost run linkerd.yaml
  fingerpost run --validate linkerd.yaml
  fingerpost run --log warn,router::naming=debug --log-format json linkerd.yaml

SIGTERM or Ctrl-C stops accepting, lets requests end within admin.shutdownGraceMs, and ends; a
second one ends at once. SIGHUP, or a POST to /admin/reload, reads CONFIG again and puts it in force
without losing a request; one with mistakes is reported and changes nothing.

Exit status: 0 stopped or valid, 1 mistakes in the configuration, 2 cannot read or run.")]
pub(super) struct Args {
    /// The configuration, YAML or JSON; - for standard input
    config: PathBuf,
    /// Check the configuration and exit
    #[arg(long)]
    validate: bool,
    /// Data workers; as many as there are processors unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    #[command(flatten)]
    log: Log,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result {
    if args.validate {
        return validate(&args.config, output);
    }
    let config = match config::load(&args.config) {
        Ok(config) => config,
        Err(errors) => return refused(&errors, output),
    };
    let log_levels = Some(args.log.start()?);
    let workers = args.workers.map(usize::from);
    let reload = (args.config.as_os_str() != "-").then(|| {
        let path = args.config.clone();
        let read: ReadConfig = Arc::new(move || config::load(&path));
        read
    });
    let options =
        RunOptions { workers, log_levels, reload, pages: web::served(), ..RunOptions::default() };
    router::runtime::run(&config, options).map_err(|error| Error::new(error.to_string()))?;
    Ok(Outcome::Clean)
}

/// Says that a configuration is valid, with a summary of it, or draws its mistakes.
pub(super) fn validate(config: &Path, output: &mut Output) -> Result {
    let config = match config::load(config) {
        Ok(config) => config,
        Err(errors) => return refused(&errors, output),
    };
    if let Err(faults) = router::tls::check(&config) {
        for fault in faults {
            output.complain(&Error::new(fault));
        }
        return Ok(Outcome::Findings);
    }
    writeln!(output.out, "{} is valid: {}", config.source.name(), summary(&config))?;
    Ok(Outcome::Clean)
}

/// Draws the mistakes; unreadable is another status than wrong.
fn refused(errors: &ConfigErrors, output: &mut Output) -> Result {
    output.complain(&Error::Drawn(errors.render(true)));
    let unreadable = errors.iter().any(|error| error.code == Code::Unreadable);
    Ok(if unreadable { Outcome::Unusable } else { Outcome::Findings })
}

/// `2 routers (http, api), 1 namer (/#/io.l5d.fs), admin on 127.0.0.1:9990`
fn summary(config: &Config) -> String {
    let routers: Vec<_> = config.routers.iter().map(|router| router.label.clone()).collect();
    let namers: Vec<_> = config.namers.iter().map(|namer| format!("/#{}", namer.prefix)).collect();
    let admin = (config.admin.ip, config.admin.port);
    format!(
        "{}, {}, admin on {}",
        counted(&routers, "router"),
        counted(&namers, "namer"),
        std::net::SocketAddr::from(admin)
    )
}

fn counted(names: &[String], noun: &str) -> String {
    match names {
        [] => format!("no {noun}s"),
        [one] => format!("1 {noun} ({one})"),
        many => format!("{} {noun}s ({})", many.len(), many.join(", ")),
    }
}
