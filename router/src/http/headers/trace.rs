//! `l5d-ctx-trace` and `l5d-reqid`: which trace a request belongs to.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::{HeaderMap, HeaderValue};

use super::{CTX_TRACE, REQID};
use crate::entropy;

/// Standard base64, as Java's decoder takes it: padding may be left out, and bits left over in the
/// last character do not matter.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes base64 as Java does; padding is all there or not there at all.
pub(super) fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    if text.ends_with(b"=") && !text.len().is_multiple_of(4) {
        return None;
    }
    BASE64.decode(text).ok()
}

/// A span, its parent, and the trace they belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId {
    /// This span.
    pub span: u64,
    /// The span that caused it; itself at the root.
    pub parent: u64,
    /// The root span's id, or the low half of a 128-bit trace id.
    pub trace: u64,
    /// The high half of a 128-bit trace id.
    pub trace_high: Option<u64>,
    /// Debug and sampling flags.
    pub flags: u64,
}

impl TraceId {
    /// Flag: trace this whatever the samplers say.
    pub const DEBUG: u64 = 1;
    /// Flag: whether to sample has been decided.
    pub const SAMPLING_KNOWN: u64 = 2;
    /// Flag: the decision was to sample.
    pub const SAMPLED: u64 = 4;

    /// The root of a new trace.
    pub fn new_root() -> Self {
        let id = entropy::next_u64();
        TraceId { span: id, parent: id, trace: id, trace_high: None, flags: 0 }
    }

    /// A new span that this one causes.
    #[must_use]
    pub fn new_child(self) -> Self {
        TraceId { span: entropy::next_u64(), parent: self.span, ..self }
    }

    /// Whether the trace is recorded, if that has been decided.
    pub fn sampled(self) -> Option<bool> {
        if self.flags & Self::DEBUG != 0 {
            return Some(true);
        }
        (self.flags & Self::SAMPLING_KNOWN != 0).then_some(self.flags & Self::SAMPLED != 0)
    }

    /// The same id with the decision made.
    #[must_use]
    pub fn with_sampled(mut self, sampled: bool) -> Self {
        self.flags |= Self::SAMPLING_KNOWN;
        if sampled {
            self.flags |= Self::SAMPLED;
        }
        self
    }

    /// The same id with the decision that a sample rate between 0 and 1 makes.
    ///
    /// It depends on the trace's id alone, so every hop that has the same rate decides alike. What
    /// has been decided stays decided.
    #[must_use]
    pub fn with_sample_rate(self, rate: f32) -> Self {
        if self.sampled().is_some() {
            return self;
        }
        // The top 53 bits are exact in a double, so 1 is always above and 0 never.
        let point =
            (self.trace.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1_u64 << 53) as f64;
        self.with_sampled(point < f64::from(rate))
    }

    /// Reads the wire form: span, parent, trace and flags, 8 bytes each, and 8 more for a 128-bit
    /// trace id; all big-endian.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != 32 && bytes.len() != 40 {
            return None;
        }
        let mut words = bytes.chunks_exact(8).filter_map(|word| word.try_into().ok());
        let mut next = || words.next().map(u64::from_be_bytes);
        Some(TraceId {
            span: next()?,
            parent: next()?,
            trace: next()?,
            flags: next()?,
            trace_high: next(),
        })
    }

    /// Reads the value of `l5d-ctx-trace`.
    pub fn from_base64(text: &[u8]) -> Option<Self> {
        // Longer than 40 bytes can be; no need to decode it.
        if text.len() > 56 {
            return None;
        }
        TraceId::from_bytes(&decode_base64(text)?)
    }

    /// Writes the value of `l5d-ctx-trace`.
    pub fn to_base64(self) -> String {
        let mut bytes = [0; 40];
        let words = [self.span, self.parent, self.trace, self.flags, self.trace_high.unwrap_or(0)];
        for (to, word) in bytes.chunks_exact_mut(8).zip(words) {
            to.copy_from_slice(&word.to_be_bytes());
        }
        BASE64.encode(if self.trace_high.is_some() { &bytes[..] } else { &bytes[..32] })
    }
}

/// The trace that a request belongs to, by its first `l5d-ctx-trace`; an unreadable one is none.
pub fn read(headers: &HeaderMap) -> Option<TraceId> {
    TraceId::from_base64(headers.get(CTX_TRACE)?.as_bytes())
}

/// Reads the trace and removes its header.
pub fn take(headers: &mut HeaderMap) -> Option<TraceId> {
    let id = read(headers);
    headers.remove(CTX_TRACE);
    id
}

/// Hands a span on to the next hop, with the trace's id in `l5d-reqid`.
pub fn write(headers: &mut HeaderMap, id: TraceId) {
    // Base64 and hexadecimal digits: these cannot fail.
    if let Ok(value) = HeaderValue::try_from(id.to_base64()) {
        headers.insert(CTX_TRACE, value);
    }
    if let Ok(value) = HeaderValue::from_bytes(&hex(id.trace)) {
        headers.insert(REQID, value);
    }
}

/// All 16 digits. Every request has one, and `format!` takes several times as long.
fn hex(id: u64) -> [u8; 16] {
    std::array::from_fn(|at| b"0123456789abcdef"[(id >> (60 - 4 * at)) as usize & 0xf])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_belongs_to_its_parents_trace() {
        let root = TraceId::new_root();
        let child = root.new_child();
        assert_eq!((child.parent, child.trace), (root.span, root.trace));
        assert_ne!(child.span, root.span);
    }

    #[test]
    fn a_sample_rate_decides_once() {
        let root = TraceId::new_root();
        assert_eq!(root.sampled(), None);
        assert_eq!(root.with_sample_rate(1.0).sampled(), Some(true));
        assert_eq!(root.with_sample_rate(0.0).sampled(), Some(false));
        assert_eq!(root.with_sample_rate(0.0).with_sample_rate(1.0).sampled(), Some(false));
    }

    #[test]
    fn half_of_the_traces_are_sampled_at_half() {
        let sampled = |&trace: &u64| {
            let id = TraceId { trace, ..TraceId::new_root() };
            id.with_sample_rate(0.5).sampled() == Some(true)
        };
        let count = (0..10_000).filter(sampled).count();
        assert!((4_500..5_500).contains(&count), "{count}");
    }

    #[test]
    fn a_value_of_another_length_is_no_trace() {
        for length in [0, 31, 33, 39, 41, 48] {
            let text = BASE64.encode(vec![1; length]);
            assert_eq!(TraceId::from_base64(text.as_bytes()), None, "{length} bytes");
        }
    }

    #[test]
    fn base64_is_read_as_java_does() {
        for (text, bytes) in
            [("L2E=", Some("/a")), ("L2E", Some("/a")), ("", Some("")), ("L2F=", Some("/a"))]
        {
            assert_eq!(decode_base64(text.as_bytes()), bytes.map(Vec::from), "{text:?}");
        }
        for text in ["L2=", "L2E==", "L", "=", "====", "L2E=L2E=", " L2E=", "L2E\n"] {
            assert_eq!(decode_base64(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn ids_of_both_lengths_read_back() {
        for trace_high in [None, Some(7)] {
            let id = TraceId { trace_high, flags: 6, ..TraceId::new_root() };
            assert_eq!(TraceId::from_base64(id.to_base64().as_bytes()), Some(id));
        }
    }
}
