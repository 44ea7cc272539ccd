//! From an offset in a scalar's value back to the file.
//!
//! A dtab in a block scalar has its indentation removed, a folded one its line breaks, a quoted one
//! its escapes. Blanks are all that differs otherwise, so value and source are laid side by side
//! word by word.

use std::ops::Range;

use saphyr_parser::ScalarStyle;

use super::node::Scalar;

/// A stretch of the value that stands in the source unchanged, or one escaped character.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    value: usize,
    source: usize,
    len: usize,
    source_len: usize,
}

/// Maps byte offsets of one scalar's value to byte offsets of its source.
#[derive(Debug, Clone)]
pub(crate) struct OffsetMap {
    start: usize,
    runs: Vec<Run>,
}

impl OffsetMap {
    /// Lays the value of `scalar` along `source[span]`.
    ///
    /// Should the two not agree, the map ends there, and what follows is mapped to the scalar's
    /// start.
    pub(crate) fn new(source: &str, span: &Range<usize>, scalar: &Scalar) -> Self {
        let mut map = Self { start: span.start, runs: Vec::new() };
        let value = scalar.text.as_str();
        let mut at = span.start
            + match scalar.style {
                ScalarStyle::Plain => 0,
                ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => 1,
                ScalarStyle::Literal | ScalarStyle::Folded => {
                    let text = source.get(span.clone()).unwrap_or_default();
                    // `|` and its indicators, up to the first line of the content.
                    if text.starts_with(['|', '>']) {
                        text.find('\n').map_or(text.len(), |newline| newline + 1)
                    } else {
                        0
                    }
                }
            };
        let mut offset = 0;
        while let Some(c) = value.get(offset..).and_then(|rest| rest.chars().next()) {
            if c.is_whitespace() {
                offset += c.len_utf8();
                continue;
            }
            let Some((skipped, source_len)) = next_char(source, at, scalar.style, c) else { break };
            map.push(Run { value: offset, source: at + skipped, len: c.len_utf8(), source_len });
            offset += c.len_utf8();
            at += skipped + source_len;
        }
        map
    }

    fn push(&mut self, next: Run) {
        if let Some(last) = self.runs.last_mut() {
            let plain = last.len == last.source_len && next.len == next.source_len;
            if plain
                && last.value + last.len == next.value
                && last.source + last.source_len == next.source
            {
                last.len += next.len;
                last.source_len += next.source_len;
                return;
            }
        }
        self.runs.push(next);
    }

    /// The source offset of a value's offset; a blank or the end is just after the word before it.
    pub(crate) fn source_offset(&self, offset: usize) -> usize {
        let index = self.runs.partition_point(|run| run.value <= offset);
        let Some(run) = index.checked_sub(1).and_then(|index| self.runs.get(index)) else {
            return self.start;
        };
        let into = offset - run.value;
        if into < run.len {
            return if run.len == run.source_len { run.source + into } else { run.source };
        }
        let end = run.source + run.source_len;
        let gap = self.runs.get(index).map_or(0, |next| (next.source - end).saturating_sub(1));
        end + (into - run.len).min(gap)
    }
}

/// Finds `wanted` at `source[at..]` after blanks: how many bytes are skipped and how many it takes.
fn next_char(source: &str, at: usize, style: ScalarStyle, wanted: char) -> Option<(usize, usize)> {
    let rest = source.get(at..)?;
    let mut skipped = 0;
    loop {
        let tail = rest.get(skipped..)?;
        let c = tail.chars().next()?;
        if c.is_whitespace() {
            skipped += c.len_utf8();
            continue;
        }
        if style == ScalarStyle::DoubleQuoted && c == '\\' {
            let (len, blank) = escape(tail)?;
            if blank {
                skipped += len;
                continue;
            }
            return Some((skipped, len));
        }
        if style == ScalarStyle::SingleQuoted && tail.starts_with("''") && wanted == '\'' {
            return Some((skipped, 2));
        }
        return (c == wanted).then_some((skipped, c.len_utf8()));
    }
}

/// The length of an escape sequence, and whether it stands for a blank.
fn escape(text: &str) -> Option<(usize, bool)> {
    let kind = text.chars().nth(1)?;
    let digits = match kind {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => {
            return Some((
                1 + kind.len_utf8(),
                matches!(kind, 'n' | 't' | 'r' | 'v' | 'f' | 'N' | '_' | 'L' | 'P')
                    || kind.is_whitespace(),
            ));
        }
    };
    let code = u32::from_str_radix(text.get(2..2 + digits)?, 16).ok()?;
    if (0xd800..0xdc00).contains(&code) {
        // JSON writes one character as two escapes.
        return Some((12, false));
    }
    Some((2 + digits, char::from_u32(code).is_some_and(char::is_whitespace)))
}

#[cfg(test)]
mod tests {
    use super::super::node::{self, Value};
    use super::super::reader::Context;
    use super::*;

    /// The value of `key: SCALAR`, and the source text that each of its words is mapped to.
    fn words(text: &str) -> Vec<(String, String)> {
        let cx = Context::new(dtab::Source::new("t.yaml", text));
        let root = node::parse(&cx).expect("a tree");
        let entry = root.entries().first().expect("an entry");
        let Value::Scalar(scalar) = &entry.value.value else { panic!("not a scalar") };
        let map = OffsetMap::new(text, &entry.value.span, scalar);
        let value = scalar.text.as_str();
        let starts =
            value.split_whitespace().map(|word| word.as_ptr() as usize - value.as_ptr() as usize);
        starts
            .zip(value.split_whitespace())
            .map(|(start, word)| {
                let mapped = map.source_offset(start)..map.source_offset(start + word.len());
                (word.to_owned(), text.get(mapped).expect("a range").to_owned())
            })
            .collect()
    }

    #[track_caller]
    fn unchanged(text: &str, count: usize) {
        let words = words(text);
        assert_eq!(words.len(), count, "{words:?}");
        for (value, source) in words {
            assert_eq!(value, source);
        }
    }

    #[test]
    fn words_of_every_style_are_found_where_they_stand() {
        unchanged("key: one two  three", 3);
        unchanged("key: one\n  two\n\n  three", 3);
        unchanged("key: 'one two\n  three'", 3);
        unchanged("key: \"one two\\n\\\n  three é four\"", 5);
        unchanged("key: |\n  one\n    two\n\n  # three\n", 4);
        unchanged("key: >2-  # comment\n   one\n  two\n\n  three", 3);
        unchanged("é: |\n  é one", 2);
    }

    #[test]
    fn an_escape_is_one_place() {
        let found = words(r#"key: "a\x2fb \u00e9x""#);
        assert_eq!(found, [("a/b".into(), r"a\x2fb".into()), ("éx".into(), r"\u00e9x".into())]);
        let found = words("key: 'it''s so'");
        assert_eq!(found, [("it's".into(), "it''s".into()), ("so".into(), "so".into())]);
    }

    #[test]
    fn the_end_of_a_text_is_after_its_last_word() {
        let text = "key: |\n  one\n  two\nnext: 1";
        let cx = Context::new(dtab::Source::new("t.yaml", text));
        let root = node::parse(&cx).expect("a tree");
        let entry = root.entries().first().expect("an entry");
        let Value::Scalar(scalar) = &entry.value.value else { panic!("not a scalar") };
        let map = OffsetMap::new(text, &entry.value.span, scalar);
        assert_eq!(map.source_offset(scalar.text.len()), text.find("two").expect("two") + 3);
    }
}
