//! The text of a file: one endpoint on each line.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use dtab::{Activity, Addr, AddrSet, Address, ENDPOINT_WEIGHT, MetaValue};

/// Files above this size, in bytes, are not read.
pub const MAX_FILE: u64 = 500 * 1024;

/// The endpoints of a file. Host names are not looked up yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// In the order of the file.
    pub lines: Vec<Line>,
}

/// One endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// An address or a host name.
    pub host: String,
    /// From 1.
    pub port: u16,
    /// Its share of the requests, if one is written.
    pub weight: Option<f64>,
}

/// A line that is not `host port` or `host port * weight`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed address: {0}")]
pub struct Malformed(pub String);

/// Reads a file. The first malformed line is the error.
pub fn parse_file(text: &str) -> Result<Listing, Malformed> {
    let lines = text.split('\n').map(|line| {
        let line = line.split_once('#').map_or(line, |(line, _)| line);
        line.trim_matches(|c| c <= ' ')
    });
    let lines = lines.filter(|line| !line.is_empty()).map(self::line);
    Ok(Listing { lines: lines.collect::<Result<_, _>>()? })
}

fn line(line: &str) -> Result<Line, Malformed> {
    let malformed = || Malformed(line.to_owned());
    // White space as Java's regular expressions have it.
    let space = [' ', '\t', '\n', '\x0b', '\x0c', '\r'];
    let words: Vec<_> = line.split(space).filter(|word| !word.is_empty()).collect();
    let (host, port, weight) = match *words.as_slice() {
        [host, port] => (host, port, None),
        [host, port, "*", weight] => {
            (host, port, Some(self::weight(weight).ok_or_else(malformed)?))
        }
        _ => return Err(malformed()),
    };
    match port.parse::<u16>() {
        Ok(port @ 1..) => Ok(Line { host: host.to_owned(), port, weight }),
        _ => Err(malformed()),
    }
}

/// A number as Java reads it, with an `f` or `d` behind it if need be, but not infinite or NaN.
fn weight(text: &str) -> Option<f64> {
    let digits = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
    digits.parse::<f64>().ok().filter(|weight| weight.is_finite())
}

impl Listing {
    /// The host names that have to be looked up.
    pub fn host_names(&self) -> impl Iterator<Item = &str> {
        let names = self.lines.iter().map(|line| line.host.as_str());
        names.filter(|host| dtab::literal(host).is_none())
    }

    /// The address, given what `host` says of host names.
    ///
    /// Hosts that have no address, or none yet, are left out; the address is pending or failed
    /// only if nothing else is left.
    pub fn addr(&self, host: impl Fn(&str) -> Activity<Option<Vec<IpAddr>>>) -> Addr {
        let mut found = Vec::new();
        let mut other = None;
        for line in &self.lines {
            let ips = match dtab::literal(&line.host) {
                Some(ip) => Activity::Ok(Some(vec![ip])),
                None => host(&line.host),
            };
            match ips {
                Activity::Ok(ips) => {
                    found.extend(ips.into_iter().flatten().map(|ip| line.address(ip)));
                }
                Activity::Pending => other = Some(Addr::Pending),
                Activity::Failed(failure) if other.is_none() => {
                    other = Some(Addr::Failed(failure.message));
                }
                Activity::Failed(_) => {}
            }
        }
        match other {
            Some(other) if found.is_empty() => other,
            _ => Addr::Bound(Arc::new(AddrSet::new(found))),
        }
    }
}

impl Line {
    fn address(&self, ip: IpAddr) -> Address {
        let mut address = Address::from(SocketAddr::new(ip, self.port));
        if let Some(weight) = self.weight {
            address.meta.insert(ENDPOINT_WEIGHT.to_owned(), MetaValue::Number(weight));
        }
        address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match parse_file(text) {
            Ok(listing) => {
                let lines = listing.lines.iter().map(|line| match line.weight {
                    None => format!("{} {}", line.host, line.port),
                    Some(weight) => format!("{} {} * {weight}", line.host, line.port),
                });
                lines.collect::<Vec<_>>().join(", ")
            }
            Err(malformed) => malformed.to_string(),
        }
    }

    #[test]
    fn lines_are_a_host_a_port_and_perhaps_a_weight() {
        assert_eq!(read("a 1\n  b\t2 # c\n\n#d 4\r\ne 5 * 0.5\r\n"), "a 1, b 2, e 5 * 0.5");
        assert_eq!(read("a 1 * 2f\nb 2 * 1e1"), "a 1 * 2, b 2 * 10");
        assert_eq!(read(""), "");
    }

    #[test]
    fn the_first_malformed_line_is_told() {
        for bad in ["a", "a 0", "a 65536", "a -1", "a 1 2", "a 1 *2", "a 1 * x", "a 1 * NaN"] {
            assert_eq!(
                read(&format!("ok 1\n {bad} # x\nworse")),
                format!("malformed address: {bad}")
            );
        }
    }

    #[test]
    fn hosts_without_an_address_are_left_out_and_nothing_waits_for_others() {
        let ip = |text: &str| vec![text.parse::<IpAddr>().unwrap()];
        let addr = |text: &str| {
            parse_file(text).unwrap().addr(|host| match host {
                "known" => Activity::Ok(Some(ip("10.0.0.1"))),
                "late" => Activity::Pending,
                _ => Activity::Ok(None),
            })
        };
        let bound = |text: &str| Addr::bound([Address::from(text.parse::<SocketAddr>().unwrap())]);
        assert_eq!(addr("known 1\nnone 1\nlate 1"), bound("10.0.0.1:1"));
        assert_eq!(addr("127.0.0.1 1\nlate 1"), bound("127.0.0.1:1"));
        assert_eq!(addr("none 1\nlate 1"), Addr::Pending);
        assert_eq!(addr("none 1"), Addr::bound([]));
    }
}
