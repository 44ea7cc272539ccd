//! The `client` section of a router: how the endpoints of a bound name are spoken to.

use std::time::Duration;

use dtab::{Captures, Path, PathPattern, substitute};

use super::error::Code;
use super::http2::{self, Http2Config};
use super::keys::{Absent::*, Key, Section, Type, key};
use super::kinds::{
    BALANCERS, FAILURE_ACCRUALS, FailureAccrualConfig, LoadBalancerConfig, REQUEST_AUTHORIZERS,
};
use super::reader::{Field, Object};
use super::retry::{self, BudgetConfig};
use super::router::Protocol;
use super::socket::{self, SessionConfig, SocketConfig};
use super::tls::{self, ClientTlsConfig};
use super::value;

/// `client`: entries for bound names, later ones over earlier ones.
#[derive(Debug, Clone)]
pub struct ClientsConfig {
    /// What is spoken unless an entry says otherwise: what the router speaks.
    pub speaks: HttpVersion,
    /// Each with the names that it holds for; `io.l5d.global` is one entry for all.
    pub entries: Vec<(PathPattern, ClientEntry)>,
}

/// Which HTTP is spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HttpVersion {
    /// HTTP/1.1
    #[default]
    Http1,
    /// HTTP/2, without asking first unless by TLS.
    Http2,
}

impl HttpVersion {
    /// The version of its messages.
    pub fn http(self) -> http::Version {
        match self {
            HttpVersion::Http1 => http::Version::HTTP_11,
            HttpVersion::Http2 => http::Version::HTTP_2,
        }
    }
}

/// The keys of one entry that are given; each replaces that of an earlier entry whole.
#[derive(Debug, Clone, Default)]
pub struct ClientEntry {
    /// `loadBalancer`
    pub load_balancer: Option<LoadBalancerConfig>,
    /// `hostConnectionPool`
    pub pool: Option<PoolConfig>,
    /// `failFast`
    pub fail_fast: Option<bool>,
    /// `failureAccrual`
    pub failure_accrual: Option<FailureAccrualConfig>,
    /// `requestAttemptTimeoutMs`
    pub attempt_timeout: Option<Duration>,
    /// `requeueBudget`
    pub requeue_budget: Option<BudgetConfig>,
    /// `clientSession`
    pub session: Option<SessionConfig>,
    /// `socketOptions`
    pub socket: Option<SocketConfig>,
    /// `tls`
    pub tls: Option<ClientTlsConfig>,
    /// `forwardClientCert`
    pub forward_client_cert: Option<bool>,
    /// `maxInFlight`
    pub max_in_flight: Option<u32>,
    /// `speaks`
    pub speaks: Option<HttpVersion>,
    /// What is said of HTTP/2.
    pub http2: Option<Http2Config>,
}

/// What holds for one bound name.
#[derive(Debug, Clone, Default)]
pub struct ClientConfig {
    /// How an endpoint is picked.
    pub load_balancer: LoadBalancerConfig,
    /// How many connections an endpoint gets.
    pub pool: PoolConfig,
    /// Whether an endpoint that takes no connection is left alone at once; not unless given.
    pub fail_fast: bool,
    /// When an endpoint that takes connections is left alone all the same.
    pub failure_accrual: FailureAccrualConfig,
    /// Limit of each attempt; none unless given.
    pub attempt_timeout: Option<Duration>,
    /// How many requests that were not sent may be sent again.
    pub requeue_budget: BudgetConfig,
    /// When connections are closed although they work.
    pub session: SessionConfig,
    /// Options of connections.
    pub socket: SocketConfig,
    /// TLS; none unless given. `{captures}` of its `commonName` are replaced.
    pub tls: Option<ClientTlsConfig>,
    /// Whether `x-forwarded-client-cert` tells the service of the caller's certificate; not unless
    /// given.
    pub forward_client_cert: bool,
    /// `maxInFlight`: requests to this name at a time, on all workers together; no limit unless
    /// given. More are refused at once.
    pub max_in_flight: Option<u32>,
    /// `speaks`: what the router speaks unless given.
    pub speaks: HttpVersion,
    /// What is said of HTTP/2.
    pub http2: Http2Config,
}

