//! `fingerpost top`: services, clients and endpoints of a running router, second by second.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use clap::ValueEnum;
use serde_json::Value;
use tokio::time::MissedTickBehavior;

use super::delegate::admin::Admin;
use super::{Error, Outcome, Output, Result};

mod screen;
mod table;

use table::Picture;

/// Show what a running router does, second by second
///
/// Requests, failures and retries are those of the last second; success and latency are of the last
/// ten seconds. On a terminal the picture is kept up to date: q quits, s sorts by something else, the
/// arrows scroll. Elsewhere there is one table a second.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fingerpost top
  fingerpost top --admin http://127.0.0.1:9990 --router http --sort p99
  fingerpost top --once
  fingerpost top --once --json | jq '.services[].rps'

Exit status: 0 shown, 2 the admin server does not answer.")]
pub(super) struct Args {
    /// The admin server of the router
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9990")]
    admin: String,
    /// Only what belongs to this router
    #[arg(long, value_name = "LABEL")]
    router: Option<String>,
    /// What comes first: rps (the most requests), success (the least), p99 (the slowest) or retries
    #[arg(long, value_name = "BY", default_value = "rps", hide_possible_values = true)]
    sort: Sort,
    /// Show it once
    #[arg(long)]
    once: bool,
    /// Show the figures as JSON, a document for each second
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Sort {
    Rps,
    Success,
    P99,
    Retries,
}

impl Sort {
    fn name(self) -> &'static str {
        match self {
            Sort::Rps => "rps",
            Sort::Success => "success",
            Sort::P99 => "p99",
            Sort::Retries => "retries",
        }
    }

    fn next(self) -> Self {
        match self {
            Sort::Rps => Sort::Success,
            Sort::Success => Sort::P99,
            Sort::P99 => Sort::Retries,
            Sort::Retries => Sort::Rps,
        }
    }
}

/// How often the figures change.
const EVERY: Duration = Duration::from_secs(1);

/// The width of tables that no terminal shows.
const PLAIN_WIDTH: usize = 120;

pub(super) fn run(args: &Args, output: &mut Output) -> Result {
    let admin = Admin::new(&args.admin)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(format!("cannot start: {error}")))?;
    runtime.block_on(async {
        if args.once {
            let stats = look(args, &admin).await?;
            show(args, &stats, output)?;
            return Ok(Outcome::Clean);
        }
        if !args.json && std::io::stdout().is_terminal() && std::io::stdin().is_terminal() {
            return screen::run(args, &admin, output).await;
        }
        rows(args, &admin, output).await
    })
}

/// The figures now, of the routers that are asked for.
async fn look(args: &Args, admin: &Admin) -> Result<Value> {
    let mut stats = admin.stats().await?;
    let Some(wanted) = &args.router else { return Ok(stats) };
    let labels: Vec<_> = table::rows(&stats, "routers")
        .filter_map(|row| row["router"].as_str().map(str::to_owned))
        .collect();
    if !labels.contains(wanted) {
        let list = labels.join(", ");
        let of = admin.url();
        return Err(Error::new(format!("{of} has no router {wanted}; it has: {list}")));
    }
    for kind in ["routers", "services", "clients"] {
        if let Some(rows) = stats[kind].as_array_mut() {
            rows.retain(|row| row["router"] == wanted.as_str());
        }
    }
    // It goes by the rows' places.
    if let Some(stats) = stats.as_object_mut() {
        stats.remove("history");
    }
    Ok(stats)
}

fn show(args: &Args, stats: &Value, output: &mut Output) -> Result<()> {
    if args.json {
        let pretty = args.once;
        return if pretty {
            super::write_json(stats, output)
        } else {
            Ok(writeln!(output.out, "{stats}")?)
        };
    }
    let width = screen::width().unwrap_or(PLAIN_WIDTH);
    for line in (Picture { stats, sort: args.sort, width }).lines() {
        writeln!(output.out, "{line}")?;
    }
    Ok(())
}

/// A table each second, until Ctrl-C.
async fn rows(args: &Args, admin: &Admin, output: &mut Output) -> Result {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let stop = tokio::signal::ctrl_c();
    tokio::pin!(stop);
    let mut first = true;
    loop {
        let next = async {
            ticks.tick().await;
            look(args, admin).await
        };
        let stats = tokio::select! {
            stats = next => stats,
            ended = &mut stop => {
                ended.map_err(|error| Error::new(format!("cannot wait for Ctrl-C: {error}")))?;
                return Ok(Outcome::Clean);
            }
        };
        match stats {
            Ok(stats) => {
                if !first && !args.json {
                    writeln!(output.out)?;
                }
                show(args, &stats, output)?;
                output.out.flush()?;
            }
            Err(error) if first => return Err(error),
            // It may come back.
            Err(error) => output.complain(&error),
        }
        first = false;
    }
}
