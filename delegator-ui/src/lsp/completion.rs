//! What may come behind a slash.

use std::collections::BTreeMap;

use dtab::{BUILT_IN, Path, Span, TokenKind};
use lsp_types::{CompletionItem, CompletionItemKind, CompletionList, CompletionTextEdit, TextEdit};

use super::document::Document;
use super::name::{Element, Written};

/// More are not listed; the client asks again when more has been typed.
const MOST: usize = 500;

/// A path that is being typed, and the table around it.
#[derive(Debug)]
pub(super) struct Typed {
    /// The elements before the one that is being typed.
    before: Written,
    /// What is there of that one.
    begun: String,
    /// Where it stands.
    range: lsp_types::Range,
    /// What comes next in the paths of the table, each with what it is there.
    known: Vec<(String, &'static str)>,
}

impl Typed {
    /// What is being typed at a cursor; none if that is no path.
    pub(super) fn at(document: &Document, offset: usize) -> Option<Self> {
        let (nth, token) = document.token_at(offset)?;
        let start = token.span.start as usize;
        let front = token.text.get(..offset.checked_sub(start)?)?;
        if !token.is_path() || !token.exact {
            return None;
        }
        let slash = front.rfind('/')?;
        let before = Written::new(&front[..slash]);
        if before.end(before.elements().len()) != slash {
            return None;
        }
        let rest = &token.text[slash + 1..];
        let end = slash + 1 + rest.find('/').unwrap_or(rest.len());
        let others = document.tables[nth].paths().filter(|other| other.span != token.span);
        let known = others.filter_map(|other| {
            let what = if other.kind == TokenKind::Prefix { "prefix" } else { "destination" };
            Some((next(&other.written(), &before)?, what))
        });
        let known = known.collect();
        Some(Typed {
            before,
            begun: front[slash + 1..].to_owned(),
            range: document.text.range(Span::new(start + slash + 1, start + end)),
            known,
        })
    }

    /// What it may become, by the table, by the built-in names and by what discovery has.
    pub(super) fn offers(&self, discovered: &[Path]) -> CompletionList {
        let built_in = BUILT_IN.iter().map(|class| Path::from_segments(["$", class]));
        let built_in = built_in.map(|path| (path, "built-in name"));
        let namer = (Path::from_segments(["#", "io.l5d.fs"]), "namer");
        let found = discovered.iter().map(|path| (path.clone(), "discovery"));
        let beyond = found.chain(built_in).chain(std::iter::once(namer));
        let beyond = beyond
            .filter_map(|(path, what)| Some((next(&Written::from(&path), &self.before)?, what)));
        let mut offered: BTreeMap<String, &'static str> = BTreeMap::new();
        for (label, what) in self.known.iter().cloned().chain(beyond) {
            offered.entry(label).or_insert(what);
        }
        // Those that go on with what is there come first where not all can be listed.
        let mut all: Vec<_> = offered.into_iter().collect();
        all.sort_by_key(|(label, _)| !label.starts_with(&self.begun));
        let is_incomplete = all.len() > MOST;
        all.truncate(MOST);
        let items = all.into_iter().map(|(label, what)| self.item(label, what)).collect();
        CompletionList { is_incomplete, items }
    }

    fn item(&self, label: String, what: &str) -> CompletionItem {
        CompletionItem {
            kind: Some(CompletionItemKind::VALUE),
            detail: Some(what.to_owned()),
            text_edit: Some(CompletionTextEdit::Edit(TextEdit::new(self.range, label.clone()))),
            label,
            ..CompletionItem::default()
        }
    }
}

/// The element of a path behind those that it has in common with `before`, as it is written.
fn next(path: &Written, before: &Written) -> Option<String> {
    match path.elements().get(before.elements().len()) {
        Some(Element::Label(label)) if path.meets(before) => {
            Some(Path::from_segments([label]).to_string()[1..].to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use lsp_types::{TextDocumentItem, Uri};

    use super::super::text::Encoding;
    use super::*;

    /// What is offered at the `^` of a table.
    fn offered(marked: &str, discovered: &[&str]) -> Vec<String> {
        let offset = marked.find('^').expect("a cursor");
        let uri: Uri = "file:///t.dtab".parse().expect("a URI");
        let item = TextDocumentItem::new(uri, String::new(), 1, marked.replace('^', ""));
        let document = Document::new(item, Encoding::Utf16);
        let discovered: Vec<_> =
            discovered.iter().map(|name| Path::parse(name).expect("a path")).collect();
        let Some(typed) = Typed::at(&document, offset) else { return Vec::new() };
        let items = typed.offers(&discovered).items.into_iter();
        items.map(|item| format!("{} ({})", item.label, item.detail.unwrap_or_default())).collect()
    }

    #[test]
    fn the_next_elements_of_the_table_are_offered() {
        let table = "/host/web => /srv/a ; /host/api/v1 => /srv/b\\x20c ; /svc => /host/^ ;";
        assert_eq!(offered(table, &[]), ["api (prefix)", "web (prefix)"]);
        let table = "/host/web => /srv/a ; /svc => /^ ;";
        assert_eq!(
            offered(table, &[]),
            [
                "# (namer)",
                "$ (built-in name)",
                "host (prefix)",
                "srv (destination)",
                "svc (prefix)"
            ]
        );
        assert_eq!(offered("/host/*/v1 => /a ; /svc => /host/web/^ ;", &[]), ["v1 (prefix)"]);
    }

    #[test]
    fn namers_and_what_they_have_are_offered() {
        assert_eq!(offered("/svc => /#/^ ;", &[]), ["io.l5d.fs (namer)"]);
        assert_eq!(
            offered("/svc => /#/io.l5d.fs/^ ;", &["/#/io.l5d.fs/web", "/#/io.l5d.fs/a\\x20b"]),
            ["\\x61\\x20\\x62 (discovery)", "web (discovery)"]
        );
        assert!(offered("/svc => /$/^", &[]).contains(&"inet (built-in name)".to_owned()));
    }

    #[test]
    fn the_path_that_is_being_typed_offers_nothing_of_itself() {
        assert_eq!(offered("/svc => /host/only/^ ;", &[]), [""; 0]);
        assert_eq!(offered("/svc => /host ; # /^", &[]), [""; 0]);
        assert_eq!(offered("/svc => /host//^ ;", &[]), [""; 0]);
    }

    #[test]
    fn the_element_under_the_cursor_is_what_is_replaced() {
        let uri: Uri = "file:///t.dtab".parse().expect("a URI");
        let text = "/host/web => /a ; /svc => /ho/web ;";
        let item = TextDocumentItem::new(uri, String::new(), 1, text.to_owned());
        let document = Document::new(item, Encoding::Utf16);
        let offset = text.find("/ho/").expect("it is there") + 2;
        let typed = Typed::at(&document, offset).expect("a path");
        assert_eq!(document.text.slice(document.text.span(typed.range)), "ho");
    }
}
