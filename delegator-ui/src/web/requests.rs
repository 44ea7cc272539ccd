//! The latest requests, and one of them in full with its delegation as it was.

use axum::extract::{Query, State};
use axum::response::Response;
use serde_json::Value;

use super::delegator::Tree;
use super::figures::{NONE, duration, plural};
use super::html::{each, escape, href};
use super::shell::Page;
use super::source::Source;

/// What is asked for, as it stands in the address of the page.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Only those of this router; empty for all.
    pub(super) router: String,
    /// Words that a request must have.
    pub(super) words: String,
    /// Failures only.
    pub(super) failed: bool,
    /// The one to show in full.
    pub(super) id: Option<String>,
}

/// What the page shows, each as its endpoint answers; null where there was no answer.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// `/requests.json`
    pub(super) requests: Value,
    /// `/routers.json`
    pub(super) routers: Value,
    /// `/requests/<id>.json`
    pub(super) one: Value,
}

/// The page's main part; `tree` draws a delegation.
pub(super) fn body(asked: &Asked, shown: &Shown, tree: impl Fn(&Value) -> String) -> String {
    let all = shown.requests.as_array().into_iter().flatten();
    let list: Vec<_> = all.filter(|request| matches(request, &asked.words)).collect();
    let rows = each(&list, |request| row(request, asked));
    let table = if list.is_empty() {
        nothing(&shown.requests).to_owned()
    } else {
        let heads =
            each(HEADS, |(head, class)| format!("<th scope=\"col\" class=\"{class}\">{head}</th>"));
        format!(
            "<div class=\"table-scroll framed\" tabindex=\"0\" role=\"region\" \
             aria-label=\"Requests\"><table class=\"data cards requests\"><thead><tr>{heads}</tr>\
             </thead><tbody>\n{rows}</tbody></table></div>"
        )
    };
    format!(
        "<div class=\"page-head\"><h1>Requests</h1><p class=\"lede\">The latest requests: failures, \
         and a sample of those that succeed.</p></div>\n{}{}\
         <div class=\"table-bar requests-bar\" id=\"requests-bar\"></div>\n\
         <div id=\"requests\">{table}</div>\n",
        in_full(asked, &shown.one, tree),
        filters(asked, &shown.routers),
    )
}

const HEADS: [(&str, &str); 10] = [
    ("Time", ""),
    ("Name", "path-cell"),
    ("Bound to", "path-cell"),
    ("Endpoint", "nowrap"),
    ("Request", "path-cell"),
    ("Status", "nowrap"),
    ("Took", "num"),
    ("Retries", "num"),
    ("Override", "path-cell"),
    ("Error", "reason"),
];

fn string<'v>(request: &'v Value, member: &str) -> &'v str {
    request[member].as_str().unwrap_or_default()
}

fn matches(request: &Value, words: &str) -> bool {
    let text = request.to_string().to_lowercase();
    words.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

fn nothing(requests: &Value) -> &'static str {
    match requests.as_array() {
        None => {
            "<p class=\"notice\" data-status=\"warn\">The requests cannot be had: this router does \
             not keep them.</p>"
        }
        Some(none) if none.is_empty() => {
            "<div class=\"empty\"><h2>No requests yet</h2><p>Send one through the router; a failure \
             is here at once, of those that succeed a sample is kept.</p></div>"
        }
        Some(_) => {
            "<div class=\"empty\"><h2>No request like that</h2><p>None of the requests that are \
             kept is like the filter says.</p></div>"
        }
    }
}

fn filters(asked: &Asked, routers: &Value) -> String {
    let labels: Vec<_> = routers
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|router| router["label"].as_str())
        .collect();
    let option = |label: &&str| {
        let selected = if **label == asked.router { " selected" } else { "" };
        format!("<option{selected}>{}</option>", escape(label))
    };
    let options = each(&labels, option);
    let router = if labels.len() > 1 {
        format!(
            "<div class=\"field\"><label for=\"router\">Router</label><select id=\"router\" \
             name=\"router\"><option value=\"\">all</option>{options}</select></div>"
        )
    } else {
        String::new()
    };
    format!(
        "<form class=\"filters\" id=\"filters\" method=\"get\" action=\"/requests\">\
         <div class=\"field\"><label for=\"q\">Search</label><input type=\"search\" id=\"q\" name=\"q\" \
         value=\"{}\" placeholder=\"A name, an address, a status …\" autocomplete=\"off\" \
         spellcheck=\"false\"></div>{router}\
         <label class=\"check\"><input type=\"checkbox\" name=\"failed\" value=\"true\"{}> \
         Failures only</label> <button id=\"filters-show\">Show</button></form>\n",
        escape(&asked.words),
        if asked.failed { " checked" } else { "" }
    )
}

