//! `/help`: the language of dtabs on one page, with examples that the router itself resolves.
//!
//! The server resolves each as it is written; with scripts (`help.js`) they can be changed in place.

mod sections;

use std::fmt::Write;

use axum::extract::{Query, State};
use axum::response::Response;
use serde_json::Value;

use self::sections::{Example, MISTAKES, SECTIONS, Section};
use super::delegator::Tree;
use super::html::{each, escape, href, quoted, state, visible};
use super::shell;
use super::source::Source;

const SHELL: shell::Page = shell::Page {
    path: "/help",
    title: "Help",
    script: "help",
    styles: &["editor", "help"],
    wide: true,
};

/// What the marks of a tree mean: mark, word, meaning.
const MARKS: [(&str, &str, &str); 4] = [
    ("taken", "taken", "requests go this way; the share says how many of them"),
    ("dead", "leads nowhere", "negative, refused, failed or a cycle; the line below says which"),
    ("unused", "not needed", "something else decides before it is asked"),
    ("pending", "not known yet", "a namer has not answered"),
];

/// The page, resolved by the router that is asked for, or the first one.
pub(super) async fn page(
    State(source): State<Source>,
    Query(params): Query<Vec<(String, String)>>,
) -> Response {
    let router = params.iter().find(|(name, _)| name == "router");
    let router = router.map(|(_, value)| value.as_str()).unwrap_or_default();
    let mut html = head();
    let mut nth = 0;
    for section in SECTIONS {
        begin(section, &mut html);
        for example in section.examples {
            nth += 1;
            let given = Given::of(example);
            let answer = given.answer(&source, router).await;
            given.write(nth, router, &answer, &mut html);
        }
        html.push_str("</section>\n");
        if section.id == "built-in" {
            namers(&source, router, &mut html).await;
        }
    }
    reading(&mut html);
    mistakes(&source, &mut html).await;
    html.push_str("</div></div>\n");
    SHELL.with(&html)
}

/// The parts beside [`SECTIONS`], which depend on what the router says.
const NAMERS: (&str, &str) = ("namers", "Namers: /#/");
const READING: (&str, &str) = ("reading", "How to read the tree");
const MISTAKEN: (&str, &str) = ("mistakes", "Common mistakes");

fn head() -> String {
    let mut contents: Vec<_> = SECTIONS.iter().map(|section| (section.id, section.title)).collect();
    let after = SECTIONS.iter().position(|section| section.id == "built-in");
    contents.insert(after.map_or(0, |at| at + 1), NAMERS);
    contents.extend([READING, MISTAKEN]);
    let contents = each(contents, |(id, title)| format!("<li><a href=\"#{id}\">{title}</a></li>"));
    format!(
        "<div class=\"page-head\"><h1>Help</h1><p class=\"lede\">The language of dtabs on one page. \
         Each example is resolved by this router as you read.</p></div>\n\
         <div class=\"help\"><nav class=\"help-contents\" aria-label=\"On this page\">\
         <ul>{contents}</ul></nav><div class=\"help-sections\">\n"
    )
}

fn begin(section: &Section, html: &mut String) {
    open((section.id, section.title), html);
    let _ = write!(html, "<div class=\"prose\">{}</div>", section.text);
}

fn open((id, title): (&str, &str), html: &mut String) {
    let _ = write!(
        html,
        "<section id=\"{id}\" aria-labelledby=\"{id}-title\"><h2 id=\"{id}-title\">{title}</h2>"
    );
}

/// An example as it is asked and shown.
struct Given<'a> {
    /// Markup.
    about: &'a str,
    table: &'a str,
    local: Option<&'a str>,
    name: &'a str,
}

impl<'a> Given<'a> {
    fn of(example: &'a Example) -> Self {
        let Example { about, table, local, name } = example;
        Given { about, table, local: *local, name }
    }

    /// The answer of `/delegation.json`, or why there is none.
    async fn answer(&self, source: &Source, router: &str) -> Result<Value, String> {
        let mut asked = vec![("path", self.name), ("base", self.table)];
        asked.extend(self.local.map(|local| ("dtab", local)));
        asked.extend((!router.is_empty()).then_some(("router", router)));
        let (status, body) = source.get_text("/delegation.json", &asked).await;
        match serde_json::from_str(&body) {
            Ok(answer) if status.is_success() => Ok(answer),
            _ if body.trim().is_empty() => Err("Nobody answers here.".to_owned()),
            _ => Err(body),
        }
    }

