//! The cases of one file, run.

use std::path::Path;

use dtab::Delegation;
use dtab::case::{Case, Coverage, Mismatch};
use router::snapshot::Snapshot;
use tokio::runtime::Handle;

use super::file;
use crate::cli::delegate::Resolved;
use crate::cli::{Error, Result};

/// A test file whose cases have been run.
#[derive(Debug)]
pub(super) struct Suite {
    /// The name of the file.
    pub(super) file: String,
    /// What the names were resolved by.
    pub(super) world: Snapshot,
    /// The cases that were wanted.
    pub(super) ran: Vec<Ran>,
    /// How many were not.
    pub(super) left_out: usize,
    coverage: Coverage,
}

/// A case that has been run.
#[derive(Debug)]
pub(super) struct Ran {
    /// Where it stands in the file.
    pub(super) line: u32,
    pub(super) case: Case,
    /// How its name resolves, if it has one.
    pub(super) resolved: Option<Resolved>,
    /// What is not as expected.
    pub(super) mismatches: Vec<Mismatch>,
}

impl Ran {
    pub(super) fn passed(&self) -> bool {
        self.mismatches.is_empty()
    }
}

impl Suite {
    /// Reads a file, and runs those of its cases whose title contains `filter`.
    pub(super) async fn run(file: &Path, filter: Option<&str>) -> Result<Self> {
        let read = file::read(file)?;
        let world = read.world().await?;
        let interpreter = world
            .interpreter(&Handle::current())
            .map_err(|failure| Error::new(format!("{}: {failure}", read.name)))?;
        let prefixes = interpreter.namers().prefixes();
        let all = read.cases.len();
        let mut suite = Suite {
            file: read.name,
            coverage: Coverage::new(world.dtab.clone()),
            world,
            ran: Vec::new(),
            left_out: 0,
        };
        for found in read.cases {
            let case = found.case;
            if filter.is_some_and(|filter| !case.title.contains(filter)) {
                continue;
            }
            let delegation = match &case.name {
                Ok(name) => {
                    // Nothing changes, so that there is nothing to wait for.
                    let patience = std::time::Duration::ZERO;
                    let base = interpreter.base();
                    Some(interpreter.delegate(base, &case.local, name, patience).await)
                }
                Err(_) => None,
            };
            if let Some(delegation) = &delegation {
                suite.coverage.add(delegation);
            }
            suite.ran.push(Ran {
                line: found.line,
                mismatches: case.judge(delegation.as_ref(), &prefixes),
                resolved: delegation.as_ref().map(|it: &Delegation| Resolved::new(it, &prefixes)),
                case,
            });
        }
        suite.left_out = all - suite.ran.len();
        Ok(suite)
    }

    /// How many cases passed, and how many did not.
    pub(super) fn counts(&self) -> (usize, usize) {
        let passed = self.ran.iter().filter(|ran| ran.passed()).count();
        (passed, self.ran.len() - passed)
    }
}

/// What is reached of each table. Files that test the same one do so together.
pub(super) fn coverage(suites: &[Suite]) -> Vec<Coverage> {
    let mut all: Vec<Coverage> = Vec::new();
    for suite in suites {
        match all.iter_mut().find(|other| is_same(other, &suite.coverage)) {
            Some(other) => other.join(&suite.coverage),
            None => all.push(suite.coverage.clone()),
        }
    }
    all
}

/// Whether these are of one table: the same entries at the same places.
fn is_same(one: &Coverage, other: &Coverage) -> bool {
    let places = |it: &Coverage| -> Vec<Option<String>> {
        it.dtab().iter().map(|entry| entry.place().map(|place| place.to_string())).collect()
    };
    one.dtab() == other.dtab() && places(one) == places(other)
}
