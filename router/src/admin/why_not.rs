//! `/why-not.json`: whether a name or a request reaches a destination by a running router, and what
//! keeps it from it.
//!
//! It is asked as `/delegation.json` is, with a `destination` beside: a bound name such as
//! `/#/io.l5d.fs/web`, the beginning of one, or an address. The answer is as [`wire::why_not`] writes
//! it, with the `router`, the `override` and the `base`, and `request` if one was asked for. A request
//! that no identifier names has an `answer` that says so, and no `reasons`.

use dtab::why_not::Destination;
use dtab::wire;
use serde_json::{Value, json};

use super::AdminContext;
use super::delegator::PATIENCE;
use super::query::Params;
use super::question::{Question, Resolvable, Wrong, bad};

pub(super) async fn why_not(context: &AdminContext, params: &Params) -> Result<Value, Wrong> {
    let destination = params.get("destination").map(str::trim).unwrap_or_default();
    if destination.is_empty() {
        let why = "Invalid destination: none is given, as in ?destination=/%23/io.l5d.fs/web\n";
        return Err(bad(why.to_owned()));
    }
    let destination: Destination =
        destination.parse().map_err(|error| bad(format!("Invalid destination: {error}\n")))?;
    let question = Question::read(params)?;
    let Resolvable { router, path, base, local, request } = question.resolvable(context)?;
    let mut answer = match &path {
        Some(path) => {
            let interpreter = &router.interpreter;
            let why = interpreter.why_not(&base, &local, path, &destination, PATIENCE).await;
            wire::why_not(&why)
        }
        None => json!({
            "path": "",
            "destination": destination.to_string(),
            "reaches": false,
            "probability": 0.0,
            "answer": "No identifier names the request.",
            "reasons": [],
            "would": [],
        }),
    };
    answer["router"] = json!(router.label);
    answer["override"] = json!(local.to_string());
    answer["base"] = json!(base.to_string());
    if let Some(request) = request {
        answer["request"] = request;
    }
    Ok(answer)
}
