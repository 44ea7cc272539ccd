//! What a request carries for routers: overrides, deadline, trace.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use dtab::Dtab;
use http::{HeaderMap, HeaderValue};

use super::Server;
use super::answer::Refusal;
use super::trust::OverridePolicy;
use crate::config::kinds::TracePropagator;
use crate::http::headers::deadline::{self, Deadline};
use crate::http::headers::trace::{self, TraceId};
use crate::http::headers::traceparent::{self, TraceParent};
use crate::http::headers::{
    self, CTX_DTAB, DTAB_SIGNATURE, USER_DTAB, b3, baggage, explanation, finagle, sample,
};

/// The context of one request, taken out of its headers.
pub(crate) struct Context {
    /// The override headers as they were sent, which the binding cache goes by.
    pub(crate) overrides: Option<Overrides>,
    /// What vouches for them, for this hop and the next. Each must be checked for each request.
    pub(crate) signatures: Vec<HeaderValue>,
    /// Whether the caller asks how the name resolves.
    pub(crate) explain: bool,
    deadline: Option<Deadline>,
    pub(crate) trace: TraceId,
    propagator: TracePropagator,
    /// The trace of the application, if that is told.
    parent: Option<TraceParent>,
}

impl Context {
    /// How long an answer is still of use to who has sent a deadline.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        let until = u64::try_from(self.deadline?.deadline_ns).ok()?;
        let until = SystemTime::UNIX_EPOCH + Duration::from_nanos(until);
        Some(until.duration_since(SystemTime::now()).unwrap_or_default())
    }
}

/// The override headers of a request: those that applications hand on as baggage, those that routers
/// do, and those of the user. The later the more deliberate, and so it wins.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Overrides {
    /// The policy that they are under. What one server accepts is not accepted at another.
    policy: u64,
    baggage: Vec<Bytes>,
    routers: Vec<Bytes>,
    users: Vec<Bytes>,
}

impl Overrides {
    /// Takes them out of the headers of a request, which may have none of ours; none if there are none, or they do not count here.
    fn take(headers: &mut HeaderMap, policy: &OverridePolicy, any_l5d: bool) -> Option<Self> {
        if policy.is_off() {
            headers::remove_overrides(headers);
            return None;
        }
        if !policy.is_trusted() {
            // No router reads it, so nobody has checked it, and services of Finagle behind may obey.
            finagle::clear_dtab(headers);
        }
        let baggage: Vec<Bytes> = baggage::overrides(headers).collect();
        let any_l5d =
            any_l5d && (headers.contains_key(CTX_DTAB) || headers.contains_key(USER_DTAB));
        if baggage.is_empty() && !any_l5d {
            return None;
        }
        let mut values = |name| {
            let lines = headers.get_all(&name).into_iter();
            let lines = lines.map(|value| Bytes::copy_from_slice(value.as_bytes())).collect();
            headers.remove(name);
            lines
        };
        let (routers, users) = (values(CTX_DTAB), values(USER_DTAB));
        Some(Overrides { policy: policy.id, baggage, routers, users })
    }

    /// The headers as they came, for people.
    pub(crate) fn shown(&self) -> String {
        let all = [&self.baggage, &self.routers, &self.users].into_iter().flatten();
        let all: Vec<_> = all.map(|value| String::from_utf8_lossy(value)).collect();
        all.join(" ; ")
    }

    /// The table that they make, if the policy accepts it.
    pub(crate) fn parse(&self, policy: &OverridePolicy) -> Result<Dtab, Refusal> {
        let all = [&self.baggage, &self.routers, &self.users];
        let bytes = all.into_iter().flatten().map(Bytes::len).sum();
        policy.check_size(bytes).map_err(Refusal::bad_request)?;
        let baggage = join(&self.baggage)?;
        // The router before this one has read the baggage, too, and what it hands on begins with it.
        let routers = join(&self.routers)?.strip_prefix(&baggage);
        let mut dtab = baggage.concat(&routers).concat(&join(&self.users)?);
        if policy.is_signed() {
            // The shown form is what is signed. It rounds weights; what it says is what counts.
            let source = dtab::Source::new("override", dtab.to_string());
            dtab = Dtab::parse_source(&source).map_err(Refusal::bad_request)?;
        }
        policy.check(&dtab).map_err(Refusal::bad_request)?;
        Ok(dtab)
    }
}

