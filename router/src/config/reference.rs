//! The reference of all keys, made from the tables that reading goes by.
//!
//! A list of objects in the order in which people look for things. Of an object or category that can
//! stand at several places, the keys are told at the first; the others point there.

use super::ROOT;
use super::keys::{Key, Keys, Section, Type};
use super::kinds::Kinds;

/// One object of a configuration, or one kind of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectReference {
    /// Where it stands, such as `routers[].client.loadBalancer`; empty for the whole configuration.
    pub path: String,
    /// The kind that it is about, where the object has one.
    pub kind: Option<KindReference>,
    /// Its keys, but for the one that names the kind.
    pub keys: Vec<KeyReference>,
}

/// A `kind`, or a `protocol`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindReference {
    /// The key that names it.
    pub tag: &'static str,
    /// Its name.
    pub id: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// Whether it is what an object without a kind is.
    pub is_default: bool,
    /// Whether the object must have `experimental: true`.
    pub experimental: bool,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyReference {
    /// Its full path, such as `routers[].client.hostConnectionPool.minSize`.
    pub path: String,
    /// What its value is.
    pub type_: String,
    /// What holds if it is absent; `required` if it must not be.
    pub default: String,
    /// One or two sentences.
    pub meaning: &'static str,
    /// Whether Linkerd 1.7.5 does not have it.
    pub ours: bool,
    /// Values of Linkerd's that are refused, and why.
    pub refused: Option<&'static str>,
    /// Kinds of Linkerd's that are refused since they are not built yet, each with what it does.
    pub not_built: Vec<(&'static str, &'static str)>,
    /// Where the keys of its value are told, if not right behind.
    pub told_at: Option<String>,
}

/// Every object with every key.
pub fn reference() -> Vec<ObjectReference> {
    let mut walk = Walk::default();
    walk.object("", ROOT.keys, None);
    walk.objects
}

/// An object that is still to be told, below a key.
enum Below {
    Section(&'static Section),
    Kinds(&'static dyn Kinds),
}

#[derive(Default)]
struct Walk {
    objects: Vec<ObjectReference>,
    /// The objects that were told, and where.
    sections: Vec<(&'static Section, String)>,
    /// The nouns of the categories that were told, and where.
    categories: Vec<(&'static str, String)>,
}

impl Walk {
    fn object(&mut self, path: &str, keys: Keys, kind: Option<KindReference>) {
        let mut below = Vec::new();
        let rows = keys.iter().copied().flatten().map(|key| self.key(path, key, &mut below));
        let keys = rows.collect();
        self.objects.push(ObjectReference { path: path.to_owned(), kind, keys });
        for (path, below) in below {
            match below {
                Below::Section(section) => self.object(&path, section.keys, None),
                Below::Kinds(kinds) => self.kinds(&path, kinds),
            }
        }
    }

    fn kinds(&mut self, path: &str, kinds: &dyn Kinds) {
        for row in kinds.rows().into_iter().filter(|row| row.built) {
            let kind = KindReference {
                tag: kinds.tag(),
                id: row.id,
                about: row.about,
                is_default: kinds.default() == Some(row.id),
                experimental: row.experimental,
            };
            self.object(path, row.keys, Some(kind));
        }
    }

    fn key(&mut self, path: &str, key: &Key, below: &mut Vec<(String, Below)>) -> KeyReference {
        let path =
            if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
        let (value, list) = match key.type_ {
            Type::List(item) => (*item, "[]"),
            other => (other, ""),
        };
        let value_path = format!("{path}{list}");
        let mut not_built = Vec::new();
        let mut told_at = None;
        match value {
            Type::Object(section) => {
                let told = self.sections.iter().find(|(told, _)| std::ptr::eq(*told, section));
                told_at = told.map(|(_, path)| path.clone());
                if told_at.is_none() {
                    self.sections.push((section, value_path.clone()));
                    below.push((value_path, Below::Section(section)));
                }
            }
            Type::Kind(kinds) | Type::Kinds(kinds) => {
                let told = self.categories.iter().find(|(noun, _)| *noun == kinds.noun());
                told_at = told.map(|(_, path)| path.clone());
                if told_at.is_none() {
                    self.categories.push((kinds.noun(), value_path.clone()));
                    let rows = kinds.rows().into_iter().filter(|row| !row.built);
                    not_built = rows.map(|row| (row.id, row.about)).collect();
                    below.push((value_path, Below::Kinds(kinds)));
                }
            }
            _ => {}
        }
        KeyReference {
            path,
            type_: key.type_.to_string(),
            default: key.absent.to_string(),
            meaning: key.meaning,
            ours: key.ours,
            refused: key.refused,
            not_built,
            told_at,
        }
    }
}

impl ObjectReference {
    /// `routers[].client.loadBalancer, kind: p2c`
    pub fn title(&self) -> String {
        match &self.kind {
            None => self.path.clone(),
            Some(kind) => format!("{}, {}: {}", self.path, kind.tag, kind.id),
        }
    }
}
