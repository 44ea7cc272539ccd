//! The certificate that a caller presents, as services are told of it.

use std::fmt::Write;

use aws_lc_rs::digest;
use http::{HeaderMap, HeaderName, HeaderValue};
use x509_parser::asn1_rs::ToDer;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// Tells a service which certificate the caller has. Its form is Envoy's.
static HEADER: HeaderName = HeaderName::from_static("x-forwarded-client-cert");

/// What may be said of the caller's certificate with one request.
#[derive(Debug)]
pub(crate) struct ForwardedCert<'c> {
    /// Of the connection's own certificate.
    own: Option<&'c HeaderValue>,
    /// What the caller says of another one.
    claimed: Vec<HeaderValue>,
}

impl<'c> ForwardedCert<'c> {
    /// Takes what a caller says out of its request. `own` is [`header_value`] of its certificate.
    pub(crate) fn take(own: Option<&'c HeaderValue>, headers: &mut HeaderMap) -> Self {
        let claimed: Vec<_> = headers.get_all(&HEADER).into_iter().cloned().collect();
        if !claimed.is_empty() {
            headers.remove(&HEADER);
        }
        ForwardedCert { own, claimed }
    }

    /// Writes the header for a client with `forwardClientCert`, and removes it for any other.
    pub(crate) fn write(&self, headers: &mut HeaderMap, forward: bool) {
        if self.own.is_none() && self.claimed.is_empty() {
            return; // taken out before, and never written
        }
        headers.remove(&HEADER);
        if !forward {
            return;
        }
        match self.own {
            Some(own) => {
                headers.insert(&HEADER, own.clone());
            }
            None => {
                for claimed in &self.claimed {
                    headers.append(&HEADER, claimed.clone());
                }
            }
        }
    }
}

/// `Hash=…;SAN=…;DNS=…;Subject="…"` of a certificate. One that cannot be read, or whose names no header
/// can hold, has its hash alone: nothing that its caller claims takes the place.
pub(crate) fn header_value(certificate: &[u8]) -> HeaderValue {
    let mut hash = "Hash=".to_owned();
    for byte in digest::digest(&digest::SHA256, certificate).as_ref() {
        let _ = write!(hash, "{byte:02X}"); // to a string never fails
    }
    described(hash.clone(), certificate)
        .or_else(|| HeaderValue::try_from(hash).ok())
        .unwrap_or_else(|| HeaderValue::from_static("Hash="))
}

fn described(mut value: String, certificate: &[u8]) -> Option<HeaderValue> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let names = parsed.subject_alternative_name().ok().flatten();
    for name in names.iter().flat_map(|extension| &extension.value.general_names) {
        match name {
            GeneralName::URI(uri) => write!(value, ";SAN={uri}").ok()?,
            GeneralName::DNSName(host) => write!(value, ";DNS={host}").ok()?,
            _ => {}
        }
    }
    write!(value, ";Subject=\"{}\"", distinguished_name(parsed.subject())).ok()?;
    HeaderValue::from_bytes(value.as_bytes()).ok()
}

/// A name as RFC 2253 writes it: the last part first.
fn distinguished_name(name: &X509Name<'_>) -> String {
    let parts = name.iter_rdn().map(|part| {
        let attributes: Vec<_> = part.iter().map(attribute).collect();
        attributes.join("+")
    });
    let mut parts: Vec<_> = parts.collect();
    parts.reverse();
    parts.join(",")
}

/// The keywords of RFC 2253, 2.3, which are all that Java uses for it.
fn keyword(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "2.5.4.3" => "CN",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.6" => "C",
        "2.5.4.9" => "STREET",
        "0.9.2342.19200300.100.1.25" => "DC",
        "0.9.2342.19200300.100.1.1" => "UID",
        _ => return None,
    })
}

/// `CN=upstream`; of a type or value that has no text, its encoding (RFC 2253, 2.4).
fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    match (keyword(&oid), attribute.as_str()) {
        (Some(keyword), Ok(text)) => format!("{keyword}={}", escape(text)),
        (keyword, _) => {
            let value = attribute.attr_value().to_der_vec().unwrap_or_default();
            let mut text = format!("{}=#", keyword.unwrap_or(&oid));
            for byte in value {
                let _ = write!(text, "{byte:02x}"); // to a string never fails
            }
            text
        }
    }
}

/// RFC 2253, 2.4. What no header can hold is written as its bytes.
fn escape(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    let mut escaped = String::with_capacity(text.len());
    for (at, c) in text.chars().enumerate() {
        match c {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => escaped.extend(['\\', c]),
            '#' if at == 0 => escaped.push_str("\\#"),
            ' ' if at == 0 || at == last => escaped.push_str("\\ "),
            c if c.is_ascii_control() => {
                let _ = write!(escaped, "\\{:02X}", c as u32); // to a string never fails
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType};

    use super::*;

    /// The value for a certificate with this subject, from `Subject=` on.
    fn subject(parts: &[(DnType, &str)]) -> String {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in parts {
            params.distinguished_name.push(kind.clone(), *value);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let value = header_value(certificate.der());
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        value.split_once(";Subject=").unwrap().1.to_owned()
    }

    #[test]
    fn the_subject_is_written_last_part_first() {
        let parts = [
            (DnType::CountryName, "US"),
            (DnType::OrganizationName, "Example"),
            (DnType::CommonName, "web"),
        ];
        assert_eq!(subject(&parts), "\"CN=web,O=Example,C=US\"");
        assert_eq!(subject(&[]), "\"\"");
    }

    #[test]
    fn what_has_a_meaning_in_a_name_is_escaped() {
        let escaped = |value| subject(&[(DnType::CommonName, value)]);
        assert_eq!(escaped("a,b+c\"d\\e<f>g;h"), r#""CN=a\,b\+c\"d\\e\<f\>g\;h""#);
        assert_eq!(escaped(" # "), r#""CN=\ #\ ""#);
        assert_eq!(escaped("#1#"), r#""CN=\#1#""#);
        assert_eq!(escaped("a\r\nb"), r#""CN=a\0D\0Ab""#, "no name can add a header");
        assert_eq!(escaped("Zoë"), "\"CN=Zoë\"");
    }

    #[test]
    fn a_type_without_a_keyword_is_its_number_with_the_encoded_value() {
        let email = DnType::CustomDnType(vec![1, 2, 840, 113549, 1, 9, 1]);
        assert_eq!(subject(&[(email, "a")]), "\"1.2.840.113549.1.9.1=#0c0161\"");
    }

    #[test]
    fn alternative_names_keep_their_order_and_others_are_left_out() {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![
            SanType::DnsName("b.test".try_into().unwrap()),
            SanType::Rfc822Name("a@b.test".try_into().unwrap()),
            SanType::URI("spiffe://a".try_into().unwrap()),
            SanType::DnsName("a.test".try_into().unwrap()),
        ];
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let value = header_value(certificate.der());
        let value = value.to_str().unwrap();
        assert!(value.contains(";DNS=b.test;SAN=spiffe://a;DNS=a.test;Subject="), "{value}");
        assert_eq!(value.find(';'), Some("Hash=".len() + 64), "{value}");
    }

    #[test]
    fn what_no_header_can_hold_leaves_the_hash() {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::URI("a:\r\nb".try_into().unwrap())];
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        for certificate in [certificate.der().as_ref(), b"rubbish"] {
            let value = header_value(certificate);
            assert_eq!(value.len(), "Hash=".len() + 64, "{value:?}");
        }
    }
}
