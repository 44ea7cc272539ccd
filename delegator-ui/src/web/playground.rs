//! `/playground`: a table that is tried before it is in use. What is wrong with it is said, and which
//! names would go elsewhere; nothing is applied by looking.
//!
//! Without scripts it is a form that is sent whole; `playground.js` makes an editor of it.

use std::fmt::Write;

use axum::Form;
use axum::extract::{Query, State};
use axum::response::Response;
use http::HeaderMap;
use serde_json::Value;

use super::figures::count;
use super::html::{each, escape, href};
use super::shell;
use super::source::Source;
use crate::view::clean;

const SHELL: shell::Page = shell::Page {
    path: "/playground",
    title: "Playground",
    script: "playground",
    styles: &["editor"],
    wide: true,
};

/// Tables longer than this are not put into a link.
const MAX_LINKED: usize = 4000;

/// More findings than this are counted.
const MAX_FINDINGS: usize = 100;

/// What is tried, and what the router says about it.
#[derive(Debug, Default)]
struct Page {
    /// The labels of the routers.
    routers: Vec<String>,
    router: String,
    dtab: String,
    names: String,
    /// As `/dtab/check.json` answers; null where nothing was asked.
    found: Value,
    /// As `/dtab/compare.json` answers, or why it does not.
    changes: Option<Result<Value, String>>,
}

/// `/playground`: the router's own table, to begin with.
pub(super) async fn page(
    State(source): State<Source>,
    Query(params): Query<Vec<(String, String)>>,
) -> Response {
    let mut page = Page { router: param(&params, "router"), ..Page::default() };
    let (_, routers) = source.get("/routers.json", &[]).await;
    page.choose(&routers);
    let own = routers.as_array().into_iter().flatten().find(|it| it["label"] == *page.router);
    if let Some(own) = own.and_then(|router| router["dtab"].as_str()) {
        let (_, found) = source.get("/dtab/check.json", &[("dtab", own)]).await;
        found["formatted"].as_str().unwrap_or(own).clone_into(&mut page.dtab);
    }
    SHELL.with(&page.html())
}

/// `POST /playground`: the same with the findings and the comparison.
pub(super) async fn tried(
    State(source): State<Source>,
    headers: HeaderMap,
    Form(params): Form<Vec<(String, String)>>,
) -> Response {
    let [router, dtab, names] = ["router", "dtab", "names"].map(|name| param(&params, name));
    let mut page = Page { router, dtab, names, ..Page::default() };
    page.choose(&source.get("/routers.json", &[]).await.1);
    let (_, found) = source.post("/dtab/check.json", &[("dtab", &page.dtab)], &headers).await;
    page.found = serde_json::from_str(&found).unwrap_or_default();
    if page.found["ok"] == true {
        let asked = [("router", &*page.router), ("after", &*page.dtab), ("names", &*page.names)];
        let (status, answer) = source.post("/dtab/compare.json", &asked, &headers).await;
        page.changes = Some(match serde_json::from_str(&answer) {
            Ok(changes) if status.is_success() => Ok(changes),
            _ => Err(answer),
        });
    }
    SHELL.with(&page.html())
}

/// A parameter of a form, with the line ends that a dtab has.
fn param(params: &[(String, String)], name: &str) -> String {
    let found = params.iter().find(|(given, _)| given == name);
    found.map(|(_, value)| value.replace("\r\n", "\n")).unwrap_or_default()
}

impl Page {
    /// Takes the first of these routers unless one is chosen.
    fn choose(&mut self, routers: &Value) {
        let labels = routers.as_array().into_iter().flatten().filter_map(|it| it["label"].as_str());
        self.routers = labels.map(str::to_owned).collect();
        if self.router.is_empty() {
            self.router = self.routers.first().cloned().unwrap_or_default();
        }
    }

