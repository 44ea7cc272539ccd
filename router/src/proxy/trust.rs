//! How far a server trusts its callers with tables of their own (`overrides`).
//!
//! | trust | an override |
//! |---|---|
//! | `off` | is removed unread, from every header that may carry one |
//! | `trusted` | counts whatever it says, as in Linkerd |
//! | `scoped` | counts if it keeps within limits, and is refused as a whole if not |
//!
//! A scoped override is looked at twice. When it is read: its size, what its entries rewrite, and
//! where they lead. And when a name is bound: tables and namers rewrite on, so only the end of the
//! way shows whether an override has led a request to where it may not go. Either way the answer is
//! 400 and names the rule; nothing is dropped silently, since a request without its override would
//! go somewhere else.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

use dtab::{Dentry, Dtab, Element, Path, Prefix};
use http::HeaderValue;

use super::influence::Influence;
use super::key_file::KeyFile;
use crate::config::{OverridesConfig, Trust};
use crate::http::headers::signature::{Signature, SignatureError};

/// The limits of a scoped override that are in force unless others are given.
const SCOPED_BYTES: usize = 4096;
const SCOPED_DENTRIES: usize = 32;

/// What one server accepts as overrides.
#[derive(Debug)]
pub(crate) struct OverridePolicy {
    /// Tells policies apart: what one has accepted, another may not.
    pub(crate) id: u64,
    trust: Trust,
    limits: Limits,
    scope: Scope,
    signing: Option<Arc<KeyFile>>,
}

/// How large an override may be; no limit where none is given.
#[derive(Clone, Copy, Debug, Default)]
struct Limits {
    bytes: Option<usize>,
    dentries: Option<usize>,
    depth: Option<usize>,
}

/// What an override may rewrite, and where it may lead; anything where nothing is given.
#[derive(Clone, Debug, Default)]
struct Scope {
    prefixes: Option<Vec<Path>>,
    destinations: Option<Vec<Path>>,
}

impl OverridePolicy {
    /// The policy of a server. Unless it says otherwise, callers on this machine are trusted and
    /// others are not; whoever restricts prefixes or destinations wants them obeyed.
    pub(crate) fn new(
        config: &OverridesConfig,
        is_loopback: bool,
        signing: Option<Arc<KeyFile>>,
    ) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let is_restricted = config.prefixes.is_some() || config.destinations.is_some();
        let unless_given =
            if is_loopback && !is_restricted { Trust::Trusted } else { Trust::Scoped };
        let trust = config.trust.unwrap_or(unless_given);
        let scoped = |limit| (trust == Trust::Scoped).then_some(limit);
        let given = |limit: Option<u32>| limit.map(|limit| limit as usize);
        Arc::new(OverridePolicy {
            id: NEXT.fetch_add(1, Relaxed),
            trust,
            limits: Limits {
                bytes: given(config.max_bytes).or(scoped(SCOPED_BYTES)),
                dentries: given(config.max_dentries).or(scoped(SCOPED_DENTRIES)),
                depth: given(config.max_depth),
            },
            scope: Scope {
                prefixes: config.prefixes.clone(),
                destinations: config.destinations.clone(),
            },
            signing,
        })
    }

    /// Whether overrides count at all.
    pub(crate) fn is_off(&self) -> bool {
        self.trust == Trust::Off
    }

    /// Whether callers may do and know whatever they like: what tables say, where services are.
    pub(crate) fn is_trusted(&self) -> bool {
        self.trust == Trust::Trusted
    }

    /// Whether the headers of an override are small enough to be read.
    pub(crate) fn check_size(&self, bytes: usize) -> Result<(), Violation> {
        match self.limits.bytes {
            Some(limit) if bytes > limit => {
                Err(Violation::TooLarge { is: bytes, unit: "bytes", limit, key: "maxBytes" })
            }
            _ => Ok(()),
        }
    }

    /// Whether an override keeps within the limits, as far as that shows by its text.
    pub(crate) fn check(&self, dtab: &Dtab) -> Result<(), Violation> {
        match self.limits.dentries {
            Some(limit) if dtab.len() > limit => {
                let is = dtab.len();
                return Err(Violation::TooLarge { is, unit: "entries", limit, key: "maxDentries" });
            }
            _ => {}
        }
        for (at, dentry) in dtab.iter().enumerate() {
            let broken = self.scope.check(dentry);
            broken.map_err(|rule| Violation::entry(dtab, at, rule))?;
        }
        Ok(())
    }

    /// Whether an override has led a name to where it may: every leaf that it took part in lies
    /// below a destination, and no way that it took part in is too long. If nothing is known of the
    /// ways, it may have taken part in all.
    pub(crate) fn check_bound<'l>(
        &self,
        local: &Dtab,
        influence: Option<&Influence>,
        leaves: impl IntoIterator<Item = (&'l Path, &'l Path)>,
    ) -> Result<(), Violation> {
        if let (Some(limit), Some(influence)) = (self.limits.depth, influence)
            && influence.deepest > limit
        {
            let is = influence.deepest;
            return Err(Violation::TooLarge { is, unit: "steps", limit, key: "maxDepth" });
        }
        let Some(destinations) = &self.scope.destinations else { return Ok(()) };
        for (id, residual) in leaves {
            if is_below_any(&untransformed(id), destinations) {
                continue;
            }
            match influence.map(|influence| influence.on(id, residual)) {
                Some([]) => {}
                Some([.., last]) => return Err(Violation::entry(local, *last, Rule::Bound)),
                None => return Err(Violation::Unknown),
            }
        }
        Ok(())
    }

    /// Whether an override is signed, if it must be. It costs one HMAC, and is asked for each
    /// request, since signatures expire and keys are exchanged.
    pub(crate) fn verify(
        &self,
        shown: &str,
        signatures: &[HeaderValue],
    ) -> Result<(), SignatureError> {
        let Some(key) = &self.signing else { return Ok(()) };
        let signature: Signature = match signatures {
            [] => return Err(SignatureError::Missing),
            [one] => one.to_str().map_err(|_| SignatureError::Malformed)?.parse()?,
            _ => return Err(SignatureError::Several),
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        key.current().verify(&signature, shown, now)
    }

    /// Whether what counts is the table that was signed, which is the one that is shown.
    pub(crate) fn is_signed(&self) -> bool {
        self.signing.is_some()
    }
}

