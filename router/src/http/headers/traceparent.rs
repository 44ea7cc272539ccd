//! `traceparent` (W3C): the trace of an application, which a router is one more span of.
//!
//! Linkerd does not know it, and lets it pass. We hand it on with a span of our own and the same
//! trace and flags, so that whoever looks at the trace sees the router between the services;
//! `tracestate` stays as it is. One that cannot be read passes untouched: it is not ours to mend.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::trace::TraceId;

/// `traceparent`: <https://www.w3.org/TR/trace-context/>
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The fields of a `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace's id; not 0.
    pub trace: u128,
    /// The span of whoever sent it; not 0.
    pub span: u64,
    /// Bit 0: whether the sender records the trace. The others are handed on.
    pub flags: u8,
}

/// Reads the header; none if there are several, or one that is not well formed.
pub fn read(headers: &HeaderMap) -> Option<TraceParent> {
    let mut lines = headers.get_all(TRACEPARENT).into_iter();
    match (lines.next(), lines.next()) {
        (Some(line), None) => TraceParent::parse(line.as_bytes()),
        _ => None,
    }
}

/// Hands the trace on, as caused by the span of this router.
pub fn write(headers: &mut HeaderMap, parent: TraceParent, span: u64) {
    let TraceParent { trace, flags, .. } = parent;
    // Digits and hyphens: this cannot fail.
    if let Ok(value) = HeaderValue::try_from(format!("00-{trace:032x}-{span:016x}-{flags:02x}")) {
        headers.insert(TRACEPARENT, value);
    }
}

impl TraceParent {
    /// Reads `00-<32 digits>-<16 digits>-<2 digits>`. A later version may have more behind another
    /// hyphen, and is handed on as version 00 (Trace Context, 3.2.4 and 4.3).
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (fields, more) = text.split_at_checked(55)?;
        if [fields[2], fields[35], fields[52]] != *b"---" {
            return None;
        }
        let version = hex(&fields[..2])?;
        let known =
            if version == 0 { more.is_empty() } else { more.first().is_none_or(|&b| b == b'-') };
        if version == 0xff || !known {
            return None;
        }
        let trace = hex(&fields[3..35])?;
        let span = u64::try_from(hex(&fields[36..52])?).ok()?;
        let flags = u8::try_from(hex(&fields[53..])?).ok()?;
        (trace != 0 && span != 0).then_some(TraceParent { trace, span, flags })
    }

    /// The same as a span of ours: the trace's id, who caused it, and whether it is sampled.
    pub fn to_trace_id(self) -> TraceId {
        let (high, low) = ((self.trace >> 64) as u64, self.trace as u64);
        let id = TraceId {
            span: self.span,
            parent: self.span,
            trace: low,
            trace_high: Some(high),
            flags: 0,
        };
        id.with_sampled(self.flags & 1 != 0)
    }
}

/// Lower-case digits only.
fn hex(digits: &[u8]) -> Option<u128> {
    let lower = digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let digits = std::str::from_utf8(digits).ok().filter(|_| lower)?;
    u128::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_trace_goes_on_with_a_span_of_ours() {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, HeaderValue::from_static(SENT));
        let parent = read(&headers).expect("it is well formed");
        write(&mut headers, parent, 0xa1);
        let ours = "00-4bf92f3577b34da6a3ce929d0e0e4736-00000000000000a1-01";
        assert_eq!(headers[TRACEPARENT], ours);
    }

    #[test]
    fn it_makes_a_trace_of_128_bits() {
        let id = TraceParent::parse(SENT.as_bytes()).expect("it is well formed").to_trace_id();
        assert_eq!(id.trace_high, Some(0x4bf9_2f35_77b3_4da6));
        assert_eq!((id.trace, id.span), (0xa3ce_929d_0e0e_4736, 0x00f0_67aa_0ba9_02b7));
        assert_eq!(id.sampled(), Some(true));
    }

    #[test]
    fn only_what_is_well_formed_counts() {
        let later = SENT.replacen("00", "01", 1);
        for good in [SENT, &later, &format!("{later}-more")] {
            assert!(TraceParent::parse(good.as_bytes()).is_some(), "{good}");
        }
        let zero_trace = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let zero_span = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        let long = format!("{SENT}-more");
        let joined = format!("{later}x");
        let upper = SENT.replace("4bf", "4BF");
        let invalid = SENT.replacen("00", "ff", 1);
        let signed = SENT.replace("-01", "-+1");
        let bad =
            [zero_trace, zero_span, &long, &joined, &upper, &invalid, &signed, "", &SENT[1..]];
        for bad in bad {
            assert_eq!(TraceParent::parse(bad.as_bytes()), None, "{bad}");
        }
        let mut twice = HeaderMap::new();
        twice.append(TRACEPARENT, HeaderValue::from_static(SENT));
        twice.append(TRACEPARENT, HeaderValue::from_static(SENT));
        assert_eq!(read(&twice), None);
    }
}
