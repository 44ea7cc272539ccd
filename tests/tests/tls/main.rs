//! TLS end to end: the built binary on real sockets with real certificates, one file for each theme.

#![allow(clippy::unwrap_used, reason = "all of it is tests, not only the functions so marked")]

mod clients;
mod faults;
mod forwarded_cert;
mod rotation;
mod servers;

use tempfile::TempDir;
use tests::certs::Authority;

/// A directory for certificates, with an authority named `ca`.
fn authority() -> (TempDir, Authority) {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new(dir.path(), "ca");
    (dir, authority)
}
