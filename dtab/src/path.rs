//! Paths: lists of byte-string elements, such as `/svc/users`.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use smallvec::SmallVec;

use crate::syntax::{self, SyntaxError};

/// A path: zero or more non-empty elements, each a string of bytes.
///
/// `/` is the empty path. Elements need not be text; a byte outside `[0-9A-Za-z_:.#$%-]` is
/// written `\xNN`, and an element that has one is shown with all of its bytes escaped, as Finagle
/// does.
///
/// ```
/// use dtab::Path;
///
/// let path = Path::parse("/svc/a\\x20b")?;
/// assert_eq!(path.iter().collect::<Vec<_>>(), [&b"svc"[..], b"a b"]);
/// assert_eq!(path.to_string(), "/svc/\\x61\\x20\\x62");
/// # Ok::<(), dtab::SyntaxError>(())
/// ```
///
/// # Shape
///
/// The elements lie one after the other in one buffer, each behind its length (LEB128). A prefix
/// test is then a comparison of bytes, cutting off a prefix is a sub-slice, joining is appending,
/// and the short paths of real tables need no allocation at all.
#[derive(Clone, Default)]
pub struct Path {
    encoded: Encoded,
}

/// Length-prefixed elements. 40 bytes hold most paths and keep a `Path` at 48.
pub(crate) type Encoded = SmallVec<[u8; 40]>;

impl Path {
    /// The empty path, `/`.
    pub const fn root() -> Self {
        Path { encoded: SmallVec::new_const() }
    }

    /// Reads a path by Finagle's grammar: white space and `#` comments may stand around it.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        syntax::parse_path(text)
    }

    /// The path of these elements. Empty elements are skipped: no path can hold one.
    pub fn from_segments<I>(segments: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        let mut path = Path::root();
        for segment in segments {
            path.push(segment.as_ref());
        }
        path
    }

    pub(crate) fn from_encoded(encoded: Encoded) -> Self {
        Path { encoded }
    }

    pub(crate) fn encoded(&self) -> &[u8] {
        &self.encoded
    }

    /// Adds an element at the end. An empty one is ignored.
    pub fn push(&mut self, segment: &[u8]) {
        if !segment.is_empty() {
            encode(&mut self.encoded, segment);
        }
    }

    /// The elements in order.
    pub fn iter(&self) -> Segments<'_> {
        Segments { rest: &self.encoded }
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether this is `/`.
    pub fn is_empty(&self) -> bool {
        self.encoded.is_empty()
    }

    /// The first element.
    pub fn first(&self) -> Option<&[u8]> {
        self.iter().next()
    }

    /// Whether the elements of `prefix` begin this path.
    pub fn starts_with(&self, prefix: &Path) -> bool {
        // Lengths come first, so equal bytes are equal elements.
        self.encoded.starts_with(&prefix.encoded)
    }

    /// What is left after `prefix`, or `None` if it does not begin this path.
    pub fn strip_prefix(&self, prefix: &Path) -> Option<Path> {
        self.encoded.strip_prefix(prefix.encoded()).map(|rest| Path { encoded: rest.into() })
    }

    /// The path without its first `n` elements.
    pub fn drop_front(&self, n: usize) -> Path {
        let mut segments = self.iter();
        for _ in segments.by_ref().take(n) {}
        Path { encoded: segments.rest.into() }
    }

    /// The first `n` elements.
    pub fn take(&self, n: usize) -> Path {
        let mut segments = self.iter();
        for _ in segments.by_ref().take(n) {}
        let kept = self.encoded.len() - segments.rest.len();
        Path { encoded: self.encoded[..kept].into() }
    }

    /// This path followed by `rest`.
    pub fn concat(&self, rest: &Path) -> Path {
        self.joined(rest.encoded())
    }

    /// This path followed by elements that are already encoded.
    pub(crate) fn joined(&self, rest: &[u8]) -> Path {
        let mut encoded = Encoded::with_capacity(self.encoded.len() + rest.len());
        encoded.extend_from_slice(&self.encoded);
        encoded.extend_from_slice(rest);
        Path { encoded }
    }
}

