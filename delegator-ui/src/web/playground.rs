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

use super::delegator::Tree;
use super::figures::count;
use super::html::{each, escape, href, quoted};
use super::shell;
use super::source::Source;
use crate::view::clean;

const SHELL: shell::Page = shell::Page {
    path: "/playground",
    title: "Playground",
    script: "playground",
    styles: &["editor", "playground"],
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
    /// The router's own table.
    own: String,
    dtab: String,
    names: String,
    /// The name whose way is shown.
    path: String,
    /// Whether a table is given, and not only the router's own.
    is_tried: bool,
    /// As `/dtab/check.json` answers; null where nothing was asked.
    found: Value,
    /// As `/dtab/compare.json` answers, or why it does not.
    changes: Option<Result<Value, String>>,
    /// As `/delegation.json` answers for the name, or why it does not.
    way: Option<Result<Value, String>>,
}

/// `/playground`: the router's own table, to begin with, or the one of a link.
pub(super) async fn page(
    State(source): State<Source>,
    Query(params): Query<Vec<(String, String)>>,
) -> Response {
    tried(&source, &params, None).await
}

/// `POST /playground`: the same for a table that is too long for a link.
pub(super) async fn posted(
    State(source): State<Source>,
    headers: HeaderMap,
    Form(params): Form<Vec<(String, String)>>,
) -> Response {
    tried(&source, &params, Some(&headers)).await
}

/// The page with the findings and the comparison, if a table is given. What a `caller` has posted is
/// posted on in its name.
async fn tried(
    source: &Source,
    params: &[(String, String)],
    caller: Option<&HeaderMap>,
) -> Response {
    let [router, dtab, names, path] =
        ["router", "dtab", "names", "path"].map(|name| param(params, name).unwrap_or_default());
    let path = path.trim().to_owned();
    let is_tried = param(params, "dtab").is_some();
    let mut page = Page { router, dtab, names, path, is_tried, ..Page::default() };
    page.choose(&source.get("/routers.json", &[]).await.1);
    if !is_tried {
        page.dtab.clone_from(&page.own);
    }
    let ask = async |path: &str, asked: &[(&str, &str)]| {
        let (status, body) = match caller {
            Some(caller) => source.post(path, asked, caller).await,
            None => source.get_text(path, asked).await,
        };
        match serde_json::from_str(&body) {
            Ok(answer) if status.is_success() => Ok(answer),
            _ => Err(body),
        }
    };
    if is_tried {
        page.found = ask("/dtab/check.json", &[("dtab", &page.dtab)]).await.unwrap_or_default();
    }
    if page.found["ok"] == true {
        let asked = [("router", &*page.router), ("after", &*page.dtab), ("names", &*page.names)];
        page.changes = Some(ask("/dtab/compare.json", &asked).await);
    }
    if !page.path.is_empty() && page.found["ok"] != false {
        // Nothing would be the router's own table.
        let base = if page.dtab.trim().is_empty() { "# nothing" } else { &page.dtab };
        let asked = [("router", &*page.router), ("path", &*page.path), ("base", base)];
        page.way = Some(ask("/delegation.json", &asked).await);
    }
    SHELL.with(&page.html())
}

/// A parameter of a form, with the line ends that a dtab has.
fn param(params: &[(String, String)], name: &str) -> Option<String> {
    let (_, value) = params.iter().find(|(given, _)| given == name)?;
    Some(value.replace("\r\n", "\n"))
}

impl Page {
    /// Takes the first of these routers unless one is chosen, and its table.
    fn choose(&mut self, routers: &Value) {
        let all = routers.as_array().map(Vec::as_slice).unwrap_or_default();
        self.routers = all.iter().map(|router| text(router, "label").to_owned()).collect();
        if self.router.is_empty() {
            self.router = self.routers.first().cloned().unwrap_or_default();
        }
        let Some(own) = all.iter().find(|router| text(router, "label") == self.router) else {
            return;
        };
        // Others than this program only have the shown form.
        let written = own["written"].as_str().or_else(|| own["dtab"].as_str());
        written.unwrap_or_default().trim_end().clone_into(&mut self.own);
        if !self.own.is_empty() {
            self.own.push('\n');
        }
    }

