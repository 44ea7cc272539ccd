//! Answers from a snapshot, without a look at the world.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use dtab::{Activity, Addr, Bound, Failure, FailureKind, Name, NameTree, Path};
use tokio::runtime::Handle;

use super::{Answers, NameState, RecordedNamer, Snapshot};
use crate::interpreter::Interpreter;
use crate::namer::rewrite::RewriteNamer;
use crate::namer::transformed;
use crate::naming::{HostLookup, Hosts, LiveNamer, LiveNamers, Looked, Watch, constant};
use crate::transformer;

impl Snapshot {
    /// The interpreter of the recorded router. Fails with what is wrong with a rule of its namers.
    ///
    /// Nothing that it answers ever changes, so that there is nothing to wait for.
    pub fn interpreter(&self, rt: &Handle) -> Result<Arc<Interpreter>, Failure> {
        let hosts = known_hosts(self.hosts.clone(), rt.clone());
        let namers =
            self.namers.iter().map(|recorded| Ok((recorded.prefix.clone(), recorded.live()?)));
        let namers = LiveNamers::new(namers.collect::<Result<_, Failure>>()?, hosts);
        let transformers = self.transformers.iter().map(transformer::build).collect();
        Ok(Interpreter::new(self.dtab.clone(), Arc::new(namers), transformers, rt.clone()))
    }
}

impl RecordedNamer {
    fn live(&self) -> Result<Arc<dyn LiveNamer>, Failure> {
        let live: Arc<dyn LiveNamer> = match &self.answers {
            Answers::Names(names) => Arc::new(KnownNames(names.clone())),
            Answers::Rewrite { pattern, name } => {
                Arc::new(RewriteNamer::new(self.prefix.clone(), pattern, name)?)
            }
        };
        Ok(transformed(live, self.transformers.iter().map(transformer::build).collect()))
    }
}

/// The names of a namer; there are no others.
struct KnownNames(BTreeMap<Path, NameState>);

impl LiveNamer for KnownNames {
    fn watch(&self, path: &Path) -> Watch<NameTree<Name>> {
        let known = (0..=path.len()).find_map(|taken| {
            let id = path.take(taken);
            let state = self.0.get(&id)?;
            Some((state, id, path.drop_front(taken)))
        });
        constant(match known {
            None | Some((NameState::Neg, ..)) => Activity::Ok(NameTree::Neg),
            Some((NameState::Pending, ..)) => Activity::Pending,
            Some((NameState::Failed(why), ..)) => {
                Activity::Failed(Failure::new(FailureKind::Namer, why.clone()))
            }
            Some((NameState::Bound(addr), id, residual)) => {
                Activity::Ok(NameTree::Leaf(Name::Bound(Bound::new(id, residual, addr.clone()))))
            }
        })
    }

    fn bound_names(&self) -> Vec<Path> {
        let is_there = |state: &NameState| !matches!(state, NameState::Neg);
        self.0.iter().filter(|(_, state)| is_there(state)).map(|(name, _)| name.clone()).collect()
    }
}

/// These hosts, by their names in lower case; `None` is one that does not exist. Of others it cannot be
/// said whether they do: none is looked up.
pub fn known_hosts(hosts: BTreeMap<String, Option<Vec<IpAddr>>>, rt: Handle) -> Hosts {
    Hosts::with_source(Arc::new(KnownHosts(hosts)), rt)
}

struct KnownHosts(BTreeMap<String, Option<Vec<IpAddr>>>);

impl HostLookup for KnownHosts {
    fn known(&self, name: &str) -> Option<Activity<Option<Vec<IpAddr>>>> {
        Some(match self.0.get(name) {
            Some(addresses) => Activity::Ok(addresses.clone()),
            None => {
                let why = format!("the host {name} was not recorded, and is not looked up");
                Activity::Failed(Failure::new(FailureKind::Namer, why))
            }
        })
    }

    fn look_up(
        self: Arc<Self>,
        name: Arc<str>,
    ) -> Pin<Box<dyn Future<Output = Result<Looked, String>> + Send>> {
        Box::pin(async move { Err(format!("{name} is not looked up")) })
    }
}

/// What a namer said, as it is recorded; none for an answer that is not a bound name.
pub(super) fn state_of(answer: &Activity<NameTree<Name>>) -> Option<NameState> {
    Some(match answer {
        Activity::Pending => NameState::Pending,
        Activity::Failed(failure) => NameState::Failed(failure.message.clone()),
        Activity::Ok(NameTree::Neg) => NameState::Neg,
        Activity::Ok(NameTree::Leaf(Name::Bound(bound))) => match &bound.addr {
            Addr::Pending => NameState::Pending,
            addr => NameState::Bound(addr.clone()),
        },
        Activity::Ok(_) => return None,
    })
}
