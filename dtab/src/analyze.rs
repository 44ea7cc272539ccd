//! Where *all* names go: a table taken apart into finitely many classes of names.
//!
//! [`Resolver::resolve`](crate::Resolver::resolve) tells where one name goes. Here a name has open
//! elements and an open rest. It is resolved by the same evaluator, with labels in the place of what
//! is open that no table has. Then every step of the delegation is asked whether another label would
//! have matched there; if one would, the class is split by it, and its parts are resolved again. When
//! nothing is left to ask, all names of a class take the same way, and what it comes to is told in
//! terms of the name.
//!
//! ```
//! use dtab::{Dtab, analyze};
//!
//! let dtab = Dtab::parse("/svc => /#/io.l5d.fs ; /svc/old => !")?;
//! let classes = analyze::classes(&dtab, &analyze::Scope::default());
//! let told: Vec<_> = classes.all.iter().map(ToString::to_string).collect();
//! assert_eq!(told, [
//!     "/svc/old/… => !",
//!     "/svc/… (not /svc/old) => /#/io.l5d.fs/…",
//!     "/#/… => /#/…",
//!     "/$/… => <whatever /$/… is>",
//!     "/… (not /#, /$, /svc) => ~",
//! ]);
//! # Ok::<(), dtab::SyntaxError>(())
//! ```
//!
//! What a table leaves to others is left open, never guessed:
//!
//! - a name that a namer answers for ([`Target::Named`]) may exist or not;
//! - a built-in name that reads labels as text ([`Target::Rewritten`]) may lead anywhere;
//! - what tells names apart element after element without end stays [`Target::Unknown`].
//!
//! Transformers, and what namers rename, are not looked at.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use crate::dtab::Dtab;
use crate::name::{Activity, Addr, Bound, Name};
use crate::namers::Namers;
use crate::path::Path;
use crate::tree::NameTree;

mod diff;
mod markers;
mod names;
mod open;
mod outcome;
mod survey;
mod target;
mod walk;

pub use self::diff::{Change, Diff, diff};
pub use self::names::Names;
pub use self::outcome::{Assumed, Settled, Verdict};
pub use self::target::{Target, Template, Unclosed};

pub(crate) use self::survey::{Survey, is_all_negative};
pub(crate) use self::target::Can;

use self::markers::Markers;
use self::names::Label;
use self::walk::{Table, Way};

/// The most steps that one analysis takes unless its scope says otherwise: some seconds of work. A
/// table of 200,000 entries takes a million.
pub const MOST_STEPS: usize = 10_000_000;

/// Which names are looked at, and what is known of namers.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    /// The names.
    pub root: Names,
    /// The prefixes of the namers there are; if not known, every name under `/#` is taken to have
    /// one.
    pub prefixes: Option<Vec<Path>>,
    /// The prefixes of namers that give names other names, so that nobody knows where they lead.
    pub rewriting: Vec<Path>,
    /// The most steps in all. What is left then is not looked at.
    pub most_steps: usize,
}

impl Default for Scope {
    /// All names, and any namers.
    fn default() -> Self {
        Scope { root: Names::all(), prefixes: None, rewriting: Vec::new(), most_steps: MOST_STEPS }
    }
}

/// A class of names, all of which take the same way.
#[derive(Clone, Debug, PartialEq)]
pub struct Class {
    /// The names.
    pub names: Names,
    /// What they come to, without branches that can never be chosen.
    pub comes_to: NameTree<Target>,
    /// The entries that may have a part in it, by their places in the table; each once, in the order
    /// in which they are met.
    pub through: Vec<usize>,
    /// One of the names.
    pub example: Path,
}

impl Class {
    fn new(names: Names, told: Way, example: Path) -> Self {
        let mut through: Vec<usize> = Vec::new();
        for reached in &told.reached {
            if !through.contains(&reached.dentry) {
                through.push(reached.dentry);
            }
        }
        Class { names, comes_to: told.tree, through, example }
    }

    /// What `name`, one of these names, comes to where discovery says which names exist.
    ///
    /// `None` if that is not known: see [`Target::Rewritten`] and [`Target::Unknown`].
    pub fn settle(&self, name: &Path, exists: &dyn Fn(&Path) -> bool) -> Option<Settled> {
        let mut tree = self.comes_to.clone();
        let mut named = Vec::new();
        tree.for_each_leaf(&mut |leaf| {
            if let Target::Named(template) = leaf {
                named.push(template.clone());
            }
        });
        for template in named {
            let exists = exists(&template.of(name, &self.names));
            tree = outcome::assume(&tree, &template, exists);
        }
        outcome::settled(&tree)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} => {}", self.names, self.comes_to)
    }
}

/// The classes of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Partition {
    /// The classes. Every name of the scope is in exactly one.
    pub all: Vec<Class>,
    /// Whether there are more than were looked at.
    pub cut: bool,
}

