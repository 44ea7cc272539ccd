//! How long whole tables take: what `fingerpost check` and `fingerpost diff` do with large ones.

use std::hint::black_box;

use criterion::Criterion;
use dtab::analyze::{self, Scope};
use dtab::lint::{self, Known};
use dtab::{Dtab, Source, check_dtab};

/// A table of so many services, each with a canary and a fallback.
fn services(count: usize) -> String {
    let head = "/host => /#/io.l5d.fs ;\n/svc => /host ;\n".to_owned();
    (0..count).fold(head, |text, at| {
        text + &format!("/svc/s{at} => 9 * /host/s{at} & 1 * /host/s{at}-canary | /host/any ;\n")
    })
}

fn main() {
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();

    let before = services(1_000);
    let after = before.replace("/host/s617 ", "/host/s618 ");
    let [before, after] = [before, after].map(|text| Dtab::parse(&text).unwrap_or_default());
    criterion.bench_function("diff_1000", |b| {
        b.iter(|| analyze::diff(black_box(&before), black_box(&after), &Scope::default()));
    });

    let source = Source::new("services.dtab", services(200_000));
    criterion.bench_function("check_200000", |b| {
        b.iter(|| {
            let (dtab, found) = check_dtab(black_box(&source));
            (found, lint::lint(&dtab, &source, &Known::default()))
        });
    });
    criterion.final_summary();
}
