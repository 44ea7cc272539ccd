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
    let access_log = AccessLogConfig {
        file: "logs/access.log".into(),
        roll: RollPolicy::Weekly(2),
        append: false,
        rotate_count: Some(7),
        format: AccessLogFormat::Json,
    };
    assert_eq!(router.access_log, Some(access_log));
    assert_eq!(router.stream_after, 64 * 1024);
    assert_eq!(router.trace_propagator, TracePropagator::Zipkin);
    assert_eq!(config.routers[1].label, "2", "a number is a fine label");
}

fn file(name: &str) -> std::path::PathBuf {
    format!("../fixtures/config/files/{name}.pem").into()
}

fn identity(chain: Option<&str>) -> IdentityConfig {
    IdentityConfig { cert: file("cert"), key: file("key"), intermediates: chain.map(file) }
}

fn millis(millis: u64) -> Option<Duration> {
    Some(Duration::from_millis(millis))
}

#[test]
fn every_key_of_a_server_is_read() {
    let config = full();
    let server = &config.routers[0].servers[0];
    assert_eq!(server.address().to_string(), "0.0.0.0:4140");
    assert_eq!(
        (server.label.as_deref(), server.max_call_depth, server.clear_context),
        (Some("front"), 2, true)
    );
    assert_eq!(server.timestamp_header.as_deref(), Some("X-Request-Start"));
    let forwarded =
        ForwardedConfig { by: Labeler::IpPort, for_: Labeler::Static { label: "me".into() } };
    assert_eq!(server.forwarded, Some(forwarded));
    let tls = server.tls.as_ref().expect("it is given");
    assert_eq!(tls.identity, identity(Some("chain")));
    assert_eq!((&tls.ca_cert, tls.require_client_auth), (&Some(file("ca")), true));
    assert_eq!(tls.ciphers.as_deref(), Some(&["ECDHE-RSA-AES128-GCM-SHA256".to_owned()][..]));
    let protocols = ["TLSv1.2".to_owned(), "TLSv1.3".to_owned()];
    assert_eq!(tls.protocols.as_deref(), Some(&protocols[..]));
    assert_eq!((server.max_concurrent_requests, server.timeout), (Some(500), millis(3000)));
    let session = SessionConfig { life_time: millis(120_000), idle_time: millis(15_000) };
    assert_eq!(server.session, session);
    assert_eq!(server.socket, SocketConfig { backlog: Some(1024), ..SocketConfig::default() });
    let limits = LimitsConfig {
        max_headers: 50,
        head_timeout: Duration::from_secs(1),
        idle_timeout: Duration::from_secs(2),
        body_timeout: Duration::from_secs(3),
        max_connections: 400,
        max_connections_per_peer: Some(40),
    };
    assert_eq!(server.limits, limits);
    let overrides = OverridesConfig {
        trust: Some(Trust::Scoped),
        prefixes: Some(vec![path("/svc/web")]),
        destinations: Some(vec![path("/#/io.l5d.fs")]),
        max_bytes: Some(1024),
        max_dentries: Some(4),
        max_depth: Some(10),
        signing: Some(Arc::new(SigningConfig { key: "../fixtures/config/files/secret".into() })),
    };
    assert_eq!(server.overrides, overrides);
}

