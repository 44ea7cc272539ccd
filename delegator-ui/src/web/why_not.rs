//! `/why-not`: what keeps a name from a destination, and which override would lead there.
//!
//! The server writes the whole answer; `why-not.js` makes what is written easier to copy.

mod request;

use std::fmt::Write;

use axum::extract::{Query, State};
use axum::response::Response;
use dtab::view::percent;
use serde_json::Value;

use self::request::Request;
use super::html::{cannot_be_asked, each, escape, href, visible};
use super::shell;
use super::source::Source;

/// Names that are offered beyond this are left out.
const MAX_NAMES: usize = 200;

const SHELL: shell::Page = shell::Page {
    path: "/why-not",
    title: "Why not?",
    script: "why-not",
    styles: &["editor", "why-not"],
    wide: false,
};

/// What is asked, and the answer.
#[derive(Debug, Default)]
struct Page {
    asked: Asked,
    /// The labels of the routers.
    routers: Vec<String>,
    /// As `/dtab/words.json` answers.
    words: Value,
    /// As `/why-not.json` answers, or why it does not.
    answer: Option<Result<Value, String>>,
    /// How the name is asked for with a request.
    request: Request,
}

#[derive(Debug, Default)]
struct Asked {
    router: String,
    path: String,
    destination: String,
    dtab: String,
    base: String,
}

impl Asked {
    fn read(params: &[(String, String)]) -> Self {
        let param = |name: &str| {
            let found = params.iter().find(|(given, _)| given == name);
            // A form in a browser sends its lines with CRLF.
            found.map(|(_, value)| value.trim().replace("\r\n", "\n")).unwrap_or_default()
        };
        Asked {
            router: param("router"),
            path: param("path"),
            destination: param("destination"),
            dtab: param("dtab"),
            base: param("base"),
        }
    }

    /// The parameters of the page and of `/delegator`, with this override.
    fn with_override<'a>(&'a self, dtab: &'a str) -> [(&'static str, &'a str); 4] {
        [("router", &self.router), ("path", &self.path), ("dtab", dtab), ("base", &self.base)]
    }
}

/// The page, with the answer to what its address asks.
pub(super) async fn page(
    State(source): State<Source>,
    Query(params): Query<Vec<(String, String)>>,
) -> Response {
    let mut page = Page { asked: Asked::read(&params), ..Page::default() };
    let (_, routers) = source.get("/routers.json", &[]).await;
    let labels = routers.as_array().into_iter().flatten().filter_map(|it| it["label"].as_str());
    page.routers = labels.map(str::to_owned).collect();
    if page.asked.router.is_empty() {
        page.asked.router = page.routers.first().cloned().unwrap_or_default();
    }
    page.words = source.get("/dtab/words.json", &[("router", &page.asked.router)]).await.1;
    if !page.asked.path.is_empty() && !page.asked.destination.is_empty() {
        let mut params = page.asked.with_override(&page.asked.dtab).to_vec();
        params.push(("destination", &page.asked.destination));
        params.retain(|(_, value)| !value.is_empty());
        let (status, body) = source.get_text("/why-not.json", &params).await;
        let answer = match serde_json::from_str(&body) {
            Ok(answer) if status.is_success() => Ok(answer),
            _ => Err(body),
        };
        page.answer = Some(answer);
        page.request = Request::of(&source, &routers, &page.asked.router, &page.asked.path).await;
    }
    SHELL.with(&page.html())
}

impl Page {
    /// What stands in `<main>`.
    fn html(&self) -> String {
        let mut html = String::from(
            "<div class=\"page-head\"><h1>Why not?</h1><p class=\"lede\">Name a path and a \
             destination: what keeps the one from reaching the other, and what would lead there. \
             Nothing is changed by asking.</p></div>\n",
        );
        self.form(&mut html);
        html.push_str("<section id=\"answer\" aria-label=\"Answer\">");
        match &self.answer {
            None => nothing(&mut html),
            Some(Err(wrong)) => html.push_str(&cannot_be_asked(wrong)),
            Some(Ok(answer)) => self.answer(answer, &mut html),
        }
        html.push_str("</section>\n");
        html
    }

