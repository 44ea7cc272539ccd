//! `/delegation.json` and `/delegation/events`: how a name resolves in a running router, with every
//! reason.
//!
//! ```json
//! {
//!   "router": "http",
//!   "path": "/svc/web",
//!   "override": "",
//!   "base": "/svc=>/#/io.l5d.fs",
//!   "request": {
//!     "method": "GET",
//!     "url": "http://web/",
//!     "headers": [["Host", "web"]],
//!     "identifier": "io.l5d.header.token",
//!     "name": "/svc/web"
//!   },
//!   "state": "bound",
//!   "summary": "bound to /#/io.l5d.fs/web, 1 address",
//!   "namers": ["/#/io.l5d.fs"],
//!   "steps": [],
//!   "clients": {
//!     "/#/io.l5d.fs/web": { "state": "bound", "addresses": ["127.0.0.1:8081"], "endpoints": [] }
//!   }
//! }
//! ```
//!
//! It is asked with the parameters `router` (may be left out if there is one), `path`, `dtab` (the
//! override) and `base` (a table to answer by, instead of the router's own). In the place of `path` may
//! stand `method`, `url` and any number of `header`, as `Name: value`: a request, whose overrides count
//! as they do from a trusted caller. They may be in a form that is posted.
//!
//! `request` is there if one was asked for; its `url` is as asked, `headers` are as a client would send
//! them. If no identifier names it, there is an `error` in place of `identifier` and `name`, `path` is
//! empty and so are the steps. `state` is `bound`, `neg`, `fail`, `empty`, `pending` (not known after
//! two seconds) or `failed`; `namers` are the configured prefixes; `steps` are as [`wire::view`] writes
//! them, and [`wire::read_view`] reads them back; `clients` has the leaves among them as `/clients.json`
//! has them, without their configuration.
//!
//! The events are called `delegation`. The first comes at once; then there is one whenever the answer
//! changes, also by a reload of the configuration, but for that of `clients` at most one a second.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::body::Body;
use dtab::view::{explain_short, view};
use dtab::{Bound, Delegation, Path, Step, wire};
use futures_util::stream;
use http::Response;
use serde_json::{Map, Value, json};
use tokio::time::{Interval, MissedTickBehavior};

use super::delegator::PATIENCE;
use super::dtabs::state;
use super::events::event;
use super::question::{Question, Resolvable, Wrong};
use super::{AdminContext, clients, security};
use crate::interpreter::Followed;

/// Where the events are.
pub(super) const EVENTS: &str = "/delegation/events";

/// How often the clients of a stream are looked at, and whether its configuration is still in force.
const LOOK: Duration = Duration::from_secs(1);

/// `/delegation.json`
pub(super) async fn explained(context: &AdminContext, question: &Question) -> Result<Value, Wrong> {
    let asked = question.resolvable(context)?;
    let delegation = match &asked.path {
        Some(path) => {
            let Resolvable { router, base, local, .. } = &asked;
            Some(router.interpreter.delegate(base, local, path, PATIENCE).await)
        }
        None => None,
    };
    Ok(answer(context, &asked, delegation.as_ref()))
}

fn answer(
    context: &AdminContext,
    asked: &Resolvable<'_>,
    delegation: Option<&Delegation>,
) -> Value {
    let Resolvable { router, path, base, local, request } = asked;
    let prefixes = router.interpreter.namers().prefixes();
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    put("router", json!(router.label));
    put("path", json!(path.as_ref().map(Path::to_string).unwrap_or_default()));
    put("override", json!(local.to_string()));
    put("base", json!(base.to_string()));
    if let Some(request) = request {
        put("request", request.clone());
    }
    let (state, summary, steps) = match delegation {
        Some(delegation) => (
            state(&delegation.bind()),
            explain_short(delegation, &prefixes),
            wire::view(&view(delegation)),
        ),
        None => ("failed", "no identifier names the request".to_owned(), json!([])),
    };
    put("state", json!(state));
    put("summary", json!(summary));
    put("namers", prefixes.iter().map(Path::to_string).collect());
    put("steps", steps);
    put("clients", clients_of(context, &router.label, delegation));
    Value::Object(shown)
}

