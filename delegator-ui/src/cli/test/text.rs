//! The results for people.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use dtab::case::{Count, Coverage, Missed};
use router::snapshot::one_line;

use super::Args;
use super::suite::{Ran, Suite, coverage};
use crate::view::{clean, text};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// What failed, what was asked for, and how many there were.
pub(super) fn report(args: &Args, suites: &[Suite], count: Count) -> String {
    let mut out = String::new();
    for suite in suites {
        for ran in &suite.ran {
            case(args, suite, ran, &mut out);
        }
    }
    out.push_str(&summary(suites));
    if args.coverage || args.fail_under.is_some() {
        let Count { entries, all_entries, taken, evaluated, all_branches } = count;
        let _ = writeln!(
            out,
            "{entries} of {all_entries} dentries, {taken} of {all_branches} branches ({}), {evaluated} evaluated",
            percent(count.percent())
        );
    }
    if args.coverage {
        for coverage in coverage(suites) {
            for missed in coverage.missed() {
                line_of(&coverage, &missed, &mut out);
            }
        }
    }
    out
}

/// A share of a hundred, rounded down so that only all is 100 %.
pub(super) fn percent(percent: f64) -> String {
    format!("{} %", (percent * 10.0).floor() / 10.0)
}

fn case(args: &Args, suite: &Suite, ran: &Ran, out: &mut String) {
    let title = clean(&ran.case.title);
    let explained = args.explain.as_deref().is_some_and(|wanted| ran.case.title.contains(wanted));
    let place = format!("{}:{}", suite.file, ran.line);
    if ran.passed() {
        if args.verbose || explained {
            let _ = writeln!(out, "{GOOD}ok{GOOD:#}   {place}: {title}");
        }
    } else {
        let _ = writeln!(out, "{BAD}FAIL{BAD:#} {place}: {BOLD}{title}{BOLD:#}");
    }
    for mismatch in &ran.mismatches {
        let indent = " ".repeat(mismatch.what.len());
        let (expected, got) = (clean(&mismatch.expected), clean(&mismatch.got));
        let _ = writeln!(out, "  {}: expected {expected}", mismatch.what);
        let _ = writeln!(out, "  {indent}  got      {got}");
    }
    if ran.passed() && !explained {
        return;
    }
    if let Some(resolved) = &ran.resolved {
        out.push('\n');
        for line in text(&resolved.view).lines() {
            let _ = writeln!(out, "  {line}");
        }
        let _ = writeln!(out, "  {}", clean(&resolved.verdict()));
    }
    if let Some(line) = command(suite, ran) {
        let _ = writeln!(out, "\n  {DIM}{line}{DIM:#}");
    }
    out.push('\n');
}

/// What to paste to see the same; none for a request without a name.
pub(super) fn command(suite: &Suite, ran: &Ran) -> Option<String> {
    let name = ran.case.name.as_ref().ok()?;
    let (name, file) = (quoted(&name.to_string()), quoted(&suite.file));
    let mut line = format!("fingerpost delegate {name} --snapshot {file}");
    if !ran.case.local.is_empty() {
        let entries = ran.case.local.iter().map(one_line).collect::<Vec<_>>();
        let _ = write!(line, " --local {}", quoted(&entries.join(";")));
    }
    Some(line)
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-:%,@+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn summary(suites: &[Suite]) -> String {
    let (mut passed, mut failed, mut left_out) = (0, 0, 0);
    for suite in suites {
        let (good, bad) = suite.counts();
        passed += good;
        failed += bad;
        left_out += suite.left_out;
    }
    let style = if failed == 0 { GOOD } else { BAD };
    let left_out = match left_out {
        0 => String::new(),
        number => format!(", {number} left out"),
    };
    format!("{style}{passed} passed, {failed} failed{style:#}{left_out}\n")
}

/// A branch that no case takes: where its entry stands, and which of it.
fn line_of(coverage: &Coverage, missed: &Missed, out: &mut String) {
    let Some(dentry) = coverage.dtab().dentries().get(missed.entry) else { return };
    let place = match dentry.place() {
        Some(place) => place.to_string(),
        None => format!("entry {}", missed.entry + 1),
    };
    let which = match missed.of {
        1 => String::new(),
        of => format!(", branch {} of {of}: {}", missed.branch + 1, missed.text),
    };
    let how = if missed.evaluated { "evaluated, not taken" } else { "not reached" };
    let entry = format!("{} => {}", dentry.prefix, dentry.dst);
    let _ = writeln!(out, "  {}: {entry}{which}  {DIM}{how}{DIM:#}", clean(&place));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_not_take_it_as_it_is() {
        assert_eq!(quoted("/svc/web:80"), "/svc/web:80");
        assert_eq!(quoted("/#/io.l5d.fs"), "'/#/io.l5d.fs'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn less_than_all_is_never_shown_as_all() {
        assert_eq!(percent(100.0), "100 %");
        assert_eq!(percent(99.99), "99.9 %");
        assert_eq!(percent(200.0 / 3.0), "66.6 %");
    }
}