impl Scope {
    fn check(&self, dentry: &Dentry) -> Result<(), Rule> {
        if let Some(prefixes) = &self.prefixes
            && !prefixes.iter().any(|allowed| is_within(&dentry.prefix, allowed))
        {
            return Err(Rule::Prefix { allowed: prefixes.clone() });
        }
        let mut broken = None;
        dentry.dst.for_each_leaf(&mut |leaf| {
            if broken.is_none() && !self.may_name(leaf) {
                broken = Some(leaf.clone());
            }
        });
        match broken {
            Some(leaf) => {
                let mut allowed = self.destinations.clone().unwrap_or_default();
                allowed.extend(self.prefixes.iter().flatten().cloned());
                Err(Rule::Destination { leaf, allowed })
            }
            None => Ok(()),
        }
    }

    /// Whether a name may stand on the right: below a destination, or a name that could stand on the
    /// left, which is rewritten on. Where any name may stand on the left, that is any but those of
    /// namers, and none so short that what is left of a request's name alone says where it leads.
    fn may_name(&self, leaf: &Path) -> bool {
        let Some(destinations) = &self.destinations else { return true };
        is_below_any(leaf, destinations)
            || match &self.prefixes {
                Some(prefixes) => is_below_any(leaf, prefixes),
                None => leaf.first().is_some_and(|first| ![&b"#"[..], b"$", b"%"].contains(&first)),
            }
    }
}

fn is_below_any(path: &Path, allowed: &[Path]) -> bool {
    allowed.iter().any(|allowed| path.starts_with(allowed))
}

/// Whether every name that begins with `prefix` lies below `allowed`: a wildcard is not below a
/// label, since it stands for others, too.
fn is_within(prefix: &Prefix, allowed: &Path) -> bool {
    let mut elements = prefix.iter();
    allowed.iter().all(|label| elements.next() == Some(Element::Label(label)))
}

/// The bound name before transformers of the configuration were applied to it, which say so in front:
/// `/%/io.l5d.port/4140/#/io.l5d.fs/web`.
fn untransformed(id: &Path) -> Path {
    if id.first() != Some(b"%") {
        return id.clone();
    }
    let begins = id.iter().position(|label| label == b"#" || label == b"$");
    begins.map_or_else(|| id.clone(), |at| id.drop_front(at))
}

/// Why an override is refused.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Violation {
    /// It is over one of the limits.
    TooLarge { is: usize, unit: &'static str, limit: usize, key: &'static str },
    /// One of its entries is out of scope.
    Entry { at: usize, of: usize, dentry: Box<Dentry>, rule: Rule },
    /// It may have led the request out of scope.
    Unknown,
}

/// The rule that an entry breaks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rule {
    /// What it rewrites.
    Prefix { allowed: Vec<Path> },
    /// What it rewrites it to.
    Destination { leaf: Path, allowed: Vec<Path> },
    /// What that is bound to in the end.
    Bound,
}

impl Violation {
    fn entry(dtab: &Dtab, at: usize, rule: Rule) -> Self {
        match dtab.dentries().get(at) {
            Some(dentry) => {
                Violation::Entry { at, of: dtab.len(), dentry: Box::new(dentry.clone()), rule }
            }
            None => Violation::Unknown,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Violation::TooLarge { is, unit, limit, key } => write!(
                f,
                "the override has {is} {unit}; callers of this server may send {limit} \
                 (overrides.{key})"
            ),
            Violation::Entry { at, of, dentry, rule } => {
                write!(f, "override dentry {} of {of}: {dentry}: {rule}", at + 1)
            }
            // What the tables behind say is not told to callers who are not trusted.
            Violation::Unknown => f.write_str(
                "under the override the name is bound to what is not below overrides.destinations",
            ),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |allowed: &[Path]| {
            let allowed: Vec<_> = allowed.iter().map(ToString::to_string).collect();
            if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(" or ") }
        };
        match self {
            Rule::Prefix { allowed } => write!(
                f,
                "callers of this server may rewrite names below {} (overrides.prefixes)",
                list(allowed)
            ),
            Rule::Destination { leaf, allowed } if allowed.is_empty() => {
                write!(f, "{leaf} is not below any destination (overrides.destinations)")
            }
            Rule::Destination { leaf, allowed } => {
                write!(f, "{leaf} is not below {} (overrides.destinations)", list(allowed))
            }
            Rule::Bound => f.write_str(
                "it leads to a bound name that is not below any destination \
                 (overrides.destinations)",
            ),
        }
    }
}

#[cfg(test)]
mod tests;
