//! The kinds of h2 routers where they differ from those of http routers.

use super::category::{Category, built, not_built};
use super::{ClassifierConfig, IdentifierConfig, classifier, identifier};
use crate::config::client::{self, ClientsConfig};
use crate::config::http2;
use crate::config::service::{self, ServicesConfig};

/// Identifiers of h2 routers.
pub(crate) static H2_IDENTIFIERS: Category<IdentifierConfig> = Category {
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
            "io.l5d.header.path",
            "The first segments of a path that a header holds are the name: of the URI's path, and so \
             service and method of gRPC, unless another header is given.",
            &[identifier::HEADER_PATH_KEYS],
            identifier::read_header_path,
        ),
        built(
            "io.l5d.header.token",
            "A header holds the name as one segment: the host, unless another one is given.",
            &[identifier::H2_HEADER_TOKEN_KEYS],
            identifier::read_h2_header_token,
        ),
        built(
            "io.l5d.methodAndHost",
            "The name is the HTTP version, the method and the host: `/2.0/GET/example.com`.",
            &[identifier::METHOD_AND_HOST_KEYS],
            identifier::read_method_and_host,
        ),
        built(
            "io.l5d.static",
            "Every request has the same name.",
            &[identifier::STATIC_KEYS],
            identifier::read_static,
        ),
        not_built("io.l5d.ingress", "By the rules of Kubernetes ingresses."),
        not_built("io.l5d.k8s.istio", "By the rules of Istio."),
    ],
};

/// Response classifiers of h2 services.
pub(crate) static H2_CLASSIFIERS: Category<ClassifierConfig> = Category {
    noun: "response classifier",
    article_noun: "a response classifier",
    tag: "kind",
    default: None,
    kinds: &[
        built(
            "io.l5d.h2.nonRetryable5XX",
            "5xx responses are failures, and are not tried again.",
            &[],
            |_| Some(ClassifierConfig::NonRetryable5xx),
        ),
        built(
            "io.l5d.h2.retryableRead5XX",
            "5xx responses are failures; those to GET, HEAD, OPTIONS and TRACE may be tried again.",
            &[],
            |_| Some(ClassifierConfig::RetryableRead5xx),
        ),
        built(
            "io.l5d.h2.retryableIdempotent5XX",
            "As retryableRead5XX, and those to PUT and DELETE may be tried again, too.",
            &[],
            |_| Some(ClassifierConfig::RetryableIdempotent5xx),
        ),
        built(
            "io.l5d.h2.retryableAll5XX",
            "As retryableIdempotent5XX, and those to POST and PATCH may be tried again, too.",
            &[],
            |_| Some(ClassifierConfig::RetryableAll5xx),
        ),
        built(
            "io.l5d.h2.allSuccessful",
            "Every response is a success, whatever its status.",
            &[],
            |_| Some(ClassifierConfig::AllSuccessful),
        ),
        built(
            "io.l5d.h2.grpc.default",
            "What is not OK is a failure; UNAVAILABLE (14) may be tried again.",
            &[classifier::SUCCESS_KEY],
            classifier::read_grpc_default,
        ),
        built(
            "io.l5d.h2.grpc.compliant",
            "As grpc.default, and what was answered with HTTP status 429, 502, 503 or 504 and no gRPC \
             status may be tried again, too.",
            &[classifier::SUCCESS_KEY],
            classifier::read_grpc_compliant,
        ),
        built(
            "io.l5d.h2.grpc.alwaysRetryable",
            "What is not OK is a failure, and may be tried again.",
            &[classifier::SUCCESS_KEY],
            classifier::read_grpc_always,
        ),
        built(
            "io.l5d.h2.grpc.neverRetryable",
            "What is not OK is a failure, and is not tried again.",
            &[classifier::SUCCESS_KEY],
            classifier::read_grpc_never,
        ),
        built(
            "io.l5d.h2.grpc.retryableStatusCodes",
            "What is not OK is a failure; some of them may be tried again.",
            &[classifier::RETRYABLE_KEY, classifier::SUCCESS_KEY],
            classifier::read_grpc_codes,
        ),
    ],
};

/// Client sections of h2 routers.
pub(crate) static H2_CLIENTS: Category<ClientsConfig> = Category {
    noun: "client",
    article_noun: "a client",
    tag: "kind",
    default: Some("io.l5d.global"),
    kinds: &[
        built(
            "io.l5d.global",
            "The same for all bound names.",
            &[client::KEYS, http2::KEYS],
            client::read_h2_global,
        ),
        built(
            "io.l5d.static",
            "By the prefixes of bound names.",
            &[client::H2_STATIC_KEYS],
            client::read_h2_static,
        ),
    ],
};

/// Service sections of h2 routers.
pub(crate) static H2_SERVICES: Category<ServicesConfig> = Category {
    noun: "service",
    article_noun: "a service",
    tag: "kind",
    default: Some("io.l5d.global"),
    kinds: &[
        built(
            "io.l5d.global",
            "The same for all logical names.",
            &[&service::H2_COMMON, service::H2_KEYS],
            service::read_h2_global,
        ),
        built(
            "io.l5d.static",
            "By the prefixes of logical names.",
            &[service::H2_STATIC_KEYS],
            service::read_h2_static,
        ),
    ],
};