/// `hostConnectionPool`: the connections to each endpoint. Each data worker has a pool of its own;
/// `max_size` and `max_waiters` hold for all of them together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolConfig {
    /// `minSize`: kept open although unused; 0 unless given.
    pub min_size: u32,
    /// `maxSize`: at most so many; no limit unless given.
    pub max_size: Option<u32>,
    /// `idleTimeMs`: those above `min_size` are closed when unused for so long; 90 s unless given.
    pub idle_time: Option<Duration>,
    /// `maxWaiters`: requests that wait for a connection; no limit unless given.
    pub max_waiters: Option<u32>,
}

impl ClientsConfig {
    /// Without entries.
    pub fn none(protocol: Protocol) -> Self {
        ClientsConfig { speaks: protocol.version(), entries: Vec::new() }
    }

    /// What holds for a bound name.
    pub fn of(&self, id: &Path) -> ClientConfig {
        let mut config = ClientConfig { speaks: self.speaks, ..ClientConfig::default() };
        for (pattern, entry) in &self.entries {
            if let Ok(Some(captures)) = pattern.extract(id) {
                entry.apply(&captures, &mut config);
            }
        }
        config.tls = config.tls.filter(|tls| tls.enabled);
        config
    }
}

impl ClientEntry {
    fn apply(&self, captures: &Captures, config: &mut ClientConfig) {
        fn replace<T: Clone>(value: &mut T, given: &Option<T>) {
            if let Some(given) = given {
                value.clone_from(given);
            }
        }
        replace(&mut config.load_balancer, &self.load_balancer);
        replace(&mut config.pool, &self.pool);
        replace(&mut config.fail_fast, &self.fail_fast);
        replace(&mut config.failure_accrual, &self.failure_accrual);
        config.attempt_timeout = self.attempt_timeout.or(config.attempt_timeout);
        replace(&mut config.requeue_budget, &self.requeue_budget);
        replace(&mut config.session, &self.session);
        replace(&mut config.socket, &self.socket);
        replace(&mut config.forward_client_cert, &self.forward_client_cert);
        config.max_in_flight = self.max_in_flight.or(config.max_in_flight);
        replace(&mut config.speaks, &self.speaks);
        replace(&mut config.http2, &self.http2);
        if let Some(tls) = &self.tls {
            let mut tls = tls.clone();
            tls.common_name = tls.common_name.map(|name| substitute(&name, captures));
            config.tls = Some(tls);
        }
    }
}

/// The keys of one entry.
pub(super) static KEYS: &[Key] = &[
    key(
        "loadBalancer",
        Type::Kind(&BALANCERS),
        Is("{kind: p2c}"),
        "How an endpoint is picked for each request.",
    ),
    key(
        "hostConnectionPool",
        Type::Object(&POOL),
        Means("no limits"),
        "The connections to each endpoint. Every data worker has a pool of its own, with its share \
         of maxSize and maxWaiters.",
    ),
    key(
        "failFast",
        Type::Boolean,
        Is("false"),
        "Whether an endpoint that takes no connection is left alone until it takes one again.",
    ),
    key(
        "failureAccrual",
        Type::Kind(&FAILURE_ACCRUALS),
        Is("{kind: io.l5d.consecutiveFailures, failures: 5}"),
        "When an endpoint whose requests fail is left alone for a while.",
    ),
    key(
        "requestAttemptTimeoutMs",
        Type::Millis(1),
        Means("no limit"),
        "How long each attempt may take; a retry begins anew.",
    ),
    key(
        "requeueBudget",
        Type::Object(&retry::BUDGET),
        Means("the defaults of its keys"),
        "How many requests may be sent again that certainly were not sent before, such as those on \
         a connection that could not be opened.",
    ),
    key(
        "clientSession",
        Type::Object(&socket::SESSION),
        Means("no limits"),
        "When connections to endpoints are closed although they work.",
    ),
    key(
        "socketOptions",
        Type::Object(&socket::SOCKET),
        Means("the defaults of its keys"),
        "Options of the connections to endpoints.",
    ),
    key("tls", Type::Object(&tls::CLIENT_TLS), Means("no TLS"), "TLS with endpoints."),
    key(
        "forwardClientCert",
        Type::Boolean,
        Is("false"),
        "Whether the header x-forwarded-client-cert tells services of the certificate that the \
         caller has shown.",
    ),
    key(
        "maxInFlight",
        Type::Integer(1, value::MAX),
        Means("no limit"),
        "Requests to one bound name that may be in progress at a time, over all data workers; more \
         are refused at once.",
    )
    .ours(),
    key(
        "speaks",
        Type::Words(&["http/1.1", "h2"]),
        Means("what the router speaks"),
        "Which HTTP is spoken with the endpoints: http/1.1, or h2 without asking first unless by TLS. \
         Requests are translated if it is not what the router speaks.",
    )
    .ours(),
    key(
        "requestAuthorizers",
        Type::List(&Type::Kind(&REQUEST_AUTHORIZERS)),
        Is("[]"),
        "Who decides whether a request may be sent.",
    ),
];

