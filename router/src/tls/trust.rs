//! The authorities whose certificates are believed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;

use super::files::Files;
use super::{Fault, pem};

/// Where systems keep the authorities that they trust, in one file.
const SYSTEM_BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Arch, Gentoo, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",   // Fedora, RHEL
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // CentOS, RHEL 7
    "/etc/ssl/ca-bundle.pem",             // openSUSE
    "/etc/ssl/cert.pem",                  // Alpine, macOS, BSD
];

/// The files to trust: those given, or the system's bundle. `SSL_CERT_FILE` names another one, as it
/// does for OpenSSL.
pub(super) fn paths(given: &[PathBuf]) -> Result<Vec<PathBuf>, Fault> {
    if !given.is_empty() {
        return Ok(given.to_vec());
    }
    if let Some(named) = std::env::var_os("SSL_CERT_FILE").filter(|named| !named.is_empty()) {
        return Ok(vec![named.into()]);
    }
    let found = SYSTEM_BUNDLES.iter().map(Path::new).find(|path| path.is_file());
    found.map(|path| vec![path.to_owned()]).ok_or_else(|| {
        Fault::new(
            format!(
                "this system has no bundle of authorities: none of {SYSTEM_BUNDLES:?} is there"
            ),
            "install one (ca-certificates), name one by SSL_CERT_FILE, or give the authorities in \
             `tls`",
        )
    })
}

/// The authorities in these files.
pub(super) fn authorities(paths: &[PathBuf], files: &Files) -> Result<Arc<RootCertStore>, Fault> {
    let mut authorities = RootCertStore::empty();
    for path in paths {
        let certificates = pem::certificates(files, path)?;
        let (usable, unusable) = authorities.add_parsable_certificates(certificates);
        if usable == 0 {
            return Err(Fault::new(
                format!("no certificate in {} can be that of an authority", path.display()),
                "they must be X.509 certificates",
            ));
        }
        if unusable > 0 {
            tracing::warn!(path = %path.display(), unusable, "authorities are left out");
        }
    }
    Ok(Arc::new(authorities))
}
