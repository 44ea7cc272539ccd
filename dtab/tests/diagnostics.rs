//! What people read when a dtab is wrong.

#![cfg(all(feature = "render", feature = "serde"))]
#![allow(clippy::unwrap_used)] // failing is what a test does

use std::sync::Arc;

use dtab::lint::{Known, lint};
use dtab::{Code, Diagnostic, Dtab, Source, check_dtab, check_path, render};

/// An example of each kind that is too long, or too dull, for its explanation.
fn bad_example(code: Code) -> String {
    match code {
        Code::TooDeep => format!("/svc => {}/a{} ;", "(".repeat(101), ")".repeat(101)),
        Code::TooManyErrors => "a=b;".repeat(1_000),
        _ => code.examples().unwrap().0.to_owned(),
    }
}

/// Every mistake of a text; if it has none, what is hardly meant.
fn found_in(source: &Arc<Source>) -> Vec<Diagnostic> {
    let (dtab, found) = check_dtab(source);
    if found.is_empty() { lint(&dtab, source, &Known::default()) } else { found }
}

fn rendered(text: &str) -> String {
    let source = Source::new("example.dtab", text);
    let found = found_in(&source);
    let shown = found.len().min(8); // the last ones, where there are too many
    render(&found[found.len() - shown..], &source, false)
}

#[test]
fn every_kind_has_a_text_that_shows_it_and_nothing_else() {
    for &code in Code::ALL {
        if matches!(code, Code::MissingPath | Code::TooManyErrors) {
            continue; // see below
        }
        let source = Source::new("example.dtab", bad_example(code));
        let found = found_in(&source);
        let codes: Vec<Code> = found.iter().map(|found| found.code).collect();
        assert!(!codes.is_empty() && codes.iter().all(|&found| found == code), "{code}: {codes:?}");
    }
}

#[test]
fn what_an_explanation_says_to_write_is_right() {
    for (bad, good) in Code::ALL.iter().filter_map(|code| code.examples()) {
        assert!(Dtab::parse(good).is_ok() || bad.is_empty(), "{good}");
    }
    for rule in dtab::lint::RULES {
        let found = found_in(&Source::new("good.dtab", rule.good));
        assert_eq!(found, [], "{}", rule.code);
    }
}

#[test]
fn a_fix_mends_what_it_is_offered_for() {
    let mut mended = 0;
    for &code in Code::ALL.iter().filter(|code| code.examples().is_some()) {
        let mut text = bad_example(code);
        let (_, found) = check_dtab(&Source::new("example.dtab", text.as_str()));
        let fixes: Vec<_> = found.iter().filter_map(|found| found.fix.clone()).collect();
        if fixes.is_empty() {
            continue;
        }
        for fix in fixes.iter().rev() {
            text.replace_range(fix.span.start as usize..fix.span.end as usize, &fix.replacement);
        }
        assert!(Dtab::parse(&text).is_ok(), "{code}: {text}");
        mended += 1;
    }
    assert!(mended > 15, "most kinds offer a fix: {mended}");
}

#[test]
fn colour_changes_nothing_but_the_colour() {
    let source = Source::new("example.dtab", "/svc = /host ;\n/a => (/b ;");
    let (_, found) = check_dtab(&source);
    let (plain, coloured) = (render(&found, &source, false), render(&found, &source, true));
    assert!(!plain.contains('\x1b') && coloured.contains('\x1b'));
    let mut stripped = String::new();
    for (at, part) in coloured.split('\x1b').enumerate() {
        let text = if at == 0 { part } else { part.split_once('m').unwrap().1 };
        stripped.push_str(text);
    }
    assert_eq!(stripped, plain);
}

#[test]
fn one_endless_line_is_not_repeated_for_every_finding() {
    let source = Source::new("example.dtab", "/a = /b ;".repeat(20_000));
    let (_, found) = check_dtab(&source);
    let text = render(&found[900..910], &source, false);
    assert!(text.len() < 10_000, "{text}");
    assert!(text.contains(" --> example.dtab:1:8104\n"), "{text}");
}

#[test]
fn an_entry_that_is_all_mistakes_says_that_it_was_left() {
    let source = Source::new("example.dtab", format!("/a => {} ; /b = /c", "/b /c ".repeat(99)));
    let (_, found) = check_dtab(&source);
    let codes: Vec<Code> = found.iter().map(|found| found.code).collect();
    assert_eq!(codes[codes.len() - 2..], [Code::TooManyErrors, Code::SingleEquals]);
}

#[test]
fn an_entry_of_mended_text_is_not_kept() {
    // The star is taken for a path that was meant, and then for the prefix of another entry.
    let (dtab, found) = check_dtab(&Source::new("example.dtab", "/a => /b & /c *=> /d ;"));
    assert!(found.len() >= 2, "{found:?}");
    assert!(dtab.iter().all(|dentry| dentry.span.end <= 13), "{dtab}");
}

#[test]
fn every_kind_reads_well() {
    for &code in Code::ALL {
        let mut text = if code == Code::MissingPath {
            let source = Source::new("path", "");
            render(&check_path(&source).1, &source, false)
        } else {
            rendered(&bad_example(code))
        };
        if code == Code::TooManyErrors {
            text = text.rsplit("\n\n").next().unwrap().to_owned();
        }
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(
                format!("code-{code}"),
                format!("{text}\nexplained:\n\n{}", code.explain())
            );
        });
    }
}

#[test]
fn names_of_kinds_are_unique_and_found_again() {
    for &code in Code::ALL {
        assert_eq!(Code::from_name(code.name()), Some(code));
    }
}
