//! Path patterns: no panic, whatever the pattern, the name and the template; and what is broken is
//! broken for every name.
#![no_main]

use dtab::{Path, PathPattern};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str, Vec<&[u8]>)| {
    let (pattern, template, segments) = input;
    let pattern = PathPattern::new(pattern);
    let path = Path::from_segments(segments);
    let captures = pattern.extract(&path);
    if pattern.broken().is_some() {
        assert!(captures.is_err());
    }
    let rewritten = pattern.rewrite(&path, template);
    if let Ok(None) = captures {
        assert_eq!(rewritten, Ok(None));
    }
});
