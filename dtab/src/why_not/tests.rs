use std::fmt::Write;
use std::net::SocketAddr;

use super::*;
use crate::{Address, Failure, FailureKind, Name, NameTree, NamerTable, Rule, Source, Transformer};

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

/// A namer at `/#/io.l5d.fs` with `web`, `web-v2` and `api` (an address each), `none` (no address),
/// `wait` and `broken`.
fn namers() -> NamerTable<'static> {
    NamerTable::new().with(path("/#/io.l5d.fs"), |asked: &Path| {
        let id = asked.take(3);
        let at = |ports: &[u16]| {
            let addresses = ports.iter().map(|&port| SocketAddr::from(([127, 0, 0, 1], port)));
            let addr = Addr::bound(addresses.map(Address::from));
            NameTree::Leaf(Name::Bound(Bound::new(id.clone(), asked.drop_front(3), addr)))
        };
        Activity::Ok(match id.iter().nth(2).unwrap_or_default() {
            b"web" => at(&[8001]),
            b"web-v2" => at(&[8002]),
            b"api" => at(&[8003, 8004]),
            b"none" => at(&[]),
            b"wait" => return Activity::Pending,
            b"broken" => {
                let failure = Failure::new(FailureKind::Namer, "the folder cannot be read");
                return Activity::Failed(failure);
            }
            _ => NameTree::Neg,
        })
    })
}

fn asked_by(base: &str, local: &str, name: &str, to: &str, transformers: &[Transformer]) -> WhyNot {
    let base = Dtab::parse_source(&Source::new("web.dtab", base)).unwrap();
    let local = Dtab::parse(local).unwrap();
    let namers = namers();
    let resolver = Resolver { base: &base, local: &local, namers: &namers, transformers };
    let known = ["web", "web-v2", "api", "none"].map(|name| path(&format!("/#/io.l5d.fs/{name}")));
    why_not(&resolver, &path(name), &to.parse().unwrap(), &known)
}

fn asked(base: &str, local: &str, name: &str, to: &str) -> WhyNot {
    asked_by(base, local, name, to, &[])
}

fn told(why: &WhyNot) -> String {
    let mut text = format!("{}\n", why.answer);
    for reason in &why.reasons {
        let Reason { path, kind, sentence, dentry } = reason;
        write!(text, "- {} at {path}", kind.name()).unwrap();
        if let Some(dentry) = dentry {
            write!(text, " <{} => {}>", dentry.prefix, dentry.dst).unwrap();
        }
        writeln!(text, ": {sentence}").unwrap();
    }
    for would in &why.would {
        writeln!(text, "+ {}: {}", would.text(), would.sentence).unwrap();
    }
    text
}

const FS: &str = "/srv => /#/io.l5d.fs;\n/svc => /srv;\n";

fn told_over_fs(more: &str, name: &str, to: &str) -> String {
    told(&asked(&format!("{FS}{more}"), "", name, to))
}

#[test]
fn what_reaches_says_with_which_share() {
    let why = asked(
        &format!("{FS}/svc/web => 9 * /srv/web & /srv/web-v2"),
        "",
        "/svc/web",
        "/#/io.l5d.fs/web",
    );
    assert!(why.reaches);
    assert!((why.probability - 0.9).abs() < 1e-9);
    insta::assert_snapshot!(told(&why));
    // The beginning of a name, and an address.
    assert_eq!(asked(FS, "", "/svc/web", "/#/io.l5d.fs").probability, 1.0);
    assert_eq!(asked(FS, "", "/svc/api", "127.0.0.1:8004").probability, 1.0);
    assert!(!asked(FS, "", "/svc/api", "127.0.0.1:8001").reaches);
}

#[test]
fn an_entry_is_shadowed_by_a_later_one() {
    insta::assert_snapshot!(told_over_fs(
        "/svc/web => /srv/web-v2",
        "/svc/web",
        "/#/io.l5d.fs/web"
    ));
}

#[test]
fn an_override_that_is_there_is_kept() {
    let why = asked(FS, "/svc/web => /srv/api ; /x => /y", "/svc/web", "127.0.0.1:8001");
    insta::assert_snapshot!(told(&why));
}

