//! The conformance vectors: what Finagle 21.4.0 and Linkerd 1.7.5 answer, and whether we do.
//!
//! `cargo test -p tests --test conformance` reads the folder in `CONFORMANCE_DIR`, or else
//! `fixtures/conformance`, whose README says what each file holds. It prints `NAME: passed of total`
//! for each file, every failing vector with its input, what is expected and what came, and last
//! `N passed, N failed`. It fails if a file that is to be complete is not, if there is a file that
//! nothing here reads, or if one of `fixtures/conformance` is missing. A folder of one's own need
//! not hold them all.
//!
//! To add a file: a module with `fn answer`, and a row in [`RUNNERS`].

mod bind;
mod delegate;
mod delegate_api;
mod dtab_ops;
mod fs;
mod headers;
mod http_filters;
mod identifiers;
mod name_trees;
mod syntax;
mod trees;
mod utility;
mod vectors;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::Value;

use crate::vectors::{Tally, documented_nowhere, same, verbatim};

/// How the vectors of one file are run.
struct Runner {
    /// The file's name, without its ending.
    file: &'static str,
    /// Whether every vector must pass.
    complete: bool,
    /// Our answer to a vector, in the shape of its `expect`; the folder holds what vectors refer to.
    answer: fn(&Path, &Value) -> Value,
    /// Whether our answer to a vector is the expected one.
    agrees: fn(&Value, &Value) -> bool,
    /// What our documentation says to answer instead, for the rules of the intended differences.
    documented: fn(&Value) -> Option<Value>,
}

impl Runner {
    const fn new(file: &'static str, answer: fn(&Path, &Value) -> Value) -> Self {
        Runner { file, complete: true, answer, agrees: same, documented: documented_nowhere }
    }
}

const RUNNERS: &[Runner] = &[
    Runner::new("bind", bind::answer),
    Runner { agrees: verbatim, ..Runner::new("delegate", delegate::answer) },
    Runner { agrees: delegate_api::agrees, ..Runner::new("delegate_api", delegate_api::answer) },
    Runner { agrees: verbatim, ..Runner::new("dtab", syntax::dtab) },
    Runner { agrees: verbatim, ..Runner::new("dtab_ops", dtab_ops::answer) },
    Runner::new("eval", name_trees::eval),
    Runner::new("fs", fs::answer),
    Runner { agrees: headers::agrees, ..Runner::new("headers", headers::answer) },
    Runner {
        documented: http_filters::documented,
        ..Runner::new("http_filters", http_filters::answer)
    },
    Runner::new("identifiers", identifiers::answer),
    Runner { agrees: verbatim, ..Runner::new("lookup", name_trees::lookup) },
    Runner { agrees: verbatim, ..Runner::new("nametree", syntax::nametree) },
    Runner { agrees: verbatim, ..Runner::new("path", syntax::path) },
    Runner::new("simplify", name_trees::simplify),
    Runner::new("utility", utility::answer),
];

fn main() -> ExitCode {
    // As with any test: `--list` runs nothing, and a filter has to fit the name.
    let filters: Vec<String> = env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let listing = env::args().any(|arg| arg == "--list");
    if listing {
        println!("conformance: test");
    }
    if listing
        || !(filters.is_empty() || filters.iter().any(|text| "conformance".contains(text.as_str())))
    {
        return ExitCode::SUCCESS;
    }

    let given = env::var_os("CONFORMANCE_DIR").map(PathBuf::from);
    let folder = given
        .clone()
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/conformance"));
    let files = match vectors::files(&folder) {
        Ok(files) if !files.is_empty() => files,
        Ok(_) => return complain(&format!("{}: no *.jsonl there", folder.display())),
        Err(error) => return complain(&format!("{}: {error}", folder.display())),
    };

    let mut total = Tally::default();
    let mut broken = Vec::new();
    for (name, file) in &files {
        let Some(runner) = RUNNERS.iter().find(|runner| runner.file == name) else {
            let vectors = vectors::count(file).unwrap_or(1);
            println!("{name}: 0 of {vectors}");
            broken.push(format!("{name}: no runner"));
            total.failed += vectors;
            continue;
        };
        match vectors::run(runner, &folder, file) {
            Ok(tally) => {
                println!("{name}: {} of {}", tally.passed, tally.total());
                if runner.complete && tally.failed > 0 {
                    broken.push(format!("{name}: {} failed", tally.failed));
                }
                total.passed += tally.passed;
                total.failed += tally.failed;
            }
            Err(error) => broken.push(format!("{name}: {error}")),
        }
    }
    // A folder of one's own may hold some of the files; ours has all.
    if given.is_none() {
        let missing = RUNNERS.iter().filter(|runner| files.iter().all(|(n, _)| n != runner.file));
        broken.extend(missing.map(|runner| format!("{}: no such file", runner.file)));
    }
    for problem in &broken {
        println!("FAILED {problem}");
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn complain(problem: &str) -> ExitCode {
    println!("FAILED {problem}");
    println!("0 passed, 1 failed");
    ExitCode::FAILURE
}
