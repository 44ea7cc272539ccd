//! Fingerpost for people: the command line, and the pictures that it draws of a resolution.
//!
//! Everything here is an outside: it reads files and arguments, asks the `dtab` crate or a running
//! router, and shows the answer. No rule of the language and none of routing lives here; what a
//! name resolves to is decided by the one evaluator, and [`view`] only draws its answer.

pub mod cli;
pub mod demo;
mod lint;
pub mod lsp;
pub mod view;
pub mod web;
