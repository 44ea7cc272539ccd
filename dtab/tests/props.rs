//! Laws of the language, over generated texts and values.

#![cfg(all(feature = "render", feature = "serde"))]
#![allow(clippy::unwrap_used)] // failing is what a test does

use dtab::{
    Dentry, Dtab, NameTree, Path, Prefix, Source, TokenKind, Weighted, check_dtab, check_path,
    check_tree, format, parse_tree, render, tokens,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

fn label() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(vec!["a", "b", "c", "svc", "#", "$", "x-y", "8080", "a#b"]).prop_map(str::to_owned),
        1 => "[a-c0-9_:.#$%-]{1,6}",
        1 => vec(any::<u8>(), 1..3)
            .prop_map(|bytes| bytes.iter().fold(String::new(), |all, byte| format!("{all}\\x{byte:02X}"))),
    ]
}

fn path_text() -> impl Strategy<Value = String> {
    vec(label(), 0..4).prop_map(|labels| format!("/{}", labels.join("/")))
}

fn prefix_text() -> impl Strategy<Value = String> {
    let element = prop_oneof![4 => label(), 1 => Just("*".to_owned())];
    vec(element, 0..4).prop_map(|elements| format!("/{}", elements.join("/")))
}

/// White space and comments, none of them empty of meaning to a layout.
fn trivia() -> impl Strategy<Value = String> {
    let piece = select(vec![
        " ",
        " ",
        "\n",
        "\n\n",
        "\t",
        "\r\n",
        "\u{2003}",
        " # note\n",
        "\n# ; alone => \n",
        " #\n",
        "\n\n # far\u{a0}\r\n\n",
    ]);
    prop_oneof![3 => Just(String::new()), 3 => Just(" ".to_owned()),
        2 => vec(piece, 1..4).prop_map(|pieces| format!(" {}", pieces.concat()))]
}

fn weight_text() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec!["1", "0", "0.5", ".5", "1.", "0.125", "0.30000000000000004", "100"])
            .prop_map(str::to_owned),
        "[0-9]{1,20}\\.[0-9]{0,20}",
    ]
}

fn tree_text() -> impl Strategy<Value = String> {
    let simple = prop_oneof![
        6 => path_text(),
        1 => select(vec!["~", "!", "$"]).prop_map(str::to_owned),
    ];
    let simple = (simple, trivia()).prop_map(|(simple, space)| simple + &space);
    simple.prop_recursive(4, 24, 4, |inner| {
        let branch = (prop::option::of((weight_text(), trivia(), trivia())), inner.clone());
        let branch = branch.prop_map(|(weight, tree)| match weight {
            Some((weight, before, after)) => format!("{weight}{before}*{after}{tree}"),
            None => tree,
        });
        let union =
            vec((trivia(), branch), 1..4).prop_map(|branches| joined(branches, "&")).boxed();
        let alt = vec((trivia(), union.clone()), 1..4).prop_map(|trees| joined(trees, "|"));
        (trivia(), prop_oneof![union, alt], trivia())
            .prop_map(|(before, tree, after)| format!("({before}{tree}){after}"))
    })
}

/// The parts between separators, trivia behind each separator.
fn joined(parts: Vec<(String, String)>, separator: &str) -> String {
    let mut text = String::new();
    for (at, (space, part)) in parts.into_iter().enumerate() {
        if at > 0 {
            text += separator;
            text += &space;
        }
        text += &part;
    }
    text
}

/// A destination: a tree, without the parentheses that the generator gives every choice.
fn dst_text() -> impl Strategy<Value = String> {
    let part = (prop::option::of(weight_text()), tree_text()).prop_map(|(weight, tree)| {
        weight.map_or(tree.clone(), |weight| format!("{weight}*{tree}"))
    });
    vec((trivia(), part), 1..5).prop_flat_map(|parts| {
        select(vec!["|", "&"]).prop_map(move |operator| joined(parts.clone(), operator))
    })
}

fn dtab_text() -> impl Strategy<Value = String> {
    let dentry = (prefix_text(), trivia(), trivia(), dst_text())
        .prop_map(|(prefix, before, after, dst)| format!("{prefix}{before}=>{after}{dst}"));
    (trivia(), vec((trivia(), dentry), 0..5), any::<bool>(), trivia()).prop_map(
        |(before, dentries, last, after)| {
            let end = if last && !dentries.is_empty() { ";" } else { "" };
            format!("{before}{}{end}{after}", joined(dentries, ";"))
        },
    )
}