#[test]
fn every_key_of_a_client_is_read() {
    let client = full().routers[0].client.of(&path("/#/io.l5d.fs/web"));
    let balancer =
        LoadBalancerConfig { kind: BalancerKind::P2c { max_effort: 3 }, enable_probation: true };
    assert_eq!(client.load_balancer, balancer);
    let pool = PoolConfig {
        min_size: 1,
        max_size: Some(20),
        idle_time: millis(30_000),
        max_waiters: Some(50),
    };
    assert_eq!(client.pool, pool);
    let accrual = FailureAccrualConfig {
        kind: AccrualKind::ConsecutiveFailures { failures: 3 },
        backoff: BackoffConfig::Jittered {
            min: Duration::from_millis(100),
            max: Duration::from_secs(2),
        },
    };
    assert_eq!(client.failure_accrual, accrual);
    assert_eq!((client.fail_fast, client.attempt_timeout), (true, millis(800)));
    let budget = BudgetConfig {
        min_retries_per_sec: 5,
        percent_can_retry: 0.1,
        ttl: Duration::from_secs(30),
    };
    assert_eq!(client.requeue_budget, budget);
    let session = SessionConfig { life_time: millis(60_000), idle_time: millis(10_000) };
    assert_eq!(client.session, session);
    let socket = SocketConfig {
        no_delay: false,
        reuse_addr: false,
        reuse_port: true,
        write_timeout: millis(100),
        read_timeout: millis(200),
        keep_alive: Some(true),
        backlog: Some(128),
    };
    assert_eq!(client.socket, socket);
    let tls = client.tls.expect("it is given");
    assert!(tls.enabled && !tls.disable_validation);
    assert_eq!(tls.common_name.as_deref(), Some("web.example.com"));
    assert_eq!(tls.trust, [file("ca")]);
    assert_eq!(tls.client_auth, Some(identity(Some("chain"))));
    assert_eq!(tls.protocols.as_deref(), Some(&["TLSv1.3".to_owned()][..]));
    assert_eq!((client.forward_client_cert, client.max_in_flight), (true, Some(1000)));
}

#[test]
fn every_key_of_a_service_is_read() {
    let service = full().routers[0].service.of(&path("/svc/web"));
    let budget = BudgetConfig {
        min_retries_per_sec: 3,
        percent_can_retry: 0.3,
        ttl: Duration::from_secs(15),
    };
    let expected = ServiceConfig {
        total_timeout: millis(2000),
        retries: RetriesConfig {
            budget,
            backoff: BackoffConfig::Constant { wait: Duration::from_millis(20) },
        },
        classifier: ClassifierConfig::RetryableRead5xx,
        ..ServiceConfig::default()
    };
    assert_eq!(service, expected);
}

#[test]
fn every_kind_of_balancer_accrual_and_classifier_is_read() {
    let config = full();
    let client = |name| config.routers[1].client.of(&path(name));
    let balancer = |name| client(name).load_balancer.kind;
    let ewma = BalancerKind::Ewma { decay_time: Duration::from_secs(5), max_effort: 4 };
    assert_eq!(balancer("/x"), ewma);
    let aperture = BalancerKind::Aperture {
        smooth_window: Duration::from_secs(1),
        max_effort: 6,
        low_load: 0.8,
        high_load: 1.5,
        min_aperture: 2,
    };
    assert_eq!(balancer("/#/io.l5d.fs/web"), aperture);
    assert_eq!(balancer("/#/io.l5d.fs/heap"), BalancerKind::Heap);
    assert_eq!(balancer("/$/inet/a/80"), BalancerKind::RoundRobin { max_effort: 2 });

    let accrual = |name| client(name).failure_accrual.kind;
    assert_eq!(accrual("/x"), AccrualKind::SuccessRate { success_rate: 0.9, requests: 20 });
    let windowed =
        AccrualKind::SuccessRateWindowed { success_rate: 0.8, window: Duration::from_mins(1) };
    assert_eq!(accrual("/#/io.l5d.fs/web"), windowed);
    assert_eq!(accrual("/%/io.l5d.port/80"), AccrualKind::Never);

    let tls = client("/#/io.l5d.fs/web").tls.expect("it is given");
    assert_eq!(tls.common_name.as_deref(), Some("web.example.com"));
    assert_eq!(tls.trust, [file("ca"), file("chain")]);

    let classifier = |name| config.routers[1].service.of(&path(name)).classifier;
    assert_eq!(classifier("/svc/x"), ClassifierConfig::RetryableIdempotent5xx);
    assert_eq!(classifier("/svc/all"), ClassifierConfig::RetryableAll5xx);
    assert_eq!(classifier("/svc/fine"), ClassifierConfig::AllSuccessful);
    assert_eq!(classifier("/svc/plain"), ClassifierConfig::NonRetryable5xx);
}

