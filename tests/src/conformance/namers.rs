//! The namers of `namers.json`.

use std::fs;
use std::path::Path as Folder;

use dtab::{
    Activity, Addr, Address, Bound, Dtab, Failure, FailureKind, MetaValue, Name, NameTree, Namer,
    Path, parse_tree,
};
use serde_json::{Map, Value};

use super::{path, text};

/// The sets of namers that vectors name, and the tables of namespaces.
#[derive(Debug)]
pub struct NamerSets {
    sets: Map<String, Value>,
}

impl NamerSets {
    /// Reads `namers.json` in the folder of the vectors.
    pub fn read(folder: &Folder) -> Self {
        let file = folder.join("namers.json");
        let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        NamerSets { sets: serde_json::from_str(&text).expect("namer sets") }
    }

    /// A set's namers, in the order in which they are tried, each with its prefix.
    pub fn get(&self, name: &str) -> Vec<(Path, TestNamer)> {
        let set = self.sets[name].as_array().expect("a list of namers");
        let namer = |namer: &Value| (path(text(&namer["prefix"])), TestNamer::new(&namer["table"]));
        set.iter().map(namer).collect()
    }

    /// The table of a namespace, for the vectors that name one.
    pub fn namespace(&self, name: &str) -> Option<Dtab> {
        let table = self.sets["delegate_api_dtabs"].get(name)?;
        Some(Dtab::parse(text(table)).expect("a dtab"))
    }
}

/// A namer with a fixed table. The longest key that begins the path decides, the rest is the
/// residual, and where no key does the answer is negative.
#[derive(Clone, Debug)]
pub struct TestNamer {
    table: Vec<(Path, Entry)>,
}

#[derive(Clone, Debug)]
enum Entry {
    /// The same whatever the residual.
    Answer(Activity<NameTree<Name>>),
    /// A name with this address, bound as far as the key goes.
    Bound(Addr),
    /// Names to look up, each with the residual added.
    Tree(NameTree<Path>),
}

impl TestNamer {
    fn new(table: &Value) -> Self {
        let table = table.as_object().expect("a table");
        TestNamer { table: table.iter().map(|(key, value)| (path(key), entry(value))).collect() }
    }
}

impl Namer for TestNamer {
    fn lookup(&self, path: &Path) -> Activity<NameTree<Name>> {
        let longest = self
            .table
            .iter()
            .filter_map(|(key, entry)| Some((key, entry, path.strip_prefix(key)?)))
            .max_by_key(|(key, ..)| key.len());
        let Some((key, entry, residual)) = longest else { return Activity::Ok(NameTree::Neg) };
        match entry {
            Entry::Answer(answer) => answer.clone(),
            Entry::Bound(addr) => {
                let bound = Bound::new(key.clone(), residual, addr.clone());
                Activity::Ok(NameTree::Leaf(Name::Bound(bound)))
            }
            Entry::Tree(tree) => {
                Activity::Ok(tree.map(&mut |leaf| Name::Path(leaf.concat(&residual))))
            }
        }
    }
}

fn entry(value: &Value) -> Entry {
    match value {
        Value::String(word) => Entry::Answer(match word.as_str() {
            "neg" => Activity::Ok(NameTree::Neg),
            "fail" => Activity::Ok(NameTree::Fail),
            "empty" => Activity::Ok(NameTree::Empty),
            "pending" => Activity::Pending,
            other => panic!("no answer {other:?}"),
        }),
        Value::Array(addresses) => Entry::Bound(Addr::bound(addresses.iter().map(address))),
        entry => {
            if let Some(addr) = entry.get("bound_addr") {
                Entry::Bound(match addr.as_str() {
                    Some("neg") => Addr::Neg,
                    Some("pending") => Addr::Pending,
                    _ => Addr::Failed(text(&addr["failed"]).into()),
                })
            } else if let Some(words) = entry.get("exception") {
                let failure = Failure::new(FailureKind::Namer, text(words));
                Entry::Answer(Activity::Failed(failure))
            } else {
                Entry::Tree(parse_tree(text(&entry["tree"])).expect("a tree"))
            }
        }
    }
}

/// `"ip:port"`, or `{"addr": "ip:port", "meta": {name: word}}`.
fn address(value: &Value) -> Address {
    let Some(meta) = value.get("meta") else {
        return Address::from(text(value).parse::<std::net::SocketAddr>().expect("an address"));
    };
    let meta = meta.as_object().expect("metadata").iter();
    Address {
        socket: text(&value["addr"]).parse().expect("an address"),
        meta: meta.map(|(key, word)| (key.clone(), MetaValue::Text(text(word).into()))).collect(),
    }
}
