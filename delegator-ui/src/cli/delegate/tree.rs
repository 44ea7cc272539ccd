//! The delegation tree of `/delegator.json`, read back.
//!
//! Linkerd's tree says less than the [`Delegation`] that it was made of: a hop that keeps the name
//! is left out, and so is where an entry stands. The entries are found again in the tables that
//! were sent; what then follows from the steps is worked out as for every resolution.

use std::net::{IpAddr, SocketAddr};

use dtab::{
    Addr, Address, Bound, Delegation, Dtab, Failure, FailureKind, Layer, MetaValue, Path, Step, Via,
};
use serde_json::Value;

/// Nesting beyond this is no resolution.
const MAX_NESTING: usize = 500;

/// What a transformer is called, as a tree may name it.
const TRANSFORMERS: [&str; 5] = [
    "ConstTransformer",
    "DelegatingNameTreeTransformer$",
    "MetadataFiltertingNameTreeTransformer",
    "ReplaceTransformer",
    "SubnetLocalTransformer",
];

/// Reads trees whose entries are those of two tables.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) base: &'a Dtab,
    pub(super) local: &'a Dtab,
}

impl Reader<'_> {
    /// The resolution of `path`; `None` if the tree is not one.
    pub(super) fn read(&self, tree: &Value, path: &Path) -> Option<Delegation> {
        self.node(tree, path, 0)
    }

    /// `parent` is the name where the tree has none of its own, as at a `~`.
    fn node(&self, tree: &Value, parent: &Path, depth: usize) -> Option<Delegation> {
        if depth > MAX_NESTING {
            return None;
        }
        let shown = tree["path"].as_str()?;
        let (path, written) = match Path::parse(shown) {
            Ok(path) => (path, false),
            Err(_) => (parent.clone(), matches!(shown, "~" | "!" | "$")),
        };
        let next = |tree: &Value| self.node(tree, &path, depth + 1);
        let step = match tree["type"].as_str()? {
            "delegate" => Step::Delegate(Box::new(next(&tree["delegate"])?)),
            "alt" => Step::Alt(tree["alt"].as_array()?.iter().map(next).collect::<Option<_>>()?),
            "union" => {
                let branches = tree["union"].as_array()?.iter();
                let branches = branches
                    .map(|branch| Some((weight(&branch["weight"])?, next(&branch["tree"])?)));
                Step::Union(branches.collect::<Option<_>>()?)
            }
            "leaf" => Step::Leaf(bound(&tree["bound"])?),
            "neg" => Step::Neg { written },
            "fail" => Step::Fail { written },
            "empty" => Step::Empty,
            "exception" => Step::Failed(failure(tree["message"].as_str().unwrap_or_default())),
            "transformation" => {
                let name = tree["name"].as_str().unwrap_or_default();
                let by = TRANSFORMERS.into_iter().find(|known| *known == name);
                Step::Transformed {
                    by: by.unwrap_or("a transformer"),
                    before: Box::new(bound(&tree["bound"])?),
                    after: Box::new(next(&tree["tree"])?),
                    replaced: false, // a delegator does not show those that replace
                }
            }
            _ => return None,
        };
        let via = self.entry(&tree["dentry"]);
        Some(Delegation::new(path, via, step))
    }

    /// The entry that is shown like this: the last one, if there are several.
    fn entry(&self, shown: &Value) -> Option<Via> {
        let (prefix, dst) = (shown["prefix"].as_str()?, shown["dst"].as_str()?);
        [(Layer::Local, self.local), (Layer::Base, self.base)].into_iter().find_map(
            |(layer, dtab)| {
                let at = dtab.dentries().iter().rposition(|dentry| {
                    dentry.prefix.to_string() == prefix && dentry.dst.to_string() == dst
                })?;
                Some(Via { layer, dtab: dtab.clone(), at })
            },
        )
    }
}

fn weight(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| (value == "Infinity").then_some(f64::INFINITY))
}

fn failure(message: &str) -> Failure {
    let kind = match message {
        "Max recursion level reached." => FailureKind::TooDeep,
        _ => FailureKind::Namer,
    };
    Failure::new(kind, message)
}

fn bound(value: &Value) -> Option<Bound> {
    let id = Path::parse(value["id"].as_str()?).ok()?;
    let residual = Path::parse(value["path"].as_str().unwrap_or("/")).ok()?;
    Some(Bound::new(id, residual, addr(&value["addr"])?))
}

fn addr(value: &Value) -> Option<Addr> {
    Some(match value["type"].as_str()? {
        "bound" => {
            Addr::bound(value["addrs"].as_array()?.iter().map(address).collect::<Option<Vec<_>>>()?)
        }
        "neg" => Addr::Neg,
        "pending" => Addr::Pending,
        "failed" => Addr::Failed(value["cause"].as_str().unwrap_or("no reason given").into()),
        _ => return None,
    })
}

fn address(value: &Value) -> Option<Address> {
    let ip: IpAddr = value["ip"].as_str()?.parse().ok()?;
    let port = u16::try_from(value["port"].as_u64()?).ok()?;
    let mut address = Address::from(SocketAddr::new(ip, port));
    for (name, value) in value["meta"].as_object().into_iter().flatten() {
        let value = match value {
            Value::Number(number) => MetaValue::Number(number.as_f64()?),
            Value::String(text) => MetaValue::Text(text.clone()),
            _ => continue,
        };
        address.meta.insert(name.clone(), value);
    }
    Some(address)
}
