//! The proxy runtime.
