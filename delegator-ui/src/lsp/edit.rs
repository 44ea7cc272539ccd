//! Changes of a document, as the protocol has them.

use std::collections::HashMap;

use dtab::Span;
use lsp_types::{TextEdit, WorkspaceEdit};

use super::document::Document;
use super::text::Text;

/// Changes of this document alone.
#[allow(clippy::mutable_key_type)] // the type of the protocol; nobody changes a URI in it
pub(super) fn edit(document: &Document, edits: Vec<TextEdit>) -> WorkspaceEdit {
    WorkspaceEdit::new(HashMap::from([(document.uri.clone(), edits)]))
}

/// The change from a text to a new one, without what both begin and end with.
pub(super) fn replacing(text: &Text, new: &str) -> TextEdit {
    let old = text.as_str();
    let common = old.bytes().zip(new.bytes()).take_while(|(a, b)| a == b).count();
    // Where old and new begin alike, a boundary of one is a boundary of the other.
    let start = old.floor_char_boundary(common);
    let rest = (&old.as_bytes()[start..], &new.as_bytes()[start..]);
    let tail = rest.0.iter().rev().zip(rest.1.iter().rev()).take_while(|(a, b)| a == b).count();
    let end = old.ceil_char_boundary(old.len() - tail);
    let new_end = new.len() - (old.len() - end);
    let replacement = new.get(start..new_end).unwrap_or_default();
    TextEdit::new(text.range(Span::new(start, end)), replacement.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::text::Encoding;
    use super::*;

    #[test]
    fn only_what_differs_is_changed() {
        let changed = |old: &str, new: &str| {
            let text = Text::new("t", old.to_owned(), Encoding::Utf8);
            let TextEdit { range, new_text } = replacing(&text, new);
            let span = text.span(range);
            let mut whole = old.to_owned();
            whole.replace_range(span.start as usize..span.end as usize, &new_text);
            assert_eq!(whole, new);
            (span.start, span.end, new_text)
        };
        assert_eq!(changed("/a = /b", "/a => /b"), (4, 4, ">".to_owned()));
        assert_eq!(changed("aaa", "aa"), (2, 3, String::new()));
        assert_eq!(changed("aa", "aaaa"), (2, 2, "aa".to_owned()));
        assert_eq!(changed("", "x"), (0, 0, "x".to_owned()));
        // é and è begin with the same byte, é and ĩ end with the same one.
        assert_eq!(changed("xéy", "xèy"), (1, 3, "è".to_owned()));
        assert_eq!(changed("xéy", "xĩy"), (1, 3, "ĩ".to_owned()));
    }
}
