//! Every kind that Linkerd 1.7.5 has, by category: one entry each.
//!
//! A kind that is built names its keys and the function that reads them; the others are refused by
//! name, so that a file for Linkerd gets "not built yet", and a slip of the pen gets "did you
//! mean". To add a kind, write one file in `kinds/` and change its entry here from `not_built` to
//! `built`. Kinds that only routers of HTTP/2 have are in `kinds/h2.rs`.

mod accrual;
mod backoff;
mod balancer;
mod category;
mod classifier;
pub(super) mod forwarded;
mod h2;
pub(super) mod identifier;
mod interpreter;
mod namer;
mod namer_fs;
mod namer_rewrite;
mod propagator;
mod telemeter;
mod transformer;

pub use self::accrual::{AccrualKind, FailureAccrualConfig};
pub use self::backoff::BackoffConfig;
pub use self::balancer::{BalancerKind, LoadBalancerConfig};
pub(crate) use self::category::{Category, Kinds};
pub use self::classifier::{ClassifierConfig, Codes, GrpcClassifierConfig};
pub use self::forwarded::{ForwardedConfig, Labeler};
pub(crate) use self::h2::{H2_CLASSIFIERS, H2_CLIENTS, H2_IDENTIFIERS, H2_SERVICES};
pub use self::identifier::{
    HeaderIdentifierConfig, HeaderPathIdentifierConfig, HeaderTokenIdentifierConfig,
    IdentifierConfig, MethodAndHostIdentifierConfig, PathIdentifierConfig, StaticIdentifierConfig,
};
pub use self::interpreter::{InterpreterConfig, InterpreterKind};
pub use self::namer::{NamerConfig, NamerKind};
pub use self::namer_fs::FsNamerConfig;
pub use self::namer_rewrite::RewriteNamerConfig;
pub use self::propagator::TracePropagator;
pub use self::telemeter::{
    PrometheusConfig, RecentRequestsConfig, StatsdConfig, TelemeterConfig, TracelogConfig,
};
pub use self::transformer::{
    ConstTransformerConfig, PortTransformerConfig, ReplaceTransformerConfig,
    SpecificHostTransformerConfig, TransformerConfig, TransformerKind,
};

use std::convert::Infallible;

use self::category::{built, experimental, not_built};
use super::client::{self, ClientsConfig};
use super::router::{self, RouterConfig};
use super::service::{self, ServicesConfig};

/// Linkerd's router protocols.
pub(crate) static PROTOCOLS: Category<RouterConfig> = Category {
    noun: "protocol",
    article_noun: "a router",
    tag: "protocol",
    default: None,
    kinds: &[
        built("http", "HTTP/1.0 and HTTP/1.1.", router::HTTP_KEYS, router::read_http),
        built("h2", "HTTP/2 and gRPC.", router::H2_KEYS, router::read_h2),
        not_built("mux", "Twitter's Mux."),
        not_built("thrift", "Thrift."),
        not_built("thriftmux", "Thrift over Mux."),
    ],
};

/// Identifiers of http routers.
pub(crate) static IDENTIFIERS: Category<IdentifierConfig> = Category {
    noun: "identifier",
    article_noun: "an identifier",
    tag: "kind",
    default: None,
    kinds: &[
        built(
            "io.l5d.header",
            "A header holds the name as a path.",
            &[identifier::HEADER_KEYS],
            identifier::read_header,
        ),
        built(
            "io.l5d.header.token",
            "A header holds the name as one segment.",
            &[identifier::HEADER_TOKEN_KEYS],
            identifier::read_header_token,
        ),
        built(
            "io.l5d.methodAndHost",
            "The name is the HTTP version, the method and the host: `/1.1/GET/example.com`.",
            &[identifier::METHOD_AND_HOST_KEYS],
            identifier::read_method_and_host,
        ),
        built(
            "io.l5d.path",
            "The first segments of the URI's path are the name.",
            &[identifier::PATH_KEYS],
            identifier::read_path,
        ),
        built(
            "io.l5d.static",
            "Every request has the same name.",
            &[identifier::STATIC_KEYS],
            identifier::read_static,
        ),
        not_built("io.l5d.ingress", "By the rules of Kubernetes ingresses."),
        not_built("io.l5d.k8s.istio", "By the rules of Istio."),
        not_built("io.l5d.k8s.istio-ingress", "By ingresses and the rules of Istio."),
    ],
};

