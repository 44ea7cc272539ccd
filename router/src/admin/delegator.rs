//! `/delegator.json`, as Linkerd 1.7.5 answers it.
//!
//! | request | answer |
//! |---|---|
//! | `GET ?path=&dtab=&namespace=`, or `POST` of a JSON object with these members | 200, the delegation tree |
//! | a path or dtab that does not parse | 400, `Invalid path: …`, `Invalid dtab: …` |
//! | a body that is not such an object | 400, `Malformed delegation request: <body>` |
//! | a content type other than exactly `application/json` | 415 |
//! | a namespace that nobody knows | 501 |
//! | a name that fails as a whole, such as a cycle | 500, the reason (Linkerd says none) |
//! | not known within two seconds | 503 |
//!
//! The namespace is the label of a router, whose namers and transformers apply to the dtab of the
//! request; without one there are only the built-in names.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use dtab::wire::{self, NoTree};
use dtab::{Delegation, Dtab, Path};
use serde_json::Value;

use super::query::Params;

/// How long a name may take to resolve.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Nobody knows a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownNamespace;

/// An answer that is under way.
pub type Delegating<'a> =
    Pin<Box<dyn Future<Output = Result<Delegation, UnknownNamespace>> + Send + 'a>>;

/// What resolves names for the delegator.
pub trait Delegator: Send + Sync {
    /// The explained resolution of `path` by `dtab` in a namespace, with every branch. It comes
    /// within [`PATIENCE`], with steps that are still pending if need be.
    fn delegate<'a>(
        &'a self,
        namespace: Option<&'a str>,
        dtab: &'a Dtab,
        path: &'a Path,
    ) -> Delegating<'a>;
}

/// An HTTP answer, apart from any socket.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The content type; none as Linkerd gives none with a plain text.
    pub content_type: Option<&'static str>,
    /// The body.
    pub body: String,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {}", self.status, self.content_type, self.body)
    }
}

impl Answer {
    fn text(status: u16, body: impl Into<String>) -> Self {
        Answer { status, content_type: None, body: body.into() }
    }
}

struct Request {
    namespace: Option<String>,
    dtab: String,
    path: String,
}

impl Request {
    /// Reads a body as Linkerd's JSON library does: of equal members the last counts, a number is as
    /// good as a word, null is as good as nothing, and what follows the object is not looked at.
    fn read(body: &[u8]) -> Option<Self> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let Some(Ok(Value::Object(mut members))) =
            serde_json::Deserializer::from_slice(body).into_iter().next()
        else {
            return None;
        };
        let mut member = |name: &str| match members.remove(name) {
            None | Some(Value::Null) => Some(None),
            Some(Value::String(text)) => Some(Some(text)),
            Some(scalar @ (Value::Number(_) | Value::Bool(_))) => Some(Some(scalar.to_string())),
            Some(Value::Array(_) | Value::Object(_)) => None,
        };
        let (namespace, dtab, path) = (member("namespace")?, member("dtab")?, member("path")?);
        Some(Request { namespace, dtab: dtab?, path: path? })
    }
}

/// Answers one request. `uri` may be a path with a query.
pub async fn respond(
    method: &str,
    uri: &str,
    content_type: Option<&str>,
    body: &[u8],
    delegator: &dyn Delegator,
) -> Answer {
    let request = match method {
        "GET" | "HEAD" => {
            let params = Params::of_uri(uri);
            let text = |name: &str| params.get(name).map(str::to_owned);
            let Some(path) = text("path") else {
                return Answer::text(400, "Invalid path: none is given, as in ?path=/svc/web");
            };
            Request { namespace: text("namespace"), dtab: text("dtab").unwrap_or_default(), path }
        }
        "POST" if content_type != Some("application/json") => return Answer::text(415, ""),
        "POST" => match Request::read(body) {
            Some(request) => request,
            None => {
                let body = String::from_utf8_lossy(body);
                return Answer::text(400, format!("Malformed delegation request: {body}"));
            }
        },
        _ => return Answer::text(405, ""),
    };
    let dtab = match Dtab::parse(&request.dtab) {
        Ok(dtab) => dtab,
        Err(error) => return Answer::text(400, format!("Invalid dtab: {error}")),
    };
    let path = match Path::parse(&request.path) {
        Ok(path) => path,
        Err(error) => return Answer::text(400, format!("Invalid path: {error}")),
    };
    let namespace = request.namespace.as_deref();
    let Ok(delegation) = delegator.delegate(namespace, &dtab, &path).await else {
        let name = namespace.unwrap_or_default();
        return Answer::text(501, format!("Name Interpreter for {name} cannot show delegations"));
    };
    match wire::delegation(&delegation) {
        Ok(tree) => {
            Answer { status: 200, content_type: Some("application/json"), body: tree.to_string() }
        }
        Err(NoTree::Pending) => Answer::text(503, "Request timed out."),
        Err(NoTree::Failed(failure)) => Answer::text(500, wire::thrown_message(&failure)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_read_as_linkerd_reads_them() {
        let read = |body: &str| {
            let Request { namespace, dtab, path } = Request::read(body.as_bytes())?;
            Some((namespace, dtab, path))
        };
        let of = |namespace: Option<&str>, dtab: &str, path: &str| {
            Some((namespace.map(str::to_owned), dtab.to_owned(), path.to_owned()))
        };
        assert_eq!(read(r#" {"dtab":"","path":"/a","x":[{}]} "#), of(None, "", "/a"));
        assert_eq!(read(r#"{"namespace":null,"dtab":"","path":"/a"}"#), of(None, "", "/a"));
        assert_eq!(read(r#"{"dtab":"","path":"/a","path":"/b"}"#), of(None, "", "/b"));
        assert_eq!(read(r#"{"namespace":1,"dtab":true,"path":5}"#), of(Some("1"), "true", "5"));
        assert_eq!(read("\u{feff}{\"dtab\":\"\",\"path\":\"/a\"} more"), of(None, "", "/a"));
        for malformed in [
            "",
            "null",
            r#"["default","","/a"]"#,
            r#"{"path":"/a"}"#,
            r#"{"dtab":null,"path":"/a"}"#,
            r#"{"dtab":"","path":["/a"]}"#,
            r#"{"dtab":"","path":"/a""#,
            "{'dtab':'','path':'/a'}",
        ] {
            assert_eq!(read(malformed), None, "{malformed}");
        }
    }
}
