//! A router's table and what discovery knows, recorded: enough to resolve names at another time and
//! place as the router would.
//!
//! [`Recorder`] makes a [`Snapshot`] of live namers, and [`Snapshot::interpreter`] answers from it.
//! Nothing is asked of the network then: a name that was not recorded is negative, and a host that was
//! not recorded is said to be unknown.
//!
//! As a file it is JSON, laid out so that two of them can be compared line by line:
//!
//! ```json
//! {
//!   "version": 1,
//!   "taken": "2026-11-25T12:00:00Z",
//!   "source": "linkerd.yaml",
//!   "router": "http",
//!   "dtab": [
//!     { "at": "linkerd.yaml:15:5", "dentry": "/svc => /#/io.l5d.fs" }
//!   ],
//!   "transformers": [{ "kind": "io.l5d.port", "port": 4141 }],
//!   "namers": [
//!     {
//!       "prefix": "/#/io.l5d.fs",
//!       "transformers": [],
//!       "names": {
//!         "/#/io.l5d.fs/bad": { "failed": "malformed address: 10.0.0.1" },
//!         "/#/io.l5d.fs/gone": "neg",
//!         "/#/io.l5d.fs/late": "pending",
//!         "/#/io.l5d.fs/locked": { "unanswered": "it cannot be read" },
//!         "/#/io.l5d.fs/web": [
//!           { "ip": "10.0.0.1", "port": 8080 },
//!           { "ip": "10.0.0.2", "port": 8080, "meta": { "endpoint_addr_weight": 0.5 } }
//!         ]
//!       }
//!     },
//!     {
//!       "prefix": "/#/rw",
//!       "transformers": [],
//!       "rewrite": { "pattern": "/{service}", "name": "/svc/{service}" }
//!     }
//!   ],
//!   "hosts": { "db.example": ["10.0.0.9"], "none.example": "neg" },
//!   "left_out": []
//! }
//! ```
//!
//! | member | is |
//! |---|---|
//! | `version` | of this format; a reader refuses those that it does not know |
//! | `taken`, `source`, `router` | when, of what, and which router; for people |
//! | `dtab` | the entries as they are written, each with `FILE:LINE:COLUMN` if it stands in a text |
//! | `namers` | in the order in which they are tried |
//! | `names` | every name of a namer: its addresses, or why there are none |
//! | `transformers` | as a configuration has them |
//! | `hosts` | the hosts that entries name by `/$/inet/…` |
//! | `left_out` | what could not be recorded, in words |
//!
//! A name that has `failed` is bound, and its address cannot be known; one that is `unanswered` fails
//! as a whole. It may also be bound to a name that is `"gone"`, or to an answer, `{"status": 503}`. Names
//! that are not there at all are as good as `"neg"`.

mod json;
mod record;
mod replay;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use dtab::{Addr, Dtab, Path};

use crate::config::kinds::TransformerConfig;

pub use self::json::{read, to_json};
pub use self::record::Recorder;
pub use self::replay::known_hosts;
pub use self::table::one_line;

/// The version of the format that is written, and the only one that is read.
pub const VERSION: u64 = 1;

/// What was recorded of a router.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// When.
    pub taken: SystemTime,
    /// Of what: a file, or the URL of an admin server.
    pub source: String,
    /// The label of the router; empty where there is none but a table.
    pub router: String,
    /// Its table, whose entries know their places.
    pub dtab: Dtab,
    /// The transformers of its interpreter.
    pub transformers: Vec<TransformerConfig>,
    /// Its namers, in the order in which they are tried.
    pub namers: Vec<RecordedNamer>,
    /// The hosts that are known; `None` for one that does not exist.
    pub hosts: BTreeMap<String, Option<Vec<IpAddr>>>,
    /// What could not be recorded, in words.
    pub left_out: Vec<String>,
}

impl Snapshot {
    /// A table without namers, of now.
    pub fn of_table(source: &str, dtab: Dtab) -> Self {
        Snapshot {
            taken: SystemTime::now(),
            source: source.to_owned(),
            router: String::new(),
            dtab,
            transformers: Vec::new(),
            namers: Vec::new(),
            hosts: BTreeMap::new(),
            left_out: Vec::new(),
        }
    }
}

/// A namer, as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedNamer {
    /// What its names begin with, `/#/io.l5d.fs`.
    pub prefix: Path,
    /// What is done to its answers.
    pub transformers: Vec<TransformerConfig>,
    /// What it answers.
    pub answers: Answers,
}

/// What a namer answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Answers {
    /// These names, prefix included, and what follows them as residual; nothing else.
    Names(BTreeMap<Path, NameState>),
    /// Other names, by the rule of `io.l5d.rewrite`.
    Rewrite {
        /// What a name must match behind the prefix.
        pattern: String,
        /// What it becomes.
        name: String,
    },
}

/// What was known of a name.
#[derive(Clone, Debug, PartialEq)]
pub enum NameState {
    /// It is there, with this address, which may have failed.
    Bound(Addr),
    /// It is not there.
    Neg,
    /// Its namer cannot tell, for this reason.
    Failed(Arc<str>),
    /// Not known in time.
    Pending,
}
