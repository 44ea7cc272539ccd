//! The world as the evaluator sees it: what namers say, now.

use std::net::IpAddr;

use crate::name::{Activity, Name};
use crate::path::Path;
use crate::tree::NameTree;

/// The configured namers and the host names, as they are at this moment.
///
/// The evaluator is a function over a snapshot: it asks, and is answered at once. A live
/// implementation notes what was asked, and has the name resolved again when any of it changes.
pub trait Namers {
    /// What the configured namers say of `path`, which no dentry matches.
    ///
    /// Of the namers whose prefix begins `path`, the first one whose answer is not negative
    /// decides; with none the answer is [`NameTree::Neg`], and the built-in `/$/` names come next.
    fn lookup(&self, path: &Path) -> Activity<NameTree<Name>>;

    /// The addresses of a host name that is not itself an address; `None` if it has none.
    fn host(&self, name: &str) -> Activity<Option<Vec<IpAddr>>>;

    /// The prefixes that namers are configured for, to say what a misspelled one may have meant.
    fn prefixes(&self) -> Vec<Path> {
        Vec::new()
    }
}

/// One namer of a [`NamerTable`].
pub trait Namer {
    /// What it says of `path`, whose front is the prefix that the namer is configured for.
    fn lookup(&self, path: &Path) -> Activity<NameTree<Name>>;
}

impl<F: Fn(&Path) -> Activity<NameTree<Name>>> Namer for F {
    fn lookup(&self, path: &Path) -> Activity<NameTree<Name>> {
        self(path)
    }
}

/// Namers under their prefixes, in the order in which they are tried.
#[derive(Default)]
pub struct NamerTable<'n> {
    entries: Vec<(Path, Box<dyn Namer + 'n>)>,
}

impl<'n> NamerTable<'n> {
    /// The table without namers: only `/$/` names and addresses resolve.
    pub fn new() -> Self {
        NamerTable::default()
    }

    /// Adds a namer, to be tried after those already there.
    #[must_use]
    pub fn with(mut self, prefix: Path, namer: impl Namer + 'n) -> Self {
        self.entries.push((prefix, Box::new(namer)));
        self
    }
}

impl std::fmt::Debug for NamerTable<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.entries.iter().map(|(prefix, _)| prefix)).finish()
    }
}

impl Namers for NamerTable<'_> {
    fn lookup(&self, path: &Path) -> Activity<NameTree<Name>> {
        first_not_neg(
            self.entries
                .iter()
                .filter(|(prefix, _)| path.starts_with(prefix))
                .map(|(_, namer)| namer.lookup(path)),
        )
    }

    fn host(&self, _: &str) -> Activity<Option<Vec<IpAddr>>> {
        Activity::Ok(None)
    }

    fn prefixes(&self) -> Vec<Path> {
        self.entries.iter().map(|(prefix, _)| prefix.clone()).collect()
    }
}

/// The answer of several namers tried in order: only a negative one passes on to the next.
pub fn first_not_neg(
    answers: impl IntoIterator<Item = Activity<NameTree<Name>>>,
) -> Activity<NameTree<Name>> {
    answers
        .into_iter()
        .find(|answer| !matches!(answer, Activity::Ok(NameTree::Neg)))
        .unwrap_or(Activity::Ok(NameTree::Neg))
}