    fn form(&self, html: &mut String) {
        let options = |key: &str| {
            let words = self.words[key].as_array().into_iter().flatten().filter_map(Value::as_str);
            each(words.take(MAX_NAMES), |word| {
                format!("<option value=\"{}\"></option>", escape(word))
            })
        };
        let routers = each(&self.routers, |label| {
            let selected = if *label == self.asked.router { " selected" } else { "" };
            let label = escape(label);
            format!("<option value=\"{label}\"{selected}>{label}</option>")
        });
        let Asked { path, destination, dtab, base, .. } = &self.asked;
        let open = |text: &str| if text.is_empty() { "" } else { " open" };
        let (dtab_open, base_open) = (open(dtab), open(base));
        let [path, destination, dtab, base] =
            [path, destination, dtab, base].map(|text| escape(text));
        let plain = "autocomplete=\"off\" autocapitalize=\"off\" spellcheck=\"false\"";
        let _ = write!(
            html,
            r#"<form id="why" class="card why" action="/why-not" method="get">
<div class="why-line">
<div class="field"><label for="path">Path</label><input class="mono" id="path" name="path" required list="names" value="{path}" placeholder="/svc/web" {plain}><datalist id="names">{names}</datalist></div>
<div class="field"><label for="destination">Destination</label><input class="mono" id="destination" name="destination" required list="bound" value="{destination}" placeholder="/#/io.l5d.fs/web or 127.0.0.1:8080" aria-describedby="destination-hint" {plain}><datalist id="bound">{bound}</datalist></div>
<div class="field"><label for="router">Router</label><select id="router" name="router">{routers}</select></div>
<button class="primary">Ask</button>
</div>
<p class="hint muted small" id="destination-hint">A destination is what a namer finds, such as <code>/#/io.l5d.fs/web</code>, the beginning of such a name, or an address.</p>
<div class="why-tables">
<details{dtab_open}><summary>With an override</summary><div class="field"><label class="visually-hidden" for="dtab">Override</label><textarea class="mono" id="dtab" name="dtab" rows="2" placeholder="/svc/web => /svc/web-v2" {plain}>
{dtab}</textarea></div></details>
<details{base_open}><summary>By another table than the router’s own</summary><div class="field"><label class="visually-hidden" for="base">Table</label><textarea class="mono" id="base" name="base" rows="4" {plain}>
{base}</textarea></div></details>
</div>
</form>
"#,
            names = options("names"),
            bound = options("bound"),
        );
    }

    fn answer(&self, answer: &Value, html: &mut String) {
        let reaches = answer["reaches"] == true;
        let (status, word) =
            if reaches { ("ok", "reaches it") } else { ("bad", "does not reach it") };
        let tree = href("/delegator", &self.asked.with_override(&self.asked.dtab));
        let _ = write!(
            html,
            "<div class=\"verdict\"><p class=\"verdict-line\">\
             <span class=\"chip\" data-status=\"{status}\">{word}</span>\
             <span class=\"verdict-sentence\">{}</span></p>",
            visible(text(answer, "answer"))
        );
        let share = answer["probability"].as_f64().filter(|share| *share > 0.0 && *share < 1.0);
        if let Some(share) = share {
            let _ = write!(
                html,
                "<p class=\"verdict-fact\"><span class=\"verdict-label\">Share</span> <span>{}</span></p>",
                percent(share)
            );
        }
        let _ = writeln!(html, "<p><a href=\"{tree}\">See every step</a></p></div>");
        reasons(answer, html);
        self.would(answer, html);
    }

