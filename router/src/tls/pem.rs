//! Certificates and keys out of PEM files, and what is wrong with a file that has none.

use std::path::Path;

use rustls_pki_types::pem::{Error, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::Fault;
use super::files::Files;

/// The certificates of a file, in their order; at least one.
pub(super) fn certificates(
    files: &Files,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let bytes = files.get(path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => {
            let what = format!("no certificate in {}: it {}", path.display(), content(bytes));
            Err(Fault::new(what, certificate_help(bytes)))
        }
        Err(error) => Err(broken(path, &error)),
    }
}

/// The first private key of a file.
pub(super) fn private_key(files: &Files, path: &Path) -> Result<PrivateKeyDer<'static>, Fault> {
    let bytes = files.get(path)?;
    // PKCS#8 has a label of its own for it, the older forms a header.
    if labels(bytes).any(|label| label == "ENCRYPTED PRIVATE KEY")
        || contains(bytes, b"Proc-Type: 4,ENCRYPTED")
    {
        return Err(Fault::new(
            format!("{} holds an encrypted private key", path.display()),
            "there is nowhere to give a password; decrypt it: openssl pkey -in OLD -out NEW",
        ));
    }
    match PrivateKeyDer::pem_slice_iter(bytes).next() {
        Some(Ok(key)) => Ok(key),
        Some(Err(error)) => Err(broken(path, &error)),
        None => {
            let what = format!("no private key in {}: it {}", path.display(), content(bytes));
            Err(Fault::new(what, key_help(bytes)))
        }
    }
}

fn broken(path: &Path, error: &Error) -> Fault {
    let why = match error {
        Error::MissingSectionEnd { .. } => "a section does not end".to_owned(),
        Error::IllegalSectionStart { .. } => "a section begins with no proper line".to_owned(),
        Error::Base64Decode(_) => "it has something that is not base64".to_owned(),
        _ => error.to_string(),
    };
    Fault::new(
        format!("{} is broken PEM: {why}", path.display()),
        "write it again; each section goes from a BEGIN line to an END line, with base64 between",
    )
}

/// What a file is, in words that follow its name.
fn content(bytes: &[u8]) -> String {
    let mut found: Vec<_> = labels(bytes).map(|label| format!("`{label}`")).collect();
    found.dedup();
    if !found.is_empty() {
        return format!("holds {}", found.join(", "));
    }
    if bytes.trim_ascii().is_empty() {
        "is empty".to_owned()
    } else if is_der(bytes) {
        "is DER, not PEM".to_owned()
    } else {
        "is not PEM".to_owned()
    }
}

fn certificate_help(bytes: &[u8]) -> &'static str {
    if labels(bytes).next().is_none() && is_der(bytes) {
        "convert it: openssl x509 -inform der -in OLD -out NEW"
    } else if labels(bytes).any(|label| label.ends_with("PRIVATE KEY")) {
        "that is a key; are two files mixed up?"
    } else {
        "a certificate begins with -----BEGIN CERTIFICATE-----"
    }
}

fn key_help(bytes: &[u8]) -> &'static str {
    if labels(bytes).next().is_none() && is_der(bytes) {
        "convert it: openssl pkey -inform der -in OLD -out NEW"
    } else if labels(bytes).any(|label| label == "CERTIFICATE") {
        "that is a certificate; are two files mixed up?"
    } else {
        "a key begins with -----BEGIN PRIVATE KEY-----, or the same with RSA or EC before PRIVATE"
    }
}

/// DER of both begins with a sequence whose length has two bytes or three.
fn is_der(bytes: &[u8]) -> bool {
    matches!(bytes, [0x30, 0x81..=0x83, ..])
}

/// What the sections of a PEM file call themselves.
fn labels(bytes: &[u8]) -> impl Iterator<Item = &str> {
    let lines = bytes.split(|&byte| byte == b'\n');
    lines.filter_map(|line| {
        let label = line.trim_ascii().strip_prefix(b"-----BEGIN ")?.strip_suffix(b"-----")?;
        std::str::from_utf8(label).ok()
    })
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(bytes, needle).is_some()
}
