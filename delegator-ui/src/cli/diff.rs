//! `fingerpost diff OLD NEW`.

use std::io::Write;
use std::path::PathBuf;

use anstyle::{AnsiColor, Style};
use dtab::analyze::{self, Change, Diff, Supposed, Verdict};
use dtab::view::{ViewNode, view};
use dtab::{Addr, Dtab, Explore, Path, Resolver, wire};
use serde_json::{Value, json};

use super::classes::{through_json, tree_json};
use super::table_file::{self, Format, TableFile, Which};
use super::{Outcome, Output, Result};
use crate::view::text;

/// Show which names go elsewhere by another table
///
/// All names are compared, whatever is discovered: weights, fallbacks, and what fails. If no class of
/// names changes, that is a proof that no name does. For each class that does, one name is shown with
/// its steps before and after.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fingerpost diff old.dtab new.dtab
  fingerpost diff old.yaml new.yaml --router http --from /svc
  git show main:routes.dtab | fingerpost diff - routes.dtab --names names.txt

Exit status: 0 no name changes its destination, 1 some do or it cannot be told, 2 cannot read.")]
pub(super) struct Args {
    /// The table before: a dtab file, a linkerd.yaml, or a snapshot; - for standard input
    old: PathBuf,
    /// The table after
    new: PathBuf,
    #[command(flatten)]
    which: Which,
    /// Say of each of these names, one a line, whether it changes
    #[arg(long, value_name = "FILE")]
    names: Option<PathBuf>,
    /// Leave out the steps
    #[arg(long)]
    brief: bool,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result {
    let [old, new] = [&args.old, &args.new].map(|file| TableFile::read(file, &args.which));
    let (old, new) = (old?, new?);
    let mut scope = new.scope(args.which.from.as_ref());
    // A namer that one of the tables has may be asked by both.
    let before = old.scope(None);
    scope.prefixes = match (scope.prefixes, before.prefixes) {
        (Some(new), Some(old)) => Some(new.into_iter().chain(old).collect()),
        _ => None,
    };
    scope.rewriting.extend(before.rewriting);
    let diff = analyze::diff(&old.dtab, &new.dtab, &scope);
    let names = args.names.as_deref().map(table_file::names).transpose()?.unwrap_or_default();
    match args.which.format {
        Format::Text => {
            // Built-in names that the tables have nothing to do with go without saying.
            let is_told = |change: &&Change| {
                change.verdict != Verdict::Follows || !change.after.through.is_empty()
            };
            for (at, change) in diff.changes.iter().filter(is_told).enumerate() {
                let in_full = !args.brief && at < MAX_STEPS_SHOWN;
                show(change, [&old, &new], in_full, output)?;
            }
            show_names(&diff, &names, output)?;
            show_verdict(&diff, args.which.from.as_ref(), output)?;
        }
        Format::Json => super::write_json(&json_of(&diff, &names, [&old, &new]), output)?,
    }
    Ok(if diff.is_same() { Outcome::Clean } else { Outcome::Findings })
}

/// The steps of so many changes are shown.
const MAX_STEPS_SHOWN: usize = 10;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();

fn show(
    change: &Change,
    [old, new]: [&TableFile; 2],
    in_full: bool,
    output: &mut Output,
) -> Result<()> {
    let out = &mut output.out;
    writeln!(out, "{BOLD}{}{BOLD:#}", change.before.names)?;
    let sides = [(RED, '-', &change.before, old), (GREEN, '+', &change.after, new)];
    for (style, sign, class, table) in sides {
        let lines = by(table, &class.through);
        writeln!(out, "{style}  {sign} {}{style:#}{DIM}{lines}{DIM:#}", class.comes_to)?;
    }
    match &change.verdict {
        Verdict::Unknown => {
            writeln!(out, "{YELLOW}  it cannot be told whether these differ{YELLOW:#}")?;
        }
        Verdict::Follows => writeln!(out, "  leads to other names, and changes where those do")?,
        _ => writeln!(out, "  for example {}{}", change.witness, supposed(&change.assumed))?,
    }
    if in_full {
        for (style, sign, table) in [(RED, '-', old), (GREEN, '+', new)] {
            writeln!(out)?;
            for line in text(&steps(&table.dtab, change)).lines() {
                writeln!(out, "{style}  {sign}{style:#} {line}")?;
            }
        }
    }
    Ok(writeln!(out)?)
}

/// `  routes.dtab:12, 3`.
fn by(table: &TableFile, through: &[usize]) -> String {
    if through.is_empty() {
        return String::new();
    }
    format!("   {}:{}", table.source.name(), table.lines(through))
}

/// ` if /#/io.l5d.fs/web exists and /#/io.l5d.fs/api does not`.
fn supposed(assumed: &[(Path, bool)]) -> String {
    let told = assumed.iter().map(|(name, exists)| {
        format!("{name} {}", if *exists { "exists" } else { "does not exist" })
    });
    let told: Vec<_> = told.collect();
    if told.is_empty() { String::new() } else { format!(", if {}", told.join(" and ")) }
}

/// The steps of the example.
fn steps(dtab: &Dtab, change: &Change) -> ViewNode {
    let (local, namers) = (&Dtab::empty(), &Supposed(&change.assumed));
    let resolver = Resolver { base: dtab, local, namers, transformers: &[] };
    let mut view = view(&resolver.resolve(&change.witness, Explore::All));
    without_addresses(&mut view);
    view
}

/// Of names that are only supposed to exist no address is known, which need not be said of each.
fn without_addresses(node: &mut ViewNode) {
    if node.bound.as_ref().is_some_and(|bound| bound.addr == Addr::Pending) {
        node.bound = None;
    }
    node.children.iter_mut().for_each(without_addresses);
}

/// What becomes of a name, as far as the classes tell.
fn of_name<'d>(diff: &'d Diff, name: &Path) -> Option<&'d Change> {
    diff.changes.iter().find(|change| change.before.names.contains(name))
}

