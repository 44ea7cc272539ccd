//! What reading, looking up and binding cost, beside what they cost Finagle.
//!
//! `cargo bench -p dtab` measures the inputs of `fixtures/conformance/perf` and prints, behind
//! Criterion's own report, a table with Finagle's figures (from `finagle.md` there, measured on a
//! machine like ours) and how many times faster we are. `cargo bench -p dtab -- NAME` measures
//! some of them.

use std::env;
use std::fs;
use std::hint::black_box;
use std::net::SocketAddr;
use std::path::{Path as Folder, PathBuf};
use std::time::Duration;

use criterion::Criterion;
use dtab::{Activity, Addr, Bound, Dtab, Explore, Name, NameTree, NamerTable, Path, Resolver};
use serde_json::Value;

/// A figure of Finagle's, and how many times faster we mean to be.
struct Target {
    name: &'static str,
    finagle_us: f64,
    times: f64,
}

const TARGETS: &[Target] = &[
    Target { name: "path_read", finagle_us: 0.48, times: 5.0 },
    Target { name: "dtab_read_10", finagle_us: 6.6, times: 5.0 },
    Target { name: "dtab_read_1000", finagle_us: 1132.0, times: 5.0 },
    Target { name: "lookup_10_one_match", finagle_us: 0.55, times: 1.0 },
    Target { name: "lookup_10_two_matches", finagle_us: 0.88, times: 1.0 },
    Target { name: "lookup_10_miss", finagle_us: 0.14, times: 1.0 },
    Target { name: "lookup_1000_first_entry", finagle_us: 47.8, times: 100.0 },
    Target { name: "lookup_1000_last_entry", finagle_us: 49.9, times: 100.0 },
    Target { name: "lookup_1000_miss", finagle_us: 34.8, times: 100.0 },
    Target { name: "bind_5_hops_10_entries", finagle_us: 8.3, times: 5.0 },
    Target { name: "bind_5_hops_1000_entries", finagle_us: 128.0, times: 50.0 },
];

fn main() {
    let folder = Folder::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/conformance/perf");
    let text = |file: &str| {
        let file = folder.join(file);
        fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
    };
    let cases: Value = serde_json::from_str(&text("cases.json")).expect("cases");

    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    read(&mut criterion, &text);
    for case in cases["lookup"].as_array().expect("look-ups") {
        look_up(&mut criterion, &text, case);
    }
    for case in cases["bind"].as_array().expect("names to bind") {
        bind(&mut criterion, &text, case);
    }
    criterion.final_summary();
    compare();
}

fn read(criterion: &mut Criterion, text: &impl Fn(&str) -> String) {
    let path = text("path.txt");
    criterion.bench_function("path_read", |b| b.iter(|| Path::parse(black_box(&path))));
    for size in [10, 1000] {
        let dtab = text(&format!("dtab-{size}.txt"));
        let name = format!("dtab_read_{size}");
        criterion.bench_function(&name, |b| b.iter(|| Dtab::parse(black_box(&dtab))));
    }
}

fn look_up(criterion: &mut Criterion, text: &impl Fn(&str) -> String, case: &Value) {
    let (dtab, path) = table_and_path(text, case);
    dtab.compile();
    criterion.bench_function(string(&case["name"]), |b| {
        b.iter(|| dtab.lookup(black_box(&path)));
    });
}

/// Resolves and binds anew each time; the namer answers from memory.
fn bind(criterion: &mut Criterion, text: &impl Fn(&str) -> String, case: &Value) {
    let (base, path) = table_and_path(text, case);
    base.compile();
    let mut namers = NamerTable::new();
    for namer in case["namers"].as_array().expect("namers") {
        let table: Vec<(Path, Addr)> = namer["table"]
            .as_object()
            .expect("a table")
            .iter()
            .map(|(id, addresses)| (parse(id), addr(addresses)))
            .collect();
        namers = namers.with(parse(string(&namer["prefix"])), move |path: &Path| {
            let found = table.iter().find_map(|(id, addr)| {
                let residual = path.strip_prefix(id)?;
                Some(Name::Bound(Bound::new(id.clone(), residual, addr.clone())))
            });
            Activity::Ok(found.map_or(NameTree::Neg, NameTree::Leaf))
        });
    }
    let local = Dtab::empty();
    let resolver = Resolver { base: &base, local: &local, namers: &namers, transformers: &[] };
    let bound = || resolver.resolve(black_box(&path), Explore::Needed).bind();

    let Activity::Ok(NameTree::Leaf(found)) = bound() else { panic!("{path} is not bound") };
    assert_eq!(found.id.to_string(), string(&case["binds_to"]["id"]));
    assert_eq!(found.residual.to_string(), string(&case["binds_to"]["residual"]));
    criterion.bench_function(string(&case["name"]), |b| b.iter(bound));
}

fn table_and_path(text: &impl Fn(&str) -> String, case: &Value) -> (Dtab, Path) {
    (Dtab::parse(&text(string(&case["dtab"]))).expect("a dtab"), parse(string(&case["path"])))
}

fn addr(addresses: &Value) -> Addr {
    let addresses = addresses.as_array().expect("addresses").iter();
    Addr::bound(addresses.map(|at| string(at).parse::<SocketAddr>().expect("an address").into()))
}

fn parse(text: &str) -> Path {
    Path::parse(text).expect("a path")
}

fn string(value: &Value) -> &str {
    value.as_str().expect("a string")
}

/// The table of our newest figures beside Finagle's.
fn compare() {
    println!("{:26} {:>12} {:>12} {:>9} {:>9}", "", "Finagle", "ours", "faster", "target");
    for Target { name, finagle_us, times } in TARGETS {
        let Some(ours_us) = median_us(name) else { continue };
        let faster = finagle_us / ours_us;
        let verdict = if faster < *times { "  MISSED" } else { "" };
        println!(
            "{name:26} {finagle_us:9.2} us {ours_us:9.3} us {faster:8.1}x {times:8.0}x{verdict}"
        );
    }
}

/// The median that Criterion noted when the bench last ran, if it has.
fn median_us(name: &str) -> Option<f64> {
    let target = env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Folder::new(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from);
    let file = target.join("criterion").join(name).join("new/estimates.json");
    let estimates: Value = serde_json::from_str(&fs::read_to_string(file).ok()?).ok()?;
    Some(estimates["median"]["point_estimate"].as_f64()? / 1000.0)
}
