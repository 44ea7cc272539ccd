use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use super::*;
use crate::{
    Activity, Address, Dtab, Explore, Name, NameTree, NamerTable, Resolver, Rule, Source,
    Transformer, Weighted,
};

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

/// A namer at `/#/io.l5d.fs` with `web`, `two` (two addresses), `none` (no address), `gone`,
/// `wait`, `broken` and `split` (a union of web and two).
fn namers() -> NamerTable<'static> {
    NamerTable::new().with(path("/#/io.l5d.fs"), |asked: &Path| {
        let id = asked.take(3);
        let at = |ports: &[u16]| {
            Addr::bound(
                ports.iter().map(|&port| Address::from(SocketAddr::from(([127, 0, 0, 1], port)))),
            )
        };
        let leaf =
            |addr| NameTree::Leaf(Name::Bound(Bound::new(id.clone(), asked.drop_front(3), addr)));
        let name = id.iter().nth(2).unwrap_or_default();
        Activity::Ok(match name {
            b"web" => leaf(at(&[1])),
            b"two" => leaf(at(&[2, 3])),
            b"none" => leaf(at(&[])),
            b"gone" => leaf(Addr::Neg),
            b"late" => leaf(Addr::Pending),
            b"sick" => leaf(Addr::Failed("line 2: no port".into())),
            b"wait" => return Activity::Pending,
            b"broken" => {
                let failure = Failure::new(FailureKind::Namer, "the folder cannot be read");
                return Activity::Failed(failure);
            }
            b"split" => NameTree::Union(vec![
                Weighted { weight: 0.2, tree: leaf(at(&[1])) },
                Weighted {
                    weight: 0.8,
                    tree: NameTree::Leaf(Name::Path(path("/#/io.l5d.fs/two"))),
                },
            ]),
            _ => NameTree::Neg,
        })
    })
}

fn resolve(base: &str, local: &str, name: &str, transformers: &[Transformer]) -> Delegation {
    let base = Dtab::parse_source(&Source::new("web.dtab", base)).unwrap();
    let local = Dtab::parse(local).unwrap();
    let namers = namers();
    let resolver = Resolver { base: &base, local: &local, namers: &namers, transformers };
    resolver.resolve(&path(name), Explore::All)
}

fn draw(node: &ViewNode) -> String {
    fn go(node: &ViewNode, depth: usize, text: &mut String) {
        let sign = if node.taken { '+' } else { '-' };
        let kind = node.kind.name();
        write!(text, "{}{sign} {kind} {}", "  ".repeat(depth), node.path).unwrap();
        if let Some(dentry) = &node.dentry {
            write!(text, " <{:?} {}", dentry.layer, dentry.index).unwrap();
            if let Some(place) = &dentry.place {
                write!(text, " {place}").unwrap();
            }
            text.push('>');
        }
        if !node.residual.is_empty() {
            write!(text, " residual={}", node.residual).unwrap();
        }
        if let Some(weight) = node.weight {
            write!(text, " weight={weight}").unwrap();
        }
        writeln!(text, " p={:.3} : {}", node.probability, node.reason).unwrap();
        for child in &node.children {
            go(child, depth + 1, text);
        }
    }
    let mut text = String::new();
    go(node, 0, &mut text);
    text
}

fn shown(base: &str, local: &str, name: &str) -> String {
    draw(&view(&resolve(base, local, name, &[])))
}

#[test]
fn steps_say_which_entry_they_went_by_and_what_was_left() {
    let base = "/host => /#/io.l5d.fs;\n/svc => /host;\n";
    insta::assert_snapshot!(shown(base, "/svc/users => /host/two", "/svc/users/v1"));
}

#[test]
fn branches_say_why_they_are_taken_or_dropped() {
    let base = "/h => /#/io.l5d.fs ; /svc => /h/nope | /h/web | /h/two";
    insta::assert_snapshot!(shown(base, "", "/svc"));
}

#[test]
fn a_union_shows_the_share_of_each_branch() {
    let base = "/h => /#/io.l5d.fs ; /svc => 1 * /h/nope & 3 * /h/split & 1 * $ & 0 * /h/web";
    insta::assert_snapshot!(shown(base, "", "/svc"));
}

