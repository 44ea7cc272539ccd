//! Trying again: who pays for it ([`budget`]), and what is sent ([`replay`]).
//!
//! Retries help against an endpoint that fails now and then, and make it worse when a service is
//! down: each caller then sends several times what it would. So they are paid for: every request
//! deposits a fraction of a retry, and when nothing is left, failures are passed on as they are
//! (see "Fixing retries with token buckets and circuit breakers", M. Brooker, 2022, for why this
//! holds and a count per request does not).
//!
//! There are two kinds. A *requeue* sends again what was surely not delivered; the client does it,
//! nobody notices. A *retry* sends again what was delivered and failed, if the service's
//! [classifier](crate::classifier) says that it may; it begins anew, so that it may take another
//! branch of a union, and another endpoint.

pub(crate) mod budget;
pub(crate) mod replay;
