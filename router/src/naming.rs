//! Live names: what the evaluator sees as a snapshot, kept up to date.
//!
//! A [`LiveNamer`] answers a path with a [`Watch`]. A driver resolves a name against the present
//! states of all the watches that the resolution asks for, publishes the result, waits until one
//! of them changes and resolves again. So the data path, the delegator and the command line all
//! use the one pure evaluator of `dtab`.

mod asked;
mod driver;
mod hosts;
mod live_namers;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use dtab::{Activity, Name, NameTree, Path, Transformer};
use serde_json::{Value, json};
use tokio::sync::watch;

pub(crate) use self::asked::{Asked, any_changed};
pub use self::driver::{Binding, BindingHandle};
pub(crate) use self::driver::{Drivers, FIRST_ANSWERS, Table};
pub use self::hosts::{HostLookup, Hosts, Looked, SystemLookup};
pub use self::live_namers::LiveNamers;

/// A live value: its present state, and notice of every change.
///
/// When its sender is gone, the state is final.
pub type Watch<T> = watch::Receiver<Activity<T>>;

/// A value that never changes.
pub fn constant<T>(state: Activity<T>) -> Watch<T> {
    watch::channel(state).1
}

/// One configured namer, live.
pub trait LiveNamer: Send + Sync + 'static {
    /// The live answer for `path`, which begins with the namer's prefix.
    ///
    /// Cheap, and callable from any thread. What it starts ends when the last receiver is dropped.
    fn watch(&self, path: &Path) -> Watch<NameTree<Name>>;

    /// What is applied, in order, to every answer of [`LiveNamer::watch`] before it is used. It is
    /// not applied there since a `replace` or `const` takes a resolution of its own.
    fn transformers(&self) -> &[Transformer] {
        &[]
    }

    /// The names that the namer can list; none if it can't.
    fn bound_names(&self) -> Vec<Path> {
        Vec::new()
    }

    /// Every watch that is open now.
    fn watches(&self) -> Vec<WatchState> {
        Vec::new()
    }

    /// The watches as the admin server shows them.
    fn state(&self) -> Value {
        self.watches().iter().map(WatchState::to_json).collect()
    }
}

/// One open discovery watch, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchState {
    /// What is watched: a path, or a host name.
    pub name: String,
    /// `pending`, `ok`, `neg` or `failed`.
    pub state: &'static str,
    /// When it got that state or its present value.
    pub since: SystemTime,
    /// How often its state or value has changed; 0 until it is first known.
    pub version: u64,
    /// What is wrong with the source now. With the state `ok`, the value is the last good one.
    pub error: Option<String>,
}

impl WatchState {
    /// `{"name", "state", "since", "age", "version", "error"}`; the time in seconds since 1970, the
    /// age in seconds.
    pub fn to_json(&self) -> Value {
        let WatchState { name, state, since, version, error } = self;
        let age = seconds(since.elapsed().unwrap_or_default());
        let since = seconds(since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default());
        json!({
            "name": name,
            "state": state,
            "since": since,
            "age": age,
            "version": version,
            "error": error,
        })
    }
}

/// To the millisecond.
fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e3).round() / 1e3
}
