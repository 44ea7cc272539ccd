//! `io.l5d.header.token`: a header's whole value is one segment of the name.

use dtab::Path;
use http::header::InvalidHeaderName;

use super::{Identification, Identifier, IdentifyError, NamedHeader, RequestHead};

/// `dstPrefix` and a header's value as one segment: `Host: Foo.com:80` gives `/svc/Foo.com:80`.
///
/// This is the default identifier, on `Host`. Case and port are kept, slashes do not divide, and of
/// several header lines the first counts. The bytes go into the name as they came.
#[derive(Clone, Debug)]
pub struct HeaderTokenIdentifier {
    prefix: Path,
    header: NamedHeader,
}

impl HeaderTokenIdentifier {
    /// The header that is read if the configuration names none.
    pub const DEFAULT_HEADER: &str = "Host";

    /// Reads `header`, which must be a legal header name.
    pub fn new(prefix: Path, header: &str) -> Result<Self, InvalidHeaderName> {
        Ok(HeaderTokenIdentifier { prefix, header: NamedHeader::new(header)? })
    }
}

impl Identifier for HeaderTokenIdentifier {
    fn kind(&self) -> &'static str {
        "io.l5d.header.token"
    }

    fn identify(&self, request: &RequestHead<'_>) -> Result<Identification, IdentifyError> {
        let mut name = self.prefix.clone();
        name.push(self.header.read(request)?);
        Ok(name.into())
    }
}
