//! A name to resolve, with all it is resolved against.

use std::path::Path as Folder;

use dtab::why_not::{Destination, WhyNot, why_not};
use dtab::{Delegation, Dtab, Explore, NamerTable, Path, Resolver, SyntaxError, Transformer};
use serde_json::Value;

use super::{NamerSets, TestNamer, text, transformers};

/// The inputs of a `bind` vector.
#[derive(Clone, Debug)]
pub struct Case {
    /// The interpreter's table.
    pub base: Dtab,
    /// The request's.
    pub local: Dtab,
    /// The name.
    pub path: Path,
    /// The namers with their prefixes, in the order in which they are tried.
    pub namers: Vec<(Path, TestNamer)>,
    /// What the interpreter is wrapped in, in order.
    pub transformers: Vec<Transformer>,
}

impl Case {
    /// The case of a vector; `folder` holds `namers.json`. Fails where a table or the name is
    /// mistaken.
    pub fn read(folder: &Folder, vector: &Value) -> Result<Self, SyntaxError> {
        Ok(Case {
            base: Dtab::parse(text(&vector["dtab"]))?,
            local: Dtab::parse(vector["local"].as_str().unwrap_or_default())?,
            path: Path::parse(text(&vector["path"]))?,
            namers: NamerSets::read(folder).get(text(&vector["namers"])),
            transformers: transformers(&vector["transformers"]),
        })
    }

    /// Resolves the name.
    pub fn resolve(&self, explore: Explore) -> Delegation {
        self.with_resolver(|resolver| resolver.resolve(&self.path, explore))
    }

    /// Whether the name reaches a destination, and why not.
    pub fn why_not(&self, destination: &Destination) -> WhyNot {
        self.with_resolver(|resolver| why_not(resolver, &self.path, destination, &[]))
    }

    fn with_resolver<T>(&self, ask: impl FnOnce(&Resolver<'_>) -> T) -> T {
        let table = self.namers.iter().fold(NamerTable::new(), |table, (prefix, namer)| {
            table.with(prefix.clone(), namer.clone())
        });
        let resolver = Resolver {
            base: &self.base,
            local: &self.local,
            namers: &table,
            transformers: &self.transformers,
        };
        ask(&resolver)
    }
}
