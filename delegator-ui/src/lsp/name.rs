//! A path as it is written: its elements, each with its place.

use dtab::{Path, Prefix};

/// One element of a written path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// The label with these bytes.
    Label(Vec<u8>),
    /// `*`.
    Any,
}

impl Element {
    /// Whether some label is both.
    fn may_equal(&self, other: &Element) -> bool {
        *self == Element::Any || *other == Element::Any || self == other
    }
}

/// The elements of a written path, up to the first that is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    elements: Vec<Element>,
    /// Where each element ends, from the start of the path.
    ends: Vec<usize>,
}

impl Written {
    /// Reads `text`, which begins with a slash. What is still being typed, `/svc/` and the like, has
    /// the elements before it.
    pub(super) fn new(text: &str) -> Self {
        let mut written = Written::default();
        let mut end = 0;
        for label in text.split('/').skip(1) {
            // A slash within a label is always escaped.
            let Ok(prefix) = Prefix::parse(&format!("/{label}")) else { break };
            let Some(element) = prefix.iter().next() else { break };
            end += 1 + label.len();
            written.ends.push(end);
            written.elements.push(match element {
                dtab::Element::Label(label) => Element::Label(label.to_vec()),
                dtab::Element::Any => Element::Any,
            });
        }
        written
    }

    /// The elements in order.
    pub(super) fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// How many elements begin before `offset`, which is counted from the start of the path, at least
    /// one if there is one: those that somebody means who points there.
    pub(super) fn up_to(&self, offset: usize) -> usize {
        let before = self.ends.iter().take_while(|&&end| end < offset).count();
        (before + 1).min(self.elements.len())
    }

    /// Where the first `n` elements end.
    pub(super) fn end(&self, n: usize) -> usize {
        n.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(0)
    }

    /// Whether these elements begin this path, with `*` for itself alone.
    pub(super) fn starts_with(&self, elements: &[Element]) -> bool {
        self.elements.starts_with(elements)
    }

    /// Whether some name begins with both, `*` being any label.
    pub(super) fn meets(&self, other: &Written) -> bool {
        self.elements.iter().zip(&other.elements).all(|(one, other)| one.may_equal(other))
    }

    /// The elements as a path; none if there is a `*`.
    pub(super) fn path(&self) -> Option<Path> {
        let mut path = Path::root();
        for element in &self.elements {
            match element {
                Element::Label(label) => path.push(label),
                Element::Any => return None,
            }
        }
        Some(path)
    }
}

impl From<&Path> for Written {
    fn from(path: &Path) -> Self {
        Written::new(&path.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(text: &str) -> Vec<usize> {
        Written::new(text).ends
    }

    #[test]
    fn elements_are_read_as_far_as_they_are_right() {
        assert_eq!(ends("/"), [0; 0]);
        assert_eq!(ends("/svc/*/web"), [4, 6, 10]);
        assert_eq!(ends("/svc/"), [4]);
        assert_eq!(ends("/svc//web"), [4]);
        assert_eq!(ends("/a\\x20b/c\\x2"), [7]);
        assert_eq!(ends("/é/a"), [0; 0]);
    }

    #[test]
    fn whoever_points_at_an_element_means_those_before_it_too() {
        let written = Written::new("/svc/web");
        assert_eq!([0, 1, 4, 5, 6, 8, 99].map(|at| written.up_to(at)), [1, 1, 1, 2, 2, 2, 2]);
        assert_eq!([0, 1, 2].map(|n| written.end(n)), [0, 4, 8]);
        assert_eq!(Written::new("/").up_to(1), 0);
    }

    #[test]
    fn an_escape_is_the_character_that_it_stands_for() {
        let (plain, escaped) = (Written::new("/ab/c"), Written::new("/a\\x62"));
        assert!(plain.starts_with(escaped.elements()));
        assert!(!Written::new("/abc").starts_with(escaped.elements()));
    }

    #[test]
    fn paths_meet_where_a_name_may_begin_with_both() {
        let meet = |one, other| Written::new(one).meets(&Written::new(other));
        assert!(meet("/svc", "/svc/web") && meet("/svc/web", "/") && meet("/*/web", "/svc"));
        assert!(!meet("/svc/web", "/svc/api") && !meet("/*/web", "/svc/api"));
    }
}
