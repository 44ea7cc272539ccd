//! Snapshots as JSON.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::SystemTime;

use dtab::{Addr, Address, MetaValue, Path, wire};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::table::{self, Written};
use super::{Answers, NameState, RecordedNamer, Snapshot, VERSION};
use crate::config::document::{DocumentKind, Field, Member, Object};
use crate::config::kinds::{TRANSFORMERS, TransformerConfig, TransformerKind};
use crate::config::value::{ip, pattern, port};
use crate::config::{Code, ConfigErrors, document};

const KIND: DocumentKind =
    DocumentKind { noun: "snapshot", needs: "`fingerpost snapshot` writes one" };

/// The JSON of a snapshot, its members in an order of their own.
pub fn to_json(snapshot: &Snapshot) -> Value {
    let Snapshot { taken, source, router, dtab, transformers, namers, hosts, left_out } = snapshot;
    let entries = table::write(dtab).map(|Written { at, dentry }| match at {
        Some(at) => json!({ "at": at, "dentry": dentry }),
        None => json!({ "dentry": dentry }),
    });
    let hosts = hosts.iter().map(|(host, addresses)| {
        let shown = addresses
            .as_ref()
            .map_or(json!("neg"), |addresses| addresses.iter().map(IpAddr::to_string).collect());
        (host.clone(), shown)
    });
    json!({
        "version": VERSION,
        "taken": time(*taken),
        "source": source,
        "router": router,
        "dtab": entries.collect::<Value>(),
        "transformers": transformers.iter().map(transformer).collect::<Value>(),
        "namers": namers.iter().map(namer).collect::<Value>(),
        "hosts": hosts.collect::<Map<_, _>>(),
        "left_out": left_out,
    })
}

/// To the second, as RFC 3339 has it.
fn time(time: SystemTime) -> String {
    let time = Timestamp::try_from(time).unwrap_or_default();
    Timestamp::from_second(time.as_second()).unwrap_or_default().to_string()
}

fn namer(namer: &RecordedNamer) -> Value {
    let mut shown = json!({
        "prefix": namer.prefix.to_string(),
        "transformers": namer.transformers.iter().map(transformer).collect::<Value>(),
    });
    match &namer.answers {
        Answers::Names(names) => {
            // By their texts, which is how people look for one.
            let names: BTreeMap<_, _> =
                names.iter().map(|(name, known)| (name.to_string(), state(known))).collect();
            shown["names"] = names.into_iter().collect::<Map<_, _>>().into();
        }
        Answers::Rewrite { pattern, name } => {
            shown["rewrite"] = json!({ "pattern": pattern, "name": name });
        }
    }
    shown
}

fn state(state: &NameState) -> Value {
    match state {
        NameState::Neg => json!("neg"),
        NameState::Pending | NameState::Bound(Addr::Pending) => json!("pending"),
        NameState::Failed(why) => json!({ "unanswered": &**why }),
        NameState::Bound(Addr::Failed(why)) => json!({ "failed": &**why }),
        NameState::Bound(Addr::Neg) => json!("gone"),
        NameState::Bound(Addr::Status(status)) => json!({ "status": status }),
        NameState::Bound(Addr::Bound(set)) => set.endpoints().iter().map(address).collect(),
    }
}

fn address(address: &Address) -> Value {
    let (ip, port) = (address.socket.ip().to_string(), address.socket.port());
    let mut shown = json!({ "ip": ip, "port": port });
    if !address.meta.is_empty() {
        shown["meta"] = wire::metadata(&address.meta);
    }
    shown
}

