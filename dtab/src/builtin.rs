//! The built-in names under `/$/`.
//!
//! | name | is |
//! |---|---|
//! | `/$/inet/<host>/<port>`, `/$/inet/<port>`, `/$/fixedinet/…` | an address |
//! | `/$/nil`, `/$/fail` | empty; fail |
//! | `/$/com.twitter.finagle.namer.global/…` | the rest, again looked up here |
//! | `/$/io.buoyant.rinet/<port>/<host>` | an address with its parts turned round |
//! | `/$/io.buoyant.hostportPfx/…`, `/$/io.buoyant.http.…` | rewriting: see [`utility`] |
//! | `/$/io.buoyant.http.status/<code>` | an answer with that status |
//!
//! Any other class is unknown, which fails the name rather than being negative.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::name::{Activity, Addr, Address, Bound, Failure, FailureKind, Name};
use crate::namers::Namers;
use crate::path::Path;
use crate::tree::NameTree;

mod utility;

/// What the first element behind `/$/` may be, for those who misspell it or begin to write it.
pub const CLASSES: &[&str] = &[
    "inet",
    "fixedinet",
    "nil",
    "fail",
    GLOBAL,
    "io.buoyant.rinet",
    "io.buoyant.http.status",
    "io.buoyant.hostportPfx",
    "io.buoyant.porthostPfx",
    "io.buoyant.http.anyMethod",
    "io.buoyant.http.anyMethodPfx",
    "io.buoyant.http.anyHost",
    "io.buoyant.http.anyHostPfx",
    "io.buoyant.http.domainToPath",
    "io.buoyant.http.domainToPathPfx",
    "io.buoyant.http.subdomainOf",
    "io.buoyant.http.subdomainOfPfx",
];

/// The class behind which a whole name is looked up here again.
pub(crate) const GLOBAL: &str = "com.twitter.finagle.namer.global";

/// How many elements behind a class of names decide what becomes of the rest; `None` if there is no
/// such class, or if it is `inet`, whose elements are taken for a port in turn.
pub(crate) fn reads(class: &str) -> Option<usize> {
    match class {
        "nil" | "fail" => Some(0),
        "io.buoyant.rinet" => Some(2),
        "io.buoyant.http.status" => Some(1),
        class => utility::reads(class),
    }
}

/// What the built-in names make of `path`, which neither dentries nor configured namers took.
pub(crate) fn lookup(path: &Path, namers: &dyn Namers) -> Activity<NameTree<Name>> {
    let mut segments = path.iter();
    if segments.next() != Some(b"$") {
        return Activity::Ok(NameTree::Neg);
    }
    let Some(class) = segments.next().map(text) else { return Activity::Ok(NameTree::Neg) };
    let rest: Vec<_> = segments.map(text).collect();
    let bound = |taken: usize, residual: &[Cow<'_, str>], addr: Addr| {
        let residual = Path::from_segments(residual.iter().map(|text| text.as_bytes()));
        Activity::Ok(NameTree::Leaf(Name::Bound(Bound::new(path.take(taken), residual, addr))))
    };
    match class.as_ref() {
        "nil" => Activity::Ok(NameTree::Empty),
        "fail" => Activity::Ok(NameTree::Fail),
        "inet" | "fixedinet" => match rest.as_slice() {
            [host, port, residual @ ..] if is_integer(port) => {
                bound(4, residual, inet(host, port, namers))
            }
            [port, residual @ ..] if is_integer(port) => bound(3, residual, inet("", port, namers)),
            _ => unknown(&class, path),
        },
        GLOBAL => lookup(&Path::from_segments(rest.iter().map(|text| text.as_bytes())), namers),
        "io.buoyant.rinet" => match rest.as_slice() {
            // Its elements are read again as a path, which not every element can be; a `/` or an
            // escape within one makes another name of it.
            [port, host, residual @ ..] => match Path::parse(&format!("/{port}/{host}")) {
                Ok(id) => {
                    let mut leaf = bound(2, residual, inet(host, port, namers));
                    if let Activity::Ok(NameTree::Leaf(Name::Bound(leaf))) = &mut leaf {
                        leaf.id = leaf.id.concat(&id);
                    }
                    leaf
                }
                Err(error) => {
                    Activity::Failed(Failure::new(FailureKind::BadName, error.to_string()))
                }
            },
            _ => Activity::Ok(NameTree::Neg),
        },
        "io.buoyant.http.status" => match rest.first().and_then(|code| status(code)) {
            // Finagle binds to a service without a path: the whole rest stays residual.
            Some(code) => bound(2, &rest, Addr::Status(code)),
            None => Activity::Ok(NameTree::Neg),
        },
        class => match utility::rewriting(class) {
            None => unknown(class, path),
            Some(rewrite) => match rewrite(&rest) {
                Ok(Some(path)) => Activity::Ok(NameTree::Leaf(Name::Path(path))),
                Ok(None) => Activity::Ok(NameTree::Neg),
                Err(utility::EmptySegment) => Activity::Failed(Failure::new(
                    FailureKind::BadName,
                    format!("{path} has an empty host or domain label, which no path can hold"),
                )),
            },
        },
    }
}

/// Elements go through these names as text: bytes that are not UTF-8 become U+FFFD.
fn text(segment: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(segment)
}

fn unknown(class: &str, path: &Path) -> Activity<NameTree<Name>> {
    let message = format!("Unknown namer: {class} for path: {path}");
    Activity::Failed(Failure::new(FailureKind::UnknownNamer, message))
}

