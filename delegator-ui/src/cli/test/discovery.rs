//! What discovery is to know in a test: listed names, files, or what was recorded.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use dtab::{Addr, Address, ENDPOINT_WEIGHT, MetaValue};
use router::config::Code;
use router::config::document::{Field, Member, Object, Reported, closest};
use router::config::kinds::NamerConfig;
use router::snapshot::{Answers, NameState, RecordedNamer, Snapshot};

use super::file::{Table, beside};
use crate::cli::delegate::discovery_files;

/// Where names end.
#[derive(Debug)]
pub(super) enum Discovery {
    /// These namers, in the order in which they are tried.
    Listed(Vec<RecordedNamer>),
    /// The files of these namers, of which the last one is tried first.
    Files(Vec<NamerConfig>),
    /// The namers and hosts of a snapshot.
    Recorded(Box<Snapshot>),
}

/// The keys `discovery`, `disco` and `snapshot`, of which there is one at most; else what the
/// configuration says.
pub(super) fn read(
    object: &mut Object<'_>,
    dir: &Path,
    table: Option<&Table>,
    recorded: Option<Snapshot>,
) -> Option<Discovery> {
    let (listed, files) = (object.get("discovery"), object.get("disco"));
    let snapshot = object.get("snapshot");
    let given: Vec<_> = [&listed, &files, &snapshot].into_iter().flatten().collect();
    if let [_, second, ..] = given.as_slice() {
        let message = "a test has one of `discovery`, `disco` and `snapshot`";
        return second.error(Code::Conflict, message).none();
    }
    if snapshot.is_some() {
        return Some(Discovery::Recorded(Box::new(recorded?)));
    }
    if let Some(files) = files {
        let root = beside(dir, &files.text()?);
        if !root.is_dir() {
            let told = format!("{} is not a directory", root.display());
            return files.error(Code::Invalid, told).none();
        }
        if table.is_some_and(|table| !table.namers.is_empty()) {
            let message = "the configuration has namers already, so `disco` has no place";
            return files
                .error(Code::Conflict, message)
                .help("leave it out, or list names with `discovery`")
                .none();
        }
        return Some(Discovery::Files(vec![discovery_files(&root)]));
    }
    let table = table?;
    match listed {
        Some(listed) => Some(Discovery::Listed(list(&listed, &table.blank.namers)?)),
        None => Some(Discovery::Files(table.namers.clone())),
    }
}

/// Names by namer: those of the configuration, or one for each first element of what is listed.
fn list(field: &Field<'_>, configured: &[RecordedNamer]) -> Option<Vec<RecordedNamer>> {
    let mut namers = configured.to_vec();
    let mut known: BTreeMap<dtab::Path, NameState> = BTreeMap::new();
    for member in field.members("names with their addresses")? {
        let Some(name) = name(&member) else { continue };
        let Some(state) = state(&member.value) else { continue };
        if let Some(above) =
            (0..name.len()).find_map(|taken| known.get_key_value(&name.take(taken)))
        {
            let message = format!("{} takes every name below it, this one too", above.0);
            drop(member.error(Code::Conflict, message));
            continue;
        }
        known.insert(name.clone(), state.clone());
        let mut taking = namers.iter_mut().filter(|namer| name.starts_with(&namer.prefix));
        let taking = taking.find_map(|namer| match &mut namer.answers {
            Answers::Names(names) => Some(names),
            Answers::Rewrite { .. } => None,
        });
        match taking {
            Some(names) => drop(names.insert(name, state)),
            None if configured.is_empty() => namers.push(RecordedNamer {
                prefix: name.take(2),
                transformers: Vec::new(),
                answers: Answers::Names([(name, state)].into()),
            }),
            None => drop(no_such_namer(&member, configured)),
        }
    }
    Some(namers)
}

