//! `--explain-not`: whether a name reaches a destination, and what keeps it from it.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use dtab::Path;
use dtab::why_not::Destination;
use serde_json::Value;

use super::world::World;
use super::{Args, Format};
use crate::cli::{Error, Outcome, Output, Result, write_json};
use crate::view::clean;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

pub(super) async fn run(args: &Args, path: &Path, to: &str, output: &mut Output) -> Result {
    let destination: Destination =
        to.parse().map_err(|error| Error::new(format!("--explain-not {to}: {error}")))?;
    let world = World::new(&args.world).await?;
    world.tell_left_out(output)?;
    let answer = world.why_not(&args.tables()?, path, &destination).await?;
    match args.format {
        Format::Json => write_json(&answer, output)?,
        Format::Tree | Format::Dot => output.out.write_all(text(&answer).as_bytes())?,
    }
    Ok(if reaches(&answer) { Outcome::Clean } else { Outcome::Findings })
}

fn reaches(answer: &Value) -> bool {
    answer["reaches"] == true
}

/// The answer, each reason with where it is, and the overrides that would do.
fn text(answer: &Value) -> String {
    let said = |value: &Value| clean(value.as_str().unwrap_or_default()).into_owned();
    let style = if reaches(answer) { GOOD } else { BAD };
    let mut text = format!("{style}{}{style:#}\n", said(&answer["answer"]));
    let list = |member: &str| answer[member].as_array().cloned().unwrap_or_default();
    let (reasons, would) = (list("reasons"), list("would"));
    if !reasons.is_empty() {
        text += &format!("\n{BOLD}What keeps it from there{BOLD:#}\n");
    }
    for reason in &reasons {
        let (kind, sentence) = (said(&reason["kind"]), said(&reason["sentence"]));
        text += &format!("  {sentence} {DIM}({kind}){DIM:#}\n");
    }
    if !would.is_empty() {
        text += &format!("\n{BOLD}Overrides with which it would{BOLD:#}\n");
    }
    for would in &would {
        let (dtab, sentence) = (said(&would["dtab"]), said(&would["sentence"]));
        text += &format!("  l5d-dtab: {dtab}\n    {DIM}{sentence}{DIM:#}\n");
    }
    text
}