    fn would(&self, answer: &Value, html: &mut String) {
        let Some(would) = answer["would"].as_array().filter(|all| !all.is_empty()) else {
            return;
        };
        html.push_str(
            "<section class=\"card\" aria-labelledby=\"would\"><div class=\"card-head\">\
             <h2 id=\"would\">What would lead there</h2><p class=\"muted small\">Each is tried out \
             already, and is for one request: the table stays as it is.</p></div>\
             <ul class=\"card-body would\">",
        );
        for one in would {
            let dtab = text(one, "dtab");
            let tree = href("/delegator", &self.asked.with_override(dtab));
            let _ = writeln!(
                html,
                "<li><p>{}</p><pre class=\"code\" tabindex=\"0\" data-copy=\"the command\">{}</pre>\
                 <p class=\"actions\"><a class=\"button\" href=\"{tree}\">See every step with it</a></p></li>",
                visible(text(one, "sentence")),
                visible(&self.request.command(dtab)),
            );
        }
        html.push_str("</ul>");
        for note in &self.request.notes {
            let _ =
                write!(html, "<p class=\"card-body muted small why-note\">{}</p>", visible(note));
        }
        html.push_str("</section>\n");
    }
}

fn reasons(answer: &Value, html: &mut String) {
    let Some(reasons) = answer["reasons"].as_array().filter(|all| !all.is_empty()) else {
        return;
    };
    html.push_str(
        "<section class=\"card\" aria-labelledby=\"reasons\"><div class=\"card-head\">\
         <h2 id=\"reasons\">What is in the way</h2></div><ol class=\"card-body reasons\">",
    );
    for reason in reasons {
        let (status, word) = kind(text(reason, "kind"));
        let _ = write!(
            html,
            "<li><div class=\"row-wrap\"><span class=\"chip\" data-status=\"{status}\">{}</span>\
             <code>{}</code></div><p>{}</p>",
            visible(word),
            visible(text(reason, "path")),
            visible(text(reason, "sentence")),
        );
        entry(&reason["dentry"], html);
        html.push_str("</li>\n");
    }
    html.push_str("</ol></section>\n");
}

/// The entry that is in the way, and where it stands.
fn entry(dentry: &Value, html: &mut String) {
    if dentry.is_null() {
        return;
    }
    let place = &dentry["place"];
    let place = match (place["file"].as_str(), &place["line"], &place["column"]) {
        (Some(file), line, column) => format!("{file}:{line}:{column}"),
        (None, ..) => {
            let nth = dentry["index"].as_u64().unwrap_or_default() + 1;
            format!("entry {nth} of {}", dentry["of"].as_u64().unwrap_or_default())
        }
    };
    let table = match text(dentry, "table") {
        "override" => "<span class=\"tag accent\">override</span>",
        _ => "",
    };
    let written = format!("{} => {}", text(dentry, "prefix"), text(dentry, "dst"));
    let _ = write!(
        html,
        "<p class=\"row-wrap small\"><code>{}</code> <span class=\"muted\">{}</span>{table}</p>",
        visible(&written),
        visible(&place)
    );
}

/// How a kind of reason is marked, and in which words.
fn kind(name: &str) -> (&'static str, &str) {
    match name {
        "shadowed" => ("warn", "a later entry wins"),
        "not-reached" => ("warn", "an earlier branch is taken"),
        "no-share" => ("warn", "no share of the requests"),
        "negative" => ("bad", "negative"),
        "refused" => ("bad", "refused"),
        "empty" => ("bad", "nobody"),
        "no-dentry" => ("bad", "no entry matches"),
        "misspelled" => ("warn", "misspelled"),
        "no-namer" => ("bad", "no such namer"),
        "no-name" => ("bad", "not found by its namer"),
        "no-address" => ("bad", "no address"),
        "transformed" => ("warn", "changed by a transformer"),
        "pending" => ("pending", "not known yet"),
        "failed" => ("bad", "failed"),
        "cycle" => ("bad", "a cycle"),
        "too-many-steps" => ("bad", "too many steps"),
        "never-named" => ("idle", "no step leads there"),
        other => ("idle", other),
    }
}

fn nothing(html: &mut String) {
    html.push_str(
        "<div class=\"card empty\"><h2>Which name should go where?</h2><p>The path is the name of \
         requests, such as <code>/svc/web</code>; the destination is where you expected them. The \
         answer names the entries that are in the way, and tries out overrides that lead there.</p></div>",
    );
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests;