#[test]
fn every_key_of_the_other_sections_is_read() {
    let config = full();
    assert_eq!(
        config.telemetry,
        [
            TelemeterConfig::Prometheus(PrometheusConfig {
                path: "/metrics".into(),
                prefix: "fp_".into()
            }),
            TelemeterConfig::Influxdb,
            TelemeterConfig::Statsd(StatsdConfig {
                prefix: "fingerpost".into(),
                hostname: "statsd.local".into(),
                port: 8126,
                gauge_interval: Duration::from_secs(5),
                sample_rate: 0.5,
            }),
            TelemeterConfig::RecentRequests(RecentRequestsConfig {
                sample_rate: 1.0,
                capacity: 100
            }),
            TelemeterConfig::Tracelog(TracelogConfig {
                sample_rate: 0.2,
                level: tracing::level_filters::LevelFilter::DEBUG,
            }),
        ]
    );
    let admin = &config.admin;
    assert_eq!(admin.shutdown_grace, Duration::from_millis(1500));
    assert_eq!((admin.worker_threads, admin.http_identifier_port), (1, Some(9991)));
    assert_eq!(admin.tls.as_ref().map(|tls| &tls.identity), Some(&identity(None)));
    let security = admin.security.as_ref().expect("it is given");
    assert_eq!((security.ui, security.control, security.diagnostics), (true, false, false));
    assert!(security.allowed[0].is_match("/admin/ping"));
    assert!(!security.allowed[0].is_match("/admin/ping/pong"), "paths are matched whole");
    assert!(security.refused[0].is_match("/config.json"));
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
    assert_eq!(places, ["full.yaml:61:5", "full.yaml:62:5"]);
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

/// `/config.json` shows every value that is given, so none may be a secret itself.
#[test]
fn secrets_stand_in_files_and_only_the_files_are_named() {
    let words = ["secret", "password", "credential", "token", "keypath", "authinfo"];
    let keys: Vec<_> = reference().into_iter().flat_map(|object| object.keys).collect();
    let secret = |path: &str| {
        let name = path.rsplit('.').next().unwrap_or(path).to_ascii_lowercase();
        words.iter().any(|word| name.contains(word))
    };
    let mut secrets = keys.iter().filter(|key| secret(&key.path)).peekable();
    assert!(secrets.peek().is_some(), "there are keys that name files of secrets");
    for key in secrets {
        assert_eq!(key.type_, Type::File.to_string(), "{}", key.path);
    }
    let shown = full().to_json().to_string();
    for name in ["key.pem", "secret"] {
        let text = std::fs::read_to_string(format!("../fixtures/config/files/{name}"));
        let text = text.expect("a text");
        for line in text.lines().filter(|line| !line.starts_with("-----")) {
            assert!(shown.contains(name) && !shown.contains(line), "{name} is shown");
        }
    }
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
                  requeueBudget clientSession socketOptions forwardClientCert requestAuthorizers kind";
    let service = "totalTimeoutMs retries responseClassifier kind";
    let balancer = "maxEffort enableProbation";
    let sections = [
        ("admin: {KEY: []}", admin),
        ("routers: [{protocol: http, KEY: []}]", router),
        ("routers: [{protocol: http, servers: [{KEY: []}]}]", server),
        ("routers: [{protocol: http, client: {KEY: []}}]", client),
        ("routers: [{protocol: http, client: {loadBalancer: {kind: p2c, KEY: []}}}]", balancer),
        ("routers: [{protocol: http, service: {KEY: []}}]", service),
        ("routers: [{protocol: http, client: {kind: io.l5d.static, KEY: []}}]", "configs"),
        (
            "routers: [{protocol: http, client: {kind: io.l5d.static, configs: [{prefix: /, KEY: []}]}}]",
            "tls loadBalancer hostConnectionPool failFast failureAccrual",
        ),
        ("routers: [{protocol: http, service: {kind: io.l5d.static, KEY: []}}]", "configs"),
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
    assert_eq!(place.to_string(), "windows.yaml:62:5");
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