/// As a configuration has it. One that cannot be recorded never comes here.
fn transformer(config: &TransformerConfig) -> Value {
    let mut shown = match &config.kind {
        TransformerKind::Const(config) => {
            json!({ "kind": "io.l5d.const", "path": config.path.to_string() })
        }
        TransformerKind::Localhost => json!({ "kind": "io.l5d.localhost" }),
        TransformerKind::Port(config) => json!({ "kind": "io.l5d.port", "port": config.port }),
        TransformerKind::Replace(config) => {
            json!({ "kind": "io.l5d.replace", "path": config.path.to_string() })
        }
        TransformerKind::SpecificHost(config) => {
            json!({ "kind": "io.l5d.specificHost", "host": config.host.to_string() })
        }
    };
    if let Some(prefix) = &config.prefix {
        shown["prefix"] = json!(prefix.to_string());
    }
    shown
}

/// Reads a snapshot; `name` is what errors call the text.
pub fn read(name: &str, text: &str) -> Result<Snapshot, ConfigErrors> {
    document::read(KIND, name, text, snapshot)
}

fn snapshot(field: &Field<'_>) -> Option<Snapshot> {
    // Another version may have other keys: that is not the mistake then.
    let version = field.members("a snapshot")?.into_iter().find(|it| it.key == "version");
    if let Some(version) = version {
        match version.value.count() {
            Some(VERSION) | None => {}
            Some(other) => {
                let message = format!("version {other} of the format is not known");
                let help = format!("this program reads and writes version {VERSION}");
                return version.value.error(Code::Invalid, message).help(help).none();
            }
        }
    }
    let mut object = field.object_with(
        "a snapshot",
        &[
            "version",
            "taken",
            "source",
            "router",
            "dtab",
            "transformers",
            "namers",
            "hosts",
            "left_out",
        ],
    )?;
    let version = object.required("version", Field::count);
    let taken = object.required("taken", read_time);
    let source = object.required("source", Field::text);
    let router = object.required("router", Field::text);
    let dtab = object.required("dtab", |field| {
        let written = field.list("entries", entry)?;
        table::read(written).map_err(|why| drop(field.error(Code::Invalid, why))).ok()
    });
    let transformers = transformers(&mut object);
    let namers = object.required("namers", |field| field.list("namers", read_namer));
    let hosts = object.required("hosts", read_hosts);
    let left_out = object.required("left_out", |field| field.list("texts", Field::text));
    object.finish();
    version?;
    Some(Snapshot {
        taken: taken?,
        source: source?,
        router: router?,
        dtab: dtab?,
        transformers: transformers?,
        namers: namers?,
        hosts: hosts?,
        left_out: left_out?,
    })
}

fn read_time(field: &Field<'_>) -> Option<SystemTime> {
    let text = field.text()?;
    match text.parse::<Timestamp>() {
        Ok(time) => Some(time.into()),
        Err(_) => field
            .error(Code::Invalid, "not a time")
            .help("a time is such as 2026-11-25T12:00:00Z")
            .none(),
    }
}

fn entry(field: &Field<'_>) -> Option<Written> {
    let mut object = field.object_with("an entry", &["at", "dentry"])?;
    let at = object.optional("at", Field::text);
    let dentry = object.required("dentry", Field::text);
    object.finish();
    Some(Written { at, dentry: dentry? })
}

fn transformers(object: &mut Object<'_>) -> Option<Vec<TransformerConfig>> {
    object.required("transformers", |field| {
        field.list("transformers", |item| TRANSFORMERS.read(item))
    })
}

fn read_namer(field: &Field<'_>) -> Option<RecordedNamer> {
    let mut object =
        field.object_with("a namer", &["prefix", "transformers", "names", "rewrite"])?;
    let prefix = object.required("prefix", Field::path);
    let transformers = transformers(&mut object);
    let (names, rewrite) = (object.get("names"), object.get("rewrite"));
    let answers = match (names, rewrite) {
        (Some(names), None) => read_names(&names).map(Answers::Names),
        (None, Some(rule)) => read_rule(&rule),
        _ => field.error(Code::Conflict, "a namer has either `names` or `rewrite`").none(),
    };
    object.finish();
    let (prefix, answers) = (prefix?, answers?);
    if let Answers::Names(names) = &answers
        && let Some(other) = names.keys().find(|name| !name.starts_with(&prefix))
    {
        return field.error(Code::Invalid, format!("{other} is not below {prefix}")).none();
    }
    Some(RecordedNamer { prefix, transformers: transformers?, answers })
}

