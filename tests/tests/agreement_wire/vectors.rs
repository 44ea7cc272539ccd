//! The `bind` vectors that can be put on the wire, and the discovery files that say what their
//! namers say.

use std::cell::Cell;
use std::fs;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::Path as Folder;
use std::time::Duration;

use dtab::{
    Activity, Addr, Bound, Delegation, Explore, Name, NameTree, Namer, Namers, Path, Resolver,
    first_not_neg,
};
use serde_json::{Value, json};
use tests::conformance::{Case, TestNamer};

/// A vector, with the router that it is sent to.
pub(crate) struct Vector {
    pub(crate) id: String,
    pub(crate) case: Case,
    pub(crate) set: String,
    /// The interpreter's table and transformers as the configuration has them.
    pub(crate) router: Value,
    pub(crate) path: String,
    pub(crate) local: String,
}

/// Reads a vector, or says why it cannot be put on the wire.
pub(crate) fn read(folder: &Folder, vector: &Value) -> Result<Vector, &'static str> {
    let text = |name: &str| vector[name].as_str().unwrap_or_default().to_owned();
    let case = Case::read(folder, vector).map_err(|_| "a mistaken table or name")?;
    let list = vector["transformers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let transformers = list.iter().map(transformer).collect::<Option<Vec<_>>>();
    let transformers = transformers.ok_or("a transformer that no configuration has")?;
    let recorder = Recorder { namers: &case.namers, strange: Cell::new(None) };
    let delegation = recorder.resolve(&case);
    if let Some(why) = recorder.strange.get() {
        return Err(why);
    }
    let mut why = None;
    if let Activity::Ok(tree) = delegation.bind() {
        tree.for_each_leaf(&mut |bound| why = why.or(unreachable(bound)));
    }
    match why {
        Some(why) => Err(why),
        None => Ok(Vector {
            id: text("id"),
            set: text("namers"),
            router: json!({
                "protocol": "http",
                "dtab": text("dtab"),
                "dstPrefix": "/",
                "identifier": { "kind": "io.l5d.header" },
                "interpreter": { "kind": "default", "transformers": transformers },
            }),
            path: text("path"),
            local: text("local").replace(['\n', '\r', '\t'], " "),
            case,
        }),
    }
}

fn transformer(vector: &Value) -> Option<Value> {
    let mut config = vector.clone();
    match vector["kind"].as_str()? {
        "metadata" => return None,
        "io.l5d.port" => {
            config["port"] = json!(vector["port"].as_str()?.parse::<u16>().ok()?);
        }
        _ => {}
    }
    Some(config)
}

/// Whether it is an address that cannot be tried here, or where somebody else listens.
fn unreachable(bound: &Bound) -> Option<&'static str> {
    let Addr::Bound(set) = &bound.addr else {
        return matches!(bound.addr, Addr::Status(_)).then_some("a status as an address");
    };
    set.endpoints().iter().find_map(|address| {
        let socket = address.socket;
        if !matches!(socket.ip(), IpAddr::V4(ip) if ip.is_loopback()) || socket.port() == 0 {
            return Some("an address beyond 127.0.0.0/8");
        }
        let taken = || TcpStream::connect_timeout(&socket, Duration::from_millis(500)).is_ok();
        (!is_discovered(bound) && taken()).then_some("an address where somebody listens")
    })
}

/// Whether the address comes from a file, not from the name itself or from a transformer.
pub(crate) fn is_discovered(bound: &Bound) -> bool {
    bound.id.iter().next() == Some(b"#")
        || bound.id.to_string().starts_with("/%/io.l5d.specificHost/#/")
}

/// The namers of a vector; notes whether any answers in a way that a file cannot.
struct Recorder<'c> {
    namers: &'c [(Path, TestNamer)],
    strange: Cell<Option<&'static str>>,
}

impl Recorder<'_> {
    fn resolve(&self, case: &Case) -> Delegation {
        let Case { base, local, transformers, .. } = case;
        Resolver { base, local, namers: self, transformers }.resolve(&case.path, Explore::All)
    }
}

impl Namers for Recorder<'_> {
    fn lookup(&self, path: &Path) -> Activity<NameTree<Name>> {
        let matching = self.namers.iter().filter(|(prefix, _)| path.starts_with(prefix));
        first_not_neg(matching.map(|(prefix, namer)| {
            let answer = namer.lookup(path);
            let why = match &answer {
                Activity::Ok(NameTree::Neg) => None,
                _ if prefix.iter().next() != Some(b"#") => Some("a namer that is not below /#"),
                Activity::Ok(NameTree::Leaf(Name::Bound(bound))) => match &bound.addr {
                    Addr::Bound(_) if is_beside_a_file(&bound.id) => {
                        Some("a name below another one, which files cannot be")
                    }
                    Addr::Bound(_) => None,
                    _ => Some("an address that no file has"),
                },
                _ => Some("a namer's answer that no file is"),
            };
            self.strange.set(self.strange.get().or(why));
            answer
        }))
    }

    fn host(&self, _: &str) -> Activity<Option<Vec<IpAddr>>> {
        self.strange.set(Some("a host name"));
        Activity::Ok(None)
    }

    fn prefixes(&self) -> Vec<Path> {
        self.namers.iter().map(|(prefix, _)| prefix.clone()).collect()
    }
}

/// Where `/#/mem/a` is a file, `/#/mem/a/deep` cannot be one.
fn is_beside_a_file(id: &Path) -> bool {
    id.to_string() == "/#/mem/a/deep"
}

/// Writes the files of a set of namers below `root`, with `port` in place of each address' port.
/// The namers as a configuration has them.
pub(crate) fn write_files(
    set: &Value,
    root: &Folder,
    mut port: impl FnMut(&str, SocketAddr) -> u16,
) -> Vec<Value> {
    let mut namers = Vec::new();
    for (at, namer) in set.as_array().into_iter().flatten().enumerate() {
        let prefix = namer["prefix"].as_str().expect("a prefix");
        let Some(below) = prefix.strip_prefix("/#") else { continue };
        let folder = root.join(format!("namer-{at}"));
        fs::create_dir(&folder).expect("a folder");
        for (key, entry) in namer["table"].as_object().expect("a table") {
            let Some(addresses) = entry.as_array() else { continue };
            if is_beside_a_file(&Path::parse(key).expect("a name")) {
                continue;
            }
            let line = |address: &Value| {
                let text = address.as_str().or_else(|| address["addr"].as_str());
                let address: SocketAddr = text.expect("text").parse().expect("an address");
                format!("{} {}\n", address.ip(), port(key, address))
            };
            let lines: String = addresses.iter().map(line).collect();
            let file = folder.join(key.strip_prefix(prefix).expect("a key").trim_matches('/'));
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(file, lines).expect("a discovery file");
        }
        namers.push(json!({ "kind": "io.l5d.fs", "prefix": below, "rootDir": folder }));
    }
    // The last one is tried first.
    namers.reverse();
    namers
}
