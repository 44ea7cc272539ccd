//! Which certificates of services are believed.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::Fault;

/// The usual check, but that a certificate without any subject alternative name may have its name in
/// the subject, as Java allows and RFC 6125, 6.4.4 once did.
#[derive(Debug)]
pub(super) struct SanOrCommonName(Arc<WebPkiServerVerifier>);

impl SanOrCommonName {
    pub(super) fn new(
        authorities: Arc<RootCertStore>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, Fault> {
        let verifier = WebPkiServerVerifier::builder_with_provider(authorities, provider).build();
        let verifier =
            verifier.map_err(|error| Fault::new(error.to_string(), "check the files to trust"))?;
        Ok(SanOrCommonName(verifier))
    }
}

impl ServerCertVerifier for SanOrCommonName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        use CertificateError::{NotValidForName, NotValidForNameContext};
        let verified = self.0.verify_server_cert(certificate, intermediates, name, ocsp, now);
        // The name is looked at last: of a certificate that is for another one, all else is good.
        let wrong_name = matches!(
            verified,
            Err(Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }))
        );
        if !wrong_name {
            return verified;
        }
        match common_name(certificate) {
            Some(common) if matches(&common, name) => Ok(ServerCertVerified::assertion()),
            Some(common) => Err(Error::InvalidCertificate(NotValidForNameContext {
                expected: name.to_owned(),
                presented: vec![common],
            })),
            None => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// The last common name of the subject, if the certificate has no alternative name.
fn common_name(certificate: &[u8]) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    if !matches!(certificate.subject_alternative_name(), Ok(None)) {
        return None;
    }
    let last = certificate.subject().iter_common_name().last()?;
    last.as_str().ok().map(str::to_owned)
}

/// Whether a common name is this host, or has `*` for its first label.
fn matches(common: &str, name: &ServerName<'_>) -> bool {
    let ServerName::DnsName(host) = name else { return false };
    let host = host.as_ref();
    common.eq_ignore_ascii_case(host)
        || common.strip_prefix("*.").zip(host.split_once('.')).is_some_and(|(rest, (_, domain))| {
            rest.contains('.') && rest.eq_ignore_ascii_case(domain)
        })
}

/// Believes everything, for `disableValidation`.
///
/// Not even the signature of the handshake is checked: it shows that the other side has the key of
/// its certificate, which says nothing if any certificate will do, and would refuse old certificates
/// that Linkerd takes.
#[derive(Debug)]
pub(super) struct AnyCertificate {
    schemes: Vec<SignatureScheme>,
}

impl AnyCertificate {
    pub(super) fn new(provider: &CryptoProvider) -> Self {
        AnyCertificate { schemes: provider.signature_verification_algorithms.supported_schemes() }
    }
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_name_is_a_host_or_has_one_star_for_its_first_label() {
        let is = |common: &str, host: &'static str| {
            matches(common, &ServerName::try_from(host).unwrap())
        };
        assert!(is("web.test", "web.test"));
        assert!(is("WEB.test", "web.TEST"));
        assert!(is("*.web.test", "a.web.test"));
        assert!(!is("web.test", "a.web.test"));
        assert!(!is("*.web.test", "web.test"));
        assert!(!is("*.web.test", "a.b.web.test"));
        assert!(!is("*.test", "web.test"), "a star for a whole domain is for nobody");
        assert!(!is("*", "web.test"));
        assert!(!is("127.0.0.1", "127.0.0.1"), "addresses are among the alternative names");
    }
}