/// Appends `segment` behind its length.
pub(crate) fn encode(buffer: &mut Encoded, segment: &[u8]) {
    let mut length = segment.len();
    while length >= 0x80 {
        buffer.push(length as u8 | 0x80);
        length >>= 7;
    }
    buffer.push(length as u8);
    buffer.extend_from_slice(segment);
}

/// The first encoded element of `bytes`, and the rest.
#[inline]
pub(crate) fn decode(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&first, mut rest) = bytes.split_first()?;
    let mut length = usize::from(first & 0x7f);
    let mut shift = 7;
    let mut last = first;
    while last & 0x80 != 0 {
        let (&next, after) = rest.split_first()?;
        length |= usize::from(next & 0x7f) << shift;
        (last, rest, shift) = (next, after, shift + 7);
    }
    rest.split_at_checked(length)
}

/// Whether a byte may stand in a label unescaped: `[0-9A-Za-z_:.#$%-]`.
pub(crate) const fn is_showable(byte: u8) -> bool {
    SHOWABLE[byte as usize]
}

const SHOWABLE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        table[byte] = b.is_ascii_alphanumeric()
            || matches!(b, b'_' | b':' | b'.' | b'#' | b'$' | b'%' | b'-');
        byte += 1;
    }
    table
};

/// Writes one element as it is shown in a path.
pub(crate) fn show_segment(segment: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match std::str::from_utf8(segment) {
        Ok(text) if segment.iter().all(|&byte| is_showable(byte)) => f.write_str(text),
        _ => segment.iter().try_for_each(|byte| write!(f, "\\x{byte:02x}")),
    }
}

/// The elements of a [`Path`].
#[derive(Clone, Debug)]
pub struct Segments<'a> {
    rest: &'a [u8],
}

impl<'a> Segments<'a> {
    pub(crate) fn over(encoded: &'a [u8]) -> Self {
        Segments { rest: encoded }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (segment, rest) = decode(self.rest)?;
        self.rest = rest;
        Some(segment)
    }
}

impl<'a> IntoIterator for &'a Path {
    type Item = &'a [u8];
    type IntoIter = Segments<'a>;

    fn into_iter(self) -> Segments<'a> {
        self.iter()
    }
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.encoded == other.encoded
    }
}

impl Eq for Path {}

impl Hash for Path {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.encoded.hash(state);
    }
}

impl PartialOrd for Path {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Path {
    /// Element by element, bytewise.
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("/");
        }
        for segment in self {
            f.write_str("/")?;
            show_segment(segment, f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Path({self})")
    }
}

impl FromStr for Path {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        Path::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path {
        Path::parse(text).unwrap()
    }

    #[test]
    fn long_elements_keep_their_length() {
        for length in [1, 127, 128, 300, 16_383, 16_384, 70_000] {
            let segment = vec![b'x'; length];
            let both = Path::from_segments([&segment[..], b"y"]);
            assert_eq!(both.iter().map(<[u8]>::len).collect::<Vec<_>>(), [length, 1]);
            assert_eq!(path(&both.to_string()), both);
        }
    }

    #[test]
    fn prefixes_are_whole_elements() {
        assert!(path("/a/b").starts_with(&path("/a")));
        assert!(path("/a").starts_with(&Path::root()));
        assert!(!path("/ab").starts_with(&path("/a")));
        assert_eq!(path("/a/b/c").strip_prefix(&path("/a/b")), Some(path("/c")));
    }

    #[test]
    fn take_and_drop_stop_at_the_end() {
        let abc = path("/a/b/c");
        assert_eq!(abc.take(2), path("/a/b"));
        assert_eq!(abc.drop_front(2), path("/c"));
        assert_eq!(abc.take(9), abc);
        assert_eq!(abc.drop_front(9), Path::root());
    }

    #[test]
    fn a_path_is_small() {
        assert!(std::mem::size_of::<Path>() <= 48);
    }
}
