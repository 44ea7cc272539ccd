//! Asking a running router: its label and table from `/config.json`, its resolution from our own
//! `/delegation.json`, or else from `/delegator.json`. But for our own they are as Linkerd 1.7.5 has
//! them, so that a Linkerd can be asked just as well.

use std::time::Duration;

use dtab::{Dtab, Path, wire};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use router::snapshot::{self, Snapshot};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::Resolved;
use crate::cli::{Error, Result};
use crate::web::Remote;

/// How long one answer may take. The server gives up on a name that stays pending after two
/// seconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// The largest answer that is read.
const MAX_ANSWER: usize = 64 << 20;

/// An admin server.
#[derive(Debug)]
pub(in crate::cli) struct Admin {
    /// `127.0.0.1:9990`, to connect to and for the `Host` header.
    authority: String,
    /// What stands in front of every path, without a `/` at the end.
    base: String,
}

impl Admin {
    /// The server at `http://HOST:PORT`, with a path if it lies behind one.
    pub(in crate::cli) fn new(url: &str) -> Result<Self> {
        let full = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let wrong = |why: &str| {
            Error::new(format!(
                "--admin {url}: {why}; it is the URL of an admin server, such as http://127.0.0.1:9990"
            ))
        };
        let uri: Uri = full.parse().map_err(|_| wrong("not a URL"))?;
        if uri.scheme_str() != Some("http") {
            return Err(wrong("only http is spoken"));
        }
        let Some(authority) = uri.authority().filter(|authority| !authority.host().is_empty())
        else {
            return Err(wrong("no host"));
        };
        let authority = match authority.port_u16() {
            Some(_) => authority.to_string(),
            None => format!("{}:80", authority.host()),
        };
        Ok(Admin { authority, base: uri.path().trim_end_matches('/').to_owned() })
    }

    /// The same, to be shown on pages.
    pub(in crate::cli) fn remote(self) -> Remote {
        Remote::new(self.authority, self.base)
    }

    /// Where it is.
    pub(in crate::cli) fn url(&self) -> String {
        format!("http://{}{}", self.authority, self.base)
    }

    /// The label and the table of a router: the one with this label, or the only one.
    pub(super) async fn router(&self, label: Option<&str>) -> Result<(String, Dtab)> {
        let config = self.ask("/config.json", None).await?;
        let routers: Vec<(&str, &str)> = config["routers"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|router| {
                let label = router["label"].as_str().or(router["protocol"].as_str())?;
                Some((label, router["dtab"].as_str().unwrap_or_default()))
            })
            .collect();
        let labels = routers.iter().map(|(label, _)| *label);
        let at = super::choose_router(labels, label, &self.url())?;
        let (label, text) = routers[at];
        // Without a place: what is shown there is one long line of its own.
        let dtab =
            Dtab::parse(text).map_err(|error| self.nonsense("/config.json", &error.to_string()))?;
        Ok((label.to_owned(), dtab))
    }

    /// The resolution of `path` by a router's own table and an override, with every reason; `None`
    /// if the server has no such page, as Linkerd's.
    pub(super) async fn explained(
        &self,
        label: &str,
        local: &str,
        path: &Path,
    ) -> Result<Option<Resolved>> {
        let path = path.to_string();
        let asked = [("router", label), ("path", &path), ("dtab", local)];
        let page = format!("/delegation.json?{}", query(&asked));
        let Some(json) = self.ask_if_there(&page, None).await? else { return Ok(None) };
        let text = |key: &str| json[key].as_str().map(str::to_owned);
        let read = || {
            let view = wire::read_view(&json["steps"])?;
            Some(Resolved { view, state: text("state")?, summary: text("summary")? })
        };
        read().map(Some).ok_or_else(|| self.nonsense("/delegation.json", "no steps"))
    }

    /// Whether a name reaches a destination, with every reason.
    pub(super) async fn why_not(&self, asked: &[(&str, &str)]) -> Result<Value> {
        let page = format!("/why-not.json?{}", query(asked));
        let answer = self.ask_if_there(&page, None).await?;
        answer.ok_or_else(|| {
            Error::new(format!("{} cannot tell: only a Fingerpost has /why-not.json", self.url()))
        })
    }

