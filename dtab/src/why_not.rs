//! Why a name does not lead to a destination, and which override would make it.
//!
//! A destination is a bound name such as `/#/io.l5d.fs/web`, the beginning of one, or an address.
//! A name *reaches* it if requests for the name get there: it is bound to it with a share above
//! zero, and its address is known.
//!
//! The reasons are read off the same [`Delegation`] that the data path binds by. What else is told,
//! how a name was perhaps meant and which override would lead there, is tried out before it is told:
//! each [`Probe`] is resolved, by [`why_not`] or by whoever has namers that must be waited for, and
//! [`WhyNot::learn`] takes up what came of it.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use crate::delegation::{Delegation, Outcome, Step};
use crate::dtab::Dtab;
use crate::name::{Activity, Addr, Bound};
use crate::path::Path;
use crate::resolve::{Explore, MAX_OVERRIDDEN_STEPS, Resolver};
use crate::view::{ViewDentry, explain_short, percent, spread};

mod probes;
mod reasons;

pub use probes::Probe;

/// Overrides that are told at most.
const MOST_OVERRIDES: usize = 3;

/// Where a name is to lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A bound name, or the beginning of one: `/#/…`, `/$/…` or, behind a transformer, `/%/…`.
    Name(Path),
    /// An address.
    Address(SocketAddr),
}

/// Why a text is no [`Destination`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidDestination(String);

impl FromStr for Destination {
    type Err = InvalidDestination;

    fn from_str(text: &str) -> Result<Self, InvalidDestination> {
        let text = text.trim();
        if !text.starts_with('/') {
            return text.parse().map(Destination::Address).map_err(|_| {
                InvalidDestination(format!(
                    "{} is neither a bound name such as /#/io.l5d.fs/web nor an address such as 127.0.0.1:8080",
                    text.escape_debug()
                ))
            });
        }
        let path = Path::parse(text).map_err(|error| InvalidDestination(error.to_string()))?;
        match path.first() {
            Some(b"#" | b"$" | b"%") => Ok(Destination::Name(path)),
            _ => Err(InvalidDestination(format!(
                "{path} is not a bound name: those begin with /#/ or /$/, such as /#/io.l5d.fs/web"
            ))),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Destination::Name(path) => path.fmt(f),
            Destination::Address(socket) => socket.fmt(f),
        }
    }
}

impl Destination {
    /// Whether this bound name is meant, whatever its address says if a name is.
    pub fn is(&self, bound: &Bound) -> bool {
        match self {
            Destination::Name(name) => self::is_below(&bound.id, name),
            Destination::Address(socket) => match &bound.addr {
                Addr::Bound(set) => set.endpoints().iter().any(|it| it.socket == *socket),
                _ => false,
            },
        }
    }
}

/// Whether `id` begins with `name`, be it behind what transformers put in front.
fn is_below(id: &Path, name: &Path) -> bool {
    if id.starts_with(name) {
        return true;
    }
    if id.first() != Some(b"%") {
        return false;
    }
    let before = id.iter().position(|label| matches!(label, b"#" | b"$"));
    before.is_some_and(|at| id.drop_front(at).starts_with(name))
}

