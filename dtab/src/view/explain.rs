//! One line that says why a name is not served.

use std::collections::HashMap;

use super::{percent, shares_of};
use crate::builtin;
use crate::delegation::{Delegation, Layer, Outcome, Step, Via};
use crate::name::{Addr, Bound, Failure, FailureKind};
use crate::path::Path;
use crate::resolve::MAX_DEPTH;

/// Why the name is not served, in one line for an error's body; for a name that is, to what it is
/// bound, or who gets which share if there are several. `prefixes` are those of the configured
/// namers, to say what a misspelled one may have meant.
pub fn explain_short(delegation: &Delegation, prefixes: &[Path]) -> String {
    let root = &delegation.path;
    if delegation.outcome == Outcome::Found {
        let shares = shares(delegation);
        if shares.len() > 1 {
            return format!("bound, {}", listed(&shares));
        }
    }
    let end = decider(delegation);
    let node = end.node;
    match &node.step {
        Step::Leaf(bound) => self::bound(bound),
        Step::Neg { written } if *written || end.overlooked => {
            format!("{root}: {} says ~, nothing here", entry_or(end.via, "its dentry"))
        }
        Step::Neg { .. } => dead_end(root, &end, prefixes),
        Step::Fail { written: true } => {
            format!("{root}: refused, {} says !", entry_or(end.via, "its dentry"))
        }
        Step::Fail { written: false } => format!("{}refused by {}", became(root, node), node.path),
        Step::Empty => {
            format!(
                "{root}: found, but by {} there is nobody behind it",
                entry_or(end.via, "its namer")
            )
        }
        Step::Pending => format!("{root}: still waiting for an answer for {}", node.path),
        Step::Failed(failure) => failed(root, &end, failure),
        Step::Alt(branches) if branches.is_empty() => format!("{root}: no branch at all"),
        _ => format!("{root}: no branch is left"),
    }
}

/// The share of each bound name and of nobody, in the order of the steps. Without recursion, for
/// this is also asked for on small stacks.
fn shares(delegation: &Delegation) -> Vec<(Option<&Path>, f64)> {
    let mut shares: Vec<(Option<&Path>, f64)> = Vec::new();
    let mut known = HashMap::new();
    let mut todo = vec![(delegation, 1.0)];
    while let Some((node, share)) = todo.pop() {
        let id = match &node.step {
            Step::Delegate(next) | Step::Renamed(next) | Step::Overlooked(_, next) => {
                todo.push((next, share));
                continue;
            }
            Step::Transformed { after, .. } => {
                todo.push((after, share));
                continue;
            }
            Step::Alt(branches) => {
                let chosen = branches.iter().find(|branch| branch.outcome != Outcome::Neg);
                todo.extend(chosen.map(|branch| (branch, share)));
                continue;
            }
            Step::Union(branches) => {
                let parts = shares_of(branches);
                let taken = branches.iter().zip(parts).filter(|(_, part)| *part > 0.0).rev();
                todo.extend(taken.map(|((_, branch), part)| (branch, share * part)));
                continue;
            }
            Step::Leaf(bound) => Some(&bound.id),
            Step::Empty => None,
            _ => continue,
        };
        let at = *known.entry(id).or_insert(shares.len());
        match shares.get_mut(at) {
            Some((_, sum)) => *sum += share,
            None => shares.push((id, share)),
        }
    }
    shares
}

/// `90 % to /a, 10 % to nobody`, as far as anybody wants to read.
fn listed(shares: &[(Option<&Path>, f64)]) -> String {
    const MOST: usize = 16;
    let part = |(id, share): &(Option<&Path>, f64)| {
        let id = id.map_or("nobody".to_owned(), Path::to_string);
        format!("{} to {id}", percent(*share))
    };
    let parts: Vec<_> = shares.iter().take(MOST).map(part).collect();
    let more = match shares.len() - parts.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    parts.join(", ") + &more
}

/// The step at which it is decided what becomes of a name.
struct End<'d> {
    node: &'d Delegation,
    /// The last entry on the way there.
    via: Option<&'d Via>,
    /// How many other branches of alts and unions on the way came to the same.
    others: usize,
    /// Whether that entry is a `~` that counts as none.
    overlooked: bool,
    /// The names on the way.
    names: Vec<&'d Path>,
}

