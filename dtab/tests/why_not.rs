//! Laws of what keeps a name from a destination, over generated tables.

#![allow(clippy::unwrap_used)] // failing is what a test does

use std::net::SocketAddr;

use dtab::view::spread;
use dtab::why_not::{Destination, why_not};
use dtab::{
    Activity, Addr, Address, Bound, Dtab, Explore, Failure, FailureKind, Name, NameTree,
    NamerTable, Path, Resolver,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// A namer at `/#/n` with `a` and `bb` (an address each), `none` (no address), `wait` and `broken`.
fn namers() -> NamerTable<'static> {
    NamerTable::new().with(Path::from_segments(["#", "n"]), |asked: &Path| {
        let at = |ports: &[u16]| {
            let addresses = ports.iter().map(|&port| SocketAddr::from(([127, 0, 0, 1], port)));
            let addr = Addr::bound(addresses.map(Address::from));
            NameTree::Leaf(Name::Bound(Bound::new(asked.take(3), asked.drop_front(3), addr)))
        };
        Activity::Ok(match asked.iter().nth(2).unwrap_or_default() {
            b"a" => at(&[1]),
            b"bb" => at(&[2, 3]),
            b"none" => at(&[]),
            b"wait" => return Activity::Pending,
            b"broken" => return Activity::Failed(Failure::new(FailureKind::Namer, "no folder")),
            _ => NameTree::Neg,
        })
    })
}

fn name() -> impl Strategy<Value = String> {
    select(vec!["/s/a", "/s/bb", "/s", "/t/bb", "/t", "/u", "/s/b", "/tt/a"])
        .prop_map(str::to_owned)
}

fn leaf() -> impl Strategy<Value = String> {
    let bound = select(vec![
        "/#/n/a",
        "/#/n/bb",
        "/#/n/none",
        "/#/n/wait",
        "/#/n/broken",
        "/#/n/cc",
        "/#/m/a",
        "/#/n",
        "/$/inet/127.1/1",
        "/$/nope",
        "!",
        "~",
        "$",
    ]);
    prop_oneof![2 => bound.prop_map(str::to_owned), 3 => name()]
}

fn tree() -> impl Strategy<Value = String> {
    leaf().prop_recursive(2, 8, 3, |inner| {
        let branch = (select(vec!["", "0 * ", "3 * "]), inner.clone());
        let branch = branch.prop_map(|(weight, tree)| format!("{weight}{tree}"));
        prop_oneof![
            vec(inner, 2..4).prop_map(|all| format!("({})", all.join(" | "))),
            vec(branch, 2..4).prop_map(|all| format!("({})", all.join(" & "))),
        ]
    })
}

fn table() -> impl Strategy<Value = String> {
    vec((name(), tree()), 0..7).prop_map(|entries| {
        let entries = entries.iter().map(|(prefix, dst)| format!("{prefix} => {dst}"));
        entries.collect::<Vec<_>>().join(" ; ")
    })
}

/// The share of a destination by what requests are routed by.
fn share(resolver: &Resolver<'_>, name: &Path, destination: &Destination) -> f64 {
    let Activity::Ok(tree) = resolver.resolve(name, Explore::Needed).bind() else { return 0.0 };
    let there = |bound: &Bound| {
        let served = match &bound.addr {
            Addr::Bound(set) => !set.endpoints().is_empty(),
            addr => matches!(addr, Addr::Status(_)),
        };
        served && destination.is(bound)
    };
    let shares = spread(&tree);
    shares.iter().filter(|(bound, _)| bound.is_some_and(there)).map(|(_, share)| share).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn what_is_answered_is_so(
        base in table(),
        local in table(),
        name in name(),
        destination in select(vec!["/#/n/a", "/#/n/bb", "/#/n", "/#/n/none", "/#/n/ab", "127.0.0.1:1"]),
    ) {
        let (base, local) = (Dtab::parse(&base).unwrap(), Dtab::parse(&local).unwrap());
        let (namers, name) = (namers(), Path::parse(&name).unwrap());
        let destination: Destination = destination.parse().unwrap();
        let resolver = Resolver { base: &base, local: &local, namers: &namers, transformers: &[] };
        let why = why_not(&resolver, &name, &destination, &[]);
        let share_now = share(&resolver, &name, &destination);
        prop_assert_eq!(why.reaches, why.probability > 0.0);
        if why.reaches {
            prop_assert!((why.probability - share_now).abs() < 1e-9, "{why:?}");
            prop_assert!(why.reasons.is_empty() && why.would.is_empty());
        } else {
            prop_assert!(!why.reasons.is_empty(), "{why:?}");
            let given_up = why.reasons.iter().any(|it| it.kind.name() == "too-many-steps");
            prop_assert!(share_now == 0.0 || given_up, "{why:?}");
        }
        for would in &why.would {
            let read = Dtab::parse(&would.text()).unwrap();
            let overridden = Resolver { local: &read, ..resolver };
            prop_assert!(share(&overridden, &name, &destination) > 0.0, "{would:?}");
        }
        let _ = dtab::wire::why_not(&why);
    }
}