/// The keys of `io.l5d.static`.
pub(super) static STATIC_KEYS: &[Key] = &[configs_key(&STATIC_ENTRY_LIST)];

/// The keys of `io.l5d.static` of an h2 router.
pub(super) static H2_STATIC_KEYS: &[Key] = &[configs_key(&H2_STATIC_ENTRY_LIST)];

static STATIC_ENTRY_LIST: Type = Type::Object(&STATIC_ENTRY);
static H2_STATIC_ENTRY_LIST: Type = Type::Object(&H2_STATIC_ENTRY);

const fn configs_key(entry: &'static Type) -> Key {
    key(
        "configs",
        Type::List(entry),
        Required,
        "The entries. All that match a bound name hold for it; of a key that several of them give, \
         the last one counts, whole.",
    )
}

static STATIC_ENTRY: Section = Section { noun: "an entry of `configs`", keys: &[PREFIX_KEY, KEYS] };

static H2_STATIC_ENTRY: Section =
    Section { noun: "an entry of `configs`", keys: &[PREFIX_KEY, KEYS, http2::KEYS] };

static PREFIX_KEY: &[Key] = &[key(
    "prefix",
    Type::Pattern,
    Required,
    "The bound names that the entry holds for: those that begin like this, such as \
     `/#/io.l5d.fs/{service}`. `*` is any one segment, `{name}` captures text within one.",
)];

static POOL: Section = Section {
    noun: "`hostConnectionPool`",
    keys: &[&[
        key(
            "minSize",
            Type::Integer(0, value::MAX),
            Is("0"),
            "Connections of each data worker that stay open although no request is on them.",
        ),
        key(
            "maxSize",
            Type::Integer(1, value::MAX),
            Means("no limit"),
            "Connections of all data workers together that may be open at a time; at least minSize.",
        ),
        key(
            "idleTimeMs",
            Type::Millis(0),
            Means("90000"),
            "Connections above minSize are closed when no request has been on them for this long. If it \
             is absent, clientSession.idleTimeMs holds for them, too, where that is given. In Linkerd \
             they stay open.",
        ),
        key(
            "maxWaiters",
            Type::Integer(0, value::MAX),
            Means("no limit"),
            "Requests that may wait for a connection when maxSize is reached; more fail at once.",
        ),
    ]],
};

/// `io.l5d.global`: one entry for all names.
pub(super) fn read_global(object: &mut Object<'_>) -> Option<ClientsConfig> {
    read_one(object, Protocol::Http)
}

/// `io.l5d.global` of an h2 router.
pub(super) fn read_h2_global(object: &mut Object<'_>) -> Option<ClientsConfig> {
    read_one(object, Protocol::H2)
}

/// `io.l5d.static`: entries with prefixes of bound names.
pub(super) fn read_static(object: &mut Object<'_>) -> Option<ClientsConfig> {
    read_list(object, Protocol::Http)
}

