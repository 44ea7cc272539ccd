//! Every kind that Linkerd 1.7.5 has, by category: one line each.
//!
//! A kind that is built names the function that reads its configuration; the others are refused by
//! name, so that a file for Linkerd gets "not built yet", and a slip of the pen gets "did you
//! mean". To add a kind, write one file in `kinds/` and change its line here from `not_built` to
//! `built`.

mod accrual;
mod backoff;
mod balancer;
mod classifier;
pub(super) mod forwarded;
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
pub use self::classifier::ClassifierConfig;
pub use self::forwarded::{ForwardedConfig, Labeler};
pub use self::identifier::{
    HeaderIdentifierConfig, HeaderTokenIdentifierConfig, IdentifierConfig,
    MethodAndHostIdentifierConfig, PathIdentifierConfig, StaticIdentifierConfig,
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

use super::error::{Code, clip, closest};
use super::reader::{Field, Object};
use super::router::{self, RouterConfig};
use super::value;

/// Reads the keys of a kind from the object that names it.
type Read<T> = fn(&mut Object<'_>) -> Option<T>;

/// One kind of a category.
pub(crate) struct Kind<T> {
    id: &'static str,
    /// Must be enabled by `experimental: true`.
    experimental: bool,
    /// `None` while the kind is not built.
    read: Option<Read<T>>,
}

const fn built<T>(id: &'static str, read: Read<T>) -> Kind<T> {
    Kind { id, experimental: false, read: Some(read) }
}

const fn experimental<T>(id: &'static str, read: Read<T>) -> Kind<T> {
    Kind { id, experimental: true, read: Some(read) }
}

const fn not_built<T>(id: &'static str) -> Kind<T> {
    Kind { id, experimental: false, read: None }
}

/// The kinds that can stand at one place of a configuration.
pub(crate) struct Category<T: 'static> {
    /// As in "unknown X kind".
    noun: &'static str,
    /// As in "X needs the key `kind`".
    article_noun: &'static str,
    /// The key that names the kind.
    tag: &'static str,
    kinds: &'static [Kind<T>],
}

/// Linkerd's router protocols.
pub(crate) static PROTOCOLS: Category<RouterConfig> = Category {
    noun: "protocol",
    article_noun: "a router",
    tag: "protocol",
    kinds: &[
        built("http", router::read_http),
        not_built("h2"),
        not_built("mux"),
        not_built("thrift"),
        not_built("thriftmux"),
    ],
};

/// Identifiers of http routers.
pub(crate) static IDENTIFIERS: Category<IdentifierConfig> = Category {
    noun: "identifier",
    article_noun: "an identifier",
    tag: "kind",
    kinds: &[
        built("io.l5d.header", identifier::read_header),
        built("io.l5d.header.token", identifier::read_header_token),
        built("io.l5d.methodAndHost", identifier::read_method_and_host),
        built("io.l5d.path", identifier::read_path),
        built("io.l5d.static", identifier::read_static),
        not_built("io.l5d.ingress"),
        not_built("io.l5d.k8s.istio"),
        not_built("io.l5d.k8s.istio-ingress"),
    ],
};

/// Namers.
pub(crate) static NAMERS: Category<NamerConfig> = Category {
    noun: "namer",
    article_noun: "a namer",
    tag: "kind",
    kinds: &[
        built("io.l5d.fs", namer_fs::read),
        built("io.l5d.rewrite", namer_rewrite::read),
        not_built("io.l5d.consul"),
        not_built("io.l5d.curator"),
        not_built("io.l5d.dnssrv"),
        not_built("io.l5d.k8s"),
        not_built("io.l5d.k8s.external"),
        not_built("io.l5d.k8s.istio"),
        not_built("io.l5d.k8s.ns"),
        not_built("io.l5d.marathon"),
        not_built("io.l5d.rancher"),
        not_built("io.l5d.serversets"),
        not_built("io.l5d.zkLeader"),
    ],
};

/// Interpreters.
pub(crate) static INTERPRETERS: Category<InterpreterConfig> = Category {
    noun: "interpreter",
    article_noun: "an interpreter",
    tag: "kind",
    kinds: &[
        built("default", interpreter::read_default),
        not_built("io.l5d.consul.interpreter"),
        not_built("io.l5d.fs"),
        not_built("io.l5d.k8s.configMap"),
        not_built("io.l5d.k8s.istio"),
        not_built("io.l5d.mesh"),
        not_built("io.l5d.namerd"),
        not_built("io.l5d.namerd.http"),
    ],
};

/// Transformers of namers and interpreters.
pub(crate) static TRANSFORMERS: Category<TransformerConfig> = Category {
    noun: "transformer",
    article_noun: "a transformer",
    tag: "kind",
    kinds: &[
        built("io.l5d.const", transformer::read_const),
        built("io.l5d.localhost", transformer::read_localhost),
        built("io.l5d.port", transformer::read_port),
        built("io.l5d.replace", transformer::read_replace),
        built("io.l5d.specificHost", transformer::read_specific_host),
        not_built("io.l5d.k8s.daemonset"),
        not_built("io.l5d.k8s.localnode"),
    ],
};

/// Telemeters.
pub(crate) static TELEMETERS: Category<TelemeterConfig> = Category {
    noun: "telemeter",
    article_noun: "a telemeter",
    tag: "kind",
    kinds: &[
        built("io.l5d.prometheus", telemeter::read_prometheus),
        built("io.l5d.influxdb", |_| Some(TelemeterConfig::Influxdb)),
        built("io.l5d.recentRequests", telemeter::read_recent_requests),
        experimental("io.l5d.statsd", telemeter::read_statsd),
        built("io.l5d.tracelog", telemeter::read_tracelog),
        not_built("io.l5d.zipkin"),
    ],
};

/// Load balancers.
pub(crate) static BALANCERS: Category<LoadBalancerConfig> = Category {
    noun: "load balancer",
    article_noun: "a load balancer",
    tag: "kind",
    kinds: &[
        built("p2c", balancer::read_p2c),
        built("ewma", balancer::read_ewma),
        built("aperture", balancer::read_aperture),
        built("heap", balancer::read_heap),
        built("roundRobin", balancer::read_round_robin),
    ],
};

/// Labelers of the `Forwarded` header.
pub(crate) static LABELERS: Category<Labeler> = Category {
    noun: "labeler",
    article_noun: "a labeler",
    tag: "kind",
    kinds: &[
        built("ip", |object| forwarded::read_plain(object, Labeler::Ip)),
        built("ip:port", |object| forwarded::read_plain(object, Labeler::IpPort)),
        built("connectionRandom", |object| {
            forwarded::read_plain(object, Labeler::ConnectionRandom)
        }),
        built("requestRandom", |object| forwarded::read_plain(object, Labeler::RequestRandom)),
        built("router", |object| forwarded::read_plain(object, Labeler::Router)),
        built("static", forwarded::read_static),
    ],
};

/// Response classifiers of http services.
pub(crate) static CLASSIFIERS: Category<ClassifierConfig> = Category {
    noun: "response classifier",
    article_noun: "a response classifier",
    tag: "kind",
    kinds: &[
        built("io.l5d.http.nonRetryable5XX", |_| Some(ClassifierConfig::NonRetryable5xx)),
        built("io.l5d.http.retryableRead5XX", |_| Some(ClassifierConfig::RetryableRead5xx)),
        built("io.l5d.http.retryableIdempotent5XX", |_| {
            Some(ClassifierConfig::RetryableIdempotent5xx)
        }),
        built("io.l5d.http.retryableAll5XX", |_| Some(ClassifierConfig::RetryableAll5xx)),
        built("io.l5d.http.allSuccessful", |_| Some(ClassifierConfig::AllSuccessful)),
    ],
};

/// Propagators of the trace context.
pub(crate) static TRACE_PROPAGATORS: Category<TracePropagator> = Category {
    noun: "trace propagator",
    article_noun: "a trace propagator",
    tag: "kind",
    kinds: &[
        built("io.l5d.default", |_| Some(TracePropagator::Default)),
        built("io.l5d.zipkin", |_| Some(TracePropagator::Zipkin)),
    ],
};

/// Failure accrual policies.
pub(crate) static FAILURE_ACCRUALS: Category<FailureAccrualConfig> = Category {
    noun: "failure accrual",
    article_noun: "a failure accrual",
    tag: "kind",
    kinds: &[
        built("io.l5d.consecutiveFailures", accrual::read_consecutive_failures),
        built("io.l5d.successRate", accrual::read_success_rate),
        built("io.l5d.successRateWindowed", accrual::read_success_rate_windowed),
        built("none", accrual::read_none),
    ],
};

/// Backoffs of retries and failure accrual.
pub(crate) static BACKOFFS: Category<BackoffConfig> = Category {
    noun: "backoff",
    article_noun: "a backoff",
    tag: "kind",
    kinds: &[built("constant", backoff::read_constant), built("jittered", backoff::read_jittered)],
};

/// Announcers.
pub(crate) static ANNOUNCERS: Category<Infallible> = Category {
    noun: "announcer",
    article_noun: "an announcer",
    tag: "kind",
    kinds: &[not_built("io.l5d.serversets")],
};

/// Request authorizers.
pub(crate) static REQUEST_AUTHORIZERS: Category<Infallible> = Category {
    noun: "request authorizer",
    article_noun: "a request authorizer",
    tag: "kind",
    kinds: &[not_built("io.l5d.k8s.istio")],
};

/// Client sections.
pub(crate) static CLIENTS: Category<super::client::ClientsConfig> = Category {
    noun: "client",
    article_noun: "a client",
    tag: "kind",
    kinds: &[
        built("io.l5d.global", super::client::read_global),
        built("io.l5d.static", super::client::read_static),
    ],
};

/// Service sections.
pub(crate) static SERVICES: Category<super::service::ServicesConfig> = Category {
    noun: "service",
    article_noun: "a service",
    tag: "kind",
    kinds: &[
        built("io.l5d.global", super::service::read_global),
        built("io.l5d.static", super::service::read_static),
    ],
};

impl<T> Category<T> {
    /// Reads an object of this category: its kind, then the keys of that kind, and refuses all
    /// other keys.
    pub(crate) fn read(&self, field: &Field<'_>) -> Option<T> {
        let mut object = field.object(self.article_noun)?;
        let Some(tag) = object.get(self.tag) else {
            return object.missing(self.tag).help(self.list()).none();
        };
        let id = value::text(&tag)?;
        self.read_kind(&id, &tag, object)
    }

    /// As [`read`](Self::read), where an absent kind means `default`.
    pub(crate) fn read_or(&self, default: &str, field: &Field<'_>) -> Option<T> {
        let mut object = field.object(self.article_noun)?;
        match object.get(self.tag) {
            Some(tag) => {
                let id = value::text(&tag)?;
                self.read_kind(&id, &tag, object)
            }
            None => self.read_kind(default, field, object),
        }
    }

    fn read_kind(&self, id: &str, tag: &Field<'_>, mut object: Object<'_>) -> Option<T> {
        let Some(kind) = self.kinds.iter().find(|kind| kind.id == id) else {
            let written = clip(id);
            let message = match closest(id, self.kinds.iter().map(|kind| kind.id)) {
                Some(meant) => {
                    format!("unknown {} `{written}`, did you mean `{meant}`?", self.named())
                }
                None => format!("unknown {} `{written}`", self.named()),
            };
            return tag.error(Code::UnknownKind, message).help(self.list()).none();
        };
        let Some(read) = kind.read else {
            let message = format!(
                "the `{id}` {} is known to Linkerd but not built yet in this version",
                self.noun
            );
            return tag.error(Code::NotBuilt, message).help(self.list()).none();
        };
        if self.tag != self.noun {
            object.noun = format!("the `{id}` {}", self.noun);
        }
        let enabled = object.optional("experimental", value::boolean).unwrap_or(false);
        if kind.experimental && !enabled {
            let message = format!(
                "The {id} {} is experimental and must be explicitly enabled by setting the `experimental' parameter \
                 to `true'.",
                self.noun
            );
            tag.error(Code::Experimental, message);
        }
        let value = read(&mut object);
        object.finish();
        value
    }

    /// What the tag names: "namer kind", or "protocol".
    fn named(&self) -> String {
        if self.tag == self.noun {
            self.noun.to_owned()
        } else {
            format!("{} {}", self.noun, self.tag)
        }
    }

    /// What can be written, for the help of an error.
    fn list(&self) -> String {
        let built: Vec<_> =
            self.kinds.iter().filter(|kind| kind.read.is_some()).map(|kind| kind.id).collect();
        let not_built: Vec<_> =
            self.kinds.iter().filter(|kind| kind.read.is_none()).map(|kind| kind.id).collect();
        match (built.is_empty(), not_built.is_empty()) {
            (false, false) => {
                format!("built: {}; not built yet: {}", built.join(", "), not_built.join(", "))
            }
            (false, true) => format!("known: {}", built.join(", ")),
            (true, _) => format!("remove it; not built yet: {}", not_built.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::node;
    use super::super::reader::Context;
    use super::*;

    static TRIALS: Category<()> = Category {
        noun: "trial",
        article_noun: "a trial",
        tag: "kind",
        kinds: &[Kind { id: "io.l5d.trial", experimental: true, read: Some(|_| Some(())) }],
    };

    fn read(text: &str) -> (Option<()>, String) {
        let cx = Context::new(dtab::Source::new("t.yaml", text));
        let root = node::parse(&cx).expect("a tree");
        let field = Field { cx: &cx, node: &root, path: String::new() };
        let value = TRIALS.read(&field);
        (value, cx.into_errors().to_string())
    }

    #[test]
    fn an_experimental_kind_must_be_enabled() {
        let (_, errors) = read("kind: io.l5d.trial");
        assert_eq!(
            errors,
            "t.yaml:1:7: kind: The io.l5d.trial trial is experimental and must be explicitly enabled by setting the \
             `experimental' parameter to `true'."
        );
        assert_eq!(read("kind: io.l5d.trial\nexperimental: true"), (Some(()), String::new()));
    }

    #[test]
    fn every_kind_is_there_once() {
        fn check<T>(category: &Category<T>) {
            for (index, kind) in category.kinds.iter().enumerate() {
                assert!(
                    category.kinds.iter().skip(index + 1).all(|other| other.id != kind.id),
                    "{}",
                    kind.id
                );
            }
        }
        check(&PROTOCOLS);
        check(&IDENTIFIERS);
        check(&NAMERS);
        check(&INTERPRETERS);
        check(&TRANSFORMERS);
        check(&TELEMETERS);
        check(&BALANCERS);
        check(&LABELERS);
        check(&CLASSIFIERS);
        check(&FAILURE_ACCRUALS);
    }
}