#[test]
fn what_waits_fails_and_loops_is_told() {
    let base = "/h => /#/io.l5d.fs ; /a => /b ; /b => /a ; /c => /c/c ; \
                /svc => /h/wait & /h/broken & /a & /c & ! & ~ & /$/fail & /$/nope";
    insta::assert_snapshot!(
        shown(base, "", "/svc")
            .lines()
            .filter(|l| !l.starts_with("      "))
            .collect::<Vec<_>>()
            .join("\n")
    );
}

#[test]
fn overlooked_entries_and_transformers_are_steps() {
    let transformer = Transformer {
        prefix: path("/%/io.l5d.port/99"),
        name: "DelegatingNameTreeTransformer$",
        rule: Rule::EachAddress(Arc::new(|address| {
            let mut address = address.clone();
            address.socket.set_port(99);
            address
        })),
    };
    let base = "/#/io.l5d.fs/web => ~ ; /svc => /#/io.l5d.fs";
    insta::assert_snapshot!(draw(&view(&resolve(base, "", "/svc/web", &[transformer]))));
}

#[test]
fn every_way_not_to_be_served_has_a_line() {
    let base = "/h => /#/io.l5d.fs;\n/svc => /h;\n/a => /b;\n/b => /a;\n/grow => /grow/x;\n\
                /no => ~;\n/stop => !;\n/nil => $;\n/nilp => /$/nil;\n/failp => /$/fail;\n\
                /either => /h/x | /h/y | /zzz;\n/util => /$/io.buoyant.hostpfx;\n/typo => /#/io.l5d.fss;\n\
                /far => /#/consul;\n/split => /h/x & /h/y;\n/inet => /$/inet/127.1/http;\n/dead => /old/name;\n\
                /pfx => /$/io.buoyant.hostportPfx;\n/slip => /$/io.buoyant.http.domainToPaht;\n\
                /short => /$/domainToPath";
    let local = "/one => /h/web ; /two => /#/io.l5d.fss ; /three => !";
    let prefixes = [path("/#/io.l5d.fs"), path("/#/rewrite")];
    let names = [
        "/nothing/web",
        "/svc/web",
        "/svc/two",
        "/svc/none",
        "/svc/gone",
        "/svc/late",
        "/svc/sick",
        "/svc/wait",
        "/svc/broken",
        "/svc/absent",
        "/dead",
        "/two/web",
        "/three",
        "/typo/web",
        "/far/web",
        "/util/x",
        "/slip/x",
        "/short/x",
        "/a",
        "/grow",
        "/no",
        "/stop",
        "/nil",
        "/nilp",
        "/failp",
        "/either",
        "/split",
        "/inet",
        "/pfx/.a:80",
        "/#/io.l5d.fs",
        "/",
    ];
    let lines: Vec<_> = names
        .iter()
        .map(|name| {
            format!("{name}\n    {}", explain_short(&resolve(base, local, name, &[]), &prefixes))
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_name_with_several_ends_is_explained_by_their_shares() {
    let base = "/h => /#/io.l5d.fs ; /svc => 1 * /h/nope & 3 * /h/split & 1 * $ & 0 * /h/web";
    assert_eq!(
        explain_short(&resolve(base, "", "/svc", &[]), &[]),
        "bound, 15 % to /#/io.l5d.fs/split, 60 % to /#/io.l5d.fs/two, 25 % to nobody"
    );
    let many = (0..20).map(|at| format!("/$/inet/127.1/{at}")).collect::<Vec<_>>().join(" & ");
    let many = explain_short(&resolve(&format!("/svc => {many}"), "", "/svc", &[]), &[]);
    assert!(many.ends_with(", 5 % to /$/inet/127.1/15 and 4 more"), "{many}");
    let one = explain_short(&resolve("/svc => /$/inet/1 & /$/inet/1", "", "/svc", &[]), &[]);
    assert_eq!(one, "bound to /$/inet/1, 1 address");
}

#[test]
fn without_any_namer_the_line_says_so() {
    let (base, none) = (Dtab::parse("/svc => /#/fs").unwrap(), Dtab::empty());
    let resolver =
        Resolver { base: &base, local: &none, namers: &NamerTable::new(), transformers: &[] };
    let delegation = resolver.resolve(&path("/svc/web"), Explore::Needed);
    assert_eq!(
        explain_short(&delegation, &[]),
        "dentry 1 of 1: unknown namer /#/fs: no namer is configured"
    );
}

#[test]
fn shares_hold_for_zero_infinite_and_huge_weights() {
    let shares = |weights: &[f64]| {
        let weights: Vec<_> = weights.iter().map(|&weight| Some(weight)).collect();
        spread::shares(&weights)
    };
    assert_eq!(shares(&[0.0, 0.0]), [0.5, 0.5]);
    assert_eq!(shares(&[0.0, 2.0]), [0.0, 1.0]);
    assert_eq!(shares(&[f64::INFINITY, 1.0, f64::INFINITY]), [0.5, 0.0, 0.5]);
    assert_eq!(shares(&[f64::MAX, f64::MAX]), [0.5, 0.5]);
    assert_eq!(spread::shares(&[Some(1.0), None, Some(3.0)]), [0.25, 0.0, 0.75]);
}

fn leaves<'v>(node: &'v ViewNode, found: &mut Vec<(Option<&'v Path>, f64)>) {
    match node.kind {
        ViewKind::Leaf if node.taken => {
            found.push((node.bound.as_ref().map(|bound| &bound.id), node.probability));
        }
        ViewKind::Empty if node.taken => found.push((None, node.probability)),
        _ => node.children.iter().for_each(|child| leaves(child, found)),
    }
}

#[test]
fn the_view_and_the_bound_tree_spread_alike() {
    let base = "/h => /#/io.l5d.fs ; /a => 0.3 * /h/split & 0.7 * (/h/nope | /h/web | $) ; \
                /b => 0 * /h/web & 0 * $ & 1 * ! ; /svc => /h/x | 3 * /a & 2 * /b & 1 * /h/wait";
    let delegation = resolve(base, "", "/svc", &[]);
    let Activity::Ok(tree) = delegation.bind() else { panic!("not bound") };
    let drawn = spread(&tree);
    let drawn: Vec<_> = drawn.iter().map(|(bound, p)| (bound.map(|b| &b.id), *p)).collect();
    let view = view(&delegation);
    let mut seen = Vec::new();
    leaves(&view, &mut seen);
    assert_eq!(seen, drawn);
    assert!((drawn.iter().map(|(_, p)| p).sum::<f64>() - 1.0).abs() < 1e-9);
}

#[cfg(feature = "serde")]
#[test]
fn json_of_a_view_reads_back_and_does_not_nest_with_the_way() {
    let base = "/h => /#/io.l5d.fs ; /a => /b ; /b => /a ; \
                /svc => /h/sick & 0.5 * /h/two & /h/late & /h/gone & /a & (/h/x | /$/io.buoyant.http.status/503)";
    let view = view(&resolve(base, "/svc/one => /h/web", "/svc/one", &[]));
    let json = crate::wire::view(&view);
    // What serde_json reads back by default is at most 128 levels deep.
    let json: serde_json::Value = serde_json::from_str(&json.to_string()).unwrap();
    assert_eq!(crate::wire::read_view(&json), Some(view));

    for bad in ["null", "[]", "[1]", "[{}]", r#"[{"depth":1}]"#, r#"[{"depth":0},{"depth":0}]"#] {
        assert_eq!(crate::wire::read_view(&serde_json::from_str(bad).unwrap()), None, "{bad}");
    }
}

#[cfg(feature = "serde")]
#[test]
fn json_of_a_view_holds_what_people_are_shown() {
    let view = view(&resolve("/h => /#/io.l5d.fs;\n/svc => 3*/h/web & 1*/h/x", "", "/svc/v1", &[]));
    insta::assert_json_snapshot!(crate::wire::view(&view));
}
