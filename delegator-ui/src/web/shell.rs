//! What all pages have: head, navigation, and what a browser may load for them.

use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, StatusCode};

use super::assets;
use super::html::escape;

/// A page, apart from what it says.
pub(super) struct Page {
    /// Where it is, which the navigation marks.
    pub(super) path: &'static str,
    /// What the window is called.
    pub(super) title: &'static str,
    /// The script that goes on from it.
    pub(super) script: &'static str,
    /// Styles beside those of all pages.
    pub(super) styles: &'static [&'static str],
    /// Whether it takes the whole width.
    pub(super) wide: bool,
}

/// The navigation, in order.
const NAVIGATION: [(&str, &str); 9] = [
    ("/", "Dashboard"),
    ("/delegator", "Delegate"),
    ("/playground", "Playground"),
    ("/why-not", "Why not?"),
    ("/requests", "Requests"),
    ("/watches", "Watches"),
    ("/config", "Config"),
    ("/logging", "Logging"),
    ("/help", "Help"),
];

/// Nothing from elsewhere, nothing written into the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

impl Page {
    /// The page with this main part, which is markup.
    pub(super) fn with(&self, main: &str) -> Response {
        self.with_status(StatusCode::OK, main)
    }

    /// The same, as an answer of this status.
    pub(super) fn with_status(&self, status: StatusCode, main: &str) -> Response {
        let headers = [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CONTENT_SECURITY_POLICY, POLICY),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            // Nothing for others. Without any, a form would be sent as if it were of another origin.
            (REFERRER_POLICY, "same-origin"),
            (CACHE_CONTROL, "no-store"),
            (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        ];
        (status, headers, self.html(main)).into_response()
    }

    fn html(&self, main: &str) -> String {
        let style = |name: &&str| {
            format!("<link rel=\"stylesheet\" href=\"{}\">\n", assets::href(&format!("{name}.css")))
        };
        let styles: String = ["style", "tree"].iter().chain(self.styles).map(style).collect();
        let entry = |(path, name): &(&str, &str)| {
            let current = if *path == self.path { " aria-current=\"page\"" } else { "" };
            format!("<li><a href=\"{path}\"{current}>{name}</a></li>")
        };
        let navigation: String = NAVIGATION.iter().map(entry).collect();
        let wide = if self.wide { " class=\"wide\"" } else { "" };
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{title} · Fingerpost</title>\n\
             <link rel=\"icon\" href=\"{icon}\" type=\"image/svg+xml\">\n{styles}\
             <script src=\"{theme}\"></script>\n\
             <script type=\"module\" src=\"{script}\"></script>\n</head>\n<body>\n\
             <a class=\"skip\" href=\"#main\">Skip to content</a>\n\
             <header class=\"top\"><a class=\"brand\" href=\"/\">Fingerpost</a>\n\
             <nav class=\"nav\" aria-label=\"Pages\"><ul>{navigation}</ul></nav>\n\
             <div class=\"tools\"></div></header>\n\
             <main id=\"main\" tabindex=\"-1\"{wide}>\n{main}</main>\n</body>\n</html>\n",
            title = escape(self.title),
            icon = assets::href("icon.svg"),
            theme = assets::href("theme.js"),
            script = assets::href(&format!("{}.js", self.script)),
        )
    }
}
