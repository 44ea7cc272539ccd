//! What a request carries for routers: overrides, deadline, trace.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use super::answer::Refusal;
use crate::http::headers::deadline::{self, Deadline};
use crate::http::headers::trace::{self, TraceId};
use crate::http::headers::{CTX_DTAB, USER_DTAB, explanation, sample};

/// The most bytes and entries of an override that a caller who is not trusted may send.
const UNTRUSTED_BYTES: usize = 4096;
const UNTRUSTED_DENTRIES: usize = 32;

/// The context of one request, taken out of its headers.
pub(crate) struct Context {
    /// The override headers as they were sent, which the binding cache goes by.
    pub(crate) overrides: Option<Overrides>,
    /// Whether the caller asks how the name resolves.
    pub(crate) explain: bool,
    deadline: Option<Deadline>,
    pub(crate) trace: TraceId,
}

/// The override headers of a request: those of the context, then those of the user, who wins.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Overrides {
    values: Vec<Bytes>,
}

impl Overrides {
    /// The table that the headers make.
    pub(crate) fn parse(&self, trusted: bool) -> Result<dtab::Dtab, Refusal> {
        let mut all = dtab::Dtab::empty();
        let bytes: usize = self.values.iter().map(Bytes::len).sum();
        if !trusted && bytes > UNTRUSTED_BYTES {
            return Err(Refusal::bad_request(format!(
                "the override has {bytes} bytes; callers of this server may send {UNTRUSTED_BYTES}"
            )));
        }
        for value in &self.values {
            // Header bytes are Latin-1 where they are not UTF-8.
            let text = match std::str::from_utf8(value) {
                Ok(text) => text.to_owned(),
                Err(_) => value.iter().copied().map(char::from).collect(),
            };
            let source = dtab::Source::new("override", text);
            all = all.concat(&dtab::Dtab::parse_source(&source).map_err(Refusal::bad_request)?);
        }
        if !trusted && all.len() > UNTRUSTED_DENTRIES {
            return Err(Refusal::bad_request(format!(
                "the override has {} entries; callers of this server may send {UNTRUSTED_DENTRIES}",
                all.len()
            )));
        }
        Ok(all)
    }
}

impl Context {
    /// Takes the context out of the headers of a request.
    pub(crate) fn take(headers: &mut HeaderMap) -> Self {
        let overrides =
            (headers.contains_key(CTX_DTAB) || headers.contains_key(USER_DTAB)).then(|| {
                let values =
                    headers.get_all(CTX_DTAB).into_iter().chain(headers.get_all(USER_DTAB));
                Overrides {
                    values: values.map(|value| Bytes::copy_from_slice(value.as_bytes())).collect(),
                }
            });
        if overrides.is_some() {
            headers.remove(CTX_DTAB);
            headers.remove(USER_DTAB);
        }
        let trace = match trace::take(headers) {
            Some(parent) => parent.new_child(),
            None => TraceId::new_root(),
        };
        let trace = match sample::take(headers) {
            Some(rate) => trace.with_sample_rate(rate),
            None => trace,
        };
        let explain = explanation::take(headers);
        Context { overrides, explain, deadline: deadline::take(headers, None), trace }
    }

    /// Hands the context on to the next hop. `ctx_dtab` is the table of the overrides, shown.
    pub(crate) fn write(&self, headers: &mut HeaderMap, ctx_dtab: Option<&HeaderValue>) {
        if let Some(shown) = ctx_dtab {
            headers.insert(CTX_DTAB, shown.clone());
        }
        if let Some(deadline) = self.deadline {
            deadline::write(headers, deadline);
        }
        trace::write(headers, self.trace);
    }
}