/// Namers.
pub(crate) static NAMERS: Category<NamerConfig> = Category {
    noun: "namer",
    article_noun: "a namer",
    tag: "kind",
    default: None,
    kinds: &[
        built(
            "io.l5d.fs",
            "A directory with a file of addresses for each name.",
            &[namer_fs::KEYS, transformer::TRANSFORMERS_KEY],
            namer_fs::read,
        ),
        built(
            "io.l5d.rewrite",
            "A pattern that turns a name into another.",
            &[namer_rewrite::KEYS, transformer::TRANSFORMERS_KEY],
            namer_rewrite::read,
        ),
        not_built("io.l5d.consul", "Discovery by Consul."),
        not_built("io.l5d.curator", "Discovery by Apache Curator."),
        not_built("io.l5d.dnssrv", "Discovery by SRV records of DNS."),
        not_built("io.l5d.k8s", "Discovery by Kubernetes endpoints."),
        not_built("io.l5d.k8s.external", "Discovery by load balancers of Kubernetes services."),
        not_built("io.l5d.k8s.istio", "Discovery by Istio."),
        not_built("io.l5d.k8s.ns", "Discovery by Kubernetes endpoints of one namespace."),
        not_built("io.l5d.marathon", "Discovery by Marathon."),
        not_built("io.l5d.rancher", "Discovery by Rancher."),
        not_built("io.l5d.serversets", "Discovery by ZooKeeper server sets."),
        not_built("io.l5d.zkLeader", "The leader of a ZooKeeper election."),
    ],
};

/// Interpreters.
pub(crate) static INTERPRETERS: Category<InterpreterConfig> = Category {
    noun: "interpreter",
    article_noun: "an interpreter",
    tag: "kind",
    default: None,
    kinds: &[
        built(
            "default",
            "The router's dtab and the namers of this configuration.",
            &[transformer::TRANSFORMERS_KEY],
            interpreter::read_default,
        ),
        not_built("io.l5d.consul.interpreter", "A dtab kept in Consul."),
        not_built("io.l5d.fs", "A dtab kept in a file."),
        not_built("io.l5d.k8s.configMap", "A dtab kept in a Kubernetes ConfigMap."),
        not_built("io.l5d.k8s.istio", "The routes of Istio."),
        not_built("io.l5d.mesh", "A namerd asked by gRPC."),
        not_built("io.l5d.namerd", "A namerd asked by Thrift."),
        not_built("io.l5d.namerd.http", "A namerd asked by HTTP."),
    ],
};

/// Transformers of namers and interpreters.
pub(crate) static TRANSFORMERS: Category<TransformerConfig> = Category {
    noun: "transformer",
    article_noun: "a transformer",
    tag: "kind",
    default: None,
    kinds: &[
        built(
            "io.l5d.const",
            "Whatever is bound, the binding of one fixed name is taken.",
            &[transformer::PATH_KEY, transformer::PREFIX_KEY],
            transformer::read_const,
        ),
        built(
            "io.l5d.localhost",
            "Only addresses of this machine are kept.",
            &[transformer::PREFIX_KEY],
            transformer::read_localhost,
        ),
        built(
            "io.l5d.port",
            "Every address gets the same port.",
            &[transformer::PORT_KEY, transformer::PREFIX_KEY],
            transformer::read_port,
        ),
        built(
            "io.l5d.replace",
            "Each bound name becomes the binding of one fixed name.",
            &[transformer::PATH_KEY, transformer::PREFIX_KEY],
            transformer::read_replace,
        ),
        built(
            "io.l5d.specificHost",
            "Only one address is kept.",
            &[transformer::HOST_KEY, transformer::PREFIX_KEY],
            transformer::read_specific_host,
        ),
        not_built("io.l5d.k8s.daemonset", "Addresses become those of a daemon on the same node."),
        not_built("io.l5d.k8s.localnode", "Only addresses of this Kubernetes node are kept."),
    ],
};

