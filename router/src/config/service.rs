//! The `service` section of a router: how requests of one logical name are judged and retried.

use std::time::Duration;

use dtab::{Path, PathPattern};

use super::keys::{Absent::*, Key, Section, Type, key};
use super::kinds::{BACKOFFS, BackoffConfig, CLASSIFIERS, ClassifierConfig, H2_CLASSIFIERS};
use super::reader::{Field, Object};
use super::retry::{self, BudgetConfig};
use super::router::Protocol;
use super::value;

/// `service`: entries for logical names, later ones over earlier ones.
#[derive(Debug, Clone, Default)]
pub struct ServicesConfig {
    /// Each with the names that it holds for; `io.l5d.global` is one entry for all.
    pub entries: Vec<(PathPattern, ServiceEntry)>,
}

/// The keys of one entry that are given.
#[derive(Debug, Clone, Default)]
pub struct ServiceEntry {
    /// `totalTimeoutMs`
    pub total_timeout: Option<Duration>,
    /// `retries`, replaced whole: a part that it leaves out is the default again.
    pub retries: Option<RetriesConfig>,
    /// `responseClassifier`
    pub classifier: Option<ClassifierConfig>,
    /// `classificationTimeoutMs`
    pub classification_timeout: Option<Duration>,
    /// `retryBufferSize`
    pub retry_buffer: Option<RetryBufferConfig>,
}

/// `retryBufferSize`: how much of a stream is kept so that it can be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryBufferConfig {
    /// `requestBytes`; 16,383 unless given.
    pub request_bytes: u32,
    /// `responseBytes`; 16,383 unless given.
    pub response_bytes: u32,
}

impl Default for RetryBufferConfig {
    fn default() -> Self {
        RetryBufferConfig { request_bytes: 16_383, response_bytes: 16_383 }
    }
}

/// `retries`
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetriesConfig {
    /// `budget`: how many retries there may be.
    pub budget: BudgetConfig,
    /// `backoff`: the waits between them; none unless given.
    pub backoff: BackoffConfig,
}

impl Default for RetriesConfig {
    fn default() -> Self {
        Self {
            budget: BudgetConfig::default(),
            backoff: BackoffConfig::Constant { wait: Duration::ZERO },
        }
    }
}

/// What holds for one logical name.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceConfig {
    /// Limit of a request with all its retries; none unless given.
    pub total_timeout: Option<Duration>,
    /// How many retries there may be, and how long to wait for each.
    pub retries: RetriesConfig,
    /// What counts as success, and what may be tried again.
    pub classifier: ClassifierConfig,
    /// How long the end of a response is waited for if only that tells; 100 ms unless given.
    pub classification_timeout: Duration,
    /// How much of a stream is kept so that it can be sent again.
    pub retry_buffer: RetryBufferConfig,
}

impl Default for ServiceConfig {
    fn default() -> Self {
        ServiceConfig {
            total_timeout: None,
            retries: RetriesConfig::default(),
            classifier: ClassifierConfig::default(),
            classification_timeout: Duration::from_millis(100),
            retry_buffer: RetryBufferConfig::default(),
        }
    }
}

impl ServicesConfig {
    /// What holds for a logical name.
    pub fn of(&self, name: &Path) -> ServiceConfig {
        let mut config = ServiceConfig::default();
        for (pattern, entry) in &self.entries {
            if !matches!(pattern.extract(name), Ok(Some(_))) {
                continue;
            }
            config.total_timeout = entry.total_timeout.or(config.total_timeout);
            config.retries = entry.retries.unwrap_or(config.retries);
            config.classifier = entry.classifier.unwrap_or(config.classifier);
            config.classification_timeout =
                entry.classification_timeout.unwrap_or(config.classification_timeout);
            config.retry_buffer = entry.retry_buffer.unwrap_or(config.retry_buffer);
        }
        config
    }
}

/// The keys that entries of all routers have.
pub(super) static COMMON: [Key; 3] =
    common_keys(Type::Kind(&CLASSIFIERS), "{kind: io.l5d.http.nonRetryable5XX}");

/// The same of an h2 router.
pub(super) static H2_COMMON: [Key; 3] =
    common_keys(Type::Kind(&H2_CLASSIFIERS), "{kind: io.l5d.h2.nonRetryable5XX}");

