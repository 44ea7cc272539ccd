//! Reading typed values out of the node tree.
//!
//! A reader is a function `Fn(&Field) -> Option<T>`: it returns the value, or reports what is wrong
//! and returns `None`. Reading goes on after an error, so that one run finds them all; whether
//! there was any is asked once, at the end. An [`Object`] may be asked for the keys of its table
//! ([`keys`](super::keys)) only, and [`Object::finish`] refuses all that are not in it.

use std::cell::{Cell, RefCell, RefMut};
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use dtab::{Diagnostic, Place, Source, Span};

use super::error::{Code, ConfigError, ConfigErrors, MAX_ERRORS, Related, clip, closest};
use super::keys::{Key, Keys, Section};
use super::node::{Entry, Node, Value, join};

/// What a document is, for messages about it.
#[derive(Clone, Copy, Debug)]
pub struct DocumentKind {
    /// As in "the NOUN is empty" and "a NOUN is one document".
    pub noun: &'static str,
    /// What to write into one that is empty.
    pub needs: &'static str,
}

/// One run over one document: its text and what was found so far.
pub(crate) struct Context {
    source: Arc<Source>,
    kind: DocumentKind,
    errors: RefCell<Vec<ConfigError>>,
    omitted: Cell<usize>,
    shown: RefCell<HashMap<usize, serde_json::Value>>,
}

impl Context {
    /// A configuration.
    pub(crate) fn new(source: Arc<Source>) -> Self {
        let needs = "at least `routers` is needed, a list with one router";
        Self::of(DocumentKind { noun: "configuration", needs }, source)
    }

    pub(crate) fn of(kind: DocumentKind, source: Arc<Source>) -> Self {
        Self {
            source,
            kind,
            errors: RefCell::default(),
            omitted: Cell::new(0),
            shown: RefCell::default(),
        }
    }

    pub(crate) fn source(&self) -> &Arc<Source> {
        &self.source
    }

    pub(crate) fn kind(&self) -> DocumentKind {
        self.kind
    }

    /// Reports an error; help and a second place can be added to what is returned.
    pub(crate) fn error(
        &self,
        code: Code,
        span: Range<usize>,
        key: &str,
        message: impl Into<String>,
    ) -> Reported<'_> {
        let mut errors = self.errors.borrow_mut();
        if errors.len() >= MAX_ERRORS {
            self.omitted.set(self.omitted.get() + 1);
            return Reported { cx: self, error: None };
        }
        errors.push(ConfigError {
            code,
            file: self.source.name().to_owned(),
            position: Some(self.source.position(span.start)),
            span,
            key: key.to_owned(),
            message: message.into(),
            help: None,
            related: None,
            finding: None,
        });
        let error = RefMut::filter_map(errors, |errors| errors.last_mut()).ok();
        Reported { cx: self, error }
    }

    pub(crate) fn has_errors(&self) -> bool {
        !self.errors.borrow().is_empty()
    }

    pub(crate) fn into_errors(self) -> ConfigErrors {
        ConfigErrors::new(self.source, self.errors.into_inner(), self.omitted.get())
    }

    /// The document as JSON: texts as written, numbers and booleans as they were read, nulls left
    /// out.
    pub(crate) fn json(&self, node: &Node) -> serde_json::Value {
        if let Some(shown) = self.shown.borrow().get(&node.id) {
            return shown.clone();
        }
        match &node.value {
            Value::Scalar(scalar) => scalar.text.clone().into(),
            Value::List(items) => items.iter().map(|item| self.json(item)).collect(),
            Value::Map(entries) => entries
                .iter()
                .filter(|entry| !entry.value.is_null())
                .map(|entry| (entry.key.clone(), self.json(&entry.value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }
}

/// An error that was just reported.
pub struct Reported<'a> {
    cx: &'a Context,
    error: Option<RefMut<'a, ConfigError>>,
}

impl fmt::Debug for Reported<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reported").field(&self.error.as_deref()).finish()
    }
}

impl Reported<'_> {
    /// Says what to write instead.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        if let Some(error) = &mut self.error {
            error.help = Some(help.into());
        }
        self
    }

    pub(crate) fn related(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        if let Some(error) = &mut self.error {
            let position = self.cx.source.position(span.start);
            error.related = Some(Related { span, position, label: label.into() });
        }
        self
    }

    /// The finding of the language that this error is.
    pub(crate) fn finding(mut self, finding: Diagnostic) -> Self {
        if let Some(error) = &mut self.error {
            error.help.clone_from(&finding.help);
            error.finding = Some(finding);
        }
        self
    }

    /// Ends a reader: nothing was read.
    pub fn none<T>(self) -> Option<T> {
        drop(self);
        None
    }
}

/// A value that is being read: its node and key path.
#[derive(Clone)]
pub struct Field<'a> {
    pub(crate) cx: &'a Context,
    pub(crate) node: &'a Node,
    pub(crate) path: String,
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Field").field("path", &self.path).field("node", self.node).finish()
    }
}