/// Telemeters.
pub(crate) static TELEMETERS: Category<TelemeterConfig> = Category {
    noun: "telemeter",
    article_noun: "a telemeter",
    tag: "kind",
    default: None,
    kinds: &[
        built(
            "io.l5d.prometheus",
            "A page of metrics for Prometheus on the admin server.",
            &[telemeter::PROMETHEUS_KEYS],
            telemeter::read_prometheus,
        ),
        built(
            "io.l5d.influxdb",
            "A page of metrics in the line protocol of InfluxDB, /admin/metrics/influxdb.",
            &[],
            |_| Some(TelemeterConfig::Influxdb),
        ),
        built(
            "io.l5d.recentRequests",
            "How many of the latest requests are remembered; they are shown at /requests.",
            &[telemeter::RECENT_REQUESTS_KEYS],
            telemeter::read_recent_requests,
        ),
        experimental(
            "io.l5d.statsd",
            "Metrics are sent to StatsD over UDP.",
            &[telemeter::STATSD_KEYS],
            telemeter::read_statsd,
        ),
        built(
            "io.l5d.tracelog",
            "Traces are written to the log.",
            &[telemeter::TRACELOG_KEYS],
            telemeter::read_tracelog,
        ),
        not_built("io.l5d.zipkin", "Traces are sent to Zipkin."),
    ],
};

/// Load balancers.
pub(crate) static BALANCERS: Category<LoadBalancerConfig> = Category {
    noun: "load balancer",
    article_noun: "a load balancer",
    tag: "kind",
    default: None,
    kinds: &[
        built(
            "p2c",
            "Of two endpoints drawn at random, the one with fewer requests in progress.",
            &[balancer::MAX_EFFORT_KEY, balancer::COMMON_KEYS],
            balancer::read_p2c,
        ),
        built(
            "ewma",
            "Of two endpoints drawn at random, the one with the smaller product of its recent latency and its requests in progress.",
            &[balancer::EWMA_KEYS, balancer::MAX_EFFORT_KEY, balancer::COMMON_KEYS],
            balancer::read_ewma,
        ),
        built(
            "aperture",
            "As p2c, among no more endpoints than the load needs.",
            &[balancer::APERTURE_KEYS, balancer::MAX_EFFORT_KEY, balancer::COMMON_KEYS],
            balancer::read_aperture,
        ),
        built(
            "heap",
            "Of all endpoints, the one with the fewest requests in progress.",
            &[balancer::COMMON_KEYS],
            balancer::read_heap,
        ),
        built(
            "roundRobin",
            "One endpoint after the other.",
            &[balancer::MAX_EFFORT_KEY, balancer::COMMON_KEYS],
            balancer::read_round_robin,
        ),
    ],
};

/// Labelers of the `Forwarded` header.
pub(crate) static LABELERS: Category<Labeler> = Category {
    noun: "labeler",
    article_noun: "a labeler",
    tag: "kind",
    default: None,
    kinds: &[
        built("ip", "The IP address.", &[], |_| Some(Labeler::Ip)),
        built("ip:port", "The IP address and port.", &[], |_| Some(Labeler::IpPort)),
        built("connectionRandom", "A random name for each connection.", &[], |_| {
            Some(Labeler::ConnectionRandom)
        }),
        built("requestRandom", "A random name for each request.", &[], |_| {
            Some(Labeler::RequestRandom)
        }),
        built("router", "The label of the router.", &[], |_| Some(Labeler::Router)),
        built("static", "A fixed name.", &[forwarded::STATIC_KEYS], forwarded::read_static),
    ],
};

/// Response classifiers of http services.
pub(crate) static CLASSIFIERS: Category<ClassifierConfig> = Category {
    noun: "response classifier",
    article_noun: "a response classifier",
    tag: "kind",
    default: None,
    kinds: &[
        built(
            "io.l5d.http.nonRetryable5XX",
            "5xx responses are failures, and are not tried again.",
            &[],
            |_| Some(ClassifierConfig::NonRetryable5xx),
        ),
        built(
            "io.l5d.http.retryableRead5XX",
            "5xx responses are failures; those to GET, HEAD, OPTIONS and TRACE may be tried again.",
            &[],
            |_| Some(ClassifierConfig::RetryableRead5xx),
        ),
        built(
            "io.l5d.http.retryableIdempotent5XX",
            "As retryableRead5XX, and those to PUT and DELETE may be tried again, too.",
            &[],
            |_| Some(ClassifierConfig::RetryableIdempotent5xx),
        ),
        built(
            "io.l5d.http.retryableAll5XX",
            "As retryableIdempotent5XX, and those to POST and PATCH may be tried again, too.",
            &[],
            |_| Some(ClassifierConfig::RetryableAll5xx),
        ),
        built(
            "io.l5d.http.allSuccessful",
            "Every response is a success, whatever its status.",
            &[],
            |_| Some(ClassifierConfig::AllSuccessful),
        ),
    ],
};

