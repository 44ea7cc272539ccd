//! Laws of the analysis of whole tables: what is told of a class of names holds for each of them.
//!
//! `PROPTEST_CASES=100000 cargo test -p dtab --release --test analyze` is the long form.

#![allow(clippy::unwrap_used)] // failing is what a test does

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

use dtab::analyze::{self, Scope, Settled, Verdict};
use dtab::{
    Activity, Addr, Bound, Dentry, Dtab, Explore, FailureKind, Name, NameTree, Namers, Outcome,
    Path, Prefix, Resolver, Source, Weighted, view,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;

/// Few labels, so that entries meet each other and the names.
const LABELS: &[&str] =
    &["a", "b", "c", "#", "$", "inet", "80", "x", "nil", "io.buoyant.http.anyHost"];

fn label() -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => select(&LABELS[..3]), 3 => select(&LABELS[3..7]), 1 => select(LABELS)]
}

fn path(labels: std::ops::Range<usize>) -> impl Strategy<Value = Path> {
    vec(label(), labels).prop_map(Path::from_segments)
}

/// Paths that end the way of a name, and paths that go on.
fn leaf() -> impl Strategy<Value = Path> {
    let ending = select(vec![
        "/#/a",
        "/#/b",
        "/#",
        "/$/inet/127.1",
        "/$/inet/127.1/80",
        "/$/inet",
        "/$/nil",
        "/$/fail",
        "/$",
        "/$/nope",
        "/$/io.buoyant.rinet/80",
        "/$/io.buoyant.http.anyHost",
        "/$/io.buoyant.http.anyHost/a",
        "/$/io.buoyant.hostportPfx/a/b:80",
        "/$/com.twitter.finagle.namer.global",
        "/$/io.buoyant.http.status",
        "/$/io.buoyant.http.status/404",
        "/$/io.buoyant.http.anyMethodPfx/a",
    ]);
    prop_oneof![3 => path(0..4), 2 => ending.prop_map(|text| Path::parse(text).unwrap())]
}

fn tree() -> impl Strategy<Value = NameTree<Path>> {
    let simple = prop_oneof![
        8 => leaf().prop_map(NameTree::Leaf),
        1 => Just(NameTree::Neg), 1 => Just(NameTree::Fail), 1 => Just(NameTree::Empty),
    ];
    simple.prop_recursive(3, 8, 3, |inner| {
        let weight = select(vec![0.0, 0.5, 1.0, 3.0, f64::INFINITY]);
        let branch = (weight, inner.clone()).prop_map(|(weight, tree)| Weighted { weight, tree });
        prop_oneof![
            vec(inner, 0..4).prop_map(NameTree::Alt),
            vec(branch, 0..4).prop_map(NameTree::Union),
        ]
    })
}

fn dentry() -> impl Strategy<Value = Dentry> {
    let element = prop_oneof![5 => label(), 1 => Just("*")];
    let prefix = vec(element, 0..4).prop_map(|elements| format!("/{}", elements.join("/")));
    (prefix, tree()).prop_map(|(prefix, dst)| Dentry::new(Prefix::parse(&prefix).unwrap(), dst))
}

fn dtab() -> impl Strategy<Value = Dtab> {
    vec(dentry(), 0..6).prop_map(Dtab::from)
}

/// A table, and one that is changed in one entry.
fn two() -> impl Strategy<Value = (Dtab, Dtab)> {
    (vec(dentry(), 1..6), dentry(), any::<prop::sample::Index>(), 0..4).prop_map(
        |(before, other, at, how)| {
            let mut after = before.clone();
            let at = at.index(before.len());
            match how {
                0 => after[at] = other,
                1 => drop(after.remove(at)),
                2 => after.insert(at, other),
                _ => after[at].dst = NameTree::Alt(vec![after[at].dst.clone(), other.dst]),
            }
            (Dtab::from(before), Dtab::from(after))
        },
    )
}

fn name() -> impl Strategy<Value = Path> {
    let odd = select(vec!["8080", "-1", "q", "99999999999", "a:80"]);
    vec(prop_oneof![5 => label(), 1 => odd], 0..5).prop_map(Path::from_segments)
}

/// Namers of every name under `/#`, some of which exist.
struct Discovered<'a>(&'a dyn Fn(&Path) -> bool);

impl Namers for Discovered<'_> {
    fn lookup(&self, path: &Path) -> Activity<NameTree<Name>> {
        if path.first() != Some(b"#") || !(self.0)(path) {
            return Activity::Ok(NameTree::Neg);
        }
        let bound = Bound::new(path.clone(), Path::root(), Addr::Neg);
        Activity::Ok(NameTree::Leaf(Name::Bound(bound)))
    }

    fn host(&self, _: &str) -> Activity<Option<Vec<IpAddr>>> {
        Activity::Ok(None)
    }
}

/// What becomes of requests for a name, and in which shares; ids with their residuals.
#[derive(Clone, Debug, PartialEq)]
enum End {
    Negative,
    Refused,
    Failed(FailureKind),
    Spread(BTreeMap<Option<(Path, Path)>, i64>),
}

fn spread(shares: impl Iterator<Item = (Option<(Path, Path)>, f64)>) -> End {
    let mut all = BTreeMap::new();
    for (target, share) in shares {
        *all.entry(target).or_insert(0.0) += share;
    }
    // Millionths: the last digits of a sum do not count.
    let rounded = all.into_iter().map(|(target, share)| (target, (share * 1e6).round() as i64));
    End::Spread(rounded.filter(|(_, share)| *share > 0).collect())
}

