//! `io.l5d.header`: a header holds the name, as a path.

use std::str;

use dtab::Path;
use http::header::InvalidHeaderName;

use super::{Identification, Identifier, IdentifyError, NamedHeader, RequestHead};

/// `dstPrefix` and the path that a header holds: `l5d-name: /users/v2` gives `/svc/users/v2`.
///
/// Of several header lines the first counts. A value that is not a path is an error, not "not
/// identified".
#[derive(Clone, Debug)]
pub struct HeaderIdentifier {
    prefix: Path,
    header: NamedHeader,
}

impl HeaderIdentifier {
    /// The header that is read if the configuration names none.
    pub const DEFAULT_HEADER: &str = "l5d-name";

    /// Reads `header`, which must be a legal header name.
    pub fn new(prefix: Path, header: &str) -> Result<Self, InvalidHeaderName> {
        Ok(HeaderIdentifier { prefix, header: NamedHeader::new(header)? })
    }
}

impl Identifier for HeaderIdentifier {
    fn kind(&self) -> &'static str {
        "io.l5d.header"
    }

    fn identify(&self, request: &RequestHead<'_>) -> Result<Identification, IdentifyError> {
        let value = self.header.read(request)?;
        let path = match str::from_utf8(value) {
            Ok(text) => Path::parse(text),
            // Legal inside a comment, which says nothing; an error anywhere else.
            Err(_) => Path::parse(&String::from_utf8_lossy(value)),
        };
        let path = path.map_err(IdentifyError::BadHeader)?;
        Ok(self.prefix.concat(&path).into())
    }
}
