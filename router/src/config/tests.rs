//! Whole configurations: what is read from them, and what people see when they are wrong.

use std::time::Duration;

use proptest::prelude::*;

use super::kinds::*;
use super::*;

fn fixture(path: &std::path::Path) -> Result<Config, ConfigErrors> {
    let name = path.file_name().expect("a file").to_string_lossy();
    parse(&name, &std::fs::read_to_string(path).expect("a text"))
}

#[test]
fn every_wrong_configuration_is_explained() {
    insta::glob!("../../../fixtures/config/err", "*.*", |path| {
        let errors = fixture(path).expect_err("a wrong configuration");
        insta::assert_snapshot!(format!("{}\n{errors}", errors.render(false)));
    });
}

#[test]
fn every_right_configuration_is_shown_as_json() {
    insta::glob!("../../../fixtures/config/ok", "*.*", |path| {
        let config = fixture(path).unwrap_or_else(|errors| panic!("{}", errors.render(false)));
        insta::assert_json_snapshot!(config.to_json());
    });
}

fn full() -> Config {
    fixture("../fixtures/config/ok/full.yaml".as_ref())
        .unwrap_or_else(|errors| panic!("{}", errors.render(false)))
}

fn path(text: &str) -> dtab::Path {
    dtab::Path::parse(text).expect("a path")
}

#[test]
fn every_key_of_a_router_is_read() {
    let config = full();
    let router = &config.routers[0];
    assert_eq!(
        (router.protocol, router.label.as_str(), router.originator),
        (Protocol::Http, "one", true)
    );
    assert_eq!(router.dst_prefix, path("/custom/pfx"));
    assert_eq!(
        router.identifiers,
        [
            IdentifierConfig::HeaderToken(HeaderTokenIdentifierConfig {
                header: "my-header".into()
            }),
            IdentifierConfig::Header(HeaderIdentifierConfig { header: "l5d-name".into() }),
            IdentifierConfig::Path(PathIdentifierConfig { segments: 2, consume: true }),
            IdentifierConfig::MethodAndHost(MethodAndHostIdentifierConfig {
                http_uri_in_dst: true
            }),
            IdentifierConfig::Static(StaticIdentifierConfig { path: path("/web") }),
        ]
    );
    let leaf = || path("/$/inet/127.0.0.1/8081");
    let transformer = |kind| TransformerConfig { kind, prefix: None };
    assert_eq!(
        router.interpreter.transformers,
        [
            transformer(TransformerKind::Localhost),
            transformer(TransformerKind::Const(ConstTransformerConfig { path: leaf() })),
            TransformerConfig {
                kind: TransformerKind::Replace(ReplaceTransformerConfig { path: leaf() }),
                prefix: Some(path("/mine")),
            },
            transformer(TransformerKind::SpecificHost(SpecificHostTransformerConfig {
                host: "::1".parse().expect("an address")
            })),
        ]
    );
    assert_eq!(router.binding_timeout, Duration::from_millis(1500));
    let cache = BindingCacheConfig {
        paths: 1,
        trees: 2,
        bounds: 3,
        clients: 4,
        idle_ttl: Duration::from_secs(5),
    };
    assert_eq!(router.binding_cache, cache);
    assert_eq!(
        (router.max_headers_kb, router.max_initial_line_kb, router.max_err_response_kb),
        (16, 8, 4)
    );
    let client = router.client.of(&path("/#/io.l5d.fs/web"));
    assert_eq!(client.load_balancer.kind, BalancerKind::P2c { max_effort: 3 });

    let server = &router.servers[0];
    assert_eq!(server.address().to_string(), "0.0.0.0:4140");
    assert_eq!(
        (server.label.as_deref(), server.max_call_depth, server.clear_context),
        (Some("front"), 2, true)
    );
    assert_eq!(server.timestamp_header.as_deref(), Some("X-Request-Start"));
    let forwarded =
        ForwardedConfig { by: Labeler::IpPort, for_: Labeler::Static { label: "me".into() } };
    assert_eq!(server.forwarded, Some(forwarded));
    assert_eq!(config.routers[1].label, "2", "a number is a fine label");
}

