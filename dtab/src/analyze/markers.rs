//! Labels that stand for what is open in a class of names.

use std::collections::BTreeSet;

use ahash::AHashMap;

use super::names::{Element, Kind, Label, Names, Rest};
use super::open::Need;
use super::target::{Part, Template};
use crate::path::Path;

/// What a label stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    /// The open element at this place of the name.
    Element(usize),
    /// All that follows the elements.
    Rest,
}

/// Labels that no table has. A name with them in the place of what is open takes the way of every
/// name of its class, as far as no table tells labels apart there.
#[derive(Debug)]
pub(super) struct Markers {
    words: Vec<Label>,
    integers: Vec<Label>,
    rest: Label,
    known: AHashMap<Label, Marker>,
    /// Labels for examples, `x`, `y`, `z` unless a table has them.
    examples: Vec<Label>,
    example_integers: Vec<Label>,
}

/// Whether a label may be one that [`Markers::new`] makes, by how it begins. Large tables have few.
pub(super) fn may_be(label: &[u8]) -> bool {
    matches!(label, [0 | b'+' | b'x'..=b'z' | b'0'..=b'9', ..])
}

impl Markers {
    /// Markers that are none of these labels, for names of at most so many elements.
    pub(super) fn new(used: &BTreeSet<Label>, most: usize) -> Self {
        let mut taken = used.clone();
        let mut fresh = |candidates: &mut dyn Iterator<Item = String>| -> Label {
            let label = candidates
                .map(|text| Label::from(text.as_bytes()))
                .find(|label| !taken.contains(label))
                .unwrap_or_default();
            taken.insert(label.clone());
            label
        };
        let all = 0..most + 1;
        let words: Vec<_> =
            all.clone().map(|_| fresh(&mut (0_u64..).map(|n| format!("\0any{n}")))).collect();
        let integers: Vec<_> =
            all.clone().map(|_| fresh(&mut (0_u64..).map(|n| format!("+0{n}")))).collect();
        let rest = fresh(&mut (0_u64..).map(|n| format!("\0rest{n}")));
        let letters = || ["x", "y", "z"].map(str::to_owned).into_iter();
        let examples = all
            .clone()
            .map(|_| fresh(&mut letters().chain((1_u64..).map(|n| format!("x{n}")))))
            .collect();
        let example_integers =
            all.map(|_| fresh(&mut (8080_u64..).map(|n| n.to_string()))).collect();
        let elements = words.iter().enumerate().chain(integers.iter().enumerate());
        let known = elements.map(|(at, label)| (label.clone(), Marker::Element(at)));
        let known = known.chain([(rest.clone(), Marker::Rest)]).collect();
        Markers { words, integers, rest, known, examples, example_integers }
    }

    pub(super) fn get(&self, label: &[u8]) -> Option<Marker> {
        // Words begin with a zero byte and integers with a plus, which labels of tables hardly do.
        matches!(label, [0 | b'+', ..]).then(|| self.known.get(label).copied()).flatten()
    }

    /// The class with a marker wherever it is open.
    pub(super) fn path(&self, names: &Names) -> Path {
        let mut path = Path::root();
        for (at, element) in names.elements().iter().enumerate() {
            path.push(match element {
                Element::Label(label) => label,
                Element::Any { kind: Kind::Integer, .. } => &self.integers[at],
                Element::Any { .. } => &self.words[at],
            });
        }
        if matches!(names.rest(), Rest::Any { .. }) {
            path.push(&self.rest);
        }
        path
    }

    /// A path that a name with markers has become, in terms of the name.
    pub(super) fn template(&self, path: &Path) -> Template {
        let part = |label: &[u8]| match self.get(label) {
            Some(Marker::Element(at)) => Part::Element(at),
            Some(Marker::Rest) => Part::Rest,
            None => Part::Label(label.into()),
        };
        Template::new(path.iter().map(part).collect())
    }

    /// A name of the class, as one would write it.
    pub(super) fn example(&self, names: &Names) -> Path {
        names.example(|at, kind| match kind {
            Kind::Integer => self.example_integers[at].clone(),
            Kind::Any | Kind::NoInteger => self.examples[at].clone(),
        })
    }
}

impl Names {
    /// What is to be known of a marked element before it is sure to be none of these labels.
    pub(super) fn need(&self, marker: Marker, mut labels: BTreeSet<Label>) -> Option<Need> {
        match marker {
            Marker::Rest => {
                if let Rest::Any { but } = self.rest() {
                    labels.retain(|label| !but.contains(label));
                }
                (!labels.is_empty()).then_some(Need::Next(labels))
            }
            Marker::Element(at) => {
                if let Some(Element::Any { kind, but }) = self.elements().get(at) {
                    labels.retain(|label| kind.fits(label) && !but.contains(label));
                }
                (!labels.is_empty()).then_some(Need::Label(at, labels))
            }
        }
    }

    /// What is known of the open element at a place.
    pub(super) fn kind(&self, at: usize) -> Kind {
        match self.elements().get(at) {
            Some(Element::Any { kind, .. }) => *kind,
            _ => Kind::Any,
        }
    }

    /// The classes that together are this one, by what had to be known; none if names would have to
    /// be longer than `most` elements.
    pub(super) fn split(&self, need: &Need, most: usize) -> Option<Vec<Names>> {
        let longer = matches!(need, Need::Next(_) | Need::Rest);
        if longer && self.elements().len() >= most {
            return None;
        }
        Some(match need {
            Need::Label(at, labels) => self.split_label(*at, labels),
            Need::Integer(at) => self.split_integer(*at),
            Need::Next(labels) => self.split_next(labels),
            Need::Rest => self.split_rest(),
        })
    }
}