fn join(values: &[Bytes]) -> Result<Dtab, Refusal> {
    let mut all = Dtab::empty();
    for value in values {
        // Header bytes are Latin-1 where they are not UTF-8.
        let text = match std::str::from_utf8(value) {
            Ok(text) => text.to_owned(),
            Err(_) => value.iter().copied().map(char::from).collect(),
        };
        let source = dtab::Source::new("override", text);
        all = all.concat(&Dtab::parse_source(&source).map_err(Refusal::bad_request)?);
    }
    Ok(all)
}

impl Context {
    /// Takes the context out of the headers of a request.
    pub(crate) fn take(
        headers: &mut HeaderMap,
        server: &Server,
        propagator: TracePropagator,
    ) -> Self {
        // Most requests have none of our headers, which one look at each name tells.
        let any = headers.keys().any(|name| headers::is_l5d(name.as_str()));
        let overrides = Overrides::take(headers, &server.overrides, any);
        let parent = traceparent::read(headers);
        // Callers whose context is cleared do not decide what is traced here, either.
        let adopted = parent.filter(|_| !server.clear_context).map(TraceParent::to_trace_id);
        if !any && propagator == TracePropagator::Default {
            let trace = adopted.map_or_else(TraceId::new_root, TraceId::new_child);
            let (signatures, explain, deadline) = (Vec::new(), false, None);
            return Context { overrides, signatures, explain, deadline, trace, propagator, parent };
        }
        let mut signatures = Vec::new();
        if headers.contains_key(DTAB_SIGNATURE) {
            signatures.extend(headers.get_all(DTAB_SIGNATURE).into_iter().cloned());
            headers.remove(DTAB_SIGNATURE);
        }
        let explain = explanation::take(headers);
        Context {
            overrides,
            signatures,
            explain,
            deadline: deadline::take(headers, None),
            trace: take_trace(headers, propagator, adopted),
            propagator,
            parent,
        }
    }

    /// Hands the context on to the next hop. `ctx_dtab` is the table of the overrides, shown.
    pub(crate) fn write(&self, headers: &mut HeaderMap, ctx_dtab: Option<&HeaderValue>) {
        if let Some(shown) = ctx_dtab {
            headers.insert(CTX_DTAB, shown.clone());
            for signature in &self.signatures {
                headers.append(DTAB_SIGNATURE, signature.clone());
            }
        }
        if let Some(deadline) = self.deadline {
            deadline::write(headers, deadline);
        }
        match self.propagator {
            TracePropagator::Default => trace::write(headers, self.trace),
            TracePropagator::Zipkin => b3::write(headers, self.trace),
        }
        if let Some(parent) = self.parent {
            traceparent::write(headers, parent, self.trace.span);
        }
    }
}

/// The span of this router: in the trace that the propagator's headers name, else in that of the
/// application, else in a new one.
fn take_trace(
    headers: &mut HeaderMap,
    propagator: TracePropagator,
    adopted: Option<TraceId>,
) -> TraceId {
    let (ours, rate) = (trace::take(headers), sample::take(headers));
    let (parent, rate) = match propagator {
        TracePropagator::Default => (ours, rate),
        TracePropagator::Zipkin => b3::take(headers),
    };
    let trace = parent.or(adopted).map_or_else(TraceId::new_root, TraceId::new_child);
    match rate {
        Some(rate) => trace.with_sample_rate(rate),
        None => trace,
    }
}
