//! How a name is asked for with a request, and how a request brings an override.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde_json::Value;

use crate::web::source::Source;

/// A request by which a router comes to a name, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Request {
    /// `http://127.0.0.1:4140/`; none if this router has no server.
    url: Option<String>,
    /// The `Host` header that leads to the name.
    host: Option<String>,
    /// What is to be known beside.
    pub(super) notes: Vec<&'static str>,
}

const UNNAMED: &str =
    "The command has yet to be given what names the request for this router, such as its headers.";
const OFF: &str = "This server takes no overrides: see overrides in its configuration.";
const SCOPED: &str = "This server takes overrides only within the scope of its configuration.";
const CLEARED: &str = "This server drops what callers bring along (clearContext), overrides too.";
const NO_SERVER: &str =
    "There is no server here to send a request to: the header is what it takes.";

impl Request {
    /// The request to the first server of a router, as in `/routers.json`. Whether the router comes to
    /// the name by it is tried.
    pub(super) async fn of(source: &Source, routers: &Value, router: &str, path: &str) -> Self {
        let mut all = routers.as_array().into_iter().flatten();
        let own = all.find(|it| it["label"] == router).unwrap_or(&Value::Null);
        let server = &own["servers"][0];
        let mut request = Request { url: url(server), ..Request::default() };
        if request.url.is_none() {
            request.notes.push(NO_SERVER);
            return request;
        }
        // Most often it is the last label.
        if let Some(host) = path.rsplit('/').next().filter(|label| !label.is_empty()) {
            let url = format!("http://{host}/");
            let asked = [("router", router), ("url", url.as_str())];
            let (_, answer) = source.get("/delegation.json", &asked).await;
            request.host = (answer["request"]["name"] == path).then(|| host.to_owned());
        }
        let notes = [
            (request.host.is_none(), UNNAMED),
            (server["overrides"] == "off", OFF),
            (server["overrides"] == "scoped", SCOPED),
            (server["clearContext"] == true, CLEARED),
        ];
        request.notes.extend(notes.into_iter().filter(|(is, _)| *is).map(|(_, note)| note));
        request
    }

    /// A command that sends it with this override, for a shell.
    pub(super) fn command(&self, dtab: &str) -> String {
        let Some(url) = &self.url else { return format!("l5d-dtab: {dtab}") };
        let host =
            self.host.as_ref().map(|host| format!("-H {} ", quoted(&format!("Host: {host}"))));
        format!(
            "curl {}-H {} {url}",
            host.unwrap_or_default(),
            quoted(&format!("l5d-dtab: {dtab}"))
        )
    }
}

/// Where a server is asked from its own machine.
fn url(server: &Value) -> Option<String> {
    let mut address: SocketAddr = server["address"].as_str()?.parse().ok()?;
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    let scheme = if server["tls"] == true { "https" } else { "http" };
    Some(format!("{scheme}://{address}/"))
}

/// A text as one word of a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_server_is_asked_on_its_own_machine() {
        let at = |address: &str, tls: bool| url(&json!({ "address": address, "tls": tls }));
        assert_eq!(at("0.0.0.0:4140", false).as_deref(), Some("http://127.0.0.1:4140/"));
        assert_eq!(at("[::]:4140", true).as_deref(), Some("https://127.0.0.1:4140/"));
        assert_eq!(at("10.1.2.3:80", false).as_deref(), Some("http://10.1.2.3:80/"));
        assert_eq!(url(&Value::Null), None);
    }

    #[test]
    fn no_text_ends_the_word_that_it_is() {
        let request = Request {
            url: Some("http://127.0.0.1:4140/".to_owned()),
            host: Some("we'b".to_owned()),
            notes: Vec::new(),
        };
        assert_eq!(
            request.command("/svc => /$/x"),
            r"curl -H 'Host: we'\''b' -H 'l5d-dtab: /svc => /$/x' http://127.0.0.1:4140/"
        );
        assert_eq!(Request::default().command("/a => /b"), "l5d-dtab: /a => /b");
    }
}
