//! Where text came from: byte spans, and their lines and columns.

use std::fmt;
use std::sync::Arc;

/// A half-open range of byte offsets into a source text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// The span `start..end`; offsets beyond 4 GiB are clamped.
    pub fn new(start: usize, end: usize) -> Self {
        let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Span { start: clamp(start), end: clamp(end) }
    }
}

/// A line and a column, both counted from 1. Columns count characters, as editors show them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A text with a name, able to turn byte offsets into lines and columns.
///
/// A dtab that stands inside another file (a block scalar of a `linkerd.yaml`) is given the whole
/// file as its source and the [`Dentry`](crate::Dentry) spans count from the start of that file.
#[derive(Debug)]
pub struct Source {
    name: String,
    text: String,
    line_starts: Vec<u32>,
}

impl Source {
    /// Keeps `text` under `name` (a file name, or words such as "override").
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        let text = text.into();
        let line_starts = std::iter::once(0)
            .chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at as u32 + 1))
            .collect();
        Arc::new(Source { name: name.into(), text, line_starts })
    }

    /// The name given to [`Source::new`].
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line and column of a byte offset. An offset past the end is the end; one inside a
    /// character is that character.
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.line_starts.partition_point(|&start| start as usize <= offset) - 1;
        let start = self.line_starts[line] as usize;
        let column =
            self.text.as_bytes()[start..offset].iter().filter(|&&byte| byte & 0xc0 != 0x80).count();
        Position { line: line as u32 + 1, column: column as u32 + 1 }
    }
}

/// A span of a [`Source`], shown as `name:line:column`.
#[derive(Clone, Debug)]
pub struct Place {
    /// The text it lies in.
    pub source: Arc<Source>,
    /// The bytes of that text.
    pub span: Span,
}

impl Place {
    /// Where the span starts.
    pub fn position(&self) -> Position {
        self.source.position(self.span.start as usize)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.source.name, self.position())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_count_newlines() {
        let source = Source::new("f.dtab", "/é => /b;\n/c => /d");
        assert_eq!(source.position(0), Position { line: 1, column: 1 });
        assert_eq!(source.position(4), Position { line: 1, column: 4 }); // after the two-byte é
        assert_eq!(source.position(11), Position { line: 2, column: 1 });
        assert_eq!(source.position(999), Position { line: 2, column: 9 });
    }
}
