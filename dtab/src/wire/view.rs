//! The JSON of an explained resolution. Ours, not Linkerd's.
//!
//! A list of steps, each before those that follow from it, with its depth: so however long the
//! way is, the JSON does not nest.
//!
//! ```json
//! [
//!   { "depth": 0, "path": "/svc/web", "kind": "delegate", "taken": true, "probability": 1.0,
//!     "reason": "one dentry matches" },
//!   { "depth": 1, "path": "/#/io.l5d.fs/web", "kind": "leaf", "taken": true, "probability": 1.0,
//!     "reason": "bound to /#/io.l5d.fs/web, 1 address", "residual": "/web",
//!     "dentry": { "table": "base", "index": 0, "of": 1, "prefix": "/svc", "dst": "/#/io.l5d.fs",
//!                 "place": { "file": "linkerd.yaml", "line": 7, "column": 5 } },
//!     "bound": { "id": "/#/io.l5d.fs/web", "residual": "/",
//!                "addr": { "type": "bound", "addrs": [ { "ip": "127.0.0.1", "port": 8080, "meta": {} } ],
//!                          "meta": {} } } }
//! ]
//! ```
//!
//! `kind` is one of [`ViewKind::ALL`]; `table` is `base` or `override`; `index` counts from 0,
//! `line` and `column` from 1. `residual`, `dentry`, `place`, `bound`, and `weight` (of a branch
//! of a union; `"Infinity"` beyond the doubles) are there only where they say something. An
//! `addr` is as in `/delegator.json`, or `{"type": "status", "code": 503}` for a name that is
//! answered at once.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::weight;
use crate::delegation::Layer;
use crate::name::{Addr, Address, MetaValue};
use crate::path::Path;
use crate::view::{ViewBound, ViewDentry, ViewKind, ViewNode, ViewPlace};

/// The steps as JSON.
pub fn view(root: &ViewNode) -> Value {
    let mut steps = Vec::new();
    write(root, 0, &mut steps);
    Value::Array(steps)
}

fn write(node: &ViewNode, depth: usize, steps: &mut Vec<Value>) {
    let mut step = json!({
        "depth": depth,
        "path": node.path.to_string(),
        "kind": node.kind.name(),
        "taken": node.taken,
        "probability": node.probability,
        "reason": node.reason,
    });
    if !node.residual.is_empty() {
        step["residual"] = json!(node.residual.to_string());
    }
    if let Some(share) = node.weight {
        step["weight"] = weight(share);
    }
    if let Some(entry) = &node.dentry {
        step["dentry"] = dentry(entry);
    }
    if let Some(ViewBound { id, residual, addr }) = &node.bound {
        let addr = match addr {
            Addr::Status(code) => json!({ "type": "status", "code": code }),
            addr => super::addr(addr),
        };
        step["bound"] =
            json!({ "id": id.to_string(), "residual": residual.to_string(), "addr": addr });
    }
    steps.push(step);
    for child in &node.children {
        write(child, depth + 1, steps);
    }
}

pub(super) fn dentry(entry: &ViewDentry) -> Value {
    let table = match entry.layer {
        Layer::Base => "base",
        Layer::Local => "override",
    };
    let mut json = json!({
        "table": table,
        "index": entry.index,
        "of": entry.of,
        "prefix": entry.prefix,
        "dst": entry.dst,
    });
    if let Some(ViewPlace { file, line, column }) = &entry.place {
        json["place"] = json!({ "file": file, "line": line, "column": column });
    }
    json
}

/// Reads the steps back; `None` if this is not what [`view`] writes.
pub fn read_view(json: &Value) -> Option<ViewNode> {
    // The steps on the way from the root to the last one read.
    let mut open: Vec<ViewNode> = Vec::new();
    for step in json.as_array()? {
        let depth = usize::try_from(step.get("depth")?.as_u64()?).ok()?;
        if depth > open.len() || (depth == 0) != open.is_empty() {
            return None;
        }
        close(&mut open, depth);
        open.push(read_step(step)?);
    }
    close(&mut open, 1);
    open.pop()
}

