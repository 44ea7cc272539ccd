//! TLS with callers, with services and with operators.
//!
//! ```text
//! files ─► pem ─► identity, trust ─┬─► server   what a handshake with a caller goes by
//!   ▲                              └─► client   what a handshake with a service goes by
//!   └── reload: looks at the files again, and swaps the result if it is good
//! ```
//!
//! The cryptography is aws-lc-rs, named in every configuration that is built here: never the process's
//! default, which any crate may set.

mod ciphers;
pub(crate) mod client;
mod explain;
mod files;
mod identity;
pub(crate) mod peer;
mod pem;
pub(crate) mod reload;
pub(crate) mod server;
pub(crate) mod setup;
mod trust;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

pub(crate) use self::explain::explain;
pub use self::setup::check;

/// Why TLS cannot be set up, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {help}")]
pub(crate) struct Fault {
    what: String,
    help: String,
}

impl Fault {
    fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        Fault { what: what.into(), help: help.into() }
    }

    /// What rustls refuses although the files could be read.
    fn unusable(error: &rustls::Error) -> Self {
        Fault::new(format!("TLS cannot be set up: {error}"), "check the files and keys of `tls`")
    }
}

fn provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

/// The provider with only these cipher suites; with all of them if none are given.
fn provider_with(ciphers: Option<&[String]>) -> Result<Arc<CryptoProvider>, Fault> {
    let mut provider = provider();
    if let Some(names) = ciphers {
        provider.cipher_suites = ciphers::suites(names)?;
    }
    Ok(Arc::new(provider))
}