/// A right text with a few changes, so that most are wrong in one place or two.
fn mangled(text: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let piece = select(vec![
        "", "", ";", ";;", "=", "=>", "->", "/", "//", "(", ")", "|", "&", "*", "~", "\\", "\\x4",
        ",", "-1", "é", "\u{a0}", "\u{ffff}", "\u{feff}", "\"", "x", "0.5", "%", " ", "\n", "#",
        "@",
    ]);
    let change = (any::<prop::sample::Index>(), 0..3_usize, piece);
    (text, vec(change, 1..4)).prop_map(|(mut text, changes)| {
        for (at, length, piece) in changes {
            let start = text.floor_char_boundary(at.index(text.len() + 1));
            let end = text.ceil_char_boundary((start + length).min(text.len()));
            text.replace_range(start..end, piece);
        }
        text
    })
}

fn tree_value() -> impl Strategy<Value = NameTree<Path>> {
    let leaf = path_text().prop_map(|text| NameTree::Leaf(Path::parse(&text).unwrap()));
    let simple = prop_oneof![
        4 => leaf, 1 => Just(NameTree::Neg), 1 => Just(NameTree::Fail), 1 => Just(NameTree::Empty)
    ];
    simple.prop_recursive(4, 24, 4, |inner| {
        let branch =
            (0.0..10.0, inner.clone()).prop_map(|(weight, tree)| Weighted { weight, tree });
        prop_oneof![
            vec(inner, 0..4).prop_map(NameTree::Alt),
            vec(branch, 0..4).prop_map(NameTree::Union),
        ]
    })
}

/// Weights bit for bit, which `==` on trees is, too, but for the sign of zero.
fn entries(dtab: &Dtab) -> Vec<String> {
    dtab.iter().map(|dentry| format!("{:?} {:?}", dentry.prefix, dentry.dst)).collect()
}

fn strict_and_recovering_agree(text: &str) -> Result<(), TestCaseError> {
    let source = Source::new("text", text);
    let (dtab, found) = check_dtab(&source);
    match Dtab::parse(text) {
        Ok(strict) => {
            prop_assert!(found.is_empty(), "{found:?}");
            prop_assert_eq!(entries(&strict), entries(&dtab));
        }
        Err(_) => prop_assert!(!found.is_empty()),
    }
    for found in &found {
        for label in &found.labels {
            let range = label.span.start as usize..label.span.end as usize;
            prop_assert!(text.get(range).is_some(), "{found:?} is no place of the text");
        }
    }
    for fix in found.iter().filter_map(|found| found.fix.as_ref()) {
        let range = fix.span.start as usize..fix.span.end as usize;
        prop_assert!(text.get(range).is_some_and(|old| old != fix.replacement), "{fix:?}");
    }
    let last = dtab.iter().map(|dentry| dentry.span);
    prop_assert!(last.is_sorted(), "entries in the order of the text");
    for dentry in &dtab {
        let span = dentry.span.start as usize..dentry.span.end as usize;
        let again = Dentry::parse(&text[span]);
        prop_assert_eq!(again.as_ref().ok(), Some(dentry), "a kept entry reads the same alone");
    }
    render(&found, &source, true);
    Ok(())
}

/// What lies before, between and behind the tokens says nothing.
fn between_tokens_is_white_space(text: &str) -> Result<(), TestCaseError> {
    let white =
        |text: &str| !text.contains('#') && Dtab::parse(text).is_ok_and(|dtab| dtab.is_empty());
    let mut end = 0;
    for token in tokens(text) {
        let gap = text.get(end..token.span.start as usize);
        prop_assert!(gap.is_some_and(white), "{gap:?} before {token:?}");
        prop_assert!(token.span.start < token.span.end, "{token:?} is empty");
        end = token.span.end as usize;
    }
    prop_assert!(text.get(end..).is_some_and(white), "behind {end}");
    Ok(())
}

