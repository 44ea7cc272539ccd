//! What keeps a name from a destination, read off its resolution.

use super::{Destination, Question, Reason, ReasonKind, is_below, is_served};
use crate::delegation::{Delegation, Outcome, Step, Via};
use crate::name::{Bound, FailureKind};
use crate::path::Path;
use crate::view::{self, explain_short};

/// Reasons that are told at most.
const MOST: usize = 32;

pub(super) fn reasons(question: &Question<'_>, root: &Delegation) -> Vec<Reason> {
    let mut walk = Walk {
        question,
        obstacles: Vec::new(),
        names: Vec::new(),
        told: Vec::new(),
        ends: Vec::new(),
    };
    walk.node(root, None);
    let Walk { told, ends, .. } = walk;
    if !told.is_empty() {
        return told;
    }
    let never = match question.destination {
        Destination::Name(name) => format!("no step of {} becomes {name}", question.path),
        Destination::Address(socket) => {
            format!("no name that {} becomes has the address {socket}", question.path)
        }
    };
    let never = Reason {
        path: question.path.clone(),
        dentry: None,
        kind: ReasonKind::NeverNamed,
        sentence: never,
    };
    std::iter::once(never).chain(ends).collect()
}

/// Something on the way to a step, because of which no request comes there.
struct Obstacle<'d> {
    /// The choice.
    at: &'d Delegation,
    /// The branch that leads on.
    branch: &'d Delegation,
    /// The branch of an alt that decides; none in a union, where the branch has no weight.
    decider: Option<&'d Delegation>,
    /// Whether it was told already, for another step behind it.
    told: bool,
}

struct Walk<'q, 'd> {
    question: &'q Question<'q>,
    /// From the root to here.
    obstacles: Vec<Obstacle<'d>>,
    /// From the root to here, each once where it comes several times in a row.
    names: Vec<&'d Path>,
    /// What stands between the name and the destination.
    told: Vec<Reason>,
    /// Where ways end that do not lead to it.
    ends: Vec<Reason>,
}

impl<'d> Walk<'_, 'd> {
    fn node(&mut self, node: &'d Delegation, via: Option<&'d Via>) {
        if self.told.len() >= MOST {
            return;
        }
        let another = self.names.last() != Some(&&node.path);
        if another {
            self.names.push(&node.path);
        }
        self.step(node, node.dentry.as_ref().or(via));
        if another {
            self.names.pop();
        }
    }

    fn step(&mut self, node: &'d Delegation, via: Option<&'d Via>) {
        match &node.step {
            Step::Delegate(next) | Step::Renamed(next) => self.node(next, via),
            Step::Overlooked(entry, next) => self.node(next, Some(entry)),
            Step::Transformed { by, before, after, .. } => {
                let (told, ends) = (self.told.len(), self.ends.len());
                self.node(after, via);
                let lost = self.told.len() == told && self.ends.len() == ends;
                if lost && self.question.destination.is(before) {
                    let sentence = format!("{} is changed by {by} into {}", before.id, after.path);
                    self.tell(node, via, ReasonKind::Transformed, sentence);
                }
            }
            Step::Alt(branches) => {
                let decider = branches.iter().position(|branch| branch.outcome != Outcome::Neg);
                for (at, branch) in branches.iter().enumerate() {
                    let before = decider.filter(|decider| at > *decider);
                    self.branch(node, branch, before.map(|at| &branches[at]), before.is_some());
                }
            }
            Step::Union(branches) => {
                let parts = view::shares_of(branches);
                for ((_, branch), part) in branches.iter().zip(parts) {
                    let nothing = part == 0.0 && branch.outcome == Outcome::Found;
                    self.branch(node, branch, None, nothing);
                }
            }
            Step::Leaf(bound) => self.leaf(node, via, bound),
            Step::Unreached => {}
            _ => self.end(node, via),
        }
    }

    fn branch(
        &mut self,
        at: &'d Delegation,
        branch: &'d Delegation,
        decider: Option<&'d Delegation>,
        blocked: bool,
    ) {
        if blocked {
            self.obstacles.push(Obstacle { at, branch, decider, told: false });
        }
        self.node(branch, None);
        if blocked {
            self.obstacles.pop();
        }
    }

    fn leaf(&mut self, node: &'d Delegation, via: Option<&'d Via>, bound: &Bound) {
        if !self.question.destination.is(bound) {
            return;
        }
        if !is_served(&bound.addr) {
            self.tell(node, via, ReasonKind::NoAddress, view::bound(bound));
        }
        self.tell_obstacles();
    }

    /// What no request passes on the way to here.
    fn tell_obstacles(&mut self) {
        let open = self.obstacles.iter_mut().filter(|obstacle| !obstacle.told);
        let new: Vec<_> = open
            .map(|obstacle| {
                obstacle.told = true;
                obstacle.reason()
            })
            .collect();
        self.told.extend(new);
        self.told.truncate(MOST);
    }

    /// A step that leads nowhere: in the way if it has come as far as the destination's name.
    fn end(&mut self, node: &'d Delegation, via: Option<&'d Via>) {
        let prefixes = self.question.prefixes;
        let (kind, sentence) = match &node.step {
            Step::Neg { written: true } => (ReasonKind::Negative, None),
            Step::Neg { .. } if via.is_some_and(says_neg) => {
                let sentence = via.map(|via| format!("{} counts as none", view::shown(via)));
                (ReasonKind::Negative, sentence)
            }
            Step::Neg { .. } => match node.path.first() {
                Some(b"#") if prefixes.iter().any(|prefix| node.path.starts_with(prefix)) => {
                    (ReasonKind::NoName, None)
                }
                Some(b"#" | b"$") => (ReasonKind::NoNamer, None),
                _ => (ReasonKind::NoDentry, None),
            },
            Step::Fail { .. } => (ReasonKind::Refused, None),
            Step::Empty => (ReasonKind::Empty, None),
            Step::Failed(failure) => match failure.kind {
                FailureKind::TooDeep => (ReasonKind::Cycle, Some(view::endless(&self.names))),
                FailureKind::TooManySteps => (ReasonKind::TooManySteps, None),
                FailureKind::UnknownNamer => (ReasonKind::NoNamer, None),
                FailureKind::Namer | FailureKind::BadName => (ReasonKind::Failed, None),
            },
            _ => (ReasonKind::Pending, None),
        };
        let there = match self.question.destination {
            Destination::Name(name) => is_below(&node.path, name),
            Destination::Address(_) => false,
        };
        if !there && self.ends.len() >= MOST {
            return;
        }
        let sentence = sentence.unwrap_or_else(|| explain_short(node, prefixes));
        if there {
            self.tell(node, via, kind, sentence);
            self.tell_obstacles();
        } else {
            let reason = reason(&node.path, via, kind, sentence);
            if !self.ends.contains(&reason) {
                self.ends.push(reason);
            }
        }
    }

    fn tell(&mut self, node: &Delegation, via: Option<&Via>, kind: ReasonKind, sentence: String) {
        let reason = reason(&node.path, via, kind, sentence);
        if !self.told.contains(&reason) {
            self.told.push(reason);
        }
    }
}

