//! `io.l5d.methodAndHost`: version, method and host, and the path if asked for.

use std::str;

use dtab::Path;
use http::{Version, header};
use smallvec::SmallVec;

use super::{Identification, Identifier, IdentifyError, RequestHead, Unidentified};

/// `/svc/1.1/GET/foo.com` for HTTP/1.1, `/svc/2.0/GET/foo.com` for HTTP/2, and `/svc/1.0/GET` for HTTP/1.0, whose host does not count.
///
/// The method is in upper case, the host in lower case and with its port. With
/// [`uri_in_name`](MethodAndHostIdentifier::uri_in_name) the path of the target is read as a name
/// and appended; one that is not (`/a/`, `*`) is an error.
#[derive(Clone, Debug)]
pub struct MethodAndHostIdentifier {
    prefix: Path,
    uri_in_name: bool,
}

impl MethodAndHostIdentifier {
    /// Names without the target's path.
    pub fn new(prefix: Path) -> Self {
        MethodAndHostIdentifier { prefix, uri_in_name: false }
    }

    /// Whether the target's path is part of the name (`httpUriInDst`).
    pub fn uri_in_name(mut self, yes: bool) -> Self {
        self.uri_in_name = yes;
        self
    }
}

impl Identifier for MethodAndHostIdentifier {
    fn kind(&self) -> &'static str {
        "io.l5d.methodAndHost"
    }

    fn identify(&self, request: &RequestHead<'_>) -> Result<Identification, IdentifyError> {
        let mut name = self.prefix.clone();
        match request.version {
            Version::HTTP_11 => {
                let host = request.header(&header::HOST).ok_or(Unidentified::MissingHost)?;
                name.push(b"1.1");
                push_method(&mut name, request.method.as_str());
                push_host(&mut name, host);
            }
            Version::HTTP_10 => {
                name.push(b"1.0");
                push_method(&mut name, request.method.as_str());
            }
            Version::HTTP_2 => {
                let host = request.authority.map(str::as_bytes);
                let host = host.or_else(|| request.header(&header::HOST));
                name.push(b"2.0");
                push_method(&mut name, request.method.as_str());
                push_host(&mut name, host.ok_or(Unidentified::MissingHost)?);
            }
            other => return Err(Unidentified::UnknownVersion(other).into()),
        }
        if self.uri_in_name {
            let path = Path::parse(request.path()).map_err(IdentifyError::BadTarget)?;
            name = name.concat(&path);
        }
        Ok(name.into())
    }
}

fn push_method(name: &mut Path, method: &str) {
    if method.bytes().any(|byte| byte.is_ascii_lowercase()) {
        name.push(method.to_ascii_uppercase().as_bytes());
    } else {
        name.push(method.as_bytes());
    }
}

fn push_host(name: &mut Path, host: &[u8]) {
    if !host.iter().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) {
        return name.push(host);
    }
    match str::from_utf8(host) {
        Ok(text) if !text.is_ascii() => name.push(text.to_lowercase().as_bytes()),
        _ => {
            let mut lower: SmallVec<[u8; 64]> = SmallVec::from_slice(host);
            lower.make_ascii_lowercase();
            name.push(&lower);
        }
    }
}
