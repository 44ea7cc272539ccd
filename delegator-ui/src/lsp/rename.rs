//! Renaming what paths begin with, element by element.

use dtab::{Path, Source, Span};
use lsp_server::{ErrorCode, ResponseError};
use lsp_types::{PrepareRenameResponse, TextEdit, WorkspaceEdit};

use super::document::Document;
use super::edit::edit;
use super::name::Element;
use super::navigate::front;
use super::table::{Table, Token};
use super::wire::refusal;

/// The front of a path that is to be renamed: up to the element under the cursor.
struct Front<'d> {
    nth: usize,
    table: &'d Table,
    token: &'d Token,
    elements: Vec<Element>,
}

impl<'d> Front<'d> {
    fn at(document: &'d Document, offset: usize) -> Result<Self, ResponseError> {
        let at = document.token_at(offset).filter(|(_, token)| token.is_path());
        let (nth, token) = at.ok_or_else(|| refused("only paths and prefixes have names"))?;
        let table = &document.tables[nth];
        // Within an escape it cannot be told which element is meant.
        if !token.exact {
            return Err(refused("the path is written with escapes of YAML"));
        }
        let written = token.written();
        let into = offset.saturating_sub(token.span.start as usize);
        let elements = written.elements()[..written.up_to(into)].to_vec();
        if elements.is_empty() {
            return Err(refused("`/` is no name: it begins every path"));
        }
        if elements.contains(&Element::Any) {
            return Err(refused("`*` stands for any label and has no name of its own"));
        }
        Ok(Front { nth, table, token, elements })
    }

    /// Every place in the table that begins so.
    fn places(&self) -> impl Iterator<Item = &'d Token> {
        self.table.paths().filter(|token| token.written().starts_with(&self.elements))
    }
}

/// The range that a new name would take, and the name that is there.
pub(super) fn prepare(
    document: &Document,
    offset: usize,
) -> Result<PrepareRenameResponse, ResponseError> {
    let Front { token, elements, .. } = Front::at(document, offset)?;
    let span = front(token, &token.written(), elements.len());
    Ok(PrepareRenameResponse::RangeWithPlaceholder {
        range: document.text.range(span),
        placeholder: document.text.slice(span).to_owned(),
    })
}

/// Puts `name` in the place of the front under a cursor, wherever a path of the same table begins so.
pub(super) fn rename(
    document: &Document,
    offset: usize,
    name: &str,
) -> Result<WorkspaceEdit, ResponseError> {
    let found = Front::at(document, offset)?;
    let name = name.trim();
    let path = Path::parse(name).map_err(|error| {
        refusal(ErrorCode::InvalidParams, format!("{name:?} is no path: {error}"))
    })?;
    let mut changes = Vec::new();
    for token in found.places() {
        if !token.exact {
            let line = document.text.position(token.span.start as usize).line + 1;
            let why = format!("{} in line {line} is written with escapes of YAML", token.text);
            return Err(refused(why));
        }
        let written = token.written();
        let span = front(token, &written, found.elements.len());
        let more = written.elements().len() > found.elements.len();
        let replacement = match path.is_empty() {
            // `/` before more elements is the slash that they begin with.
            true if more => "",
            true => "/",
            false => name,
        };
        changes.push((span, replacement));
    }
    if !reads_back(document, &found, &changes) {
        return Err(refused(format!("{name} cannot be written there")));
    }
    let change = |(span, new): (_, &str)| TextEdit::new(document.text.range(span), new.to_owned());
    Ok(edit(document, changes.into_iter().map(change).collect()))
}

/// Whether the changed text says what it should. What a name of the language may hold may mean
/// something else to the YAML around it.
fn reads_back(document: &Document, found: &Front<'_>, changes: &[(Span, &str)]) -> bool {
    let mut text = String::new();
    let mut end = 0;
    for &(span, replacement) in changes {
        text.push_str(document.text.slice(Span { start: end, end: span.start }));
        text.push_str(replacement);
        end = span.end;
    }
    text.push_str(&document.text.as_str()[end as usize..]);
    let changed = Table::all(document.kind, &Source::new("", text));
    let Some(changed) = changed.get(found.nth) else { return false };
    let now = changed.tokens.iter().map(|token| (token.kind, token.text.clone()));
    let mut changes = changes.iter().peekable();
    let wanted = found.table.tokens.iter().map(|token| {
        let change = changes.next_if(|(span, _)| span.start == token.span.start);
        let text = match change {
            Some((span, new)) => {
                format!("{new}{}", &token.text[(span.end - span.start) as usize..])
            }
            None => token.text.clone(),
        };
        (token.kind, text)
    });
    now.eq(wanted)
}

fn refused(why: impl Into<String>) -> ResponseError {
    refusal(ErrorCode::RequestFailed, why)
}

#[cfg(test)]
mod tests {
    use lsp_types::{TextDocumentItem, Uri};

    use super::super::text::Encoding;
    use super::*;

