//! Parameters as `application/x-www-form-urlencoded`, from a URI or a body.

use percent_encoding::percent_decode_str;

/// Decoded parameters, in order. Octets that are not UTF-8 become U+FFFD.
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads `a=1&b=2`. Whatever the text is, something comes of it.
    pub(super) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        Params(pairs.collect())
    }

    /// Those of the query of a URI.
    pub(super) fn of_uri(uri: &str) -> Self {
        let query = uri.split_once('?').map_or("", |(_, query)| query);
        Params::parse(query.split('#').next().unwrap_or_default())
    }

    /// The first parameter of this name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Every parameter of this name.
    pub(super) fn all<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p str> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Whether a switch is on: `true`, `1`, or given without a value.
    pub(super) fn is_on(&self, name: &str) -> bool {
        matches!(self.get(name), Some("true" | "1" | ""))
    }

    /// These, and then `more`.
    pub(super) fn and(mut self, more: Params) -> Self {
        self.0.extend(more.0);
        self
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_anything_is_taken() {
        let params = Params::of_uri("/x?path=/%23/a+b&q&path=/second&%zz=%C3%28#frag");
        assert_eq!(params.get("path"), Some("/#/a b"));
        assert!(params.is_on("q"));
        assert_eq!(params.get("%zz"), Some("\u{fffd}("));
        assert_eq!(params.get("none"), None);
    }
}
