//! Unit tests of tables: what a case expects of a name, how its resolution is judged, and which parts
//! of a table the cases reach.
//!
//! All of it goes by the [`Delegation`] that the evaluator gave, so that a case holds just if requests
//! are routed as it says. Where cases come from and how they are reported is up to others.

mod coverage;
mod judge;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::delegation::{Delegation, Outcome, Step};
use crate::dtab::Dtab;
use crate::name::FailureKind;
use crate::path::Path;

pub use coverage::{Count, Coverage, Missed, Reach};
pub use judge::Mismatch;

/// How far a share may be from what is expected, unless a case says otherwise: less than any weight
/// makes, more than the rounding of doubles.
pub const TOLERANCE: f64 = 1e-6;

/// One name, and what is expected of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What it shows, in words.
    pub title: String,
    /// The name; or, for a request that no identifier names, why it has none.
    pub name: Result<Path, Arc<str>>,
    /// The override of the request.
    pub local: Dtab,
    /// What is expected.
    pub expected: Expected,
}

/// What a case expects. What is left out may be anything.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// What the name comes to.
    pub end: Option<End>,
    /// How far a share may be from the expected one.
    pub tolerance: f64,
    /// All endpoints of all bound names to which requests go.
    pub endpoints: Option<BTreeSet<SocketAddr>>,
    /// What is left of the path behind every bound name.
    pub residual: Option<Path>,
    /// Entries of the base table that requests go by.
    pub through: Vec<Entries>,
    /// Entries of the base table that no request goes by.
    pub not_through: Vec<Entries>,
}

impl Default for Expected {
    fn default() -> Self {
        Expected {
            end: None,
            tolerance: TOLERANCE,
            endpoints: None,
            residual: None,
            through: Vec::new(),
            not_through: Vec::new(),
        }
    }
}

/// What a name comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// Requests go to these names, each with its share, or to nobody; to no others.
    Bound(Vec<(Option<Path>, f64)>),
    /// Requests go nowhere.
    Error(ErrorClass),
}

/// Entries by how a case names them: a line, a prefix. Any one of them will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entries {
    /// As the case has it.
    pub written: String,
    /// Their numbers in the base table, from 0.
    pub at: Vec<usize>,
}

/// Why requests for a name go nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// Nothing has the name.
    Neg,
    /// It is refused.
    Fail,
    /// It is there, with nobody behind it.
    Empty,
    /// It is not known yet.
    Pending,
    /// It cannot be known: one of those below.
    Exception,
    /// Too many look-ups in a row, as in a cycle.
    TooDeep,
    /// It fans out too far.
    TooManySteps,
    /// There is no namer of that class.
    UnknownNamer,
    /// A namer cannot take the name.
    BadName,
    /// A namer cannot answer.
    Namer,
    /// No identifier names the request.
    Unidentified,
}

impl ErrorClass {
    /// All of them with their names.
    pub const ALL: &'static [(&'static str, ErrorClass)] = &[
        ("neg", ErrorClass::Neg),
        ("fail", ErrorClass::Fail),
        ("empty", ErrorClass::Empty),
        ("pending", ErrorClass::Pending),
        ("exception", ErrorClass::Exception),
        ("too-deep", ErrorClass::TooDeep),
        ("too-many-steps", ErrorClass::TooManySteps),
        ("unknown-namer", ErrorClass::UnknownNamer),
        ("bad-name", ErrorClass::BadName),
        ("namer", ErrorClass::Namer),
        ("unidentified", ErrorClass::Unidentified),
    ];

    /// Its name in cases.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, class)| *class == self).map_or("", |(name, _)| name)
    }

    /// The narrowest class of a resolution; none if the name is bound.
    pub fn of(delegation: &Delegation) -> Option<ErrorClass> {
        Some(match delegation.outcome {
            Outcome::Found => return None,
            Outcome::Neg => ErrorClass::Neg,
            Outcome::Fail => ErrorClass::Fail,
            Outcome::Empty => ErrorClass::Empty,
            Outcome::Pending | Outcome::Unreached => ErrorClass::Pending,
            Outcome::Failed => match failure(delegation) {
                Some(FailureKind::TooDeep) => ErrorClass::TooDeep,
                Some(FailureKind::TooManySteps) => ErrorClass::TooManySteps,
                Some(FailureKind::UnknownNamer) => ErrorClass::UnknownNamer,
                Some(FailureKind::BadName) => ErrorClass::BadName,
                Some(FailureKind::Namer) => ErrorClass::Namer,
                None => ErrorClass::Exception,
            },
        })
    }

    /// Whether `narrow` is of this class.
    pub fn holds(self, narrow: ErrorClass) -> bool {
        let is_exception = matches!(
            narrow,
            ErrorClass::Exception
                | ErrorClass::TooDeep
                | ErrorClass::TooManySteps
                | ErrorClass::UnknownNamer
                | ErrorClass::BadName
                | ErrorClass::Namer
        );
        self == narrow || (self == ErrorClass::Exception && is_exception)
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The kind of the failure that a name fails with.
fn failure(delegation: &Delegation) -> Option<FailureKind> {
    let mut node = delegation;
    loop {
        if let Step::Failed(failure) = &node.step {
            return Some(failure.kind);
        }
        // The branch that decides fails as the whole does.
        node = node.children().into_iter().find(|child| child.outcome == Outcome::Failed)?;
    }
}
