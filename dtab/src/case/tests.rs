use super::*;
use crate::name::{Activity, Addr, Address, Bound, Name};
use crate::namers::NamerTable;
use crate::resolve::{Explore, Resolver};
use crate::span::Source;
use crate::tree::NameTree;

/// Where names are `/#/io.l5d.fs/web` and `/#/io.l5d.fs/web-v2`, each with one endpoint.
fn resolve(base: &Dtab, local: &Dtab, name: &str) -> Delegation {
    let prefix = Path::parse("/#/io.l5d.fs").unwrap();
    let namer = |path: &Path| {
        let host = match path.drop_front(2).first() {
            Some(b"web") => 1,
            Some(b"web-v2") => 2,
            _ => return Activity::Ok(NameTree::Neg),
        };
        let address = Address::from(SocketAddr::from(([10, 0, 0, host], 8080)));
        let bound = Bound::new(path.take(3), path.drop_front(3), Addr::bound([address]));
        Activity::Ok(NameTree::Leaf(Name::Bound(bound)))
    };
    let namers = NamerTable::new().with(prefix, namer);
    let resolver = Resolver { base, local, namers: &namers, transformers: &[] };
    resolver.resolve(&Path::parse(name).unwrap(), Explore::All)
}

fn table(text: &str) -> Dtab {
    Dtab::parse_source(&Source::new("t.dtab", text)).unwrap()
}

const TABLE: &str = "\
/srv       => /#/io.l5d.fs ;
/svc       => /srv ;
/svc/ten   => 9 * /srv/web & 1 * /srv/web-v2 ;
/svc/half  => /srv/web & $ ;
/svc/stop  => ! ;
/svc/idle  => $ ;
/svc/round => /svc/round/x ;
/svc/odd   => /$/nope ;
";

/// What is wrong with a case of `TABLE`, one line each.
fn judged(name: &str, expected: Expected) -> Vec<String> {
    let base = table(TABLE);
    let case = Case {
        title: String::new(),
        name: Ok(Path::parse(name).unwrap()),
        local: Dtab::empty(),
        expected,
    };
    let resolved = resolve(&base, &case.local, name);
    let found = case.judge(Some(&resolved), &[]);
    found.iter().map(|it| format!("{}: {} | {}", it.what, it.expected, it.got)).collect()
}

fn bound(shares: &[(&str, f64)]) -> Expected {
    let id = |id: &str| (id != "$").then(|| Path::parse(id).unwrap());
    let shares = shares.iter().map(|(name, share)| (id(name), *share)).collect();
    Expected { end: Some(End::Bound(shares)), ..Expected::default() }
}

fn error(class: ErrorClass) -> Expected {
    Expected { end: Some(End::Error(class)), ..Expected::default() }
}

const WEB: &str = "/#/io.l5d.fs/web";
const V2: &str = "/#/io.l5d.fs/web-v2";

#[test]
fn shares_are_those_of_all_names_and_nobody() {
    assert_eq!(judged("/svc/web", bound(&[(WEB, 1.0)])), [""; 0]);
    assert_eq!(judged("/svc/ten", bound(&[(V2, 0.1), (WEB, 0.9)])), [""; 0]);
    assert_eq!(judged("/svc/half", bound(&[(WEB, 0.5), ("$", 0.5)])), [""; 0]);
    assert_eq!(judged("/svc/idle", bound(&[("$", 1.0)])), [""; 0]);
    assert_eq!(
        judged("/svc/ten", bound(&[(WEB, 1.0)])),
        [format!("bound: {WEB} | 90 % to {WEB}, 10 % to {V2}")]
    );
    assert_eq!(
        judged("/svc/web", bound(&[(WEB, 0.9), (V2, 0.1)])),
        [format!("bound: 90 % to {WEB}, 10 % to {V2} | {WEB}")]
    );
    let stopped = judged("/svc/stop", bound(&[(WEB, 1.0)]));
    assert_eq!(stopped, [format!("bound: {WEB} | /svc/stop: refused, t.dtab:5:1 says !")]);
}

#[test]
fn a_share_may_be_off_by_the_tolerance_and_no_more() {
    let near = |tolerance| Expected { tolerance, ..bound(&[(WEB, 0.85), (V2, 0.15)]) };
    assert_eq!(judged("/svc/ten", near(0.051)), [""; 0]);
    assert_eq!(judged("/svc/ten", near(0.049)).len(), 1);
}

