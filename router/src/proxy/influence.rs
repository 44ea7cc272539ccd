//! Which entries of an override led to what a name is bound to.
//!
//! It is read off the [`Delegation`], like the bound tree itself, and only when that changes.

use std::collections::HashMap;

use dtab::{Delegation, Dtab, Layer, Outcome, Path, Step};
use http::HeaderValue;

/// The most bytes of the list of entries.
const LIMIT: usize = 1024;

/// What an override has done to one binding.
#[derive(Debug, Default)]
pub(crate) struct Influence {
    /// The entries, from 0, on the way to each bound name and residual, in order.
    on: HashMap<(Path, Path), Vec<usize>>,
    /// The most rewritings in a row of which one is by the override.
    pub(crate) deepest: usize,
}

impl Influence {
    pub(crate) fn of(delegation: &Delegation) -> Self {
        let mut influence = Influence::default();
        influence.walk(delegation, &delegation.path, &mut Vec::new(), 0, true);
        influence
    }

    /// The entries that took part in this leaf of the bound tree.
    pub(crate) fn on(&self, id: &Path, residual: &Path) -> &[usize] {
        // The key is made for the look-up, which is done once for each binding.
        self.on.get(&(id.clone(), residual.clone())).map_or(&[], Vec::as_slice)
    }

    /// `above` is the name one step before, and `used` the entries so far. Only what is `taken` ends
    /// up in the bound tree.
    fn walk(
        &mut self,
        node: &Delegation,
        above: &Path,
        used: &mut Vec<usize>,
        depth: usize,
        taken: bool,
    ) {
        let depth = depth + usize::from(node.path != *above);
        let before = used.len();
        if let Some(via) = &node.dentry
            && via.layer == Layer::Local
            && !used.contains(&via.at)
        {
            used.push(via.at);
        }
        if !used.is_empty() {
            self.deepest = self.deepest.max(depth);
        }
        match &node.step {
            Step::Leaf(bound) if taken => {
                let on = self.on.entry((bound.id.clone(), bound.residual.clone())).or_default();
                on.extend(used.iter().filter(|at| !on.contains(at)).copied().collect::<Vec<_>>());
            }
            Step::Alt(branches) => {
                let decides = branches.iter().position(|branch| branch.outcome != Outcome::Neg);
                for (at, branch) in branches.iter().enumerate() {
                    self.walk(branch, &node.path, used, depth, taken && decides == Some(at));
                }
            }
            _ => {
                for child in node.children() {
                    self.walk(child, &node.path, used, depth, taken);
                }
            }
        }
        used.truncate(before);
    }
}

/// `l5d-override-used`: the entries by their places in the override and their text, as in
/// `1/3 /svc/web=>/svc/web-v2; 3/3 /svc/web-v2=>/#/io.l5d.fs/two`; `none` if the leaf is bound as if
/// there were no override. A long list ends in `...`.
pub(crate) fn shown(local: &Dtab, used: &[usize]) -> Option<HeaderValue> {
    let mut list = String::new();
    for &at in used {
        let Some(dentry) = local.dentries().get(at) else { continue };
        let between = if list.is_empty() { "" } else { "; " };
        let entry = format!("{between}{}/{} {dentry}", at + 1, local.len());
        if list.len() + entry.len() > LIMIT {
            list.push_str(between);
            list.push_str("...");
            break;
        }
        list.push_str(&entry);
    }
    if list.is_empty() {
        list.push_str("none");
    }
    // A table shows as ASCII throughout, so this cannot fail.
    HeaderValue::try_from(list).ok()
}

#[cfg(test)]
mod tests {
    use dtab::{Explore, NamerTable, Resolver};

    use super::*;

    fn used(base: &str, local: &str, name: &str) -> Vec<String> {
        let (base, local) = (Dtab::parse(base).unwrap(), Dtab::parse(local).unwrap());
        let namers = NamerTable::new();
        let resolver = Resolver { base: &base, local: &local, namers: &namers, transformers: &[] };
        let delegation = resolver.resolve(&Path::parse(name).unwrap(), Explore::Needed);
        let influence = Influence::of(&delegation);
        let dtab::Activity::Ok(tree) = delegation.bind() else { panic!("it is known") };
        let mut all = Vec::new();
        tree.for_each_leaf(&mut |bound| {
            let used = shown(&local, influence.on(&bound.id, &bound.residual)).unwrap();
            all.push(format!("{}: {}", bound.id, used.to_str().unwrap()));
        });
        all
    }

    const BASE: &str = "/svc => /$/inet/127.1 ; /svc/web => /svc/80";

    #[test]
    fn every_entry_on_the_way_took_part_and_no_other() {
        let local = "/x => /y ; /svc/api => /svc/web ; /svc/80 => /svc/81";
        assert_eq!(
            used(BASE, local, "/svc/api"),
            ["/$/inet/127.1/81: 2/3 /svc/api=>/svc/web; 3/3 /svc/80=>/svc/81"]
        );
        assert_eq!(used(BASE, local, "/svc/web"), ["/$/inet/127.1/81: 3/3 /svc/80=>/svc/81"]);
        assert_eq!(used(BASE, local, "/svc/82"), ["/$/inet/127.1/82: none"]);
    }

    #[test]
    fn an_entry_that_leads_nowhere_took_no_part() {
        let fallback = used(BASE, "/svc/web => /nowhere ; /svc/web => ~", "/svc/web");
        assert_eq!(fallback, ["/$/inet/127.1/80: none"]);
    }

    #[test]
    fn each_branch_has_its_own() {
        let local = "/svc/web => /svc/a & /svc/82 ; /svc/a => /svc/81";
        assert_eq!(
            used(BASE, local, "/svc/web"),
            [
                "/$/inet/127.1/81: 1/2 /svc/web=>/svc/a & /svc/82; 2/2 /svc/a=>/svc/81",
                "/$/inet/127.1/82: 1/2 /svc/web=>/svc/a & /svc/82",
            ]
        );
    }

    #[test]
    fn a_long_list_is_cut() {
        let hop = |n| format!("/hop/{n} => /hop/{} ;", n + 1);
        let local: String = (0..80).map(hop).collect();
        let local = format!("{local} /hop/80 => /$/inet/127.1/80");
        let all = used("", &local, "/hop/0");
        assert!(all[0].len() < LIMIT + 40 && all[0].ends_with("; ..."), "{}", all[0]);
    }
}
