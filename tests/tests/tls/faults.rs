//! What is said of files that TLS cannot be set up from.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tests::certs::Identity;
use tests::{Proc, RawClient, Setup};

use crate::authority;

/// What is said of a server with these `keys` of `tls`, without the names of directories.
fn said(dir: &Path, keys: &str) -> String {
    let config = dir.join("linkerd.yaml");
    let text =
        format!("routers:\n- protocol: http\n  servers:\n  - port: 4140\n    tls: {{{keys}}}\n");
    fs::write(&config, text).unwrap();
    let mut said = Vec::new();
    for args in [&["run", "--validate"][..], &["run"]] {
        let args = args.iter().map(|&arg| arg.to_owned());
        let mut proc = Proc::fingerpost(args.chain([config.display().to_string()]));
        proc.wait_log("linkerd.yaml:");
        let status = proc.wait(Duration::from_secs(10));
        assert!(!status.success(), "{keys} was taken");
        let stderr = proc.stderr();
        let text = stderr.lines().filter(|line| line.contains("linkerd.yaml:")).collect::<Vec<_>>();
        said.push(text.join("\n").replace(&format!("{}/", dir.display()), ""));
    }
    assert_eq!(said[0], said[1], "validating and running say the same");
    said.remove(0)
}

#[test]
fn each_bad_file_is_explained() {
    let (dir, ca) = authority();
    let dir = dir.path();
    let good = ca.issue("good", &["linkerd.test"]);
    let other = ca.issue("other", &["linkerd.test"]);
    let file = |name: &str, content: &str| {
        let path = dir.join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let cert = |path| Identity { cert: path, key: good.key.clone() }.yaml();
    let key = |path| Identity { cert: good.cert.clone(), key: path }.yaml();
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let broken = "-----BEGIN CERTIFICATE-----\nMII\n";
    let wrong = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
    let rubbish = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let der = dir.join("der.pem");
    fs::write(&der, [0x30, 0x82, 0x01, 0x00, 0x30]).unwrap();
    let with = |more: &str| format!("{}, {more}", good.yaml());
    let told = [
        cert(file("empty.pem", "")),
        cert(file("text.pem", "hello\n")),
        cert(der.clone()),
        cert(good.key.clone()),
        cert(file("broken.pem", broken)),
        cert(file("rubbish.pem", rubbish)),
        key(file("empty.key", "")),
        key(der),
        key(good.cert.clone()),
        key(file("encrypted.key", encrypted)),
        key(file("wrong.key", wrong)),
        key(other.key),
        with(&format!("intermediateCertsPath: {}", good.key.display())),
        with(&format!("requireClientAuth: true, caCertPath: {}", good.key.display())),
        with("ciphers: [RC4-SHA]"),
        with("ciphers: []"),
        with("protocols: [TLSv1.1]"),
        with("protocols: [TLSv1.3], ciphers: [ECDHE-RSA-AES128-GCM-SHA256]"),
    ]
    .map(|keys| said(dir, &keys));
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn every_fault_of_a_configuration_is_told_at_once() {
    let (dir, ca) = authority();
    let bad = dir.path().join("bad.pem");
    fs::write(&bad, "hello").unwrap();
    let config = dir.path().join("linkerd.yaml");
    let good = ca.issue("good", &["linkerd.test"]);
    let text = format!(
        "admin: {{tls: {{certPath: {0}, keyPath: {1}}}}}\nrouters:\n- protocol: http\n  servers:\n\
         \x20 - port: 4140\n    tls: {{certPath: {0}, keyPath: {1}}}\n\
         \x20 client:\n    tls: {{commonName: web.test, trustCertsBundle: {0}}}\n",
        bad.display(),
        good.key.display()
    );
    fs::write(&config, text).unwrap();
    let args = ["run".to_owned(), "--validate".to_owned(), config.display().to_string()];
    let mut proc = Proc::fingerpost(args);
    assert_eq!(proc.wait(Duration::from_secs(10)).code(), Some(1));
    insta::assert_snapshot!(proc.stderr().replace(&format!("{}/", dir.path().display()), ""));
}

#[test]
fn an_expired_certificate_is_served_with_a_warning() {
    let (_dir, ca) = authority();
    let mut params = rcgen::CertificateParams::new(["linkerd.test".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2001, 1, 1);
    params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    let identity = ca.sign("old", params);
    let router = Setup::by_host().server(&format!("tls: {{{}}}", identity.yaml())).start();
    let warning = router.proc.wait_log("a certificate is not valid today");
    assert!(warning.contains("old.pem"), "{warning}");
    let pong = RawClient::get(router.admin, "/admin/ping", &[("host", "localhost")]).unwrap();
    assert_eq!(pong.text(), "pong");
}