    /// A form that opens it on the page for that, and the answer.
    fn write(&self, nth: usize, router: &str, answer: &Result<Value, String>, html: &mut String) {
        let rows = |text: &str| text.lines().count().max(1);
        let plain = "autocomplete=\"off\" autocapitalize=\"off\" spellcheck=\"false\"";
        let local = self.local.map(|local| {
            format!(
                "<div class=\"field\"><label for=\"local-{nth}\">Override</label>\
                 <div class=\"editor-holder\"><textarea class=\"mono\" id=\"local-{nth}\" name=\"dtab\" \
                 rows=\"{}\" {plain}>\n{}</textarea></div></div>",
                rows(local),
                escape(local)
            )
        });
        let router = match router {
            "" => String::new(),
            router => {
                format!("<input type=\"hidden\" name=\"router\" value=\"{}\">", escape(router))
            }
        };
        let _ = write!(
            html,
            "<div class=\"card example\"><p class=\"example-about\">{about}</p>\
             <form class=\"example-form\" action=\"/delegator\" method=\"get\">{router}\
             <div class=\"field\"><label for=\"table-{nth}\">Table</label><div class=\"editor-holder\">\
             <textarea class=\"mono\" id=\"table-{nth}\" name=\"base\" rows=\"{rows}\" {plain}>\n{table}</textarea>\
             </div></div>{local}\
             <div class=\"example-line\"><div class=\"field\"><label for=\"name-{nth}\">Name</label>\
             <input class=\"mono\" id=\"name-{nth}\" name=\"path\" value=\"{name}\" {plain}></div>\
             <button>Open in Delegate</button></div></form>\
             <div class=\"example-answer\" id=\"answer-{nth}\">{answer}</div></div>\n",
            about = self.about,
            rows = rows(self.table),
            table = escape(self.table),
            local = local.unwrap_or_default(),
            name = escape(self.name),
            answer = resolved(answer),
        );
    }
}

/// What comes of an example.
fn resolved(answer: &Result<Value, String>) -> String {
    let answer = match answer {
        Ok(answer) => answer,
        Err(wrong) => return format!("<pre class=\"code\">{}</pre>", escape(wrong.trim())),
    };
    let text = |key: &str| answer[key].as_str().unwrap_or_default();
    let (status, word) = state(text("state"));
    let sentence = match text("state") {
        "bound" => format!("{}: {}", text("path"), text("summary")),
        _ => text("summary").to_owned(),
    };
    let tree = Tree::read(&answer["steps"], &Value::Null).map(|tree| tree.html());
    format!(
        "<p class=\"verdict-line\"><span class=\"chip\" data-status=\"{status}\">{}</span> \
         <span class=\"example-sentence\">{}</span></p>{}",
        visible(word),
        visible(&sentence),
        tree.unwrap_or_default()
    )
}

/// What this router's own namers are, with one of their names as the example.
async fn namers(source: &Source, router: &str, html: &mut String) {
    open(NAMERS, html);
    html.push_str(
        "<div class=\"prose\"><p>A name under <code>/#/</code> is asked of a namer, which knows the \
         addresses: from files (<code>/#/io.l5d.fs</code>) or another source that is configured under \
         <code>namers</code>. The namer takes as much of the name as it knows, and the rest is residual. \
         What it does not know is negative, so that a fallback has its turn. Entries come first: one with \
         the prefix <code>/#</code>, or <code>/</code>, catches these names before any namer is asked.</p>",
    );
    let asked: &[_] = if router.is_empty() { &[] } else { &[("router", router)] };
    let (_, words) = source.get("/dtab/words.json", asked).await;
    let all = |key: &str| words[key].as_array().into_iter().flatten().filter_map(Value::as_str);
    let prefixes = each(all("namers"), |prefix| format!(" <code>{}</code>", visible(prefix)));
    if prefixes.is_empty() {
        html.push_str("<p>This router has no namers.</p></div></section>\n");
        return;
    }
    let _ = write!(html, "<p>The namers of this router:{prefixes}.</p></div>");
    // The first name that a namer lists, under a name of our own.
    let known = all("bound").find(|name| name.starts_with("/#/"));
    if let Some((namer, service)) = known.and_then(|name| name.rsplit_once('/')) {
        let (table, name) = (format!("/svc => {namer} ;"), format!("/svc/{service}"));
        let given = Given {
            about: "A name that a namer of this router knows now.",
            table: &table,
            local: None,
            name: &name,
        };
        let answer = given.answer(source, router).await;
        given.write(0, router, &answer, html);
    }
    html.push_str("</section>\n");
}

