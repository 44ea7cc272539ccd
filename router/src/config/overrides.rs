//! `overrides` of a server: how far callers are trusted with tables of their own. A key of ours;
//! Linkerd trusts every caller.

use std::path::PathBuf;
use std::sync::Arc;

use dtab::Path;

/// `overrides`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OverridesConfig {
    /// `trust`; unless given, `trusted` for a server on a loopback address and `scoped` for others.
    pub trust: Option<Trust>,
    /// `prefixes`: what may stand on the left of an entry of a scoped override: one of these paths,
    /// or anything below; anything at all if absent.
    pub prefixes: Option<Vec<Path>>,
    /// `destinations`: what may stand on the right, and what a name may be bound to under an
    /// override: one of these paths, or anything below; anything if absent.
    pub destinations: Option<Vec<Path>>,
    /// `maxBytes` of the headers of one request; 4096 unless given.
    pub max_bytes: Option<u32>,
    /// `maxDentries` of one request; 32 unless given.
    pub max_dentries: Option<u32>,
    /// `maxDepth`: steps from a name to its end under an override; 100, Finagle's limit, unless given.
    pub max_depth: Option<u32>,
    /// `signing`: overrides must be signed.
    pub signing: Option<Arc<SigningConfig>>,
}

/// `overrides.trust`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Overrides are removed unread.
    Off,
    /// Any override, as in Linkerd.
    Trusted,
    /// Within limits.
    Scoped,
}

/// `overrides.signing`: an override counts only with a signature that is not too old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningConfig {
    /// `keyPath`: a file with the shared secret.
    pub key: PathBuf,
}
