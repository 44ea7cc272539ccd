//! The HTTP/1.1 router end to end: the built binary on real sockets, one file for each theme.

#![allow(clippy::unwrap_used, reason = "all of it is tests, not only the functions so marked")]

mod admin;
mod framing;
mod headers;
mod lifecycle;
mod override_trust;
mod overrides;
mod pooling;
mod routing;
mod seen;
mod streaming;
mod traces;
mod upgrade;
