//! The dtab language.
