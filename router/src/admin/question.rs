//! What is asked of `/delegation.json` and its kin: a name or a request, and by which tables.

use dtab::{Dtab, Path, Source};
use http::StatusCode;
use serde_json::{Value, json};

use super::query::Params;
use super::{AdminContext, AdminRouter};
use crate::identifier::{AskedRequest, BadRequest};

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
    Request(AskedRequest),
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
            (None, Some(url)) => Asked::Request(read_request(url, params)?),
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
            Asked::Request(asked) => {
                let (path, request) = name(asked, router);
                let overrides = asked
                    .overrides()
                    .map_err(|wrong| bad(dtab::render(&wrong.found, &wrong.source, false)))?;
                (path, overrides.concat(&self.local), Some(request))
            }
        };
        Ok(Resolvable { router, path, base, local, request })
    }
}

/// Reads the parameters `method` and any number of `header`.
fn read_request(url: &str, params: &Params) -> Result<AskedRequest, Wrong> {
    let invalid = |why: BadRequest| bad(format!("{why}\n"));
    let method = params.get("method").filter(|method| !method.is_empty()).unwrap_or("GET");
    let mut asked = AskedRequest::new(method, url).map_err(invalid)?;
    let lines = params.all("header").flat_map(str::lines);
    for line in lines.map(str::trim).filter(|line| !line.is_empty()) {
        let added = line
            .split_once(':')
            .is_some_and(|(name, value)| asked.add(name.trim_end(), value.trim()).is_ok());
        if !added {
            return Err(invalid(BadRequest::Header(line.escape_debug().to_string())));
        }
    }
    asked.complete().map_err(invalid)?;
    Ok(asked)
}

/// The name of a request by the identifiers of a router, and what there is to show of it.
fn name(asked: &AskedRequest, router: &AdminRouter) -> (Option<Path>, Value) {
    let (method, url, headers) = (asked.method(), asked.url(), asked.headers());
    let mut request = json!({ "method": method, "url": url, "headers": headers });
    match asked.name(&router.identifier, router.version) {
        Ok((name, by)) => {
            request["identifier"] = json!(by.kind());
            request["name"] = json!(name.to_string());
            (Some(name), request)
        }
        Err(error) => {
            request["error"] = json!(error.to_string());
            (None, request)
        }
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