/// Whether Java's `Integer.parseInt` takes it.
fn is_integer(text: &str) -> bool {
    text.parse::<i32>().is_ok()
}

/// The address of `host` and `port`, which Finagle joins and splits again: `a:1,b` with port 2 is
/// the two addresses a:1 and b:2.
fn inet(host: &str, port: &str, namers: &dyn Namers) -> Addr {
    let hosts = match host_ports(&format!("{host}:{port}")) {
        Ok(hosts) => hosts,
        Err(message) => return Addr::Failed(message.into()),
    };
    // Any host that is known will do; of those that are not, the first one decides.
    let mut found = Vec::new();
    let mut unknown = None;
    let mut pending = false;
    for (host, port) in hosts {
        match host_addresses(&host, namers) {
            Activity::Ok(Some(ips)) => {
                let Ok(number) = u16::try_from(port) else {
                    let message = format!("port out of range:{port}");
                    unknown = unknown.or(Some(Addr::Failed(message.into())));
                    continue;
                };
                found.extend(ips.iter().map(|&ip| Address::from(SocketAddr::new(ip, number))));
            }
            Activity::Ok(None) => unknown = unknown.or(Some(Addr::Neg)),
            Activity::Pending => pending = true,
            Activity::Failed(failure) => {
                unknown = unknown.or(Some(Addr::Failed(failure.message)));
            }
        }
    }
    match unknown {
        _ if pending => Addr::Pending,
        Some(unknown) if found.is_empty() => unknown,
        _ => Addr::bound(found),
    }
}

/// Host and port of each part, the port yet of any size.
fn host_ports(hosts: &str) -> Result<Vec<(String, i32)>, String> {
    let parts = hosts.split([' ', ',']).filter(|part| !part.is_empty());
    let parts = parts.map(|part| {
        let mut parts = part.trim_end_matches(':').split(':');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(host), Some(port), None) => Ok((host, port)),
            _ => {
                Err(format!("requirement failed: You must specify host and port in hosts: {hosts}"))
            }
        }
    });
    parts
        .map(|part| match part? {
            (host, "*") => Ok((host.to_owned(), 0)),
            (host, port) => match port.parse() {
                Ok(number) => Ok((host.to_owned(), number)),
                Err(_) => Err(format!("For input string: \"{port}\"")),
            },
        })
        .collect()
}

fn host_addresses(host: &str, namers: &dyn Namers) -> Activity<Option<Vec<IpAddr>>> {
    match literal(host) {
        Some(ip) => Activity::Ok(Some(vec![ip])),
        None => namers.host(host),
    }
}

/// The address that `host` itself is: IPv6, IPv4 in one to four decimal parts as Java and C take
/// it (`127.1` is 127.0.0.1), `localhost`, or nothing, which is the local host, too.
pub fn literal(host: &str) -> Option<IpAddr> {
    if host.is_empty() || host.eq_ignore_ascii_case("localhost") {
        return Some(Ipv4Addr::LOCALHOST.into());
    }
    if let Ok(ip) = host.parse::<Ipv6Addr>() {
        return Some(ip.into());
    }
    if host.len() > "255.255.255.255".len() {
        return None; // a name to Java, whatever it is made of
    }
    let mut parts = host.split('.').map(|part| {
        let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<u32>().ok()).flatten()
    });
    let mut value: u32 = 0;
    let last_bits = {
        let count = host.split('.').count();
        if count > 4 {
            return None;
        }
        for shift in [24, 16, 8].into_iter().take(count - 1) {
            let part = u8::try_from(parts.next()??).ok()?;
            value |= u32::from(part) << shift;
        }
        32 - 8 * (count as u32 - 1)
    };
    let last = parts.next()??;
    if last_bits < 32 && last >> last_bits != 0 {
        return None;
    }
    Some(Ipv4Addr::from(value | last).into())
}

/// The status that an element names.
fn status(code: &str) -> Option<u16> {
    let code = code.parse::<i32>().ok()?;
    u16::try_from(code).ok().filter(|code| (100..600).contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::namers::NamerTable;

    #[test]
    fn every_listed_class_is_known() {
        for class in CLASSES {
            // Port, host and whatever else a class takes.
            let path = Path::from_segments(["$", class, "80", "80"]);
            let looked = lookup(&path, &NamerTable::new());
            let unknown = |failure: &Failure| failure.kind == FailureKind::UnknownNamer;
            assert!(!matches!(&looked, Activity::Failed(f) if unknown(f)), "{path}: {looked:?}");
        }
    }

    #[test]
    fn short_ipv4_forms_fill_from_the_right() {
        let ip = |host| literal(host).map(|ip| ip.to_string());
        assert_eq!(ip("127.1").as_deref(), Some("127.0.0.1"));
        assert_eq!(ip("10.1.258").as_deref(), Some("10.1.1.2"));
        assert_eq!(ip("8080").as_deref(), Some("0.0.31.144"));
        assert_eq!(ip("1.2.3.4").as_deref(), Some("1.2.3.4"));
        assert_eq!(ip("::1").as_deref(), Some("::1"));
        for none in [
            "1.2.3.4.5",
            "256.1",
            "1.2.3.256",
            "4294967296",
            "1..2",
            "a.b",
            "1.2.3.x",
            "0000000000000127.1",
        ] {
            assert_eq!(ip(none), None, "{none}");
        }
    }
}