/// Puts every step at `depth` or deeper into the one before it.
fn close(open: &mut Vec<ViewNode>, depth: usize) {
    while open.len() > depth.max(1) {
        if let (Some(child), Some(parent)) = (open.pop(), open.last_mut()) {
            parent.children.push(child);
        }
    }
}

fn read_step(step: &Value) -> Option<ViewNode> {
    let path = |json: Option<&Value>| Path::parse(json?.as_str()?).ok();
    let kind = step.get("kind")?.as_str()?;
    let weight = match step.get("weight") {
        None => None,
        Some(Value::String(_)) => Some(f64::INFINITY),
        Some(number) => Some(number.as_f64()?),
    };
    let bound = match step.get("bound") {
        None => None,
        Some(bound) => Some(ViewBound {
            id: path(bound.get("id"))?,
            residual: path(bound.get("residual"))?,
            addr: read_addr(bound.get("addr")?)?,
        }),
    };
    let dentry = match step.get("dentry") {
        None => None,
        Some(dentry) => Some(read_dentry(dentry)?),
    };
    Some(ViewNode {
        path: path(step.get("path"))?,
        dentry,
        kind: ViewKind::ALL.iter().find(|(_, name)| *name == kind)?.0,
        residual: match step.get("residual") {
            None => Path::root(),
            residual => path(residual)?,
        },
        weight,
        probability: step.get("probability")?.as_f64()?,
        taken: step.get("taken")?.as_bool()?,
        reason: step.get("reason")?.as_str()?.to_owned(),
        bound,
        children: Vec::new(),
    })
}

fn read_dentry(json: &Value) -> Option<ViewDentry> {
    let text = |key: &str| json.get(key)?.as_str().map(str::to_owned);
    let number = |json: &Value, key: &str| json.get(key)?.as_u64();
    let place = match json.get("place") {
        None => None,
        Some(place) => Some(ViewPlace {
            file: place.get("file")?.as_str()?.to_owned(),
            line: u32::try_from(number(place, "line")?).ok()?,
            column: u32::try_from(number(place, "column")?).ok()?,
        }),
    };
    Some(ViewDentry {
        layer: match text("table")?.as_str() {
            "base" => Layer::Base,
            "override" => Layer::Local,
            _ => return None,
        },
        index: usize::try_from(number(json, "index")?).ok()?,
        of: usize::try_from(number(json, "of")?).ok()?,
        prefix: text("prefix")?,
        dst: text("dst")?,
        place,
    })
}

fn read_addr(json: &Value) -> Option<Addr> {
    Some(match json.get("type")?.as_str()? {
        "pending" => Addr::Pending,
        "neg" => Addr::Neg,
        "failed" => Addr::Failed(json.get("cause")?.as_str()?.into()),
        "status" => Addr::Status(u16::try_from(json.get("code")?.as_u64()?).ok()?),
        "bound" => {
            let endpoints = json.get("addrs")?.as_array()?.iter().map(read_address);
            Addr::bound(endpoints.collect::<Option<Vec<_>>>()?)
        }
        _ => return None,
    })
}

fn read_address(json: &Value) -> Option<Address> {
    let ip = json.get("ip")?.as_str()?.parse().ok()?;
    let port = u16::try_from(json.get("port")?.as_u64()?).ok()?;
    let meta = json.get("meta")?.as_object()?.iter().map(|(name, value)| {
        let value = match value {
            Value::String(text) => MetaValue::Text(text.clone()),
            Value::Number(number) => MetaValue::Number(number.as_f64()?),
            _ => return None,
        };
        Some((name.clone(), value))
    });
    Some(Address { socket: SocketAddr::new(ip, port), meta: meta.collect::<Option<_>>()? })
}
