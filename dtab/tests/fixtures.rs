//! Files as people write them, and the observed vectors.

#![cfg(all(feature = "render", feature = "serde"))]
#![allow(clippy::unwrap_used)] // failing is what a test does

use std::path::PathBuf;

use dtab::lint::{Known, lint};
use dtab::{Dtab, Source, check_dtab, format, render, sarif, to_json};

/// The text of a fixture, named as a user would name it.
fn source(path: &std::path::Path) -> std::sync::Arc<Source> {
    let name = path.file_name().unwrap().to_string_lossy();
    Source::new(name, std::fs::read_to_string(path).unwrap())
}

fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings
}

#[test]
fn files_with_mistakes_get_them_all_reported() {
    settings().bind(|| {
        insta::glob!("../../fixtures/dtab/err", "*.dtab", |path| {
            let source = source(path);
            let (dtab, found) = check_dtab(&source);
            assert_eq!(format(source.text()), Err(found.clone()));
            let text = render(&found, &source, false);
            insta::assert_snapshot!("err", format!("{text}\nkept: {dtab}\n"));
        });
    });
}

#[test]
fn files_without_mistakes_are_laid_out() {
    settings().bind(|| {
        insta::glob!("../../fixtures/dtab", "{ok,layout}/*.dtab", |path| {
            let source = source(path);
            let formatted = format(source.text()).unwrap();
            assert_eq!(Dtab::parse(&formatted), Dtab::parse(source.text()));
            assert_eq!(format(&formatted).as_ref(), Ok(&formatted));
            insta::assert_snapshot!("ok", formatted);
        });
    });
}

#[test]
fn nothing_is_found_in_files_that_say_what_is_meant() {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let mut count = 0;
    let mut folders = vec![fixtures.join("dtab/ok"), fixtures.join("cases")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "dtab") {
                let source = source(&path);
                let (dtab, mistakes) = check_dtab(&source);
                let found = lint(&dtab, &source, &Known::default());
                assert_eq!((mistakes, found), (vec![], vec![]), "{}", path.display());
                count += 1;
            }
        }
    }
    assert!(count > 2, "{count} files");
}

#[test]
fn five_mistakes_are_five_findings() {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/dtab/err/five-mistakes.dtab");
    let source = source(&path);
    let (dtab, found) = check_dtab(&source);
    let lines: Vec<String> = found.iter().map(|found| found.one_line(&source)).collect();
    insta::assert_snapshot!(lines.join("\n"));
    assert_eq!(dtab.to_string(), "/host=>/srv", "the good entry is kept");
}

#[test]
fn findings_for_programs() {
    let source = Source::new("a dir/x.dtab", "/é = /b ;\n/c => (/d");
    let (_, found) = check_dtab(&source);
    let json: Vec<_> = found.iter().map(|found| to_json(found, &source)).collect();
    insta::assert_json_snapshot!("json", json);
    let mut sarif = sarif(&[(source, found)]);
    let version = sarif["runs"][0]["tool"]["driver"]["version"].take();
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    insta::assert_json_snapshot!("sarif", sarif);
}

/// The inputs of the observed dtab vectors, and whether they are accepted.
fn vectors() -> Vec<(String, bool)> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/conformance/dtab.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let vectors = text.lines().map(|line| {
        let vector: serde_json::Value = serde_json::from_str(line).unwrap();
        let accepted = vector["expect"].get("error").is_none();
        (vector["in"].as_str().unwrap().to_owned(), accepted)
    });
    vectors.collect()
}

#[test]
fn observed_dtabs_are_accepted_or_refused_as_observed() {
    let vectors = vectors();
    assert!(!vectors.is_empty());
    for (text, accepted) in vectors {
        let (dtab, found) = check_dtab(&Source::new("vector", text.as_str()));
        assert_eq!(found.is_empty(), accepted, "{text:?}: {found:?}");
        if accepted {
            assert_eq!(Ok(dtab), Dtab::parse(&text));
        }
    }
}

#[test]
fn observed_dtabs_keep_their_meaning_when_laid_out() {
    for (text, _) in vectors().into_iter().filter(|&(_, accepted)| accepted) {
        let formatted = format(&text).unwrap();
        assert_eq!(Dtab::parse(&formatted), Dtab::parse(&text));
        assert_eq!(format(&formatted).as_ref(), Ok(&formatted));
    }
}
