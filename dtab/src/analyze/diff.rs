//! Which names go elsewhere by another table.

use super::outcome::{Verdict, compare};
use super::{Class, Classes, Names, Scope};
use crate::dtab::Dtab;
use crate::path::Path;

/// A class of names that two tables do not send to the same place for sure.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What it comes to before.
    pub before: Class,
    /// What it comes to after; the same names.
    pub after: Class,
    /// Anything but [`Verdict::Same`].
    pub verdict: Verdict,
    /// One of the names.
    pub witness: Path,
    /// The names whose existence is assumed for the change to be seen at the witness.
    pub assumed: Vec<(Path, bool)>,
}

/// What tells two tables apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diff {
    /// The classes that change, or may.
    pub changes: Vec<Change>,
    /// How many classes there are in all.
    pub classes: usize,
    /// Whether there are more classes than were looked at.
    pub cut: bool,
}

impl Diff {
    /// Whether it is proven that no name changes its destination.
    pub fn is_same(&self) -> bool {
        self.changes.is_empty() && !self.cut
    }
}

/// Compares where all names below `scope.root` go by two tables.
///
/// A built-in name that reads labels as text ([`Target::Rewritten`](super::Target::Rewritten)) leads
/// to another name. If all names are compared and none changes, neither do these: the name that it
/// leads to is one of them. If some change, these are reported as [`Verdict::Follows`]; if only some
/// names are compared, as unknown.
///
/// ```
/// use dtab::{Dtab, analyze};
///
/// let old = Dtab::parse("/svc => /#/io.l5d.fs")?;
/// let new = Dtab::parse("/svc => /#/io.l5d.fs ; /svc/web => /#/io.l5d.fs/web-v2")?;
/// let diff = analyze::diff(&old, &new, &analyze::Scope::default());
/// let change = &diff.changes[0];
/// assert_eq!(change.before.to_string(), "/svc/web/… => /#/io.l5d.fs/web/…");
/// assert_eq!(change.after.to_string(), "/svc/web/… => /#/io.l5d.fs/web-v2/… | /#/io.l5d.fs/web/…");
/// assert_eq!(change.witness.to_string(), "/svc/web");
/// # Ok::<(), dtab::SyntaxError>(())
/// ```
pub fn diff(before: &Dtab, after: &Dtab, scope: &Scope) -> Diff {
    let classes = Classes::of([before, after], scope);
    let mut diff = Diff { classes: 0, cut: false, changes: Vec::new() };
    let mut rewritten = Vec::new();
    let all = scope.root == Names::all();
    diff.cut = classes.visit(&mut |names, [old, new]| {
        diff.classes += 1;
        let change = |verdict: Verdict| {
            let witness = classes.example(names);
            let example = witness.clone();
            let class =
                move |told: super::walk::Way| Class::new(names.clone(), told, example.clone());
            let assumed = match &verdict {
                Verdict::Changed(assumed) => assumed
                    .iter()
                    .map(|(name, exists)| (name.of(&witness, names), *exists))
                    .collect(),
                _ => Vec::new(),
            };
            (class, witness, assumed, verdict)
        };
        let verdict = compare(&old.tree, &new.tree);
        let leads_on = super::leads_on(&new.tree);
        if verdict == Verdict::Same && !leads_on {
            return;
        }
        let same = verdict == Verdict::Same;
        let verdict = match verdict {
            Verdict::Same if all => Verdict::Follows,
            Verdict::Same => Verdict::Unknown,
            verdict => verdict,
        };
        let (class, witness, assumed, verdict) = change(verdict);
        let change = Change { before: class(old), after: class(new), verdict, witness, assumed };
        if same { rewritten.push(change) } else { diff.changes.push(change) }
    });
    if !diff.changes.is_empty() || !all {
        diff.changes.append(&mut rewritten);
    }
    diff
}
