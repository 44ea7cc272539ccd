//! Log levels, and forms that change them, which work without scripts.

use axum::Form;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde_json::Value;

use super::html::{each, escape};
use super::shell::Page;
use super::source::Source;

/// What was asked for, and what came of it.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) logger: String,
    pub(super) level: String,
    /// Why the router has refused it, if it has.
    pub(super) refused: Option<String>,
}

const LEVELS: [(&str, &str); 6] = [
    ("OFF", "nothing"),
    ("ERROR", "errors"),
    ("WARNING", "warnings, too"),
    ("INFO", "what happens"),
    ("DEBUG", "details"),
    ("TRACE", "everything"),
];

/// The page's main part; `levels` is null if there was no answer.
pub(super) fn body(levels: &Value, change: Option<&Change>) -> String {
    let head = "<div class=\"page-head\"><h1>Logging</h1><p class=\"lede\">What is logged, from the \
                next line on. A restart forgets it.</p></div>\n";
    let Some(levels) = levels.as_array() else {
        return format!(
            "{head}<p class=\"notice\" data-status=\"warn\">The levels of this router cannot be \
             changed while it runs.</p>\n"
        );
    };
    let result = change.map(|change| told(levels, change)).unwrap_or_default();
    let rows = each(levels, row);
    format!(
        "{head}{result}<div class=\"card\"><div class=\"table-scroll\" tabindex=\"0\" role=\"region\" \
         aria-label=\"Log levels\"><table class=\"data\" id=\"levels\"><thead><tr>\
         <th scope=\"col\">Logger</th><th scope=\"col\">Level</th></tr></thead>\
         <tbody>\n{rows}</tbody></table></div></div>\n\
         <section class=\"card\"><div class=\"card-head\"><h2>Another logger</h2></div>\
         <form class=\"card-body fields\" id=\"add\" method=\"post\" action=\"/logging\">\
         <div class=\"field\"><label for=\"logger\">Module</label>\
         <input class=\"mono\" id=\"logger\" name=\"logger\" required maxlength=\"200\" \
         pattern=\"[A-Za-z0-9_:]+\" autocomplete=\"off\" spellcheck=\"false\" \
         aria-describedby=\"logger-hint\"><span class=\"hint\" id=\"logger-hint\">Such as \
         <code>router::namer</code>, for it and everything below it</span></div>\
         <div class=\"field\"><label for=\"level\">Level</label>{}</div>\
         <div class=\"field field-end\"><button class=\"primary\">Set</button></div></form></section>\n",
        select("DEBUG", "id=\"level\"")
    )
}

fn row(level: &Value) -> String {
    let logger = escape(level["logger"].as_str().unwrap_or_default());
    let about = if logger == "root" {
        " <span class=\"muted\">every logger without a level of its own</span>"
    } else {
        ""
    };
    let current = level["level"].as_str().unwrap_or_default();
    format!(
        "<tr data-logger=\"{logger}\"><th scope=\"row\"><span class=\"path\">{logger}</span>{about}</th>\
         <td><form class=\"row-wrap level\" method=\"post\" action=\"/logging\">\
         <input type=\"hidden\" name=\"logger\" value=\"{logger}\">{}\
         <button aria-label=\"Set the level of {logger}\">Set</button></form></td></tr>\n",
        select(current, &format!("aria-label=\"Level of {logger}\""))
    )
}

fn select(current: &str, attributes: &str) -> String {
    let option = |(level, about): &(&str, &str)| {
        let selected = if *level == current { " selected" } else { "" };
        format!("<option value=\"{level}\"{selected}>{level}: {about}</option>")
    };
    let options = each(&LEVELS, option);
    format!("<select name=\"level\" {attributes}>{options}</select>")
}

/// Whether the level that was asked for is the one in force now.
fn told(levels: &[Value], change: &Change) -> String {
    let Change { logger, level, refused } = change;
    let holds = levels.iter().any(|one| one["logger"] == **logger && one["level"] == **level);
    let (status, sentence) = match refused {
        Some(reason) => ("bad", format!("The level is not set: {}", reason.trim())),
        None if holds => ("ok", format!("{logger} has the level {level} now.")),
        None => (
            "bad",
            format!(
                "The level is not set: either no logger can be called {logger}, or as many have \
                 levels of their own as can have."
            ),
        ),
    };
    format!(
        "<p class=\"notice\" id=\"result\" role=\"status\" data-status=\"{status}\">{}</p>\n",
        escape(&sentence)
    )
}

const PAGE: Page = Page {
    path: "/logging",
    title: "Logging",
    script: "logging",
    styles: &["dashboard"],
    wide: false,
};

/// `/logging`
pub(super) async fn page(State(source): State<Source>) -> Response {
    PAGE.with(&body(&source.get("/logging.json", &[]).await.1, None))
}

/// `POST /logging` with `logger` and `level`: sets one, where the admin server lets the caller.
pub(super) async fn change(
    State(source): State<Source>,
    headers: HeaderMap,
    Form(params): Form<Vec<(String, String)>>,
) -> Response {
    let param = |name: &str| {
        let found = params.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let (logger, level) = (param("logger"), param("level"));
    let asked = [("logger", logger.as_str()), ("level", level.as_str())];
    let (status, why) = source.post("/logging.json", &asked, &headers).await;
    let refused = (!status.is_success()).then_some(why);
    let levels = source.get("/logging.json", &[]).await.1;
    PAGE.with_status(status, &body(&levels, Some(&Change { logger, level, refused })))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(logger: &str, level: &str, refused: Option<&str>) -> Change {
        Change {
            logger: logger.to_owned(),
            level: level.to_owned(),
            refused: refused.map(str::to_owned),
        }
    }

    #[test]
    fn each_logger_has_a_form_that_needs_no_script() {
        let levels = json!([
            { "logger": "root", "level": "INFO" },
            { "logger": "router::namer", "level": "DEBUG" },
        ]);
        insta::assert_snapshot!(body(&levels, Some(&change("router::namer", "DEBUG", None))));
    }

    #[test]
    fn what_has_not_been_set_is_said() {
        let levels = json!([{ "logger": "root", "level": "INFO" }]);
        let said = |change| body(&levels, Some(&change));
        assert!(said(change("<x>", "DEBUG", None)).contains("no logger can be called &lt;x&gt;"));
        assert!(
            said(change("root", "OFF", Some("not for pages"))).contains("not set: not for pages")
        );
        assert!(body(&Value::Null, None).contains("cannot be changed"));
    }
}
