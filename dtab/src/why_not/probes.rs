//! What is tried out before it is told: how a name was perhaps meant, whether the destination is
//! there at all, and overrides that may lead to it.

use std::net::SocketAddr;

use super::{
    Destination, MOST_OVERRIDES, Question, Reason, ReasonKind, WhyNot, Would, is_below, requests,
    share, shown,
};
use crate::delegation::{Delegation, Layer, Outcome, Step, Via};
use crate::dentry::{Dentry, Element, Prefix};
use crate::dtab::Dtab;
use crate::path::Path;
use crate::tree::NameTree;
use crate::view::{self, explain_short};

/// Names on the way that are compared with entries, and entries that they are compared with.
const MOST_NAMES: usize = 64;
const MOST_ENTRIES: usize = 20_000;
/// Ways in which names may have been meant.
const MOST_MEANT: usize = 4;
/// Overrides that are tried.
const MOST_TRIED: usize = 12;
/// Labels up to this length are compared: it takes the product of both lengths.
const MOST_COMPARED: usize = 64;

/// A name to be resolved by the table of the question and `local`, as requests are
/// ([`Explore::Needed`](crate::Explore::Needed)), and told to [`WhyNot::learn`].
#[derive(Clone, Debug)]
pub struct Probe {
    /// The override to resolve it under.
    pub local: Dtab,
    /// The name to resolve.
    pub path: Path,
    tells: Tells,
}

#[derive(Clone, Debug)]
enum Tells {
    /// Whether the destination is there at all.
    Destination,
    /// Whether what was perhaps meant leads there.
    Meant { reason: Box<Reason> },
    /// Whether an override does: the question's, and this entry.
    Override { entry: String },
}

impl Question<'_> {
    /// What is worth being tried for a name that does not reach its destination.
    pub fn probes(&self, delegation: &Delegation) -> Vec<Probe> {
        if share(delegation, self.local, self.destination) > 0.0 {
            return Vec::new();
        }
        let mut probes = Probes { question: self, probes: Vec::new(), tried: Vec::new() };
        let mut names = Vec::new();
        let mut ways = Vec::new();
        survey(self.destination, delegation, &mut names, &mut ways);
        probes.destination();
        probes.misspelled(&names);
        for way in ways {
            probes.lead(self.path, &way);
        }
        match self.destination {
            Destination::Name(name) => {
                probes.lead(self.path, name);
                let below = |known: &&Path| is_below(known, name);
                for known in self.known.iter().filter(below).take(MOST_OVERRIDES) {
                    probes.lead(self.path, known);
                }
            }
            Destination::Address(socket) => probes.lead(self.path, &inet(*socket)),
        }
        probes.probes
    }
}

/// The built-in name of an address.
fn inet(socket: SocketAddr) -> Path {
    Path::from_segments(["$", "inet", &socket.ip().to_string(), &socket.port().to_string()])
}

struct Probes<'q> {
    question: &'q Question<'q>,
    probes: Vec<Probe>,
    /// The overrides among them.
    tried: Vec<Dentry>,
}

impl Probes<'_> {
    fn destination(&mut self) {
        let Question { destination, known, prefixes, local, .. } = self.question;
        let Destination::Name(name) = destination else { return };
        let longer = |known: &Path| known.len() > name.len() && is_below(known, name);
        // The beginning of names need not be one itself.
        if known.iter().any(longer) || prefixes.iter().any(|prefix| is_below(prefix, name)) {
            return;
        }
        let probe =
            Probe { local: (*local).clone(), path: name.clone(), tells: Tells::Destination };
        self.probes.push(probe);
    }

    /// Entries that a name on the way all but matches, and what the destination's spelling says.
    fn misspelled(&mut self, names: &[&Path]) {
        let Question { base, local, path, destination, .. } = *self.question;
        let mut meant: Vec<(usize, Path, Path, Option<Via>)> = Vec::new();
        for (layer, dtab) in [(Layer::Local, local), (Layer::Base, base)] {
            for (at, dentry) in dtab.iter().enumerate().take(MOST_ENTRIES) {
                for &name in names {
                    if let Some((distance, other)) = nearly(&dentry.prefix, name) {
                        let via = Via { layer, dtab: dtab.clone(), at };
                        meant.push((distance, name.clone(), other, Some(via)));
                    }
                }
                if meant.len() > MOST_NAMES {
                    meant.sort_by_key(|(distance, ..)| *distance);
                    meant.truncate(MOST_MEANT);
                }
            }
        }
        if let Destination::Name(destination) = destination {
            let wanted = Prefix::from(destination);
            for name in names {
                let Some((distance, _)) = nearly(&wanted, name) else { continue };
                let Some((wrong, right)) = differing(name, destination) else { continue };
                let change = |label| if label == wrong { right } else { label };
                let other = Path::from_segments(path.iter().map(change));
                if other != *path {
                    meant.push((distance, path.clone(), other, None));
                }
            }
        }
        meant.sort_by_key(|(distance, ..)| *distance);
        meant.truncate(MOST_MEANT);
        for (_, name, other, via) in meant {
            let sentence = match &via {
                Some(via) => {
                    format!("{name} does not match {}: {other} would lead there", view::shown(via))
                }
                None => format!("{other} leads there: it may have been meant by {name}"),
            };
            let reason = Reason {
                path: name.clone(),
                dentry: via.as_ref().map(Into::into),
                kind: ReasonKind::Misspelled,
                sentence,
            };
            self.probes.push(Probe {
                local: local.clone(),
                path: other.clone(),
                tells: Tells::Meant { reason: Box::new(reason) },
            });
            self.lead(&name, &other);
        }
    }

    /// An override by which names below `from` become `to`.
    fn lead(&mut self, from: &Path, to: &Path) {
        let dentry = Dentry::new(Prefix::from(from), NameTree::Leaf(to.clone()));
        if from == to || self.tried.len() >= MOST_TRIED || self.tried.contains(&dentry) {
            return;
        }
        let local = self.question.local.concat(&Dtab::from(vec![dentry.clone()]));
        // What is shown is what is tried: weights lose digits.
        let Ok(local) = Dtab::parse(&shown(&local)) else { return };
        self.probes.push(Probe {
            local,
            path: self.question.path.clone(),
            tells: Tells::Override { entry: format!("{} => {}", dentry.prefix, dentry.dst) },
        });
        self.tried.push(dentry);
    }
}