#[test]
fn errors_are_told_apart_and_an_exception_is_any_that_cannot_be_known() {
    use ErrorClass::*;
    for (name, classes) in [
        ("/svc/none", &[Neg][..]),
        ("/svc/stop", &[Fail]),
        ("/svc/idle", &[Empty]),
        ("/svc/round", &[TooDeep, Exception]),
        ("/svc/odd", &[UnknownNamer, Exception]),
        ("/svc/web", &[]),
    ] {
        for (_, class) in ErrorClass::ALL {
            let holds = judged(name, error(*class)).is_empty();
            assert_eq!(holds, classes.contains(class), "{name} is {class}");
        }
    }
    let told = judged("/svc/round", error(Neg));
    assert!(told[0].starts_with("error: neg | too-deep: /svc/round: "), "{told:?}");
    assert_eq!(judged("/svc/web", error(Neg)), [format!("error: neg | {WEB}")]);
}

#[test]
fn endpoints_and_residuals_are_those_of_all_names_that_requests_go_to() {
    let endpoints = |all: &[&str]| Expected {
        endpoints: Some(all.iter().map(|it| it.parse().unwrap()).collect()),
        ..Expected::default()
    };
    assert_eq!(judged("/svc/ten", endpoints(&["10.0.0.2:8080", "10.0.0.1:8080"])), [""; 0]);
    assert_eq!(judged("/svc/idle", endpoints(&[])), [""; 0]);
    assert_eq!(
        judged("/svc/web", endpoints(&["10.0.0.9:80"])),
        ["endpoints: 10.0.0.9:80 | 10.0.0.1:8080"]
    );
    let residual =
        |path: &str| Expected { residual: Some(Path::parse(path).unwrap()), ..Expected::default() };
    assert_eq!(judged("/svc/ten/a/b", residual("/a/b")), [""; 0]);
    assert_eq!(judged("/svc/web", residual("/")), [""; 0]);
    assert_eq!(judged("/svc/web/a", residual("/b")), ["residual: /b | /a"]);
    assert_eq!(judged("/svc/none", residual("/")).len(), 1, "nothing has a residual");
}

#[test]
fn a_request_goes_through_the_entries_that_lead_it_and_no_others() {
    let entries = |at: usize| Entries { written: format!("t.dtab:{}", at + 1), at: vec![at] };
    let through = |through: &[usize], not: &[usize]| Expected {
        through: through.iter().map(|at| entries(*at)).collect(),
        not_through: not.iter().map(|at| entries(*at)).collect(),
        ..Expected::default()
    };
    assert_eq!(judged("/svc/ten", through(&[0, 2], &[1, 3])), [""; 0]);
    assert_eq!(judged("/svc/stop", through(&[4], &[1])), [""; 0]);
    assert_eq!(
        judged("/svc/ten", through(&[0, 1], &[2])),
        [
            "through: t.dtab:2 | t.dtab:1:1, t.dtab:3:1",
            "not-through: not by way of t.dtab:3 | t.dtab:1:1, t.dtab:3:1"
        ]
    );
    assert_eq!(judged("/x", through(&[0], &[])), ["through: t.dtab:1 | no entry"]);
}

#[test]
fn a_request_without_a_name_is_of_a_class_of_its_own() {
    let unnamed = |expected| Case {
        title: String::new(),
        name: Err("Host header is absent".into()),
        local: Dtab::empty(),
        expected,
    };
    assert_eq!(unnamed(error(ErrorClass::Unidentified)).judge(None, &[]), []);
    let found = unnamed(bound(&[(WEB, 1.0)])).judge(None, &[]);
    assert_eq!(found[0].got, "unidentified: Host header is absent");
    assert_eq!(unnamed(Expected::default()).judge(None, &[]).len(), 1);
}