/// The tokens of a kind, as they are written.
fn told(text: &str, kind: TokenKind) -> impl Iterator<Item = &str> {
    let of_kind = tokens(text).filter(move |token| token.kind == kind);
    of_kind.map(|token| &text[token.span.start as usize..token.span.end as usize])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(
        std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(128)
    ) })]

    #[test]
    fn generated_texts_are_dtabs(text in dtab_text()) {
        let parsed = Dtab::parse(&text);
        prop_assert!(parsed.is_ok(), "{}", parsed.unwrap_err());
    }

    #[test]
    fn what_is_shown_reads_back_and_shows_the_same(text in dtab_text()) {
        let shown = Dtab::parse(&text).unwrap().to_string();
        let again = Dtab::parse(&shown).unwrap();
        prop_assert_eq!(again.to_string(), shown);
    }

    #[test]
    fn paths_and_prefixes_read_back_equal(path in path_text(), prefix in prefix_text()) {
        let path = Path::parse(&path).unwrap();
        prop_assert_eq!(Path::parse(&path.to_string()).unwrap(), path);
        let prefix = Prefix::parse(&prefix).unwrap();
        prop_assert_eq!(Prefix::parse(&prefix.to_string()).unwrap(), prefix);
    }

    #[test]
    fn lookup_is_a_scan_from_the_last_entry(
        prefixes in vec(prefix_text(), 9..40),
        paths in vec(path_text(), 1..8),
    ) {
        let dentry = |(at, prefix): (usize, &String)| {
            let dst = NameTree::Leaf(Path::parse(&format!("/{at}")).unwrap());
            Dentry::new(Prefix::parse(prefix).unwrap(), dst)
        };
        let dtab: Dtab = prefixes.iter().enumerate().map(dentry).collect();
        for path in paths {
            let path = Path::parse(&path).unwrap();
            let matches = dtab.iter().rev().filter(|dentry| dentry.prefix.matches(&path));
            let mut trees: Vec<NameTree<Path>> = matches
                .map(|dentry| {
                    dentry.dst.map(&mut |leaf| leaf.concat(&path.drop_front(dentry.prefix.len())))
                })
                .collect();
            let expected = match trees.len() {
                0 => NameTree::Neg,
                1 => trees.remove(0),
                _ => NameTree::Alt(trees),
            };
            prop_assert_eq!(dtab.lookup(&path), expected);
        }
    }

    #[test]
    fn simplifying_keeps_what_a_tree_evaluates_to(tree in tree_value()) {
        let simplified = tree.simplified();
        prop_assert_eq!(simplified.eval(), tree.eval());
        prop_assert_eq!(simplified.simplified(), simplified);
    }

    #[test]
    fn formatting_keeps_every_value_and_comment(text in dtab_text()) {
        let formatted = format(&text).unwrap();
        let (before, after) = (Dtab::parse(&text).unwrap(), Dtab::parse(&formatted).unwrap());
        prop_assert_eq!(entries(&after), entries(&before));
        for comment in ["# note", "# ; alone =>", "# far"] {
            prop_assert_eq!(
                formatted.matches(comment).count(), text.matches(comment).count(), "{}", formatted
            );
        }
        prop_assert!(formatted.is_empty() || formatted.ends_with('\n'));
        prop_assert!(!formatted.contains("\n\n\n") && !formatted.contains(" \n"));
    }

    #[test]
    fn formatting_what_is_formatted_changes_nothing(text in dtab_text()) {
        let once = format(&text).unwrap();
        prop_assert_eq!(format(&once).unwrap(), once);
    }

    #[test]
    fn the_recovering_reader_accepts_what_the_strict_one_does(text in dtab_text()) {
        strict_and_recovering_agree(&text)?;
    }

    #[test]
    fn the_recovering_reader_refuses_what_the_strict_one_does(text in mangled(dtab_text())) {
        strict_and_recovering_agree(&text)?;
        prop_assert_eq!(format(&text).is_ok(), Dtab::parse(&text).is_ok());
        between_tokens_is_white_space(&text)?;
    }

    #[test]
    fn tokens_tell_the_prefixes_and_paths_of_a_table(text in dtab_text()) {
        between_tokens_is_white_space(&text)?;
        let dtab = Dtab::parse(&text).unwrap();
        let prefixes = told(&text, TokenKind::Prefix).map(|text| Prefix::parse(text).unwrap());
        prop_assert!(prefixes.eq(dtab.iter().map(|dentry| dentry.prefix.clone())));
        let mut leaves = Vec::new();
        for dentry in &dtab {
            dentry.dst.for_each_leaf(&mut |leaf| leaves.push(leaf.clone()));
        }
        let paths: Vec<_> =
            told(&text, TokenKind::Path).map(|text| Path::parse(text).unwrap()).collect();
        prop_assert_eq!(paths, leaves);
        prop_assert_eq!(told(&text, TokenKind::Unknown).next(), None);
    }

    #[test]
    fn any_text_at_all_is_read_or_refused(text in "[/a* =>;|&()~!$#0-9.\\\\x,\n\u{a0}é\"-]{0,40}") {
        strict_and_recovering_agree(&text)?;
        between_tokens_is_white_space(&text)?;
    }

    #[test]
    fn trees_and_paths_are_refused_alike(
        tree in mangled(dst_text()), path in mangled(path_text()),
    ) {
        let (value, found) = check_tree(&Source::new("tree", tree.as_str()));
        prop_assert_eq!(value, parse_tree(&tree).ok());
        prop_assert_eq!(found.is_empty(), parse_tree(&tree).is_ok());
        let (value, found) = check_path(&Source::new("path", path.as_str()));
        prop_assert_eq!(value, Path::parse(&path).ok());
        prop_assert_eq!(found.is_empty(), Path::parse(&path).is_ok());
    }
}

/// What was only assumed to be there cannot be taken out: a fix changes something.
#[test]
fn a_fix_of_a_quoted_arrow_changes_something() {
    strict_and_recovering_agree("=\n\"=,\"").expect("both agree");
}
