//! The B3 headers of Zipkin, which carry the trace of a request for the propagator `io.l5d.zipkin`.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::trace::TraceId;
use super::{sample, text};

/// `x-b3-traceid`: 16 or 32 hexadecimal digits.
pub const TRACE: HeaderName = HeaderName::from_static("x-b3-traceid");
/// `x-b3-spanid`
pub const SPAN: HeaderName = HeaderName::from_static("x-b3-spanid");
/// `x-b3-parentspanid`
pub const PARENT: HeaderName = HeaderName::from_static("x-b3-parentspanid");
/// `x-b3-sampled`: 1 or 0; read as a sample rate.
pub const SAMPLED: HeaderName = HeaderName::from_static("x-b3-sampled");
/// `x-b3-flags`: the flags of [`TraceId`], in decimal.
pub const FLAGS: HeaderName = HeaderName::from_static("x-b3-flags");

/// The trace that a request belongs to. There must be a span; what else is missing is its own root.
pub fn read(headers: &HeaderMap) -> Option<TraceId> {
    let span = half(headers, &SPAN)?;
    let parent = half(headers, &PARENT);
    let (trace_high, trace) = match headers.get(TRACE).and_then(|value| full(&text(value))) {
        Some((high, low)) => (high, low),
        None => (None, parent.unwrap_or(span)),
    };
    let flags = headers.get(FLAGS).and_then(|value| text(value).trim().parse().ok()).unwrap_or(0);
    Some(TraceId { span, parent: parent.unwrap_or(trace), trace, trace_high, flags })
}

/// Reads the trace and the sample rate, and removes their headers.
pub fn take(headers: &mut HeaderMap) -> (Option<TraceId>, Option<f32>) {
    let taken = (read(headers), headers.get(SAMPLED).and_then(sample::read_value));
    for name in [TRACE, SPAN, PARENT, SAMPLED, FLAGS] {
        headers.remove(name);
    }
    taken
}

/// Hands a span on to the next hop. One that nobody has decided on is not sampled.
pub fn write(headers: &mut HeaderMap, id: TraceId) {
    let trace = match id.trace_high {
        Some(high) => format!("{high:016x}{:016x}", id.trace),
        None => format!("{:016x}", id.trace),
    };
    let sampled = if id.sampled() == Some(true) { "1" } else { "0" };
    let fields = [
        (TRACE, trace),
        (SPAN, format!("{:016x}", id.span)),
        (PARENT, format!("{:016x}", id.parent)),
        (SAMPLED, sampled.to_owned()),
        (FLAGS, id.flags.to_string()),
    ];
    for (name, value) in fields {
        // Digits: this cannot fail.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
}

fn half(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    match full(&text(headers.get(name)?))? {
        (None, id) => Some(id),
        (Some(_), _) => None,
    }
}

/// An id of up to 16 digits, or of up to 32 with its high half.
fn full(digits: &str) -> Option<(Option<u64>, u64)> {
    let digits = digits.trim();
    if digits.is_empty() || digits.len() > 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let (high, low) = digits.split_at(digits.len().saturating_sub(16));
    let high = if high.is_empty() { None } else { Some(u64::from_str_radix(high, 16).ok()?) };
    Some((high, u64::from_str_radix(low, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(HeaderName, &'static str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn what_is_written_reads_back() {
        for trace_high in [None, Some(7)] {
            let id = TraceId { trace_high, ..TraceId::new_root() }.with_sampled(true).new_child();
            let mut headers = HeaderMap::new();
            write(&mut headers, id);
            assert_eq!(headers.len(), 5);
            assert_eq!(take(&mut headers), (Some(id), Some(1.0)));
            assert!(headers.is_empty());
        }
    }

    #[test]
    fn a_span_is_enough() {
        let id = read(&headers(&[(SPAN, "a1")])).expect("a span");
        assert_eq!((id.span, id.parent, id.trace, id.flags), (0xa1, 0xa1, 0xa1, 0));
        let all = [(SPAN, "2"), (PARENT, "3"), (TRACE, "00000000000000040000000000000005")];
        let id = read(&headers(&all)).expect("a span");
        assert_eq!((id.span, id.parent, id.trace, id.trace_high), (2, 3, 5, Some(4)));
        assert_eq!(read(&headers(&[(TRACE, "5")])), None);
        for bad in ["", "x", "-1", "00000000000000000000000000000000a"] {
            assert_eq!(read(&headers(&[(SPAN, bad)])), None, "{bad}");
        }
    }

    #[test]
    fn a_span_that_nobody_decided_on_is_not_sampled() {
        let mut headers = HeaderMap::new();
        write(&mut headers, TraceId::new_root());
        assert_eq!(headers[SAMPLED], "0");
        write(&mut headers, TraceId::new_root().with_sampled(true));
        assert_eq!(headers[SAMPLED], "1");
    }
}
