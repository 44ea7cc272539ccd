//! Delegation tables: ordered lists of dentries.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use crate::dentry::Dentry;
use crate::index::Index;
use crate::path::Path;
use crate::span::Source;
use crate::syntax::{self, SyntaxError};
use crate::tree::NameTree;

/// A delegation table. Later entries win; earlier ones are the fallback.
///
/// Cloning is cheap: the entries and their compiled index are shared.
///
/// ```
/// use dtab::{Dtab, Path};
///
/// let dtab = Dtab::parse("/svc => /host ; /svc/web => /host/web-v2 ;")?;
/// let found = dtab.lookup(&Path::parse("/svc/web/x")?);
/// assert_eq!(found.to_string(), "/host/web-v2/x | /host/web/x");
/// # Ok::<(), dtab::SyntaxError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Dtab {
    table: Arc<Table>,
}

#[derive(Debug, Default)]
struct Table {
    dentries: Vec<Dentry>,
    index: OnceLock<Index>,
}

/// Tables up to this size are scanned: an index would cost more than it saves, and most overrides
/// of one request are this small.
const SCANNED: usize = 16;

impl Dtab {
    /// The table without entries.
    pub fn empty() -> Self {
        Dtab::default()
    }

    /// Reads a table by Finagle's grammar, stopping at the first error.
    ///
    /// For files and editors, where every error is wanted, see [`crate::check_dtab`].
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        syntax::parse_dtab(text).map(Dtab::from)
    }

    /// Reads a table from a named text, so that each entry knows its place.
    pub fn parse_source(source: &Arc<Source>) -> Result<Self, SyntaxError> {
        let mut dentries = syntax::parse_dtab(source.text())?;
        for dentry in &mut dentries {
            dentry.source = Some(source.clone());
        }
        Ok(Dtab::from(dentries))
    }

    /// The entries, first to last.
    pub fn dentries(&self) -> &[Dentry] {
        &self.table.dentries
    }

    /// The entries, first to last.
    pub fn iter(&self) -> std::slice::Iter<'_, Dentry> {
        self.table.dentries.iter()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.table.dentries.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.table.dentries.is_empty()
    }

    /// This table followed by `other`, whose entries therefore win.
    #[must_use]
    pub fn concat(&self, other: &Dtab) -> Dtab {
        match (self.is_empty(), other.is_empty()) {
            (_, true) => self.clone(),
            (true, _) => other.clone(),
            _ => Dtab::from([self.dentries(), other.dentries()].concat()),
        }
    }

    /// What is left behind `prefix` if its entries begin this table, else the table as it is.
    #[must_use]
    pub fn strip_prefix(&self, prefix: &Dtab) -> Dtab {
        match self.dentries().strip_prefix(prefix.dentries()) {
            Some(rest) => Dtab::from(rest.to_vec()),
            None => self.clone(),
        }
    }

    /// Every destination simplified, and the entries that have become negative left out.
    #[must_use]
    pub fn simplified(&self) -> Dtab {
        let simplified =
            self.iter().map(|dentry| Dentry { dst: dentry.dst.simplified(), ..dentry.clone() });
        simplified.filter(|dentry| dentry.dst != NameTree::Neg).collect()
    }

    /// One step of rewriting: the trees of all entries that begin `path`, last entry first, with
    /// the rest of the path added to every leaf. Several make an alt; none is negative.
    pub fn lookup(&self, path: &Path) -> NameTree<Path> {
        let mut trees = Vec::new();
        self.for_each_match(path, &mut |at, residual| {
            trees.push(self.table.dentries[at].dst.map(&mut |leaf| leaf.joined(residual)));
        });
        match trees.len() {
            0 => NameTree::Neg,
            1 => trees.remove(0),
            _ => NameTree::Alt(trees),
        }
    }

    /// Calls `found` with the number of every entry that begins `path`, last first, and the
    /// encoded residual.
    ///
    /// Costs the path's length and the number of matches, not the table's length: see [`Index`].
    pub(crate) fn for_each_match<'p>(
        &self,
        path: &'p Path,
        found: &mut impl FnMut(usize, &'p [u8]),
    ) {
        let dentries = &self.table.dentries;
        if dentries.len() <= SCANNED {
            for (at, dentry) in dentries.iter().enumerate().rev() {
                if let Some(residual) = dentry.prefix.residual(path) {
                    found(at, residual);
                }
            }
            return;
        }
        self.index().for_each_match(path, found);
    }

    /// Compiles the index now rather than at the first look-up.
    pub fn compile(&self) {
        if self.len() > SCANNED {
            self.index();
        }
    }

    fn index(&self) -> &Index {
        self.table.index.get_or_init(|| Index::new(&self.table.dentries))
    }
}

impl<'a> IntoIterator for &'a Dtab {
    type Item = &'a Dentry;
    type IntoIter = std::slice::Iter<'a, Dentry>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<Vec<Dentry>> for Dtab {
    fn from(dentries: Vec<Dentry>) -> Self {
        Dtab { table: Arc::new(Table { dentries, index: OnceLock::new() }) }
    }
}

impl FromIterator<Dentry> for Dtab {
    fn from_iter<I: IntoIterator<Item = Dentry>>(dentries: I) -> Self {
        Dtab::from(dentries.into_iter().collect::<Vec<_>>())
    }
}

impl PartialEq for Dtab {
    /// Same entries in the same order.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.table, &other.table) || self.dentries() == other.dentries()
    }
}

impl fmt::Display for Dtab {
    /// The canonical form on one line, `/a=>/b;/c=>/d`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().enumerate().try_for_each(|(at, dentry)| {
            f.write_str(if at == 0 { "" } else { ";" })?;
            dentry.fmt(f)
        })
    }
}

impl FromStr for Dtab {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        Dtab::parse(text)
    }
}
