//! Classes of names: a path of which some elements, and the rest, are left open.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::path::{self, Path};

/// The bytes of one element.
pub(super) type Label = Arc<[u8]>;

/// A class of names, such as every name that begins with `/svc` but not with `/svc/web`.
///
/// Shown as `/svc/… (not /svc/web)`: `…` stands for any elements, also none, and `*` for any one. In
/// a list of all classes, which has `/svc/web/…`, too, the alternate form `{:#}` is enough, which is
/// `/svc/… (any other)`.
///
/// ```
/// use dtab::Path;
/// use dtab::analyze::Names;
///
/// let names = Names::below(&Path::parse("/svc")?);
/// assert_eq!(names.to_string(), "/svc/…");
/// assert!(names.contains(&Path::parse("/svc")?) && names.contains(&Path::parse("/svc/web/x")?));
/// assert!(!names.contains(&Path::parse("/host")?));
/// # Ok::<(), dtab::SyntaxError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Names {
    elements: Vec<Element>,
    rest: Rest,
}

/// One element of a [`Names`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Element {
    /// This label.
    Label(Label),
    /// Any label of the kind but these.
    Any { kind: Kind, but: Arc<BTreeSet<Label>> },
}

/// Which labels are meant, as the built-in names tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Any,
    /// A 32-bit integer: a port to `/$/inet`.
    Integer,
    NoInteger,
}

/// What follows the elements of a [`Names`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Rest {
    Nothing,
    /// Any elements, also none, of which the first is none of these.
    Any {
        but: Arc<BTreeSet<Label>>,
    },
}

impl Kind {
    pub(super) fn fits(self, label: &[u8]) -> bool {
        match self {
            Kind::Any => true,
            Kind::Integer => is_integer(label),
            Kind::NoInteger => !is_integer(label),
        }
    }
}

/// Whether the built-in names take a label for a port.
pub(super) fn is_integer(label: &[u8]) -> bool {
    std::str::from_utf8(label).is_ok_and(|text| text.parse::<i32>().is_ok())
}

impl Names {
    /// Every name.
    pub fn all() -> Self {
        Names::below(&Path::root())
    }

    /// `path` itself, and every name that begins with it.
    pub fn below(path: &Path) -> Self {
        let elements = path.iter().map(|label| Element::Label(label.into())).collect();
        Names { elements, rest: Rest::Any { but: Arc::default() } }
    }

    /// Whether `path` is one of these names.
    pub fn contains(&self, path: &Path) -> bool {
        let mut labels = path.iter();
        let fit = self.elements.iter().all(|element| {
            labels.next().is_some_and(|label| match element {
                Element::Label(wanted) => **wanted == *label,
                Element::Any { kind, but } => kind.fits(label) && !but.contains(label),
            })
        });
        fit && match (&self.rest, labels.next()) {
            (_, None) => true,
            (Rest::Nothing, Some(_)) => false,
            (Rest::Any { but }, Some(label)) => !but.contains(label),
        }
    }

    /// Whether the class is just one name.
    pub fn is_single(&self) -> bool {
        let is_label = |element: &Element| matches!(element, Element::Label(_));
        self.rest == Rest::Nothing && self.elements.iter().all(is_label)
    }

    pub(super) fn elements(&self) -> &[Element] {
        &self.elements
    }

    pub(super) fn rest(&self) -> &Rest {
        &self.rest
    }

    /// A name of the class; `word` gives a label for the nth element that is open. Where
    /// nothing more is needed, there is one more element nevertheless if that is the more usual name.
    pub(super) fn example(&self, word: impl Fn(usize, Kind) -> Label) -> Path {
        let mut path = Path::root();
        let mut open = 0;
        for element in &self.elements {
            match element {
                Element::Label(label) => path.push(label),
                Element::Any { kind, .. } => {
                    path.push(&word(open, *kind));
                    open += 1;
                }
            }
        }
        if let Rest::Any { but } = &self.rest
            && (self.elements.len() < 2 || !but.is_empty())
        {
            path.push(&word(open, Kind::Any));
        }
        path
    }

    /// The class by what the element at `at` is: each of these labels, and any other one.
    pub(super) fn split_label(&self, at: usize, labels: &BTreeSet<Label>) -> Vec<Names> {
        let Some(Element::Any { kind, but }) = self.elements.get(at) else { return Vec::new() };
        let with = |element: Element| {
            let mut names = self.clone();
            names.elements[at] = element;
            names
        };
        let each = labels.iter().map(|label| with(Element::Label(label.clone())));
        let but = Arc::new(but.union(labels).cloned().collect());
        each.chain([with(Element::Any { kind: *kind, but })]).collect()
    }

    /// The class by whether the element at `at` is an integer.
    pub(super) fn split_integer(&self, at: usize) -> Vec<Names> {
        let Some(Element::Any { but, .. }) = self.elements.get(at) else { return Vec::new() };
        let kinds = [Kind::Integer, Kind::NoInteger];
        let with = kinds.map(|kind| {
            let but = but.iter().filter(|label| kind.fits(label)).cloned().collect();
            let mut names = self.clone();
            names.elements[at] = Element::Any { kind, but: Arc::new(but) };
            names
        });
        with.into()
    }

