//! Namers, one file for each kind.

pub mod fs;
pub mod rewrite;

use std::sync::Arc;

use dtab::{Name, NameTree, Path, Transformer};
use serde_json::Value;

use crate::naming::{LiveNamer, Watch, WatchState};

/// A namer with transformers of its own, which apply in order to everything that it answers.
pub fn transformed(
    namer: Arc<dyn LiveNamer>,
    transformers: Vec<Transformer>,
) -> Arc<dyn LiveNamer> {
    if transformers.is_empty() {
        return namer;
    }
    let transformers = [namer.transformers(), &transformers].concat();
    Arc::new(Transformed { namer, transformers })
}

struct Transformed {
    namer: Arc<dyn LiveNamer>,
    transformers: Vec<Transformer>,
}

impl LiveNamer for Transformed {
    fn watch(&self, path: &Path) -> Watch<NameTree<Name>> {
        self.namer.watch(path)
    }

    fn transformers(&self) -> &[Transformer] {
        &self.transformers
    }

    fn bound_names(&self) -> Vec<Path> {
        self.namer.bound_names()
    }

    fn watches(&self) -> Vec<WatchState> {
        self.namer.watches()
    }

    fn state(&self) -> Value {
        self.namer.state()
    }
}
