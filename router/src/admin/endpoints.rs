//! What is answered at each path.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use axum::body::Body;
use axum::response::IntoResponse;
use dtab::Path;
use http::header::{ALLOW, CONTENT_TYPE, HOST};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError};
use serde_json::{Value, json};

use super::query::Params;
use super::question::{Question, Wrong};
use super::stats::NoHistory;
use super::{
    AdminContext, AdminRouter, PrometheusPage, delegator, dtabs, explained, grace, guard, requests,
    why_not,
};
use crate::snapshot;
use crate::telemetry::Query;
use crate::tls::reload::Status;

/// How long an answer gets to leave before what it announces is done.
const ANSWER_FIRST: Duration = Duration::from_millis(50);
const TEXT: &str = "text/plain;charset=UTF-8";
const HTML: &str = "text/html;charset=UTF-8";
const JSON: &str = "application/json";
const JSON_UTF8: &str = "application/json;charset=UTF-8";

/// A signpost. Browsers go by the type, not by the name.
const FAVICON: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\">\
    <path d=\"M7 1h2v14H7z\" fill=\"#765\"/><path d=\"M2 3h9l3 2.5L11 8H2z\" fill=\"#2a7\"/></svg>";

/// The paths that are always there.
const PATHS: [&str; 30] = [
    "/admin",
    "/admin/metrics.json",
    "/admin/ping",
    "/admin/registry.json",
    "/admin/reload",
    "/admin/server_info",
    "/admin/shutdown",
    "/bound-names.json",
    "/certificates.json",
    "/client_state.json",
    "/clients.json",
    "/config.json",
    "/delegation.json",
    "/delegation/events",
    "/delegator.json",
    "/dtab/check.json",
    "/dtab/compare.json",
    "/dtab/words.json",
    "/favicon.ico",
    "/metrics.json",
    "/requests",
    "/requests.json",
    "/requests/events",
    "/routers.json",
    "/snapshot.json",
    "/stats.json",
    "/stats/events",
    "/stats/history.json",
    "/watches.json",
    "/why-not.json",
];

/// Answers a request that the pages had no route for.
pub(super) async fn answer(
    shared: &Arc<ArcSwap<AdminContext>>,
    request: Request<Body>,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let answered = match head.uri.path() {
        // It goes on under the configurations to come.
        explained::EVENTS => explained_events(shared, &head, body).await,
        _ => dispatch(&shared.load_full(), &head, body).await,
    };
    match answered {
        Ok(answer) | Err(answer) => answer,
    }
}

type Answered = Result<Response<Body>, Response<Body>>;