    /// What stands in `<main>`.
    fn html(&self) -> String {
        let routers = each(&self.routers, |label| {
            let selected = if *label == self.router { " selected" } else { "" };
            let label = escape(label);
            format!("<option value=\"{label}\"{selected}>{label}</option>")
        });
        let [own, dtab, names, path] =
            [&self.own, &self.dtab, &self.names, &self.path].map(|text| escape(text));
        let tried = if self.is_tried { " data-tried=\"true\"" } else { "" };
        let plain = "autocomplete=\"off\" autocapitalize=\"off\" spellcheck=\"false\"";
        format!(
            r#"<div class="page-head"><h1>Playground</h1><p class="lede">Change a table and see what comes of it, before it is in use. Nothing is applied by looking: the router keeps the table that it has.</p></div>
<form id="playground" class="stack" action="/playground" method="post"{tried}>
<div class="panes">
<section class="card pane" aria-labelledby="own-title"><div class="card-head"><h2 id="own-title">The router’s table</h2><div class="actions" id="own-tools"><label class="small" for="router">Router</label><select id="router" name="router">{routers}</select></div></div>
<div class="pane-text"><textarea class="mono" id="own" rows="10" readonly aria-labelledby="own-title" {plain}>
{own}</textarea></div></section>
<section class="card pane" aria-labelledby="table-title"><div class="card-head"><h2 id="table-title"><label for="dtab">Your table</label></h2><div class="actions" id="table-tools"></div></div>
<div class="pane-text"><textarea class="mono" id="dtab" name="dtab" rows="10" aria-describedby="editor-hint" {plain}>
{dtab}</textarea></div>
<p class="small muted editor-hint" id="editor-hint">One entry such as <code>/svc =&gt; /#/io.l5d.fs ;</code> after the other; a later one wins. <a href="/help">The language</a>.</p>
<div id="findings" class="findings-list">{findings}</div></section>
</div>
<section class="card" aria-labelledby="changes-title"><div class="card-head"><h2 id="changes-title">What would change</h2><div class="actions" id="changes-tools"><button class="primary">Check and compare</button></div></div>
<div class="card-body names-of"><div class="field"><label for="names">Names</label><textarea class="mono" id="names" name="names" rows="2" placeholder="/svc/web" aria-describedby="names-hint" {plain}>
{names}</textarea><span class="hint" id="names-hint">One a line. With none given, those that requests use now.</span></div></div>
<div id="changes">{changes}</div></section>
<section class="card" aria-labelledby="try-title"><div class="card-head"><h2 id="try-title">Try a name</h2></div>
<div class="card-body try"><div class="field"><label for="path">Name</label><input class="mono" id="path" name="path" list="known" value="{path}" placeholder="/svc/web" {plain}><datalist id="known"></datalist></div><button>Resolve</button></div>
<div id="way">{way}</div></section>
</form>
"#,
            findings = findings(&self.found),
            changes = self.changes(),
            way = self.way(),
        )
    }

    /// Where the name goes by the table.
    fn way(&self) -> String {
        let answer = match &self.way {
            None => return String::new(),
            Some(Err(wrong)) => return notice("bad", wrong.trim()),
            Some(Ok(answer)) => answer,
        };
        let tree = Tree::read(&answer["steps"], &answer["clients"]).map(|tree| tree.html());
        format!(
            "<p class=\"way-told\">{}</p><div class=\"steps-body\">{}</div>",
            escape(&clean(text(answer, "summary"))),
            tree.unwrap_or_default()
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
            .map(|help| format!("<p class=\"muted small\">{}</p>", quoted(help)));
        format!(
            "<li><div class=\"row-wrap\"><span class=\"chip\" data-status=\"{status}\">{}</span> \
             <code class=\"muted\">{}</code> <span class=\"muted small\">line {}, column {}</span></div>\
             <p>{}</p>{}</li>\n",
            escape(severity),
            escape(text(one, "code")),
            count(&one["line"]),
            count(&one["column"]),
            quoted(text(one, "message")),
            help.unwrap_or_default(),
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
            own: own.clone(),
            dtab: own.clone(),
            names: own.clone(),
            path: own,
            is_tried: true,
            found,
            changes: Some(Ok(changes)),
            way: Some(Ok(json!({ "summary": EVIL, "steps": [] }))),
        }
    }

    #[test]
    fn no_text_becomes_markup() {
        let wrong = || Some(Err(EVIL.to_owned()));
        let refused = Page { changes: wrong(), way: wrong(), ..evil() };
        for html in [evil().html(), refused.html()] {
            assert!(!html.contains("<script"), "{html}");
            assert_eq!(html.matches("</textarea>").count(), 3, "{html}");
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
    fn the_table_is_the_one_that_was_written_if_that_is_known() {
        let routers = json!([
            { "label": "a", "dtab": "/a=>0.13*/b & /c", "written": "/a => 0.125 * /b & /c ;" },
            { "label": "b", "dtab": "/d=>/e" },
            { "label": "none", "dtab": "", "written": "" },
        ]);
        let own = |router: &str| {
            let mut page = Page { router: router.to_owned(), ..Page::default() };
            page.choose(&routers);
            page.own
        };
        assert_eq!(own(""), "/a => 0.125 * /b & /c ;\n");
        assert_eq!(own("b"), "/d=>/e\n");
        assert_eq!(own("none") + &own("unknown"), "");
    }

    #[test]
    fn without_answers_there_is_a_form_all_the_same() {
        let html = Page::default().html();
        assert!(html.contains("action=\"/playground\" method=\"post\">"), "{html}");
        let none = Page { changes: Some(Ok(json!({ "names": [] }))), ..Page::default() };
        assert!(none.html().contains("No name is in use"));
    }
}
