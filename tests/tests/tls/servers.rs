//! Servers that speak TLS with their callers.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, ProtocolVersion};
use tests::certs::Identity;
use tests::tls::Caller;
use tests::{Backend, Behaviour, RawClient, Setup, wait_until};

use crate::authority;

#[test]
fn a_server_with_a_certificate_speaks_tls_and_nothing_else() {
    let (_dir, ca) = authority();
    let identity = ca.issue("web", &["linkerd.test"]);
    let backend = Backend::start(Behaviour::body("hello"));
    let router = Setup::by_host()
        .service("web", &[&backend])
        .server(&format!("tls: {{{}}}", identity.yaml()))
        .start();
    for version in [&TLS12, &TLS13] {
        let config = Caller::trusting(ca.pem()).version(version).config();
        let mut client = RawClient::connect_tls(router.addr, &config, "linkerd.test").unwrap();
        for _ in 0..3 {
            let response = client.request("GET", "/", &[("host", "web")], b"").unwrap();
            assert_eq!((response.status, response.text().as_str()), (200, "hello"));
        }
        assert_eq!(client.tls().protocol_version(), Some(version.version));
    }
    let mut plain = RawClient::connect(router.addr).unwrap();
    let refused = plain.request("GET", "/", &[("host", "web")], b"");
    assert!(refused.is_err(), "plain HTTP was answered: {refused:?}");
    assert_eq!(backend.requests(), 6);
}

#[test]
fn one_cipher_and_one_version_are_all_that_is_spoken_if_so_configured() {
    let (_dir, ca) = authority();
    let identity = ca.issue_rsa("web", &["linkerd.test"]);
    let backend = Backend::start(Behaviour::body("hello"));
    let router = Setup::by_host()
        .service("web", &[&backend])
        .server(&format!(
            "tls: {{{}, protocols: [TLSv1.2], ciphers: [ECDHE-RSA-AES128-GCM-SHA256]}}",
            identity.yaml()
        ))
        .start();
    let caller = Caller::trusting(ca.pem());
    let mut client = RawClient::connect_tls(router.addr, &caller.config(), "linkerd.test").unwrap();
    let response = client.request("GET", "/", &[("host", "web")], b"").unwrap();
    assert_eq!(response.status, 200);
    assert_eq!(client.tls().protocol_version(), Some(ProtocolVersion::TLSv1_2));
    let suite = client.tls().negotiated_cipher_suite().unwrap().suite();
    assert_eq!(suite, CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256);
    let newer = caller.version(&TLS13).config();
    assert!(RawClient::connect_tls(router.addr, &newer, "linkerd.test").is_err());
}

#[test]
fn callers_without_a_certificate_are_refused_if_one_is_required() {
    let (dir, ca) = authority();
    let others = tests::certs::Authority::new(dir.path(), "others");
    let backend = Backend::start(Behaviour::body("hello"));
    let router = Setup::by_host()
        .service("web", &[&backend])
        .server(&format!(
            "tls: {{{}, requireClientAuth: true, caCertPath: {}}}",
            ca.issue("web", &["linkerd.test"]).yaml(),
            ca.path("ca").display()
        ))
        .start();
    let get = |caller: Caller| {
        let mut client = RawClient::connect_tls(router.addr, &caller.config(), "linkerd.test")?;
        client.request("GET", "/", &[("host", "web")], b"")
    };
    let caller = Caller::trusting(ca.pem());
    let known = get(caller.clone().identity(&ca.issue("known", &["known"]))).unwrap();
    assert_eq!(known.status, 200);
    for version in [&TLS12, &TLS13] {
        assert!(get(caller.clone().version(version)).is_err(), "{version:?}");
        let unknown = others.issue("unknown", &["unknown"]);
        assert!(get(caller.clone().version(version).identity(&unknown)).is_err(), "{version:?}");
    }
    assert_eq!(backend.requests(), 1);
    let (ip, port) = (router.addr.ip(), router.addr.port());
    let failures = format!("rt/http/server/{ip}/{port}/tls/failures");
    assert!(tests::wait_until(Duration::from_secs(10), || router.metric(&failures) == 4.0));
}

#[test]
fn a_handshake_that_does_not_end_is_given_up() {
    let (_dir, ca) = authority();
    let router = Setup::by_host()
        .server(&format!("tls: {{{}}}", ca.issue("web", &["linkerd.test"]).yaml()))
        .server("limits: {headTimeoutMs: 300}")
        .start();
    let mut silent = RawClient::connect(router.addr).unwrap();
    silent.send([0x16, 0x03, 0x01]).unwrap();
    silent.expect_close().unwrap();
}

