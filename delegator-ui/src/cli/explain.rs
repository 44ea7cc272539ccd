//! `fingerpost explain CODE`.

use std::io::Write;

use dtab::Code;
use dtab::lint::Rule;

use super::{Error, Outcome, Output, Result};

/// Say more of a kind of finding of `check`
///
/// The rule, a table that breaks it, and one that says what was meant. Without a code: all of them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fingerpost explain unreachable-dentry
  fingerpost explain

Exit status: 0 explained, 2 there is no such code.")]
pub(super) struct Args {
    /// What stands in the brackets of a finding, such as missing-arrow
    code: Option<String>,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result {
    let Some(name) = &args.code else {
        list(output)?;
        return Ok(Outcome::Clean);
    };
    let code = Code::from_name(name).ok_or_else(|| {
        let nearest = Code::ALL.iter().map(|code| code.name());
        let nearest = nearest.min_by_key(|known| strsim::damerau_levenshtein(known, name));
        let hint = nearest.map(|known| format!("; did you mean {known}?")).unwrap_or_default();
        Error::new(format!("there is no finding {name}{hint}"))
    })?;
    write!(output.out, "{}", code.explain())?;
    Ok(Outcome::Clean)
}

/// Every code, those about what a table means behind those about how it is written.
fn list(output: &mut Output) -> Result<()> {
    let width = Code::ALL.iter().map(|code| code.name().len()).max().unwrap_or(0);
    let rules = |about_meaning: bool| {
        Code::ALL.iter().filter(move |code| Rule::of(**code).is_some() == about_meaning)
    };
    for (about_meaning, title) in [(false, "How a table is written"), (true, "What it means")] {
        writeln!(output.out, "{title}:")?;
        for code in rules(about_meaning) {
            writeln!(output.out, "  {:width$}  {}", code.name(), first_sentence(code.rule()))?;
        }
    }
    Ok(())
}

/// Up to the first full stop behind which a capital begins.
fn first_sentence(text: &str) -> &str {
    let is_end = |at: &usize| text[at + 2..].starts_with(|next: char| next.is_uppercase());
    text.match_indices(". ").map(|(at, _)| at).find(is_end).map_or(text, |at| &text[..=at])
}
