//! From a configuration to what names requests and resolves names: identifiers, namers, transformers
//! and interpreters, live.
//!
//! The running router and the command line that explains a configuration both build them here.

use std::sync::Arc;

use dtab::{Failure, Path};
use http::header::InvalidHeaderName;
use tokio::runtime::Handle;

use crate::config::kinds::{IdentifierConfig, NamerConfig, NamerKind};
use crate::config::{Config, RouterConfig};
use crate::identifier::{
    HeaderIdentifier, HeaderPathIdentifier, HeaderTokenIdentifier, Identifier, IdentifierChain,
    MethodAndHostIdentifier, PathIdentifier, StaticIdentifier,
};
use crate::interpreter::Interpreter;
use crate::namer::fs::FsNamer;
use crate::namer::rewrite::RewriteNamer;
use crate::namer::transformed;
use crate::naming::{Hosts, LiveNamer, LiveNamers};
use crate::transformer;

/// The namers of a configuration, in the order in which they are tried: the last one first. What
/// they watch is watched on `rt`.
pub fn namers(config: &Config, rt: &Handle) -> Result<Arc<LiveNamers>, Failure> {
    namers_with(&config.namers, Hosts::system(rt.clone()))
}

/// The same of these namers, with host names from elsewhere.
pub fn namers_with(configured: &[NamerConfig], hosts: Hosts) -> Result<Arc<LiveNamers>, Failure> {
    let mut namers = Vec::new();
    for configured in configured.iter().rev() {
        let prefix = configured.name_prefix();
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

/// What names the requests of a router.
pub fn identifiers(router: &RouterConfig) -> Result<IdentifierChain, InvalidHeaderName> {
    let prefix = &router.dst_prefix;
    let build = |config: &IdentifierConfig| -> Result<Box<dyn Identifier>, InvalidHeaderName> {
        Ok(match config {
            IdentifierConfig::Header(config) => {
                Box::new(HeaderIdentifier::new(prefix.clone(), &config.header)?)
            }
            IdentifierConfig::HeaderToken(config) => {
                Box::new(HeaderTokenIdentifier::new(prefix.clone(), &config.header)?)
            }
            IdentifierConfig::MethodAndHost(config) => Box::new(
                MethodAndHostIdentifier::new(prefix.clone()).uri_in_name(config.http_uri_in_dst),
            ),
            IdentifierConfig::Path(config) => Box::new(
                PathIdentifier::new(prefix.clone(), config.segments).consume(config.consume),
            ),
            IdentifierConfig::HeaderPath(config) => Box::new(HeaderPathIdentifier::new(
                prefix.clone(),
                &config.header,
                config.segments,
            )?),
            IdentifierConfig::Static(config) => {
                Box::new(StaticIdentifier::new(prefix, &config.path))
            }
        })
    };
    let identifiers = router.identifiers.iter().map(build).collect::<Result<_, _>>()?;
    Ok(IdentifierChain::new(identifiers))
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
