//! `/delegator`: where a name or a request goes, step by step, and why.
//!
//! The page is whole as the server writes it: form, answer and tree. `delegate.js` then keeps it up
//! to date in place.

mod ask;
mod tree;

use std::collections::HashMap;
use std::fmt::Write;

use axum::extract::{Query, State};
use axum::response::Response;
use serde_json::Value;

use self::ask::Ask;
pub(super) use self::tree::Tree;
use super::figures::plural;
use super::html::{cannot_be_asked, each, escape, href, state, visible};
use super::shell;
use super::source::Source;
use crate::view::{entry, place};

/// Names in use beyond this are not offered.
const MAX_NAMES: usize = 50;

/// More entries than this are counted.
const MAX_ENTRIES: usize = 3;

/// Entries longer than this are told by their left side.
const MAX_ENTRY: usize = 100;

const SAME: &str = "the same: it changes nothing here";

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

const SHELL: shell::Page = shell::Page {
    path: "/delegator",
    title: "Delegate",
    script: "delegate",
    styles: &[],
    wide: true,
};

/// The page, with the answer to what its address asks.
pub(super) async fn page(
    State(source): State<Source>,
    Query(params): Query<Vec<(String, String)>>,
) -> Response {
    let mut ask = Ask::read(&params);
    let (_, routers) = source.get("/routers.json", &[]).await;
    let labels = routers.as_array().into_iter().flatten().map(|router| text(router, "label"));
    let routers: Vec<_> = labels.map(str::to_owned).collect();
    if ask.router.is_empty() {
        ask.router = routers.first().cloned().unwrap_or_default();
    }
    let (_, words) = source.get("/dtab/words.json", &[("router", &ask.router)]).await;
    let names = words["names"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let names = names.take(MAX_NAMES).map(str::to_owned).collect();
    let mut page = Page { routers, names, ..Page::default() };
    if ask.is_asked() {
        page.answer = Some(answer(&source, &ask).await);
        page.ages = ages(&source.get("/watches.json", &[]).await.1);
        let parts = [
            ("Without the override", ask.without_override()),
            ("With the router’s own table", ask.without_base()),
        ];
        for (label, other) in parts {
            let Some(other) = other else { continue };
            page.others.extend(answer(&source, &other).await.ok().map(|other| (label, other)));
        }
    }
    page.ask = ask;
    SHELL.with(&page.html())
}

/// The answer to a question, or in words why there is none.
async fn answer(source: &Source, ask: &Ask) -> Result<Value, String> {
    let (status, body) = source.get_text("/delegation.json", &ask.params()).await;
    if !status.is_success() {
        return Err(body);
    }
    serde_json::from_str(&body).map_err(|_| "The answer is no JSON.".to_owned())
}

/// The ages of what `/watches.json` has, by name.
fn ages(watches: &Value) -> HashMap<String, f64> {
    let lists = watches.as_object().into_iter().flat_map(|lists| lists.values());
    let watches = lists.filter_map(Value::as_array).flatten();
    let age = |watch: &Value| Some((watch["name"].as_str()?.to_owned(), watch["age"].as_f64()?));
    watches.filter_map(age).collect()
}

/// All that the page is made of.
#[derive(Debug, Default)]
struct Page {
    ask: Ask,
    /// The labels of the routers.
    routers: Vec<String>,
    /// Names in use, to begin with.
    names: Vec<String>,
    /// The answer, or why there is none in words for people.
    answer: Option<Result<Value, String>>,
    /// Answers to the question without its override, and by the router's own table.
    others: Vec<(&'static str, Value)>,
    /// For how many seconds each bound name is as it is, as its watch says.
    ages: HashMap<String, f64>,
}

impl Page {
    /// What stands in `<main>`.
    fn html(&self) -> String {
        let mut html = String::from(
            "<div class=\"page-head\"><h1>Delegate</h1>\
             <p class=\"lede\">Where a name or a request goes, step by step, and why.</p></div>",
        );
        self.form(&mut html);
        html.push_str("<section id=\"answer\" aria-label=\"Answer\">");
        match &self.answer {
            None => self.nothing(&mut html),
            Some(Err(wrong)) => html.push_str(&cannot_be_asked(wrong)),
            Some(Ok(answer)) => self.answer(answer, &mut html),
        }
        html.push_str("</section>");
        html
    }

    fn form(&self, html: &mut String) {
        let Ask { router, is_request, path, method, url, headers, dtab, base } = &self.ask;
        let checked = |is: bool| if is { " checked" } else { "" };
        let (by_path, by_request) = (checked(!is_request), checked(*is_request));
        let names = each(&self.names, |name| option(name, false));
        let methods = each(METHODS, |name| option(name, name.eq_ignore_ascii_case(method)));
        let routers = each(&self.routers, |label| option(label, label == router));
        let open = if base.trim().is_empty() { "" } else { " open" };
        let [path, url, dtab, base, headers] =
            [path, url, dtab, base, &headers.join("\n")].map(|text| escape(text));
        let plain = "autocomplete=\"off\" autocapitalize=\"off\" spellcheck=\"false\"";
        let _ = write!(
            html,
            r#"<form id="ask" class="card ask" action="/delegator" method="get">
<div class="ask-line">
<div class="field"><span class="label" id="ask-label">Ask for</span><div class="segmented" role="radiogroup" aria-labelledby="ask-label"><label><input type="radio" name="ask" value="path"{by_path}>A path</label><label><input type="radio" name="ask" value="request"{by_request}>A request</label></div></div>
<div class="field ask-path"><label for="path">Path</label><input class="mono" id="path" name="path" list="names" value="{path}" placeholder="/svc/web" {plain}><datalist id="names">{names}</datalist></div>
<div class="ask-request"><div class="field"><label for="method">Method</label><select id="method" name="method">{methods}</select></div><div class="field"><label for="url">URL</label><input class="mono" id="url" name="url" value="{url}" placeholder="http://web/" {plain}></div><div class="field ask-headers"><label for="header">Headers</label><textarea class="mono" id="header" name="header" rows="1" placeholder="Host: web, each on a line of its own" {plain}>
{headers}</textarea></div></div>
<div class="field"><label for="router">Router</label><select id="router" name="router">{routers}</select></div>
<button class="primary">Delegate</button>
</div>
<div class="ask-tables">
<div class="field"><label for="dtab">Override</label><textarea class="mono" id="dtab" name="dtab" rows="1" placeholder="/svc/web => /svc/web-v2" aria-describedby="dtab-hint" {plain}>
{dtab}</textarea><span class="hint" id="dtab-hint">Wins over the table for this question only, as the header <code>l5d-dtab</code> does for one request.</span></div>
<details{open}><summary>Ask another table than the router’s own</summary><div class="field"><label class="visually-hidden" for="base">Table</label><textarea class="mono" id="base" name="base" rows="4" {plain}>
{base}</textarea></div></details>
</div>
</form>"#
        );
    }

    /// Where nothing is asked: names to begin with.
    fn nothing(&self, html: &mut String) {
        html.push_str("<div class=\"card empty\"><h2>Name something</h2><p>A path such as <code>/svc/web</code>, or a request as it arrives.</p>");
        if !self.names.is_empty() {
            html.push_str("<p>In use now:</p><ul class=\"row-wrap names\">");
            for name in &self.names {
                let link = href("/delegator", &[("router", &self.ask.router), ("path", name)]);
                let _ = write!(
                    html,
                    "<li><a class=\"path\" href=\"{link}\">{}</a></li>",
                    visible(name)
                );
            }
            html.push_str("</ul>");
        }
        html.push_str("</div>");
    }

    fn answer(&self, answer: &Value, html: &mut String) {
        let tree = Tree::read(&answer["steps"], &answer["clients"]);
        let tree = tree.map(|tree| tree.with_ages(&self.ages));
        self.verdict(answer, tree.as_ref(), html);
        if let Some(tree) = tree {
            let _ = write!(
                html,
                "<section class=\"card steps\" aria-label=\"Steps\"><div class=\"card-head\">\
                 <h2>Steps <span class=\"muted small\">{}</span></h2>\
                 <div class=\"actions\"><a class=\"button\" href=\"{}\">JSON</a></div></div>\
                 <div class=\"steps-body\">{}</div></section>",
                tree.count(),
                self.ask.json_href(),
                tree.html(),
            );
        }
    }

    fn verdict(&self, answer: &Value, tree: Option<&Tree<'_>>, html: &mut String) {
        html.push_str("<div class=\"verdict\">");
        let request = &answer["request"];
        if let Some(error) = request["error"].as_str() {
            let words = format!("No identifier names this request: {error}");
            line("bad", "no name", &words, html);
            html.push_str("</div>");
            return;
        }
        let (status, word) = state(text(answer, "state"));
        line(status, word, &sentence(answer), html);
        if let (Some(name), Some(by)) = (request["name"].as_str(), request["identifier"].as_str()) {
            fact("Named", &format!("<code>{}</code> by {}", visible(name), visible(by)), html);
        }
        if let Some(tree) = tree {
            way(tree, html);
        }
        for (label, other) in &self.others {
            let is_same =
                other["summary"] == answer["summary"] && other["state"] == answer["state"];
            let was = if is_same { SAME } else { text(other, "summary") };
            fact(label, &visible(was), html);
        }
        if let Some(router) = answer["router"].as_str().filter(|router| !router.is_empty()) {
            let _ = write!(html, "<p class=\"muted small\">Router {}</p>", visible(router));
        }
        html.push_str("</div>");
    }
}

/// What becomes of the name, beginning with it.
fn sentence(answer: &Value) -> String {
    let (path, summary) = (text(answer, "path"), text(answer, "summary"));
    match text(answer, "state") {
        "bound" if !path.is_empty() => format!("{path}: {summary}"),
        _ => summary.to_owned(),
    }
}

fn line(status: &str, word: &str, sentence: &str, html: &mut String) {
    let (word, sentence) = (visible(word), visible(sentence));
    let _ = write!(
        html,
        "<p class=\"verdict-line\"><span class=\"chip\" data-status=\"{status}\">{word}</span>\
         <span class=\"verdict-sentence\">{sentence}</span></p>"
    );
}

/// A line with a label; `html` is markup already.
fn fact(label: &str, markup: &str, html: &mut String) {
    let _ = write!(
        html,
        "<p class=\"verdict-fact\"><span class=\"verdict-label\">{label}</span> <span>{markup}</span></p>"
    );
}

/// The entries that requests go by.
fn way(tree: &Tree<'_>, html: &mut String) {
    let entries = tree.entries_of_the_way();
    let told = entries.iter().take(MAX_ENTRIES).map(|dentry| {
        // The tree has it in full.
        let entry = match entry(dentry) {
            whole if whole.len() > MAX_ENTRY => format!("{} => …", dentry.prefix),
            whole => whole,
        };
        let place = place(dentry);
        let place = format!("<span class=\"muted small\"> {}</span>", visible(&place));
        format!("<code>{}</code>{place}", visible(&entry))
    });
    let mut told = told.collect::<Vec<_>>().join(", ");
    if let Some(more) = entries.len().checked_sub(MAX_ENTRIES).filter(|&more| more > 0) {
        told.push_str(&format!(" and {}", plural(more, "more entry", "more entries")));
    }
    if !told.is_empty() {
        fact("By", &told, html);
    }
}

fn option(value: &str, selected: bool) -> String {
    let selected = if selected { " selected" } else { "" };
    let value = escape(value);
    format!("<option value=\"{value}\"{selected}>{value}</option>")
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests;
