//! An open document: its text as the client has it, and what is known of it.

use dtab::Dtab;
use lsp_types::{TextDocumentContentChangeEvent, TextDocumentItem, Uri};
use percent_encoding::percent_decode_str;

use super::findings::{Finding, findings};
use super::table::{Table, Token};
use super::text::{Encoding, Text};

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A dtab.
    Dtab,
    /// A `linkerd.yaml`.
    Config,
    /// YAML or JSON that is no configuration, as far as can be seen: nothing is said of it.
    Other,
}

impl Kind {
    /// By the name of the file, else by the language that the client takes it for.
    fn of(uri: &Uri, language: &str, text: &str) -> Self {
        let name = file_name(uri).to_lowercase();
        let extension = name.rsplit_once('.').map(|(_, extension)| extension);
        match (extension, language) {
            (Some("dtab"), _) => Kind::Dtab,
            (Some("yaml" | "yml" | "json"), _) => Kind::config_or_other(text),
            (_, "dtab") => Kind::Dtab,
            _ => Kind::config_or_other(text),
        }
    }

    /// Editors hand over every YAML file there is. A configuration has `routers`, even while it is
    /// being written.
    fn config_or_other(text: &str) -> Self {
        let routers = text.lines().any(|line| {
            let line = line.trim_start_matches(['\u{feff}', '{', ' ']);
            let key = line.strip_prefix(['"', '\'']).unwrap_or(line);
            key.strip_prefix("routers")
                .is_some_and(|rest| rest.trim_start().starts_with([':', '"', '\'']))
        });
        if routers { Kind::Config } else { Kind::Other }
    }
}

/// An open document.
#[derive(Debug)]
pub(super) struct Document {
    /// What the client calls it.
    pub(super) uri: Uri,
    /// What it is.
    pub(super) kind: Kind,
    /// Which state of it the client last sent.
    pub(super) version: i32,
    /// Its text.
    pub(super) text: Text,
    /// Its tables.
    pub(super) tables: Vec<Table>,
    /// What is to be said of it.
    pub(super) findings: Vec<Finding>,
    language: String,
    encoding: Encoding,
    /// Each table as it was when it was last right, and still is if it is right.
    good: Vec<Option<Dtab>>,
    /// Whether the text has changed since it was read.
    unread: bool,
}

impl Document {
    /// A document that has been opened.
    pub(super) fn new(item: TextDocumentItem, encoding: Encoding) -> Self {
        let TextDocumentItem { uri, language_id: language, version, text } = item;
        let text = Text::new(&file_name(&uri), text, encoding);
        let mut document = Document {
            kind: Kind::Other,
            uri,
            version,
            text,
            tables: Vec::new(),
            findings: Vec::new(),
            language,
            encoding,
            good: Vec::new(),
            unread: false,
        };
        document.read();
        document
    }

    /// Takes over what was typed, in the order in which it was. It is read by [`settle`](Self::settle).
    pub(super) fn change(&mut self, version: i32, changes: Vec<TextDocumentContentChangeEvent>) {
        for TextDocumentContentChangeEvent { range, text, .. } in changes {
            let text = match range {
                None => text,
                Some(range) => {
                    let span = self.text.span(range);
                    let mut whole = self.text.as_str().to_owned();
                    whole.replace_range(span.start as usize..span.end as usize, &text);
                    whole
                }
            };
            self.text = Text::new(self.text.source().name(), text, self.encoding);
        }
        self.version = version;
        self.unread = true;
    }

    /// Reads what was typed; whether anything was.
    pub(super) fn settle(&mut self) -> bool {
        let unread = std::mem::take(&mut self.unread);
        if unread {
            self.read();
        }
        unread
    }

    fn read(&mut self) {
        self.kind = Kind::of(&self.uri, &self.language, self.text.as_str());
        self.tables = Table::all(self.kind, self.text.source());
        self.findings = findings(self.kind, self.text.source());
        self.good.resize(self.tables.len().max(self.good.len()), None);
        for (good, table) in self.good.iter_mut().zip(&self.tables) {
            if table.clean {
                *good = Some(table.dtab.clone());
            }
        }
    }

    /// The table in which a cursor is, and the piece of it there.
    pub(super) fn token_at(&self, offset: usize) -> Option<(usize, &Token)> {
        let mut tables = self.tables.iter().enumerate();
        tables.find_map(|(nth, table)| Some((nth, table.token_at(offset)?)))
    }

    /// A table to resolve names by: as it is, or, while it is being written, as it was when it was last
    /// right. And whether that is the one before.
    pub(super) fn resolvable(&self, nth: usize) -> (Dtab, bool) {
        let Some(table) = self.tables.get(nth) else { return (Dtab::empty(), false) };
        match self.good.get(nth) {
            Some(Some(good)) => (good.clone(), !table.clean),
            _ => (table.dtab.clone(), false),
        }
    }
}

/// The last part of a URI, with its escapes undone.
pub(super) fn file_name(uri: &Uri) -> String {
    let path = uri.path().as_str();
    let last = path.rsplit('/').next().unwrap_or(path);
    percent_decode_str(last).decode_utf8_lossy().into_owned()
}
