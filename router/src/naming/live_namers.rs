//! The configured namers, in the order in which they are tried.

use std::fmt;
use std::sync::Arc;

use dtab::Path;
use serde_json::{Map, Value};

use super::{Hosts, LiveNamer, WatchState};

/// All configured namers, and host names.
pub struct LiveNamers {
    namers: Vec<(Path, Arc<dyn LiveNamer>)>,
    hosts: Hosts,
}

impl LiveNamers {
    /// These namers under their prefixes, tried in this order.
    pub fn new(namers: Vec<(Path, Arc<dyn LiveNamer>)>, hosts: Hosts) -> Self {
        LiveNamers { namers, hosts }
    }

    /// Every prefix and its namer, in the order in which they are tried.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &Arc<dyn LiveNamer>)> {
        self.namers.iter().map(|(prefix, namer)| (prefix, namer))
    }

    /// Host names.
    pub fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// The configured prefixes.
    pub fn prefixes(&self) -> Vec<Path> {
        self.namers.iter().map(|(prefix, _)| prefix.clone()).collect()
    }

    /// All names that namers can list.
    pub fn bound_names(&self) -> Vec<Path> {
        self.namers.iter().flat_map(|(_, namer)| namer.bound_names()).collect()
    }

    /// Every open discovery watch, host names included.
    pub fn watches(&self) -> Vec<WatchState> {
        let namers = self.namers.iter().flat_map(|(_, namer)| namer.watches());
        namers.chain(self.hosts.watches()).collect()
    }

    /// The states by prefix, and the host names under `hosts`. Of several namers with the same
    /// prefix, the later ones come in the same list.
    pub fn state(&self) -> Value {
        let mut states = Map::new();
        for (prefix, namer) in &self.namers {
            match (states.get_mut(&prefix.to_string()), namer.state()) {
                (Some(Value::Array(there)), Value::Array(more)) => there.extend(more),
                (_, state) => {
                    states.insert(prefix.to_string(), state);
                }
            }
        }
        let hosts = self.hosts.watches().iter().map(WatchState::to_json).collect();
        states.insert("hosts".to_owned(), hosts);
        Value::Object(states)
    }

    /// The namers whose prefix begins `path`, with their place in the order.
    pub(super) fn matching(&self, path: &Path) -> impl Iterator<Item = (usize, &dyn LiveNamer)> {
        let namers = self.namers.iter().enumerate();
        let matches = namers.filter(|(_, (prefix, _))| path.starts_with(prefix));
        matches.map(|(at, (_, namer))| (at, &**namer))
    }
}

impl fmt::Debug for LiveNamers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.namers.iter().map(|(prefix, _)| prefix)).finish()
    }
}
