use dtab::{Activity, Explore, NamerTable, Resolver};
use proptest::prelude::*;

use super::*;

fn path(text: &str) -> Path {
    Path::parse(text).expect("a path")
}

fn paths(texts: &[&str]) -> Vec<Path> {
    texts.iter().map(|text| path(text)).collect()
}

fn scoped(prefixes: &[&str], destinations: &[&str]) -> Arc<OverridePolicy> {
    let config = OverridesConfig {
        prefixes: Some(paths(prefixes)),
        destinations: Some(paths(destinations)),
        ..OverridesConfig::default()
    };
    OverridePolicy::new(&config, true, None)
}

/// What the text of an override is refused for; empty if it is not.
fn refusal(policy: &OverridePolicy, dtab: &str) -> String {
    let dtab = Dtab::parse(dtab).expect("a dtab");
    policy.check(&dtab).err().map_or_else(String::new, |violation| violation.to_string())
}

#[test]
fn unless_told_otherwise_only_this_machine_is_trusted() {
    let policy = |config: &OverridesConfig, is_loopback| {
        OverridePolicy::new(config, is_loopback, None).trust
    };
    let none = OverridesConfig::default();
    assert_eq!((policy(&none, true), policy(&none, false)), (Trust::Trusted, Trust::Scoped));
    let off = OverridesConfig { trust: Some(Trust::Off), ..none.clone() };
    assert_eq!((policy(&off, true), policy(&off, false)), (Trust::Off, Trust::Off));
    let trusted = OverridesConfig { trust: Some(Trust::Trusted), ..none.clone() };
    assert_eq!(policy(&trusted, false), Trust::Trusted);
    let restricted = OverridesConfig { prefixes: Some(Vec::new()), ..none };
    assert_eq!(policy(&restricted, true), Trust::Scoped);
}

#[test]
fn limits_hold_where_they_are_given_and_for_scoped_overrides_always() {
    let none = OverridesConfig::default();
    let table = Dtab::parse(&"/a=>/b;".repeat(33)).expect("a dtab");
    let trusted = OverridePolicy::new(&none, true, None);
    assert_eq!((trusted.check_size(1 << 20), trusted.check(&table)), (Ok(()), Ok(())));
    let scoped = OverridePolicy::new(&none, false, None);
    assert_eq!(scoped.check_size(4096), Ok(()));
    insta::assert_snapshot!(scoped.check_size(4097).unwrap_err(), @"the override has 4097 bytes; callers of this server may send 4096 (overrides.maxBytes)");
    insta::assert_snapshot!(scoped.check(&table).unwrap_err(), @"the override has 33 entries; callers of this server may send 32 (overrides.maxDentries)");
    let one = OverridesConfig {
        trust: Some(Trust::Trusted),
        max_bytes: Some(10),
        max_dentries: Some(1),
        ..none
    };
    let one = OverridePolicy::new(&one, true, None);
    assert!(one.check_size(11).is_err() && one.check(&table).is_err());
}

#[test]
fn an_entry_must_rewrite_what_is_allowed() {
    let policy = scoped(&["/svc", "/host/web"], &["/#/io.l5d.fs"]);
    for fine in ["/svc => /svc/a", "/svc/* => /svc/a", "/svc/*/x => !", "/host/web/* => ~"] {
        assert_eq!(refusal(&policy, fine), "", "{fine}");
    }
    for escapes in ["/ => /svc/a", "/* => /svc/a", "/*/web => /svc/a", "/host/* => ~", "/sv => ~"] {
        assert!(refusal(&policy, escapes).contains("overrides.prefixes"), "{escapes}");
    }
    insta::assert_snapshot!(
        refusal(&policy, "/svc/a => /svc/b ; /* => /svc/c ; /svc => ~"),
        @"override dentry 2 of 3: /*=>/svc/c: callers of this server may rewrite names below /svc or /host/web (overrides.prefixes)"
    );
}

