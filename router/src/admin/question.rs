//! What is asked of `/delegation.json` and its kin: a name or a request, and by which tables.

use dtab::{Dtab, Path, Source};
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use serde_json::{Value, json};

use super::query::Params;
use super::{AdminContext, AdminRouter};
use crate::http::headers::{CTX_DTAB, USER_DTAB, baggage};
use crate::http::proxy_uri;
use crate::identifier::RequestHead;

/// Why a question has no answer, for people, and the status that says so.
pub(super) type Wrong = (StatusCode, String);

/// A question to a router.
pub(super) struct Question {
    router: Option<String>,
    asked: Asked,
    /// The override, without what a request itself carries.
    local: Dtab,
    /// The table to answer by, instead of the router's own.
    base: Option<Dtab>,
}

enum Asked {
    Path(Path),
    Request(Asking),
}

/// A request, as a router would get it.
struct Asking {
    method: Method,
    /// As it was asked.
    url: String,
    target: String,
    headers: HeaderMap,
    /// The same, in the order and spelling in which they were asked.
    shown: Vec<(String, String)>,
}

/// What is to be resolved.
pub(super) struct Resolvable<'a> {
    pub(super) router: &'a AdminRouter,
    /// None if no identifier names the request.
    pub(super) path: Option<Path>,
    pub(super) base: Dtab,
    pub(super) local: Dtab,
    /// The request, its name and what named it; none if a name was asked for.
    pub(super) request: Option<Value>,
}

impl Question {
    /// Reads the parameters `path`, or else `method`, `url` and any number of `header`; `router`,
    /// `dtab` and `base`.
    pub(super) fn read(params: &Params) -> Result<Self, Wrong> {
        let asked = match (params.get("path"), params.get("url")) {
            (Some(path), _) => Asked::Path(read_path(path)?),
            (None, Some(url)) => Asked::Request(Asking::read(url, params)?),
            (None, None) => {
                let why = "Invalid path: none is given, as in ?path=/svc/web; nor is a request, as in \
                           ?url=http://web/\n";
                return Err(bad(why.to_owned()));
            }
        };
        let table = |name: &str, text: Option<&str>| read_table(name, text.unwrap_or_default());
        let base = params.get("base").filter(|text| !text.trim().is_empty());
        Ok(Question {
            router: params.get("router").filter(|label| !label.is_empty()).map(str::to_owned),
            asked,
            local: table("override", params.get("dtab"))?,
            base: base.map(|text| table("table", Some(text))).transpose()?,
        })
    }

    /// What is to be resolved for it in a running router.
    pub(super) fn resolvable<'a>(
        &self,
        context: &'a AdminContext,
    ) -> Result<Resolvable<'a>, Wrong> {
        let Some(router) = context.router(self.router.as_deref()) else {
            return Err((StatusCode::NOT_FOUND, context.unknown_router()));
        };
        let base = match &self.base {
            Some(base) => {
                base.compile();
                base.clone()
            }
            None => router.interpreter.base().clone(),
        };
        let (path, local, request) = match &self.asked {
            Asked::Path(path) => (Some(path.clone()), self.local.clone(), None),
            Asked::Request(asking) => {
                let (path, request) = asking.name(router);
                (path, asking.overrides()?.concat(&self.local), Some(request))
            }
        };
        Ok(Resolvable { router, path, base, local, request })
    }
}

impl Asking {
    fn read(url: &str, params: &Params) -> Result<Self, Wrong> {
        let method = match params.get("method") {
            None | Some("") => Method::GET,
            Some(text) => Method::from_bytes(text.trim().as_bytes())
                .map_err(|_| bad(format!("Invalid method: {}\n", text.escape_debug())))?,
        };
        let url = url.trim();
        let invalid = |why: &dyn std::fmt::Display| bad(format!("Invalid URL: {why}\n"));
        let direct = proxy_uri::direct(url).map_err(|error| invalid(&error))?;
        let (host, target) = direct.map_or((None, url), |it| (Some(it.host), it.target));
        if host.is_none() && !target.starts_with('/') {
            return Err(invalid(&"it is one such as http://web/ or, with a Host header, /"));
        }
        let target = target.split('#').next().unwrap_or_default();
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        PathAndQuery::try_from(target.as_str()).map_err(|error| invalid(&error))?;
        let mut asking = Asking {
            method,
            url: url.to_owned(),
            target,
            headers: HeaderMap::new(),
            shown: Vec::new(),
        };
        let lines = params.all("header").flat_map(str::lines);
        for line in lines.map(str::trim).filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            if !line.contains(':') || !asking.add(name.trim_end(), value.trim()) {
                let line = line.escape_debug();
                return Err(bad(format!("Invalid header: {line}: it is one such as Host: web\n")));
            }
        }
        // A Host that is asked for wins, as with any client.
        if let Some(host) = host
            && !asking.headers.contains_key(HOST)
            && !asking.add("Host", host)
        {
            return Err(invalid(&"no host"));
        }
        Ok(asking)
    }

    fn add(&mut self, name: &str, value: &str) -> bool {
        let (Ok(key), Ok(parsed)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()))
        else {
            return false;
        };
        self.headers.append(key, parsed);
        self.shown.push((name.to_owned(), value.to_owned()));
        true
    }

    /// Its name by the identifiers of a router, and what there is to show of it.
    fn name(&self, router: &AdminRouter) -> (Option<Path>, Value) {
        let Asking { method, url, target, headers, shown } = self;
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let head = RequestHead {
            method,
            target,
            version: router.version,
            headers,
            authority: host.filter(|_| router.version == Version::HTTP_2),
            scheme: Some("http"),
        };
        let mut request = json!({ "method": method.as_str(), "url": url, "headers": shown });
        match router.identifier.identify_by(&head) {
            Ok((identification, by)) => {
                request["identifier"] = json!(by.kind());
                request["name"] = json!(identification.name.to_string());
                (Some(identification.name), request)
            }
            Err(error) => {
                request["error"] = json!(error.to_string());
                (None, request)
            }
        }
    }

    /// The overrides that it carries, as a server takes them that trusts its callers.
    fn overrides(&self) -> Result<Dtab, Wrong> {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let baggage = baggage::overrides(&self.headers).map(|value| text(&value));
        let lines =
            |name| self.headers.get_all(name).into_iter().map(|value| text(value.as_bytes()));
        let mut all = Dtab::empty();
        for value in baggage.chain(lines(CTX_DTAB)).chain(lines(USER_DTAB)) {
            all = all.concat(&read_table("header", &value)?);
        }
        Ok(all)
    }
}

/// The answer to a question that is wrong in itself.
pub(super) fn bad(why: String) -> Wrong {
    (StatusCode::BAD_REQUEST, why)
}

fn read_path(text: &str) -> Result<Path, Wrong> {
    Path::parse(text.trim()).map_err(|error| bad(format!("Invalid path: {error}\n")))
}

/// A table, or every mistake in it, each drawn below its line.
fn read_table(name: &str, text: &str) -> Result<Dtab, Wrong> {
    let source = Source::new(name, text);
    let (dtab, found) = dtab::check_dtab(&source);
    if found.is_empty() { Ok(dtab) } else { Err(bad(dtab::render(&found, &source, false))) }
}
