//! Comments that allow what a rule finds.

use super::{Findings, Linted, Rule};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::span::Span;

pub(super) const RULE: Rule = Rule {
    code: Code::BadAllow,
    severity: Severity::Warning,
    rule: "`# fingerpost: allow(CODE) REASON` before an entry, or behind it on its line, leaves out what \
           the rule CODE finds in it. Several codes are separated by commas; the reason is for those \
           who read the table.",
    bad: "# fingerpost: allow(dead-brunch)\n/svc => /#/io.l5d.fs ;",
    good: "# fingerpost: allow(dead-branch) the routers' own table has /legacy\n/svc => /#/io.l5d.fs | /legacy ;",
    check,
};

/// What a comment begins with, the `#` aside.
const MARK: &str = "fingerpost:";

fn check(linted: &Linted<'_>, findings: &mut Findings<'_>) {
    for comment in comments(linted.text) {
        let span = Span::new(comment.start, comment.start + comment.text.len());
        if let Err(wrong) = comment.read() {
            let help = "write `# fingerpost: allow(CODE) REASON`".to_owned();
            findings.add(span, wrong, "this allows nothing", help);
        }
    }
}

/// Whether a comment allows a finding.
pub(super) fn allows(linted: &Linted<'_>, finding: &Diagnostic) -> bool {
    if finding.code == RULE.code || !linted.has_allow {
        return false;
    }
    let (text, at) = (linted.text, finding.span().start as usize);
    // Entries stand in the order of the text.
    let entries = linted.dtab.dentries();
    let next = entries.partition_point(|dentry| dentry.span.start as usize <= at);
    let Some(entry) = next.checked_sub(1).map(|at| entries[at].span) else { return false };
    let (start, end) = (entry.start as usize, entry.end as usize);
    // A table that stands in another text has the places of that one, as far as they can be told.
    let (Some(above), Some(behind)) = (text.get(..start), text.get(end..)) else { return false };
    let after = behind.lines().next().unwrap_or_default();
    let before = above.rfind(';').map_or(0, |at| at + 1);
    // What stands behind the entry before on its line is about that one.
    let between = &above[before..];
    let own = match between.split_once('\n') {
        Some((_, own)) if before > 0 => own,
        _ => between,
    };
    [own, after].iter().any(|text| {
        comments(text)
            .any(|comment| comment.read().is_ok_and(|codes| codes.contains(&finding.code)))
    })
}

/// A comment that is meant for the program.
pub(super) struct Comment<'a> {
    /// Where its `#` is.
    start: usize,
    text: &'a str,
}

/// The comments that are meant for the program. `#` within a label begins none.
pub(super) fn comments(text: &str) -> impl Iterator<Item = Comment<'_>> {
    text.match_indices(MARK).filter_map(move |(at, _)| {
        let start = text[..at].trim_end_matches([' ', '\t']).strip_suffix('#')?.len();
        let line = text[start..].lines().next().unwrap_or_default();
        Some(Comment { start, text: line.trim_end() })
    })
}

impl Comment<'_> {
    /// The codes that it allows, or what is wrong with it.
    fn read(&self) -> Result<Vec<Code>, String> {
        let order = self.text[1..].trim_start()[MARK.len()..].trim_start();
        let inside = order.strip_prefix("allow").map(str::trim_start);
        let inside = inside.and_then(|rest| rest.strip_prefix('(')?.split_once(')'));
        let Some((codes, reason)) = inside else {
            return Err("the only comment for this program is `allow(CODE)`".to_owned());
        };
        let codes = codes.split(',').map(|code| {
            let code = code.trim();
            let known = Code::from_name(code).filter(|code| Rule::of(*code).is_some());
            known.ok_or_else(|| format!("there is no rule `{code}`"))
        });
        let codes = codes.collect::<Result<Vec<_>, _>>()?;
        if reason.trim().is_empty() {
            return Err("the reason is missing".to_owned());
        }
        Ok(codes)
    }
}