fn show_names(diff: &Diff, names: &[Path], output: &mut Output) -> Result<()> {
    for name in names {
        let (style, told) = match of_name(diff, name) {
            None if diff.cut => (YELLOW, "cannot be told"),
            None => (GREEN, "goes where it went"),
            Some(Change { verdict: Verdict::Unknown, .. }) => (YELLOW, "cannot be told"),
            Some(Change { verdict: Verdict::Follows, .. }) => {
                (YELLOW, "leads to another name, and changes where that one does")
            }
            Some(_) => (RED, "changes"),
        };
        writeln!(output.out, "{name}: {style}{told}{style:#}")?;
    }
    if !names.is_empty() {
        writeln!(output.out)?;
    }
    Ok(())
}

fn show_verdict(diff: &Diff, from: Option<&Path>, output: &mut Output) -> Result<()> {
    let whose = from.map_or_else(String::new, |from| format!(" below {from}"));
    let classes = count(diff.classes, "class", "classes");
    let told = if diff.cut {
        format!(
            "{YELLOW}there are more classes of names than can be looked at: choose some with --from{YELLOW:#}"
        )
    } else if diff.is_same() {
        format!("{GREEN}no name{whose} changes its destination{GREEN:#} ({classes} of names)")
    } else {
        let count = |is: fn(&Verdict) -> bool| {
            diff.changes.iter().filter(|change| is(&change.verdict)).count()
        };
        let unknown = count(|verdict| matches!(verdict, Verdict::Unknown));
        let changed = count(|verdict| matches!(verdict, Verdict::Changed(_)));
        let mut told = match changed {
            0 => format!("nothing changes for sure in {classes} of names{whose}"),
            1 => format!("{RED}1 of {classes} of names{whose} changes{RED:#}"),
            changed => format!("{RED}{changed} of {classes} of names{whose} change{RED:#}"),
        };
        if unknown > 0 {
            told += &format!("; {YELLOW}{unknown} cannot be told{YELLOW:#}");
        }
        told
    };
    Ok(writeln!(output.out, "{told}")?)
}

fn count(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn json_of(diff: &Diff, names: &[Path], [old, new]: [&TableFile; 2]) -> Value {
    let side = |class: &analyze::Class, table: &TableFile, change: &Change| {
        json!({
            "comes_to": tree_json(&class.comes_to),
            "through": through_json(&class.through, table),
            "steps": wire::view(&steps(&table.dtab, change)),
        })
    };
    let verdict = |change: &Change| match change.verdict {
        Verdict::Unknown => "unknown",
        Verdict::Follows => "follows",
        Verdict::Same | Verdict::Changed(_) => "changed",
    };
    let changes = diff.changes.iter().map(|change| {
        let assumed = change.assumed.iter();
        let assumed = assumed.map(|(name, exists)| (name.to_string(), Value::from(*exists)));
        json!({
            "names": change.before.names.to_string(),
            "verdict": verdict(change),
            "witness": change.witness.to_string(),
            "assumed": assumed.collect::<serde_json::Map<_, _>>(),
            "before": side(&change.before, old, change),
            "after": side(&change.after, new, change),
        })
    });
    let names = names.iter().map(|name| {
        let told = of_name(diff, name).map_or(if diff.cut { "unknown" } else { "same" }, verdict);
        (name.to_string(), Value::from(told))
    });
    json!({
        "same": diff.is_same(),
        "complete": !diff.cut,
        "classes": diff.classes,
        "changes": changes.collect::<Vec<_>>(),
        "names": names.collect::<serde_json::Map<_, _>>(),
    })
}