/// Whether requests for what is bound get an answer, as far as is known here.
fn is_served(addr: &Addr) -> bool {
    match addr {
        Addr::Bound(set) => !set.endpoints().is_empty(),
        Addr::Status(_) => true,
        Addr::Neg | Addr::Pending | Addr::Failed(_) => false,
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The table of the interpreter and router.
    pub base: &'a Dtab,
    /// The override of the request.
    pub local: &'a Dtab,
    /// The name.
    pub path: &'a Path,
    /// Where it is to lead.
    pub destination: &'a Destination,
    /// The prefixes of the configured namers, to say what a misspelled one may have meant.
    pub prefixes: &'a [Path],
    /// Bound names that are known to exist, to say the same of a destination.
    pub known: &'a [Path],
}

/// Whether a name reaches a destination, and why not.
#[derive(Clone, Debug, PartialEq)]
pub struct WhyNot {
    /// The name.
    pub path: Path,
    /// Where it is to lead.
    pub destination: Destination,
    /// Whether it does.
    pub reaches: bool,
    /// The share of the requests that get there, 0 to 1.
    pub probability: f64,
    /// The answer in a sentence.
    pub answer: String,
    /// What keeps the name from the destination; empty if it reaches it.
    pub reasons: Vec<Reason>,
    /// Overrides with which it would reach it.
    pub would: Vec<Would>,
}

/// What keeps a name from a destination.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// The name at the step where it is kept.
    pub path: Path,
    /// The entry that is in the way, or that did not match.
    pub dentry: Option<ViewDentry>,
    /// What it is.
    pub kind: ReasonKind,
    /// The same in a sentence.
    pub sentence: String,
}

/// An override that makes a name reach a destination.
#[derive(Clone, Debug, PartialEq)]
pub struct Would {
    /// The whole override: what the request has already, and one entry more.
    pub dtab: Dtab,
    /// The entry that is new, for people.
    pub entry: String,
    /// What comes of it.
    pub sentence: String,
}

impl Would {
    /// The override as a `l5d-dtab` header has it, spaced for people.
    pub fn text(&self) -> String {
        shown(&self.dtab)
    }
}

/// A table on one line, spaced for people.
fn shown(dtab: &Dtab) -> String {
    let entries = dtab.iter().map(|it| format!("{} => {}", it.prefix, it.dst));
    entries.collect::<Vec<_>>().join(" ; ")
}

/// The kinds of [`Reason`]s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReasonKind {
    /// A later entry is tried before the one that leads there.
    Shadowed,
    /// An earlier branch of the same alt is taken.
    NotReached,
    /// The branch of the union has no weight.
    NoShare,
    /// A `~` says that there is nothing.
    Negative,
    /// A `!` or a namer refuses.
    Refused,
    /// Found, with nobody behind it.
    Empty,
    /// No entry matches.
    NoDentry,
    /// What was perhaps meant leads there.
    Misspelled,
    /// There is no such namer.
    NoNamer,
    /// A namer does not have the name.
    NoName,
    /// Bound to it, but it has no address.
    NoAddress,
    /// A transformer changed the bound name into another.
    Transformed,
    /// Not known yet.
    Pending,
    /// Cannot be known.
    Failed,
    /// Names lead to themselves.
    Cycle,
    /// The resolution was given up.
    TooManySteps,
    /// No step leads there.
    NeverNamed,
}

impl ReasonKind {
    /// All kinds with their names.
    pub const ALL: [(ReasonKind, &str); 17] = [
        (ReasonKind::Shadowed, "shadowed"),
        (ReasonKind::NotReached, "not-reached"),
        (ReasonKind::NoShare, "no-share"),
        (ReasonKind::Negative, "negative"),
        (ReasonKind::Refused, "refused"),
        (ReasonKind::Empty, "empty"),
        (ReasonKind::NoDentry, "no-dentry"),
        (ReasonKind::Misspelled, "misspelled"),
        (ReasonKind::NoNamer, "no-namer"),
        (ReasonKind::NoName, "no-name"),
        (ReasonKind::NoAddress, "no-address"),
        (ReasonKind::Transformed, "transformed"),
        (ReasonKind::Pending, "pending"),
        (ReasonKind::Failed, "failed"),
        (ReasonKind::Cycle, "cycle"),
        (ReasonKind::TooManySteps, "too-many-steps"),
        (ReasonKind::NeverNamed, "never-named"),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }
}

