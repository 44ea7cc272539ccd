//! What a handshake with a service goes by.

mod verify;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::danger::ServerCertVerifier;
use rustls::sign::SingleCertAndKey;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use self::verify::{AnyCertificate, SanOrCommonName};
use super::reload::{FromFiles, Live};
use super::server::{HTTP_1, HTTP_2};
use super::{Fault, ciphers, identity, provider_with, trust};
use crate::config::{ClientTlsConfig, ClientsConfig, HttpVersion, IdentityConfig};

/// The TLS of the clients of one router: each entry of `client` that has any, read once.
#[derive(Debug, Default)]
pub(crate) struct ClientsTls(Vec<(Settings, Arc<Live<ClientConfig>>)>);

/// All that entries may differ in, but for the name: that is the service's.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Settings {
    disable_validation: bool,
    trust: Vec<PathBuf>,
    client_auth: Option<IdentityConfig>,
    protocols: Option<Vec<String>>,
}

impl From<&ClientTlsConfig> for Settings {
    fn from(config: &ClientTlsConfig) -> Self {
        Settings {
            disable_validation: config.disable_validation,
            trust: config.trust.clone(),
            client_auth: config.client_auth.clone(),
            protocols: config.protocols.clone(),
        }
    }
}

/// How the connections of one client become TLS.
#[derive(Debug)]
pub(crate) struct Connector {
    config: Arc<Live<ClientConfig>>,
    /// Who the service must be; absent if it may be anybody.
    name: Option<ServerName<'static>>,
}

impl ClientsTls {
    /// Sets TLS up for the clients of the router of this label. Faults go to `faults`, with their place.
    pub(super) fn load(router: &str, clients: &ClientsConfig, faults: &mut Vec<String>) -> Self {
        let mut all: Vec<(Settings, Arc<Live<ClientConfig>>)> = Vec::new();
        for (prefix, entry) in &clients.entries {
            let Some(config) = entry.tls.as_ref().filter(|tls| tls.enabled) else { continue };
            if config.disable_validation {
                tracing::warn!(
                    router,
                    client = %prefix,
                    place = %config.place,
                    "disableValidation: any certificate is taken, so anybody on the way can read and \
                     change what is sent"
                );
            }
            let settings = Settings::from(config);
            if all.iter().any(|(known, _)| *known == settings) {
                continue;
            }
            let subject = format!("clients of {router} {prefix}");
            match load(&settings, subject) {
                Ok(live) => all.push((settings, live)),
                Err(fault) => faults.push(format!("{}: {fault}", config.place)),
            }
        }
        ClientsTls(all)
    }

    /// What is made of files here.
    pub(super) fn followers(&self) -> impl Iterator<Item = Arc<dyn FromFiles>> + '_ {
        self.0.iter().map(|(_, live)| live.clone() as Arc<dyn FromFiles>)
    }

    /// The connector of a client. Fails if its name, whose captures have been replaced, is none.
    pub(crate) fn connector(&self, config: &ClientTlsConfig) -> Result<Connector, String> {
        let settings = Settings::from(config);
        let known = self.0.iter().find(|(known, _)| *known == settings);
        let (_, live) = known.ok_or("its TLS was not set up")?;
        let name = match &config.common_name {
            Some(name) => Some(
                ServerName::try_from(name.clone())
                    .map_err(|_| format!("commonName `{name}` is no host name"))?,
            ),
            None => None,
        };
        Ok(Connector { config: live.clone(), name })
    }
}

fn load(settings: &Settings, subject: String) -> Result<Arc<Live<ClientConfig>>, Fault> {
    let versions = ciphers::versions(settings.protocols.as_deref())?;
    let provider = provider_with(None)?;
    let trusted =
        if settings.disable_validation { Vec::new() } else { trust::paths(&settings.trust)? };
    let own = settings.client_auth.clone();
    let paths: Vec<PathBuf> =
        own.iter().flat_map(identity::paths).chain(trusted.iter().cloned()).collect();
    let validates = !settings.disable_validation;
    Live::load(subject, paths, move |files| {
        let verifier: Arc<dyn ServerCertVerifier> = if validates {
            let authorities = trust::authorities(&trusted, files)?;
            Arc::new(SanOrCommonName::new(authorities, provider.clone())?)
        } else {
            Arc::new(AnyCertificate::new(&provider))
        };
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&versions)
            .map_err(|error| Fault::unusable(&error))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let config = match &own {
            Some(own) => {
                let identity = SingleCertAndKey::from(identity::load(own, files)?);
                builder.with_client_cert_resolver(Arc::new(identity))
            }
            None => builder.with_no_client_auth(),
        };
        Ok(config)
    })
}

impl Connector {
    /// The client's side of a handshake, with its failure explained.
    pub(crate) async fn connect(
        &self,
        socket: TcpStream,
        address: SocketAddr,
        version: HttpVersion,
    ) -> io::Result<TlsStream<TcpStream>> {
        // An address as the name means that none is sent.
        let name = self.name.clone().unwrap_or_else(|| ServerName::from(address.ip()));
        let connector = tokio_rustls::TlsConnector::from(self.config.current());
        let protocol = match version {
            HttpVersion::Http1 => HTTP_1,
            HttpVersion::Http2 => HTTP_2,
        };
        let connector = connector.with_alpn(vec![protocol.to_vec()]);
        let stream = connector.connect(name, socket).await.map_err(|error| {
            let why = super::explain(&error).unwrap_or_else(|| match error.kind() {
                io::ErrorKind::UnexpectedEof => {
                    "the service closed the connection; it may not speak TLS".to_owned()
                }
                _ => error.to_string(),
            });
            io::Error::new(error.kind(), format!("no TLS: {why}"))
        })?;
        if version == HttpVersion::Http2 && stream.get_ref().1.alpn_protocol() != Some(HTTP_2) {
            return Err(io::Error::other("the service does not speak HTTP/2 by TLS (ALPN)"));
        }
        Ok(stream)
    }
}
