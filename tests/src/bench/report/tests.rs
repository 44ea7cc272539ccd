use super::*;

fn report() -> Report {
    let machine = Machine {
        cpu: "Example CPU".into(),
        cores: 2,
        kernel: "6.1.0".into(),
        memory_mib: 4096,
        load_before: "0.10".into(),
    };
    let load = Load { connections: 64, rate: 5000, held: 1000 };
    let versions = BTreeMap::from([
        (Kind::Haproxy, "HAProxy 2.6".to_owned()),
        (Kind::Fingerpost, "fingerpost 0.1.0".to_owned()),
    ]);
    let figures = BTreeMap::new();
    let mut report = Report { machine, load, rounds: (3, 2.0), versions, figures };
    for (kind, cpu) in [
        (Kind::Haproxy, [20.0, 22.0, 40.0]),
        (Kind::Fingerpost, [24.0, 33.0, 44.0]),
        (Kind::FewDentries, [25.0, 30.0, 35.0]),
        (Kind::ManyDentries, [26.0, 33.0, 35.0]),
    ] {
        for us in cpu {
            report.push(kind, Metric::CpuUs, us);
        }
    }
    for rps in [20000.0, 21000.0, 22000.0] {
        report.push(Kind::Fingerpost, Metric::Rps, rps);
    }
    report.push(Kind::Fingerpost, Metric::RssIdle, 12.0);
    report
}

#[test]
fn the_table_reads_well() {
    insta::assert_snapshot!(report().to_string());
}

#[test]
fn budgets_are_of_medians_of_ratios_in_a_round() {
    let budgets = report().budgets();
    let values: Vec<Option<f64>> = budgets.iter().map(|b| b.value).collect();
    assert_eq!(values, [Some(1.2), Some(12.0), Some(1.04), None]);
    // "Under 12 MiB" does not allow 12, and what was not measured is not kept.
    assert_eq!(budgets.iter().map(Budget::kept).collect::<Vec<_>>(), [true, false, true, false]);
}

#[test]
fn the_json_has_every_round() {
    let json = report().json();
    assert_eq!(
        json["proxies"]["haproxy"]["cpu_us_per_request"]["rounds"],
        json!([20.0, 22.0, 40.0])
    );
    assert_eq!(json["ratios"]["fingerpost/haproxy"]["cpu_us_per_request"]["median"], 1.2);
    assert_eq!(json["machine"]["cores"], 2);
    assert_eq!(json["budgets"][1]["kept"], false);
}
