//! What all namers have in common.

use dtab::Path;

use super::namer_fs::FsNamerConfig;
use super::namer_rewrite::RewriteNamerConfig;
use super::transformer::TransformerConfig;

/// A namer, which answers for the names under `/#` and its prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamerConfig {
    /// The kind and its own keys.
    pub kind: NamerKind,
    /// The path after `/#`: `/io.l5d.fs` for names like `/#/io.l5d.fs/web`.
    pub prefix: Path,
    /// Applied to every tree that this namer returns, in order.
    pub transformers: Vec<TransformerConfig>,
}

impl NamerConfig {
    /// The front of the names that it answers for: `/#/io.l5d.fs`.
    pub fn name_prefix(&self) -> Path {
        Path::from_segments(["#"]).concat(&self.prefix)
    }

    /// Whether it gives names other names, rather than addresses.
    pub fn rewrites(&self) -> bool {
        matches!(self.kind, NamerKind::Rewrite(_))
    }
}

/// The kinds of namers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamerKind {
    /// `io.l5d.fs`: a directory with a file of addresses for each name.
    Fs(FsNamerConfig),
    /// `io.l5d.rewrite`: a pattern that turns a name into another.
    Rewrite(RewriteNamerConfig),
}
