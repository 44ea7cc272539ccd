//! Tables: strict and recovering reader agree, entries that are kept read the same alone, and
//! every finding can be drawn; tokens follow one another, and what is between them is white space.
#![no_main]

use dtab::{Dentry, Dtab, Source, check_dtab, render, sarif, tokens};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let source = Source::new("fuzz", text);
    let (dtab, found) = check_dtab(&source);
    match Dtab::parse(text) {
        Ok(strict) => assert!(found.is_empty() && strict == dtab),
        Err(_) => assert!(!found.is_empty()),
    }
    for dentry in &dtab {
        let span = dentry.span.start as usize..dentry.span.end as usize;
        assert_eq!(Dentry::parse(&text[span]).as_ref(), Ok(dentry));
    }
    let white = |text: &str| !text.contains('#') && Dtab::parse(text).is_ok_and(|it| it.is_empty());
    let mut end = 0;
    for token in tokens(text) {
        let (start, before) = (token.span.start as usize, end);
        end = token.span.end as usize;
        assert!(start < end && white(&text[before..start]) && text.is_char_boundary(end));
    }
    assert!(white(&text[end..]));
    render(&found[..found.len().min(4)], &source, false);
    sarif(&[(source, found)]);
});
