//! Rules of Finagle and Linkerd that are easily lost: corners of the built-in names, of
//! transformers, and of the delegator's JSON.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::net::IpAddr;

use dtab::{
    Activity, Addr, Bound, Delegation, Dtab, Explore, Failure, FailureKind, MAX_DEPTH, Name,
    NameTree, NamerTable, Namers, Outcome, Path, PathPattern, Resolver, Rule, Step, Transformer,
    parse_tree, wire,
};
use serde_json::{Value, json};

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

fn resolve_by(table: &str, name: &str, namers: &dyn Namers, with: &[Transformer]) -> Delegation {
    let (base, local) = (Dtab::parse(table).unwrap(), Dtab::empty());
    let resolver = Resolver { base: &base, local: &local, namers, transformers: with };
    resolver.resolve(&path(name), Explore::All)
}

fn resolve(table: &str, name: &str) -> Delegation {
    resolve_by(table, name, &NamerTable::new(), &[])
}

fn leaf(name: &str) -> Bound {
    match resolve("", name).bind() {
        Activity::Ok(NameTree::Leaf(bound)) => bound,
        other => panic!("{name} is {other:?}"),
    }
}

fn json_of(table: &str, name: &str) -> Value {
    wire::delegation(&resolve(table, name)).unwrap()
}

