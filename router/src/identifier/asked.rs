//! A request that somebody asks about, as a router would get it.

use dtab::{Diagnostic, Dtab, Path, Source};
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};

use super::{Identifier, IdentifierChain, IdentifyError, RequestHead};
use crate::http::headers::{CTX_DTAB, USER_DTAB, baggage};
use crate::http::proxy_uri;

/// A request that is not sent: its name and its overrides are those that a router would find.
#[derive(Clone, Debug)]
pub struct AskedRequest {
    method: Method,
    /// As it was asked.
    url: String,
    target: String,
    headers: HeaderMap,
    /// The same, in the order and spelling in which they were asked.
    shown: Vec<(String, String)>,
    /// The host of the URL.
    host: Option<String>,
}

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// No method of HTTP.
    #[error("Invalid method: {0}")]
    Method(String),
    /// Neither an absolute URL nor a path.
    #[error("Invalid URL: {0}")]
    Url(String),
    /// A name or a value that no header can have.
    #[error("Invalid header: {0}: it is one such as Host: web")]
    Header(String),
}

impl AskedRequest {
    /// A request without headers; `url` is absolute, or a path.
    pub fn new(method: &str, url: &str) -> Result<Self, BadRequest> {
        let method = Method::from_bytes(method.trim().as_bytes())
            .map_err(|_| BadRequest::Method(method.escape_debug().to_string()))?;
        let url = url.trim();
        let invalid = |why: &dyn std::fmt::Display| BadRequest::Url(why.to_string());
        let direct = proxy_uri::direct(url).map_err(|error| invalid(&error))?;
        let (host, target) = direct.map_or((None, url), |it| (Some(it.host), it.target));
        if host.is_none() && !target.starts_with('/') {
            return Err(invalid(&"it is one such as http://web/ or, with a Host header, /"));
        }
        let target = target.split('#').next().unwrap_or_default();
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        PathAndQuery::try_from(target.as_str()).map_err(|error| invalid(&error))?;
        let host = host.map(str::to_owned);
        let (headers, shown) = (HeaderMap::new(), Vec::new());
        Ok(AskedRequest { method, url: url.to_owned(), target, headers, shown, host })
    }

    /// Adds a header.
    pub fn add(&mut self, name: &str, value: &str) -> Result<(), BadRequest> {
        let parsed =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()));
        let (Ok(key), Ok(parsed)) = parsed else {
            let line = format!("{name}: {value}");
            return Err(BadRequest::Header(line.escape_debug().to_string()));
        };
        self.headers.append(key, parsed);
        self.shown.push((name.to_owned(), value.to_owned()));
        Ok(())
    }

    /// Adds the host of the URL, unless there is one among the headers: that wins, as with any client.
    pub fn complete(&mut self) -> Result<(), BadRequest> {
        match self.host.take() {
            Some(host) if !self.headers.contains_key(HOST) => {
                self.add("Host", &host).map_err(|_| BadRequest::Url("no host".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// The method.
    pub fn method(&self) -> &str {
        self.method.as_str()
    }

    /// The URL, as it was asked.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The headers, in the order and spelling in which they were added.
    pub fn headers(&self) -> &[(String, String)] {
        &self.shown
    }

    /// Its name by these identifiers, and the one that named it. `version` is that of the router.
    pub fn name<'i>(
        &self,
        identifiers: &'i IdentifierChain,
        version: Version,
    ) -> Result<(Path, &'i dyn Identifier), IdentifyError> {
        let host = self.headers.get(HOST).and_then(|host| host.to_str().ok());
        let head = RequestHead {
            method: &self.method,
            target: &self.target,
            version,
            headers: &self.headers,
            authority: host.filter(|_| version == Version::HTTP_2),
            scheme: Some("http"),
        };
        let (identification, by) = identifiers.identify_by(&head)?;
        Ok((identification.name, by))
    }

    /// The overrides that it carries, as a server takes them that trusts its callers; or the first
    /// that cannot be read, and what is wrong with it.
    pub fn overrides(&self) -> Result<Dtab, BadOverride> {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let baggage = baggage::overrides(&self.headers).map(|value| text(&value));
        let lines =
            |name| self.headers.get_all(name).into_iter().map(|value| text(value.as_bytes()));
        let mut all = Dtab::empty();
        for value in baggage.chain(lines(CTX_DTAB)).chain(lines(USER_DTAB)) {
            let source = Source::new("header", value);
            let (dtab, found) = dtab::check_dtab(&source);
            if !found.is_empty() {
                return Err(BadOverride { source, found });
            }
            all = all.concat(&dtab);
        }
        Ok(all)
    }
}

/// An override that is no dtab.
#[derive(Clone, Debug)]
pub struct BadOverride {
    /// Its text.
    pub source: std::sync::Arc<Source>,
    /// Every mistake in it.
    pub found: Vec<Diagnostic>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identifier::HeaderTokenIdentifier;

    fn asked(url: &str, headers: &[(&str, &str)]) -> AskedRequest {
        let mut asked = AskedRequest::new("GET", url).unwrap();
        for (name, value) in headers {
            asked.add(name, value).unwrap();
        }
        asked.complete().unwrap();
        asked
    }

    #[test]
    fn the_host_of_the_url_counts_unless_a_header_names_one() {
        let by_host = HeaderTokenIdentifier::new(Path::parse("/svc").unwrap(), "Host").unwrap();
        let chain = IdentifierChain::new(vec![Box::new(by_host)]);
        let name = |asked: &AskedRequest| {
            let (name, by) = asked.name(&chain, Version::HTTP_11).unwrap();
            (name.to_string(), by.kind())
        };
        let expected = |name: &str| (name.to_owned(), "io.l5d.header.token");
        assert_eq!(name(&asked("http://web/a", &[])), expected("/svc/web"));
        assert_eq!(name(&asked("http://web/a", &[("host", "api")])), expected("/svc/api"));
        assert_eq!(name(&asked("/a", &[("Host", "api")])), expected("/svc/api"));
        let none = asked("/a", &[]).name(&chain, Version::HTTP_11).unwrap_err();
        assert_eq!(none.to_string(), "Host header is absent");
    }

    #[test]
    fn overrides_are_those_of_a_trusted_caller_and_its_own_come_last() {
        let headers =
            [("l5d-dtab", "/a => /1"), ("l5d-ctx-dtab", "/b => /2"), ("l5d-dtab", "/c => /3")];
        assert_eq!(asked("/", &headers).overrides().unwrap().to_string(), "/b=>/2;/a=>/1;/c=>/3");
        let wrong = asked("/", &[("l5d-dtab", "/a = /1")]).overrides().unwrap_err();
        assert_eq!((wrong.source.text(), wrong.found.len()), ("/a = /1", 1));
    }

    #[test]
    fn what_is_no_request_says_so() {
        let told =
            |method: &str, url: &str| AskedRequest::new(method, url).unwrap_err().to_string();
        assert_eq!(told("G T", "/"), "Invalid method: G T");
        assert!(told("GET", "web").starts_with("Invalid URL: it is one such as http://web/"));
        let bad = AskedRequest::new("GET", "/").unwrap().add("a b", "c").unwrap_err();
        assert_eq!(bad.to_string(), "Invalid header: a b: c: it is one such as Host: web");
    }
}
