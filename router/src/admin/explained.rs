//! `/delegation.json`: how a name resolves in a running router, with every reason.

use std::sync::Arc;

use dtab::view::{explain_short, view};
use dtab::{Activity, Dtab, Path, wire};
use serde_json::{Value, json};

use super::delegator::PATIENCE;
use crate::interpreter::Interpreter;

/// The resolution of `path` by a router's own table and an override, for people and tools.
///
/// ```json
/// {
///   "router": "http",
///   "path": "/svc/web",
///   "override": "",
///   "state": "bound",
///   "summary": "bound to /#/io.l5d.fs/web, 1 address",
///   "namers": ["/#/io.l5d.fs"],
///   "steps": []
/// }
/// ```
///
/// `state` is `bound`, `neg`, `fail`, `empty`, `pending` (not known after two seconds) or
/// `failed`; `namers` are the configured prefixes; `steps` are as [`wire::view`] writes them, and
/// [`wire::read_view`] reads them back.
pub async fn explained(
    router: &str,
    interpreter: &Arc<Interpreter>,
    local: &Dtab,
    path: &Path,
) -> Value {
    let delegation = interpreter.delegate(interpreter.base(), local, path, PATIENCE).await;
    let prefixes = interpreter.namers().prefixes();
    let state = match delegation.bind() {
        Activity::Pending => "pending",
        Activity::Failed(_) => "failed",
        Activity::Ok(dtab::NameTree::Neg) => "neg",
        Activity::Ok(dtab::NameTree::Fail) => "fail",
        Activity::Ok(dtab::NameTree::Empty) => "empty",
        Activity::Ok(_) => "bound",
    };
    json!({
        "router": router,
        "path": path.to_string(),
        "override": local.to_string(),
        "state": state,
        "summary": explain_short(&delegation, &prefixes),
        "namers": prefixes.iter().map(Path::to_string).collect::<Vec<_>>(),
        "steps": wire::view(&view(&delegation)),
    })
}