impl<'a> Field<'a> {
    /// Reports an error at this value.
    pub fn error(&self, code: Code, message: impl Into<String>) -> Reported<'a> {
        self.cx.error(code, self.span(), &self.path, message)
    }

    /// Reports that this value is not of the type that is wanted.
    pub fn wrong_type(&self, wanted: &str) -> Reported<'a> {
        self.error(Code::WrongType, format!("expected {wanted}, found {}", self.node.describe()))
    }

    /// Where to point for this value: itself, or the first key of a block object.
    fn span(&self) -> Range<usize> {
        match self.node.entries().first() {
            Some(first) if self.node.span.start == first.key_span.start => first.key_span.clone(),
            _ => self.node.span.clone(),
        }
    }

    /// Where it stands.
    pub fn place(&self) -> Place {
        let span = self.span();
        Place { source: self.cx.source.clone(), span: Span::new(span.start, span.end) }
    }

    /// Sets how `/config.json` shows this value, where that is not its text.
    pub(crate) fn show(&self, value: impl Into<serde_json::Value>) {
        self.cx.shown.borrow_mut().insert(self.node.id, value.into());
    }

    /// The value as an object with the keys of a section.
    pub(crate) fn object(&self, section: &'static Section) -> Option<Object<'a>> {
        self.object_of(section.noun, Known::Table(section.keys))
    }

    /// The value as an object with certain keys; `noun` names it in errors ("a server").
    pub(crate) fn object_of(&self, noun: &'static str, keys: Known) -> Option<Object<'a>> {
        let Value::Map(entries) = &self.node.value else {
            return self
                .error(
                    Code::WrongType,
                    format!("{noun} must be an object, found {}", self.node.describe()),
                )
                .none();
        };
        Some(Object {
            field: self.clone(),
            entries,
            keys,
            asked: Vec::new(),
            noun: noun.to_owned(),
        })
    }

    /// The same for keys of which no reference tells.
    pub fn object_with(
        &self,
        noun: &'static str,
        keys: &'static [&'static str],
    ) -> Option<Object<'a>> {
        self.object_of(noun, Known::Names(keys))
    }

    /// The value as a list; what cannot be read is reported and left out.
    pub fn list<T>(
        &self,
        noun: &'static str,
        read: impl Fn(&Field<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Value::List(items) = &self.node.value else {
            return self.wrong_type(&format!("a list of {noun}")).none();
        };
        Some(self.items(items).filter_map(|item| read(&item)).collect())
    }

    /// The fields of a list's items.
    pub(crate) fn items(&self, items: &'a [Node]) -> impl Iterator<Item = Field<'a>> {
        let (cx, path) = (self.cx, self.path.clone());
        items.iter().enumerate().map(move |(index, node)| Field {
            cx,
            node,
            path: format!("{path}[{index}]"),
        })
    }
}

/// The keys that an object may have.
#[derive(Clone, Copy)]
pub(crate) enum Known {
    /// Those of a table, of which the reference tells.
    Table(Keys),
    /// These.
    Names(&'static [&'static str]),
}

impl Known {
    fn names(self) -> Vec<&'static str> {
        match self {
            Known::Table(keys) => {
                keys.iter().copied().flatten().map(|key: &Key| key.name).collect()
            }
            Known::Names(names) => names.to_vec(),
        }
    }
}

/// An object that is being read, key by key.
pub struct Object<'a> {
    pub(crate) field: Field<'a>,
    entries: &'a [Entry],
    /// Its keys, but for the one that names its kind.
    pub(crate) keys: Known,
    asked: Vec<&'static str>,
    /// As in "NOUN needs the key".
    pub(crate) noun: String,
}

impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object").field("noun", &self.noun).field("path", &self.field.path).finish()
    }
}

impl<'a> Object<'a> {
    /// The key's value if it is given; `null` counts as absent, as in Linkerd.
    pub fn get(&mut self, key: &'static str) -> Option<Field<'a>> {
        debug_assert!(
            self.keys.names().contains(&key),
            "`{key}` is not in the table of {}",
            self.noun
        );
        self.lookup(key)
    }

    /// As [`get`](Self::get), for what all objects of a category have: the key that names the kind,
    /// and `experimental`.
    pub(crate) fn lookup(&mut self, key: &'static str) -> Option<Field<'a>> {
        self.asked.push(key);
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        if entry.value.is_null() {
            return None;
        }
        Some(Field { cx: self.field.cx, node: &entry.value, path: join(&self.field.path, key) })
    }

    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Reads a key that may be absent.
    pub fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Field<'a>) -> Option<T>,
    ) -> Option<T> {
        read(&self.get(key)?)
    }

    /// Reads a key that must be given.
    pub fn required<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Field<'a>) -> Option<T>,
    ) -> Option<T> {
        match self.get(key) {
            Some(field) => read(&field),
            None => self.missing(key).none(),
        }
    }

    /// Reports that a required key is absent, or null.
    pub fn missing(&self, key: &str) -> Reported<'a> {
        let message = format!("{} needs the key `{key}`", self.noun);
        match self.entries.iter().find(|entry| entry.key == key) {
            Some(entry) => {
                let path = join(&self.field.path, key);
                let reported =
                    self.field.cx.error(Code::Missing, entry.key_span.clone(), &path, message);
                reported.help("the key is there but has no value")
            }
            None => self.field.error(Code::Missing, message),
        }
    }

    /// Refuses the keys that are not in the table.
    pub fn finish(self) {
        let table = self.keys.names();
        for name in &table {
            debug_assert!(self.asked.contains(name), "`{name}` of {} is never read", self.noun);
        }
        // What names the kind was asked for before the kind was known.
        let mut known: Vec<_> = table.into_iter().chain(self.asked.iter().copied()).collect();
        known.sort_unstable();
        known.dedup();
        for entry in self.entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let path = join(&self.field.path, &entry.key);
            let written = clip(&entry.key);
            let message = match closest(&entry.key, known.iter().copied()) {
                Some(meant) => format!("unknown key `{written}`, did you mean `{meant}`?"),
                None => format!("unknown key `{written}`"),
            };
            self.field
                .cx
                .error(Code::UnknownKey, entry.key_span.clone(), &path, message)
                .help(format!("{} has the keys {}", self.noun, known.join(", ")));
        }
    }
}