impl Obstacle<'_> {
    fn reason(&self) -> Reason {
        let Obstacle { at, branch, decider, .. } = self;
        let way = branch.dentry.as_ref();
        let Some(decider) = decider else {
            let sentence = match way {
                Some(way) => {
                    format!("the branch {} of {} has weight 0", branch.path, view::shown(way))
                }
                None => format!("the branch {} has weight 0", branch.path),
            };
            return reason(&at.path, way, ReasonKind::NoShare, sentence);
        };
        let first = decider.dentry.as_ref();
        let (kind, comes) = match decider.outcome {
            Outcome::Fail => (Some(ReasonKind::Refused), "refuses, so no other is tried"),
            Outcome::Failed => (Some(ReasonKind::Failed), "fails, so no other is tried"),
            Outcome::Pending | Outcome::Unreached => {
                (Some(ReasonKind::Pending), "is still waited for")
            }
            Outcome::Empty => (None, "is taken, with nobody behind it"),
            Outcome::Found | Outcome::Neg => (None, "is taken"),
        };
        match (way, first) {
            (Some(way), Some(first)) if way != first => {
                let sentence = format!(
                    "{} would lead there, but {} comes later, is tried first and {comes}",
                    view::shown(way),
                    view::shown(first)
                );
                reason(&at.path, Some(first), kind.unwrap_or(ReasonKind::Shadowed), sentence)
            }
            _ => {
                let of = first.map_or(String::new(), |via| format!(" of {}", view::shown(via)));
                let sentence =
                    format!("an earlier branch{of} {comes}: {} is not reached", branch.path);
                reason(&at.path, first, kind.unwrap_or(ReasonKind::NotReached), sentence)
            }
        }
    }
}

fn says_neg(via: &Via) -> bool {
    via.dentry().dst == crate::tree::NameTree::Neg
}

fn reason(path: &Path, via: Option<&Via>, kind: ReasonKind, sentence: String) -> Reason {
    Reason { path: path.clone(), dentry: via.map(Into::into), kind, sentence }
}
