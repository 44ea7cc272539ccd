//! `/admin/metrics.json`, in the shapes that Linkerd gives it.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::{Metrics, Sample, Summary, Value};

/// What part of the tree is wanted, and how: the query parameters of `/admin/metrics.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Indented, and sorted by name (`pretty`).
    pub pretty: bool,
    /// Nested objects rather than names joined by `/` (`tree`).
    pub tree: bool,
    /// Only what is below this name, named relative to it (`q`).
    pub below: Option<String>,
}

/// Nothing has a name that begins with this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("No such subtree: {0}")]
pub struct NoSuchSubtree(pub String);

impl Metrics {
    /// The JSON text. Counters are integers, gauges floats; a stat has the fields of its last
    /// summary, and none before the first.
    pub fn json(&self, query: &Query) -> Result<String, NoSuchSubtree> {
        let mut samples = self.samples();
        if let Some(below) = query.below.as_deref().map(|q| q.trim_matches('/'))
            && !below.is_empty()
        {
            samples.retain_mut(|sample| match depth(sample, below) {
                Some(depth) => {
                    sample.path.drain(..depth);
                    true
                }
                None => false,
            });
            if samples.is_empty() {
                return Err(NoSuchSubtree(below.to_owned()));
            }
        }
        let json = if query.tree { tree(&samples) } else { flat(&samples, query.pretty) };
        // Values of serde_json always have a text.
        Ok(if query.pretty { format!("{json:#}") } else { json.to_string() })
    }
}

/// How many elements of the name spell `below`. Elements may hold `/` themselves, so
/// `rt/http/service/svc/web` finds the service, which it does not in Linkerd.
fn depth(sample: &Sample, below: &str) -> Option<usize> {
    let mut rest = below;
    for (at, element) in sample.path.iter().enumerate() {
        rest = rest.strip_prefix(element.as_ref())?;
        if rest.is_empty() {
            return Some(at + 1);
        }
        rest = rest.strip_prefix('/')?;
    }
    None
}

fn flat(samples: &[Sample], sorted: bool) -> Json {
    let mut members = Vec::with_capacity(samples.len());
    for sample in samples {
        let name = sample.path.join("/");
        match &sample.value {
            Value::Counter(count) => members.push((name, json!(count))),
            Value::Gauge(value) => members.push((name, json!(value))),
            Value::Stat(None) => {}
            Value::Stat(Some(summary)) => {
                for (field, value) in fields(summary) {
                    members.push((format!("{name}.{field}"), value));
                }
            }
        }
    }
    if sorted {
        members.sort_by(|a, b| a.0.cmp(&b.0));
    }
    Json::Object(members.into_iter().collect())
}

fn tree(samples: &[Sample]) -> Json {
    let mut root = json!({});
    for sample in samples {
        let node = place(&mut root, &sample.path);
        match &sample.value {
            Value::Counter(count) => node["counter"] = json!(count),
            Value::Gauge(value) => node["gauge"] = json!(value),
            Value::Stat(summary) => {
                for (field, value) in summary.iter().flat_map(fields) {
                    node[format!("stat.{field}")] = value;
                }
            }
        }
    }
    root
}

/// The object for this name, made on the way. A name that a metric's own key (`counter`) has
/// taken is replaced: then the longer name is shown.
fn place<'t>(node: &'t mut Json, path: &[Arc<str>]) -> &'t mut Json {
    if !node.is_object() {
        *node = json!({});
    }
    match path {
        [] => node,
        [first, rest @ ..] => place(&mut node[first.as_ref()], rest),
    }
}

/// The fields of a stat, sorted by name.
fn fields(summary: &Summary) -> Vec<(&'static str, Json)> {
    let mut fields = vec![("count", json!(summary.count))];
    if summary.count > 0 {
        fields.insert(0, ("avg", json!(summary.avg())));
        fields.extend([("max", json!(summary.max)), ("min", json!(summary.min))]);
        let quantiles = Summary::QUANTILES.iter().zip(summary.quantiles);
        fields.extend(quantiles.map(|(&(_, name), value)| (name, json!(value))));
        fields.push(("sum", json!(summary.sum)));
    }
    fields
}