async fn dispatch(context: &AdminContext, head: &Parts, body: Body) -> Answered {
    let params = Params::parse(head.uri.query().unwrap_or_default());
    let path = head.uri.path();
    if let Some(page) = context.prometheus.iter().find(|page| page.path == path) {
        let PrometheusPage { prefix, .. } = page;
        return Ok(typed("text/plain", context.metrics.prometheus(prefix)));
    }
    Ok(match path {
        "/admin/metrics/influxdb" if context.influxdb => {
            let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
            typed("text/plain", context.metrics.influxdb(host.unwrap_or("none")))
        }
        "/requests" => typed(HTML, context.requests.recent.page()),
        "/requests.json" => match context.requests.list(&params) {
            Ok(requests) => typed(JSON, requests.to_string()),
            Err(why) => text(StatusCode::BAD_REQUEST, format!("{why}\n")),
        },
        "/requests/events" => context.requests.events(),
        "/admin" | "/admin/" | "/admin/index.txt" => typed("text/plain", index(context)),
        "/admin/ping" => typed(TEXT, "pong"),
        "/admin/server_info" => typed(JSON_UTF8, format!("{:#}", server_info(context))),
        "/admin/reload" => super::reload::answer(context, head).await,
        "/admin/shutdown" => shutdown(context, head, &params),
        "/admin/metrics.json" | "/metrics.json" => metrics(context, &params),
        "/config.json" => typed(JSON_UTF8, context.config_json.to_string()),
        "/delegator.json" => delegate(context, head, body).await?,
        "/delegation.json" => explain(context, head, params, body).await?,
        "/why-not.json" => explain_not(context, head, params, body).await?,
        "/dtab/check.json" => check_dtab(head, params, body).await?,
        "/dtab/compare.json" => compare_dtabs(context, head, params, body).await?,
        "/dtab/words.json" => {
            let router = chosen_router(context, &params).map_err(wrong)?;
            typed(JSON, dtabs::words(router).to_string())
        }
        "/bound-names.json" => typed(JSON, bound_names(context).to_string()),
        "/certificates.json" => typed(JSON, certificates(context).to_string()),
        "/client_state.json" => typed(JSON_UTF8, (context.clients)().to_string()),
        "/clients.json" => typed(JSON, (context.clients_in_full)().to_string()),
        "/routers.json" => typed(JSON, context.routers_in_full.to_string()),
        "/snapshot.json" => {
            let router = chosen_router(context, &params).map_err(wrong)?;
            record(context, router).await.map_or_else(not_found, |json| typed(JSON, json))
        }
        "/admin/registry.json" => typed(TEXT, format!("{:#}", (context.registry)())),
        "/stats.json" => typed(JSON, context.stats.json(context)),
        "/stats/events" => context.stats.events(context),
        "/stats/history.json" => match context.stats.history(&params) {
            Ok(history) => typed(JSON, history.to_string()),
            Err(why @ NoHistory::Unclear) => text(StatusCode::BAD_REQUEST, format!("{why}\n")),
            Err(why @ NoHistory::NoSuchRow) => text(StatusCode::NOT_FOUND, format!("{why}\n")),
        },
        "/favicon.ico" => typed("image/svg+xml", FAVICON),
        "/watches.json" => typed(JSON, context.namers.state().to_string()),
        "/logging.json" => logging(context, head, params, body).await?,
        path => {
            let state = namer_state(context, path).or_else(|| requests::one(context, path));
            state.map_or_else(not_found, |state| typed(JSON, state.to_string()))
        }
    })
}

fn not_found() -> Response<Body> {
    StatusCode::NOT_FOUND.into_response()
}

fn typed(content_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    ([(CONTENT_TYPE, content_type)], body.into()).into_response()
}

fn text(status: StatusCode, body: impl Into<String>) -> Response<Body> {
    (status, [(CONTENT_TYPE, TEXT)], body.into()).into_response()
}

fn not_allowed(methods: &'static str) -> Response<Body> {
    (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, methods), (CONTENT_TYPE, TEXT)]).into_response()
}

fn index(context: &AdminContext) -> String {
    let mut paths: Vec<String> = PATHS.iter().map(|&path| path.to_owned()).collect();
    paths.extend(context.prometheus.iter().map(|page| page.path.clone()));
    paths.extend(context.influxdb.then(|| "/admin/metrics/influxdb".to_owned()));
    paths.extend(context.log_levels.iter().map(|_| "/logging.json".to_owned()));
    paths.extend(context.namers.prefixes().iter().map(|prefix| {
        let name = prefix.to_string();
        format!("/namer_state/{}.json", name.strip_prefix("/#/").unwrap_or(&name))
    }));
    paths.sort();
    paths.dedup();
    paths.join("\n") + "\n"
}

/// Whose TLS is made of which files, since when, and why the files as they are now are not in use.
fn certificates(context: &AdminContext) -> Value {
    let one = |status: Status| {
        json!({
            "subject": status.subject,
            "files": status.files,
            "since": millis_between(SystemTime::UNIX_EPOCH, status.since),
            "error": status.error,
        })
    };
    context.certificates.iter().map(|made| one(made.status())).collect()
}

fn millis_between(before: SystemTime, time: SystemTime) -> u64 {
    let millis = time.duration_since(before).unwrap_or_default().as_millis();
    u64::try_from(millis).unwrap_or(u64::MAX)
}

