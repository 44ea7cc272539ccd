//! The JSON of why a name does not lead to a destination. Ours, not Linkerd's.
//!
//! ```json
//! {
//!   "path": "/svc/web", "destination": "/#/io.l5d.fs/web", "reaches": false, "probability": 0.0,
//!   "answer": "/svc/web does not reach /#/io.l5d.fs/web: it is bound to /#/io.l5d.fs/web-v2, 1 address.",
//!   "reasons": [
//!     { "path": "/svc/web", "kind": "shadowed",
//!       "sentence": "/svc => /#/io.l5d.fs (web.dtab:1:1) would lead there, but …",
//!       "dentry": { "table": "base", "index": 1, "of": 2, "prefix": "/svc/web",
//!                   "dst": "/#/io.l5d.fs/web-v2" } }
//!   ],
//!   "would": [
//!     { "dtab": "/svc/web => /#/io.l5d.fs/web",
//!       "sentence": "With the override /svc/web => /#/io.l5d.fs/web, /svc/web reaches …" }
//!   ]
//! }
//! ```
//!
//! `kind` is one of [`ReasonKind::ALL`](crate::why_not::ReasonKind::ALL); `dentry`, as in the steps of
//! a resolution, is null where no entry is in the way; `dtab` is the whole override, as a `l5d-dtab`
//! header has it.

use serde_json::{Value, json};

use crate::why_not::{Reason, WhyNot};

/// The answer as JSON.
pub fn why_not(why: &WhyNot) -> Value {
    let reason = |reason: &Reason| {
        json!({
            "path": reason.path.to_string(),
            "dentry": reason.dentry.as_ref().map(super::view::dentry),
            "kind": reason.kind.name(),
            "sentence": reason.sentence,
        })
    };
    let would =
        why.would.iter().map(|would| json!({ "dtab": would.text(), "sentence": would.sentence }));
    json!({
        "path": why.path.to_string(),
        "destination": why.destination.to_string(),
        "reaches": why.reaches,
        "probability": why.probability,
        "answer": why.answer,
        "reasons": why.reasons.iter().map(reason).collect::<Vec<_>>(),
        "would": would.collect::<Vec<_>>(),
    })
}