    fn document(name: &str, text: &str) -> Document {
        let uri: Uri = format!("file:///{name}").parse().expect("a URI");
        let item = TextDocumentItem::new(uri, String::new(), 1, text.to_owned());
        Document::new(item, Encoding::Utf16)
    }

    /// The text after renaming what is at the first `at`, or why it is not renamed.
    fn renamed(document: &Document, at: &str, name: &str) -> Result<String, String> {
        let text = document.text.as_str();
        let offset = text.find(at).expect("it is there") + at.len();
        let edit = rename(document, offset, name).map_err(|error| error.message)?;
        let edits = edit.changes.expect("changes").into_values().next().expect("of the document");
        let mut new = text.to_owned();
        for TextEdit { range, new_text } in edits.iter().rev() {
            let span = document.text.span(*range);
            new.replace_range(span.start as usize..span.end as usize, new_text);
        }
        Ok(new)
    }

    const TABLE: &str = "\
/host    => /#/io.l5d.fs ;
/hostess => /host ;           # /host is a name in words here
/svc     => 2 * /host/web & /svc/host ;
/host/*  => /host/\\x77eb ;
";

    #[test]
    fn a_name_is_renamed_wherever_a_path_begins_with_it() {
        let renamed = renamed(&document("t.dtab", TABLE), "/host", "/srv/files").expect("renamed");
        assert_eq!(
            renamed,
            "\
/srv/files    => /#/io.l5d.fs ;
/hostess => /srv/files ;           # /host is a name in words here
/svc     => 2 * /srv/files/web & /svc/host ;
/srv/files/*  => /srv/files/\\x77eb ;
"
        );
    }

    #[test]
    fn up_to_the_element_under_the_cursor_is_renamed() {
        let document = document("t.dtab", TABLE);
        // An escape is the letter that it stands for.
        let renamed = renamed(&document, "/host/web", "/host/api").expect("renamed");
        assert_eq!(
            renamed,
            TABLE.replace("/host/web", "/host/api").replace("/host/\\x77eb", "/host/api")
        );
    }

    #[test]
    fn the_root_in_the_place_of_a_name_leaves_what_follows_it() {
        let renamed = renamed(&document("t.dtab", "/a => /b/c ; /b => /a/b ;"), "/b", "/");
        assert_eq!(renamed.as_deref(), Ok("/a => /c ; / => /a/b ;"));
    }

    #[test]
    fn what_cannot_be_renamed_says_why() {
        let document = document("t.dtab", TABLE);
        let why = |at, name| renamed(&document, at, name).expect_err("it cannot be");
        assert_eq!(
            why("/host", "srv"),
            "\"srv\" is no path: '/' expected but 's' found at '[s]rv'"
        );
        assert_eq!(
            why("/host", ""),
            "\"\" is no path: '/' expected but end of input found at '[]'"
        );
        assert_eq!(why("/host/*", "/x"), "`*` stands for any label and has no name of its own");
        assert_eq!(why("/host", "/x # y"), "/x # y cannot be written there");
        assert_eq!(why("=>", "/x"), "only paths and prefixes have names");
    }

    #[test]
    fn routers_have_names_of_their_own_and_escapes_of_yaml_stay() {
        let text = "\
routers:
- protocol: http
  dtab: |
    /svc => /host ;
    /host => /a ;
- protocol: h2
  dtab: \"/svc => /host ; /h\\x6fst => /b\"
- protocol: h2
  label: three
  dtab: /x => /host
";
        let document = document("linkerd.yaml", text);
        let one = renamed(&document, "/svc => /host", "/srv").expect("renamed");
        assert_eq!(one, text.replacen("/host", "/srv", 2));
        let why = renamed(&document, "\"/svc => /host", "/srv").expect_err("it cannot be");
        assert_eq!(why, "/host in line 7 is written with escapes of YAML");
        let three = renamed(&document, "/x => /host", "/srv").expect("renamed");
        assert_eq!(three, text.replace("/x => /host", "/x => /srv"));
        // A colon ends a key of YAML, and a backslash is an escape in its quotes.
        let why = renamed(&document, "  dtab: /x", "/x:").expect_err("it cannot be");
        assert_eq!(why, "/x: cannot be written there");
        let why = renamed(&document, "\"/svc", "/a\\x20b").expect_err("it cannot be");
        assert_eq!(why, "/a\\x20b cannot be written there");
    }

    #[test]
    fn the_range_and_the_name_to_change_are_told_before() {
        let document = document("t.dtab", TABLE);
        let offset = TABLE.find("host/web").expect("it is there");
        let prepared = prepare(&document, offset).expect("it can be renamed");
        let PrepareRenameResponse::RangeWithPlaceholder { range, placeholder } = prepared else {
            panic!("{prepared:?}");
        };
        assert_eq!(placeholder, "/host");
        assert_eq!(document.text.slice(document.text.span(range)), "/host");
    }
}
