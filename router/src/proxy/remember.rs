//! What is remembered of a request, for `/requests.json`.

use std::time::Instant;

use dtab::Path;
use http::{HeaderValue, Response};

use super::answer::Refusal;
use super::bindings::{Choice, InUse};
use super::context::Context;
use super::dispatch::{Target, Way};
use super::{Caller, LocalServer};
use crate::http::body::ResponseBody;
use crate::http::headers::ERR;
use crate::telemetry::recent_requests::Ended;

impl LocalServer {
    /// Remembers a request that has been answered, or could not be.
    #[cold]
    pub(super) fn remember(
        &self,
        caller: &Caller,
        head: &http::request::Parts,
        in_use: &InUse,
        context: &Context,
        way: &Way,
        answer: Result<&Response<ResponseBody>, &Refusal>,
    ) {
        let entry = &in_use.entry;
        let Way { target, retries, endpoint, failed } = way;
        let client =
            target.as_ref().and_then(|Target { resolved, drawn }| match resolved.choice(*drawn) {
                Choice::Bound(leaf) => Some(&leaf.bound.id),
                Choice::Status(_) | Choice::Pending | Choice::NoBrokers => None,
            });
        let refused = answer.err().and_then(Refusal::binding);
        let binding = refused.or(target.as_ref().map(|target| &target.resolved.binding));
        let told = answer.ok().and_then(|response| response.headers().get(ERR)).map(told);
        self.router.recent.record(&Ended {
            caller: caller.remote,
            server: self.shared.address,
            service: Some(&entry.path),
            client,
            endpoint: *endpoint,
            method: &head.method,
            uri: &head.uri,
            status: answer.map_or_else(Refusal::status, Response::status),
            took: in_use.started.elapsed(),
            retries: *retries,
            overrides: (!entry.local.is_empty()).then(|| entry.local.to_string()),
            error: answer.err().map(Refusal::reason).or(told.as_deref()),
            trace: Some(context.trace),
            failed: *failed,
            binding,
        });
    }

    /// Remembers a request that came no further than its head: to its name and context, if they are
    /// known.
    #[cold]
    pub(super) fn remember_refused(
        &self,
        caller: &Caller,
        head: &http::request::Parts,
        named: Option<(&Path, &Context)>,
        refusal: &Refusal,
        came: Instant,
    ) {
        if !self.router.recent.wants_failure() {
            return;
        }
        let overrides = named.and_then(|(_, context)| context.overrides.as_ref());
        self.router.recent.record(&Ended {
            caller: caller.remote,
            server: self.shared.address,
            service: named.map(|(name, _)| name),
            client: None,
            endpoint: None,
            method: &head.method,
            uri: &head.uri,
            status: refusal.status(),
            took: came.elapsed(),
            retries: 0,
            overrides: overrides.map(|overrides| overrides.shown()),
            error: Some(refusal.reason()),
            trace: named.map(|(_, context)| context.trace),
            failed: true,
            binding: None,
        });
    }
}

/// What a router behind this one says of an error: a form value in ISO-8859-1.
fn told(value: &HeaderValue) -> String {
    let text = String::from_utf8_lossy(value.as_bytes()).replace('+', " ");
    percent_encoding::percent_decode_str(&text).map(char::from).collect()
}