fn server_info(context: &AdminContext) -> Value {
    json!({
        "name": "fingerpost",
        "version": env!("CARGO_PKG_VERSION"),
        "start_time": millis_between(SystemTime::UNIX_EPOCH, context.started),
        "uptime": millis_between(context.started, SystemTime::now()),
    })
}

fn shutdown(context: &AdminContext, head: &Parts, params: &Params) -> Response<Body> {
    if head.method != Method::POST {
        return not_allowed("POST");
    }
    if guard::is_foreign(head) {
        return text(StatusCode::FORBIDDEN, guard::FOREIGN);
    }
    let grace = match params.get("grace") {
        None => None,
        Some(given) => match grace::parse(given) {
            Some(grace) => Some(grace),
            None => {
                let why =
                    format!("could not parse 'grace' parameter: {given} is not a valid duration");
                return text(StatusCode::BAD_REQUEST, why);
            }
        },
    };
    tracing::info!(?grace, "asked to stop");
    // With nothing to drain the program ends at once, and the answer should be out by then.
    let stop = context.shutdown.clone();
    tokio::spawn(async move {
        tokio::time::sleep(ANSWER_FIRST).await;
        // A full or closed channel means that it is stopping already.
        let _ = stop.try_send(grace);
    });
    text(StatusCode::OK, "quitting\n")
}

fn metrics(context: &AdminContext, params: &Params) -> Response<Body> {
    let query = Query {
        pretty: params.is_on("pretty"),
        tree: params.is_on("tree"),
        below: params.get("q").map(str::to_owned),
    };
    match context.metrics.json(&query) {
        Ok(json) => typed(JSON, json),
        Err(error) => {
            let json = json!({ "error": error.to_string() });
            (StatusCode::NOT_FOUND, typed(JSON, json.to_string())).into_response()
        }
    }
}

async fn delegate(context: &AdminContext, head: &Parts, body: Body) -> Answered {
    let body = read(body).await?;
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let uri = head.uri.to_string();
    let answer = delegator::respond(head.method.as_str(), &uri, content_type, &body, context).await;
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Ok(match answer.content_type {
        _ if status == StatusCode::METHOD_NOT_ALLOWED => not_allowed("GET, POST"),
        Some(content_type) => (status, typed(content_type, answer.body)).into_response(),
        None => text(status, answer.body),
    })
}

/// The router that a question names, or the only one.
fn chosen_router<'c>(context: &'c AdminContext, params: &Params) -> Result<&'c AdminRouter, Wrong> {
    context
        .router(params.get("router").filter(|label| !label.is_empty()))
        .ok_or_else(|| (StatusCode::NOT_FOUND, context.unknown_router()))
}

/// What is known now, recorded; none for a router that nothing records.
async fn record(context: &AdminContext, router: &AdminRouter) -> Option<String> {
    let mut recorders = context.routers.iter().zip(&context.recorders);
    let (_, recorder) = recorders.find(|(other, _)| other.label == router.label)?;
    let (interpreter, patience) = (&router.interpreter, delegator::PATIENCE);
    let snapshot = recorder.record(interpreter, interpreter.base(), patience).await;
    Some(format!("{:#}", snapshot::to_json(&snapshot)))
}

async fn explain(context: &AdminContext, head: &Parts, params: Params, body: Body) -> Answered {
    let params = with_form(head, params, body).await?;
    let question = Question::read(&params).map_err(wrong)?;
    let json = explained::explained(context, &question).await.map_err(wrong)?;
    Ok(typed(JSON, json.to_string()))
}

async fn explain_not(context: &AdminContext, head: &Parts, params: Params, body: Body) -> Answered {
    let params = with_form(head, params, body).await?;
    let json = why_not::why_not(context, &params).await.map_err(wrong)?;
    Ok(typed(JSON, json.to_string()))
}

async fn explained_events(
    shared: &Arc<ArcSwap<AdminContext>>,
    head: &Parts,
    body: Body,
) -> Answered {
    let params = Params::parse(head.uri.query().unwrap_or_default());
    let params = with_form(head, params, body).await?;
    let question = Question::read(&params).map_err(wrong)?;
    explained::events(shared, question).map_err(wrong)
}