/// Whether `path` reaches `destination` by the tables and the present answers of the namers, and
/// why not. `known` are bound names that are known to exist.
///
/// ```
/// use dtab::why_not::{ReasonKind, why_not};
/// use dtab::{Dtab, NamerTable, Path, Resolver};
///
/// let base = Dtab::parse("/svc/web => /$/inet/127.1/8080 ; /svc => /$/inet/127.1/9090")?;
/// let (local, namers) = (Dtab::empty(), NamerTable::new());
/// let resolver = Resolver { base: &base, local: &local, namers: &namers, transformers: &[] };
/// let destination = "127.0.0.1:8080".parse()?;
/// let why = why_not(&resolver, &Path::parse("/svc/web")?, &destination, &[]);
/// assert!(!why.reaches);
/// assert_eq!(why.reasons[0].kind, ReasonKind::Shadowed);
/// assert_eq!(why.would[0].text(), "/svc/web => /$/inet/127.1/8080");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn why_not(
    resolver: &Resolver<'_>,
    path: &Path,
    destination: &Destination,
    known: &[Path],
) -> WhyNot {
    let prefixes = resolver.namers.prefixes();
    let Resolver { base, local, .. } = *resolver;
    let question = Question { base, local, path, destination, prefixes: &prefixes, known };
    let delegation = resolver.resolve(path, Explore::All);
    let mut why = question.explain(&delegation);
    for probe in question.probes(&delegation) {
        let tried = Resolver { local: &probe.local, ..*resolver };
        why.learn(&question, &probe, &tried.resolve(&probe.path, Explore::Needed));
    }
    why
}

impl Question<'_> {
    /// The answer as far as the resolution of the name itself has it, of which all branches must be
    /// there ([`Explore::All`]).
    pub fn explain(&self, delegation: &Delegation) -> WhyNot {
        let Question { path, destination, .. } = self;
        let probability = share(delegation, self.local, destination);
        let reaches = probability > 0.0;
        let answer = if reaches {
            format!("{path} reaches {destination} with {}.", requests(probability))
        } else {
            let summary = explain_short(delegation, self.prefixes);
            let became = if delegation.outcome == Outcome::Found {
                format!("it is {summary}")
            } else {
                let own = format!("{path}: ");
                summary.strip_prefix(&own).map_or(summary.clone(), ToOwned::to_owned)
            };
            let end = if became.ends_with('?') { "" } else { "." };
            format!("{path} does not reach {destination}: {became}{end}")
        };
        WhyNot {
            path: (*path).clone(),
            destination: (*destination).clone(),
            reaches,
            probability,
            answer,
            reasons: if reaches { Vec::new() } else { reasons::reasons(self, delegation) },
            would: Vec::new(),
        }
    }
}

/// The share of the requests that get to the destination, 0 to 1.
fn share(delegation: &Delegation, local: &Dtab, destination: &Destination) -> f64 {
    // What was resolved in full may be too long for a request with an override.
    if !local.is_empty() && needed_steps(delegation) > MAX_OVERRIDDEN_STEPS {
        return 0.0;
    }
    let Activity::Ok(tree) = delegation.bind() else { return 0.0 };
    let there = |bound: &Bound| destination.is(bound) && is_served(&bound.addr);
    let shares = spread(&tree);
    let shares = shares.iter().filter(|(bound, _)| bound.is_some_and(there));
    shares.fold(0.0, |sum, (_, share)| sum + share).min(1.0)
}

/// At least as many steps as a resolution takes that stops at what decides.
fn needed_steps(root: &Delegation) -> usize {
    let (mut steps, mut open) = (0, vec![root]);
    while let Some(node) = open.pop() {
        steps += 1;
        match &node.step {
            Step::Alt(branches) => {
                let decider = branches.iter().position(|it| it.outcome != Outcome::Neg);
                open.extend(branches.iter().take(decider.map_or(branches.len(), |at| at + 1)));
            }
            _ => open.extend(node.children()),
        }
    }
    steps
}

/// `every request`, or `12.5 % of the requests`.
fn requests(share: f64) -> String {
    if share > 0.999_999 {
        "every request".to_owned()
    } else {
        format!("{} of the requests", percent(share))
    }
}

#[cfg(test)]
mod tests;
