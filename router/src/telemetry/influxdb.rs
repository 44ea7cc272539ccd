//! The InfluxDB lines of `io.l5d.influxdb`.

use std::collections::BTreeMap;

use super::labels::{Labelled, labelled};
use super::{Metrics, Summary, Value};

/// A measurement with its tags: what stands before the fields of a line.
type Key = String;

impl Metrics {
    /// One line for each place of the tree that has metrics, which are its fields. `host` is the value
    /// of the tag `host`: what the server was called in the request for them.
    ///
    /// Characters that would end a tag or a field get a backslash, as the format wants it; Linkerd
    /// writes them as they are.
    pub fn influxdb(&self, host: &str) -> String {
        let mut lines: BTreeMap<Key, BTreeMap<String, String>> = BTreeMap::new();
        for sample in self.samples() {
            let Labelled { labels, mut name, mut rest } = labelled(&sample.path);
            // A name that ends with a label has no field of its own.
            let Some(field) = rest.pop() else { continue };
            name.extend(rest);
            let mut tags = vec![("host", host)];
            tags.extend(labels);
            tags.sort_unstable();
            let key = tags.iter().fold(measurement(&name), |key, (name, value)| {
                format!("{key},{name}={}", escape(value))
            });
            let fields = lines.entry(key).or_default();
            let field = escape(field);
            match &sample.value {
                Value::Counter(count) => drop(fields.insert(field, count.to_string())),
                Value::Gauge(value) if value.is_finite() => {
                    fields.insert(field, format!("{value:?}"));
                }
                Value::Gauge(_) | Value::Stat(None) => {}
                Value::Stat(Some(summary)) => fields.extend(
                    stat(summary).map(|(suffix, value)| (format!("{field}_{suffix}"), value)),
                ),
            }
        }
        let mut text = String::new();
        for (key, fields) in lines.into_iter().filter(|(_, fields)| !fields.is_empty()) {
            let fields: Vec<_> =
                fields.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
            text.push_str(&format!("{key} {}\n", fields.join(",")));
        }
        text
    }
}

fn measurement(elements: &[&str]) -> String {
    if elements.is_empty() {
        return "root".to_owned();
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || c == ':';
    elements.join(":").chars().map(|c| if legal(c) { c } else { '_' }).collect()
}

fn stat(summary: &Summary) -> impl Iterator<Item = (&'static str, String)> {
    const QUANTILES: [&str; 6] = ["p50", "p90", "p95", "p99", "p999", "p9999"];
    let quantiles = QUANTILES.into_iter().zip(summary.quantiles.map(|value| value.to_string()));
    let own = [
        ("count", summary.count.to_string()),
        ("sum", summary.sum.to_string()),
        ("avg", format!("{:?}", summary.avg())),
        ("min", summary.min.to_string()),
        ("max", summary.max.to_string()),
    ];
    own.into_iter().chain(quantiles)
}

/// The value of a tag, or the name of a field.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ',' | '=' | ' ' => escaped.extend(['\\', c]),
            // These cannot be written.
            '\\' => escaped.push('_'),
            c if c.is_control() => escaped.push('_'),
            c => escaped.push(c),
        }
    }
    if escaped.is_empty() { "none".to_owned() } else { escaped }
}