/// How a name resolved, in the same form. What its clients are is as of now.
pub(super) fn as_it_was(
    context: &AdminContext,
    router: &str,
    path: &Path,
    local: &str,
    delegation: &Delegation,
    prefixes: &[Path],
) -> Value {
    json!({
        "router": router,
        "path": path.to_string(),
        "override": local,
        "state": state(&delegation.bind()),
        "summary": explain_short(delegation, prefixes),
        "namers": prefixes.iter().map(Path::to_string).collect::<Vec<_>>(),
        "steps": wire::view(&view(delegation)),
        "clients": clients_of(context, router, Some(delegation)),
    })
}

/// How the leaves fare, by their bound names.
fn clients_of(context: &AdminContext, router: &str, delegation: Option<&Delegation>) -> Value {
    let mut leaves: BTreeMap<&Path, &Bound> = BTreeMap::new();
    let mut open: Vec<&Delegation> = delegation.into_iter().collect();
    while let Some(step) = open.pop() {
        if let Step::Leaf(bound) = &step.step {
            leaves.insert(&bound.id, bound);
        }
        open.extend(step.children());
    }
    let shown =
        |bound: &Bound| clients::client(&bound.addr, &context.health.endpoints(router, &bound.id));
    let clients = leaves.into_iter().map(|(id, bound)| (id.to_string(), shown(bound)));
    Value::Object(clients.collect())
}

/// `/delegation/events`
pub(super) fn events(
    shared: &Arc<ArcSwap<AdminContext>>,
    question: Question,
) -> Result<Response<Body>, Wrong> {
    let context = shared.load_full();
    let followed = follow(&context, &question)?;
    let streams = context.delegations.clone();
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    looks.reset();
    let events = Events {
        shared: shared.clone(),
        context,
        question,
        followed,
        looks,
        delegation: None,
        sent: Value::Null,
    };
    Ok(streams.open(|| {
        stream::unfold(events, async |mut events| {
            let next = events.next().await?;
            Some((event("delegation", &next), events))
        })
    }))
}

/// The resolution of a question; none if it is one of a request without a name.
fn follow(context: &AdminContext, question: &Question) -> Result<Option<Followed>, Wrong> {
    let Resolvable { router, path, base, local, .. } = question.resolvable(context)?;
    Ok(path.map(|path| router.interpreter.follow(base, local, path)))
}

/// The events of one stream.
struct Events {
    shared: Arc<ArcSwap<AdminContext>>,
    /// That of the configuration that `followed` is under.
    context: Arc<AdminContext>,
    question: Question,
    followed: Option<Followed>,
    looks: Interval,
    /// The newest resolution that was sent.
    delegation: Option<Delegation>,
    sent: Value,
}

impl Events {
    /// The next answer that differs from the last one; none if the question has none any more, since
    /// the router is gone.
    async fn next(&mut self) -> Option<String> {
        loop {
            let delegation = match &mut self.followed {
                Some(followed) => tokio::select! {
                    delegation = followed.next() => Some(delegation),
                    _ = self.looks.tick() => {
                        self.reload()?;
                        if self.have_clients_changed() {
                            return Some(self.sent.to_string());
                        }
                        continue;
                    }
                },
                None => {
                    if !self.sent.is_null() {
                        self.looks.tick().await;
                        self.reload()?;
                    }
                    None
                }
            };
            if self.followed.is_some() && delegation.is_none() {
                continue;
            }
            let asked = self.question.resolvable(&self.context).ok()?;
            let answer = answer(&self.context, &asked, delegation.as_ref());
            self.delegation = delegation;
            if answer != self.sent {
                self.sent = answer;
                return Some(self.sent.to_string());
            }
        }
    }

    /// Takes over how the clients fare now; whether that is news.
    fn have_clients_changed(&mut self) -> bool {
        let Some(delegation) = &self.delegation else { return false };
        let router = self.sent["router"].as_str().unwrap_or_default();
        let clients = clients_of(&self.context, router, Some(delegation));
        if self.sent["clients"] == clients {
            return false;
        }
        self.sent["clients"] = clients;
        true
    }

    /// Goes on under the configuration that is in force; none if that has no answer.
    fn reload(&mut self) -> Option<()> {
        let context = self.shared.load_full();
        if !Arc::ptr_eq(&context, &self.context) {
            if !security::admits(context.security.as_ref(), EVENTS) {
                return None;
            }
            self.followed = follow(&context, &self.question).ok()?;
            self.delegation = None;
            self.context = context;
        }
        Some(())
    }
}