#[test]
fn every_leaf_of_an_entry_must_lead_to_what_is_allowed() {
    let policy = scoped(&["/svc"], &["/#/io.l5d.fs", "/$/inet/10.0.0.1"]);
    for fine in [
        "/svc/a => /#/io.l5d.fs/a | /svc/b",
        "/svc/a => 3 * /$/inet/10.0.0.1/80 & /svc/b",
        "/svc/a => $",
    ] {
        assert_eq!(refusal(&policy, fine), "", "{fine}");
    }
    for leaves in ["/ ", "/host/a", "/#/other/a", "/$/inet/10.0.0.2/80", "/#", "/$/inet"] {
        let dtab = format!("/svc/a => /svc/b | (0.5 * /svc/c & {leaves})");
        assert!(refusal(&policy, &dtab).contains("overrides.destinations"), "{dtab}");
    }
    insta::assert_snapshot!(
        refusal(&policy, "/svc/a => /svc/b | /$/inet/evil/80"),
        @"override dentry 1 of 1: /svc/a=>/svc/b | /$/inet/evil/80: /$/inet/evil/80 is not below /#/io.l5d.fs or /$/inet/10.0.0.1 or /svc (overrides.destinations)"
    );
}

#[test]
fn where_any_name_may_be_rewritten_those_of_namers_may_still_not_be_named() {
    let config = OverridesConfig {
        destinations: Some(paths(&["/#/io.l5d.fs"])),
        ..OverridesConfig::default()
    };
    let policy = OverridePolicy::new(&config, false, None);
    assert_eq!(refusal(&policy, "/svc/a => /host/b | /#/io.l5d.fs/c"), "");
    for named in ["/$/inet/evil/80", "/#/other", "/%/x", "/"] {
        assert_ne!(refusal(&policy, &format!("/svc/a => {named}")), "", "{named}");
    }
}

/// What a name is bound to under an override that the policy has accepted by its text, and whether
/// it still does.
fn bound(
    policy: &OverridePolicy,
    base: &str,
    local: &str,
    name: &str,
) -> Result<Vec<String>, String> {
    let base = Dtab::parse(base).expect("a dtab");
    let local = Dtab::parse(local).expect("a dtab");
    policy.check(&local).map_err(|violation| violation.to_string())?;
    let namers = NamerTable::new();
    let resolver = Resolver { base: &base, local: &local, namers: &namers, transformers: &[] };
    let delegation = resolver.resolve(&path(name), Explore::Needed);
    let Activity::Ok(tree) = delegation.bind() else { return Ok(Vec::new()) };
    let mut leaves = Vec::new();
    tree.for_each_leaf(&mut |bound| leaves.push((bound.id.clone(), bound.residual.clone())));
    let influence = Influence::of(&delegation);
    let borrowed = leaves.iter().map(|(id, residual)| (id, residual));
    policy
        .check_bound(&local, Some(&influence), borrowed)
        .map_err(|violation| violation.to_string())?;
    Ok(leaves.into_iter().map(|(id, _)| id.to_string()).collect())
}

#[test]
fn an_override_that_is_rewritten_out_of_scope_is_refused_when_it_is_bound() {
    let policy = scoped(&["/svc"], &["/$/inet/good"]);
    let base = "/svc => /$/inet/good ; /svc/admin => /$/inet/evil/80";
    assert_eq!(
        bound(&policy, base, "/svc/a => /svc/80", "/svc/a"),
        Ok(vec!["/$/inet/good/80".to_owned()])
    );
    insta::assert_snapshot!(
        bound(&policy, base, "/svc/b => /svc/1 ; /svc/a => /svc/admin", "/svc/a").unwrap_err(),
        @"override dentry 2 of 2: /svc/a=>/svc/admin: it leads to a bound name that is not below any destination (overrides.destinations)"
    );
    // What is bound there without the override is none of its business.
    assert_eq!(
        bound(&policy, base, "/svc/a => /svc/80", "/svc/admin"),
        Ok(vec!["/$/inet/evil/80".to_owned()])
    );
}