    /// The table and discovery of a router, recorded; the label may be left out if there is one.
    pub(super) async fn snapshot(&self, label: Option<&str>) -> Result<Snapshot> {
        let asked: Vec<_> = label.into_iter().map(|label| ("router", label)).collect();
        let page = format!("/snapshot.json?{}", query(&asked));
        let answer = self.ask_if_there(&page, None).await?.ok_or_else(|| {
            Error::new(format!(
                "{} cannot be recorded: only a Fingerpost has /snapshot.json. Of a Linkerd, record what it \
                 is configured with, where its discovery files are: fingerpost snapshot --config \
                 linkerd.yaml",
                self.url()
            ))
        })?;
        let name = format!("{}/snapshot.json", self.url());
        snapshot::read(&name, &format!("{answer:#}"))
            .map(|snapshot| Snapshot { source: self.url(), ..snapshot })
            .map_err(|errors| Error::Drawn(errors.render(true)))
    }

    /// What goes on just now: `/stats.json`.
    pub(in crate::cli) async fn stats(&self) -> Result<Value> {
        let stats = self.ask_if_there("/stats.json", None).await?;
        stats.ok_or_else(|| {
            Error::new(format!("{} cannot tell: only a Fingerpost has /stats.json", self.url()))
        })
    }

    /// The delegation tree of `path` by `dtab` and the namers of a router.
    pub(super) async fn delegate(&self, label: &str, dtab: &str, path: &str) -> Result<Value> {
        let body = json!({ "namespace": label, "dtab": dtab, "path": path });
        self.ask("/delegator.json", Some(body)).await
    }

    /// GET, or POST of a body; the answer is JSON.
    async fn ask(&self, path: &str, body: Option<Value>) -> Result<Value> {
        let answer = self.ask_if_there(path, body).await?;
        answer.ok_or_else(|| self.failed(path, "404 Not Found"))
    }

    /// The same, or `None` for 404.
    async fn ask_if_there(&self, path: &str, body: Option<Value>) -> Result<Option<Value>> {
        match tokio::time::timeout(PATIENCE, self.exchange(path, body)).await {
            Err(_) => Err(self.failed(path, &format!("no answer within {} s", PATIENCE.as_secs()))),
            Ok(Err(error)) => Err(self.failed(path, &error.to_string())),
            Ok(Ok((StatusCode::OK, body))) => serde_json::from_slice(&body)
                .map(Some)
                .map_err(|error| self.nonsense(path, &error.to_string())),
            Ok(Ok((StatusCode::NOT_FOUND, _))) => Ok(None),
            Ok(Ok((status, body))) => {
                let text = String::from_utf8_lossy(&body);
                Err(self.failed(path, &format!("{status}: {}", text.trim().escape_debug())))
            }
        }
    }

    fn failed(&self, path: &str, why: &str) -> Error {
        Error::new(format!("cannot ask {}{path}: {why}", self.url()))
    }

    async fn exchange(
        &self,
        path: &str,
        body: Option<Value>,
    ) -> std::result::Result<(StatusCode, Bytes), Box<dyn std::error::Error + Send + Sync>> {
        let stream = TcpStream::connect(&self.authority).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let method = if body.is_some() { "POST" } else { "GET" };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(HOST, &self.authority)
            .header(ACCEPT, "application/json");
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = request.body(Full::new(Bytes::from(body)))?;
        let exchange = async {
            let response = sender.send_request(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await?.to_bytes();
            Ok((status, body))
        };
        tokio::pin!(exchange);
        tokio::pin!(connection);
        tokio::select! {
            answer = &mut exchange => answer,
            ended = &mut connection => match ended {
                // The last bytes may have been read, and wait to be taken.
                Ok(()) => exchange.await,
                Err(error) => Err(error.into()),
            },
        }
    }

    fn nonsense(&self, path: &str, why: &str) -> Error {
        Error::new(format!(
            "{}{path} does not answer as an admin server does: {}",
            self.url(),
            why.escape_debug()
        ))
    }
}

/// Parameters as the query of a URI.
fn query(parameters: &[(&str, &str)]) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let parameters = parameters.iter().map(|(name, value)| format!("{name}={}", encode(value)));
    parameters.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_server_is_named_by_its_url_or_its_address() {
        let at = |url| Admin::new(url).map(|admin| (admin.authority, admin.base)).ok();
        let plain = Some(("127.0.0.1:9990".to_owned(), String::new()));
        assert_eq!(at("http://127.0.0.1:9990"), plain);
        assert_eq!(at("http://127.0.0.1:9990/"), plain);
        assert_eq!(at("127.0.0.1:9990"), plain);
        assert_eq!(at("http://[::1]:1/x/"), Some(("[::1]:1".to_owned(), "/x".to_owned())));
        assert_eq!(at("http://host"), Some(("host:80".to_owned(), String::new())));
        for wrong in ["https://127.0.0.1", "", "http://", "a b", "/svc/web"] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
    }
}