#[test]
fn a_response_that_breaks_is_a_reset_under_tls_too() {
    let (_dir, ca) = authority();
    let backend = Backend::start(Behaviour::cut(1000, 10));
    let router = Setup::by_host()
        .service("web", &[&backend])
        .server(&format!("tls: {{{}}}", ca.issue("web", &["linkerd.test"]).yaml()))
        .start();
    let config = Caller::trusting(ca.pem()).config();
    let mut client = RawClient::connect_tls(router.addr, &config, "linkerd.test").unwrap();
    let error = client.request("GET", "/", &[("host", "web")], b"").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
}

#[test]
fn connections_with_tls_are_counted() {
    let (_dir, ca) = authority();
    let router = Setup::by_host()
        .server(&format!("tls: {{{}}}", ca.issue("web", &["linkerd.test"]).yaml()))
        .start();
    let port = router.addr.port();
    let name = format!("rt/http/server/127.0.0.1/{port}/tls/connections");
    let counted = |count: f64| {
        assert!(
            wait_until(Duration::from_secs(5), || router.metric(&name) == count),
            "{name} is {} and not {count}",
            router.metric(&name)
        );
    };
    let config = Caller::trusting(ca.pem()).config();
    let client = RawClient::connect_tls(router.addr, &config, "linkerd.test").unwrap();
    counted(1.0);
    let mut no_tls = TcpStream::connect(router.addr).unwrap();
    no_tls.write_all(b"G").unwrap();
    drop(client);
    counted(0.0);
}

#[test]
fn the_admin_server_speaks_tls_if_so_configured() {
    let (_dir, ca) = authority();
    let mut router = Setup::by_host()
        .admin(&format!("tls: {{{}}}", ca.issue("admin", &["admin.test"]).yaml()))
        .start();
    let config = Caller::trusting(ca.pem()).config();
    let mut client = RawClient::connect_tls(router.admin, &config, "admin.test").unwrap();
    let pong = client.request("GET", "/admin/ping", &[("host", "localhost")], b"").unwrap();
    assert_eq!(pong.text(), "pong");
    assert!(RawClient::get(router.admin, "/admin/ping", &[("host", "localhost")]).is_err());
    assert!(router.proc.alive());
}

#[test]
fn keys_are_read_in_each_form_that_they_come_in() {
    let (dir, ca) = authority();
    let ec = ca.issue("ec", &["linkerd.test"]);
    let rsa = ca.issue_rsa("rsa", &["linkerd.test"]);
    let form = |label: &str, identity: &Identity| {
        // PKCS#8 is an envelope around the older forms (RFC 5958).
        let key = PrivateKeyDer::from_pem_file(&identity.key).unwrap();
        let path = dir.path().join(format!("{label}.key"));
        let inner = inner_key(key.secret_der());
        let base64 = base64::engine::general_purpose::STANDARD.encode(inner);
        let lines: Vec<_> =
            base64.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line)).collect();
        let label = format!("{label} PRIVATE KEY");
        let text =
            format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"));
        std::fs::write(&path, text).unwrap();
        Identity { cert: identity.cert.clone(), key: path }
    };
    for identity in [form("EC", &ec), form("RSA", &rsa), ec, rsa] {
        let router = Setup::by_host().server(&format!("tls: {{{}}}", identity.yaml())).start();
        let config = Caller::trusting(ca.pem()).config();
        let mut client = RawClient::connect_tls(router.addr, &config, "linkerd.test").unwrap();
        let response = client.request("GET", "/", &[("host", "nobody")], b"").unwrap();
        assert_eq!(response.status, 502, "{}", identity.key.display());
    }
}

/// What is in the octet string at the end of a PKCS#8 key: version, algorithm, then the key itself.
fn inner_key(pkcs8: &[u8]) -> &[u8] {
    fn element(der: &[u8]) -> (&[u8], &[u8]) {
        let (length, at) = match der[1] {
            long @ 0x81..=0x84 => {
                let bytes = usize::from(long & 0x7f);
                let length = der[2..2 + bytes].iter().fold(0, |all, &b| all << 8 | usize::from(b));
                (length, 2 + bytes)
            }
            short => (usize::from(short), 2),
        };
        (&der[at..at + length], &der[at + length..])
    }
    let (envelope, _) = element(pkcs8);
    let (_version, rest) = element(envelope);
    let (_algorithm, rest) = element(rest);
    element(rest).0
}