    /// What stands in `<main>`.
    fn html(&self) -> String {
        let routers = each(&self.routers, |label| {
            let selected = if *label == self.router { " selected" } else { "" };
            let label = escape(label);
            format!("<option value=\"{label}\"{selected}>{label}</option>")
        });
        let (dtab, names) = (escape(&self.dtab), escape(&self.names));
        let tried = if self.found.is_null() { "" } else { " data-tried=\"true\"" };
        let plain = "autocomplete=\"off\" autocapitalize=\"off\" spellcheck=\"false\"";
        format!(
            r#"<div class="page-head"><h1>Playground</h1><p class="lede">Try a table before it is in use: what is wrong with it, and which names would go elsewhere. Nothing is applied by looking.</p></div>
<form id="playground" class="stack" action="/playground" method="post"{tried}>
<section class="card" aria-labelledby="table-title"><div class="card-head"><h2 id="table-title"><label for="dtab">Table</label></h2><div class="actions" id="table-tools"><label class="small" for="router">Router</label><select id="router" name="router">{routers}</select></div></div>
<div id="editor"><textarea class="mono" id="dtab" name="dtab" rows="12" aria-describedby="editor-hint" {plain}>
{dtab}</textarea></div>
<p class="small muted editor-hint" id="editor-hint">One entry such as <code>/svc =&gt; /#/io.l5d.fs ;</code> after the other; a later one wins over an earlier one.</p>
<div id="findings" class="card-body">{findings}</div></section>
<section class="card" aria-labelledby="changes-title"><div class="card-head"><h2 id="changes-title">What would change</h2><div class="actions" id="changes-tools"><button class="primary">Compare with the router’s table</button></div></div>
<div class="card-body field"><label for="names">Names</label><textarea class="mono" id="names" name="names" rows="3" placeholder="/svc/web" aria-describedby="names-hint" {plain}>
{names}</textarea><span class="hint" id="names-hint">One a line. With none given, those that requests use now.</span></div>
<div id="changes" aria-live="polite">{changes}</div></section>
</form>
"#,
            findings = findings(&self.found),
            changes = self.changes(),
        )
    }

    fn changes(&self) -> String {
        let changes = match &self.changes {
            None => return String::new(),
            Some(Err(wrong)) => return notice("bad", wrong.trim()),
            Some(Ok(changes)) => changes,
        };
        let Some(names) = changes["names"].as_array().filter(|names| !names.is_empty()) else {
            return notice("info", "No name is in use: write some above.");
        };
        let base = if self.dtab.len() > MAX_LINKED { "" } else { self.dtab.trim() };
        let rows = each(names, |row| {
            let path = text(row, "path");
            let (status, word) =
                if row["changed"] == true { ("warn", "changed") } else { ("ok", "same") };
            let before = href("/delegator", &[("router", &self.router), ("path", path)]);
            let after =
                href("/delegator", &[("router", &self.router), ("path", path), ("base", base)]);
            let link = |href: &str, side: &str| {
                let summary = escape(&clean(text(&row[side], "summary")));
                if side == "after" && base.is_empty() {
                    summary
                } else {
                    format!("<a href=\"{href}\">{summary}</a>")
                }
            };
            format!(
                "<tr><th scope=\"row\" data-label=\"Name\"><span class=\"path\">{}</span></th>\
                 <td data-label=\"Result\"><span class=\"chip\" data-status=\"{status}\">{word}</span></td>\
                 <td data-label=\"Before\">{}</td><td data-label=\"After\">{}</td></tr>\n",
                escape(&clean(path)),
                link(&before, "before"),
                link(&after, "after"),
            )
        });
        let mut told = format!(
            "{} of {} would change",
            count(&changes["changed"]),
            count(&changes["counted"])
        );
        if changes["left_out"].as_u64().is_some_and(|left_out| left_out > 0) {
            let _ = write!(told, "; {} more are left out", count(&changes["left_out"]));
        }
        format!(
            "<p class=\"changes-told\">{told}</p><div class=\"table-scroll\" tabindex=\"0\" \
             role=\"region\" aria-label=\"What would change\"><table class=\"data cards\"><thead><tr>\
             <th scope=\"col\">Name</th><th scope=\"col\">Result</th><th scope=\"col\">Before</th>\
             <th scope=\"col\">After</th></tr></thead><tbody>\n{rows}</tbody></table></div>"
        )
    }
}

