//! HTTP/2 frame by frame: what happens to a stream on one side of the router happens to it on the
//! other, and what floods a connection ends it, and nothing else.

mod defences;
mod peer;
mod streams;

use std::time::Duration;

/// How long anything is waited for that is to happen at once.
const PATIENCE: Duration = Duration::from_secs(10);
