//! The law of the evaluator: the tree that a Delegation is projected to is the one that Finagle's
//! binding gives, written here once more, as a recursion over names that explains nothing.
#![allow(missing_docs)]

use dtab::{
    Activity, Addr, Bound, Dentry, Dtab, Explore, Failure, FailureKind, Name, NameTree, NamerTable,
    Path, Prefix, Resolver, Weighted,
};
use proptest::prelude::*;

type Binding = Activity<NameTree<Bound>>;

/// Names go from level to level, so that no table loops, and end at the namer `/#` or nowhere.
const LEVELS: usize = 4;

/// What the namer `/#` says of its first element; negative of all others.
fn namer(path: &Path) -> Activity<NameTree<Name>> {
    let id = path.take(2);
    match id.to_string().as_str() {
        "/#/ok" | "/#/also" => {
            let bound = Bound::new(id, path.drop_front(2), Addr::bound([]));
            Activity::Ok(NameTree::Leaf(Name::Bound(bound)))
        }
        "/#/fail" => Activity::Ok(NameTree::Fail),
        "/#/empty" => Activity::Ok(NameTree::Empty),
        "/#/pending" => Activity::Pending,
        "/#/bad" => Activity::Failed(Failure::new(FailureKind::Namer, "bad")),
        "/#/names" => {
            let names = [path_of("/#/neg"), path_of("/#/ok").concat(&path.drop_front(2))];
            let names = names.map(|name| NameTree::Leaf(Name::Path(name)));
            Activity::Ok(NameTree::Alt(names.to_vec()))
        }
        _ => Activity::Ok(NameTree::Neg),
    }
}

const ENDS: [&str; 9] = [
    "/#/ok",
    "/#/also",
    "/#/neg",
    "/#/fail",
    "/#/empty",
    "/#/pending",
    "/#/bad",
    "/#/names",
    "/nowhere",
];

fn path_of(text: &str) -> Path {
    Path::parse(text).expect("a path")
}

/// Finagle's `Namer.bind`, by its rules alone.
fn bind(dtab: &Dtab, tree: &NameTree<Name>, weight: Option<f64>) -> Binding {
    match tree {
        NameTree::Leaf(Name::Bound(bound)) => {
            Activity::Ok(NameTree::Leaf(Bound { weight, ..bound.clone() }))
        }
        NameTree::Leaf(Name::Path(path)) => match dtab.lookup(path) {
            NameTree::Neg if !path.starts_with(&path_of("/#")) => Activity::Ok(NameTree::Neg),
            NameTree::Neg => match namer(path) {
                Activity::Ok(answer) => bind(dtab, &answer, weight),
                Activity::Pending => Activity::Pending,
                Activity::Failed(failure) => Activity::Failed(failure),
            },
            tree => bind(dtab, &tree.map(&mut |path| Name::Path(path.clone())), weight),
        },
        NameTree::Alt(trees) => trees
            .iter()
            .map(|tree| bind(dtab, tree, weight))
            .find(|bound| *bound != Activity::Ok(NameTree::Neg))
            .unwrap_or(Activity::Ok(NameTree::Neg)),
        NameTree::Union(branches) => bind_union(dtab, branches),
        NameTree::Neg => Activity::Ok(NameTree::Neg),
        NameTree::Fail => Activity::Ok(NameTree::Fail),
        NameTree::Empty => Activity::Ok(NameTree::Empty),
    }
}

fn bind_union(dtab: &Dtab, branches: &[Weighted<Name>]) -> Binding {
    let one = |branch: &Weighted<Name>| bind(dtab, &branch.tree, Some(branch.weight));
    if let [only] = branches {
        return one(only);
    }
    let (mut kept, mut known, mut failed) = (Vec::new(), branches.is_empty(), None);
    for branch in branches {
        match one(branch) {
            Activity::Ok(NameTree::Neg | NameTree::Fail) => known = true,
            Activity::Ok(tree) => {
                known = true;
                kept.push(Weighted { weight: branch.weight, tree });
            }
            Activity::Failed(failure) => failed = failed.or(Some(failure)),
            Activity::Pending => {}
        }
    }
    match (kept.len(), failed) {
        (0, _) if known => Activity::Ok(NameTree::Neg),
        (0, Some(failure)) => Activity::Failed(failure),
        (0, None) => Activity::Pending,
        (1, _) => Activity::Ok(kept.remove(0).tree),
        _ => Activity::Ok(NameTree::Union(kept)),
    }
}

/// Trees whose leaves are numbers, which a level makes names of.
fn tree() -> impl Strategy<Value = NameTree<usize>> {
    let leaf = prop_oneof![
        8 => (0..ENDS.len() + 4).prop_map(NameTree::Leaf),
        1 => Just(NameTree::Neg),
        1 => Just(NameTree::Fail),
        1 => Just(NameTree::Empty),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let branch = (0.0..4.0, inner.clone()).prop_map(|(weight, tree)| Weighted { weight, tree });
        prop_oneof![
            prop::collection::vec(inner, 1..4).prop_map(NameTree::Alt),
            prop::collection::vec(branch, 1..4).prop_map(NameTree::Union),
        ]
    })
}

fn dtab() -> impl Strategy<Value = Dtab> {
    let entry = (0..LEVELS, 0..3_usize, tree()).prop_map(|(level, label, tree)| {
        let prefix = ["", "/a", "/*"][label];
        let prefix = Prefix::parse(&format!("/l{level}{prefix}")).expect("a prefix");
        let dst = tree.map(&mut |&leaf| match ENDS.get(leaf) {
            Some(end) => path_of(end),
            None => {
                path_of(&format!("/l{}{}", level + 1, ["", "/a", "/b", "/a/b"][leaf - ENDS.len()]))
            }
        });
        Dentry::new(prefix, dst)
    });
    prop::collection::vec(entry, 0..12).prop_map(Dtab::from)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn the_bound_tree_is_the_projection_of_the_delegation(base in dtab(), local in dtab()) {
        let namers = NamerTable::new().with(path_of("/#"), namer);
        let resolver = Resolver { base: &base, local: &local, namers: &namers, transformers: &[] };
        let both = base.concat(&local);
        for name in ["/l0", "/l0/a", "/l0/b/c", "/l2/a/b", "/nowhere"] {
            let path = path_of(name);
            let expected = bind(&both, &NameTree::Leaf(Name::Path(path.clone())), None);
            for explore in [Explore::Needed, Explore::All] {
                let bound = resolver.resolve(&path, explore).bind();
                if matches!(&bound, Activity::Failed(f) if f.kind == FailureKind::TooManySteps) {
                    continue; // Finagle has no such limit
                }
                prop_assert_eq!(&bound, &expected, "{} {:?} by {} and {}", name, explore, base, local);
            }
        }
    }
}

/// 256, or as many as `PROPTEST_CASES` says.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(256)
}
