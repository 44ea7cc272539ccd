//! Files that change while the router runs.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tests::certs::Authority;
use tests::tls::{Caller, Front};
use tests::{Backend, Behaviour, RawClient, Router, Setup, wait_until};

use crate::authority;

/// How long a change may take to be seen: far longer than it does.
const LIMIT: Duration = Duration::from_secs(8);

/// The certificate that a new connection is shown, and the answer to a request on it.
fn shown(router: &Router, ca: &Authority) -> (CertificateDer<'static>, u16) {
    let config = Caller::trusting(ca.pem()).config();
    let mut client = RawClient::connect_tls(router.addr, &config, "linkerd.test").unwrap();
    let response = client.request("GET", "/", &[("host", "web")], b"").unwrap();
    (client.tls().peer_certificates().unwrap()[0].clone().into_owned(), response.status)
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// What `/certificates.json` says of the only server.
fn status(router: &Router) -> serde_json::Value {
    let all = RawClient::get(router.admin, "/certificates.json", &[("host", "localhost")]);
    all.unwrap().json()[0].clone()
}

#[test]
fn a_replaced_certificate_is_shown_to_new_connections() {
    let (_dir, ca) = authority();
    let identity = ca.issue("web", &["linkerd.test"]);
    let backend = Backend::start(Behaviour::body("hello"));
    let router = Setup::by_host()
        .service("web", &[&backend])
        .server(&format!("tls: {{{}}}", identity.yaml()))
        .start();
    let config = Caller::trusting(ca.pem()).config();
    let mut old = RawClient::connect_tls(router.addr, &config, "linkerd.test").unwrap();
    let (cert, key) = ca.fresh(&["linkerd.test"]);
    assert_ne!(shown(&router, &ca).0, der(&cert));
    identity.replace(&cert, &key);
    assert!(wait_until(LIMIT, || shown(&router, &ca) == (der(&cert), 200)));
    let still = old.request("GET", "/", &[("host", "web")], b"").unwrap();
    assert_eq!(still.status, 200, "connections from before go on");
}

#[test]
fn bad_files_leave_the_last_good_ones_in_use_and_are_told_of() {
    let (_dir, ca) = authority();
    let identity = ca.issue("web", &["linkerd.test"]);
    let backend = Backend::start(Behaviour::body("hello"));
    let router = Setup::by_host()
        .service("web", &[&backend])
        .server(&format!("tls: {{{}}}", identity.yaml()))
        .start();
    let (good, _) = shown(&router, &ca);
    assert_eq!(status(&router)["error"], serde_json::Value::Null);
    fs::write(&identity.key, "no key").unwrap();
    let error = || status(&router)["error"].as_str().unwrap_or_default().to_owned();
    assert!(wait_until(LIMIT, || error().contains("it is not PEM")), "{}", error());
    let log = router.proc.wait_log("the last good ones are kept");
    assert!(log.contains("it is not PEM"), "{log}");
    assert_eq!(shown(&router, &ca), (good, 200));
    let (cert, key) = ca.fresh(&["linkerd.test"]);
    identity.replace(&cert, &key);
    assert!(wait_until(LIMIT, || shown(&router, &ca) == (der(&cert), 200)));
    assert_eq!(status(&router)["error"], serde_json::Value::Null);
}

#[test]
fn a_volume_of_kubernetes_is_followed_through_its_links() {
    let (dir, ca) = authority();
    let volume = dir.path().join("volume");
    let version = |name: &str| {
        let (cert, key) = ca.fresh(&["linkerd.test"]);
        let version = volume.join(name);
        fs::create_dir_all(&version).unwrap();
        fs::write(version.join("tls.crt"), &cert).unwrap();
        fs::write(version.join("tls.key"), key).unwrap();
        symlink(name, volume.join("..fresh")).unwrap();
        fs::rename(volume.join("..fresh"), volume.join("..data")).unwrap();
        der(&cert)
    };
    let first = version("..1");
    for file in ["tls.crt", "tls.key"] {
        symlink(format!("..data/{file}"), volume.join(file)).unwrap();
    }
    let backend = Backend::start(Behaviour::body("hello"));
    let router = Setup::by_host()
        .service("web", &[&backend])
        .server(&format!("tls: {{certPath: {0}/tls.crt, keyPath: {0}/tls.key}}", volume.display()))
        .start();
    assert_eq!(shown(&router, &ca), (first, 200));
    for name in ["..2", "..3"] {
        let next = version(name);
        assert!(wait_until(LIMIT, || shown(&router, &ca) == (next.clone(), 200)), "{name}");
    }
}

#[test]
fn rotation_under_load_loses_nothing() {
    let (_dir, ca) = authority();
    let identity = ca.issue("web", &["linkerd.test"]);
    let backend = Backend::start(Behaviour::body("hello"));
    let router = Setup::by_host()
        .service("web", &[&backend])
        .server(&format!("tls: {{{}}}", identity.yaml()))
        .start();
    let pairs: Vec<_> = (0..8).map(|_| ca.fresh(&["linkerd.test"])).collect();
    let done = AtomicBool::new(false);
    let (kept, fresh) = std::thread::scope(|scope| {
        // One caller keeps its connection, another makes a new one for each request.
        let kept = scope.spawn(|| {
            let config = Caller::trusting(ca.pem()).config();
            let mut client = RawClient::connect_tls(router.addr, &config, "linkerd.test").unwrap();
            let mut requests = 0;
            while !done.load(Ordering::Relaxed) {
                let response = client.request("GET", "/", &[("host", "web")], b"").unwrap();
                assert_eq!(response.status, 200);
                requests += 1;
            }
            requests
        });
        let fresh = scope.spawn(|| {
            let mut requests = 0;
            while !done.load(Ordering::Relaxed) {
                assert_eq!(shown(&router, &ca).1, 200);
                requests += 1;
            }
            requests
        });
        let mut seen = true;
        for (cert, key) in pairs.iter().cycle().take(24) {
            identity.replace(cert, key);
            // Not each is waited for: some replace one that was not seen yet.
            if key.len() % 2 == 0 {
                seen &= wait_until(LIMIT, || shown(&router, &ca).0 == der(cert));
            }
        }
        let (last, key) = ca.fresh(&["linkerd.test"]);
        identity.replace(&last, &key);
        seen &= wait_until(LIMIT, || shown(&router, &ca).0 == der(&last));
        done.store(true, Ordering::Relaxed);
        assert!(seen, "a certificate was never shown");
        (kept.join().unwrap(), fresh.join().unwrap())
    });
    assert!(kept > 0 && fresh > 0, "{kept} and {fresh} requests");
}

#[test]
fn authorities_and_identities_of_clients_are_followed_too() {
    let (dir, ca) = authority();
    let others = Authority::new(dir.path(), "others");
    let backend = Backend::start(Behaviour::body("hello"));
    let front = Front::start(backend.addr(), &others.issue("web", &["web.test"]));
    let bundle = dir.path().join("bundle.pem");
    fs::write(&bundle, ca.pem()).unwrap();
    let router = Setup::by_host()
        .file("web", &front.fs_line())
        .router(&format!(
            "client: {{failureAccrual: {{kind: none}}, \
             tls: {{commonName: web.test, trustCertsBundle: {}}}}}",
            bundle.display()
        ))
        .start();
    assert_eq!(router.get("web").status, 502);
    fs::write(&bundle, [ca.pem(), others.pem()].concat()).unwrap();
    assert!(wait_until(LIMIT, || router.get("web").status == 200));
}