/// `io.l5d.static` of an h2 router.
pub(super) fn read_h2_static(object: &mut Object<'_>) -> Option<ClientsConfig> {
    read_list(object, Protocol::H2)
}

fn read_one(object: &mut Object<'_>, protocol: Protocol) -> Option<ClientsConfig> {
    let entry = read_entry(object, protocol);
    let entries = vec![(PathPattern::new("/"), entry)];
    Some(ClientsConfig { entries, ..ClientsConfig::none(protocol) })
}

fn read_list(object: &mut Object<'_>, protocol: Protocol) -> Option<ClientsConfig> {
    let keys = match protocol {
        Protocol::Http => &STATIC_ENTRY,
        Protocol::H2 => &H2_STATIC_ENTRY,
    };
    let entries = object.required("configs", |field| {
        field.list("clients", |item| {
            let mut object = item.object(keys)?;
            let prefix = object.required("prefix", value::pattern);
            let entry = read_entry(&mut object, protocol);
            object.finish();
            Some((prefix?, entry))
        })
    });
    Some(ClientsConfig { entries: entries?, ..ClientsConfig::none(protocol) })
}

fn read_entry(object: &mut Object<'_>, protocol: Protocol) -> ClientEntry {
    const VERSIONS: &[(&str, HttpVersion)] =
        &[("http/1.1", HttpVersion::Http1), ("h2", HttpVersion::Http2)];
    let entry = ClientEntry {
        load_balancer: object.optional("loadBalancer", |field| BALANCERS.read(field)),
        pool: object.optional("hostConnectionPool", read_pool),
        fail_fast: object.optional("failFast", value::boolean),
        failure_accrual: object.optional("failureAccrual", |field| FAILURE_ACCRUALS.read(field)),
        attempt_timeout: object.optional("requestAttemptTimeoutMs", value::limit_millis),
        requeue_budget: object.optional("requeueBudget", retry::read_budget),
        session: object.optional("clientSession", socket::read_session),
        socket: object.optional("socketOptions", socket::read_options),
        tls: object.optional("tls", tls::read_client),
        forward_client_cert: object.optional("forwardClientCert", value::boolean),
        max_in_flight: object.optional("maxInFlight", value::count),
        speaks: object.optional("speaks", value::word(VERSIONS)),
        http2: match protocol {
            Protocol::Http => None,
            Protocol::H2 => http2::read_given(object),
        },
    };
    object.optional("requestAuthorizers", |field| {
        field.list("request authorizers", |item| REQUEST_AUTHORIZERS.read(item))
    });
    entry
}

