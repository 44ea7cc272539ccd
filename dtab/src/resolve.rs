//! The evaluator: from a name to its [`Delegation`].

use crate::builtin;
use crate::delegation::{Delegation, Layer, Outcome, Step, Via};
use crate::dtab::Dtab;
use crate::name::{Activity, Failure, FailureKind, Name};
use crate::namers::Namers;
use crate::path::Path;
use crate::transform::Transformer;
use crate::tree::NameTree;

/// The most look-ups in a row, Finagle's `Namer.MaxDepth`. One more fails the whole name.
pub const MAX_DEPTH: usize = 100;

/// The most steps of one resolution. Finagle walks on for as long as it takes, which for a name
/// that doubles at every step is for ever.
pub const MAX_STEPS: usize = 20_000;

/// The most steps that a request is given which brings entries of its own, and so decides how many
/// there are. What is kept of a binding, here and in those who use it, grows with its steps.
pub const MAX_OVERRIDDEN_STEPS: usize = 1_000;

/// The deepest nesting of steps, trees within entries included: bounds the stack.
const MAX_STEP_NESTING: usize = 500;

/// Bytes of stack that are enough for a thread to resolve any name, and to bind, view and write what
/// comes of it, in a build without optimisation, too. All of it walks trees by recursion.
pub const STACK: usize = 8 * 1024 * 1024;

/// How much of the tree is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Explore {
    /// Only what decides: branches of an alt behind the chosen one stay [`Step::Unreached`].
    Needed,
    /// Every branch, as the delegator shows it.
    All,
}

/// What a name is resolved against.
#[derive(Clone, Copy)]
pub struct Resolver<'a> {
    /// The table of the interpreter and router.
    pub base: &'a Dtab,
    /// The override of this request; its entries win.
    pub local: &'a Dtab,
    /// What the tables end in.
    pub namers: &'a dyn Namers,
    /// Applied in order to every bound name.
    pub transformers: &'a [Transformer],
}

impl std::fmt::Debug for Resolver<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resolver")
            .field("base", self.base)
            .field("local", self.local)
            .field("transformers", &self.transformers)
            .finish_non_exhaustive()
    }
}

impl Resolver<'_> {
    /// Resolves `path` against the present answers of the namers.
    ///
    /// ```
    /// use dtab::{Dtab, Explore, NamerTable, Outcome, Path, Resolver};
    ///
    /// let base = Dtab::parse("/svc => /$/inet/127.1 | ~")?;
    /// let resolver = Resolver {
    ///     base: &base,
    ///     local: &Dtab::empty(),
    ///     namers: &NamerTable::new(),
    ///     transformers: &[],
    /// };
    /// let delegation = resolver.resolve(&Path::parse("/svc/8080")?, Explore::All);
    /// assert_eq!(delegation.outcome, Outcome::Found);
    /// # Ok::<(), dtab::SyntaxError>(())
    /// ```
    pub fn resolve(&self, path: &Path, explore: Explore) -> Delegation {
        let overridden = !self.local.is_empty() && explore == Explore::Needed;
        let most = if overridden { MAX_OVERRIDDEN_STEPS } else { MAX_STEPS };
        self.resolve_within(path, explore, most).0
    }

    /// The same in at most so many steps, and how many it took.
    pub(crate) fn resolve_within(
        &self,
        path: &Path,
        explore: Explore,
        most: usize,
    ) -> (Delegation, usize) {
        let mut walk = Walk { resolver: self, explore, most, steps: 0, nesting: 0 };
        let mut delegation = walk.look_up(path, None, 0);
        for transformer in self.transformers {
            delegation = transformer.apply(delegation, &mut |path| {
                let (none, namers) = (&Dtab::empty(), self.namers);
                let resolver = Resolver { base: none, local: none, namers, transformers: &[] };
                resolver.resolve(path, explore)
            });
        }
        if walk.steps > most {
            let message = format!("{path} fans out into more than {most} steps");
            let failure = Failure::new(FailureKind::TooManySteps, message);
            return (Delegation::new(path.clone(), None, Step::Failed(failure)), walk.steps);
        }
        (delegation, walk.steps)
    }
}

