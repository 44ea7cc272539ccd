//! Dentries: one rule of a delegation table.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::path::{self, Encoded, Path, Segments};
use crate::span::{Place, Source, Span};
use crate::syntax::{self, SyntaxError};
use crate::tree::NameTree;

/// The left side of a dentry: elements that are labels or `*`, which stands for any one label.
///
/// ```
/// use dtab::{Path, Prefix};
///
/// let prefix = Prefix::parse("/svc/*/v1")?;
/// assert!(prefix.matches(&Path::parse("/svc/users/v1/list")?));
/// assert!(!prefix.matches(&Path::parse("/svc/users")?));
/// # Ok::<(), dtab::SyntaxError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Prefix {
    /// Encoded as a path; a wildcard is an element of length zero, which no label has.
    encoded: Encoded,
    wildcards: bool,
}

/// One element of a [`Prefix`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element<'a> {
    /// Matches the label with these bytes.
    Label(&'a [u8]),
    /// `*`: matches any one label.
    Any,
}

impl Prefix {
    /// Reads a prefix by Finagle's grammar: a path whose elements may also be `*`.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        syntax::parse_prefix(text)
    }

    pub(crate) fn from_encoded(encoded: Encoded, wildcards: bool) -> Self {
        Prefix { encoded, wildcards }
    }

    /// The elements in order.
    pub fn iter(&self) -> impl Iterator<Item = Element<'_>> {
        Segments::over(&self.encoded)
            .map(|label| if label.is_empty() { Element::Any } else { Element::Label(label) })
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        Segments::over(&self.encoded).count()
    }

    /// Whether this is `/`, which begins every path.
    pub fn is_empty(&self) -> bool {
        self.encoded.is_empty()
    }

    /// Whether this prefix begins `path`.
    pub fn matches(&self, path: &Path) -> bool {
        self.residual(path).is_some()
    }

    /// The encoded rest of `path` behind this prefix, if it begins it.
    pub(crate) fn residual<'p>(&self, path: &'p Path) -> Option<&'p [u8]> {
        if !self.wildcards {
            return path.encoded().strip_prefix(self.encoded.as_slice());
        }
        let mut rest = path.encoded();
        for element in Segments::over(&self.encoded) {
            let (label, after) = path::decode(rest)?;
            if !element.is_empty() && element != label {
                return None;
            }
            rest = after;
        }
        Some(rest)
    }
}

impl From<&Path> for Prefix {
    /// The prefix of just these labels.
    fn from(path: &Path) -> Self {
        Prefix { encoded: path.encoded().into(), wildcards: false }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("/");
        }
        self.iter().try_for_each(|element| {
            f.write_str("/")?;
            match element {
                Element::Any => f.write_str("*"),
                Element::Label(label) => path::show_segment(label, f),
            }
        })
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prefix({self})")
    }
}

impl FromStr for Prefix {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        Prefix::parse(text)
    }
}

/// One rule: names that begin with `prefix` become `dst`, with the rest added to every leaf.
#[derive(Clone, Debug)]
pub struct Dentry {
    /// What a name must begin with.
    pub prefix: Prefix,
    /// What it becomes.
    pub dst: NameTree<Path>,
    /// Where the entry stands in the text it was read from; `0..0` if it was not read.
    pub span: Span,
    /// That text, if it has a name.
    pub source: Option<Arc<Source>>,
}

impl Dentry {
    /// The rule `prefix => dst`, from no text.
    pub fn new(prefix: Prefix, dst: NameTree<Path>) -> Self {
        Dentry { prefix, dst, span: Span::default(), source: None }
    }

    /// Reads one dentry, without a `;`.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        syntax::parse_dentry(text)
    }

    /// Where the entry was read from, if its text has a name.
    pub fn place(&self) -> Option<Place> {
        let source = self.source.clone()?;
        Some(Place { source, span: self.span })
    }
}

impl PartialEq for Dentry {
    /// Same prefix and same tree; where it was read from does not count.
    fn eq(&self, other: &Self) -> bool {
        self.prefix == other.prefix && self.dst == other.dst
    }
}

impl fmt::Display for Dentry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=>{}", self.prefix, self.dst)
    }
}

impl FromStr for Dentry {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        Dentry::parse(text)
    }
}
