//! What a service is told of the certificate of a caller.

use rcgen::{CertificateParams, DnType, SanType};
use rustls::SupportedCipherSuite;
use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tests::certs::{Authority, Identity, subject, uri};
use tests::tls::Caller;
use tests::{Backend, Behaviour, RawClient, Setup};

use crate::authority;

const HEADER: &str = "x-forwarded-client-cert";

fn upstream(ca: &Authority) -> Identity {
    let mut params = CertificateParams::default();
    params.distinguished_name =
        subject(&[(DnType::CommonName, "upstream"), (DnType::CountryName, "US")]);
    params.subject_alt_names = vec![
        uri("https://buoyant.io"),
        SanType::DnsName("upstream".try_into().unwrap()),
        SanType::IpAddress([127, 0, 0, 1].into()),
        SanType::DnsName("linkerd".try_into().unwrap()),
    ];
    ca.sign("upstream", params)
}

/// The hash of the certificate, in upper case.
fn hash(identity: &Identity) -> String {
    let certificate = CertificateDer::from_pem_file(&identity.cert).unwrap();
    let SupportedCipherSuite::Tls13(suite) = TLS13_AES_128_GCM_SHA256 else { unreachable!() };
    let hash = suite.common.hash_provider.hash(&certificate);
    hash.as_ref().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02X}"))
}

/// The values that the service sees of a caller with this identity, who claims something itself.
fn seen(forward: bool, requires: bool, identity: impl Fn(&Authority) -> Identity) -> Vec<String> {
    let (_dir, ca) = authority();
    let backend = Backend::start(Behaviour::Echo);
    let requires = if requires {
        format!(", requireClientAuth: true, caCertPath: {}", ca.path("ca").display())
    } else {
        String::new()
    };
    let router = Setup::by_host()
        .service("web", &[&backend])
        .router(&format!("client: {{forwardClientCert: {forward}}}"))
        .server(&format!("tls: {{{}{requires}}}", ca.issue("web", &["linkerd.test"]).yaml()))
        .start();
    let config = Caller::trusting(ca.pem()).identity(&identity(&ca)).config();
    let mut client = RawClient::connect_tls(router.addr, &config, "linkerd.test").unwrap();
    let claims = [("host", "web"), (HEADER, "Hash=SPOOFED"), (HEADER, "Hash=AGAIN")];
    let mut values = Vec::new();
    // On a connection that is kept, and on one whose session is resumed.
    for _ in 0..2 {
        let response = client.request("GET", "/", &claims, b"").unwrap().json();
        let headers = response["headers"].as_array().unwrap().clone();
        let ours = headers.iter().filter(|header| header[0] == HEADER);
        values = ours.map(|header| header[1].as_str().unwrap().to_owned()).collect();
        client = RawClient::connect_tls(router.addr, &config, "linkerd.test").unwrap();
    }
    values
}

#[test]
fn the_certificate_replaces_whatever_the_caller_claims() {
    let expected = std::cell::RefCell::new(String::new());
    let values = seen(true, true, |ca| {
        let identity = upstream(ca);
        *expected.borrow_mut() = format!(
            "Hash={};SAN=https://buoyant.io;DNS=upstream;DNS=linkerd;Subject=\"C=US,CN=upstream\"",
            hash(&identity)
        );
        identity
    });
    assert_eq!(values, [expected.into_inner()]);
}

#[test]
fn the_header_is_removed_unless_it_is_wanted() {
    assert_eq!(seen(false, true, upstream), Vec::<String>::new());
}

#[test]
fn without_a_certificate_the_header_passes_as_it_is() {
    // Linkerd's way: it is for those who ask for no certificates to trust their callers or not.
    assert_eq!(seen(true, false, upstream), ["Hash=SPOOFED", "Hash=AGAIN"]);
}
