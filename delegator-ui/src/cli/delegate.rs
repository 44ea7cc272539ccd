//! `fingerpost delegate PATH`.

use std::io::{self, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use dtab::view::{ViewNode, explain_short, view};
use dtab::{Delegation, Outcome as Comes, Path, Source, wire};
use serde_json::json;
use tokio::time::MissedTickBehavior;

use super::input::WorldArgs;
use super::{Error, Outcome, Output, Result};
use crate::view::{clean, dot, text};

pub(super) mod admin;
mod explain_not;
mod tables;
mod tree;
mod world;

pub(super) use self::admin::Admin;
pub(super) use self::tables::{Tables, parse as parse_table};
pub(super) use self::world::{World, discovery_files, interpreter, tell_left_out};

/// Show how a name resolves, step by step
///
/// The tables are joined in the order configuration or running router or snapshot, -d, -e, --local:
/// entries of later ones win. Without --config, --disco, --snapshot or --admin there are no namers but
/// the built-in /$/ ones.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fingerpost delegate /svc/web -e '/svc => /$/inet/127.1/8080'
  fingerpost delegate /svc/web -d routes.dtab --disco disco/ --watch
  fingerpost delegate /svc/web --config linkerd.yaml --local '/svc/web => /svc/web-v2'
  fingerpost delegate /svc/web --admin http://127.0.0.1:9990 --router http
  fingerpost delegate /svc/web --snapshot yesterday.json
  fingerpost delegate /svc/web -d routes.dtab --format dot | dot -Tsvg > web.svg
  fingerpost delegate /svc/web --admin http://127.0.0.1:9990 --explain-not '/#/io.l5d.fs/web'

Exit status: 0 the name is bound (with --explain-not: it reaches the destination), 1 it is not (it
does not), 2 cannot read or understand.")]
pub(super) struct Args {
    /// The name, such as /svc/web
    path: String,
    #[command(flatten)]
    world: WorldArgs,
    /// The override of one request, as a `l5d-dtab` header has it
    #[arg(long, value_name = "DTAB")]
    local: Option<String>,
    /// How to show it: tree, json or dot (for Graphviz)
    #[arg(long, value_name = "FORMAT", default_value = "tree", hide_possible_values = true)]
    format: Format,
    /// Say whether the name reaches a bound name (or the beginning of one) or an address, and if not,
    /// what keeps it from it and which override would lead there
    #[arg(long, value_name = "DESTINATION", conflicts_with = "watch")]
    explain_not: Option<String>,
    /// Show it again whenever it changes, until Ctrl-C
    #[arg(long)]
    watch: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Tree,
    Json,
    Dot,
}

/// How often --watch looks: here, and at a running router.
const WATCH_EVERY: Duration = Duration::from_millis(200);
const WATCH_ADMIN_EVERY: Duration = Duration::from_secs(1);

impl Args {
    fn tables(&self) -> Result<Tables> {
        Tables::read(&self.world, self.local.as_deref())
    }
}

pub(super) fn run(args: Args, output: &mut Output) -> Result {
    args.world.check()?;
    if args.watch && args.world.dtab.as_deref().is_some_and(super::input::is_stdin) {
        return Err(Error::new("--watch reads its tables again and again, so -d needs a file"));
    }
    if args.watch && args.world.snapshot.is_some() {
        return Err(Error::new("--watch waits for changes, and a snapshot never changes"));
    }
    if args.explain_not.is_some() && args.format == Format::Dot {
        return Err(Error::new("--explain-not is shown as a tree or as JSON"));
    }
    let path = read_path(&args.path)?;
    let runtime = super::runtime()?;
    let result = runtime.block_on(async {
        if let Some(destination) = &args.explain_not {
            return explain_not::run(&args, &path, destination, output).await;
        }
        let world = World::new(&args.world).await?;
        world.tell_left_out(output)?;
        if args.watch {
            watch(&args, &world, &path, output).await
        } else {
            let resolved = world.delegate(&args.tables()?, &path).await?;
            show(&resolved, args.format, output)?;
            Ok(if resolved.is_bound() { Outcome::Clean } else { Outcome::Findings })
        }
    });
    // A host name that is still being looked up is not waited for.
    runtime.shutdown_background();
    result
}

fn read_path(text: &str) -> Result<Path> {
    let source = Source::new("PATH", text);
    let (path, found) = dtab::check_path(&source);
    path.ok_or_else(|| Error::Drawn(dtab::render(&found, &source, true)))
}

/// A path, as an argument of a command.
pub(super) fn path_argument(text: &str) -> std::result::Result<Path, String> {
    Path::parse(text).map_err(|error| error.to_string())
}

/// A name, resolved.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Resolved {
    /// Every step.
    pub(super) view: ViewNode,
    /// `bound`, `neg`, `fail`, `empty`, `pending` or `failed`.
    pub(super) state: String,
    /// What becomes of requests for the name, in a sentence.
    summary: String,
}