    /// The class by what the rest begins with: each of these labels, or none of them.
    pub(super) fn split_next(&self, labels: &BTreeSet<Label>) -> Vec<Names> {
        let Rest::Any { but } = &self.rest else { return Vec::new() };
        let each = labels.iter().map(|label| {
            let mut names = self.clone();
            names.elements.push(Element::Label(label.clone()));
            names.rest = Rest::Any { but: Arc::default() };
            names
        });
        let but = Arc::new(but.union(labels).cloned().collect());
        let other = Names { elements: self.elements.clone(), rest: Rest::Any { but } };
        each.chain([other]).collect()
    }

    /// The class by whether there is a rest at all.
    pub(super) fn split_rest(&self) -> Vec<Names> {
        let Rest::Any { but } = &self.rest else { return Vec::new() };
        let mut more = self.clone();
        more.elements.push(Element::Any { kind: Kind::Any, but: but.clone() });
        more.rest = Rest::Any { but: Arc::default() };
        vec![Names { elements: self.elements.clone(), rest: Rest::Nothing }, more]
    }
}

/// More labels than this are counted.
const MAX_SHOWN: usize = 6;

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pattern = String::new();
        let mut notes = Vec::new();
        for element in &self.elements {
            match element {
                Element::Label(label) => pattern += &format!("/{}", Shown(label)),
                Element::Any { kind, but } => {
                    if !but.is_empty() {
                        notes.push(listed(&format!("{pattern}/"), but));
                    }
                    pattern += match kind {
                        Kind::Any => "/*",
                        Kind::Integer => "/<integer>",
                        Kind::NoInteger => "/<no integer>",
                    };
                }
            }
        }
        if let Rest::Any { but } = &self.rest {
            if !but.is_empty() {
                notes.push(listed(&format!("{pattern}/"), but));
            }
            pattern.push_str("/…");
        }
        f.write_str(if pattern.is_empty() { "/" } else { &pattern })?;
        match notes.as_slice() {
            [] => Ok(()),
            _ if f.alternate() => f.write_str(" (any other)"),
            notes => write!(f, " (not {})", notes.join(", ")),
        }
    }
}

/// `/svc/web, /svc/api`, or how many more there are.
fn listed(before: &str, labels: &BTreeSet<Label>) -> String {
    let mut shown: Vec<_> =
        labels.iter().take(MAX_SHOWN).map(|label| format!("{before}{}", Shown(label))).collect();
    if let Some(more) = labels.len().checked_sub(MAX_SHOWN).filter(|&more| more > 0) {
        shown.push(format!("and {more} more"));
    }
    shown.join(", ")
}

/// A label as it is shown in a path.
pub(super) struct Shown<'a>(pub(super) &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        path::show_segment(self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(labels: &[&str]) -> BTreeSet<Label> {
        labels.iter().map(|label| label.as_bytes().into()).collect()
    }

    fn path(text: &str) -> Path {
        Path::parse(text).unwrap()
    }

    fn shown(names: &[Names]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_split_leaves_no_name_out_and_none_twice() {
        let svc = Names::below(&path("/svc"));
        let splits = [
            svc.split_next(&labels(&["api", "80"])),
            svc.split_rest(),
            svc.split_rest()[1].split_integer(1),
            svc.split_rest()[1].split_label(1, &labels(&["api", "80"])),
        ];
        for split in splits {
            for name in ["/svc", "/svc/api", "/svc/80", "/svc/81/x", "/svc/x/80", "/svc/api/y"] {
                let name = path(name);
                let count = split.iter().filter(|names| names.contains(&name)).count();
                // Without a rest `/svc` itself is in none of the classes of its longer names.
                let longer = split.iter().all(|names| names.elements.len() == 2);
                let wanted = usize::from(!(longer && name.len() == 1));
                assert_eq!(count, wanted, "{name} in {:?}", shown(&split));
            }
        }
    }

    #[test]
    fn what_is_left_out_is_told() {
        let svc = Names::below(&path("/svc"));
        let split = svc.split_next(&labels(&["api", "web"]));
        assert_eq!(format!("{:#}", split[2]), "/svc/… (any other)");
        assert_eq!(shown(&split), ["/svc/api/…", "/svc/web/…", "/svc/… (not /svc/api, /svc/web)"]);
        assert_eq!(shown(&svc.split_rest()), ["/svc", "/svc/*/…"]);
        let integer = svc.split_rest()[1].split_integer(1);
        assert_eq!(shown(&integer), ["/svc/<integer>/…", "/svc/<no integer>/…"]);
        let many: Vec<String> = (0..9).map(|n| format!("s{n}")).collect();
        let many = labels(&many.iter().map(String::as_str).collect::<Vec<_>>());
        let other = svc.split_next(&many).pop().unwrap();
        let told = "/svc/… (not /svc/s0, /svc/s1, /svc/s2, /svc/s3, /svc/s4, /svc/s5, and 3 more)";
        assert_eq!(other.to_string(), told);
    }
}