/// How a request ended: a status, and a word.
fn outcome(request: &Value) -> (&'static str, String) {
    match request["status"].as_u64() {
        None => ("bad", "no answer".to_owned()),
        Some(status)
            if status >= 500 || request["error"].is_string() || request["failed"] == true =>
        {
            ("bad", status.to_string())
        }
        Some(status) if status >= 400 => ("warn", status.to_string()),
        Some(status) => ("ok", status.to_string()),
    }
}

fn chip(request: &Value) -> String {
    let (status, word) = outcome(request);
    format!("<span class=\"chip\" data-status=\"{status}\">{word}</span>")
}

/// A link to how a name of the request is delegated now, under the same override.
fn delegated(request: &Value, path: &str, class: &str, words: &str) -> String {
    let (router, dtab) = (string(request, "router"), string(request, "override"));
    let to = href("/delegator", &[("router", router), ("path", path), ("dtab", dtab)]);
    format!("<a class=\"{class}\" href=\"{to}\">{}</a>", escape(words))
}

fn row(request: &Value, asked: &Asked) -> String {
    let id = string(request, "id");
    let failed = if asked.failed { "true" } else { "" };
    let query =
        [("router", asked.router.as_str()), ("q", &asked.words), ("failed", failed), ("id", id)];
    let time = string(request, "time");
    // Of `2026-11-25T12:00:00.250Z` the time of day; the day is in the title.
    let clock = time.split_once('T').map_or(time, |(_, clock)| clock.trim_end_matches('Z'));
    let name = |member| {
        let path = string(request, member);
        if path.is_empty() { String::new() } else { delegated(request, path, "path", path) }
    };
    let spanned = |member, tag: &str, class: &str| match string(request, member) {
        "" => String::new(),
        text => format!("<{tag} class=\"{class}\">{}</{tag}>", escape(text)),
    };
    let cells = [
        format!(
            "<a href=\"{}\"><time datetime=\"{time}\" title=\"{time}\">{clock}</time></a>",
            href("/requests", &query),
            time = escape(time),
            clock = escape(clock)
        ),
        name("service"),
        name("client"),
        spanned("destination", "span", "path"),
        format!(
            "<span><b>{}</b> {}</span>",
            escape(string(request, "method")),
            spanned("uri", "span", "path")
        ),
        chip(request),
        escape(&duration(&request["ms"])),
        request["retries"].as_u64().unwrap_or_default().to_string(),
        spanned("override", "code", ""),
        escape(string(request, "error")),
    ];
    let cells =
        each(cells.iter().zip(HEADS), |(cell, (head, class))| match (head, cell.as_str()) {
            ("Time", _) => format!("<th scope=\"row\" data-label=\"Time\">{cell}</th>"),
            (_, "") => {
                format!("<td class=\"{class} none muted\" data-label=\"{head}\">{NONE}</td>")
            }
            _ => format!("<td class=\"{class}\" data-label=\"{head}\">{cell}</td>"),
        });
    format!("<tr>{cells}</tr>\n")
}

fn in_full(asked: &Asked, request: &Value, tree: impl Fn(&Value) -> String) -> String {
    if asked.id.is_none() {
        return "<section class=\"card\" id=\"request\" aria-label=\"One request\" hidden></section>\n"
            .to_owned();
    }
    let (title, content) = if request.is_null() {
        (
            "Request".to_owned(),
            "<p class=\"notice\" data-status=\"warn\">This request is not kept any more: newer ones \
             have taken its place.</p>"
                .to_owned(),
        )
    } else {
        let title = format!(
            "{} <span class=\"path\">{}</span>",
            escape(string(request, "method")),
            escape(string(request, "uri"))
        );
        (title, facts(request) + &resolution(request, tree))
    };
    format!(
        "<section class=\"card\" id=\"request\" aria-label=\"One request\"><div class=\"card-head\">\
         <h2>{title}</h2></div><div class=\"card-body stack\">{content}</div></section>\n"
    )
}