#[test]
fn every_key_of_the_other_sections_is_read() {
    let config = full();
    let prometheus = PrometheusConfig { path: "/metrics".into(), prefix: "fp_".into() };
    assert_eq!(config.telemetry, [TelemeterConfig::Prometheus(prometheus)]);
    assert_eq!(config.admin.shutdown_grace, Duration::from_millis(1500));
    assert_eq!(config.admin.worker_threads, 1);
    assert_eq!(config.usage, UsageConfig { org_id: Some("example".into()), enabled: Some(false) });
    let port = TransformerConfig {
        kind: TransformerKind::Port(PortTransformerConfig { port: 8080 }),
        prefix: None,
    };
    let fs = |root: &str| NamerKind::Fs(FsNamerConfig { root_dir: root.into() });
    let rewrite =
        RewriteNamerConfig { pattern: "/{service}/api".into(), name: "/svc/{service}".into() };
    assert_eq!(
        config.namers,
        [
            NamerConfig { kind: fs("."), prefix: path("/a/b"), transformers: vec![port] },
            NamerConfig { kind: fs("./src"), prefix: path("/io.l5d.fs"), transformers: vec![] },
            NamerConfig {
                kind: NamerKind::Rewrite(rewrite),
                prefix: path("/rw"),
                transformers: vec![]
            },
        ]
    );
}

#[test]
fn absent_and_null_keys_have_linkerds_defaults() {
    for name in ["minimal.yaml", "nulls.yaml"] {
        let config =
            fixture(format!("../fixtures/config/ok/{name}").as_ref()).expect("a configuration");
        let router = &config.routers[0];
        assert_eq!(router.label, "http");
        assert!(router.dtab.is_empty() && !router.originator && config.namers.is_empty());
        assert_eq!(router.dst_prefix, path("/svc"));
        let host = HeaderTokenIdentifierConfig { header: "Host".into() };
        assert_eq!(router.identifiers, [IdentifierConfig::HeaderToken(host)]);
        assert_eq!(router.interpreter, InterpreterConfig::default());
        assert_eq!(router.binding_timeout, Duration::from_secs(10));
        let cache = &router.binding_cache;
        assert_eq!(
            (cache.paths, cache.trees, cache.bounds, cache.clients),
            (1000, 1000, 1000, 1000)
        );
        assert_eq!(cache.idle_ttl, Duration::from_mins(10));
        assert_eq!(
            (router.max_headers_kb, router.max_initial_line_kb, router.max_err_response_kb),
            (8, 4, 5120)
        );
        assert_eq!(router.client.of(&path("/a")).load_balancer, LoadBalancerConfig::default());
        let server = &router.servers[0];
        assert_eq!(server.address().to_string(), "127.0.0.1:4140");
        assert_eq!(
            (server.max_call_depth, server.clear_context, &server.forwarded),
            (1000, false, &None)
        );
        assert_eq!(
            (config.admin.ip.to_string(), config.admin.port),
            ("127.0.0.1".to_owned(), 9990)
        );
    }
}

#[test]
fn dentries_know_their_line_in_the_file() {
    let config = full();
    let places: Vec<_> = config.routers[0]
        .dtab
        .iter()
        .map(|dentry| dentry.place().expect("a place").to_string())
        .collect();
    assert_eq!(places, ["full.yaml:40:5", "full.yaml:41:5"]);
}

#[test]
fn json_strings_are_decoded_as_json() {
    let config = fixture("../fixtures/config/ok/linkerd.json".as_ref()).expect("a configuration");
    let router = &config.routers[0];
    assert_eq!(router.label, "😀 \"quoted\"");
    let places: Vec<_> =
        router.dtab.iter().map(|dentry| dentry.place().expect("a place").to_string()).collect();
    assert_eq!(places, ["linkerd.json:7:12", "linkerd.json:7:42"]);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("nowhere.yaml");
    let errors = load(&missing).expect_err("no file");
    let name = missing.display();
    assert_eq!(errors.to_string(), format!("{name}: config is not a file: {name}"));
    assert!(load(folder.path()).is_err(), "a folder is not a file");

    let binary = folder.path().join("binary.yaml");
    std::fs::write(&binary, b"routers: \xff").expect("written");
    let errors = load(&binary).expect_err("not UTF-8");
    assert_eq!(errors.iter().map(|error| error.code).collect::<Vec<_>>(), [Code::Unreadable]);
    assert!(errors.to_string().contains("byte 9"), "{errors}");
}

#[test]
fn a_huge_file_is_refused_before_it_is_parsed() {
    let errors = parse("big.yaml", &" ".repeat(MAX_BYTES + 1)).expect_err("too large");
    assert_eq!(errors.to_string(), "big.yaml: big.yaml is larger than 64 MiB");
}

