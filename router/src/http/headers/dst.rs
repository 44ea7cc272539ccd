//! `l5d-dst-service`, `l5d-dst-client`, `l5d-dst-residual`: how the router names a request.

use std::fmt;

use dtab::Path;
use http::{HeaderMap, HeaderValue};

use super::{DST_CLIENT, DST_RESIDUAL, DST_SERVICE};

/// The three names of a bound request, ready to be sent.
///
/// They are the same for every request of a binding, so they are shown once and shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DstHeaders {
    service: HeaderValue,
    client: HeaderValue,
    residual: Option<HeaderValue>,
}

impl DstHeaders {
    /// The logical name, the bound name, and what is left over. An empty rest is not sent.
    pub fn new(service: &Path, client: &Path, residual: &Path) -> Self {
        DstHeaders {
            service: shown(service),
            client: shown(client),
            residual: (!residual.is_empty()).then(|| shown(residual)),
        }
    }

    /// Sets the headers of a request. A residual that the caller sent stays if there is none of ours.
    pub fn write(&self, headers: &mut HeaderMap) {
        headers.insert(DST_SERVICE, self.service.clone());
        headers.insert(DST_CLIENT, self.client.clone());
        if let Some(residual) = &self.residual {
            headers.insert(DST_RESIDUAL, residual.clone());
        }
    }
}

fn shown(path: &impl fmt::Display) -> HeaderValue {
    // A path shows as ASCII throughout, so this cannot fail.
    HeaderValue::try_from(path.to_string()).unwrap_or_else(|_| HeaderValue::from_static("/"))
}
