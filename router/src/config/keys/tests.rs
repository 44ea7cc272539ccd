//! The tables against the readers: whole configurations made of the tables, with one key each that
//! is set to what the table says is allowed, is not, or is what its absence means.

use super::Absent::*;
use super::*;
use crate::config::{self, ClientsConfig, Code, Config, ROOT, ServicesConfig};

/// Visits every key with a text to put it into: what stands before and behind the key.
fn every_key(mut visit: impl FnMut(&Key, &str, &str)) {
    object(ROOT.keys, "--- {", "}", "", &mut visit);
}

/// `kind` are the entries of the object that are in no table.
fn object(
    keys: Keys,
    before: &str,
    behind: &str,
    kind: &str,
    visit: &mut impl FnMut(&Key, &str, &str),
) {
    let all = || keys.iter().copied().flatten();
    for key in all() {
        let mut before = format!("{before}{kind}");
        for other in all().filter(|other| other.name != key.name) {
            if let Required = other.absent {
                before.push_str(&format!("{}: {}, ", other.name, sample(&other.type_)));
            }
        }
        // A client's TLS needs a name unless it validates nothing.
        if all().any(|key| key.name == "commonName") && key.name != "commonName" {
            before.push_str("commonName: x, ");
        }
        visit(key, &before, behind);
        let (value, open, close) = match key.type_ {
            Type::List(item) => (*item, "[", "]"),
            other => (other, "", ""),
        };
        let before = format!("{before}{}: {open}{{", key.name);
        let behind = format!("}}{close}{behind}");
        match value {
            Type::Object(section) => object(section.keys, &before, &behind, "", visit),
            Type::Kind(kinds) | Type::Kinds(kinds) => {
                for row in kinds.rows().into_iter().filter(|row| row.built) {
                    let kind = format!("{}: \"{}\", experimental: true, ", kinds.tag(), row.id);
                    object(row.keys, &before, &behind, &kind, visit);
                }
            }
            _ => {}
        }
    }
}

/// A value that can be read.
fn sample(type_: &Type) -> String {
    match type_ {
        Type::Boolean => "true".to_owned(),
        Type::Integer(least, _) | Type::Millis(least) => (*least.max(&1)).to_string(),
        Type::Number(..) => "0.5".to_owned(),
        Type::Port => "4321".to_owned(),
        Type::Ip => "127.0.0.1".to_owned(),
        Type::Path | Type::Pattern | Type::Form("path with captures") => "/a".to_owned(),
        Type::Dtab => "/a => /b".to_owned(),
        Type::Form("log level") => "info".to_owned(),
        Type::Directory => ".".to_owned(),
        Type::File => "../fixtures/config/files/cert.pem".to_owned(),
        Type::Words(words) => words[0].to_owned(),
        Type::List(item) => format!("[{}]", sample(item)),
        Type::Object(section) => format!("{{{}}}", required(section.keys)),
        Type::Kind(kinds) | Type::Kinds(kinds) => {
            let row = kinds.rows()[0];
            format!("{{{}: {}, {}}}", kinds.tag(), row.id, required(row.keys))
        }
        Type::Text | Type::HeaderName | Type::Regex | Type::Form(_) => "never".to_owned(),
    }
}

