//! What names are bound to: addresses, and states that change over time.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::path::Path;

/// The present state of something that changes over time.
#[derive(Clone, Debug, PartialEq)]
pub enum Activity<T> {
    /// Not known yet.
    Pending,
    /// Known.
    Ok(T),
    /// Cannot be known, for this reason.
    Failed(Failure),
}

impl<T> Activity<T> {
    /// The same state of something made from the value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Activity<U> {
        match self {
            Activity::Pending => Activity::Pending,
            Activity::Ok(value) => Activity::Ok(f(value)),
            Activity::Failed(failure) => Activity::Failed(failure),
        }
    }
}

/// Why a name cannot be bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// The reason, in words.
    pub message: Arc<str>,
}

/// The kinds of failure that resolving a name can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// A namer says that it cannot answer (its source is unreachable, or makes no sense).
    Namer,
    /// A namer was given a name that it cannot take, such as a host with an empty label.
    BadName,
    /// There is no `/$/` namer of that class.
    UnknownNamer,
    /// More than [`MAX_DEPTH`](crate::MAX_DEPTH) look-ups in a row, as in a cycle.
    TooDeep,
    /// The name fans out into more steps than are walked.
    TooManySteps,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(kind: FailureKind, message: impl Into<Arc<str>>) -> Self {
        Failure { kind, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What a namer makes of a path: another name to look up, or a bound one.
#[derive(Clone, Debug, PartialEq)]
pub enum Name {
    /// Still to be rewritten.
    Path(Path),
    /// Reached.
    Bound(Bound),
}

/// A bound name: the end of a resolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// What it is called, `/#/io.l5d.fs/web`. Clients, metrics and configuration go by it.
    pub id: Path,
    /// What is left of the path behind the name.
    pub residual: Path,
    /// Where it is.
    pub addr: Addr,
    /// The weight of the innermost union branch that led here, if one did. Finagle shows it as
    /// the address metadata `namer_nametree_weight`.
    pub weight: Option<f64>,
}

impl Bound {
    /// A bound name that no union led to.
    pub fn new(id: Path, residual: Path, addr: Addr) -> Self {
        Bound { id, residual, addr, weight: None }
    }
}

/// The present address of a bound name.
#[derive(Clone, Debug, PartialEq)]
pub enum Addr {
    /// Not known yet.
    Pending,
    /// These endpoints, possibly none.
    Bound(Arc<AddrSet>),
    /// The name has gone.
    Neg,
    /// The address cannot be known, for this reason.
    Failed(Arc<str>),
    /// No endpoint: the request is answered at once with this HTTP status.
    Status(u16),
}

impl Addr {
    /// The address of these endpoints.
    pub fn bound(endpoints: impl IntoIterator<Item = Address>) -> Self {
        Addr::Bound(Arc::new(AddrSet::new(endpoints)))
    }
}

/// A set of endpoints, in order, without doubles.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddrSet {
    endpoints: Vec<Address>,
}

impl AddrSet {
    /// The set of these endpoints.
    pub fn new(endpoints: impl IntoIterator<Item = Address>) -> Self {
        let mut endpoints: Vec<_> = endpoints.into_iter().collect();
        endpoints.sort_by(|a, b| (a.socket, &a.meta).cmp(&(b.socket, &b.meta)));
        endpoints.dedup();
        AddrSet { endpoints }
    }

    /// The endpoints, sorted by address.
    pub fn endpoints(&self) -> &[Address] {
        &self.endpoints
    }
}

/// One endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Address {
    /// Where it listens.
    pub socket: SocketAddr,
    /// What else is known of it.
    pub meta: Metadata,
}

impl From<SocketAddr> for Address {
    fn from(socket: SocketAddr) -> Self {
        Address { socket, meta: Metadata::default() }
    }
}

impl Address {
    /// The share of requests that its source gives it, 1 if it gives none.
    pub fn weight(&self) -> f64 {
        match self.meta.get(ENDPOINT_WEIGHT) {
            Some(MetaValue::Number(weight)) => *weight,
            _ => crate::DEFAULT_WEIGHT,
        }
    }
}

/// The metadata key of an endpoint's weight, Finagle's `endpoint_addr_weight`.
pub const ENDPOINT_WEIGHT: &str = "endpoint_addr_weight";

/// What is known of an endpoint beside its address, by name: `nodeName`, `authority`, weights.
pub type Metadata = BTreeMap<String, MetaValue>;

/// One value of a [`Metadata`].
#[derive(Clone, Debug, PartialEq)]
pub enum MetaValue {
    /// A word.
    Text(String),
    /// A number.
    Number(f64),
}

impl Eq for MetaValue {}

impl PartialOrd for MetaValue {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for MetaValue {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (MetaValue::Text(a), MetaValue::Text(b)) => a.cmp(b),
            (MetaValue::Number(a), MetaValue::Number(b)) => a.total_cmp(b),
            (MetaValue::Text(_), MetaValue::Number(_)) => Ordering::Less,
            (MetaValue::Number(_), MetaValue::Text(_)) => Ordering::Greater,
        }
    }
}