#[test]
fn a_way_may_be_too_long() {
    let config = OverridesConfig { max_depth: Some(3), ..OverridesConfig::default() };
    let policy = OverridePolicy::new(&config, false, None);
    let base = "/svc => /$/inet/good";
    assert!(bound(&policy, base, "/svc/a => /svc/b ; /svc/b => /svc/80", "/svc/a").is_ok());
    insta::assert_snapshot!(
        bound(&policy, base, "/svc/a => /svc/b ; /svc/b => /svc/c ; /svc/c => /svc/80", "/svc/a").unwrap_err(),
        @"the override has 4 steps; callers of this server may send 3 (overrides.maxDepth)"
    );
}

#[test]
fn nothing_is_assumed_of_a_binding_that_was_never_seen_being_made() {
    let policy = scoped(&["/svc"], &["/$/inet/good"]);
    let (good, evil, rest) = (path("/$/inet/good/1"), path("/$/inet/evil/1"), Path::default());
    assert_eq!(policy.check_bound(&Dtab::empty(), None, [(&good, &rest)]), Ok(()));
    let refused = policy.check_bound(&Dtab::empty(), None, [(&evil, &rest)]);
    assert_eq!(refused, Err(Violation::Unknown));
}

#[test]
fn transformers_of_the_configuration_do_not_hide_what_is_bound() {
    let policy = scoped(&["/svc"], &["/#/io.l5d.fs"]);
    let rest = Path::default();
    let check = |id: &str| policy.check_bound(&Dtab::empty(), None, [(&path(id), &rest)]);
    assert_eq!(check("/%/io.l5d.port/4140/#/io.l5d.fs/web"), Ok(()));
    assert!(check("/%/io.l5d.port/4140/#/other/io.l5d.fs").is_err());
    assert!(check("/%/io.l5d.port/4140").is_err());
}

/// Names of a few labels, so that they meet; some of them are bound.
fn name() -> impl Strategy<Value = String> {
    let label = || prop_oneof![Just("svc"), Just("a"), Just("b"), Just("host")];
    let logical = proptest::collection::vec(label(), 0..3).prop_map(|labels| {
        labels.into_iter().fold(String::new(), |path, label| path + "/" + label)
    });
    let bound = prop_oneof![Just("/$/inet/good/1"), Just("/$/inet/good"), Just("/$/inet/evil/1")];
    prop_oneof![4 => logical, 1 => bound.prop_map(str::to_owned)].prop_map(|name| match &*name {
        "" => "/".to_owned(),
        _ => name,
    })
}

fn table() -> impl Strategy<Value = String> {
    let tree = prop_oneof![
        name(),
        (name(), name()).prop_map(|(a, b)| format!("{a} | {b}")),
        (name(), name()).prop_map(|(a, b)| format!("{a} & {b}")),
        Just("~".to_owned()),
    ];
    let wild = prop_oneof![
        3 => name(),
        1 => Just("/*".to_owned()),
        1 => Just("/svc/*".to_owned()),
    ];
    proptest::collection::vec((wild, tree), 0..5).prop_map(|entries| {
        entries
            .into_iter()
            .fold(String::new(), |dtab, (prefix, tree)| dtab + &format!("{prefix} => {tree} ; "))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever base table there is: with the override a name is bound to what the override may lead
    /// to, or to what it is bound to without.
    #[test]
    fn an_accepted_override_never_leads_out_of_its_destinations(
        base in table(),
        local in table(),
        name in name(),
    ) {
        let policy = scoped(&["/svc"], &["/$/inet/good"]);
        let plain = bound(&policy, &base, "", &name).expect("there is no override");
        if let Ok(ids) = bound(&policy, &base, &local, &name) {
            for id in ids {
                let allowed = id.starts_with("/$/inet/good") || plain.contains(&id);
                prop_assert!(allowed, "{name} under {local} over {base}: {id}");
            }
        }
    }
}
