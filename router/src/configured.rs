//! From a configuration to what resolves names: namers, transformers and interpreters, live.
//!
//! The running router and the command line that explains a configuration both build them here.

use std::sync::Arc;

use dtab::{Failure, Path};
use tokio::runtime::Handle;

use crate::config::kinds::{NamerConfig, NamerKind};
use crate::config::{Config, RouterConfig};
use crate::interpreter::Interpreter;
use crate::namer::fs::FsNamer;
use crate::namer::rewrite::RewriteNamer;
use crate::namer::transformed;
use crate::naming::{Hosts, LiveNamer, LiveNamers};
use crate::transformer;

/// The namers of a configuration, in the order in which they are tried: the last one first. What
/// they watch is watched on `rt`.
pub fn namers(config: &Config, rt: &Handle) -> Result<Arc<LiveNamers>, Failure> {
    let hosts = Hosts::system(rt.clone());
    let mut namers = Vec::new();
    for configured in config.namers.iter().rev() {
        let prefix = Path::from_segments(["#"]).concat(&configured.prefix);
        let live = namer(configured, &prefix, &hosts)?;
        let transformers = configured.transformers.iter().map(transformer::build).collect();
        namers.push((prefix, transformed(live, transformers)));
    }
    Ok(Arc::new(LiveNamers::new(namers, hosts)))
}

fn namer(
    config: &NamerConfig,
    prefix: &Path,
    hosts: &Hosts,
) -> Result<Arc<dyn LiveNamer>, Failure> {
    Ok(match &config.kind {
        NamerKind::Fs(fs) => {
            Arc::new(FsNamer::new(fs.root_dir.clone(), prefix.clone(), hosts.clone()))
        }
        NamerKind::Rewrite(rewrite) => {
            Arc::new(RewriteNamer::new(prefix.clone(), &rewrite.pattern, &rewrite.name)?)
        }
    })
}

/// The interpreter of a router, over the namers of its configuration.
pub fn interpreter(
    config: &RouterConfig,
    namers: Arc<LiveNamers>,
    rt: &Handle,
) -> Arc<Interpreter> {
    let transformers = config.interpreter.transformers.iter().map(transformer::build).collect();
    Interpreter::new(config.dtab.clone(), namers, transformers, rt.clone())
}