#[test]
fn branches_of_a_choice_are_in_the_way() {
    insta::assert_snapshot!(told_over_fs("/a => /srv/web | /srv/api", "/a", "/#/io.l5d.fs/api"));
    insta::assert_snapshot!(told_over_fs("/a => ! | /srv/api", "/a", "/#/io.l5d.fs/api"));
    insta::assert_snapshot!(told_over_fs(
        "/a => /srv/wait | /srv/broken | /srv/api",
        "/a",
        "/#/io.l5d.fs/api"
    ));
    insta::assert_snapshot!(told_over_fs(
        "/a => 1 * /srv/web & 0 * /srv/api",
        "/a",
        "/#/io.l5d.fs/api"
    ));
}

#[test]
fn misspelled_names_entries_namers_and_destinations() {
    let entry = "/srv => /#/io.l5d.fs;\n/svc/shop => /srv/api";
    insta::assert_snapshot!(told(&asked(entry, "", "/svc/shpo", "/#/io.l5d.fs/api")));
    insta::assert_snapshot!(told_over_fs("", "/svc/wbe", "/#/io.l5d.fs/web"));
    let namer = "/svc => /#/io.l5d.fss";
    insta::assert_snapshot!(told(&asked(namer, "", "/svc/web", "/#/io.l5d.fs/web")));
    insta::assert_snapshot!(told_over_fs("", "/svc/api", "/#/io.l5d.fs/wbe"));
}

#[test]
fn what_ends_cycles_or_waits_is_told() {
    let cases = [
        ("/a => /b ; /b => /a", "/a", "/#/io.l5d.fs/web"),
        ("/a => ~ ; /a => ~", "/a", "/#/io.l5d.fs/web"),
        ("/svc => ~", "/svc/none", "/#/io.l5d.fs/none"),
        ("", "/svc/none", "/#/io.l5d.fs/none"),
        ("", "/svc/wait", "/#/io.l5d.fs/wait"),
        ("/a => $", "/a", "127.0.0.1:8001"),
    ];
    let told = cases.map(|(more, name, to)| told_over_fs(more, name, to));
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn transformers_are_seen_through() {
    let transformer = Transformer {
        prefix: path("/%/io.l5d.port/99"),
        name: "DelegatingNameTreeTransformer$",
        rule: Rule::EachAddress(std::sync::Arc::new(|address| {
            let mut address = address.clone();
            address.socket.set_port(99);
            address
        })),
    };
    let why = asked_by(FS, "", "/svc/web", "/#/io.l5d.fs/web", std::slice::from_ref(&transformer));
    assert!(why.reaches, "{}", told(&why));
    let why = asked_by(FS, "", "/svc/web", "127.0.0.1:99", &[transformer]);
    assert!(why.reaches, "{}", told(&why));
}

#[test]
fn destinations_are_read_or_refused_in_words() {
    for text in
        ["/#/io.l5d.fs/web", "/$/inet/127.1/80", "/%/io.l5d.port/1", "127.0.0.1:80", "[::1]:80"]
    {
        assert_eq!(text.parse::<Destination>().map(|it| it.to_string()), Ok(text.to_owned()));
    }
    let wrong = ["/srv/web", "/", "web", "127.0.0.1", "/#//x", ""];
    let wrong = wrong.map(|text| text.parse::<Destination>().unwrap_err().to_string());
    insta::assert_snapshot!(wrong.join("\n"));
}

#[test]
fn every_kind_has_a_name_of_its_own() {
    let mut names: Vec<_> = ReasonKind::ALL.iter().map(|(kind, _)| kind.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ReasonKind::ALL.len());
}

#[test]
fn whatever_is_large_is_answered_in_bounds() {
    use std::fmt::Write as _;
    let mut base = String::from("/x => /x/a | /x/b;\n");
    for at in 0..5_000 {
        writeln!(base, "/svc/wob{at} => /#/io.l5d.fs/web;").unwrap();
    }
    let why = asked(&base, "", "/svc/wob", "/#/io.l5d.fs/web");
    assert!(why.reasons.len() <= 40, "{}", why.reasons.len());
    let why = asked(&base, "", "/x", "/#/io.l5d.fs/web");
    assert!(!why.reaches && !why.reasons.is_empty());
    assert!(!why.would.is_empty(), "{}", told(&why));
}
