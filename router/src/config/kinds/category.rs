//! Reading objects whose keys depend on their kind.

use crate::config::error::{Code, clip, closest};
use crate::config::keys::Keys;
use crate::config::reader::{Field, Known, Object};
use crate::config::value;

/// Reads the keys of a kind from the object that names it.
type Read<T> = fn(&mut Object<'_>) -> Option<T>;

/// One kind of a category.
pub(crate) struct Kind<T> {
    id: &'static str,
    /// What it does, in a sentence.
    about: &'static str,
    /// Must be enabled by `experimental: true`.
    experimental: bool,
    keys: Keys,
    /// `None` while the kind is not built.
    read: Option<Read<T>>,
}

pub(super) const fn built<T>(
    id: &'static str,
    about: &'static str,
    keys: Keys,
    read: Read<T>,
) -> Kind<T> {
    Kind { id, about, experimental: false, keys, read: Some(read) }
}

pub(super) const fn experimental<T>(
    id: &'static str,
    about: &'static str,
    keys: Keys,
    read: Read<T>,
) -> Kind<T> {
    Kind { id, about, experimental: true, keys, read: Some(read) }
}

pub(super) const fn not_built<T>(id: &'static str, about: &'static str) -> Kind<T> {
    Kind { id, about, experimental: false, keys: &[], read: None }
}

/// The kinds that can stand at one place of a configuration.
pub(crate) struct Category<T: 'static> {
    /// As in "unknown X kind".
    pub(super) noun: &'static str,
    /// As in "X needs the key `kind`".
    pub(super) article_noun: &'static str,
    /// The key that names the kind.
    pub(super) tag: &'static str,
    /// The kind where none is named.
    pub(super) default: Option<&'static str>,
    pub(super) kinds: &'static [Kind<T>],
}

/// A [`Category`], whatever is read from it: what the reference says of it.
pub(crate) trait Kinds: Sync {
    /// As in "list of Xs".
    fn noun(&self) -> &'static str;
    /// The key that names the kind.
    fn tag(&self) -> &'static str;
    /// The kind where none is named.
    fn default(&self) -> Option<&'static str>;
    fn rows(&self) -> Vec<KindRow>;
}

/// What there is to know of a kind.
#[derive(Clone, Copy)]
pub(crate) struct KindRow {
    pub(crate) id: &'static str,
    pub(crate) about: &'static str,
    pub(crate) experimental: bool,
    pub(crate) built: bool,
    pub(crate) keys: Keys,
}

impl<T> Kinds for Category<T> {
    fn noun(&self) -> &'static str {
        self.noun
    }

    fn tag(&self) -> &'static str {
        self.tag
    }

    fn default(&self) -> Option<&'static str> {
        self.default
    }

    fn rows(&self) -> Vec<KindRow> {
        let row = |kind: &Kind<T>| KindRow {
            id: kind.id,
            about: kind.about,
            experimental: kind.experimental,
            built: kind.read.is_some(),
            keys: kind.keys,
        };
        self.kinds.iter().map(row).collect()
    }
}

impl<T> Category<T> {
    /// Reads an object of this category: its kind, then the keys of that kind, and refuses all
    /// other keys.
    pub(crate) fn read(&self, field: &Field<'_>) -> Option<T> {
        let mut object = field.object_of(self.article_noun, Known::Names(&[]))?;
        match (object.lookup(self.tag), self.default) {
            (Some(tag), _) => self.read_kind(&value::text(&tag)?, &tag, object),
            (None, Some(default)) => self.read_kind(default, field, object),
            (None, None) => object.missing(self.tag).help(self.list()).none(),
        }
    }

    fn read_kind(&self, id: &str, tag: &Field<'_>, mut object: Object<'_>) -> Option<T> {
        let Some(kind) = self.kinds.iter().find(|kind| kind.id == id) else {
            let written = clip(id);
            let message = match closest(id, self.kinds.iter().map(|kind| kind.id)) {
                Some(meant) => {
                    format!("unknown {} `{written}`, did you mean `{meant}`?", self.named())
                }
                None => format!("unknown {} `{written}`", self.named()),
            };
            return tag.error(Code::UnknownKind, message).help(self.list()).none();
        };
        let Some(read) = kind.read else {
            let message = format!(
                "the `{id}` {} is known to Linkerd but not built yet in this version",
                self.noun
            );
            return tag.error(Code::NotBuilt, message).help(self.list()).none();
        };
        if self.tag != self.noun {
            object.noun = format!("the `{id}` {}", self.noun);
        }
        object.keys = Known::Table(kind.keys);
        let enabled = object.lookup("experimental").and_then(|field| value::boolean(&field));
        if kind.experimental && enabled != Some(true) {
            let message = format!(
                "The {id} {} is experimental and must be explicitly enabled by setting the `experimental' parameter \
                 to `true'.",
                self.noun
            );
            tag.error(Code::Experimental, message);
        }
        let value = read(&mut object);
        object.finish();
        value
    }

    /// What the tag names: "namer kind", or "protocol".
    fn named(&self) -> String {
        if self.tag == self.noun {
            self.noun.to_owned()
        } else {
            format!("{} {}", self.noun, self.tag)
        }
    }

    /// What can be written, for the help of an error.
    fn list(&self) -> String {
        let built: Vec<_> =
            self.kinds.iter().filter(|kind| kind.read.is_some()).map(|kind| kind.id).collect();
        let not_built: Vec<_> =
            self.kinds.iter().filter(|kind| kind.read.is_none()).map(|kind| kind.id).collect();
        match (built.is_empty(), not_built.is_empty()) {
            (false, false) => {
                format!("built: {}; not built yet: {}", built.join(", "), not_built.join(", "))
            }
            (false, true) => format!("known: {}", built.join(", ")),
            (true, _) => format!("remove it; not built yet: {}", not_built.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::node;
    use crate::config::reader::Context;

    static TRIALS: Category<()> = Category {
        noun: "trial",
        article_noun: "a trial",
        tag: "kind",
        default: None,
        kinds: &[experimental("io.l5d.trial", "A trial.", &[], |_| Some(()))],
    };

    fn read(text: &str) -> (Option<()>, String) {
        let cx = Context::new(dtab::Source::new("t.yaml", text));
        let root = node::parse(&cx).expect("a tree");
        let field = Field { cx: &cx, node: &root, path: String::new() };
        let value = TRIALS.read(&field);
        (value, cx.into_errors().to_string())
    }

    #[test]
    fn an_experimental_kind_must_be_enabled() {
        let (_, errors) = read("kind: io.l5d.trial");
        assert_eq!(
            errors,
            "t.yaml:1:7: kind: The io.l5d.trial trial is experimental and must be explicitly enabled by setting the \
             `experimental' parameter to `true'."
        );
        assert_eq!(read("kind: io.l5d.trial\nexperimental: true"), (Some(()), String::new()));
    }
}