/// Follows the branch that decides, or the first of those that all come to the same.
fn decider(root: &Delegation) -> End<'_> {
    let mut end = End { node: root, via: None, others: 0, overlooked: false, names: Vec::new() };
    loop {
        let node = end.node;
        if !end.overlooked {
            end.via = node.dentry.as_ref().or(end.via);
        }
        if end.names.last() != Some(&&node.path) {
            end.names.push(&node.path);
        }
        let next = match &node.step {
            Step::Delegate(next) | Step::Renamed(next) => next,
            Step::Overlooked(via, next) => {
                end.via = Some(via);
                end.overlooked = true;
                end.node = next;
                continue;
            }
            Step::Transformed { after, .. } => after,
            Step::Alt(branches) => {
                let Some(first) = branches
                    .iter()
                    .find(|branch| branch.outcome != Outcome::Neg)
                    .or_else(|| branches.first())
                else {
                    return end;
                };
                if node.outcome == Outcome::Neg {
                    end.others += branches.len() - 1;
                }
                first
            }
            Step::Union(branches) => {
                let same = |(_, branch): &&(f64, Delegation)| branch.outcome == node.outcome;
                let Some((_, first)) = branches.iter().find(same).or_else(|| branches.first())
                else {
                    return end;
                };
                if node.outcome == Outcome::Neg {
                    end.others += branches.len() - 1;
                }
                first
            }
            _ => return end,
        };
        end.node = next;
        end.overlooked = false;
    }
}

/// What a bound name is, and what is wrong with its address.
pub(crate) fn bound(bound: &Bound) -> String {
    let id = &bound.id;
    let from_file = id.starts_with(&Path::from_segments(["#", "io.l5d.fs"]));
    let state = match &bound.addr {
        Addr::Pending => ", whose address is not known yet".to_owned(),
        Addr::Neg => ", which has no address".to_owned(),
        Addr::Failed(cause) => format!(", whose address cannot be known: {cause}"),
        Addr::Status(code) => format!(", which answers {code}"),
        Addr::Bound(set) => match set.endpoints().len() {
            0 if from_file => ", whose file lists no address".to_owned(),
            0 => ", which lists no address".to_owned(),
            1 => ", 1 address".to_owned(),
            several => format!(", {several} addresses"),
        },
    };
    format!("bound to {id}{state}")
}

/// Why a name that no `~` is written for is negative.
pub(super) fn nothing(path: &Path) -> String {
    if is_namer_name(path) {
        format!("no namer has {path}")
    } else {
        format!("no dentry matches {path} and no namer answers")
    }
}

fn is_namer_name(path: &Path) -> bool {
    matches!(path.iter().next(), Some(b"#" | b"$"))
}

fn dead_end(root: &Path, end: &End<'_>, prefixes: &[Path]) -> String {
    let path = &end.node.path;
    let more = match end.others {
        0 => String::new(),
        1 => "; nor does the other branch lead anywhere".to_owned(),
        others => format!("; nor do the {others} other branches lead anywhere"),
    };
    if !is_namer_name(path) {
        return if path == root {
            format!("{root}: no dentry matches{more}")
        } else {
            format!("{root}: became {path}, which no dentry matches{more}")
        };
    }
    if path.iter().next() == Some(b"$") {
        return format!("{}not a name that {} takes{more}", became(root, end.node), path.take(2));
    }
    if let Some(prefix) = prefixes.iter().find(|prefix| path.starts_with(prefix)) {
        let rest = path.drop_front(prefix.len());
        let prefix_name = plain(prefix);
        let became = became(root, end.node);
        return if rest.is_empty() {
            format!("{became}{prefix_name} needs a name behind it{more}")
        } else {
            format!("{became}{prefix_name} has nothing named {rest}{more}")
        };
    }
    let namer = path.take(2);
    let hint = match nearest(&namer, prefixes) {
        Some(near) => format!(", did you mean {near}?"),
        None if prefixes.is_empty() => ": no namer is configured".to_owned(),
        None => {
            let names: Vec<_> = prefixes.iter().map(plain).collect();
            format!(": there is {}", names.join(", "))
        }
    };
    let start = match end.via {
        Some(via) => format!("{}: ", entry(via)),
        None => format!("{root}: "),
    };
    format!("{start}unknown namer {namer}{hint}{more}")
}