fn required(keys: Keys) -> String {
    let required = keys.iter().copied().flatten().filter(|key| matches!(key.absent, Required));
    required
        .map(|key| format!("{}: {}", key.name, sample(&key.type_)))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Whether a value is of the type and in the range; two keys may still contradict each other.
fn is_allowed(text: &str) -> bool {
    match config::parse("t.yaml", text) {
        Ok(_) => true,
        Err(errors) => {
            errors.iter().all(|error| matches!(error.code, Code::Conflict | Code::NotBuilt))
        }
    }
}

#[test]
fn ranges_are_those_of_the_tables() {
    let mut seen = 0;
    every_key(|key, before, behind| {
        let with = |value: &str| format!("{before}{}: {value}{behind}", key.name);
        let (allowed, refused): (Vec<String>, Vec<String>) = match key.type_ {
            Type::Boolean => (vec!["true".into(), "false".into()], vec!["maybe".into()]),
            Type::Integer(least, most) => {
                let beyond = vec![(least - 1).to_string(), (most + 1).to_string(), "x".into()];
                (vec![least.to_string(), most.to_string()], beyond)
            }
            Type::Millis(least) => {
                let beyond = vec![(least - 1).to_string(), (MAX + 1).to_string(), "1.5".into()];
                (vec![least.to_string(), MAX.to_string()], beyond)
            }
            Type::Number(least, most) if least.is_finite() => {
                let most = most.min(1e9);
                let mut beyond = vec![(least - 0.1).to_string(), "x".into()];
                if most < 1e9 {
                    beyond.push((most + 0.1).to_string());
                }
                (vec![least.to_string(), most.to_string()], beyond)
            }
            Type::Port => (vec!["0".into(), "65535".into()], vec!["65536".into(), "x".into()]),
            Type::Words(words) => {
                (words.iter().map(|word| (*word).to_owned()).collect(), vec!["nothing".into()])
            }
            Type::Ip => (vec!["\"::1\"".into()], vec!["localhost".into()]),
            Type::File | Type::Directory => (vec![sample(&key.type_)], vec!["/nowhere".into()]),
            Type::Object(_) => (vec![], vec!["x".into(), "[]".into()]),
            Type::List(_) => (vec![], vec!["x".into(), "{}".into()]),
            _ => (vec![sample(&key.type_)], vec![]),
        };
        if !matches!(key.type_, Type::Kind(_) | Type::Kinds(_)) {
            for value in &allowed {
                assert!(is_allowed(&with(value)), "{}", with(value));
            }
        }
        for value in &refused {
            assert!(!is_allowed(&with(value)), "{}", with(value));
        }
        seen += 1;
    });
    assert!(seen > 150, "only {seen} keys");
}

#[test]
fn a_default_is_what_absence_means() {
    every_key(|key, before, behind| {
        let Is(default) = key.absent else { return };
        let with = |value: &str| shown(&format!("{before}{}: {value}{behind}", key.name));
        assert_eq!(with(default), with("null"), "{}", key.name);
    });
}

#[test]
fn what_is_required_is_missed() {
    every_key(|key, before, behind| {
        if let Required = key.absent {
            let text = format!("{before}{}: null{behind}", key.name);
            let errors = config::parse("t.yaml", &text).expect_err(&text);
            assert!(errors.iter().all(|error| error.code == Code::Missing), "{text}: {errors}");
        }
    });
}

#[test]
fn no_object_has_a_key_twice() {
    for object in config::reference() {
        for (at, key) in object.keys.iter().enumerate() {
            assert!(object.keys[at + 1..].iter().all(|other| other.path != key.path), "{key:?}");
            assert!(key.meaning.ends_with('.'), "{key:?}");
        }
    }
}

/// All that is read, but for the text and the places in it: what holds for a client and a service, not which of
/// their keys were given.
fn shown(text: &str) -> String {
    let Config { mut routers, namers, telemetry, admin, usage, .. } =
        config::parse("t.yaml", text).unwrap_or_else(|errors| panic!("{text}: {errors}"));
    let name = dtab::Path::parse("/a").expect("a path");
    let mut resolved = Vec::new();
    for router in &mut routers {
        let none = ClientsConfig::none(router.protocol);
        let client = std::mem::replace(&mut router.client, none).of(&name);
        let service = std::mem::take::<ServicesConfig>(&mut router.service).of(&name);
        resolved.push((client, service));
    }
    let all = format!("{:?}", (routers, resolved, namers, telemetry, admin, usage));
    let span = regex::Regex::new(r"Span \{[^}]*\}").expect("an expression");
    span.replace_all(&all.replace(&format!("{text:?}"), "TEXT"), "SPAN").into_owned()
}
