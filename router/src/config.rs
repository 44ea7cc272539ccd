//! The configuration, as Linkerd 1.7.5 reads its `linkerd.yaml`.
//!
//! Two steps: the text becomes a tree in which every key and value has its byte range (YAML, or
//! JSON when the first character is `{`), and the tree becomes a [`Config`] with every field
//! checked. All errors of a file are reported, each with line, column, key path and, where there is
//! one, a repair.
//!
//! What Linkerd accepts is accepted, or refused by name and with the reason; nothing is ignored. An
//! optional key whose value is `null` is absent, as in Linkerd. Where Linkerd is lax and its result
//! could only surprise, we are strict:
//! - several documents, YAML anchors, aliases and tags are refused;
//! - an integer with a fraction is refused (Linkerd cuts it off), so is a port that is not a number
//!   (Linkerd takes the last number that it read before);
//! - a header name that HTTP does not allow is refused (Linkerd would never find such a header);
//! - a pattern or a name of `io.l5d.rewrite` that no name could ever get through is refused (Linkerd
//!   fails each lookup);
//! - a server on the address and port of the admin server is refused here (Linkerd fails when it
//!   starts);
//! - files are at most 64 MiB, 64 levels deep and 500,000 values.
//!
//! `usage` is accepted, and nothing is ever sent to anybody.
//!
//! Nothing here opens a socket; the only thing looked at outside the text is whether the
//! directories that it names exist, as Linkerd does.

mod access_log;
mod admin;
mod client;
mod conflicts;
pub mod document;
mod embedded;
mod error;
mod http2;
mod json;
mod keys;
pub mod kinds;
mod limits;
mod node;
mod offsets;
mod overrides;
mod reader;
mod reference;
mod retry;
mod router;
mod server;
mod service;
mod socket;
#[cfg(test)]
mod tests;
mod tls;
pub(crate) mod value;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use dtab::Source;

pub use self::access_log::{AccessLogConfig, AccessLogFormat, RollPolicy};
pub use self::admin::{AdminConfig, SecurityConfig, UsageConfig};
pub use self::client::{ClientConfig, ClientEntry, ClientsConfig, HttpVersion, PoolConfig};
pub use self::embedded::{EmbeddedDtab, dtabs};
pub use self::error::{Code, ConfigError, ConfigErrors, Related};
pub use self::http2::Http2Config;
pub use self::limits::LimitsConfig;
pub use self::overrides::{OverridesConfig, SigningConfig, Trust};
pub use self::reference::{KeyReference, KindReference, ObjectReference, reference};
pub use self::retry::BudgetConfig;
pub use self::router::{BindingCacheConfig, Protocol, RouterConfig};
pub use self::server::ServerConfig;
pub use self::service::{
    RetriesConfig, RetryBufferConfig, ServiceConfig, ServiceEntry, ServicesConfig,
};
pub use self::socket::{SessionConfig, SocketConfig};
pub use self::tls::{ClientTlsConfig, IdentityConfig, ServerTlsConfig};

use self::keys::{Absent::*, Section, Type, key};
use self::kinds::{NAMERS, NamerConfig, PROTOCOLS, TELEMETERS, TelemeterConfig};
use self::reader::{Context, Field};

/// Bytes that a configuration may have.
const MAX_BYTES: usize = 64 << 20;

/// A whole `linkerd.yaml`, every field checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// At least one; labels are unique, and so are the addresses of all servers.
    pub routers: Vec<RouterConfig>,
    /// As written: the last has the highest precedence.
    pub namers: Vec<NamerConfig>,
    /// Where metrics go besides `/admin/metrics.json`.
    pub telemetry: Vec<TelemeterConfig>,
    /// The server for operators.
    pub admin: AdminConfig,
    /// Accepted, and without effect: nothing is ever sent.
    pub usage: UsageConfig,
    /// The text that it was read from.
    pub source: Arc<Source>,
    json: serde_json::Value,
}

impl Config {
    /// What `/config.json` shows: the keys that were given, `kind`s and all; dtabs in canonical
    /// form, and `identifier` always as a list.
    pub fn to_json(&self) -> &serde_json::Value {
        &self.json
    }
}

