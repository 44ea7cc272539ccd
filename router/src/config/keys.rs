//! The tables of keys: each key with its type, what its absence means, and what it is for.
//!
//! Reading and the reference share them. An [`Object`](super::reader::Object) may only be asked for
//! the keys of its table, and must be asked for all of them; tests hold the ranges and defaults of
//! the tables against what is read.

use std::fmt;

use super::kinds::Kinds;
use super::value::MAX;

/// The keys of an object, in groups, so that objects can share some.
pub(crate) type Keys = &'static [&'static [Key]];

/// An object whose keys do not depend on a kind.
pub(crate) struct Section {
    /// As in "NOUN needs the key".
    pub(crate) noun: &'static str,
    pub(crate) keys: Keys,
}

/// One key of an object.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) type_: Type,
    pub(crate) absent: Absent,
    /// One or two sentences in plain text.
    pub(crate) meaning: &'static str,
    /// Linkerd 1.7.5 does not have it.
    pub(crate) ours: bool,
    /// Values of Linkerd's that are refused, and why.
    pub(crate) refused: Option<&'static str>,
}

/// What the absence of a key means.
#[derive(Clone, Copy)]
pub(crate) enum Absent {
    /// That the configuration is wrong.
    Required,
    /// The same as this value, written as in YAML.
    Is(&'static str),
    /// What no value could say.
    Means(&'static str),
}

/// What the value of a key is.
#[derive(Clone, Copy)]
pub(crate) enum Type {
    Text,
    Boolean,
    /// The least and the largest.
    Integer(i64, i64),
    /// The least and the largest.
    Number(f64, f64),
    /// The least.
    Millis(i64),
    Port,
    Ip,
    Path,
    Pattern,
    Dtab,
    Directory,
    File,
    HeaderName,
    Regex,
    Words(&'static [&'static str]),
    /// A text of its own form.
    Form(&'static str),
    Object(&'static Section),
    Kind(&'static dyn Kinds),
    /// One object, or a list of them.
    Kinds(&'static dyn Kinds),
    List(&'static Type),
}

/// A row of a table.
pub(crate) const fn key(
    name: &'static str,
    type_: Type,
    absent: Absent,
    meaning: &'static str,
) -> Key {
    Key { name, type_, absent, meaning, ours: false, refused: None }
}

impl Key {
    pub(crate) const fn ours(self) -> Self {
        Self { ours: true, ..self }
    }

    pub(crate) const fn refused(self, values_and_why: &'static str) -> Self {
        Self { refused: Some(values_and_why), ..self }
    }
}

/// A key that must be given is said to be `required`.
impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Required => "required",
            Self::Is(value) | Self::Means(value) => value,
        })
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("text"),
            Self::Boolean => f.write_str("true or false"),
            Self::Integer(least, MAX) if *least < -1 => f.write_str("integer"),
            Self::Integer(least, MAX) => write!(f, "integer, at least {least}"),
            Self::Integer(least, most) => write!(f, "integer from {least} to {most}"),
            Self::Number(least, most) if least.is_infinite() && most.is_infinite() => {
                f.write_str("number")
            }
            Self::Number(least, most) if most.is_infinite() => {
                write!(f, "number, at least {least}")
            }
            Self::Number(least, most) => write!(f, "number from {least} to {most}"),
            Self::Millis(least) => write!(f, "milliseconds, at least {least}"),
            Self::Port => f.write_str("port"),
            Self::Ip => f.write_str("IP address"),
            Self::Path => f.write_str("path"),
            Self::Pattern => f.write_str("path pattern"),
            Self::Dtab => f.write_str("dtab"),
            Self::Directory => f.write_str("directory"),
            Self::File => f.write_str("file"),
            Self::HeaderName => f.write_str("header name"),
            Self::Regex => f.write_str("regular expression"),
            Self::Words(words) => f.write_str(&words.join(" or ")),
            Self::Form(form) => f.write_str(form),
            Self::Object(_) => f.write_str("object"),
            Self::Kind(kinds) => f.write_str(kinds.noun()),
            Self::Kinds(kinds) => write!(f, "{0}, or list of {0}s", kinds.noun()),
            Self::List(Self::Regex) => f.write_str("list of regular expressions"),
            Self::List(Self::Directory) => f.write_str("list of directories"),
            Self::List(item) => write!(f, "list of {item}s"),
        }
    }
}

#[cfg(test)]
mod tests;
