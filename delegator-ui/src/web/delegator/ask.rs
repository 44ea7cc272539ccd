//! What is asked on the delegate page; `query.js` reads and writes the same addresses.

use crate::web::html::href;

/// A question, as the address of the page has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) router: String,
    /// Whether a whole request is asked for, and not a path.
    pub(super) is_request: bool,
    pub(super) path: String,
    pub(super) method: String,
    pub(super) url: String,
    /// `Name: value`
    pub(super) headers: Vec<String>,
    pub(super) dtab: String,
    pub(super) base: String,
}

impl Ask {
    /// Reads decoded parameters; those that it does not know are for the page's script.
    pub(super) fn read(params: &[(String, String)]) -> Self {
        let mut ask = Ask::default();
        for (name, value) in params {
            // A form in a browser sends its lines with CRLF.
            let value = value.replace("\r\n", "\n");
            match name.as_str() {
                "ask" => ask.is_request = value == "request",
                "router" => ask.router = value,
                "path" => value.trim().clone_into(&mut ask.path),
                "method" => ask.method = value,
                "url" => value.trim().clone_into(&mut ask.url),
                // A text area is one parameter of several lines.
                "header" => ask.headers.extend(
                    value.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned),
                ),
                "dtab" => ask.dtab = value,
                "base" => ask.base = value,
                _ => {}
            }
        }
        ask.is_request |= ask.path.is_empty() && !ask.url.is_empty();
        ask
    }

    /// Whether there is anything to answer.
    pub(super) fn is_asked(&self) -> bool {
        !(if self.is_request { &self.url } else { &self.path }).is_empty()
    }

    /// The question without its override.
    pub(super) fn without_override(&self) -> Option<Self> {
        let given = !self.dtab.trim().is_empty();
        given.then(|| Ask { dtab: String::new(), ..self.clone() })
    }

    /// The question to the router's own table.
    pub(super) fn without_base(&self) -> Option<Self> {
        let given = !self.base.trim().is_empty();
        given.then(|| Ask { base: String::new(), ..self.clone() })
    }

    /// The parameters of `/delegation.json`.
    pub(super) fn params(&self) -> Vec<(&'static str, &str)> {
        let mut params = vec![("router", self.router.as_str())];
        if self.is_request {
            params.extend([("method", self.method.as_str()), ("url", self.url.as_str())]);
            params.extend(self.headers.iter().map(|header| ("header", header.as_str())));
        } else {
            params.push(("path", self.path.as_str()));
        }
        params.extend([("dtab", self.dtab.trim()), ("base", self.base.trim())]);
        params.retain(|(_, value)| !value.is_empty());
        params
    }

    /// The value of an `href` that asks the admin server.
    pub(super) fn json_href(&self) -> String {
        href("/delegation.json", &self.params())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(params: &[(&str, &str)]) -> Ask {
        let owned = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Ask::read(&owned.collect::<Vec<_>>())
    }

    #[test]
    fn a_path_is_asked_for_unless_a_request_is() {
        assert!(!ask(&[("router", "http")]).is_asked());
        assert!(!ask(&[("path", " ")]).is_asked());
        assert!(!ask(&[("path", "/svc/web"), ("url", "/")]).is_request);
        assert!(ask(&[("url", "http://web/")]).is_request);
        assert!(!ask(&[("ask", "request"), ("path", "/svc/web")]).is_asked());
    }

    #[test]
    fn the_admin_server_is_asked_for_no_more_than_there_is() {
        let path =
            ask(&[("router", "http"), ("path", " /svc/web "), ("method", "GET"), ("url", "")]);
        assert_eq!(path.params(), [("router", "http"), ("path", "/svc/web")]);
        let request = ask(&[
            ("ask", "request"),
            ("path", "/svc/old"),
            ("method", "POST"),
            ("url", "http://web/a"),
            ("header", "Host: web\r\n\r\nX-A: b"),
            ("dtab", "/a => /b;\r\n/c => /d"),
        ]);
        assert_eq!(
            request.params(),
            [
                ("method", "POST"),
                ("url", "http://web/a"),
                ("header", "Host: web"),
                ("header", "X-A: b"),
                ("dtab", "/a => /b;\n/c => /d"),
            ]
        );
        let other = request.without_override().map(|ask| ask.dtab);
        assert_eq!(other.as_deref(), Some(""));
        assert_eq!(request.without_base(), None);
    }
}
