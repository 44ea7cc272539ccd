//! However deep a name nests, a thread with [`dtab::STACK`] can walk it.

use std::thread;

use dtab::{
    Activity, Dtab, Explore, MAX_NESTING, Name, NameTree, NamerTable, Path, Resolver, Weighted,
};

fn path(text: &str) -> Path {
    Path::parse(text).expect("a path")
}

/// Resolves `/a` and does with what comes of it all that is done with any name.
fn walk(base: &Dtab, namers: &NamerTable<'_>) {
    for explore in [Explore::Needed, Explore::All] {
        let local = Dtab::empty();
        let resolver = Resolver { base, local: &local, namers, transformers: &[] };
        let delegation = resolver.resolve(&path("/a"), explore);
        assert!(delegation.cycle().is_some(), "it went as deep as it may");
        let _ = delegation.bind();
        let _ = delegation.clone() == delegation;
        let view = dtab::view::view(&delegation);
        let json = dtab::wire::view(&view);
        assert_eq!(dtab::wire::read_view(&json), Some(view));
        let _ = dtab::wire::delegation(&delegation);
    }
}

fn within_stack(walk: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(dtab::STACK).spawn(walk).expect("a thread");
    thread.join().expect("it walks");
}

/// `leaf` in `deep` trees, one within the other, of `a | b` and `a & b` in turns.
fn nested<T: Clone>(deep: usize, leaf: NameTree<T>) -> NameTree<T> {
    (0..deep).fold(leaf, |tree, at| match at % 2 {
        0 => NameTree::Alt(vec![NameTree::Neg, tree]),
        _ => NameTree::Union(vec![
            Weighted { weight: 1.0, tree },
            Weighted { weight: 1.0, tree: NameTree::Fail },
        ]),
    })
}

#[test]
fn an_entry_that_nests_as_deep_as_it_may_and_leads_to_itself() {
    let tree = nested(MAX_NESTING - 1, NameTree::Leaf(path("/a")));
    let base = Dtab::parse(&format!("/a => {tree}")).expect("a table");
    within_stack(move || walk(&base, &NamerTable::new()));
}

#[test]
fn a_namer_whose_answer_nests_deep_and_leads_to_itself() {
    let tree = nested(MAX_NESTING, NameTree::Leaf(Name::Path(path("/a"))));
    within_stack(move || {
        let namer = |_: &Path| Activity::Ok(tree.clone());
        walk(&Dtab::empty(), &NamerTable::new().with(path("/a"), namer));
    });
}