fn reading(html: &mut String) {
    open(READING, html);
    let marks = each(MARKS, |(mark, word, meaning)| {
        format!(
            "<li class=\"step end\" data-mark=\"{mark}\"><div class=\"row\">\
             <span class=\"name\"><span class=\"mark\" aria-hidden=\"true\"></span><b>{word}</b></span>\
             <span class=\"said\">{meaning}</span></div></li>"
        )
    });
    let _ = writeln!(
        html,
        "<div class=\"prose\"><p>Each row is a name, and below it stands what becomes of it. Beside the \
         name is the entry that led there, with its place in the file or in the table; entries of an \
         override are marked. <em>residual</em> is the rest of the name, behind the prefix that was \
         replaced. At the right is the share of the requests that come by. A row with several below it is \
         a choice: of the entries that match, of <code>|</code> (the first that is not negative), or of \
         <code>&amp;</code> (each with its share). A row without any is an end: a name that is bound, with \
         its addresses, or the reason why it is none.</p></div>\
         <div class=\"card card-body\"><ul class=\"tree help-marks\">{marks}</ul></div></section>"
    );
}

/// Each mistake with what is said of it, and as it is with it mended.
async fn mistakes(source: &Source, html: &mut String) {
    open(MISTAKEN, html);
    html.push_str(
        "<div class=\"prose\"><p>What is found here is what <code>fingerpost check</code> finds, and what \
         the <a href=\"/playground\">playground</a> marks as you type.</p></div><ul class=\"help-mistakes\">",
    );
    for (about, table) in MISTAKES {
        let (_, found) = source.get("/dtab/check.json", &[("dtab", table)]).await;
        let first = &found["diagnostics"][0];
        let text = |key: &str| quoted(first[key].as_str().unwrap_or_default());
        let _ = write!(
            html,
            "<li class=\"card\"><h3>{about}</h3><pre class=\"code\" tabindex=\"0\">{}</pre>",
            escape(table)
        );
        if !first.is_null() {
            let _ = write!(
                html,
                "<p><span class=\"chip\" data-status=\"bad\">error</span> <code>{}</code> {}</p>",
                text("code"),
                text("message")
            );
            if first["help"].is_string() {
                let _ = write!(html, "<p class=\"muted small\">{}</p>", text("help"));
            }
        }
        let link = href("/playground", &[("dtab", table)]);
        let _ = writeln!(html, "<p><a href=\"{link}\">Mend it in the playground</a></p></li>");
    }
    html.push_str("</ul></section>\n");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use dtab::{Delegation, Dtab, NamerTable, Resolver};

    use super::*;

    fn examples() -> impl Iterator<Item = &'static Example> {
        SECTIONS.iter().flat_map(|section| section.examples)
    }

    #[test]
    fn each_example_shows_what_it_says() {
        let mut told = String::new();
        for Example { table, local, name, .. } in examples() {
            let base = Dtab::parse(table).unwrap();
            let local = Dtab::parse(local.unwrap_or_default()).unwrap();
            let namers = NamerTable::new();
            let resolver =
                Resolver { base: &base, local: &local, namers: &namers, transformers: &[] };
            let delegation: Delegation =
                resolver.resolve(&name.parse().unwrap(), dtab::Explore::All);
            let short = dtab::view::explain_short(&delegation, &[]);
            told += &format!("{table}\n  {name}: {short}\n");
        }
        insta::assert_snapshot!(told);
    }

    #[test]
    fn each_mistake_is_one_and_is_found() {
        let mut told = String::new();
        for (about, table) in MISTAKES {
            let (_, found) = dtab::check_dtab(&dtab::Source::new("dtab", *table));
            let codes: Vec<_> = found.iter().map(|it| it.code.name()).collect();
            told += &format!("{about}: {table:?} {codes:?}\n");
            assert_eq!(found.len(), 1, "{told}");
        }
        insta::assert_snapshot!(told);
    }

    #[test]
    fn anchors_are_unique_and_all_are_listed() {
        let ids: BTreeSet<_> = SECTIONS.iter().map(|section| section.id).collect();
        assert_eq!(ids.len(), SECTIONS.len());
        let contents = head();
        assert!(ids.iter().all(|id| contents.contains(&format!("href=\"#{id}\""))), "{contents}");
        assert!(contents.contains("#namers") && ids.contains("built-in"));
    }

    #[test]
    fn no_text_becomes_markup() {
        let evil = "</textarea><script>alert(1)</script>\"'&";
        let given = Given { about: "", table: evil, local: Some(evil), name: evil };
        let mut html = String::new();
        given.write(1, evil, &Err(evil.to_owned()), &mut html);
        let answer = serde_json::json!({ "state": evil, "summary": evil, "path": evil });
        given.write(2, evil, &Ok(answer), &mut html);
        assert!(!html.contains("<script"), "{html}");
        assert_eq!(html.matches("</textarea>").count(), 4, "{html}");
    }
}
