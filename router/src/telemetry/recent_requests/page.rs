//! `/requests`, where no other page is: a table with the columns of Linkerd's, and two more.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{RecentRequests, Wanted};
use crate::html::escape;

impl RecentRequests {
    /// The page. Names link to the delegator.
    pub(crate) fn page(&self) -> String {
        let mut rows = String::new();
        for recent in self.newest(&Wanted::default()) {
            let link = |name: &Option<String>| {
                let Some(name) = name else { return "-".to_owned() };
                let (router, at, shown) = (encode(&recent.router), encode(name), escape(name));
                format!("<a href=\"delegator?router={router}#{at}\">{shown}</a>")
            };
            let endpoint = recent.endpoint.map_or("-".to_owned(), |endpoint| endpoint.to_string());
            let cells = [
                escape(&recent.ended.strftime("%F %T %z").to_string()),
                escape(&recent.caller.to_string()),
                escape(&recent.server.to_string()),
                escape(&recent.router),
                link(&recent.service),
                link(&recent.client),
                escape(&endpoint),
                escape(&format!("{} {}", recent.method, recent.uri)),
                recent.status.to_string(),
            ];
            rows.push_str("<tr>");
            for cell in cells {
                // Writing to a String does not fail.
                let _ = write!(rows, "<td>{cell}</td>");
            }
            rows.push_str("</tr>\n");
        }
        format!("{HEAD}{rows}</tbody>\n</table>\n</body>\n</html>\n")
    }
}

const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<title>Recent requests</title>
<style>
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: 0.3em 0.8em; border-bottom: 1px solid #ccc; }
</style>
</head>
<body>
<h1>Recent requests</h1>
<table>
<thead><tr><th>Timestamp</th><th>Source</th><th>Server</th><th>Router</th><th>Logical Name</th>\
<th>Concrete Name</th><th>Destination</th><th>Request</th><th>Status</th></tr></thead>
<tbody>
";

/// A text for a part of a URL.
fn encode(text: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');
    utf8_percent_encode(text, KEPT).to_string()
}