fn name(member: &Member<'_>) -> Option<dtab::Path> {
    let help = "a name is such as /#/io.l5d.fs/web";
    match dtab::Path::parse(member.key) {
        Ok(name) if name.first() == Some(b"#") && name.len() > 2 => Some(name),
        Ok(_) => member.error(Code::Invalid, "not the name of a namer").help(help).none(),
        Err(error) => member.error(Code::Invalid, format!("not a path: {error}")).help(help).none(),
    }
}

fn no_such_namer<'a>(member: &Member<'a>, configured: &[RecordedNamer]) -> Reported<'a> {
    let prefixes: Vec<_> = configured.iter().map(|namer| namer.prefix.to_string()).collect();
    let begins = |prefix: &&str| {
        let elements = prefix.matches('/').count();
        let at = member.key.match_indices('/').nth(elements).map_or(member.key.len(), |it| it.0);
        closest(&member.key[..at], [*prefix]).is_some()
    };
    let message = match prefixes.iter().map(String::as_str).find(begins) {
        Some(meant) => format!("no namer that lists names has this one, did you mean `{meant}`?"),
        None => "no namer that lists names has this one".to_owned(),
    };
    let help = format!("the configuration has namers at {}", prefixes.join(", "));
    member.error(Code::Invalid, message).help(help)
}

/// A list of addresses, nothing for a name that is not there, or why it cannot be known.
fn state(field: &Field<'_>) -> Option<NameState> {
    if field.is_null() {
        return Some(NameState::Neg);
    }
    if field.is_list() {
        let addresses = field.list("addresses", address)?;
        return Some(NameState::Bound(Addr::bound(addresses)));
    }
    if field.is_object() {
        let mut object = field.object_with("what is known of a name", &["failed"])?;
        let failed = object.required("failed", Field::text);
        object.finish();
        return Some(NameState::Bound(Addr::Failed(failed?.into())));
    }
    field
        .wrong_type("a list of addresses")
        .help("such as [10.0.0.1:8080]; `~` for a name that is not there, {failed: why} for one whose addresses cannot be known")
        .none()
}

/// `IP:PORT`, or `IP:PORT * WEIGHT` as a discovery file has it.
fn address(field: &Field<'_>) -> Option<Address> {
    let text = field.text()?;
    let (socket, weight) = match text.split_once('*') {
        Some((socket, weight)) => (socket.trim(), Some(weight.trim())),
        None => (text.as_str(), None),
    };
    let wrong = || {
        let help = "an address is such as 10.0.0.1:8080, [::1]:8080 or 10.0.0.1:8080 * 0.5";
        field.error(Code::Invalid, "not an address").help(help)
    };
    let Ok(socket) = socket.parse::<SocketAddr>() else { return wrong().none() };
    let mut address = Address::from(socket);
    if let Some(weight) = weight {
        match weight.parse::<f64>() {
            Ok(weight) if weight.is_finite() && weight >= 0.0 => {
                address.meta.insert(ENDPOINT_WEIGHT.to_owned(), MetaValue::Number(weight));
            }
            _ => return wrong().none(),
        }
    }
    Some(address)
}

/// The key `hosts`: their addresses, nothing for one that does not exist.
pub(super) fn hosts(field: &Field<'_>) -> Option<BTreeMap<String, Option<Vec<IpAddr>>>> {
    let mut hosts = BTreeMap::new();
    for Member { key, value, .. } in field.members("hosts with their addresses")? {
        let addresses = if value.is_null() { None } else { Some(value.list("IP addresses", ip)?) };
        hosts.insert(key.to_ascii_lowercase(), addresses);
    }
    Some(hosts)
}

fn ip(field: &Field<'_>) -> Option<IpAddr> {
    match field.text()?.parse() {
        Ok(ip) => Some(ip),
        Err(_) => {
            let reported = field.error(Code::Invalid, "not an IP address");
            reported.help("an address is such as 10.0.0.1 or ::1").none()
        }
    }
}