fn read_pool(field: &Field<'_>) -> Option<PoolConfig> {
    let mut object = field.object(&POOL)?;
    let min_size = object.optional("minSize", value::integer(0..=value::MAX)).unwrap_or(0);
    let max_size = object.optional("maxSize", value::count);
    let idle_time = object.optional("idleTimeMs", value::millis);
    let max_waiters = object.optional("maxWaiters", value::integer(0..=value::MAX));
    object.finish();
    if let Some(max_size) = max_size.filter(|max_size| *max_size < min_size) {
        let message = format!("`minSize` {min_size} is more than `maxSize` {max_size}");
        return field.error(Code::Conflict, message).none();
    }
    Some(PoolConfig { min_size, max_size, idle_time, max_waiters })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::kinds::{AccrualKind, BalancerKind};

    /// The clients of a router with these `configs`.
    fn clients(configs: &str) -> ClientsConfig {
        let text = format!(
            "routers:\n- protocol: http\n  servers: [{{}}]\n  client:\n    kind: io.l5d.static\n    configs:\n{configs}"
        );
        let config = crate::config::parse("t.yaml", &text);
        let mut config = config.unwrap_or_else(|errors| panic!("{}", errors.render(false)));
        config.routers.remove(0).client
    }

    fn of(clients: &ClientsConfig, id: &str) -> ClientConfig {
        clients.of(&Path::parse(id).expect("a path"))
    }

    #[test]
    fn every_matching_entry_applies_and_later_ones_win_key_by_key() {
        let clients = clients(
            "    - {prefix: /#/io.l5d.fs/web, failFast: true, maxInFlight: 7}
    - {prefix: /, failFast: false, requestAttemptTimeoutMs: 100}
",
        );
        let web = of(&clients, "/#/io.l5d.fs/web");
        assert!(!web.fail_fast, "the order in the file counts, not the length of the prefix");
        assert_eq!(web.max_in_flight, Some(7), "what the later entry does not give stays");
        assert_eq!(web.attempt_timeout, Some(Duration::from_millis(100)));
        assert_eq!(of(&clients, "/#/io.l5d.fs/api").max_in_flight, None);
    }

    #[test]
    fn a_key_replaces_an_earlier_one_whole() {
        let clients = clients(
            "    - {prefix: /, loadBalancer: {kind: p2c, maxEffort: 9, enableProbation: true}}
    - {prefix: /, hostConnectionPool: {minSize: 3, maxWaiters: 1}}
    - {prefix: /a, loadBalancer: {kind: heap}, hostConnectionPool: {maxSize: 4}}
",
        );
        let config = of(&clients, "/a");
        let heap = LoadBalancerConfig { kind: BalancerKind::Heap, enable_probation: false };
        assert_eq!(config.load_balancer, heap);
        assert_eq!(config.pool, PoolConfig { max_size: Some(4), ..PoolConfig::default() });
        assert_eq!(of(&clients, "/b").pool.min_size, 3);
    }

    #[test]
    fn a_prefix_matches_longer_names_and_no_shorter_ones() {
        let clients = clients("    - {prefix: /#/io.l5d.fs/web, failFast: true}\n");
        assert!(of(&clients, "/#/io.l5d.fs/web").fail_fast);
        assert!(of(&clients, "/#/io.l5d.fs/web/v1").fail_fast);
        assert!(!of(&clients, "/#/io.l5d.fs").fail_fast);
        assert!(!of(&clients, "/#/io.l5d.fs/website").fail_fast);
    }

    #[test]
    fn a_star_is_any_one_segment() {
        let clients = clients("    - {prefix: \"/#/*/web\", failFast: true}\n");
        assert!(of(&clients, "/#/io.l5d.fs/web").fail_fast);
        assert!(!of(&clients, "/#/io.l5d.fs/a/web").fail_fast);
        let clients = self::clients("    - {prefix: \"/$/inet/*\", failFast: true}\n");
        assert!(!of(&clients, "/$/inet").fail_fast, "Linkerd fails such a request");
    }

    #[test]
    fn captures_go_into_the_common_name() {
        let clients = clients(
            "    - prefix: \"/#/io.l5d.fs/{service}-{version}/*/{zone}\"
      tls: {commonName: \"{service}.{zone}.{nothing}.example.com\"}
",
        );
        let name = |id| of(&clients, id).tls.and_then(|tls| tls.common_name);
        assert_eq!(
            name("/#/io.l5d.fs/foo-bar-v2/x/eu").as_deref(),
            Some("foo-bar.eu.{nothing}.example.com"),
            "each capture takes as much as it can, and unknown ones stay"
        );
        assert_eq!(name("/#/io.l5d.fs/foo/x/eu"), None);
    }

    #[test]
    fn tls_that_is_not_enabled_undoes_that_of_an_earlier_entry() {
        let clients = clients(
            "    - {prefix: /, tls: {commonName: a.example.com}}
    - {prefix: /b, tls: {enabled: false}}
",
        );
        assert!(of(&clients, "/a").tls.is_some());
        assert!(of(&clients, "/b").tls.is_none());
    }

    #[test]
    fn what_no_entry_gives_is_the_default() {
        let config = of(&clients("    - {prefix: /a, failFast: true}\n"), "/b");
        assert_eq!(config.load_balancer.kind, BalancerKind::P2c { max_effort: 5 });
        assert_eq!(config.failure_accrual.kind, AccrualKind::ConsecutiveFailures { failures: 5 });
        assert_eq!((config.fail_fast, config.max_in_flight), (false, None));
    }
}