fn wrong((status, why): Wrong) -> Response<Body> {
    text(status, why)
}

async fn check_dtab(head: &Parts, params: Params, body: Body) -> Answered {
    let params = with_form(head, params, body).await?;
    let text = params.get("dtab").unwrap_or_default().to_owned();
    let found = tokio::task::spawn_blocking(move || dtabs::check(&text)).await;
    let found = found.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())?;
    Ok(typed(JSON, found.to_string()))
}

async fn compare_dtabs(
    context: &AdminContext,
    head: &Parts,
    params: Params,
    body: Body,
) -> Answered {
    let params = with_form(head, params, body).await?;
    let router = chosen_router(context, &params).map_err(wrong)?;
    let bad = |why: String| text(StatusCode::BAD_REQUEST, why);
    let read = |name: &str| dtabs::read(name, params.get(name).unwrap_or_default());
    let given = params.get("before").filter(|before| !before.trim().is_empty());
    let before = match given {
        Some(_) => read("before").map_err(bad)?,
        None => router.interpreter.base().clone(),
    };
    let (after, local) = (read("after").map_err(bad)?, read("dtab").map_err(bad)?);
    let lines = params.get("names").unwrap_or_default().lines().map(str::trim);
    let mut names = Vec::new();
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        names.push(
            Path::parse(line).map_err(|error| bad(format!("Invalid path in names: {error}")))?,
        );
    }
    if names.is_empty() {
        names = router.interpreter.bound_names();
        names.sort();
    }
    let comparison = dtabs::Comparison { before, after, local, names };
    Ok(typed(JSON, dtabs::compare(router, comparison).await.to_string()))
}

/// Linkerd has one empty name where no namer can list any.
fn bound_names(context: &AdminContext) -> Value {
    let names: Vec<_> = context.namers.bound_names().iter().map(Path::to_string).collect();
    if names.is_empty() { json!([""]) } else { json!(names) }
}

fn namer_state(context: &AdminContext, path: &str) -> Option<Value> {
    let name = path.strip_prefix("/namer_state/")?.strip_suffix(".json")?;
    let prefix = Path::parse(&format!("/#/{name}")).ok()?;
    let states = context.namers.state();
    states.get(prefix.to_string()).cloned()
}

async fn logging(context: &AdminContext, head: &Parts, params: Params, body: Body) -> Answered {
    let Some(levels) = &context.log_levels else {
        return Err(StatusCode::NOT_FOUND.into_response());
    };
    match head.method {
        Method::GET | Method::HEAD => Ok(typed(JSON, levels.to_json().to_string())),
        Method::POST if guard::is_foreign(head) => Err(text(StatusCode::FORBIDDEN, guard::FOREIGN)),
        Method::POST => {
            let params = with_form(head, params, body).await?;
            match (params.get("logger"), params.get("level")) {
                (Some(logger), Some(level)) => {
                    levels.set(logger, level);
                    Ok(StatusCode::OK.into_response())
                }
                _ => Err(StatusCode::BAD_REQUEST.into_response()),
            }
        }
        _ => Err(not_allowed("GET, POST")),
    }
}

/// The parameters of the URI and, after them, those of a form in the body.
async fn with_form(head: &Parts, params: Params, body: Body) -> Result<Params, Response<Body>> {
    if head.method != Method::POST {
        return Ok(params);
    }
    let body = read(body).await?;
    Ok(params.and(Params::parse(&String::from_utf8_lossy(&body))))
}

/// The whole body, which is limited; the answer to give if it cannot be had.
async fn read(body: Body) -> Result<bytes::Bytes, Response<Body>> {
    body.collect().await.map(|body| body.to_bytes()).map_err(|error| {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(error) = cause {
            if error.is::<LengthLimitError>() {
                return StatusCode::PAYLOAD_TOO_LARGE.into_response();
            }
            cause = error.source();
        }
        StatusCode::BAD_REQUEST.into_response()
    })
}