fn endpoints(addr: &Addr) -> Vec<String> {
    match addr {
        Addr::Bound(set) => set.endpoints().iter().map(|one| one.socket.to_string()).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_passes_a_built_in_name_passes_as_text() {
    let bound = leaf("/$/inet/127.1/80/\\xff");
    assert_eq!(bound.residual, path("/\\xef\\xbf\\xbd"));
    assert_eq!(bound.id, path("/$/inet/127.1/80"));
    assert_eq!(leaf("/$/io.buoyant.rinet/80/h/\\xff").residual, path("/\\xef\\xbf\\xbd"));
    assert_eq!(leaf("/$/io.buoyant.http.status/404/\\xff").residual, path("/404/\\xef\\xbf\\xbd"));
    let within = leaf("/$/com.twitter.finagle.namer.global/$/inet/\\xff/80/\\xfe");
    assert_eq!(within.id, path("/$/inet/\\xef\\xbf\\xbd/80"));
    assert_eq!(within.residual, path("/\\xef\\xbf\\xbd"));
}

#[test]
fn rinet_names_what_its_elements_read_as() {
    let id = |name: &str| leaf(name).id.to_string();
    assert_eq!(id("/$/io.buoyant.rinet/80/a\\x2fb/x"), "/$/io.buoyant.rinet/80/a/b");
    assert_eq!(id("/$/io.buoyant.rinet/80/a\\x20\\x23b"), "/$/io.buoyant.rinet/80/a");
    assert_eq!(id("/$/io.buoyant.rinet/80/\\x5cx61"), "/$/io.buoyant.rinet/80/a");
    assert_eq!(leaf("/$/io.buoyant.rinet/80/a\\x2fb/x").residual, path("/x"));
    for bad in ["/$/io.buoyant.rinet/80/a\\x2f", "/$/io.buoyant.rinet/\\x2a/h"] {
        assert!(matches!(resolve("", bad).bind(), Activity::Failed(_)), "{bad}");
    }
}

#[test]
fn of_several_hosts_one_that_is_known_is_enough() {
    struct Hosts;
    impl Namers for Hosts {
        fn lookup(&self, _: &Path) -> Activity<NameTree<Name>> {
            Activity::Ok(NameTree::Neg)
        }
        fn host(&self, name: &str) -> Activity<Option<Vec<IpAddr>>> {
            match name {
                "known" => Activity::Ok(Some(vec![[10, 0, 0, 1].into()])),
                "broken" => Activity::Failed(Failure::new(FailureKind::Namer, "no luck")),
                "slow" => Activity::Pending,
                _ => Activity::Ok(None),
            }
        }
    }
    let addr = |host: &str, port: &str| {
        let name = Path::from_segments(["$", "inet", host, port]);
        let (empty, namers) = (Dtab::empty(), &Hosts);
        let resolver = Resolver { base: &empty, local: &empty, namers, transformers: &[] };
        match resolver.resolve(&name, Explore::Needed).bind() {
            Activity::Ok(NameTree::Leaf(bound)) => bound.addr,
            other => panic!("{host} is {other:?}"),
        }
    };
    assert_eq!(endpoints(&addr("broken:1,known:2,nobody", "3")), ["10.0.0.1:2"]);
    assert_eq!(addr("nobody:1,broken", "2"), Addr::Neg);
    assert_eq!(addr("broken:1,nobody", "2"), Addr::Failed("no luck".into()));
    assert_eq!(addr("slow:1,known", "2"), Addr::Pending);
    assert_eq!(endpoints(&addr("known:65536,known", "2")), ["10.0.0.1:2"]);
    assert_eq!(addr("nobody", "65536"), Addr::Neg);
    assert_eq!(endpoints(&addr(" ,known:*,", "2")), ["10.0.0.1:0", "127.0.0.1:2"]);
}

fn transformer(name: &'static str, prefix: &str, rule: Rule) -> Transformer {
    Transformer { prefix: path(prefix), name, rule }
}

#[test]
fn a_replacement_is_named_by_its_whole_path_and_has_no_weight_of_the_union() {
    let union = "/svc => 0.2*/$/inet/127.1/1 & 0.8*/$/inet/127.1/2";
    let to = || path("/$/inet/127.1/9/rest");
    let replace = transformer("replace", "/%/io.l5d.replace", Rule::Replace(to()));
    let constant = transformer("const", "/%/io.l5d.const", Rule::Const(to()));
    let bind = |with| match resolve_by(union, "/svc", &NamerTable::new(), &[with]).bind() {
        Activity::Ok(tree) => tree,
        other => panic!("{other:?}"),
    };
    let NameTree::Union(branches) = bind(replace) else { panic!("no union") };
    assert_eq!(branches.iter().map(|branch| branch.weight).collect::<Vec<_>>(), [0.2, 0.8]);
    for branch in branches {
        let NameTree::Leaf(bound) = branch.tree else { panic!("no leaf") };
        assert_eq!(bound.id, path("/%/io.l5d.replace/$/inet/127.1/9/rest"));
        assert_eq!((bound.residual, bound.weight), (path("/rest"), None));
    }
    let NameTree::Leaf(bound) = bind(constant) else { panic!("no leaf") };
    assert_eq!(bound.id, path("/%/io.l5d.const/$/inet/127.1/9/rest"));
    assert_eq!((bound.residual, bound.weight), (path("/rest"), None));
}

#[test]
fn a_transformed_address_keeps_the_weight_of_its_union() {
    let all = std::sync::Arc::new(|address: &dtab::Address| address.clone());
    let port = transformer("port", "/%/io.l5d.port/1", Rule::EachAddress(all));
    let union = "/svc => 0.2*/$/inet/127.1/1 & 0.8*/$/inet/127.1/2";
    let Activity::Ok(tree) = resolve_by(union, "/svc", &NamerTable::new(), &[port]).bind() else {
        panic!("not known")
    };
    let mut weights = Vec::new();
    tree.for_each_leaf(&mut |bound: &Bound| weights.push(bound.weight));
    assert_eq!(weights, [Some(0.2), Some(0.8)]);
}

#[test]
fn an_address_that_is_filtered_is_negative_if_nothing_is_left_and_one_that_is_changed_is_not() {
    let nobody = |_: &Path| {
        let bound = Bound::new(path("/#/nobody"), Path::root(), Addr::bound([]));
        Activity::Ok(NameTree::Leaf(Name::Bound(bound)))
    };
    let addr = |rule| {
        let namers = NamerTable::new().with(path("/#/nobody"), nobody);
        let by = transformer("by", "/%/by", rule);
        match resolve_by("", "/#/nobody", &namers, &[by]).bind() {
            Activity::Ok(NameTree::Leaf(bound)) => bound.addr,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(addr(Rule::Filter(std::sync::Arc::new(|_| true))), Addr::Neg);
    let same = std::sync::Arc::new(|address: &dtab::Address| address.clone());
    assert_eq!(addr(Rule::EachAddress(same)), Addr::bound([]));
}

#[test]
fn a_status_goes_by_the_name_that_led_to_it() {
    let name = "/$/io.buoyant.http.status/404/x";
    let json = json_of("", name);
    assert_eq!((&json["path"], &json["bound"]["id"]), (&json!(name), &json!(name)));
    assert_eq!(json["bound"]["path"], "/404/x");
}

#[test]
fn constants_at_the_root_and_of_the_fail_class_are_shown_by_name() {
    assert_eq!(
        json_of("/ => $", "/"),
        json!({ "type": "delegate", "path": "/", "delegate":
            { "type": "empty", "path": "/", "dentry": { "prefix": "/", "dst": "$" } } })
    );
    assert_eq!(
        json_of("/$/fail => !", "/$/fail/x"),
        json!({ "type": "delegate", "path": "/$/fail/x", "delegate":
            { "type": "fail", "path": "/$/fail/x", "dentry": { "prefix": "/$/fail", "dst": "!" } } })
    );
    assert_eq!(json_of("", "/"), json!({ "type": "neg", "path": "~" }));
}

#[test]
fn a_failing_branch_is_shown_with_the_entry_of_the_choice() {
    let tree = json_of("/loop => /loop ; /svc => /$/nil ; /svc => /loop", "/svc");
    let message = "Max recursion level reached.";
    assert_eq!(tree["alt"][0], json!({ "type": "exception", "path": "/svc", "message": message }));
    let tree = json_of("/loop => /loop ; /a => /svc ; /svc => $ ; /svc => /loop", "/a");
    assert_eq!(
        tree["delegate"]["alt"][0],
        json!({ "type": "exception", "path": "/svc", "message": message,
            "dentry": { "prefix": "/a", "dst": "/svc" } })
    );
}

#[test]
fn negatives_within_the_tree_of_a_namer_have_no_name() {
    let tree = |_: &Path| {
        let tree = parse_tree("~ | ~ | $").unwrap();
        Activity::Ok(tree.map(&mut |leaf| Name::Path(leaf.clone())))
    };
    let namers = NamerTable::new().with(path("/#/t"), tree);
    let json = wire::delegation(&resolve_by("", "/#/t/x", &namers, &[])).unwrap();
    let negative = json!({ "type": "neg", "path": "~" });
    let empty = json!({ "type": "empty", "path": "/#/t/x" });
    assert_eq!(
        json,
        json!({ "type": "alt", "path": "/#/t/x", "alt": [negative, negative, empty] })
    );
}

/// `/0 => /1 ; /1 => /2 ; …`, the last of them being `end`.
fn hops(count: usize, end: &str) -> String {
    let hops = (0..count).map(|at| format!("/{at} => /{} ;\n", at + 1));
    hops.chain([format!("/{count} => {end}")]).collect()
}

#[test]
fn the_limit_counts_look_ups_whatever_they_end_in() {
    // So many names come before the last one; its look-up is one more, a leaf's another one.
    for (end, within) in [
        ("$", MAX_DEPTH - 1),
        ("!", MAX_DEPTH - 1),
        ("~", MAX_DEPTH - 1),
        ("/$/nil", MAX_DEPTH - 2),
        ("/$/inet/1", MAX_DEPTH - 2),
        ("/nobody", MAX_DEPTH - 2),
    ] {
        for count in MAX_DEPTH - 4..MAX_DEPTH + 3 {
            let delegation = resolve(&hops(count, end), "/0");
            let (known, shown) = (delegation.bind(), wire::delegation(&delegation));
            assert_eq!(matches!(known, Activity::Ok(_)), count <= within, "{end} after {count}");
            assert_eq!(shown.is_ok(), count <= within, "{end} shown after {count}");
        }
    }
}

#[test]
fn a_mistaken_pattern_fails_for_every_path() {
    for broken in ["/a/{b.c}", "/a/*{b}", "/a/({b}"] {
        let pattern = PathPattern::new(broken);
        for name in ["/", "/a", "/a/b", "/other"] {
            assert!(pattern.extract(&path(name)).is_err(), "{broken} of {name}");
        }
    }
}

#[test]
fn a_request_cannot_make_a_name_of_any_size() {
    let mut doubling = String::from("/12 => /$/inet/1");
    for at in 0..12 {
        let next = at + 1;
        doubling += &format!(";/{at} => 1 * /{next} & 2 * /{next}");
    }
    let table = Dtab::parse(&doubling).unwrap();
    let outcome = |base: &Dtab, local: &Dtab| {
        let namers = &NamerTable::new();
        let resolver = Resolver { base, local, namers, transformers: &[] };
        resolver.resolve(&path("/0"), Explore::Needed)
    };
    assert_eq!(outcome(&table, &Dtab::empty()).outcome, Outcome::Found);
    let refused = outcome(&Dtab::empty(), &table);
    let Step::Failed(failure) = refused.step else { panic!("{refused:?}") };
    assert_eq!(failure.kind, FailureKind::TooManySteps);
    assert_eq!(failure.to_string(), "/0 fans out into more than 1000 steps");
}