fn read_rule(field: &Field<'_>) -> Option<Answers> {
    let mut object = field.object_with("a rule", &["pattern", "name"])?;
    let pattern = object.required("pattern", pattern).map(|pattern| pattern.to_string());
    let name = object.required("name", Field::text);
    object.finish();
    Some(Answers::Rewrite { pattern: pattern?, name: name? })
}

fn read_names(field: &Field<'_>) -> Option<BTreeMap<Path, NameState>> {
    let mut names = BTreeMap::new();
    for member in field.members("names with their addresses")? {
        match (Path::parse(member.key), read_state(&member.value)) {
            (Ok(name), Some(state)) => drop(names.insert(name, state)),
            (Err(error), _) => drop(member.error(Code::Invalid, format!("not a path: {error}"))),
            (Ok(_), None) => {}
        }
    }
    Some(names)
}

fn read_state(field: &Field<'_>) -> Option<NameState> {
    if field.is_list() {
        let addresses = field.list("addresses", read_address)?;
        return Some(NameState::Bound(Addr::bound(addresses)));
    }
    if field.is_object() {
        let mut object = field.object_with("a state", &["failed", "unanswered", "status"])?;
        let failed = object.optional("failed", Field::text);
        let unanswered = object.optional("unanswered", Field::text);
        let status = object.optional("status", Field::count);
        object.finish();
        return match (failed, unanswered, status.and_then(|it| u16::try_from(it).ok())) {
            (Some(why), None, None) => Some(NameState::Bound(Addr::Failed(why.into()))),
            (None, Some(why), None) => Some(NameState::Failed(Arc::from(why))),
            (None, None, Some(status)) => Some(NameState::Bound(Addr::Status(status))),
            _ => field.error(Code::Invalid, "a state is one of its keys").none(),
        };
    }
    field
        .word(&[("neg", NameWord::Neg), ("pending", NameWord::Pending), ("gone", NameWord::Gone)])
        .map(|word| match word {
            NameWord::Neg => NameState::Neg,
            NameWord::Pending => NameState::Pending,
            NameWord::Gone => NameState::Bound(Addr::Neg),
        })
}

/// The states that are one word.
#[derive(Clone, Copy)]
enum NameWord {
    Neg,
    Pending,
    /// Bound to a name that is no more.
    Gone,
}

fn read_address(field: &Field<'_>) -> Option<Address> {
    let mut object = field.object_with("an address", &["ip", "port", "meta"])?;
    let (ip, port) = (object.required("ip", ip), object.required("port", port));
    let meta = object.get("meta").map(|meta| meta.members("of words and numbers"));
    object.finish();
    let mut address = Address::from(SocketAddr::new(ip?, port?));
    for Member { key, value, .. } in meta.flatten().into_iter().flatten() {
        let read = if value.is_plain() {
            value.number(f64::MIN, f64::MAX).map(MetaValue::Number)
        } else {
            value.text().map(MetaValue::Text)
        };
        address.meta.insert(key.to_owned(), read?);
    }
    Some(address)
}

fn read_hosts(field: &Field<'_>) -> Option<BTreeMap<String, Option<Vec<IpAddr>>>> {
    let mut hosts = BTreeMap::new();
    for Member { key, value, .. } in field.members("hosts with their addresses")? {
        let addresses = if value.is_list() {
            Some(value.list("IP addresses", ip)?)
        } else {
            value.word(&[("neg", ())])?;
            None
        };
        hosts.insert(key.to_ascii_lowercase(), addresses);
    }
    Some(hosts)
}