/// The classes into which a table divides the names of a scope.
pub fn classes(dtab: &Dtab, scope: &Scope) -> Partition {
    let mut all = Vec::new();
    let classes = Classes::of([dtab], scope);
    let cut = classes.visit(&mut |names, [told]| {
        all.push(Class::new(names.clone(), told, classes.example(names)));
    });
    Partition { all, cut }
}

/// Namers for which some names exist and others do not, as it is supposed of them. What nothing is
/// supposed of exists.
///
/// ```
/// use dtab::analyze::Supposed;
/// use dtab::{Dtab, Explore, Outcome, Path, Resolver};
///
/// let base = Dtab::parse("/svc => /#/fs/a | /#/fs/b")?;
/// let supposed = Supposed(&[(Path::parse("/#/fs/a")?, false)]);
/// let resolver =
///     Resolver { base: &base, local: &Dtab::empty(), namers: &supposed, transformers: &[] };
/// let delegation = resolver.resolve(&Path::parse("/svc")?, Explore::All);
/// assert_eq!(delegation.outcome, Outcome::Found);
/// # Ok::<(), dtab::SyntaxError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Supposed<'a>(pub &'a [(Path, bool)]);

impl Namers for Supposed<'_> {
    fn lookup(&self, path: &Path) -> Activity<NameTree<Name>> {
        let supposed = self.0.iter().find(|(name, _)| name == path).is_none_or(|(_, is)| *is);
        if path.first() != Some(b"#") || !supposed {
            return Activity::Ok(NameTree::Neg);
        }
        let bound = Bound::new(path.clone(), Path::root(), Addr::Pending);
        Activity::Ok(NameTree::Leaf(Name::Bound(bound)))
    }

    fn host(&self, _: &str) -> Activity<Option<Vec<IpAddr>>> {
        Activity::Pending
    }
}

/// Whether some target is a name that is looked up again.
fn leads_on(tree: &NameTree<Target>) -> bool {
    let mut found = false;
    tree.for_each_leaf(&mut |leaf| found |= matches!(leaf, Target::Rewritten(_)));
    found
}

/// How many more elements of a name are told apart than the two longest prefixes have.
const SPARE_ELEMENTS: usize = 3;

/// The classes of one or several tables, found one after the other.
#[derive(Debug)]
struct Classes<'a, const N: usize> {
    tables: [Table<'a>; N],
    markers: Markers,
    scope: &'a Scope,
    /// The most elements that names of a class have. Entries that take a name apart element after
    /// element would need ever more of them.
    most_elements: usize,
}

impl<'a, const N: usize> Classes<'a, N> {
    fn of(dtabs: [&'a Dtab; N], scope: &'a Scope) -> Self {
        let mut used: BTreeSet<Label> = ["#", "$"].map(|label| label.as_bytes().into()).into();
        for dtab in dtabs {
            walk::labels(dtab, &mut used);
        }
        scope.prefixes.iter().flatten().for_each(|prefix| {
            used.extend(prefix.iter().map(Label::from));
        });
        let tables = dtabs.map(Table::new);
        let longest = tables.iter().map(|table| table.longest).max().unwrap_or(0);
        let most_elements = scope.root.elements().len() + 2 * longest + SPARE_ELEMENTS;
        let markers = Markers::new(&used, most_elements);
        Classes { tables, markers, scope, most_elements }
    }

    /// One name of a class.
    fn example(&self, names: &Names) -> Path {
        self.markers.example(names)
    }

    /// Calls `found` with every class and what it comes to by each table. True if not all were looked
    /// at.
    fn visit(&self, found: &mut dyn FnMut(&Names, [Way; N])) -> bool {
        let mut left = vec![self.scope.root.clone()];
        let mut steps = 0;
        while let Some(names) = left.pop() {
            if steps > self.scope.most_steps {
                return true;
            }
            let mut need = None;
            let told = self.tables.each_ref().map(|table| {
                if need.is_some() {
                    return None;
                }
                match table.tell(&names, &self.markers, self.scope, &mut steps) {
                    Ok(told) => Some(told),
                    Err(wanted) => {
                        need = Some(wanted);
                        None
                    }
                }
            });
            let told = match need {
                None => told.map(|told| told.unwrap_or_else(Way::too_long)),
                Some(need) => match names.split(&need, self.most_elements) {
                    Some(parts) => {
                        left.extend(parts.into_iter().rev());
                        continue;
                    }
                    None => std::array::from_fn(|_| Way::too_long()),
                },
            };
            found(&names, told);
        }
        false
    }
}

impl Way {
    /// For a class that would have to be split once more than is done.
    fn too_long() -> Self {
        Way { tree: NameTree::Leaf(Target::Unknown(Unclosed::TooLong)), reached: Vec::new() }
    }
}