const fn common_keys(classifiers: Type, classifier: &'static str) -> [Key; 3] {
    [
        key(
            "totalTimeoutMs",
            Type::Millis(1),
            Means("no limit"),
            "How long a request may take with all its retries.",
        ),
        key(
            "retries",
            Type::Object(&RETRIES),
            Means("the defaults of its keys"),
            "How often, and after which waits, a failed request is sent again that may be.",
        ),
        key(
            "responseClassifier",
            classifiers,
            Is(classifier),
            "Which responses are failures, and which failures may be tried again.",
        ),
    ]
}

/// The keys that only entries of an h2 router have.
pub(super) static H2_KEYS: &[Key] = &[
    key(
        "classificationTimeoutMs",
        Type::Millis(0),
        Is("100"),
        "How long the end of a response is waited for, if only that tells whether it is a failure that \
         may be tried again.",
    ),
    key(
        "retryBufferSize",
        Type::Object(&RETRY_BUFFER),
        Means("the defaults of its keys"),
        "How much of a request and of its response is kept so that the request can be sent again.",
    ),
];

static RETRY_BUFFER: Section = Section {
    noun: "`retryBufferSize`",
    keys: &[&[
        key(
            "requestBytes",
            Type::Integer(0, value::MAX),
            Is("16383"),
            "Bytes of a request; one that is longer is not sent again.",
        ),
        key(
            "responseBytes",
            Type::Integer(0, value::MAX),
            Is("16383"),
            "Bytes of a response; one that is longer is passed on, whatever it ends with.",
        ),
    ]],
};

/// The keys of `io.l5d.static`.
pub(super) static STATIC_KEYS: &[Key] = &[configs_key(&STATIC_ENTRY_TYPE)];

/// The keys of `io.l5d.static` of an h2 router.
pub(super) static H2_STATIC_KEYS: &[Key] = &[configs_key(&H2_STATIC_ENTRY_TYPE)];

static STATIC_ENTRY_TYPE: Type = Type::Object(&STATIC_ENTRY);
static H2_STATIC_ENTRY_TYPE: Type = Type::Object(&H2_STATIC_ENTRY);

const fn configs_key(entry: &'static Type) -> Key {
    key(
        "configs",
        Type::List(entry),
        Required,
        "The entries. All that match a logical name hold for it; of a key that several of them give, \
         the last one counts, whole.",
    )
}

static STATIC_ENTRY: Section =
    Section { noun: "an entry of `configs`", keys: &[PREFIX_KEY, &COMMON] };

static H2_STATIC_ENTRY: Section =
    Section { noun: "an entry of `configs`", keys: &[PREFIX_KEY, &H2_COMMON, H2_KEYS] };

static PREFIX_KEY: &[Key] = &[key(
    "prefix",
    Type::Pattern,
    Required,
    "The logical names that the entry holds for: those that begin like this, such as \
             `/svc/web`. `*` is any one segment, `{name}` any text within one.",
)];

static RETRIES: Section = Section {
    noun: "`retries`",
    keys: &[&[
        key(
            "budget",
            Type::Object(&retry::BUDGET),
            Means("the defaults of its keys"),
            "How many retries there may be, for each logical name.",
        ),
        key(
            "backoff",
            Type::Kind(&BACKOFFS),
            Is("{kind: constant, ms: 0}"),
            "How long to wait before each retry.",
        ),
    ]],
};

/// `io.l5d.global`: one entry for all names.
pub(super) fn read_global(object: &mut Object<'_>) -> Option<ServicesConfig> {
    Some(one(read_entry(object, Protocol::Http)))
}

/// `io.l5d.global` of an h2 router.
pub(super) fn read_h2_global(object: &mut Object<'_>) -> Option<ServicesConfig> {
    Some(one(read_entry(object, Protocol::H2)))
}

fn one(entry: ServiceEntry) -> ServicesConfig {
    ServicesConfig { entries: vec![(PathPattern::new("/"), entry)] }
}

/// `io.l5d.static`: entries with prefixes of logical names.
pub(super) fn read_static(object: &mut Object<'_>) -> Option<ServicesConfig> {
    read_list(object, Protocol::Http)
}

/// `io.l5d.static` of an h2 router.
pub(super) fn read_h2_static(object: &mut Object<'_>) -> Option<ServicesConfig> {
    read_list(object, Protocol::H2)
}

