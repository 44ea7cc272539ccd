//! The Prometheus text, with names and labels as Linkerd's `io.l5d.prometheus` makes them.

use std::fmt::Write;
use std::sync::Arc;

use super::labels::{Labelled, labelled};
use super::{Metrics, Summary, Value};

impl Metrics {
    /// One line for each number. `prefix` begins every name. There are no HELP and TYPE lines,
    /// and label separators are `, `, as Linkerd has it.
    pub fn prometheus(&self, prefix: &str) -> String {
        let mut text = String::new();
        for sample in self.samples() {
            let Series { name, labels } = series(prefix, &sample.path);
            let mut line = |suffix: &str, quantile: Option<&str>, value: &dyn std::fmt::Display| {
                let own = quantile.map(|quantile| ("quantile", quantile));
                let labels = labels.iter().map(|(name, value)| (*name, value.as_str())).chain(own);
                let labels: Vec<_> =
                    labels.map(|(name, value)| format!("{name}=\"{value}\"")).collect();
                // Writing to a String does not fail.
                let _ = if labels.is_empty() {
                    writeln!(text, "{name}{suffix} {value}")
                } else {
                    writeln!(text, "{name}{suffix}{{{}}} {value}", labels.join(", "))
                };
            };
            match &sample.value {
                Value::Counter(count) => line("", None, count),
                Value::Gauge(value) => line("", None, &float(*value)),
                Value::Stat(Some(summary)) if summary.count > 0 => {
                    line("_count", None, &summary.count);
                    line("_sum", None, &summary.sum);
                    line("_avg", None, &float(summary.avg()));
                    line("", Some("0"), &summary.min);
                    for (&(quantile, _), value) in Summary::QUANTILES.iter().zip(&summary.quantiles)
                    {
                        line("", Some(&quantile.to_string()), value);
                    }
                    line("", Some("1"), &summary.max);
                }
                Value::Stat(_) => {}
            }
        }
        text
    }
}

/// A float as Prometheus reads it: always with a point or an exponent.
pub(super) fn float(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        format!("{value:?}")
    }
}

struct Series {
    name: String,
    labels: Vec<(&'static str, String)>,
}

/// Takes the variable elements out of a name and makes labels of them.
fn series(prefix: &str, path: &[Arc<str>]) -> Series {
    let Labelled { labels, mut name, mut rest } = labelled(path);
    let mut labels: Vec<_> =
        labels.into_iter().map(|(name, value)| (name, escape(value))).collect();
    // Failures of a service within a client are counted by name only, without an exception label.
    if labels.len() == 2 {
        let exceptions = match rest.first() {
            Some(&"failures") => Some("failures"),
            Some(&"exn") => Some("exceptions"),
            _ => None,
        };
        if let Some(exceptions) = exceptions
            && rest.len() > 1
        {
            labels.push(("exception", escape(&rest[1..].join(":"))));
            name.push(exceptions);
            rest.clear();
        }
    }
    name.extend(rest);
    let name = format!("{prefix}{}", name.join(":"));
    let legal = |c: char| c.is_ascii_alphanumeric() || c == ':';
    let name = name.chars().map(|c| if legal(c) { c } else { '_' }).collect();
    Series { name, labels }
}

/// Linkerd puts two backslashes for each character that could end a label value.
fn escape(value: &str) -> String {
    value.replace(['\\', '"', '\n'], r"\\")
}
