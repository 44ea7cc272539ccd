//! The results as JSON.
//!
//! ```json
//! {
//!   "passed": 1, "failed": 1, "left_out": 0,
//!   "cases": [{
//!     "file": "routes.test.yaml", "line": 12, "name": "...", "passed": false,
//!     "path": "/svc/web", "override": "",
//!     "mismatches": [{ "what": "bound", "expected": "...", "got": "..." }],
//!     "state": "bound", "summary": "...", "command": "fingerpost delegate ...", "steps": []
//!   }],
//!   "coverage": {
//!     "dentries": { "reached": 9, "of": 10 },
//!     "branches": { "taken": 14, "evaluated": 15, "of": 16 },
//!     "missed": [{
//!       "dentry": "/svc => /a | /b", "place": { "file": "routes.dtab", "line": 4, "column": 1 },
//!       "branch": 2, "of": 2, "text": "/b", "evaluated": false
//!     }]
//!   }
//! }
//! ```
//!
//! `path`, `state`, `summary`, `command` and `steps` are null for a request that no identifier names;
//! `steps` are as in `fingerpost delegate --format json`.

use dtab::case::{Count, Coverage, Missed};
use dtab::wire;
use serde_json::{Value, json};

use super::suite::{Ran, Suite, coverage};
use super::text;

pub(super) fn report(suites: &[Suite], count: Count) -> Value {
    let sum = |number: fn(&Suite) -> usize| suites.iter().map(number).sum::<usize>();
    let cases = suites.iter().flat_map(|suite| suite.ran.iter().map(move |ran| case(suite, ran)));
    let missed: Vec<Value> = coverage(suites)
        .iter()
        .flat_map(|coverage| {
            coverage.missed().into_iter().map(|it| branch(coverage, &it)).collect::<Vec<_>>()
        })
        .collect();
    let Count { entries, all_entries, taken, evaluated, all_branches } = count;
    json!({
        "passed": sum(|suite| suite.counts().0),
        "failed": sum(|suite| suite.counts().1),
        "left_out": sum(|suite| suite.left_out),
        "cases": cases.collect::<Value>(),
        "coverage": {
            "dentries": { "reached": entries, "of": all_entries },
            "branches": { "taken": taken, "evaluated": evaluated, "of": all_branches },
            "missed": missed,
        },
    })
}

fn case(suite: &Suite, ran: &Ran) -> Value {
    let mismatches = ran
        .mismatches
        .iter()
        .map(|it| json!({ "what": it.what, "expected": it.expected, "got": it.got }));
    let resolved = ran.resolved.as_ref();
    json!({
        "file": suite.file,
        "line": ran.line,
        "name": ran.case.title,
        "passed": ran.passed(),
        "path": ran.case.name.as_ref().ok().map(dtab::Path::to_string),
        "override": ran.case.local.to_string(),
        "mismatches": mismatches.collect::<Value>(),
        "state": resolved.map(|it| &it.state),
        "summary": resolved.map(|it| it.verdict()),
        "command": text::command(suite, ran),
        "steps": resolved.map(|it| wire::view(&it.view)),
    })
}

fn branch(coverage: &Coverage, missed: &Missed) -> Value {
    let dentry = coverage.dtab().dentries().get(missed.entry);
    let place = dentry.and_then(|dentry| dentry.place()).map(|place| {
        let position = place.position();
        json!({ "file": place.source.name(), "line": position.line, "column": position.column })
    });
    json!({
        "dentry": dentry.map(|it| format!("{} => {}", it.prefix, it.dst)),
        "place": place,
        "branch": missed.branch + 1,
        "of": missed.of,
        "text": missed.text,
        "evaluated": missed.evaluated,
    })
}