struct Walk<'r> {
    resolver: &'r Resolver<'r>,
    explore: Explore,
    most: usize,
    steps: usize,
    nesting: usize,
}

impl Walk<'_> {
    /// Looks `path` up: entries first, last one first; then namers; then built-in names.
    fn look_up(&mut self, path: &Path, via: Option<Via>, depth: usize) -> Delegation {
        if let Some(failure) = self.spent() {
            return Delegation::new(path.clone(), via, Step::Failed(failure));
        }
        self.nesting += 1;
        let step = self.step(path, via.as_ref(), depth);
        self.nesting -= 1;
        Delegation::new(path.clone(), via, step)
    }

    fn step(&mut self, path: &Path, via: Option<&Via>, depth: usize) -> Step {
        let Resolver { base, local, .. } = *self.resolver;
        let mut matches: smallvec::SmallVec<[(Layer, usize, &[u8]); 4]> = smallvec::SmallVec::new();
        local.for_each_match(path, &mut |at, rest| matches.push((Layer::Local, at, rest)));
        base.for_each_match(path, &mut |at, rest| matches.push((Layer::Base, at, rest)));
        let entry = |layer: Layer, at: usize| {
            let dtab: &Dtab = if layer == Layer::Local { local } else { base };
            (&dtab.dentries()[at].dst, Via { layer, dtab: dtab.clone(), at })
        };
        match matches.as_slice() {
            [] => self.ask_namers(path, via, depth),
            &[(layer, at, residual)] => {
                let (dst, via_entry) = entry(layer, at);
                match dst {
                    NameTree::Neg => {
                        // As good as no entry; the namers' answer is still told by what led here.
                        let step = self.ask_namers(path, via, depth);
                        let answer = Delegation::new(path.clone(), via.cloned(), step);
                        Step::Overlooked(via_entry, Box::new(answer))
                    }
                    dst => match too_deep(depth) {
                        Some(failure) => Step::Failed(failure),
                        None => Step::Delegate(Box::new(self.tree(
                            dst,
                            path,
                            via_entry,
                            depth,
                            &|leaf: &Path| leaf.joined(residual),
                        ))),
                    },
                }
            }
            several => {
                if let Some(failure) = too_deep(depth) {
                    return Step::Failed(failure);
                }
                self.alt(several.iter(), path, |walk, &(layer, at, residual)| {
                    let (dst, via) = entry(layer, at);
                    walk.tree(dst, path, via, depth, &|leaf: &Path| leaf.joined(residual))
                })
            }
        }
    }

    /// Walks the tree of an entry. Its leaves are names to look up.
    fn tree(
        &mut self,
        tree: &NameTree<Path>,
        path: &Path,
        via: Via,
        depth: usize,
        residual: &dyn Fn(&Path) -> Path,
    ) -> Delegation {
        if let NameTree::Leaf(leaf) = tree {
            return self.look_up(&residual(leaf), Some(via), depth + 1);
        }
        if let Some(failure) = self.spent() {
            return Delegation::new(path.clone(), Some(via), Step::Failed(failure));
        }
        self.nesting += 1;
        let step = match tree {
            NameTree::Alt(trees) => self.alt(trees.iter(), path, |walk, tree| {
                walk.tree(tree, path, via.clone(), depth, residual)
            }),
            NameTree::Union(branches) => {
                let branches = branches.iter().map(|branch| {
                    (branch.weight, self.tree(&branch.tree, path, via.clone(), depth, residual))
                });
                Step::Union(branches.collect())
            }
            NameTree::Neg => Step::Neg { written: true },
            NameTree::Fail => Step::Fail { written: true },
            NameTree::Empty | NameTree::Leaf(_) => Step::Empty,
        };
        self.nesting -= 1;
        Delegation::new(path.clone(), Some(via), step)
    }

    fn ask_namers(&mut self, path: &Path, via: Option<&Via>, depth: usize) -> Step {
        let namers = self.resolver.namers;
        let answer = match namers.lookup(path) {
            Activity::Ok(NameTree::Neg) => builtin::lookup(path, namers),
            answer => answer,
        };
        match answer {
            Activity::Pending => Step::Pending,
            Activity::Failed(failure) => Step::Failed(failure),
            Activity::Ok(tree) => match too_deep(depth) {
                Some(failure) => Step::Failed(failure),
                None => self.answer(&tree, path, via, depth),
            },
        }
    }

    /// Walks what a namer answered. Its leaves are bound, or names to look up again.
    fn answer(
        &mut self,
        tree: &NameTree<Name>,
        path: &Path,
        via: Option<&Via>,
        depth: usize,
    ) -> Step {
        match tree {
            NameTree::Leaf(Name::Bound(bound)) => Step::Leaf(bound.clone()),
            NameTree::Leaf(Name::Path(name)) => {
                Step::Renamed(Box::new(self.look_up(name, via.cloned(), depth + 1)))
            }
            NameTree::Alt(trees) => self
                .alt(trees.iter(), path, |walk, tree| walk.answer_branch(tree, path, via, depth)),
            NameTree::Union(branches) => Step::Union(
                branches
                    .iter()
                    .map(|branch| {
                        (branch.weight, self.answer_branch(&branch.tree, path, via, depth))
                    })
                    .collect(),
            ),
            NameTree::Neg => Step::Neg { written: false },
            NameTree::Fail => Step::Fail { written: false },
            NameTree::Empty => Step::Empty,
        }
    }

    fn answer_branch(
        &mut self,
        tree: &NameTree<Name>,
        path: &Path,
        via: Option<&Via>,
        depth: usize,
    ) -> Delegation {
        if let NameTree::Leaf(Name::Path(name)) = tree {
            return self.look_up(name, via.cloned(), depth + 1);
        }
        let step = match self.spent() {
            Some(failure) => Step::Failed(failure),
            None if *tree == NameTree::Neg => Step::Neg { written: true },
            None => {
                self.nesting += 1;
                let step = self.answer(tree, path, via, depth);
                self.nesting -= 1;
                step
            }
        };
        Delegation::new(path.clone(), via.cloned(), step)
    }

    /// Walks branches in order, up to the first that is not negative unless all are wanted.
    fn alt<T>(
        &mut self,
        branches: impl ExactSizeIterator<Item = T>,
        path: &Path,
        mut walk: impl FnMut(&mut Self, T) -> Delegation,
    ) -> Step {
        let mut walked = Vec::with_capacity(branches.len());
        let mut decided = false;
        for branch in branches {
            if decided && self.explore == Explore::Needed {
                walked.push(Delegation::new(path.clone(), None, Step::Unreached));
                continue;
            }
            let branch = walk(self, branch);
            decided |= branch.outcome != Outcome::Neg;
            walked.push(branch);
        }
        Step::Alt(walked)
    }

    /// Counts one more step; the failure if there have been too many, or they nest too deep.
    fn spent(&mut self) -> Option<Failure> {
        self.steps += 1;
        if self.steps > self.most {
            return Some(Failure::new(FailureKind::TooManySteps, "too many steps"));
        }
        (self.nesting >= MAX_STEP_NESTING).then(recursion)
    }
}

/// A look-up at this depth fails, whatever comes of it.
fn too_deep(depth: usize) -> Option<Failure> {
    (depth >= MAX_DEPTH).then(recursion)
}

fn recursion() -> Failure {
    let message = format!("Max recursion level: {MAX_DEPTH} reached in Namer lookup");
    Failure::new(FailureKind::TooDeep, message)
}
