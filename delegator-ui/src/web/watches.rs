//! Where everything comes from that routing goes by: discovery, dtabs, certificates; each with its
//! state, since when it has it, and what is wrong.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use super::html::{each, escape};
use super::shell::Page;
use super::source::Source;

/// What the page shows, each as its endpoint answers; null where there was no answer.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// `/watches.json`
    pub(super) watches: Value,
    /// `/admin/reload`
    pub(super) reload: Value,
    /// `/routers.json`
    pub(super) routers: Value,
    /// `/certificates.json`
    pub(super) certificates: Value,
}

/// A cell: a text of the program's own, one from outside, or a moment.
enum Cell {
    State(&'static str, &'static str),
    /// What the row is about.
    Path(String),
    Code(String),
    Text(String),
    Since(f64),
}

/// The page's main part; ages are as of `now`.
pub(super) fn body(shown: &Shown, now: SystemTime) -> String {
    let watches = section(
        "discovery",
        "Discovery",
        &["Name", "Namer", "State", "Since", "Version", "Error"],
        &watched(&shown.watches),
        "Nothing is watched: no name has been asked for yet. Each name in use is watched for as \
         long as requests need it.",
        now,
    );
    let sources = section(
        "sources",
        "Dtabs",
        &["Router", "Source", "State", "Since", "Reloads", "Error"],
        &sources(&shown.reload, &shown.routers),
        "This router does not say where its dtabs come from.",
        now,
    );
    let certificates = section(
        "certificates",
        "Certificates and keys",
        &["Subject", "Files", "State", "Since", "Error"],
        &certificates(&shown.certificates),
        "No server or client uses TLS with files of its own.",
        now,
    );
    format!(
        "<div class=\"page-head\"><h1>Watches</h1><p class=\"lede\">Everything that routing goes by, \
         and whether it is up to date. What breaks keeps its last good state.</p></div>\n\
         {watches}{sources}{certificates}"
    )
}

fn watched(watches: &Value) -> Vec<Vec<Cell>> {
    let namers = watches.as_object().into_iter().flatten();
    let rows = namers.flat_map(|(namer, list)| {
        list.as_array().into_iter().flatten().map(move |watch| {
            let failing = watch["error"].is_string();
            let state = match watch["state"].as_str().unwrap_or_default() {
                "ok" if failing => LAST_GOOD,
                "ok" => UP_TO_DATE,
                "pending" => Cell::State("pending", "pending"),
                "neg" => Cell::State("idle", "does not exist"),
                "failed" => Cell::State("bad", "failed"),
                _ => Cell::State("idle", "unknown"),
            };
            vec![
                path(&watch["name"]),
                Cell::Code(namer.clone()),
                state,
                Cell::Since(watch["since"].as_f64().unwrap_or_default()),
                Cell::Text(watch["version"].to_string()),
                text(&watch["error"]),
            ]
        })
    });
    rows.collect()
}

const UP_TO_DATE: Cell = Cell::State("ok", "up to date");
const LAST_GOOD: Cell = Cell::State("warn", "last good state");

fn sources(reload: &Value, routers: &Value) -> Vec<Vec<Cell>> {
    if reload.is_null() {
        return Vec::new();
    }
    let error = &reload["lastError"]["message"];
    let routers = routers.as_array().into_iter().flatten();
    let rows = routers.map(|router| {
        vec![
            path(&router["label"]),
            Cell::Text("the configuration".to_owned()),
            if error.is_string() { LAST_GOOD } else { UP_TO_DATE },
            Cell::Since(reload["loaded"].as_f64().unwrap_or_default() / 1e3),
            Cell::Text(reload["reloads"].to_string()),
            text(error),
        ]
    });
    rows.collect()
}

fn certificates(certificates: &Value) -> Vec<Vec<Cell>> {
    let rows = certificates.as_array().into_iter().flatten().map(|one| {
        let files = one["files"].as_array().into_iter().flatten().filter_map(Value::as_str);
        vec![
            path(&one["subject"]),
            Cell::Text(files.collect::<Vec<_>>().join(", ")),
            if one["error"].is_string() { LAST_GOOD } else { UP_TO_DATE },
            Cell::Since(one["since"].as_f64().unwrap_or_default() / 1e3),
            text(&one["error"]),
        ]
    });
    rows.collect()
}

fn path(value: &Value) -> Cell {
    Cell::Path(value.as_str().unwrap_or_default().to_owned())
}