/// The names on the way, and those of them that lead to the destination: of each way the first that
/// is another name, and the one that is bound.
fn survey<'d>(
    destination: &Destination,
    root: &'d Delegation,
    names: &mut Vec<&'d Path>,
    ways: &mut Vec<Path>,
) {
    // Each step with the first other name on the way to it.
    let mut open: Vec<(&Delegation, Option<&Path>)> = vec![(root, None)];
    while let Some((node, led)) = open.pop() {
        if names.len() < MOST_NAMES && !names.contains(&&node.path) {
            names.push(&node.path);
        }
        let led = led.or(Some(&node.path).filter(|path| **path != root.path));
        match &node.step {
            Step::Leaf(bound) if destination.is(bound) => {
                for way in led.into_iter().chain([&node.path]) {
                    if ways.len() < MOST_TRIED && !ways.contains(way) {
                        ways.push(way.clone());
                    }
                }
            }
            _ => open.extend(node.children().into_iter().rev().map(|child| (child, led))),
        }
    }
}

/// How far `name` is from matching `prefix`, and what it is with the one label changed that keeps it
/// from that; `None` if it is more than one, or not alike.
fn nearly(prefix: &Prefix, name: &Path) -> Option<(usize, Path)> {
    let mut labels = name.iter();
    let mut other = Vec::new();
    let mut far = None;
    for element in prefix.iter() {
        let label = labels.next()?;
        match element {
            Element::Label(wanted) if wanted != label => {
                if far.is_some() {
                    return None;
                }
                far = Some(distance(label, wanted)?);
                other.push(wanted);
            }
            _ => other.push(label),
        }
    }
    let far = far?;
    Some((far, Path::from_segments(other.into_iter().chain(labels))))
}

/// The first label of each that differs.
fn differing<'p>(one: &'p Path, other: &'p Path) -> Option<(&'p [u8], &'p [u8])> {
    one.iter().zip(other.iter()).find(|(one, other)| one != other)
}

/// The changes between two labels that are alike.
fn distance(one: &[u8], other: &[u8]) -> Option<usize> {
    let longest = one.len().max(other.len());
    if longest > MOST_COMPARED || one.len().abs_diff(other.len()) > 3 {
        return None;
    }
    let (one, other) = (String::from_utf8_lossy(one), String::from_utf8_lossy(other));
    let distance = strsim::damerau_levenshtein(&one, &other);
    (distance <= 1 + longest / 4 && distance * 2 < longest).then_some(distance)
}

impl WhyNot {
    /// Takes up what came of a probe.
    pub fn learn(&mut self, question: &Question<'_>, probe: &Probe, delegation: &Delegation) {
        let share = share(delegation, &probe.local, &self.destination);
        match &probe.tells {
            Tells::Destination if share == 0.0 => {
                let reason = missing(question, &probe.path, delegation);
                if !self.reasons.iter().any(|known| known.path == reason.path) {
                    self.reasons.insert(0, reason);
                }
            }
            Tells::Meant { reason } if share > 0.0 && !self.reasons.contains(reason) => {
                self.reasons.push((**reason).clone());
            }
            Tells::Override { entry } if share > 0.0 && self.would.len() < MOST_OVERRIDES => {
                let Probe { local, path, .. } = probe;
                let share = requests(share);
                let sentence = format!(
                    "With the override {entry}, {path} reaches {} with {share}.",
                    self.destination
                );
                self.would.push(Would { dtab: local.clone(), entry: entry.clone(), sentence });
            }
            _ => {}
        }
    }
}

/// Why the destination itself does not answer.
fn missing(question: &Question<'_>, name: &Path, delegation: &Delegation) -> Reason {
    let summary = explain_short(delegation, question.prefixes);
    let known = question.known.iter();
    let near = known
        .filter_map(|known| {
            let (distance, other) = nearly(&Prefix::from(known), name)?;
            (other == *known).then_some((distance, known))
        })
        .min_by_key(|(distance, _)| *distance);
    let hint = near.map_or(String::new(), |(_, near)| format!(", did you mean {near}?"));
    let (kind, sentence) = match delegation.outcome {
        Outcome::Found => (ReasonKind::NoAddress, format!("{name} itself is {summary}")),
        Outcome::Pending | Outcome::Unreached => (ReasonKind::Pending, summary),
        Outcome::Failed => (ReasonKind::Failed, summary),
        Outcome::Neg | Outcome::Fail | Outcome::Empty => {
            (ReasonKind::NoName, format!("{summary}{hint}"))
        }
    };
    Reason { path: name.clone(), dentry: None, kind, sentence }
}
