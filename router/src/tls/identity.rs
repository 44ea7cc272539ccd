//! Our own certificate with its key.

use std::path::{Path, PathBuf};

use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::files::Files;
use super::{Fault, pem, provider};
use crate::config::IdentityConfig;

/// The files of an identity.
pub(super) fn paths(config: &IdentityConfig) -> impl Iterator<Item = PathBuf> {
    [&config.cert, &config.key].into_iter().chain(&config.intermediates).cloned()
}

/// The chain and the key, which belong together.
pub(super) fn load(config: &IdentityConfig, files: &Files) -> Result<CertifiedKey, Fault> {
    let mut chain = pem::certificates(files, &config.cert)?;
    if let Some(intermediates) = &config.intermediates {
        chain.extend(pem::certificates(files, intermediates)?);
    }
    let key = pem::private_key(files, &config.key)?;
    let key = provider().key_provider.load_private_key(key).map_err(|_| {
        Fault::new(
            format!("the key in {} is of no kind that can be used", config.key.display()),
            "RSA of 2048 to 8192 bits, ECDSA on P-256, P-384 and P-521, and Ed25519 can",
        )
    })?;
    let identity = CertifiedKey::new(chain, key);
    match identity.keys_match() {
        // Not every kind of key can be compared.
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
        Err(rustls::Error::InconsistentKeys(_)) => {
            let (cert, key) = (config.cert.display(), config.key.display());
            return Err(Fault::new(
                format!("the key in {key} does not belong to the certificate in {cert}"),
                "they must be of one pair; of several certificates the key's own comes first",
            ));
        }
        Err(_) => {
            let cert = config.cert.display();
            return Err(Fault::new(
                format!("the certificate in {cert} cannot be read"),
                "it must be an X.509 certificate of version 3",
            ));
        }
    }
    if let Some(certificate) = identity.cert.first() {
        warn_unless_valid_now(&config.cert, certificate);
    }
    Ok(identity)
}

/// It is for those who are shown a certificate to refuse it; they will, if it has expired.
fn warn_unless_valid_now(path: &Path, certificate: &[u8]) {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return };
    let validity = certificate.validity();
    if !validity.is_valid() {
        let (from, to) = (validity.not_before, validity.not_after);
        tracing::warn!(path = %path.display(), %from, %to, "a certificate is not valid today");
    }
}