fn facts(request: &Value) -> String {
    let path = |text: &str| format!("<span class=\"path\">{}</span>", escape(text));
    let of = |member| match string(request, member) {
        "" => String::new(),
        text => path(text),
    };
    let retries = usize::try_from(request["retries"].as_u64().unwrap_or_default());
    let again = match retries.unwrap_or(usize::MAX) {
        0 => String::new(),
        times => format!(", sent again {}", plural(times, "time", "times")),
    };
    let facts = [
        ("When", escape(string(request, "time"))),
        ("Status", chip(request)),
        ("Error", escape(string(request, "error"))),
        ("Took", escape(&(duration(&request["ms"]) + &again))),
        ("From", path(&format!("{} to {}", string(request, "source"), string(request, "server")))),
        ("Router", escape(string(request, "router"))),
        ("Name", of("service")),
        ("Bound to", of("client")),
        ("Endpoint", of("destination")),
        ("Override", of("override")),
        ("Trace", of("trace")),
    ];
    let given = facts.iter().filter(|(_, told)| !told.is_empty());
    let facts = each(given, |(term, told)| format!("<dt>{term}</dt><dd>{told}</dd>"));
    let link = delegated(request, string(request, "service"), "button", "How it resolves now");
    format!("<dl class=\"facts\">{facts}</dl><p class=\"actions\">{link}</p>")
}

fn resolution(request: &Value, tree: impl Fn(&Value) -> String) -> String {
    let delegation = &request["delegation"];
    let told = if delegation["steps"].as_array().is_some_and(|steps| !steps.is_empty()) {
        format!("<p>{}</p>{}", escape(string(delegation, "summary")), tree(delegation))
    } else {
        "<p class=\"muted\">Its delegation was not kept.</p>".to_owned()
    };
    format!("<h3>How it was resolved</h3>{told}")
}

/// `/requests`
pub(super) async fn page(
    State(source): State<Source>,
    Query(params): Query<Vec<(String, String)>>,
) -> Response {
    let param = |name: &str| {
        let found = params.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.clone())
    };
    let asked = Asked {
        router: param("router").unwrap_or_default(),
        words: param("q").unwrap_or_default(),
        failed: param("failed").is_some_and(|failed| failed != "0"),
        id: param("id"),
    };
    let mut filter = vec![("router", asked.router.as_str())];
    filter.extend(asked.failed.then_some(("failed", "true")));
    filter.retain(|(_, value)| !value.is_empty());
    let mut shown = Shown {
        requests: source.get("/requests.json", &filter).await.1,
        routers: source.get("/routers.json", &[]).await.1,
        one: Value::Null,
    };
    if let Some(id) = &asked.id {
        // An id that could be more than one element of a path is nobody's.
        if id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            shown.one = source.get(&format!("/requests/{id}.json"), &[]).await.1;
        }
    }
    let page = Page {
        path: "/requests",
        title: "Requests",
        script: "requests",
        styles: &["dashboard"],
        wide: true,
    };
    let tree = |delegation: &Value| {
        let tree = Tree::read(&delegation["steps"], &delegation["clients"]);
        tree.map(|tree| tree.html()).unwrap_or_default()
    };
    page.with(&body(&asked, &shown, tree))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request() -> Value {
        json!({
            "id": "1-7", "time": "2026-11-25T12:00:00.250Z", "source": "10.0.0.1:5000",
            "server": "127.0.0.1:4140", "router": "http", "service": "/svc/nobody", "client": null,
            "destination": null, "method": "GET", "uri": "/<script>?a='b'", "status": 502, "ms": 1.25,
            "retries": 1, "override": "/svc/web => /#/io.l5d.fs/web-v2",
            "error": "/svc/nobody: io.l5d.fs has nothing named /nobody", "trace": "0000000000001234",
        })
    }

    #[test]
    fn requests_are_listed_and_one_is_told_in_full() {
        let mut one = request();
        one["delegation"] = json!({ "summary": "neg", "steps": [{ "path": "/svc/nobody" }] });
        let shown = Shown {
            requests: json!([request()]),
            routers: json!([{ "label": "http" }, { "label": "edge" }]),
            one,
        };
        let asked = Asked {
            router: "http".to_owned(),
            words: "nobody 502".to_owned(),
            failed: true,
            id: Some("1-7".to_owned()),
        };
        insta::assert_snapshot!(body(&asked, &shown, |delegation| {
            format!("<p>tree of {}</p>", escape(string(&delegation["steps"][0], "path")))
        }));
    }

    #[test]
    fn what_is_not_there_is_said() {
        let said = |asked: &Asked, requests| {
            let shown = Shown { requests, ..Shown::default() };
            body(asked, &shown, |_| String::new())
        };
        let other = Asked { words: "other".to_owned(), ..Asked::default() };
        let gone = Asked { id: Some("0-1".to_owned()), ..Asked::default() };
        assert!(said(&Asked::default(), Value::Null).contains("does not keep them"));
        assert!(said(&Asked::default(), json!([])).contains("No requests yet"));
        assert!(said(&other, json!([request()])).contains("No request like that"));
        assert!(said(&gone, json!([])).contains("not kept any more"));
    }
}
