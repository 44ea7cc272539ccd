//! What an editor of dtabs asks: `/dtab/check.json`, `/dtab/compare.json`, `/dtab/words.json`. Nothing
//! is changed by asking.

use std::sync::Arc;
use std::time::Duration;

use dtab::lint::{Known, lint};
use dtab::view::{explain_short, spread};
use dtab::{Activity, Addr, Delegation, Dtab, NameTree, Path, Source, Span};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::AdminRouter;

/// Names that are compared at a time; more are counted and left out.
pub(super) const MAX_NAMES: usize = 1000;

/// How long one resolution of a comparison may wait for a namer, and all of them together.
const PATIENCE: Duration = Duration::from_millis(500);
const PATIENCE_IN_ALL: Duration = Duration::from_secs(10);

/// The findings about a dtab, as `fingerpost check` has them. If it has no mistakes it is `ok` and has a
/// canonical layout; what is found then is hardly meant, and yet may be put in force.
///
/// ```json
/// {
///   "ok": false,
///   "formatted": null,
///   "diagnostics": [{
///     "code": "...", "severity": "error", "message": "...", "help": null,
///     "line": 1, "column": 6, "start": 5, "end": 7,
///     "labels": [{ "start": 5, "end": 7, "text": "..." }],
///     "fixes": [{ "label": "...", "start": 5, "end": 7, "replacement": "=>" }]
///   }]
/// }
/// ```
///
/// `start` and `end` count UTF-16 units, as browsers and language servers do.
pub(super) fn check(text: &str) -> Value {
    let source = Source::new("dtab", text);
    let (table, mut found) = dtab::check_dtab(&source);
    let is_right = found.is_empty();
    if is_right {
        found = lint(&table, &source, &Known::default());
    }
    let units = |span: Span| {
        let at = |byte: u32| {
            let byte = text.floor_char_boundary(byte as usize);
            text[..byte].encode_utf16().count()
        };
        (at(span.start), at(span.end))
    };
    let diagnostics = found.iter().map(|found| {
        let position = found.position(&source);
        let (start, end) = units(found.span());
        let labels = found.labels.iter().map(|label| {
            let (start, end) = units(label.span);
            json!({ "start": start, "end": end, "text": label.text })
        });
        let fixes = found.fix.iter().map(|fix| {
            let (start, end) = units(fix.span);
            let label = match fix.replacement.as_str() {
                "" => "Take it out".to_owned(),
                _ if start == end => format!("Put in {}", fix.replacement.trim()),
                _ => format!("Change it to {}", fix.replacement.trim()),
            };
            json!({ "label": label, "start": start, "end": end, "replacement": fix.replacement })
        });
        json!({
            "code": found.code.name(),
            "severity": found.severity.name(),
            "message": found.message,
            "help": found.help,
            "line": position.line,
            "column": position.column,
            "start": start,
            "end": end,
            "labels": labels.collect::<Vec<_>>(),
            "fixes": fixes.collect::<Vec<_>>(),
        })
    });
    let diagnostics: Vec<_> = diagnostics.collect();
    json!({
        "ok": is_right,
        "formatted": dtab::format(text).ok(),
        "diagnostics": diagnostics,
    })
}

/// What a router's table, namers and requests know by name, to be offered while one types.
///
/// `{"prefixes": ["/svc"], "namers": ["/#/io.l5d.fs"], "names": ["/svc/web"],
/// "bound": ["/#/io.l5d.fs/web"]}`: left sides of the table, prefixes of namers, names in use, and
/// what they are bound to or namers can list.
pub(super) fn words(router: &AdminRouter) -> Value {
    let interpreter = &router.interpreter;
    let sorted = |mut words: Vec<String>| {
        words.sort_unstable();
        words.dedup();
        words.truncate(MAX_NAMES);
        words
    };
    let shown = |paths: Vec<Path>| sorted(paths.iter().map(Path::to_string).collect());
    let mut bound: Vec<_> = interpreter.bound().into_iter().map(|bound| bound.id).collect();
    bound.extend(interpreter.namers().bound_names());
    let prefixes = interpreter.base().iter().map(|dentry| dentry.prefix.to_string());
    json!({
        "prefixes": sorted(prefixes.collect()),
        "namers": shown(interpreter.namers().prefixes()),
        "names": shown(interpreter.bound_names()),
        "bound": shown(bound),
    })
}

