//! `tls` of servers, of the admin server and of clients.

use std::path::PathBuf;

use dtab::Place;

/// A certificate with its key, each a PEM file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityConfig {
    /// `certPath`: the certificate, and the chain behind it.
    pub cert: PathBuf,
    /// `keyPath`: the private key.
    pub key: PathBuf,
    /// `intermediateCertsPath`: more of the chain.
    pub intermediates: Option<PathBuf>,
}

/// `tls` of a server or of the admin server.
#[derive(Debug, Clone)]
pub struct ServerTlsConfig {
    /// Who we are.
    pub identity: IdentityConfig,
    /// `caCertPath`: who signs the certificates of callers; the system's authorities unless given.
    pub ca_cert: Option<PathBuf>,
    /// `requireClientAuth`: callers must have a certificate; they are asked for none unless given.
    pub require_client_auth: bool,
    /// `ciphers`, by their OpenSSL names; all that are safe unless given.
    pub ciphers: Option<Vec<String>>,
    /// `protocols`, such as `TLSv1.2`; 1.2 and 1.3 unless given.
    pub protocols: Option<Vec<String>>,
    /// Where it stands in the file.
    pub place: Place,
}

impl ServerTlsConfig {
    /// All of it but its place: what connections are made under.
    pub(crate) fn terms(&self) -> impl PartialEq + use<> {
        let ServerTlsConfig {
            identity,
            ca_cert,
            require_client_auth,
            ciphers,
            protocols,
            place: _,
        } = self.clone();
        (identity, ca_cert, require_client_auth, ciphers, protocols)
    }
}

/// `tls` of a client.
#[derive(Debug, Clone)]
pub struct ClientTlsConfig {
    /// Whether TLS is spoken; true when the section is there. False undoes an earlier entry.
    pub enabled: bool,
    /// Any certificate will do; not unless given.
    pub disable_validation: bool,
    /// The name that the certificate must have, `{captures}` of the entry's prefix replaced.
    pub common_name: Option<String>,
    /// PEM files of the authorities that are trusted; the system's if there are none.
    pub trust: Vec<PathBuf>,
    /// Who we are.
    pub client_auth: Option<IdentityConfig>,
    /// `protocols`, such as `TLSv1.2`; 1.2 and 1.3 unless given.
    pub protocols: Option<Vec<String>>,
    /// Where it stands in the file.
    pub place: Place,
}
