//! What is right by the grammar and yet hardly what was meant.
//!
//! Each rule is a file here and a line in [`RULES`]. Most go by where all names go by the table
//! ([`crate::analyze`]), so that they hold for every name and whatever is discovered; where that
//! cannot be told to the end, they say nothing.
//!
//! A comment before an entry, or behind it on its line, allows what is found there:
//!
//! ```text
//! # fingerpost: allow(dead-branch) /legacy is in the routers' own table
//! /svc => /host | /legacy ;
//! ```

use crate::analyze::{Scope, Survey};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::dtab::Dtab;
use crate::path::Path;
use crate::span::{Source, Span};
use crate::tree::NameTree;

mod allow;
mod cycle;
mod dead_branch;
mod duplicate_dentry;
mod namer_refuses;
mod only_negative;
mod places;
mod prefix_cannot_match;
mod unknown_namer;
mod unreachable_dentry;
mod unused_fallback;
mod weight_sum;
mod zero_weight;

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// What its findings are called.
    pub code: Code,
    /// How bad they are, unless the caller says otherwise.
    pub severity: Severity,
    /// The rule in one paragraph.
    pub rule: &'static str,
    /// A table that breaks it.
    pub bad: &'static str,
    /// One that says what was meant.
    pub good: &'static str,
    check: fn(&Linted<'_>, &mut Findings<'_>),
}

/// Every rule.
pub const RULES: &[&Rule] = &[
    &unreachable_dentry::RULE,
    &unused_fallback::RULE,
    &dead_branch::RULE,
    &cycle::RULE,
    &unknown_namer::RULE,
    &namer_refuses::RULE,
    &prefix_cannot_match::RULE,
    &weight_sum::RULE,
    &zero_weight::RULE,
    &duplicate_dentry::RULE,
    &only_negative::RULE,
    &allow::RULE,
];

impl Rule {
    /// The rule whose findings have this code.
    pub fn of(code: Code) -> Option<&'static Rule> {
        RULES.iter().copied().find(|rule| rule.code == code)
    }
}

/// How many steps are taken to find out where names go: many times what a table takes that makes
/// sense, so that one that does not keeps nobody waiting.
const FEW_STEPS: usize = 20_000;
const STEPS_PER_ENTRY: usize = 50;

/// What is known beside the table.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The prefixes of the configured namers, if the configuration is known.
    pub prefixes: Option<Vec<Path>>,
    /// The prefixes of those that give names other names.
    pub rewriting: Vec<Path>,
}

/// What the rules find in a table, in the order of its text; what its comments allow is left out.
///
/// `dtab` has been read from `source`, or from a part of it.
///
/// ```
/// use dtab::{Dtab, Source, lint};
///
/// let source = Source::new("routes.dtab", "/svc => /$/inet/127.1/80 | /backup");
/// let dtab = Dtab::parse_source(&source)?;
/// let found = lint::lint(&dtab, &source, &lint::Known::default());
/// assert_eq!(found[0].code.name(), "unused-fallback");
/// # Ok::<(), dtab::SyntaxError>(())
/// ```
pub fn lint(dtab: &Dtab, source: &Source, known: &Known) -> Vec<Diagnostic> {
    let Known { prefixes, rewriting } = known.clone();
    let most_steps = FEW_STEPS + STEPS_PER_ENTRY * dtab.len();
    let scope = Scope { prefixes, rewriting, most_steps, ..Scope::default() };
    let survey = Survey::of(dtab, &scope);
    let text = source.text();
    let has_allow = allow::comments(text).next().is_some();
    let again = duplicate_dentry::again(dtab);
    let linted = Linted { dtab, text, known, survey, again, has_allow };
    let mut found = Vec::new();
    for rule in RULES {
        (rule.check)(&linted, &mut Findings { rule, found: &mut found, left: MOST_FINDINGS });
    }
    found.retain(|finding| !allow::allows(&linted, finding));
    found.sort_by_key(|finding| (finding.span(), finding.code));
    found
}

/// What rules look at.
struct Linted<'a> {
    dtab: &'a Dtab,
    text: &'a str,
    known: &'a Known,
    survey: Survey,
    /// For each dentry the next one that is equal to it.
    again: Vec<Option<usize>>,
    /// Whether any comment allows anything.
    has_allow: bool,
}

impl Linted<'_> {
    /// The leaves of a dentry, each with its place among leaves and constants.
    fn leaves(&self, dentry: usize) -> Vec<(usize, &Path)> {
        fn go<'t>(tree: &'t NameTree<Path>, at: &mut usize, leaves: &mut Vec<(usize, &'t Path)>) {
            match tree {
                NameTree::Alt(trees) => trees.iter().for_each(|tree| go(tree, at, leaves)),
                NameTree::Union(branches) => {
                    for branch in branches {
                        go(&branch.tree, at, leaves);
                    }
                }
                NameTree::Leaf(leaf) => {
                    leaves.push((*at, leaf));
                    *at += 1;
                }
                NameTree::Neg | NameTree::Fail | NameTree::Empty => *at += 1,
            }
        }
        let mut leaves = Vec::new();
        go(&self.dtab.dentries()[dentry].dst, &mut 0, &mut leaves);
        leaves
    }

    /// Where a leaf or constant of a dentry stands; the whole entry if that cannot be told.
    fn branch(&self, dentry: usize, branch: usize) -> Span {
        let span = self.dtab.dentries()[dentry].span;
        places::branches(self.text, span).get(branch).map_or(span, |branch| branch.span)
    }

    /// Where the prefix of a dentry stands.
    fn prefix(&self, dentry: usize) -> Span {
        let span = self.dtab.dentries()[dentry].span;
        places::prefix(self.text, span).unwrap_or(span)
    }
}

/// The most findings of one rule. A table with more of them has one mistake made by a program.
const MOST_FINDINGS: usize = 200;

/// What a rule adds to.
struct Findings<'f> {
    rule: &'f Rule,
    found: &'f mut Vec<Diagnostic>,
    left: usize,
}

impl Findings<'_> {
    /// Adds a finding at a place, with what is to be done about it.
    fn add(
        &mut self,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<Option<String>>,
    ) -> &mut Diagnostic {
        let finding = Diagnostic::error(self.rule.code, span, message, label);
        let severity = self.rule.severity;
        self.found.push(Diagnostic { severity, help: help.into(), ..finding });
        self.left = self.left.saturating_sub(1);
        let last = self.found.len() - 1;
        &mut self.found[last]
    }

    /// Whether more findings would help nobody.
    fn are_enough(&self) -> bool {
        self.left == 0
    }
}
