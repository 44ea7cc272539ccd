//! Harness for tests that run real sockets and real processes.
//!
//! - [`free_port`]: a port on loopback that nobody listens on.
//! - [`Backend`]: an HTTP/1.1 server whose behaviour a test changes while it runs.
//! - [`RawClient`]: a client that sends exactly the bytes it is given and shows exactly those
//!   that came back.
//! - [`Proc`]: the `fingerpost` binary (or any other) as a child that cannot outlive its test.
//! - [`Setup`], [`Router`]: a router with its configuration and discovery directory.
//! - [`StrictEcho`], [`wire`]: a backend that takes HTTP/1.1 by the letter only, and its reading.
//! - [`http2`]: a service and a caller that speak HTTP/2.
//! - [`browser`]: a real browser that a test drives.
//! - [`installed()`]: programs of others that a test needs, or why it is ignored.
//! - [`conformance`]: the namers, transformers and cases that conformance vectors refer to.
//! - [`certs`], [`tls`]: certificates made for a test, and a backend's or client's side of TLS.
//! - [`procfs`]: what Linux knows of a process (memory, descriptors, CPU time, children).
//! - [`mod@bench`]: the comparison behind `tests/bench/run`.
//!
//! The harness panics where a test could not go on: the message names what was waited for and
//! what the child had printed. Everything here blocks; run it from plain test threads.

mod backend;
pub mod bench;
pub mod browser;
pub mod certs;
pub mod conformance;
pub mod http2;
mod installed;
mod port;
mod proc;
pub mod procfs;
mod raw_client;
mod setup;
mod strict_echo;
pub mod tls;
pub mod wire;

pub use backend::{Backend, Behaviour};
pub use installed::{grpc_interop, installed, installed_by_go};
pub use port::free_port;
pub use proc::{Proc, fingerpost_bin, wait_until};
pub use raw_client::{RawClient, RawResponse};
pub use setup::{Router, Setup};
pub use strict_echo::{Seen, StrictEcho};
