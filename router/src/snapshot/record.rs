//! Makes a snapshot of live namers.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use dtab::{Activity, Dtab, Explore, Name, NameTree, Namers, Path, Resolver};
use tokio::time::Instant;

use super::replay::state_of;
use super::{Answers, NameState, RecordedNamer, Snapshot};
use crate::config::kinds::{NamerConfig, NamerKind, TransformerConfig, TransformerKind};
use crate::config::{Config, RouterConfig};
use crate::interpreter::Interpreter;
use crate::namer::fs::names_below;
use crate::naming::{LiveNamer, Watch};

/// What there is to know of a router to record it, beside what its interpreter answers.
#[derive(Clone, Debug)]
pub struct Recorder {
    source: String,
    router: String,
    /// In the order in which they are tried.
    namers: Vec<NamerConfig>,
    transformers: Vec<TransformerConfig>,
}

impl Recorder {
    /// Records a router of a configuration.
    pub fn of(config: &Config, router: &RouterConfig) -> Self {
        Recorder {
            source: config.source.name().to_owned(),
            router: router.label.clone(),
            namers: config.namers.iter().rev().cloned().collect(),
            transformers: router.interpreter.transformers.clone(),
        }
    }

    /// Records a table with these namers, of which the last one is tried first.
    pub fn of_table(source: &str, namers: &[NamerConfig]) -> Self {
        Recorder {
            source: source.to_owned(),
            router: String::new(),
            namers: namers.iter().rev().cloned().collect(),
            transformers: Vec::new(),
        }
    }

    /// The namers without their names, and the transformers; no table, and no hosts.
    pub fn blank(&self) -> Snapshot {
        let mut blank = Snapshot::of_table(&self.source, Dtab::empty());
        blank.router.clone_from(&self.router);
        let left_out = &mut blank.left_out;
        blank.transformers = expressible(&self.transformers, "the router", left_out);
        for config in &self.namers {
            let prefix = Path::from_segments(["#"]).concat(&config.prefix);
            let owner = format!("the namer at {prefix}");
            let transformers = expressible(&config.transformers, &owner, left_out);
            let answers = match &config.kind {
                NamerKind::Fs(_) => Answers::Names(BTreeMap::new()),
                NamerKind::Rewrite(rule) => {
                    Answers::Rewrite { pattern: rule.pattern.clone(), name: rule.name.clone() }
                }
            };
            blank.namers.push(RecordedNamer { prefix, transformers, answers });
        }
        blank
    }

    /// What `interpreter`, which was built of the same configuration, knows now; with `base` for its
    /// table. What is not known after `patience` is recorded as that.
    pub async fn record(
        &self,
        interpreter: &Interpreter,
        base: &Dtab,
        patience: Duration,
    ) -> Snapshot {
        let until = Instant::now() + patience;
        let mut snapshot = Snapshot { dtab: base.clone(), ..self.blank() };
        let left_out = &mut snapshot.left_out;
        let live = interpreter.namers().iter().map(|(_, live)| live);
        let namers = self.namers.iter().zip(live).zip(&mut snapshot.namers);
        for ((config, live), recorded) in namers {
            let (NamerKind::Fs(fs), prefix) = (&config.kind, &recorded.prefix) else { continue };
            let root = fs.root_dir.clone();
            let listed = tokio::task::spawn_blocking(move || names_below(&root)).await;
            let (names, whole) = listed.unwrap_or((Vec::new(), false));
            if !whole {
                left_out.push(format!("some names of the namer at {prefix}: there are too many"));
            }
            let names = names.iter().map(|name| prefix.concat(name));
            recorded.answers = Answers::Names(states(&**live, names, until, left_out).await);
        }
        let mut ends: Vec<Path> = interpreter.bound().into_iter().map(|bound| bound.id).collect();
        for dentry in base {
            dentry.dst.for_each_leaf(&mut |leaf| ends.push(leaf.clone()));
        }
        let watches = hosts_of(&ends).into_iter().map(|host| {
            let watch = interpreter.namers().hosts().watch(&host);
            (host, watch)
        });
        for (host, mut watch) in watches.collect::<Vec<_>>() {
            match settled(&mut watch, until).await {
                Activity::Ok(addresses) => drop(snapshot.hosts.insert(host, addresses)),
                Activity::Pending => left_out.push(format!("the host {host}: not known in time")),
                Activity::Failed(why) => left_out.push(why.to_string()),
            }
        }
        snapshot
    }
}

/// What a namer says of these names, all asked at once.
async fn states(
    live: &dyn LiveNamer,
    names: impl Iterator<Item = Path>,
    until: Instant,
    left_out: &mut Vec<String>,
) -> BTreeMap<Path, NameState> {
    let watches: Vec<_> = names.map(|name| (live.watch(&name), name)).collect();
    let mut states = BTreeMap::new();
    for (mut watch, name) in watches {
        match state_of(&settled(&mut watch, until).await) {
            Some(state) => drop(states.insert(name, state)),
            None => left_out.push(format!("{name}: it becomes another name")),
        }
    }
    states
}

/// The value once it is known, or as it is when time is up.
async fn settled<T: Clone + Send + Sync + 'static>(
    watch: &mut Watch<T>,
    until: Instant,
) -> Activity<T> {
    let known = watch.wait_for(|state| !matches!(state, Activity::Pending));
    // A watch that has ended is as it is.
    let _ = tokio::time::timeout_at(until, known).await;
    watch.borrow().clone()
}

/// The transformers that do the same on every machine.
fn expressible(
    transformers: &[TransformerConfig],
    owner: &str,
    left_out: &mut Vec<String>,
) -> Vec<TransformerConfig> {
    let mut kept = Vec::new();
    for transformer in transformers {
        match transformer.kind {
            TransformerKind::Localhost => left_out.push(format!(
                "the transformer io.l5d.localhost of {owner}: it goes by the machine that it runs on"
            )),
            _ => kept.push(transformer.clone()),
        }
    }
    kept
}

/// The hosts of which the built-in names among these ask, in lower case. The evaluator itself says
/// which they are.
fn hosts_of(names: &[Path]) -> BTreeSet<String> {
    struct Noting(RefCell<BTreeSet<String>>);
    impl Namers for Noting {
        fn lookup(&self, _: &Path) -> Activity<NameTree<Name>> {
            Activity::Ok(NameTree::Neg)
        }

        fn host(&self, name: &str) -> Activity<Option<Vec<IpAddr>>> {
            self.0.borrow_mut().insert(name.to_ascii_lowercase());
            Activity::Ok(None)
        }
    }
    let noting = Noting(RefCell::default());
    let none = Dtab::empty();
    let resolver = Resolver { base: &none, local: &none, namers: &noting, transformers: &[] };
    for name in names {
        resolver.resolve(name, Explore::All);
    }
    noting.0.into_inner()
}