fn failed(name: &Path, end: &End<'_>, failure: &Failure) -> String {
    match failure.kind {
        FailureKind::TooDeep => format!("{name}: {}", endless(&end.names)),
        FailureKind::UnknownNamer => {
            let path = &end.node.path;
            let start = match end.via {
                Some(via) => format!("{}: became {path}; ", entry(via)),
                None => became(name, end.node),
            };
            format!("{start}{}", unknown_class(path))
        }
        FailureKind::Namer | FailureKind::BadName => {
            format!("{}{failure}", became(name, end.node))
        }
        FailureKind::TooManySteps => format!("{name}: {failure}"),
    }
}

/// Why a name below `/$/` is none: its class, or what stands behind it.
pub(super) fn unknown_class(path: &Path) -> String {
    let mut path = path.clone();
    while path.starts_with(&Path::from_segments(["$", builtin::GLOBAL])) {
        path = path.drop_front(2);
    }
    let class = path.take(2);
    let name = path.iter().nth(1).map(String::from_utf8_lossy).unwrap_or_default();
    if matches!(name.as_ref(), "inet" | "fixedinet") {
        return format!("{class} needs a host and a port: {class}/HOST/PORT");
    }
    let classes = builtin::CLASSES.iter().map(|&class| class.to_owned());
    // `domainToPath` for `io.buoyant.http.domainToPath`.
    let whole = classes.clone().find(|class| class.ends_with(&format!(".{name}")));
    match whole.or_else(|| closest(&name, classes)) {
        Some(near) => format!("there is no {class}, did you mean /$/{near}?"),
        None => format!("there is no {class} among the built-in names"),
    }
}

/// What led to too many names in a row: the steps of the cycle, from the last time that the name
/// came up, or the first few names if each is new.
pub(crate) fn endless(names: &[&Path]) -> String {
    let arrows =
        |names: &[&Path]| names.iter().map(|n| n.to_string()).collect::<Vec<_>>().join(" -> ");
    let Some((last, earlier)) = names.split_last() else { return String::new() };
    match earlier.iter().rposition(|name| name == last) {
        Some(at) => format!("a cycle: {}", arrows(&names[at..])),
        // Names are listed where they change: so few mean that the last one becomes itself.
        None if names.len() < MAX_DEPTH => format!("a cycle: {last} -> {last}"),
        None => format!("names without end: {} -> …", arrows(&names[..names.len().min(4)])),
    }
}

/// `/svc/web: `, or `/svc/web: became /#/io.l5d.fs/web; `.
fn became(root: &Path, node: &Delegation) -> String {
    if *root == node.path { format!("{root}: ") } else { format!("{root}: became {}; ", node.path) }
}

/// Which entry of which table, with its place if its text has a name.
fn entry(via: &Via) -> String {
    let (table, of) = match via.layer {
        Layer::Base => ("dentry", via.dtab.len()),
        Layer::Local => ("override dentry", via.dtab.len()),
    };
    let at = via.at + 1;
    match via.dentry().place() {
        Some(place) if via.layer == Layer::Base => format!("{place}"),
        _ => format!("{table} {at} of {of}"),
    }
}

fn entry_or(via: Option<&Via>, otherwise: &str) -> String {
    via.map_or_else(|| otherwise.to_owned(), entry)
}

/// `io.l5d.fs` for `/#/io.l5d.fs`.
fn plain(prefix: &Path) -> String {
    let shown = prefix.to_string();
    shown.strip_prefix("/#/").map_or(shown.clone(), ToOwned::to_owned)
}

/// The configured namer whose name is close enough to have been meant.
fn nearest(namer: &Path, prefixes: &[Path]) -> Option<String> {
    closest(&plain(namer), prefixes.iter().map(plain))
}

fn closest(wanted: &str, names: impl Iterator<Item = String>) -> Option<String> {
    // Comparing takes the product of both lengths.
    if wanted.len() > 64 {
        return None;
    }
    names
        .map(|name| (strsim::damerau_levenshtein(wanted, &name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
