//! Tables: strict and recovering reader agree, entries that are kept read the same alone, and
//! every finding can be drawn.
#![no_main]

use dtab::{Dentry, Dtab, Source, check_dtab, render, sarif};
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
    render(&found[..found.len().min(4)], &source, false);
    sarif(&[(source, found)]);
});