/// Two tables to be compared.
pub(super) struct Comparison {
    /// The router's own unless another is given.
    pub(super) before: Dtab,
    pub(super) after: Dtab,
    /// An override under both.
    pub(super) local: Dtab,
    /// In use unless others are given.
    pub(super) names: Vec<Path>,
}

/// Which names come to something else by the second table.
///
/// ```json
/// {
///   "counted": 12, "changed": 1, "left_out": 0,
///   "names": [{
///     "path": "/svc/web", "changed": true,
///     "before": {
///       "state": "bound", "summary": "bound to ...",
///       "leaves": [{ "bound": "/#/io.l5d.fs/web", "residual": "", "probability": 1.0,
///                    "addresses": ["127.0.0.1:8080"] }]
///     },
///     "after": { "state": "neg", "summary": "no dentry matches", "leaves": [] }
///   }]
/// }
/// ```
///
/// Names that change come first. What is not known in time is `pending`.
pub(super) async fn compare(router: &AdminRouter, comparison: Comparison) -> Value {
    let Comparison { before, after, local, names } = comparison;
    let interpreter = &router.interpreter;
    let prefixes = interpreter.namers().prefixes();
    let until = Instant::now() + PATIENCE_IN_ALL;
    let (counted, left_out) = (names.len().min(MAX_NAMES), names.len().saturating_sub(MAX_NAMES));
    let (mut changed, mut same) = (Vec::new(), Vec::new());
    for path in names.into_iter().take(MAX_NAMES) {
        let mut sides = Vec::with_capacity(2);
        for table in [&before, &after] {
            let left = until.saturating_duration_since(Instant::now());
            let patience = PATIENCE.min(left);
            sides.push(interpreter.delegate(table, &local, &path, patience).await);
            // Other requests of operators have their turn.
            tokio::task::yield_now().await;
        }
        let [one, other] = [0, 1].map(|at| outcome(&sides[at], &prefixes));
        let differs = one["state"] != other["state"] || one["leaves"] != other["leaves"];
        let row = json!({
            "path": path.to_string(),
            "changed": differs,
            "before": one,
            "after": other,
        });
        if differs { changed.push(row) } else { same.push(row) }
    }
    let count = changed.len();
    changed.extend(same);
    json!({ "counted": counted, "changed": count, "left_out": left_out, "names": changed })
}

/// What becomes of requests for a name.
fn outcome(delegation: &Delegation, prefixes: &[Path]) -> Value {
    let tree = delegation.bind();
    json!({
        "state": state(&tree),
        "summary": explain_short(delegation, prefixes),
        "leaves": match &tree {
            Activity::Ok(tree) => leaves(tree),
            Activity::Pending | Activity::Failed(_) => Vec::new(),
        },
    })
}

/// `bound`, `neg`, `fail`, `empty`, `pending` or `failed`.
pub(super) fn state<T>(tree: &Activity<NameTree<T>>) -> &'static str {
    match tree {
        Activity::Pending => "pending",
        Activity::Failed(_) => "failed",
        Activity::Ok(NameTree::Neg) => "neg",
        Activity::Ok(NameTree::Fail) => "fail",
        Activity::Ok(NameTree::Empty) => "empty",
        Activity::Ok(_) => "bound",
    }
}

fn leaves(tree: &NameTree<dtab::Bound>) -> Vec<Value> {
    let leaf = |(bound, share): (Option<&dtab::Bound>, f64)| {
        let bound = bound?;
        let addresses: Vec<_> = match &bound.addr {
            Addr::Bound(set) => set.endpoints().iter().map(|it| it.socket.to_string()).collect(),
            Addr::Neg | Addr::Pending | Addr::Failed(_) | Addr::Status(_) => Vec::new(),
        };
        Some(json!({
            "bound": bound.id.to_string(),
            "residual": if bound.residual.is_empty() { String::new() } else { bound.residual.to_string() },
            "probability": share,
            "addresses": addresses,
        }))
    };
    spread(tree).into_iter().filter_map(leaf).collect()
}

