//! `fingerpost classes FILE`.

use std::io::Write;
use std::path::PathBuf;

use anstyle::{AnsiColor, Style};
use dtab::NameTree;
use dtab::analyze::{self, Class, Target};
use serde_json::{Value, json};

use super::table_file::{Format, TableFile, Which};
use super::{Error, Outcome, Output, Result};

/// Show where all names go
///
/// The names fall into classes that take the same way by the table: each line has the names, what
/// they come to, and the lines of the entries that have a part in it. `*` stands for any one label,
/// `…` for any number of them. What a namer answers for (/#/…) may exist or not.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fingerpost classes routes.dtab
  fingerpost classes linkerd.yaml --router http --from /svc
  fingerpost classes routes.dtab --format json | jq -r '.classes[].names'

Exit status: 0 shown, 2 cannot read, or more classes than can be looked at.")]
pub(super) struct Args {
    /// A dtab file, a linkerd.yaml, or a snapshot; - for standard input
    file: PathBuf,
    #[command(flatten)]
    which: Which,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result {
    let table = TableFile::read(&args.file, &args.which)?;
    let partition = analyze::classes(&table.dtab, &table.scope(args.which.from.as_ref()));
    if partition.cut {
        let why = "has more classes of names than can be looked at; choose some with --from";
        return Err(Error::new(format!("{} {why}", table.source.name())));
    }
    match args.which.format {
        Format::Text => text(&table, &partition.all, output)?,
        Format::Json => {
            let classes = partition.all.iter().map(|class| json_of(class, &table));
            let document = json!({ "classes": classes.collect::<Vec<_>>() });
            super::write_json(&document, output)?;
        }
    }
    Ok(Outcome::Clean)
}

/// Columns are at most this wide; what is wider pushes the next one to the right.
const MAX_COLUMN: usize = 48;

fn text(table: &TableFile, classes: &[Class], output: &mut Output) -> Result<()> {
    const BOLD: Style = Style::new().bold();
    const DIM: Style = Style::new().dimmed();
    let rows: Vec<[String; 3]> = classes
        .iter()
        .filter(|class| !is_itself(class))
        .map(|class| {
            let lines = table.lines(&class.through);
            [format!("{:#}", class.names), class.comes_to.to_string(), lines]
        })
        .collect();
    let head = ["NAMES", "COME TO", "BY LINES"].map(str::to_owned);
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        let widths = widths.filter(|&width| width <= MAX_COLUMN);
        widths.max().unwrap_or(0).max(head[column].len())
    };
    let widths = [width(0), width(1)];
    let out = &mut output.out;
    let padded = |text: &str, width: usize| {
        format!("{text}{}", " ".repeat(width.saturating_sub(text.chars().count())))
    };
    let [names, to, lines] = &head;
    let (names, to) = (padded(names, widths[0]), padded(to, widths[1]));
    writeln!(out, "{DIM}{names}  {to}  {lines}{DIM:#}")?;
    for ([names, to, lines], class) in rows.iter().zip(classes.iter().filter(|it| !is_itself(it))) {
        let style = style_of(&class.comes_to);
        let names = padded(names, widths[0]);
        write!(out, "{BOLD}{names}{BOLD:#}  {style}{to}{style:#}")?;
        if !lines.is_empty() {
            let space = " ".repeat(widths[1].saturating_sub(to.chars().count()));
            write!(out, "{space}  {DIM}{lines}{DIM:#}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Whether the names are those of namers, or built in, and the table has nothing to do with them.
fn is_itself(class: &Class) -> bool {
    let itself = |target: &Target| match target {
        Target::Named(to) | Target::Rewritten(to) => to.to_string() == class.names.to_string(),
        _ => false,
    };
    matches!(&class.comes_to, NameTree::Leaf(target) if class.through.is_empty() && itself(target))
}

/// What leads nowhere is red, and what is not told yellow.
pub(super) fn style_of(tree: &NameTree<Target>) -> Style {
    match tree {
        NameTree::Neg | NameTree::Fail | NameTree::Leaf(Target::Failed(_)) => {
            AnsiColor::Red.on_default()
        }
        NameTree::Leaf(Target::Rewritten(_) | Target::Unknown(_)) | NameTree::Empty => {
            AnsiColor::Yellow.on_default()
        }
        _ => AnsiColor::Green.on_default(),
    }
}

fn json_of(class: &Class, table: &TableFile) -> Value {
    json!({
        "names": class.names.to_string(),
        "example": class.example.to_string(),
        "comes_to": tree_json(&class.comes_to),
        "through": through_json(&class.through, table),
    })
}

/// The entries that have a part in it.
pub(super) fn through_json(through: &[usize], table: &TableFile) -> Value {
    let entries = through.iter().map(|&at| {
        let dentry = &table.dtab.dentries()[at];
        let place = dentry.place();
        let position = place.as_ref().map(|place| place.position());
        json!({
            "file": place.as_ref().map_or(table.source.name(), |place| place.source.name()),
            "line": position.map(|position| position.line),
            "column": position.map(|position| position.column),
            "dentry": format!("{} => {}", dentry.prefix, dentry.dst),
        })
    });
    entries.collect()
}

/// A tree: `{"kind", …}` with `branches` of alts and unions, and `name` of ends.
pub(super) fn tree_json(tree: &NameTree<Target>) -> Value {
    match tree {
        NameTree::Alt(trees) => {
            json!({ "kind": "alt", "branches": trees.iter().map(tree_json).collect::<Vec<_>>() })
        }
        NameTree::Union(branches) => {
            let branches = branches.iter().map(|branch| {
                let weight = if branch.weight.is_finite() {
                    json!(branch.weight)
                } else {
                    json!("Infinity")
                };
                json!({ "weight": weight, "tree": tree_json(&branch.tree) })
            });
            json!({ "kind": "union", "branches": branches.collect::<Vec<_>>() })
        }
        NameTree::Neg => json!({ "kind": "neg" }),
        NameTree::Fail => json!({ "kind": "fail" }),
        NameTree::Empty => json!({ "kind": "empty" }),
        NameTree::Leaf(target) => match target {
            Target::Bound { id, residual } => json!({
                "kind": "bound", "name": id.to_string(), "residual": residual.to_string(),
            }),
            Target::Named(name) => json!({ "kind": "named", "name": name.to_string() }),
            Target::Rewritten(name) => json!({ "kind": "rewritten", "name": name.to_string() }),
            Target::Failed(_) => json!({ "kind": "failed", "why": target.to_string() }),
            Target::Unknown(_) => json!({ "kind": "unknown", "why": target.to_string() }),
        },
    }
}