/// What the evaluator says.
fn concrete(dtab: &Dtab, name: &Path, exists: &dyn Fn(&Path) -> bool) -> End {
    let (local, namers) = (&Dtab::empty(), &Discovered(exists));
    let resolver = Resolver { base: dtab, local, namers, transformers: &[] };
    let delegation = resolver.resolve(name, Explore::Needed);
    match (delegation.outcome, delegation.bind()) {
        (Outcome::Neg, _) => End::Negative,
        (Outcome::Fail, _) => End::Refused,
        (_, Activity::Failed(failure)) => End::Failed(failure.kind),
        (_, Activity::Ok(tree)) => spread(view::spread(&tree).into_iter().map(|(bound, share)| {
            (bound.map(|bound| (bound.id.clone(), bound.residual.clone())), share)
        })),
        (_, Activity::Pending) => panic!("nothing is pending here"),
    }
}

/// What the class says.
fn told(class: &analyze::Class, name: &Path, exists: &dyn Fn(&Path) -> bool) -> Option<End> {
    Some(match class.settle(name, exists)? {
        Settled::Negative => End::Negative,
        Settled::Refused => End::Refused,
        Settled::Failed(kind) => End::Failed(kind),
        Settled::Spread(shares) => spread(shares.into_iter().map(|(target, share)| {
            let of = |template: &analyze::Template| template.of(name, &class.names);
            (target.map(|(id, residual)| (of(&id), of(&residual))), share)
        })),
    })
}

/// Whether a name exists, as chance has it.
fn by_chance(seed: u64) -> impl Fn(&Path) -> bool {
    let state = RandomState::new();
    move |path| state.hash_one((seed, path)) % 3 > 0
}

/// All names, but not for ever.
fn scope() -> Scope {
    Scope { most_steps: 5_000, ..Scope::default() }
}

fn config() -> Config {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    Config { cases: cases.unwrap_or(2_000), ..Config::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_name_is_in_one_class_and_goes_where_its_class_says(
        dtab in dtab(),
        names in vec(name(), 1..8),
        seed in any::<u64>(),
    ) {
        let partition = analyze::classes(&dtab, &scope());
        let exists = by_chance(seed);
        for name in names {
            let of: Vec<_> =
                partition.all.iter().filter(|class| class.names.contains(&name)).collect();
            if partition.cut && of.is_empty() {
                continue;
            }
            prop_assert_eq!(of.len(), 1, "{} is in {} classes of {}", &name, of.len(), &dtab);
            if let Some(told) = told(of[0], &name, &exists) {
                let is = concrete(&dtab, &name, &exists);
                prop_assert_eq!(is, told, "{} by {}: {}", &name, &dtab, of[0]);
            }
        }
    }

    #[test]
    fn a_change_is_told_if_and_only_if_a_name_changes(
        (before, after) in two(),
        names in vec(name(), 1..8),
        seed in any::<u64>(),
    ) {
        let diff = analyze::diff(&before, &after, &scope());
        for change in &diff.changes {
            let names = &change.before.names;
            prop_assert!(names.contains(&change.witness), "{} in {names}", change.witness);
            if let Verdict::Changed(_) = change.verdict {
                let exists = |path: &Path| {
                    change.assumed.iter().any(|(name, exists)| name == path && *exists)
                };
                let [old, new] =
                    [&before, &after].map(|dtab| concrete(dtab, &change.witness, &exists));
                prop_assert_ne!(old, new, "{} by {} and {}: {} {}", change.witness, &before,
                    &after, change.before, change.after);
            }
        }
        let exists = by_chance(seed);
        if diff.cut {
            return Ok(());
        }
        for name in names {
            if diff.changes.iter().any(|change| change.before.names.contains(&name)) {
                continue;
            }
            let [old, new] = [&before, &after].map(|dtab| concrete(dtab, &name, &exists));
            prop_assert_eq!(old, new, "{} by {} and {}", &name, &before, &after);
        }
    }
}

/// Every text in a document.
fn texts<'v>(value: &'v serde_json::Value, found: &mut Vec<&'v str>) {
    match value {
        serde_json::Value::String(text) => found.push(text),
        serde_json::Value::Array(list) => list.iter().for_each(|value| texts(value, found)),
        serde_json::Value::Object(map) => map.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

/// A table and its classes, if the text is one and has entries.
fn taken_apart(text: &str) -> Option<(Dtab, analyze::Partition)> {
    let source = Source::new("observed", text);
    let (table, mistakes) = dtab::check_dtab(&source);
    assert_eq!(dtab::format(text).is_ok(), mistakes.is_empty());
    if !mistakes.is_empty() || table.is_empty() {
        return None;
    }
    dtab::lint::lint(&table, &source, &dtab::lint::Known::default());
    let partition = analyze::classes(&table, &scope());
    Some((table, partition))
}

#[test]
fn every_observed_table_is_taken_apart_as_it_resolves() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/conformance");
    let mut tables = HashMap::new();
    let mut compared = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let record = serde_json::from_str(line).unwrap();
            let mut found = Vec::new();
            texts(&record, &mut found);
            let names: Vec<_> = found.iter().filter_map(|text| Path::parse(text).ok()).collect();
            for text in found {
                let known = tables.entry(text.to_owned()).or_insert_with(|| taken_apart(text));
                let Some((table, partition)) = known else { continue };
                let exists = by_chance(1);
                for name in &names {
                    let class = partition.all.iter().find(|class| class.names.contains(name));
                    assert!(class.is_some() || partition.cut, "{name} by {table}");
                    let Some(class) = class else { continue };
                    if let Some(told) = told(class, name, &exists) {
                        assert_eq!(concrete(table, name, &exists), told, "{name} by {table}");
                        compared += 1;
                    }
                }
            }
        }
    }
    let tables = tables.values().flatten().count();
    assert!(tables > 500 && compared > 500, "{tables} tables, {compared} names");
}