/// Propagators of the trace context.
pub(crate) static TRACE_PROPAGATORS: Category<TracePropagator> = Category {
    noun: "trace propagator",
    article_noun: "a trace propagator",
    tag: "kind",
    default: None,
    kinds: &[
        built("io.l5d.default", "The header l5d-ctx-trace, as Linkerd has it.", &[], |_| {
            Some(TracePropagator::Default)
        }),
        built("io.l5d.zipkin", "The B3 headers of Zipkin.", &[], |_| Some(TracePropagator::Zipkin)),
    ],
};

/// Failure accrual policies.
pub(crate) static FAILURE_ACCRUALS: Category<FailureAccrualConfig> = Category {
    noun: "failure accrual",
    article_noun: "a failure accrual",
    tag: "kind",
    default: None,
    kinds: &[
        built(
            "io.l5d.consecutiveFailures",
            "An endpoint is left alone after some failures in a row.",
            &[accrual::CONSECUTIVE_FAILURES_KEYS, accrual::BACKOFF_KEY],
            accrual::read_consecutive_failures,
        ),
        built(
            "io.l5d.successRate",
            "An endpoint is left alone when too few of its latest requests succeed.",
            &[accrual::SUCCESS_RATE_KEYS, accrual::BACKOFF_KEY],
            accrual::read_success_rate,
        ),
        built(
            "io.l5d.successRateWindowed",
            "An endpoint is left alone when too few of its requests of the last seconds succeed.",
            &[accrual::SUCCESS_RATE_WINDOWED_KEYS, accrual::BACKOFF_KEY],
            accrual::read_success_rate_windowed,
        ),
        built("none", "An endpoint is never left alone for its failures.", &[], accrual::read_none),
    ],
};

/// Backoffs of retries and failure accrual.
pub(crate) static BACKOFFS: Category<BackoffConfig> = Category {
    noun: "backoff",
    article_noun: "a backoff",
    tag: "kind",
    default: None,
    kinds: &[
        built(
            "constant",
            "All waits are the same.",
            &[backoff::CONSTANT_KEYS],
            backoff::read_constant,
        ),
        built(
            "jittered",
            "Each wait is random, between minMs and three times the one before, up to maxMs.",
            &[backoff::JITTERED_KEYS],
            backoff::read_jittered,
        ),
    ],
};

/// Announcers.
pub(crate) static ANNOUNCERS: Category<Infallible> = Category {
    noun: "announcer",
    article_noun: "an announcer",
    tag: "kind",
    default: None,
    kinds: &[not_built("io.l5d.serversets", "Announces servers in ZooKeeper server sets.")],
};

/// Request authorizers.
pub(crate) static REQUEST_AUTHORIZERS: Category<Infallible> = Category {
    noun: "request authorizer",
    article_noun: "a request authorizer",
    tag: "kind",
    default: None,
    kinds: &[not_built("io.l5d.k8s.istio", "Asks Istio's Mixer.")],
};

/// Client sections.
pub(crate) static CLIENTS: Category<ClientsConfig> = Category {
    noun: "client",
    article_noun: "a client",
    tag: "kind",
    default: Some("io.l5d.global"),
    kinds: &[
        built(
            "io.l5d.global",
            "The same for all bound names.",
            &[client::KEYS],
            client::read_global,
        ),
        built(
            "io.l5d.static",
            "By the prefixes of bound names.",
            &[client::STATIC_KEYS],
            client::read_static,
        ),
    ],
};

/// Service sections.
pub(crate) static SERVICES: Category<ServicesConfig> = Category {
    noun: "service",
    article_noun: "a service",
    tag: "kind",
    default: Some("io.l5d.global"),
    kinds: &[
        built(
            "io.l5d.global",
            "The same for all logical names.",
            &[&service::COMMON],
            service::read_global,
        ),
        built(
            "io.l5d.static",
            "By the prefixes of logical names.",
            &[service::STATIC_KEYS],
            service::read_static,
        ),
    ],
};
