//! What the conformance vectors refer to: namer sets, transformers, and the case of a name that is
//! to be resolved.
//!
//! The README beside the vectors says what the test namer answers. All of this panics where a file
//! is not as described there.

mod case;
mod live;
mod namers;
mod transformers;

pub use case::Case;
pub use namers::{NamerSets, TestNamer};
pub use transformers::transformers;

use serde_json::Value;

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

fn path(text: &str) -> dtab::Path {
    dtab::Path::parse(text).expect("a path")
}
