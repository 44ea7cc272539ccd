//! The proxy runtime: what a `linkerd.yaml` becomes when it runs.
//!
//! The way of a request:
//!
//! ```text
//! socket ─► server       limits and timers; one task per connection, on the worker that got it
//!       ─► proxy         head checked, context headers read
//!       ─► identifier    which logical name, such as /svc/web
//!       ─► proxy         the name's live binding, from a bounded cache; a leaf drawn by weight
//!       ─► client        that bound name's endpoints
//!       ─► balance       the least loaded of two endpoints drawn at random
//!       ─► client        a pooled connection, and the answer back the same way
//! ```
//!
//! Meanwhile, and never waited for by requests whose name is bound already:
//!
//! ```text
//! namer ─► naming ─► interpreter    discovery changes, drivers resolve again, bindings follow
//! ```
//!
//! | module | has |
//! |---|---|
//! | [`config`] | the file: read, checked, every mistake with its place |
//! | [`configured`] | namers, interpreters, identifiers and transformers as the file wants them |
//! | [`runtime`] | threads, listeners, signals; [`run`](runtime::run) is the whole program |
//! | `server` | one connection: limits, header and idle timers, draining |
//! | [`http`] | HTTP apart from any socket: framing, hop-by-hop and `l5d-` headers, errors |
//! | [`identifier`] | a request's logical name |
//! | `proxy` | one request from head to answer, the binding cache, statistics |
//! | [`interpreter`] | a router's table with its namers: binds names and explains them |
//! | [`naming`] | live names: watches, the drivers that keep a binding up to date, host names |
//! | [`namer`] | where names are found: discovery files, rewriting |
//! | [`snapshot`] | a router's table and discovery as a file, and names resolved from that |
//! | [`transformer`] | what changes a bound name's addresses |
//! | `client`, `balance` | endpoints of one bound name, their health, and which one is next |
//! | `accrual`, `backoff` | when an endpoint is left alone, and for how long |
//! | [`tls`] | certificates, handshakes with callers and services, files that change |
//! | `access_log` | a line for each exchange with a service, in a file that is rolled |
//! | [`telemetry`] | counters and histograms, and the pages that show them |
//! | [`admin`] | the server for operators |
//!
//! Names are resolved by `dtab` alone, on a snapshot of what the namers say; the proxy, the admin
//! pages and the command line all read the same [`Delegation`](dtab::Delegation).

mod access_log;
mod accrual;
pub mod admin;
mod backoff;
mod balance;
mod classifier;
mod client;
pub mod config;
pub mod configured;
mod dir_watcher;
mod entropy;
mod gather;
mod grpc;
pub mod html;
pub mod http;
pub mod identifier;
pub mod interpreter;
pub mod namer;
pub mod naming;
mod proxy;
mod retry;
pub mod runtime;
mod server;
pub mod snapshot;
pub mod telemetry;
pub mod tls;
pub mod transformer;
mod weak_table;
