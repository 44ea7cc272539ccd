//! HTTP: the rules of a message head, apart from any socket.
//!
//! Everything in these modules is a function over [`HeaderMap`](::http::HeaderMap) and its
//! neighbours: what to read, strip, rewrite and add on the way through. The rules are Linkerd's as
//! observed; where ours is stricter on purpose, [`INTENDED_DIFFERENCES`] names it. Framing that
//! Linkerd lets pass and we do not is refused earlier, where the bytes are read.
//!
//! A request that needs no change costs no allocation here.

pub(crate) mod body;
pub mod errors;
pub mod forwarded;
pub(crate) mod frames;
pub mod framing;
pub mod headers;
pub mod hop_by_hop;
pub mod nack;
pub mod proxy_uri;
pub mod rewrite_host;
pub mod uri_reference;
pub(crate) mod version;
pub mod via;

/// A place where our behaviour is not Linkerd's, on purpose.
#[derive(Clone, Copy, Debug)]
pub struct IntendedDifference {
    /// The file of conformance vectors, without its ending.
    pub file: &'static str,
    /// The rule in it that ours departs from.
    pub rule: &'static str,
    /// What we do instead, and why.
    pub why: &'static str,
}

/// Every intended difference in this module's rules. The conformance runner counts such a vector as
/// passed only if what is described here is what happens.
pub const INTENDED_DIFFERENCES: &[IntendedDifference] = &[IntendedDifference {
    file: "http_filters",
    rule: "hop_by_hop/",
    why: "`Connection` never removes Host, Content-Length or an l5d- header: a caller could strip \
          the framing, the name or the context of a request that other hops rely on",
}];
