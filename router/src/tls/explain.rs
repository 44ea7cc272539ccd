//! Why a handshake failed, for people.

use std::error::Error;

use rustls::{AlertDescription as Alert, CertificateError};

/// What a failure of TLS means, if there is one among the causes of `error`.
pub(crate) fn explain(error: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return Some(of(error));
        }
        // An I/O error hides what it was made of from its causes.
        if let Some(inner) = error.downcast_ref::<std::io::Error>().and_then(|e| e.get_ref())
            && let Some(error) = inner.downcast_ref::<rustls::Error>()
        {
            return Some(of(error));
        }
        cause = error.source();
    }
    None
}

fn of(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(error) => certificate(error),
        rustls::Error::AlertReceived(alert) => received(*alert),
        rustls::Error::InvalidMessage(_) => "the service does not speak TLS".to_owned(),
        rustls::Error::PeerIncompatible(why) => {
            format!("the service and this client have no version or cipher in common ({why:?})")
        }
        _ => error.to_string(),
    }
}

fn certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => "the service's certificate is signed by no authority \
             that is trusted; trustCertsBundle names those that are"
            .to_owned(),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let presented = if presented.is_empty() {
                "no name at all".to_owned()
            } else {
                presented.iter().map(|name| bare(name)).collect::<Vec<_>>().join(", ")
            };
            format!(
                "the service's certificate is for {presented}, and commonName wants {}",
                expected.to_str()
            )
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the service's certificate has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the service's certificate is not valid yet".to_owned()
        }
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "the service's certificate is that of an authority, which signs and does not serve"
                .to_owned()
        }
        _ => format!("the service's certificate is not valid: {error}"),
    }
}

/// The name in `DnsName("a.example.com")`, which is how a verifier presents it.
fn bare(name: &str) -> &str {
    name.split('"').nth(1).unwrap_or(name)
}

fn received(alert: Alert) -> String {
    match alert {
        Alert::CertificateRequired => {
            "the service wants a client's certificate, which clientAuth would give".to_owned()
        }
        Alert::UnknownCA => "the service does not trust who signed our certificate".to_owned(),
        Alert::CertificateExpired => "the service says that our certificate has expired".to_owned(),
        Alert::BadCertificate | Alert::CertificateUnknown | Alert::UnsupportedCertificate => {
            format!("the service does not take our certificate ({alert:?})")
        }
        Alert::HandshakeFailure | Alert::ProtocolVersion | Alert::InsufficientSecurity => format!(
            "the service refuses the handshake ({alert:?}): no version or cipher in common, or it \
             wants a client's certificate"
        ),
        Alert::NoApplicationProtocol => "the service does not speak HTTP/1.1".to_owned(),
        _ => format!("the service refuses the handshake ({alert:?})"),
    }
}