#[test]
fn errors_without_end_are_counted_not_kept() {
    let text = (0..1000).map(|n| format!("k{n}: 1")).collect::<Vec<_>>().join("\n");
    let errors = parse("many.yaml", &text).expect_err("unknown keys");
    assert_eq!((errors.iter().count(), errors.count()), (100, 1001));
    assert!(
        errors.render(false).ends_with("and 901 more errors that are not shown\n\n1001 errors\n")
    );
}

#[test]
fn values_without_end_are_refused() {
    let text = format!("routers: [{}]", "~,".repeat(node::MAX_NODES + 1));
    let errors = parse("many.yaml", &text).expect_err("too many");
    assert!(errors.to_string().contains("more than 500000 values"), "{errors}");
}

/// The keys that Linkerd 1.7.5 lists when it meets an unknown one.
#[test]
fn no_key_of_linkerds_is_unknown() {
    let router = "bindingTimeoutMs tracePropagator httpAccessLogRollPolicy experimental identifier announcers \
                  maxInitialLineKB servers dtab httpAccessLogAppend label service dstPrefix httpAccessLog \
                  maxHeadersKB streamAfterContentLengthKB httpAccessLogRotateCount bindingCache compressionLevel \
                  streamingEnabled client maxErrResponseKB interpreter originator";
    let server = "maxCallDepth clearContext timestampHeader ip announce socketOptions addForwardedHeader \
                  serverSession label tls maxConcurrentRequests port timeoutMs";
    let admin =
        "ip port socketOptions httpIdentifierPort shutdownGraceMs workerThreads tls security";
    let client = "tls loadBalancer hostConnectionPool failFast failureAccrual requestAttemptTimeoutMs \
                  requeueBudget clientSession socketOptions forwardClientCert requestAuthorizers kind configs";
    let service = "totalTimeoutMs retries responseClassifier kind configs";
    let balancer = "maxEffort enableProbation";
    let sections = [
        ("admin: {KEY: []}", admin),
        ("routers: [{protocol: http, KEY: []}]", router),
        ("routers: [{protocol: http, servers: [{KEY: []}]}]", server),
        ("routers: [{protocol: http, client: {KEY: []}}]", client),
        ("routers: [{protocol: http, client: {loadBalancer: {kind: p2c, KEY: []}}}]", balancer),
        ("routers: [{protocol: http, service: {KEY: []}}]", service),
        ("KEY: []", "telemetry routers namers admin usage"),
    ];
    for (text, keys) in sections {
        for key in keys.split_whitespace() {
            let Err(errors) = parse("t.yaml", &text.replace("KEY", key)) else { continue };
            assert!(errors.iter().all(|error| error.code != Code::UnknownKey), "{errors}");
        }
        let errors = parse("t.yaml", &text.replace("KEY", "nope")).expect_err("an unknown key");
        assert!(errors.iter().any(|error| error.code == Code::UnknownKey), "{errors}");
    }
}

#[test]
fn a_byte_order_mark_and_windows_line_breaks_do_not_matter() {
    let text = include_str!("../../../fixtures/config/ok/full.yaml");
    let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let config = parse("windows.yaml", &windows).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(config.to_json(), full().to_json());
    let place = config.routers[0].dtab.dentries()[1].place().expect("a place");
    assert_eq!(place.to_string(), "windows.yaml:41:5");
    assert!(
        parse("t.json", "\u{feff}{\"routers\": [{\"protocol\": \"http\", \"servers\": [{}]}]}")
            .is_ok()
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*|[-:{}\\[\\]\"'|>&*!#,? \\n\\tarouters\\\\]{0,80}") {
        if let Err(errors) = parse("any.yaml", &text) {
            prop_assert!(errors.iter().count() > 0);
            errors.render(true);
        }
    }

    #[test]
    fn any_bytes_in_a_file_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes).expect("written");
        prop_assert!(load(file.path()).is_err());
    }

    #[test]
    fn a_broken_configuration_is_read_or_refused(
        at in any::<prop::sample::Index>(),
        len in 0_usize..40,
        with in "[-:{}\\[\\]\"'|>&*!#,? \\n\\t0-9a-z/$é]{0,12}",
    ) {
        let mut text = include_str!("../../../fixtures/config/ok/full.yaml").to_owned();
        let start = at.index(text.len());
        let end = text.floor_char_boundary(start + len);
        text.replace_range(text.floor_char_boundary(start)..end.max(start), &with);
        if let Err(errors) = parse("broken.yaml", &text) {
            errors.render(false);
        }
    }
}
