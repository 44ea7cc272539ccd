//! `io.l5d.rewrite`: a pattern that turns a name into another, which is then looked up again.
//!
//! ```yaml
//! namers:
//! - kind: io.l5d.rewrite
//!   prefix: /rw
//!   pattern: "/{service}/api"
//!   name: "/svc/{service}"
//! ```

use dtab::Path;

use super::namer::{NamerConfig, NamerKind};
use super::transformer;
use crate::config::error::Code;
use crate::config::keys::{Absent::*, Key, Type, key};
use crate::config::reader::{Field, Object};
use crate::config::value;

/// `io.l5d.rewrite`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RewriteNamerConfig {
    /// What a name must begin with: literal segments, `*`, and segments with `{captures}`.
    pub pattern: String,
    /// What it becomes; `{captures}` are replaced.
    pub name: String,
}

pub(super) static KEYS: &[Key] = &[
    key("prefix", Type::Path, Required, "The namer answers for the names below `/#` and this."),
    key(
        "pattern",
        Type::Pattern,
        Required,
        "What the rest of a name must begin with, such as `/{service}/api`. `*` is any one \
         segment, `{name}` captures text within one.",
    ),
    key(
        "name",
        Type::Form("path with captures"),
        Required,
        "What the name becomes, such as `/svc/{service}`; it is then resolved in its turn.",
    ),
];

pub(super) fn read(object: &mut Object<'_>) -> Option<NamerConfig> {
    let prefix = match object.get("prefix") {
        Some(prefix) => value::prefix(&prefix),
        None => {
            let message = "The 'prefix' property is required for the io.l5d.rewrite namer.";
            object.field.error(Code::Missing, message).none()
        }
    };
    let pattern = object.required("pattern", value::pattern).map(|pattern| pattern.to_string());
    let name = object.required("name", template);
    let transformers = transformer::read_all(object);
    let kind = NamerKind::Rewrite(RewriteNamerConfig { pattern: pattern?, name: name? });
    Some(NamerConfig { kind, prefix: prefix?, transformers })
}

/// A text that is a path once its captures are filled in. A capture never holds a `/`, so that any
/// word will do to find out.
fn template(field: &Field<'_>) -> Option<String> {
    let text = value::text(field)?;
    let mut filled = String::new();
    let mut rest = text.as_str();
    while let Some((before, (_, after))) =
        rest.split_once('{').and_then(|(before, tail)| Some((before, tail.split_once('}')?)))
    {
        filled.push_str(before);
        filled.push('x');
        rest = after;
    }
    filled.push_str(rest);
    match Path::parse(&filled) {
        Ok(_) => Some(text),
        Err(error) => {
            let message = format!("not a path with captures: {}", value::expectation(&error));
            field.error(Code::Invalid, message).help("such as `/svc/{service}`").none()
        }
    }
}
