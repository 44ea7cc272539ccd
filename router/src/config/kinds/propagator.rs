//! `tracePropagator`: which headers carry the trace of a request.

/// Which headers carry the trace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TracePropagator {
    /// `io.l5d.default`: `l5d-ctx-trace`.
    #[default]
    Default,
    /// `io.l5d.zipkin`: the B3 headers.
    Zipkin,
}
