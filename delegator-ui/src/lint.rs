//! What is hardly meant in the tables of a file: the rules of [`dtab::lint`], told what is known of the
//! file's namers.

use std::sync::Arc;

use dtab::lint::{self, Known};
use dtab::{Diagnostic, Dtab, Source};
use router::config::Config;
use router::config::kinds::NamerConfig;
use router::snapshot::{Answers, RecordedNamer, Snapshot};

/// Of a table without mistakes.
pub(crate) fn of_dtab(dtab: &Dtab, source: &Arc<Source>, known: &Known) -> Vec<Diagnostic> {
    lint::lint(dtab, source, known)
}

/// Of the tables of all routers, in the order of the text.
pub(crate) fn of_config(config: &Config) -> Vec<Diagnostic> {
    let known = known(config);
    let tables = config.routers.iter().map(|router| &router.dtab);
    let found = tables.flat_map(|dtab| lint::lint(dtab, &config.source, &known));
    let mut found: Vec<_> = found.collect();
    found.sort_by_key(Diagnostic::span);
    // What is to be said of comments is said of the whole file.
    found.dedup();
    found
}

/// What a snapshot says of namers.
pub(crate) fn recorded(snapshot: &Snapshot) -> Known {
    let rewrites = |namer: &&RecordedNamer| matches!(namer.answers, Answers::Rewrite { .. });
    let rewriting = snapshot.namers.iter().filter(rewrites);
    Known {
        rewriting: rewriting.map(|namer| namer.prefix.clone()).collect(),
        prefixes: Some(snapshot.namers.iter().map(|namer| namer.prefix.clone()).collect()),
    }
}

/// What a configuration says of namers.
pub(crate) fn known(config: &Config) -> Known {
    let rewriting = config.namers.iter().filter(|namer| namer.rewrites());
    Known {
        prefixes: Some(config.namers.iter().map(NamerConfig::name_prefix).collect()),
        rewriting: rewriting.map(NamerConfig::name_prefix).collect(),
    }
}
