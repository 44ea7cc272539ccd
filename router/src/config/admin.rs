//! The `admin` and `usage` sections.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::error::Code;
use super::keys::{Absent::*, Section, Type, key};
use super::reader::Field;
use super::socket::{self, SocketConfig};
use super::tls::{self, ServerTlsConfig};
use super::value;

/// `admin`: the server for operators.
#[derive(Debug, Clone)]
pub struct AdminConfig {
    /// Address to listen on; 127.0.0.1 unless given.
    pub ip: IpAddr,
    /// Port to listen on; 9990 unless given, 0 for any free one.
    pub port: u16,
    /// How long requests may go on after the signal to stop; 10 s unless given.
    pub shutdown_grace: Duration,
    /// Threads that run the admin server, listeners and discovery; 2 unless given.
    pub worker_threads: usize,
    /// `httpIdentifierPort`: a second port that tells how a request is identified; none unless given.
    pub http_identifier_port: Option<u16>,
    /// `socketOptions`
    pub socket: SocketConfig,
    /// TLS with those who ask; none unless given.
    pub tls: Option<ServerTlsConfig>,
    /// `security`: what may be asked; everything unless given.
    pub security: Option<SecurityConfig>,
}

/// `admin.security`: which pages are served. Paths are matched whole by the patterns.
#[derive(Debug, Clone)]
pub struct SecurityConfig {
    /// `uiEnabled`: pages for people; true unless given.
    pub ui: bool,
    /// `controlEnabled`: what changes something; true unless given.
    pub control: bool,
    /// `diagnosticsEnabled`: everything else; true unless given.
    pub diagnostics: bool,
    /// `pathWhitelist`: served although their category is not.
    pub allowed: Vec<regex::Regex>,
    /// `pathBlacklist`: never served.
    pub refused: Vec<regex::Regex>,
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self {
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 9990,
            shutdown_grace: Duration::from_secs(10),
            worker_threads: 2,
            http_identifier_port: None,
            socket: SocketConfig::default(),
            tls: None,
            security: None,
        }
    }
}

/// `usage`: accepted for Linkerd's files. Nothing is ever sent to anybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageConfig {
    /// The name that Linkerd would send with its reports.
    pub org_id: Option<String>,
    /// Whether Linkerd would send reports.
    pub enabled: Option<bool>,
}

/// `admin`
pub(super) static ADMIN: Section = Section {
    noun: "`admin`",
    keys: &[&[
        key("ip", Type::Ip, Is("127.0.0.1"), "The address to listen on; 0.0.0.0 for all of them."),
        key("port", Type::Port, Is("9990"), "The port to listen on; 0 for any free one."),
        key(
            "shutdownGraceMs",
            Type::Millis(0),
            Is("10000"),
            "How long requests may go on after the signal to stop.",
        ),
        key(
            "workerThreads",
            Type::Integer(1, 1024),
            Is("2"),
            "Threads that run the admin server, listeners and discovery. Requests are proxied by \
             the data workers, of which there is one for each processor.",
        ),
        key(
            "httpIdentifierPort",
            Type::Port,
            Means("none"),
            "A second port on the same address, which answers every request with the names that \
             the http routers would give it.",
        ),
        key(
            "socketOptions",
            Type::Object(&socket::SOCKET),
            Means("the defaults of its keys"),
            "Options of the admin server's connections.",
        ),
        key(
            "tls",
            Type::Object(&tls::SERVER_TLS),
            Means("no TLS"),
            "TLS with those who ask the admin server.",
        ),
        key(
            "security",
            Type::Object(&SECURITY),
            Means("everything may be asked"),
            "Which pages of the admin server may be asked for; others are answered with 404.",
        ),
    ]],
};

static SECURITY: Section = Section {
    noun: "`security`",
    keys: &[&[
        key(
            "uiEnabled",
            Type::Boolean,
            Is("true"),
            "Whether the pages for people are served, with the metrics and the configuration.",
        ),
        key(
            "controlEnabled",
            Type::Boolean,
            Is("true"),
            "Whether what changes something is served: shutdown, reload and log levels.",
        ),
        key("diagnosticsEnabled", Type::Boolean, Is("true"), "Whether all other pages are served."),
        key(
            "pathWhitelist",
            Type::List(&Type::Regex),
            Is("[]"),
            "Paths that are served although their pages are switched off. An expression must match \
             the whole path.",
        ),
        key(
            "pathBlacklist",
            Type::List(&Type::Regex),
            Is("[]"),
            "Paths that are never served; this is looked at first. An expression must match the \
             whole path.",
        ),
    ]],
};

/// `usage`
pub(super) static USAGE: Section = Section {
    noun: "`usage`",
    keys: &[&[
        key(
            "orgId",
            Type::Text,
            Means("none"),
            "The name that Linkerd sends with its reports. Nothing is ever sent from here.",
        ),
        key(
            "enabled",
            Type::Boolean,
            Means("without effect"),
            "Whether Linkerd sends reports home. Nothing is ever sent from here.",
        ),
    ]],
};

pub(super) fn read(field: &Field<'_>) -> Option<AdminConfig> {
    let default = AdminConfig::default();
    let mut object = field.object(&ADMIN)?;
    let ip = object.optional("ip", value::ip).unwrap_or(default.ip);
    let port = object.optional("port", value::port).unwrap_or(default.port);
    let shutdown_grace =
        object.optional("shutdownGraceMs", value::millis).unwrap_or(default.shutdown_grace);
    let worker_threads = object
        .optional("workerThreads", value::integer(1..=1024))
        .unwrap_or(default.worker_threads);
    let http_identifier_port = object.optional("httpIdentifierPort", |field| {
        let identifier_port = value::port(field)?;
        if identifier_port == port && port != 0 {
            let message = format!("Server conflict on port {port}");
            let reported = field.error(Code::Conflict, message);
            return reported.help("the admin server itself has this port").none();
        }
        Some(identifier_port)
    });
    let socket = object.optional("socketOptions", socket::read_options).unwrap_or_default();
    let tls = object.optional("tls", tls::read_server);
    let security = object.optional("security", read_security);
    object.finish();
    Some(AdminConfig {
        ip,
        port,
        shutdown_grace,
        worker_threads,
        http_identifier_port,
        socket,
        tls,
        security,
    })
}

fn read_security(field: &Field<'_>) -> Option<SecurityConfig> {
    let mut object = field.object(&SECURITY)?;
    let ui = object.optional("uiEnabled", value::boolean).unwrap_or(true);
    let control = object.optional("controlEnabled", value::boolean).unwrap_or(true);
    let diagnostics = object.optional("diagnosticsEnabled", value::boolean).unwrap_or(true);
    let regexes = |field: &Field<'_>| field.list("regular expressions", value::regex);
    let allowed = object.optional("pathWhitelist", regexes).unwrap_or_default();
    let refused = object.optional("pathBlacklist", regexes).unwrap_or_default();
    object.finish();
    Some(SecurityConfig { ui, control, diagnostics, allowed, refused })
}

pub(super) fn read_usage(field: &Field<'_>) -> Option<UsageConfig> {
    let mut object = field.object(&USAGE)?;
    let org_id = object.optional("orgId", value::text);
    let enabled = object.optional("enabled", value::boolean);
    object.finish();
    Some(UsageConfig { org_id, enabled })
}
