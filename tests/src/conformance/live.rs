//! The namers of vectors as live ones: the same interface that a router's configured namers have.

use std::sync::Arc;

use dtab::{Name, NameTree, Namer, Path};
use router::interpreter::Interpreter;
use router::naming::{Hosts, LiveNamer, LiveNamers, Watch, constant};
use tokio::runtime::Handle;

use super::{Case, TestNamer};

impl LiveNamer for TestNamer {
    fn watch(&self, path: &Path) -> Watch<NameTree<Name>> {
        constant(self.lookup(path))
    }
}

impl Case {
    /// The interpreter of a router that has this case's table, namers and transformers. Its
    /// drivers run on `rt`.
    pub fn interpreter(&self, rt: Handle) -> Arc<Interpreter> {
        let namers = self
            .namers
            .iter()
            .map(|(prefix, namer)| (prefix.clone(), Arc::new(namer.clone()) as Arc<dyn LiveNamer>));
        let namers = LiveNamers::new(namers.collect(), Hosts::system(rt.clone()));
        Interpreter::new(self.base.clone(), Arc::new(namers), self.transformers.clone(), rt)
    }
}