fn read_list(object: &mut Object<'_>, protocol: Protocol) -> Option<ServicesConfig> {
    let keys = match protocol {
        Protocol::Http => &STATIC_ENTRY,
        Protocol::H2 => &H2_STATIC_ENTRY,
    };
    let entries = object.required("configs", |field| {
        field.list("services", |item| {
            let mut object = item.object(keys)?;
            let prefix = object.required("prefix", value::pattern);
            let entry = read_entry(&mut object, protocol);
            object.finish();
            Some((prefix?, entry))
        })
    });
    Some(ServicesConfig { entries: entries? })
}

fn read_entry(object: &mut Object<'_>, protocol: Protocol) -> ServiceEntry {
    let mut entry = ServiceEntry {
        total_timeout: object.optional("totalTimeoutMs", value::limit_millis),
        retries: object.optional("retries", read_retries),
        ..ServiceEntry::default()
    };
    let classifiers = match protocol {
        Protocol::Http => &CLASSIFIERS,
        Protocol::H2 => &H2_CLASSIFIERS,
    };
    entry.classifier = object.optional("responseClassifier", |field| classifiers.read(field));
    if protocol == Protocol::H2 {
        entry.classification_timeout = object.optional("classificationTimeoutMs", value::millis);
        entry.retry_buffer = object.optional("retryBufferSize", read_retry_buffer);
    }
    entry
}

fn read_retry_buffer(field: &Field<'_>) -> Option<RetryBufferConfig> {
    let default = RetryBufferConfig::default();
    let mut object = field.object(&RETRY_BUFFER)?;
    let bytes = || value::integer(0..=value::MAX);
    let request_bytes = object.optional("requestBytes", bytes()).unwrap_or(default.request_bytes);
    let response_bytes =
        object.optional("responseBytes", bytes()).unwrap_or(default.response_bytes);
    object.finish();
    Some(RetryBufferConfig { request_bytes, response_bytes })
}

fn read_retries(field: &Field<'_>) -> Option<RetriesConfig> {
    let default = RetriesConfig::default();
    let mut object = field.object(&RETRIES)?;
    let budget = object.optional("budget", retry::read_budget).unwrap_or(default.budget);
    let backoff =
        object.optional("backoff", |field| BACKOFFS.read(field)).unwrap_or(default.backoff);
    object.finish();
    Some(RetriesConfig { budget, backoff })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(configs: &str, name: &str) -> ServiceConfig {
        let text = format!(
            "routers:\n- protocol: http\n  servers: [{{}}]\n  service:\n    kind: io.l5d.static\n    configs:\n{configs}"
        );
        let config = crate::config::parse("t.yaml", &text);
        let config = config.unwrap_or_else(|errors| panic!("{}", errors.render(false)));
        config.routers[0].service.of(&Path::parse(name).expect("a path"))
    }

    #[test]
    fn retries_are_one_key_and_replaced_whole() {
        let configs = "    - prefix: /svc
      totalTimeoutMs: 500
      retries:
        budget: {minRetriesPerSec: 1, percentCanRetry: 0.5, ttlSecs: 5}
        backoff: {kind: constant, ms: 10}
    - prefix: /svc/web
      retries:
        budget: {percentCanRetry: 0.9}
";
        let all = of(configs, "/svc/api");
        assert_eq!(all.retries.budget.percent_can_retry, 0.5);
        let wait = Duration::from_millis(10);
        assert_eq!(all.retries.backoff, BackoffConfig::Constant { wait });

        let web = of(configs, "/svc/web/v1");
        let budget = BudgetConfig { percent_can_retry: 0.9, ..BudgetConfig::default() };
        assert_eq!(web.retries, RetriesConfig { budget, ..RetriesConfig::default() });
        assert_eq!(web.total_timeout, Some(Duration::from_millis(500)), "another key stays");
    }

    #[test]
    fn entries_hold_for_their_names_only() {
        let configs = "    - {prefix: \"/svc/*/v1\", totalTimeoutMs: 500}\n";
        assert_eq!(of(configs, "/svc/web/v1").total_timeout, Some(Duration::from_millis(500)));
        assert_eq!(of(configs, "/svc/web"), ServiceConfig::default());
        assert_eq!(of(configs, "/svc"), ServiceConfig::default());
    }
}