impl Resolved {
    /// `prefixes` are those of the namers there are, to say what a misspelled one may have meant.
    pub(super) fn new(delegation: &Delegation, prefixes: &[Path]) -> Self {
        let state = match delegation.outcome {
            Comes::Found => "bound",
            Comes::Neg => "neg",
            Comes::Fail => "fail",
            Comes::Empty => "empty",
            Comes::Pending | Comes::Unreached => "pending",
            Comes::Failed => "failed",
        };
        Resolved {
            view: view(delegation),
            state: state.to_owned(),
            summary: explain_short(delegation, prefixes),
        }
    }

    /// Whether requests for the name go anywhere. A name that is bound to nobody is not bound.
    fn is_bound(&self) -> bool {
        self.state == "bound"
    }

    /// What becomes of the name, beginning with it.
    pub(super) fn verdict(&self) -> String {
        if self.is_bound() {
            format!("{}: {}", self.view.path, self.summary)
        } else {
            self.summary.clone()
        }
    }
}

fn show(resolved: &Resolved, format: Format, output: &mut Output) -> Result<()> {
    const GOOD: Style = AnsiColor::Green.on_default().bold();
    const BAD: Style = AnsiColor::Red.on_default().bold();
    let out = &mut output.out;
    match format {
        Format::Tree => {
            let style = if resolved.is_bound() { GOOD } else { BAD };
            let verdict = resolved.verdict();
            let verdict = clean(&verdict);
            write!(out, "{}\n{style}{verdict}{style:#}\n", text(&resolved.view))?;
        }
        Format::Json => {
            let document = json!({
                "path": resolved.view.path.to_string(),
                "state": resolved.state,
                "summary": resolved.verdict(),
                "steps": wire::view(&resolved.view),
            });
            super::write_json(&document, output)?;
        }
        Format::Dot => out.write_all(dot(&resolved.view).as_bytes())?,
    }
    Ok(())
}

/// Shows the resolution, and again after every change. A table that is being edited may be wrong
/// for a while: that is shown in its place.
async fn watch(args: &Args, world: &World, path: &Path, output: &mut Output) -> Result {
    use std::io::IsTerminal;
    let redraw = io::stdout().is_terminal();
    let mut shown = None;
    let every = if args.world.admin.is_some() { WATCH_ADMIN_EVERY } else { WATCH_EVERY };
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let stop = tokio::signal::ctrl_c();
    tokio::pin!(stop);
    loop {
        let look = async {
            ticks.tick().await;
            world.delegate(&args.tables()?, path).await
        };
        let now = tokio::select! {
            now = look => now,
            ended = &mut stop => {
                ended.map_err(|error| Error::new(format!("cannot wait for Ctrl-C: {error}")))?;
                return Ok(Outcome::Clean);
            }
        };
        let now = now.map_err(|error| error.to_string());
        if shown.as_ref() == Some(&now) {
            continue;
        }
        if redraw {
            // Clear the screen, and begin at its top.
            output.out.write_all(b"\x1b[2J\x1b[H")?;
        } else if shown.is_some() {
            writeln!(output.out)?;
        }
        match &now {
            Ok(resolved) => show(resolved, args.format, output)?,
            Err(wrong) => writeln!(output.out, "{}", wrong.trim_end())?,
        }
        output.out.flush()?;
        shown = Some(now);
    }
}

/// Which of several routers is meant: the one with the label, else the only one.
pub(super) fn choose_router<'a>(
    labels: impl Iterator<Item = &'a str> + Clone,
    wanted: Option<&str>,
    of: &str,
) -> Result<usize> {
    let list = || labels.clone().collect::<Vec<_>>().join(", ");
    match (wanted, labels.clone().count()) {
        (_, 0) => Err(Error::new(format!("{of} has no routers"))),
        (None, 1) => Ok(0),
        (None, _) => Err(Error::new(format!(
            "{of} has several routers; choose one with --router: {}",
            list()
        ))),
        (Some(wanted), _) => labels
            .clone()
            .position(|label| label == wanted)
            .ok_or_else(|| Error::new(format!("{of} has no router {wanted}; it has: {}", list()))),
    }
}