/// Reads a dtab of a question, or says what is wrong with it.
pub(super) fn read(what: &str, text: &str) -> Result<Dtab, String> {
    let source: Arc<Source> = Source::new(what, text);
    Dtab::parse_source(&source).map_err(|error| format!("Invalid dtab ({what}): {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identifier::IdentifierChain;
    use crate::interpreter::Interpreter;
    use crate::naming::{Hosts, LiveNamers};

    #[test]
    fn findings_count_in_the_units_of_browsers() {
        let text = "# 🦀 é\n/svc = /host";
        let found = check(text);
        let first = &found["diagnostics"][0];
        let start = first["start"].as_u64().unwrap() as usize;
        let units: Vec<u16> = text.encode_utf16().collect();
        assert_eq!(String::from_utf16_lossy(&units[start..=start]), "=", "{found:#}");
        let fix = &first["fixes"][0];
        let (from, to) = (fix["start"].as_u64().unwrap(), fix["end"].as_u64().unwrap());
        let mut mended = units[..from as usize].to_vec();
        mended.extend(fix["replacement"].as_str().unwrap().encode_utf16());
        mended.extend(&units[to as usize..]);
        let mended = check(&String::from_utf16_lossy(&mended));
        assert_eq!(mended["ok"], true, "{found:#}\n{mended:#}");
        assert_eq!(mended["formatted"], "# 🦀 é\n/svc => /host ;\n");
    }

    fn router(table: &str) -> AdminRouter {
        let rt = tokio::runtime::Handle::current();
        let namers = Arc::new(LiveNamers::new(Vec::new(), Hosts::system(rt.clone())));
        AdminRouter {
            version: http::Version::HTTP_11,
            label: "http".to_owned(),
            identifier: Arc::new(IdentifierChain::new(Vec::new())),
            interpreter: Interpreter::new(Dtab::parse(table).unwrap(), namers, Vec::new(), rt),
        }
    }

    #[tokio::test]
    async fn names_that_change_come_first_with_both_destinations() {
        let router = router("/svc => /$/inet/127.1 ; /old => /svc/1");
        let comparison = |after: &str, local: &str| Comparison {
            before: router.interpreter.base().clone(),
            after: Dtab::parse(after).unwrap(),
            local: Dtab::parse(local).unwrap(),
            names: ["/svc/1", "/svc/2", "/none"].map(|name| name.parse().unwrap()).into(),
        };
        let after = "/svc => /$/inet/127.1 ; /svc/2 => 0.9 * /svc/3 & 0.1 * /svc/4";
        insta::assert_json_snapshot!(compare(&router, comparison(after, "")).await);
        let hidden = compare(&router, comparison(after, "/svc/2 => /svc/1")).await;
        assert_eq!(hidden["changed"], 0, "the override wins under both: {hidden:#}");
    }

    #[tokio::test]
    async fn words_are_what_the_router_knows() {
        let router = router("/svc => /$/inet/127.1 ; /old => /svc/1 ; /svc => /host");
        let handle = router.interpreter.bind(&Dtab::empty(), &"/old".parse().unwrap());
        let words = words(&router);
        assert_eq!(words["prefixes"], json!(["/old", "/svc"]));
        assert_eq!(words["names"], json!(["/old"]));
        drop(handle);
    }

    #[test]
    fn whatever_is_checked_something_comes_of_it() {
        for text in ["", ";", "/a", "/a =>", "\u{feff}/a=>/b", "/a => /b & & |", "\0", "\u{1f980}"]
        {
            let found = check(text);
            let empty = found["diagnostics"].as_array().unwrap().is_empty();
            assert_eq!(found["ok"], empty, "{text:?}");
        }
    }
}
