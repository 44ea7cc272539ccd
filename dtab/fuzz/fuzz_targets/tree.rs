//! Name trees: no panic, showing is stable, simplifying keeps the value, and the recovering reader
//! accepts what the strict one does.
#![no_main]

use dtab::{Source, check_tree, parse_tree};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let strict = parse_tree(text).ok();
    let (tree, found) = check_tree(&Source::new("fuzz", text));
    assert_eq!(tree, strict);
    assert_eq!(found.is_empty(), strict.is_some());
    if let Some(tree) = strict {
        let shown = tree.to_string();
        let again = parse_tree(&shown).map(|tree| tree.to_string());
        // Weights are shown with two decimals, and infinity not as a number at all.
        assert!(again.as_ref() == Ok(&shown) || shown.contains("Infinity"), "{shown}");
        assert_eq!(tree.simplified().eval(), tree.eval());
    }
});
