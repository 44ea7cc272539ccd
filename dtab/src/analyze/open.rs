//! The namers as an analysis sees them: what they say is left open.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::IpAddr;

use ahash::AHashMap;

use super::Scope;
use super::markers::{Marker, Markers};
use super::names::{Kind, Label, Names};
use crate::builtin;
use crate::name::{Activity, Addr, Bound, Name};
use crate::namers::Namers;
use crate::path::Path;
use crate::tree::NameTree;

/// What has to be known of a class of names before it can be told where they go.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Need {
    /// Which of these labels, if any, the open element at a place is.
    Label(usize, BTreeSet<Label>),
    /// Whether the open element at a place is an integer.
    Integer(usize),
    /// Which of these labels, if any, the rest begins with.
    Next(BTreeSet<Label>),
    /// Whether there is a rest at all.
    Rest,
}

/// What is said of a name that no dentry matches.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Told {
    /// It is for a namer to say.
    Named,
    /// A built-in name reads the text of labels that are open.
    Rewritten,
    /// Not before this is known.
    Need(Need),
}

/// Answers every name that it cannot answer for good as if it were bound, and remembers it.
pub(super) struct Open<'a> {
    pub(super) names: &'a Names,
    pub(super) markers: &'a Markers,
    pub(super) scope: &'a Scope,
    pub(super) told: RefCell<AHashMap<Path, Told>>,
}

impl Namers for Open<'_> {
    fn lookup(&self, path: &Path) -> Activity<NameTree<Name>> {
        let Some(told) = self.tell(path) else { return Activity::Ok(NameTree::Neg) };
        self.told.borrow_mut().insert(path.clone(), told);
        let bound = Bound::new(path.clone(), Path::root(), Addr::Pending);
        Activity::Ok(NameTree::Leaf(Name::Bound(bound)))
    }

    fn host(&self, _: &str) -> Activity<Option<Vec<IpAddr>>> {
        Activity::Pending
    }
}

impl Open<'_> {
    /// `None` leaves the name to the built-in ones, of which all that matters is known.
    fn tell(&self, path: &Path) -> Option<Told> {
        let mut elements = path.iter();
        match self.is(elements.next(), &["#", "$"]) {
            Ok(Some(b"$")) => self.built_in(&elements.collect::<Vec<_>>()),
            Ok(Some(b"#")) => self.named(path),
            Ok(_) => None,
            Err(need) => Some(Told::Need(need)),
        }
    }

    /// A name under `/#`.
    fn named(&self, path: &Path) -> Option<Told> {
        let Some(prefixes) = &self.scope.prefixes else { return Some(Told::Named) };
        // The prefixes are compared element by element, so that no more is asked than has to be.
        let mut left: Vec<_> = prefixes.iter().map(Path::iter).collect();
        for element in path {
            let mut wanted = BTreeSet::new();
            for prefix in &left {
                match prefix.clone().next() {
                    Some(label) => wanted.insert(Label::from(label)),
                    None => return Some(self.answered(path)),
                };
            }
            match self.among(element, wanted) {
                Err(need) => return Some(Told::Need(need)),
                Ok(label) => left.retain_mut(|prefix| prefix.next() == label),
            }
        }
        let is_answered = left.iter().any(|prefix| prefix.clone().next().is_none());
        is_answered.then(|| self.answered(path))
    }

    /// A name with the prefix of a namer.
    fn answered(&self, path: &Path) -> Told {
        let is_rewritten = self.scope.rewriting.iter().any(|prefix| path.starts_with(prefix));
        if is_rewritten { Told::Rewritten } else { Told::Named }
    }

    /// A name under `/$`, without that.
    fn built_in(&self, elements: &[&[u8]]) -> Option<Told> {
        let (class, rest) = elements.split_first()?;
        if self.markers.get(class).is_some() {
            return Some(Told::Rewritten);
        }
        match std::str::from_utf8(class).unwrap_or_default() {
            "inet" | "fixedinet" => self.inet(rest),
            "nil" | "fail" => None,
            builtin::GLOBAL => match self.is(rest.first().copied(), &["$"]) {
                Ok(Some(b"$")) => self.built_in(&rest[1..]),
                Ok(_) => None,
                Err(need) => Some(Told::Need(need)),
            },
            class => {
                let reads = builtin::reads(class)?;
                rest.iter().take(reads).find_map(|element| match self.markers.get(element) {
                    Some(Marker::Rest) => Some(Told::Need(Need::Rest)),
                    Some(Marker::Element(_)) => Some(Told::Rewritten),
                    None => None,
                })
            }
        }
    }

    /// `/$/inet` has a port as its second element, or else as its first.
    fn inet(&self, rest: &[&[u8]]) -> Option<Told> {
        // Without a first element there is nothing to be bound to.
        if let Some(Marker::Rest) = rest.first().and_then(|host| self.markers.get(host)) {
            return Some(Told::Need(Need::Rest));
        }
        for port in [rest.get(1), rest.first()].into_iter().flatten() {
            match self.markers.get(port) {
                Some(Marker::Rest) => return Some(Told::Need(Need::Rest)),
                Some(Marker::Element(at)) if self.names.kind(at) == Kind::Any => {
                    return Some(Told::Need(Need::Integer(at)));
                }
                _ if super::names::is_integer(port) => return None,
                _ => {}
            }
        }
        None
    }

    /// The label that an element is if it is one of these.
    fn is<'p>(&self, element: Option<&'p [u8]>, labels: &[&str]) -> Result<Option<&'p [u8]>, Need> {
        let Some(element) = element else { return Ok(None) };
        if self.markers.get(element).is_none() {
            return Ok(Some(element));
        }
        self.among(element, labels.iter().map(|label| label.as_bytes().into()).collect())
    }

    /// The label that an element is, `None` if it is open and none of these.
    fn among<'p>(
        &self,
        element: &'p [u8],
        labels: BTreeSet<Label>,
    ) -> Result<Option<&'p [u8]>, Need> {
        let Some(marker) = self.markers.get(element) else { return Ok(Some(element)) };
        self.names.need(marker, labels).map_or(Ok(None), Err)
    }
}