fn text(value: &Value) -> Cell {
    Cell::Text(value.as_str().unwrap_or("–").to_owned())
}

fn section(
    id: &str,
    heading: &str,
    heads: &[&str],
    rows: &[Vec<Cell>],
    empty: &str,
    now: SystemTime,
) -> String {
    let head = each(heads, |head| format!("<th scope=\"col\">{head}</th>"));
    let rows_html = each(rows, |row| {
        let cells = each(row.iter().zip(heads), |(cell, head)| html(cell, head, now));
        format!("<tr>{cells}</tr>\n")
    });
    let (no_rows, some_rows) = if rows.is_empty() { (" hidden", "") } else { ("", " hidden") };
    format!(
        "<section class=\"live-section stack watches\" id=\"{id}\"><h2>{heading}</h2><div class=\"table-scroll framed\" \
         tabindex=\"0\" role=\"region\" aria-label=\"{heading}\"{no_rows}><table class=\"data cards\">\
         <thead><tr>{head}</tr></thead><tbody>\n{rows_html}</tbody></table></div>\
         <p class=\"muted empty-line\"{some_rows}>{empty}</p></section>\n"
    )
}

fn html(cell: &Cell, head: &str, now: SystemTime) -> String {
    let (tag, scope) = match cell {
        Cell::Path(_) => ("th", " scope=\"row\""),
        _ => ("td", ""),
    };
    let (class, shown) = match cell {
        Cell::State(status, word) => {
            ("", format!("<span class=\"chip\" data-status=\"{status}\">{word}</span>"))
        }
        Cell::Path(text) | Cell::Code(text) => ("path", escape(text)),
        Cell::Text(text) if head == "Error" => ("reason", escape(text)),
        Cell::Text(text) => ("", escape(text)),
        Cell::Since(seconds) => ("nowrap", age(*seconds, now)),
    };
    format!("<{tag}{scope} class=\"{class}\" data-label=\"{head}\">{shown}</{tag}>")
}

/// How long it is since a moment given in seconds since 1970, in its largest unit.
fn age(since: f64, now: SystemTime) -> String {
    let since = Duration::try_from_secs_f64(since).unwrap_or_default();
    let age = now.duration_since(UNIX_EPOCH + since).unwrap_or_default().as_secs();
    match age {
        0..60 => format!("{age} s ago"),
        60..3600 => format!("{} min ago", age / 60),
        3600..86_400 => format!("{} h ago", age / 3600),
        _ => format!("{} d ago", age / 86_400),
    }
}

/// `/watches`
pub(super) async fn page(State(source): State<Source>) -> Response {
    let shown = Shown {
        watches: source.get("/watches.json", &[]).await.1,
        reload: source.get("/admin/reload", &[]).await.1,
        routers: source.get("/routers.json", &[]).await.1,
        certificates: source.get("/certificates.json", &[]).await.1,
    };
    let page = Page {
        path: "/watches",
        title: "Watches",
        script: "watches",
        styles: &["dashboard"],
        wide: true,
    };
    page.with(&body(&shown, SystemTime::now()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_source_tells_its_state_and_what_is_wrong() {
        let shown = Shown {
            watches: json!({ "/#/io.l5d.fs": [
                { "name": "/#/io.l5d.fs/web", "state": "ok", "since": 1000.5, "version": 3, "error": null },
                { "name": "/#/io.l5d.fs/<b>", "state": "ok", "since": 900, "version": 1, "error": "cannot read <it>" },
                { "name": "/#/io.l5d.fs/none", "state": "neg", "since": 1.0, "version": 1, "error": null },
            ]}),
            reload: json!({ "loaded": 1_000_000, "reloads": 2, "failures": 1,
                "lastError": { "at": 1_001_000, "message": "linkerd.yaml:3:1: no" } }),
            routers: json!([{ "label": "http" }]),
            certificates: json!([
                { "subject": "server 0.0.0.0:4140", "files": ["a.pem", "b.pem"], "since": 500_000, "error": null },
            ]),
        };
        insta::assert_snapshot!(body(&shown, UNIX_EPOCH + Duration::from_secs(1010)));
    }

    #[test]
    fn what_is_not_there_is_said() {
        let said = body(&Shown::default(), UNIX_EPOCH);
        for sentence in ["Nothing is watched", "does not say where", "No server or client"] {
            assert!(said.contains(sentence), "{said}");
        }
    }
}
