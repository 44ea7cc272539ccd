//! The other side of TLS: a client's settings, and a front that makes a plain backend speak it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::certs::Identity;

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn roots(pem: &str) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        roots.add(certificate.expect("PEM")).expect("certificate of an authority");
    }
    roots
}

fn chain(path: &Path) -> Vec<CertificateDer<'static>> {
    let certificates = CertificateDer::pem_file_iter(path).expect("certificate");
    certificates.map(|certificate| certificate.expect("PEM")).collect()
}

/// How a client speaks TLS: whom it trusts, who it is, which version.
#[derive(Debug, Clone)]
pub struct Caller {
    trusted: String,
    identity: Option<Identity>,
    versions: Vec<&'static SupportedProtocolVersion>,
}

impl Caller {
    /// One that trusts this authority (PEM) and has no certificate.
    pub fn trusting(authority: &str) -> Self {
        Caller {
            trusted: authority.to_owned(),
            identity: None,
            versions: vec![&version::TLS13, &version::TLS12],
        }
    }

    /// One with a certificate.
    pub fn identity(mut self, identity: &Identity) -> Self {
        self.identity = Some(identity.clone());
        self
    }

    /// One that speaks only this version.
    pub fn version(mut self, version: &'static SupportedProtocolVersion) -> Self {
        self.versions = vec![version];
        self
    }

    /// These settings for connections, whose sessions are resumed among them.
    pub fn config(&self) -> Arc<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&self.versions)
            .expect("versions")
            .with_root_certificates(roots(&self.trusted));
        Arc::new(match &self.identity {
            Some(identity) => {
                let key = PrivateKeyDer::from_pem_file(&identity.key).expect("key");
                builder.with_client_auth_cert(chain(&identity.cert), key).expect("a pair")
            }
            None => builder.with_no_client_auth(),
        })
    }
}

/// A server that speaks TLS in front of a plain one. Dropping it closes its connections.
#[derive(Debug)]
pub struct Front {
    /// Where it listens.
    pub addr: SocketAddr,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Front {
    /// Shows this identity to every caller.
    pub fn start(behind: SocketAddr, identity: &Identity) -> Self {
        Self::start_with(behind, identity, None)
    }

    /// The same, for callers with a certificate of this authority (PEM) only.
    pub fn start_for(behind: SocketAddr, identity: &Identity, callers: &str) -> Self {
        Self::start_with(behind, identity, Some(callers))
    }

    fn start_with(behind: SocketAddr, identity: &Identity, callers: Option<&str>) -> Self {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("versions");
        let builder = match callers {
            Some(authority) => {
                let roots = Arc::new(roots(authority));
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
                builder.with_client_cert_verifier(verifier.build().expect("verifier"))
            }
            None => builder.with_no_client_auth(),
        };
        let key = PrivateKeyDer::from_pem_file(&identity.key).expect("key");
        let config = builder.with_single_cert(chain(&identity.cert), key).expect("a pair");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        listener.set_nonblocking(true).expect("non-blocking socket");
        let addr = listener.local_addr().expect("address");
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("runtime of a front");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("listener");
                tokio::select! {
                    () = accept(listener, acceptor, behind) => {}
                    _ = stopped => {}
                }
            });
        });
        Front { addr, running: Some((stop, thread)) }
    }

    /// Its line in a file of the discovery directory.
    pub fn fs_line(&self) -> String {
        format!("{} {}\n", self.addr.ip(), self.addr.port())
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            let _ = stop.send(());
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, behind: SocketAddr) {
    loop {
        let Ok((socket, _)) = listener.accept().await else { return };
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // A caller that does not like what it sees breaks the handshake off.
            let Ok(mut caller) = acceptor.accept(socket).await else { return };
            let Ok(mut service) = TcpStream::connect(behind).await else { return };
            let _ = tokio::io::copy_bidirectional(&mut caller, &mut service).await;
        });
    }
}