/// Reads a file, or standard input for `-`.
pub fn load(path: &Path) -> Result<Config, ConfigErrors> {
    let (name, bytes) = if path.as_os_str() == "-" {
        ("<stdin>".to_owned(), read_bounded(std::io::stdin().lock()))
    } else {
        let name = path.display().to_string();
        if !path.is_file() {
            return Err(ConfigErrors::unreadable(
                &name,
                format!("config is not a file: {name}"),
                None,
            ));
        }
        (name, std::fs::File::open(path).and_then(read_bounded))
    };
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(error) => {
            return Err(ConfigErrors::unreadable(
                &name,
                format!("cannot read {name}: {error}"),
                None,
            ));
        }
    };
    match String::from_utf8(bytes) {
        Ok(text) => parse(&name, &text),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let message = format!("{name} is not UTF-8: byte {at} is not part of a character");
            Err(ConfigErrors::unreadable(&name, message, Some("save the file as UTF-8")))
        }
    }
}

/// Reads at most one byte more than is allowed.
fn read_bounded(reader: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a text; `source_name` is what errors call it.
pub fn parse(source_name: &str, text: &str) -> Result<Config, ConfigErrors> {
    if text.len() > MAX_BYTES {
        let message = format!("{source_name} is larger than {} MiB", MAX_BYTES >> 20);
        return Err(ConfigErrors::unreadable(source_name, message, None));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let cx = Context::new(Source::new(source_name, text));
    match read(&cx) {
        Some(config) if !cx.has_errors() => Ok(config),
        _ => Err(cx.into_errors()),
    }
}

/// A whole configuration.
static ROOT: Section = Section {
    noun: "a configuration",
    keys: &[&[
        key(
            "routers",
            Type::List(&Type::Kind(&PROTOCOLS)),
            Required,
            "The routers; at least one. Each names requests and resolves the names in its own way.",
        ),
        key(
            "namers",
            Type::List(&Type::Kind(&NAMERS)),
            Is("[]"),
            "Who answers for names below `/#/`. Of several that could, the last one is asked first.",
        ),
        key(
            "telemetry",
            Type::List(&Type::Kind(&TELEMETERS)),
            Is("[]"),
            "Where metrics and traces go besides /admin/metrics.json, which is always there.",
        ),
        key(
            "admin",
            Type::Object(&admin::ADMIN),
            Means("the defaults of its keys"),
            "The server for operators: metrics, names, and how they resolve.",
        ),
        key(
            "usage",
            Type::Object(&admin::USAGE),
            Means("without effect"),
            "What Linkerd sends to its makers. Nothing is ever sent from here.",
        ),
    ]],
};

fn read(cx: &Context) -> Option<Config> {
    let root = node::parse(cx)?;
    let field = Field { cx, node: &root, path: String::new() };
    let mut object = field.object(&ROOT)?;
    let routers = match object.get("routers") {
        Some(field) => {
            let routers = field.list("routers", |router| PROTOCOLS.read(router));
            if matches!(&field.node.value, node::Value::List(items) if items.is_empty()) {
                no_routers(&field);
            }
            routers
        }
        None => {
            no_routers(&field);
            None
        }
    };
    let namers =
        object.optional("namers", |field| field.list("namers", |namer| NAMERS.read(namer)));
    let telemetry = object
        .optional("telemetry", |field| field.list("telemeters", |item| TELEMETERS.read(item)));
    let admin = object.get("admin");
    let admin_place = admin.as_ref().map(Field::place);
    let admin = admin.and_then(|field| admin::read(&field)).unwrap_or_default();
    let usage = object.optional("usage", admin::read_usage).unwrap_or_default();
    object.finish();
    let routers = routers?;
    conflicts::check(cx, &routers, &admin, admin_place.as_ref());
    Some(Config {
        routers,
        namers: namers.unwrap_or_default(),
        telemetry: telemetry.unwrap_or_default(),
        admin,
        usage,
        source: cx.source().clone(),
        json: cx.json(&root),
    })
}

fn no_routers(field: &Field<'_>) {
    field
        .error(Code::Missing, "At least one router must be specified in the configuration.")
        .help("such as `routers: [{protocol: http, dtab: \"/svc => /$/inet/127.0.0.1/8080\", servers: [{port: 4140}]}]`");
}