fn findings(found: &Value) -> String {
    let Some(diagnostics) = found["diagnostics"].as_array() else { return String::new() };
    if diagnostics.is_empty() {
        return "<span class=\"chip\" data-status=\"ok\">nothing wrong</span>".to_owned();
    }
    let list = each(diagnostics.iter().take(MAX_FINDINGS), |one| {
        let severity = text(one, "severity");
        let status = if severity == "error" { "bad" } else { "warn" };
        let help = one["help"]
            .as_str()
            .map(|help| format!("<span class=\"muted small\">{}</span>", escape(&clean(help))));
        format!(
            "<li><span class=\"chip\" data-status=\"{status}\">{}</span> <code>{}</code> \
             <span class=\"muted small\">line {}, column {}</span> \
             <span class=\"finding-words\">{}{}</span></li>\n",
            escape(severity),
            escape(text(one, "code")),
            count(&one["line"]),
            count(&one["column"]),
            escape(&clean(text(one, "message"))),
            help.map(|help| format!("<br>{help}")).unwrap_or_default(),
        )
    });
    let more = match diagnostics.len().saturating_sub(MAX_FINDINGS) {
        0 => String::new(),
        more => format!("<p class=\"muted\">and {more} more</p>"),
    };
    format!("<ul class=\"findings\">{list}</ul>{more}")
}

fn notice(status: &str, words: &str) -> String {
    format!("<p class=\"notice\" data-status=\"{status}\">{}</p>", escape(&clean(words)))
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const EVIL: &str = "</textarea><script>alert(1)</script>\"'&\u{1b}";

    fn evil() -> Page {
        let side = json!({ "state": "bound", "summary": EVIL, "leaves": [] });
        let found = json!({ "ok": false, "diagnostics": [{
            "code": EVIL, "severity": EVIL, "message": EVIL, "help": EVIL, "line": 1, "column": 2,
        }] });
        let changes = json!({ "counted": 2, "changed": 1, "left_out": 3, "names": [
            { "path": EVIL, "changed": true, "before": side, "after": side },
            { "path": "/svc/web", "changed": false, "before": side, "after": side },
        ] });
        let own = EVIL.to_owned();
        Page {
            routers: vec![own.clone()],
            router: own.clone(),
            dtab: own.clone(),
            names: own,
            found,
            changes: Some(Ok(changes)),
        }
    }

    #[test]
    fn no_text_becomes_markup() {
        let refused = Page { changes: Some(Err(EVIL.to_owned())), ..evil() };
        for html in [evil().html(), refused.html()] {
            assert!(!html.contains("<script"), "{html}");
            assert_eq!(html.matches("</textarea>").count(), 2, "{html}");
        }
    }

    #[test]
    fn what_would_change_is_told_with_links_to_both_tables() {
        let html = Page { dtab: "/svc => /host".to_owned(), ..evil() }.html();
        assert!(html.contains("1 of 2 would change; 3 more are left out"), "{html}");
        assert!(html.contains("path=/svc/web\""), "{html}");
        assert!(html.contains("path=/svc/web&amp;base=/svc%20%3D%3E%20/host\""), "{html}");
        let long = Page { dtab: "#".repeat(MAX_LINKED + 1), ..evil() }.html();
        assert!(!long.contains("base="), "{long}");
    }

    #[test]
    fn without_answers_there_is_a_form_all_the_same() {
        let html = Page::default().html();
        assert!(html.contains("action=\"/playground\" method=\"post\">"), "{html}");
        let none = Page { changes: Some(Ok(json!({ "names": [] }))), ..Page::default() };
        assert!(none.html().contains("No name is in use"));
    }
}
