//! `io.l5d.header.path` of HTTP/2: a header holds a path, whose first segments are the name.

use std::str;

use dtab::Path;
use http::header::InvalidHeaderName;

use super::{Identification, Identifier, IdentifyError, NamedHeader, RequestHead, Unidentified};

/// `dstPrefix` and the segments of a header, which is `:path` unless another is configured: a call of
/// gRPC, whose `:path` is `/pkg.Users/Get`, gives `/svc/pkg.Users/Get`, or `/svc/pkg.Users` with
/// `segments: 1`.
///
/// A query is not part of the path, nor is one `/` at its end. What is no path is an error.
#[derive(Clone, Debug)]
pub struct HeaderPathIdentifier {
    prefix: Path,
    header: NamedHeader,
    segments: Option<usize>,
}

impl HeaderPathIdentifier {
    /// The header that is read if the configuration names none.
    pub const DEFAULT_HEADER: &str = ":path";

    /// Reads `header`, which must be a legal header name or one of `:authority`, `:method`, `:path`
    /// and `:scheme`; takes `segments` of it, or all.
    pub fn new(
        prefix: Path,
        header: &str,
        segments: Option<usize>,
    ) -> Result<Self, InvalidHeaderName> {
        Ok(HeaderPathIdentifier { prefix, header: NamedHeader::new(header)?, segments })
    }
}

impl Identifier for HeaderPathIdentifier {
    fn kind(&self) -> &'static str {
        "io.l5d.header.path"
    }

    fn identify(&self, request: &RequestHead<'_>) -> Result<Identification, IdentifyError> {
        let value = self.header.read(request)?;
        let value = value.split(|&byte| byte == b'?').next().unwrap_or_default();
        let value = match value {
            [rest @ .., b'/'] if !rest.is_empty() => rest,
            value => value,
        };
        let path =
            Path::parse(&String::from_utf8_lossy(value)).map_err(IdentifyError::BadHeader)?;
        let path = match self.segments {
            Some(segments) if path.len() < segments => {
                return Err(Unidentified::PathTooShort(segments).into());
            }
            Some(segments) => path.take(segments),
            None if path.is_empty() => return Err(Unidentified::MissingPath.into()),
            None => path,
        };
        Ok(self.prefix.concat(&path).into())
    }
}