/// What these names, `NAME` or `OVERRIDE ? NAME`, leave of a table: each branch that is not taken, in
/// parentheses if it is at least evaluated.
fn missed(text: &str, names: &[&str]) -> Vec<String> {
    let base = table(text);
    let mut coverage = Coverage::new(base.clone());
    for asked in names {
        let (local, name) = asked.split_once(" ? ").unwrap_or(("", asked));
        coverage.add(&resolve(&base, &Dtab::parse(local).unwrap(), name));
    }
    let missed = coverage.missed();
    let count = coverage.count();
    assert_eq!(count.taken + missed.len(), count.all_branches);
    assert!(count.taken <= count.evaluated);
    let shown = |it: &Missed| {
        let text = format!("{}.{} {}", it.entry + 1, it.branch + 1, it.text);
        if it.evaluated { format!("({text})") } else { text }
    };
    missed.iter().map(shown).collect()
}

#[test]
fn a_branch_is_taken_if_requests_go_there() {
    let text = "/srv => /#/io.l5d.fs ; /svc/a => 9 * /srv/web & /srv/web-v2 | /srv/web ; \
                /svc/b => /srv/none | (/srv/web | /srv/web-v2)";
    assert_eq!(missed(text, &[]).len(), 7);
    assert_eq!(missed(text, &["/svc/a"])[0], "2.3 /srv/web");
    let both = missed(text, &["/svc/a", "/svc/b"]);
    assert_eq!(both, ["2.3 /srv/web", "(3.1 /srv/none)", "3.3 /srv/web-v2"]);
}

#[test]
fn a_branch_that_drops_out_is_evaluated_and_not_taken() {
    let text = "/a => 0.5 * /#/io.l5d.fs/web & 0.5 * /none ; /b => 0 * /#/io.l5d.fs/web & /$/nil";
    assert_eq!(
        missed(text, &["/a", "/b"]),
        ["(1.2 0.50 * /none)", "(2.1 0.00 * /#/io.l5d.fs/web)"]
    );
}

#[test]
fn constants_are_taken_where_they_do_what_they_say() {
    let text = "/svc => /#/io.l5d.fs ; /svc/web => ~ ; /a => ~ | ! | $ ; /b => /#/io.l5d.fs/web & ! ; \
                /c => ~ ; /d => /none | $";
    let left = missed(text, &["/svc/web", "/a", "/b", "/c", "/d"]);
    assert_eq!(left, ["3.3 $", "(6.1 /none)"]);
}

#[test]
fn what_decides_that_a_name_is_not_bound_is_taken() {
    let text = "/svc => /#/io.l5d.fs ; /old => /svc/gone ; /both => /svc/one | /svc/two";
    assert_eq!(missed(text, &["/old"]), ["3.1 /svc/one", "3.2 /svc/two"]);
    let tried = missed(text, &["/old", "/both"]);
    assert_eq!(tried, ["(3.1 /svc/one)", "(3.2 /svc/two)"], "neither decides alone");
}

#[test]
fn the_entries_of_an_override_count_for_nothing() {
    let text = "/svc => /#/io.l5d.fs ; /web => /svc/web";
    let overridden = "/web => /#/io.l5d.fs/web-v2 ? /web";
    assert_eq!(missed(text, &[overridden]), ["1.1 /#/io.l5d.fs", "2.1 /svc/web"]);
    assert_eq!(missed(text, &["/x => /web ? /x"]), [""; 0]);
}

#[test]
fn branches_of_what_a_namer_answers_are_not_those_of_an_entry() {
    let text = "/srv => /#/io.l5d.fs ; /a => /srv/web ; /a => /srv/web-v2";
    assert_eq!(missed(text, &["/a"]), ["2.1 /srv/web"]);
    // Rewriting by a built-in name leads on under the same entry.
    let text =
        "/http => /$/io.buoyant.http.domainToPathPfx/srv ; /srv/com/example => /#/io.l5d.fs/web";
    assert_eq!(missed(text, &["/http/example.com"]), [""; 0]);
}

#[test]
fn counts_add_up_and_an_empty_table_is_covered() {
    let mut count = Coverage::new(Dtab::empty()).count();
    assert_eq!(count.percent(), 100.0);
    let base = table(TABLE);
    let mut coverage = Coverage::new(base.clone());
    coverage.add(&resolve(&base, &Dtab::empty(), "/svc/ten"));
    count += coverage.count();
    let expected = Count { entries: 2, all_entries: 8, taken: 3, evaluated: 3, all_branches: 10 };
    assert_eq!(count, Count { evaluated: count.evaluated, ..expected });
    assert_eq!(count.percent(), 30.0);
}
