//! Other documents in YAML or JSON, read in the manner of a configuration: every mistake with its line
//! and column, unknown keys and keys given twice among them.

use std::ops::Range;

use dtab::{Diagnostic, Dtab, Path, Source};
use saphyr_parser::ScalarStyle;

use super::embedded;
use super::node::{self, Value, join};
use super::reader::Context;
use super::{Code, ConfigErrors, MAX_BYTES, value};

pub use super::reader::{DocumentKind, Field, Object, Reported};

/// Reads a document with `read`, whose result counts if no error was reported; `name` is what errors
/// call the text.
pub fn read<T>(
    kind: DocumentKind,
    name: &str,
    text: &str,
    read: impl FnOnce(&Field<'_>) -> Option<T>,
) -> Result<T, ConfigErrors> {
    if text.len() > MAX_BYTES {
        let message = format!("{name} is larger than {} MiB", MAX_BYTES >> 20);
        return Err(ConfigErrors::unreadable(name, message, None));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let cx = Context::of(kind, Source::new(name, text));
    let value = node::parse(&cx)
        .and_then(|root| read(&Field { cx: &cx, node: &root, path: String::new() }));
    match value {
        Some(value) if !cx.has_errors() => Ok(value),
        _ => Err(cx.into_errors()),
    }
}

/// An entry of an object whose keys are free.
#[derive(Debug)]
pub struct Member<'a> {
    /// Its key.
    pub key: &'a str,
    /// Its value, which may be null.
    pub value: Field<'a>,
    key_span: Range<usize>,
}

impl<'a> Member<'a> {
    /// Reports an error at the key.
    pub fn error(&self, code: Code, message: impl Into<String>) -> Reported<'a> {
        self.value.cx.error(code, self.key_span.clone(), &self.value.path, message)
    }
}

impl<'a> Field<'a> {
    /// The text that this value stands in.
    pub fn source(&self) -> &'a Source {
        self.cx.source()
    }

    /// Whether it is empty, `~` or `null`.
    pub fn is_null(&self) -> bool {
        self.node.is_null()
    }

    /// Whether it is a list.
    pub fn is_list(&self) -> bool {
        matches!(self.node.value, Value::List(_))
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        matches!(self.node.value, Value::Map(_))
    }

    /// Whether it is a text without quotation marks, which may be a number.
    pub fn is_plain(&self) -> bool {
        matches!(&self.node.value, Value::Scalar(scalar) if scalar.is_plain())
    }

    /// Whether it is a text in lines of its own, behind a `|` or `>`.
    pub fn is_block(&self) -> bool {
        matches!(
            &self.node.value,
            Value::Scalar(scalar)
                if matches!(scalar.style, ScalarStyle::Literal | ScalarStyle::Folded)
        )
    }

    /// The entries of an object whose keys are free; `noun` names it in errors ("the hosts").
    pub fn members(&self, noun: &str) -> Option<Vec<Member<'a>>> {
        let Value::Map(entries) = &self.node.value else {
            return self.wrong_type(&format!("an object, {noun}")).none();
        };
        let member = |entry: &'a node::Entry| Member {
            key: &entry.key,
            value: Field { cx: self.cx, node: &entry.value, path: join(&self.path, &entry.key) },
            key_span: entry.key_span.clone(),
        };
        Some(entries.iter().map(member).collect())
    }

    /// The values of a list, or this one value as a list of its own.
    pub fn one_or_more(&self) -> Vec<Field<'a>> {
        match &self.node.value {
            Value::List(items) => self.items(items).collect(),
            _ => vec![self.clone()],
        }
    }

    /// Any text.
    pub fn text(&self) -> Option<String> {
        value::text(self)
    }

    /// A number from `least` to `most`.
    pub fn number(&self, least: f64, most: f64) -> Option<f64> {
        value::number(least..=most)(self)
    }

    /// An integer of at least 1.
    pub fn count(&self) -> Option<u64> {
        value::count(self)
    }

    /// One of some words.
    pub fn word<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        value::word(words)(self)
    }

    /// A path like `/svc/web`.
    pub fn path(&self) -> Option<Path> {
        value::path(self)
    }

    /// A dtab, whose dentries know their places in the document.
    pub fn dtab(&self) -> Option<Dtab> {
        value::dtab(self)
    }

    /// Reports what the language finds wrong with this text.
    pub fn report(&self, found: Vec<Diagnostic>) {
        if let Value::Scalar(scalar) = &self.node.value {
            embedded::report(self, scalar, found);
        }
    }
}

/// The word of `words` that somebody who wrote `written` most likely meant.
pub fn closest<'w>(written: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    super::error::closest(written, words)
}
