//! Certificates that a test makes for itself.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};

/// An authority, with a directory for its files.
#[derive(Debug)]
pub struct Authority {
    dir: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate with its key, as files.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate, PEM.
    pub cert: PathBuf,
    /// Its key, PKCS#8 PEM.
    pub key: PathBuf,
}

impl Authority {
    /// An authority whose certificate is in `NAME.pem` of a directory.
    pub fn new(dir: &Path, name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = subject(&[(DnType::CommonName, name)]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("key of an authority");
        let pem = params.self_signed(&key).expect("certificate of an authority").pem();
        fs::write(dir.join(format!("{name}.pem")), &pem).expect("file of an authority");
        Authority { dir: dir.to_owned(), issuer: Issuer::new(params, key), pem }
    }

    /// Its own certificate, PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The file with its own certificate.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.pem"))
    }

    /// A certificate for these DNS names, in `FILE.pem` and `FILE.key`.
    pub fn issue(&self, file: &str, names: &[&str]) -> Identity {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("DNS names");
        params.distinguished_name = subject(&[(DnType::CommonName, file)]);
        self.sign(file, params)
    }

    /// [`Self::issue`] with an RSA key.
    pub fn issue_rsa(&self, file: &str, names: &[&str]) -> Identity {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let params = CertificateParams::new(names).expect("DNS names");
        let key = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("RSA key");
        self.files(file, &self.certificate(params, &key), &key.serialize_pem())
    }

    /// A certificate with these parameters, in `FILE.pem` and `FILE.key`.
    pub fn sign(&self, file: &str, params: CertificateParams) -> Identity {
        let (cert, key) = self.pair(params);
        self.files(file, &cert, &key)
    }

    fn files(&self, file: &str, cert: &str, key: &str) -> Identity {
        let identity = Identity {
            cert: self.dir.join(format!("{file}.pem")),
            key: self.dir.join(format!("{file}.key")),
        };
        identity.replace(cert, key);
        identity
    }

    /// A fresh pair for these DNS names: certificate and key, PEM.
    pub fn fresh(&self, names: &[&str]) -> (String, String) {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        self.pair(CertificateParams::new(names).expect("DNS names"))
    }

    fn pair(&self, params: CertificateParams) -> (String, String) {
        let key = KeyPair::generate().expect("key");
        (self.certificate(params, &key), key.serialize_pem())
    }

    fn certificate(&self, mut params: CertificateParams, key: &KeyPair) -> String {
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.signed_by(key, &self.issuer).expect("certificate").pem()
    }
}

impl Identity {
    /// Other content for both files, each swapped by a rename.
    pub fn replace(&self, cert: &str, key: &str) {
        for (path, content) in [(&self.cert, cert), (&self.key, key)] {
            let fresh = path.with_added_extension("new");
            fs::write(&fresh, content).expect("file of an identity");
            fs::rename(&fresh, path).expect("file of an identity");
        }
    }

    /// `certPath: …, keyPath: …` for a flow mapping of YAML.
    pub fn yaml(&self) -> String {
        format!("certPath: {}, keyPath: {}", self.cert.display(), self.key.display())
    }
}

/// A distinguished name of these parts, in this order.
pub fn subject(parts: &[(DnType, &str)]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    for (kind, value) in parts {
        name.push(kind.clone(), *value);
    }
    name
}

/// A URI among the alternative names of a certificate.
pub fn uri(uri: &str) -> SanType {
    SanType::URI(uri.try_into().expect("a URI in ASCII"))
}
