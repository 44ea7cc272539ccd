//! What a handshake with a caller goes by.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use rustls::sign::SingleCertAndKey;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::reload::Live;
use super::{Fault, ciphers, identity, provider_with, trust};
use crate::config::ServerTlsConfig;

/// The TLS of one server. Each handshake goes by the files as they are then.
pub(crate) type ServerTls = Live<ServerConfig>;

/// HTTP/1.1, as handshakes name it.
pub(super) const HTTP_1: &[u8] = b"http/1.1";

/// HTTP/2, likewise.
pub(crate) const HTTP_2: &[u8] = b"h2";

/// Sets TLS up for the server that `subject` names in the log.
///
/// `protocols` are spoken, the first one rather than the next.
pub(crate) fn load(
    config: &ServerTlsConfig,
    protocols: &[&[u8]],
    subject: String,
) -> Result<Arc<ServerTls>, Fault> {
    let protocols: Vec<_> = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let versions = ciphers::versions(config.protocols.as_deref())?;
    let provider = provider_with(config.ciphers.as_deref())?;
    let trusted = if config.require_client_auth {
        Some(trust::paths(config.ca_cert.as_slice())?)
    } else {
        None
    };
    let paths: Vec<PathBuf> =
        identity::paths(&config.identity).chain(trusted.iter().flatten().cloned()).collect();
    let own = config.identity.clone();
    Live::load(subject, paths, move |files| {
        let identity = identity::load(&own, files)?;
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&versions)
            .map_err(|_| no_common_suite())?;
        let builder = match &trusted {
            Some(paths) => {
                let authorities = trust::authorities(paths, files)?;
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(authorities, provider.clone())
                        .build()
                        .map_err(|error| Fault::new(error.to_string(), "check `caCertPath`"))?;
                builder.with_client_cert_verifier(verifier)
            }
            None => builder.with_no_client_auth(),
        };
        // Whatever name the caller asks for: a server has one certificate.
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(identity)));
        config.alpn_protocols.clone_from(&protocols);
        Ok(config)
    })
}

fn no_common_suite() -> Fault {
    Fault::new(
        "`ciphers` has no suite for any of the `protocols`",
        "suites whose names begin with TLS_AES or TLS_CHACHA20 are for TLSv1.3, all others for TLSv1.2",
    )
}

impl ServerTls {
    /// The server's side of a handshake.
    pub(crate) async fn accept(&self, socket: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        TlsAcceptor::from(self.current()).accept(socket).await
    }
}
