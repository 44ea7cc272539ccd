//! The configuration as it runs, with secrets hidden.
//!
//! A configuration of this program holds none: they stand in files, and only the files are named. That
//! of another router, which can be looked at from here as well, may have them in its text.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::html::escape;
use super::shell::Page;
use super::source::Source;

/// What stands in the place of a secret.
const HIDDEN: &str = "(hidden)";

/// Parts of the names of keys whose values are nobody's business, in lower case.
const SECRET: [&str; 8] =
    ["password", "passwd", "secret", "token", "credential", "authinfo", "privatekey", "apikey"];

/// The page's main part; `config` is null if there was no answer.
pub(super) fn body(config: &Value) -> String {
    let head = "<div class=\"page-head\"><h1>Configuration</h1><p class=\"lede\">As it runs: the keys \
                that were given. Secrets are not shown.</p></div>\n";
    if config.is_null() {
        return format!(
            "{head}<p class=\"notice\" data-status=\"warn\">The configuration cannot be had: the \
             router does not show it.</p>\n"
        );
    }
    let mut config = config.clone();
    hide(&mut config);
    let mut lines = Lines { html: String::new(), line: String::new(), depth: 0 };
    lines.value(&config, "");
    format!(
        "{head}<div class=\"config-bar\" id=\"config-bar\"></div>\n\
         <pre class=\"code config\" id=\"configuration\" tabindex=\"0\" role=\"region\" \
         aria-label=\"Configuration\">{}</pre>\n\
         <p class=\"muted small\"><code>fingerpost config reference</code> tells what every key \
         means.</p>\n",
        lines.html
    )
}

/// Takes the secrets out.
fn hide(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let name = key.to_lowercase();
                if !value.is_object() && SECRET.iter().any(|word| name.contains(word)) {
                    *value = json!(HIDDEN);
                } else {
                    hide(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::String(text) => {
            if let Some(hidden) = without_password(text) {
                *text = hidden;
            }
        }
        _ => {}
    }
}

/// `https://user:secret@host` without what stands before the host.
fn without_password(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let at = rest[..end].rfind('@')?;
    Some(format!("{scheme}://{HIDDEN}{}", &rest[at..]))
}

/// JSON as lines, each in an element of its own.
struct Lines {
    html: String,
    /// The line that is not finished.
    line: String,
    depth: usize,
}

impl Lines {
    /// A value and what stands behind it.
    fn value(&mut self, value: &Value, behind: &str) {
        match value {
            Value::Object(members) if !members.is_empty() => self.object(members, behind),
            Value::Array(items) if !items.is_empty() => {
                self.open("[");
                for (at, item) in items.iter().enumerate() {
                    self.value(item, if at + 1 < items.len() { "," } else { "" });
                }
                self.close(&format!("]{behind}"));
            }
            scalar => self.end(&format!("{}{behind}", escape(&scalar.to_string()))),
        }
    }

    fn object(&mut self, members: &Map<String, Value>, behind: &str) {
        self.open("{");
        for (at, (key, value)) in members.iter().enumerate() {
            let key = escape(&json!(key).to_string());
            self.line.push_str(&format!("<span class=\"key\">{key}</span>: "));
            self.value(value, if at + 1 < members.len() { "," } else { "" });
        }
        self.close(&format!("}}{behind}"));
    }

    fn open(&mut self, bracket: &str) {
        self.end(bracket);
        self.depth += 1;
    }

    fn close(&mut self, bracket: &str) {
        self.depth -= 1;
        self.end(bracket);
    }

    /// Ends the line; the line break is a part of it, so that a selection has it.
    fn end(&mut self, last: &str) {
        let indent = "  ".repeat(self.depth);
        let line = std::mem::take(&mut self.line);
        self.html.push_str(&format!("<span class=\"line\">{indent}{line}{last}\n</span>"));
    }
}

/// `/config`
pub(super) async fn page(State(source): State<Source>) -> Response {
    let page = Page {
        path: "/config",
        title: "Configuration",
        script: "config",
        styles: &["dashboard"],
        wide: false,
    };
    page.with(&body(&source.get("/config.json", &[]).await.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_an_element_and_texts_stay_texts() {
        let config = json!({
            "routers": [{ "protocol": "http", "dtab": "/svc=>/<b>", "servers": [{ "port": 4140 }] }],
            "namers": [],
        });
        insta::assert_snapshot!(body(&config));
    }

    #[test]
    fn secrets_are_hidden_wherever_they_are() {
        let mut config = json!({
            "namers": [{
                "kind": "io.l5d.consul",
                "token": "s3cret",
                "setHost": true,
                "url": "https://me:s3cret@consul.example:8500/v1?a=b@c",
            }],
            "storage": { "authInfo": "s3cret", "Password": "s3cret", "tokens": ["s3cret"] },
            "tls": { "keyPath": "edge.key" },
        });
        hide(&mut config);
        assert!(!config.to_string().contains("s3cret"), "{config}");
        assert_eq!(config["namers"][0]["url"], "https://(hidden)@consul.example:8500/v1?a=b@c");
        assert_eq!(config["tls"]["keyPath"], "edge.key");
    }
}
