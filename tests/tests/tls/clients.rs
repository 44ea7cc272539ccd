//! Clients that speak TLS with their services.

use std::io::{Read, Write};
use std::net::TcpListener;

use tests::certs::{Authority, subject};
use tests::tls::Front;
use tests::{Backend, Behaviour, RawResponse, Router, Setup};

use crate::authority;

/// A router whose clients have this `tls`, with `web` behind `front`.
fn router(tls: &str, front: &Front) -> Router {
    Setup::by_host()
        .file("web", &front.fs_line())
        .router(&format!("client: {{tls: {{{tls}}}}}"))
        .start()
}

/// A 502 that says so.
#[track_caller]
fn refused(response: &RawResponse, why: &str) {
    assert_eq!(response.status, 502, "{}", response.text());
    let told = format!("{}\n{}", response.head, response.text());
    assert!(told.contains(why), "{why:?} is not in:\n{told}");
}

#[test]
fn a_service_is_believed_by_its_name_and_authority() {
    let (_dir, ca) = authority();
    let backend = Backend::start(Behaviour::body("hello"));
    let front = Front::start(backend.addr(), &ca.issue("web", &["web.test"]));
    let bundle = ca.path("ca");
    for trust in ["trustCertsBundle: ", "trustCerts: "] {
        let (open, close) = if trust.contains("Bundle") { ("", "") } else { ("[", "]") };
        let trust = format!("{trust}{open}{}{close}", bundle.display());
        let router = router(&format!("commonName: web.test, {trust}"), &front);
        for _ in 0..3 {
            let response = router.get("web");
            assert_eq!((response.status, response.text().as_str()), (200, "hello"), "{trust}");
        }
    }
}

#[test]
fn a_service_with_another_name_is_not_believed() {
    let (_dir, ca) = authority();
    let backend = Backend::start(Behaviour::body("hello"));
    let front = Front::start(backend.addr(), &ca.issue("web", &["web.test", "www.test"]));
    let trust = format!("trustCertsBundle: {}", ca.path("ca").display());
    let router = router(&format!("commonName: other.test, {trust}"), &front);
    refused(
        &router.get("web"),
        "the service's certificate is for web.test, www.test, and commonName wants other.test",
    );
    assert_eq!(backend.requests(), 0);
}

#[test]
fn a_service_of_an_unknown_authority_is_not_believed() {
    let (dir, ca) = authority();
    let others = Authority::new(dir.path(), "others");
    let backend = Backend::start(Behaviour::body("hello"));
    let front = Front::start(backend.addr(), &others.issue("web", &["web.test"]));
    let trust = format!("trustCertsBundle: {}", ca.path("ca").display());
    let router = router(&format!("commonName: web.test, {trust}"), &front);
    refused(&router.get("web"), "signed by no authority that is trusted");
    assert_eq!(backend.requests(), 0);
}

