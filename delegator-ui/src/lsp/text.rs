//! A text with places as editors count them.

use std::sync::Arc;

use dtab::{Source, Span};
use lsp_types::{Position, PositionEncodingKind, Range};

/// What a column counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Bytes.
    Utf8,
    /// Units of UTF-16, which every client knows.
    Utf16,
}

impl Encoding {
    /// The best of those that a client offers: bytes are what is counted here.
    pub(super) fn of(offered: &[PositionEncodingKind]) -> Self {
        if offered.contains(&PositionEncodingKind::UTF8) { Encoding::Utf8 } else { Encoding::Utf16 }
    }

    /// The same in the words of the protocol.
    pub(super) fn kind(self) -> PositionEncodingKind {
        match self {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
        }
    }

    fn width(self, char: char) -> usize {
        match self {
            Encoding::Utf8 => char.len_utf8(),
            Encoding::Utf16 => char.len_utf16(),
        }
    }
}

/// A text, and where its lines begin. Lines end in `\n`, `\r\n` or `\r`.
#[derive(Clone, Debug)]
pub(super) struct Text {
    source: Arc<Source>,
    starts: Vec<usize>,
    encoding: Encoding,
}

impl Text {
    /// The text of a file of that name.
    pub(super) fn new(name: &str, text: String, encoding: Encoding) -> Self {
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|&(at, &byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Text { source: Source::new(name, text), starts, encoding }
    }

    /// The text under its name.
    pub(super) fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// The text.
    pub(super) fn as_str(&self) -> &str {
        self.source.text()
    }

    /// Some of its bytes; nothing if they are none.
    pub(super) fn slice(&self, span: Span) -> &str {
        self.as_str().get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// The offset of a position. One behind the end of its line is that end, one behind the last line
    /// the end of the text, and one inside a character is before it.
    pub(super) fn offset(&self, position: Position) -> usize {
        let line = position.line as usize;
        let Some(&start) = self.starts.get(line) else { return self.as_str().len() };
        let end = self.starts.get(line + 1).copied().unwrap_or(self.as_str().len());
        let content = self.as_str()[start..end].trim_end_matches(['\n', '\r']);
        let mut left = position.character as usize;
        for (at, char) in content.char_indices() {
            let width = self.encoding.width(char);
            if left < width {
                return start + at;
            }
            left -= width;
        }
        start + content.len()
    }

    /// The position of an offset.
    pub(super) fn position(&self, offset: usize) -> Position {
        let offset = self.as_str().floor_char_boundary(offset);
        let line = self.starts.partition_point(|&start| start <= offset).saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or(0);
        let before = &self.as_str()[start..offset];
        let character: usize = before.chars().map(|char| self.encoding.width(char)).sum();
        Position::new(line as u32, character as u32)
    }

    /// The range of a span.
    pub(super) fn range(&self, span: Span) -> Range {
        Range::new(self.position(span.start as usize), self.position(span.end as usize))
    }

    /// The span of a range; empty at its start if it ends before that.
    pub(super) fn span(&self, range: Range) -> Span {
        let start = self.offset(range.start);
        Span::new(start, self.offset(range.end).max(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str, encoding: Encoding) -> Text {
        Text::new("t.dtab", text.to_owned(), encoding)
    }

    #[test]
    fn columns_are_units_of_utf_16_unless_bytes_are_agreed_upon() {
        // One unit for é, which is two bytes; two for 🦀, which is four.
        let line = "# é🦀x";
        let at = line.find('x').expect("it is there");
        assert_eq!(text(line, Encoding::Utf16).position(at), Position::new(0, 5));
        assert_eq!(text(line, Encoding::Utf8).position(at), Position::new(0, 8));
        assert_eq!(text(line, Encoding::Utf16).offset(Position::new(0, 5)), at);
        assert_eq!(text(line, Encoding::Utf8).offset(Position::new(0, 8)), at);
        assert_eq!(Encoding::of(&[PositionEncodingKind::UTF16]), Encoding::Utf16);
        let both = [PositionEncodingKind::UTF16, PositionEncodingKind::UTF8];
        assert_eq!(Encoding::of(&both), Encoding::Utf8);
        assert_eq!(Encoding::of(&[]), Encoding::Utf16);
    }

    #[test]
    fn lines_end_in_every_way_that_editors_know() {
        let text = text("a\nb\r\nc\rd", Encoding::Utf16);
        for (line, at) in [(0, 0), (1, 2), (2, 5), (3, 7)] {
            assert_eq!(text.offset(Position::new(line, 0)), at);
            assert_eq!(text.position(at), Position::new(line, 0));
        }
    }

    #[test]
    fn a_position_that_is_nowhere_is_the_nearest_place_before_it() {
        let text = text("ab\r\n🦀", Encoding::Utf16);
        assert_eq!(text.offset(Position::new(0, 99)), 2, "before the line's end");
        assert_eq!(text.offset(Position::new(1, 1)), 4, "half a crab");
        assert_eq!(text.offset(Position::new(7, 0)), 8);
        assert_eq!(text.offset(Position::new(u32::MAX, u32::MAX)), 8);
        assert_eq!(text.position(6), Position::new(1, 0));
        assert_eq!(text.position(usize::MAX), Position::new(1, 2));
        let backwards = Range::new(Position::new(1, 2), Position::new(0, 0));
        assert_eq!(text.span(backwards), Span::new(8, 8));
    }

    #[test]
    fn every_place_comes_back() {
        let text = text("/é => /b ;\r\n\r\n# 🦀\n/c\r/d", Encoding::Utf16);
        for (at, char) in text.as_str().char_indices() {
            // Between the two characters of a line's end is no place.
            if char != '\n' {
                assert_eq!(text.offset(text.position(at)), at);
            }
        }
    }
}
