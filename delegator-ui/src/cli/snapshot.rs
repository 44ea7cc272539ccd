//! `fingerpost snapshot -o FILE`.

use std::io::Write;
use std::path::PathBuf;

use router::snapshot::{Answers, Snapshot, to_json};

use super::delegate::{Tables, World, tell_left_out};
use super::input::{self, WorldArgs};
use super::{Error, Outcome, Output, Result};

/// Record the table and the discovery of a router, to resolve names by them elsewhere
///
/// The file is JSON that says the same in the same order, so that two of them can be compared. With
/// --config or --disco it has every name of the discovery files, with --admin what a running router
/// knows of them. `fingerpost delegate --snapshot FILE` and `fingerpost test` answer from it, without
/// the network.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fingerpost snapshot --config linkerd.yaml -o world.json
  fingerpost snapshot --admin http://127.0.0.1:9990 --router http -o world.json
  fingerpost snapshot -d routes.dtab --disco disco/ -o world.json
  fingerpost delegate /svc/web --snapshot world.json

A host that an entry names by /$/inet is looked up and recorded. What cannot be recorded is told on
standard error and in the file.

Exit status: 0 all is recorded, 1 something is left out, 2 cannot read, ask or write.")]
pub(super) struct Args {
    #[command(flatten)]
    world: WorldArgs,
    /// The file to write; - for standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result {
    args.world.check()?;
    let runtime = super::runtime()?;
    let recorded = runtime.block_on(async {
        let tables = Tables::read(&args.world, None)?;
        World::new(&args.world).await?.record(&tables).await
    });
    // A host name that is still being looked up is not waited for.
    runtime.shutdown_background();
    let snapshot = recorded?;
    tell_left_out(&snapshot, output)?;
    let json = to_json(&snapshot);
    if input::is_stdin(&args.output) {
        super::write_json(&json, output)?;
    } else {
        let name = args.output.display().to_string();
        std::fs::write(&args.output, format!("{json:#}\n"))
            .map_err(|error| Error::file("write", &name, &error))?;
        writeln!(output.out, "{name}: {}", summary(&snapshot))?;
    }
    Ok(if snapshot.left_out.is_empty() { Outcome::Clean } else { Outcome::Findings })
}

/// How much was recorded.
fn summary(snapshot: &Snapshot) -> String {
    let names = snapshot.namers.iter().map(|namer| match &namer.answers {
        Answers::Names(names) => names.len(),
        Answers::Rewrite { .. } => 0,
    });
    [
        count(snapshot.dtab.len(), "entry", "entries"),
        count(snapshot.namers.len(), "namer", "namers"),
        count(names.sum(), "name", "names"),
        count(snapshot.hosts.len(), "host", "hosts"),
    ]
    .join(", ")
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