#[test]
fn an_expired_certificate_is_not_believed() {
    let (_dir, ca) = authority();
    let mut params = rcgen::CertificateParams::new(["web.test".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2001, 1, 1);
    params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    let backend = Backend::start(Behaviour::body("hello"));
    let front = Front::start(backend.addr(), &ca.sign("web", params));
    let trust = format!("trustCertsBundle: {}", ca.path("ca").display());
    let router = router(&format!("commonName: web.test, {trust}"), &front);
    refused(&router.get("web"), "the service's certificate has expired");
}

#[test]
fn a_service_without_tls_is_not_taken_for_one() {
    let (_dir, ca) = authority();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    // What a plain server makes of the first bytes of a handshake.
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let _ = socket.read(&mut [0; 4096]);
            let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let trust = format!("trustCertsBundle: {}", ca.path("ca").display());
    let router = Setup::by_host()
        .file("web", &format!("127.0.0.1 {port}\n"))
        .router(&format!("client: {{tls: {{commonName: web.test, {trust}}}}}"))
        .start();
    refused(&router.get("web"), "no TLS: the service does not speak TLS");
}

#[test]
fn a_name_in_the_subject_will_do_if_there_is_no_alternative_name() {
    let (_dir, ca) = authority();
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name = subject(&[(rcgen::DnType::CommonName, "web.test")]);
    let backend = Backend::start(Behaviour::body("hello"));
    let front = Front::start(backend.addr(), &ca.sign("web", params));
    let trust = format!("trustCertsBundle: {}", ca.path("ca").display());
    let good = router(&format!("commonName: web.test, {trust}"), &front);
    assert_eq!(good.get("web").status, 200);
    let bad = router(&format!("commonName: other.test, {trust}"), &front);
    refused(&bad.get("web"), "is for web.test, and commonName wants other.test");
}

#[test]
fn a_name_in_the_subject_counts_for_nothing_beside_an_alternative_name() {
    let (_dir, ca) = authority();
    let mut params = rcgen::CertificateParams::new(["san.test".to_owned()]).unwrap();
    params.distinguished_name = subject(&[(rcgen::DnType::CommonName, "web.test")]);
    let backend = Backend::start(Behaviour::body("hello"));
    let front = Front::start(backend.addr(), &ca.sign("web", params));
    let trust = format!("trustCertsBundle: {}", ca.path("ca").display());
    let router = router(&format!("commonName: web.test, {trust}"), &front);
    refused(&router.get("web"), "is for san.test, and commonName wants web.test");
}

#[test]
fn any_certificate_will_do_without_validation_and_the_log_says_so() {
    let (_dir, ca) = authority();
    let backend = Backend::start(Behaviour::body("hello"));
    let front = Front::start(backend.addr(), &ca.issue("web", &["whatever.test"]));
    let router = router("disableValidation: true", &front);
    assert_eq!(router.get("web").status, 200);
    let warning = router.proc.wait_log("disableValidation");
    assert!(warning.contains("WARN") && warning.contains("client=/"), "{warning}");
}

#[test]
fn each_service_has_the_name_that_its_prefix_captures() {
    let (_dir, ca) = authority();
    let trust = format!("trustCertsBundle: {}", ca.path("ca").display());
    let backends = ["one", "two", "plain"].map(|name| Backend::start(Behaviour::body(name)));
    let fronts = [("one", &backends[0]), ("two", &backends[1])].map(|(name, backend)| {
        Front::start(backend.addr(), &ca.issue(name, &[&format!("{name}.test")]))
    });
    let router = Setup::by_host()
        .file("one", &fronts[0].fs_line())
        .file("two", &fronts[1].fs_line())
        .file("swapped", &fronts[1].fs_line())
        .service("plain", &[&backends[2]])
        .router(&format!(
            "client: {{kind: io.l5d.static, configs: [\
             {{prefix: \"/#/io.l5d.fs/{{host}}\", tls: {{commonName: \"{{host}}.test\", {trust}}}}}, \
             {{prefix: /#/io.l5d.fs/plain, tls: {{enabled: false}}}}]}}"
        ))
        .start();
    for name in ["one", "two", "plain"] {
        let response = router.get(name);
        assert_eq!((response.status, response.text().as_str()), (200, name));
    }
    refused(&router.get("swapped"), "is for two.test, and commonName wants swapped.test");
}

#[test]
fn a_name_that_is_no_host_name_fails_with_the_reason() {
    let (_dir, ca) = authority();
    let backend = Backend::start(Behaviour::body("hello"));
    let front = Front::start(backend.addr(), &ca.issue("web", &["web.test"]));
    let trust = format!("trustCertsBundle: {}", ca.path("ca").display());
    let router = router(&format!("commonName: \"{{nothing}}.test\", {trust}"), &front);
    refused(&router.get("web"), "commonName `{nothing}.test` is no host name");
}

#[test]
fn two_routers_know_each_other_by_their_certificates() {
    let (_dir, ca) = authority();
    let backend = Backend::start(Behaviour::body("hello"));
    let (ours, theirs) = (ca.issue("ours", &["ours.test"]), ca.issue("theirs", &["theirs.test"]));
    let far = Setup::by_host()
        .service("web", &[&backend])
        .server(&format!(
            "tls: {{{}, requireClientAuth: true, caCertPath: {}}}",
            theirs.yaml(),
            ca.path("ca").display()
        ))
        .start();
    let near = |auth: &str| {
        Setup::by_host()
            .file("web", &format!("127.0.0.1 {}\n", far.addr.port()))
            .router(&format!(
                "client: {{tls: {{commonName: theirs.test, trustCertsBundle: {}{auth}}}}}",
                ca.path("ca").display()
            ))
            .start()
    };
    let known = near(&format!(", clientAuth: {{{}}}", ours.yaml()));
    let response = known.get("web");
    assert_eq!((response.status, response.text().as_str()), (200, "hello"));
    let unknown = near("");
    refused(&unknown.get("web"), "the service wants a client's certificate");
    assert_eq!(backend.requests(), 1);
    // TLS 1.2 tells of it during the handshake already.
    let unknown = near(", protocols: [TLSv1.2]");
    refused(&unknown.get("web"), "wants a client's certificate");
}

#[test]
fn connections_with_tls_are_kept_and_upgraded_like_any_other() {
    let (_dir, ca) = authority();
    let backend = Backend::start(Behaviour::body("hello"));
    let front = Front::start(backend.addr(), &ca.issue("web", &["web.test"]));
    let trust = format!("trustCertsBundle: {}", ca.path("ca").display());
    let router = router(&format!("commonName: web.test, {trust}"), &front);
    let mut client = router.connect();
    for _ in 0..5 {
        let response = client.request("GET", "/", &[("host", "web")], b"").unwrap();
        assert_eq!(response.status, 200);
    }
    assert_eq!(backend.connections(), 1);
    backend.set(Behaviour::Upgrade);
    client
        .send("GET / HTTP/1.1\r\nhost: web\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n")
        .unwrap();
    assert_eq!(client.head().unwrap().status, 101);
    client.send("ping").unwrap();
    assert_eq!(client.exactly(4).unwrap(), b"ping");
}
