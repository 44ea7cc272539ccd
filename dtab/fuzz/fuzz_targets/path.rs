//! Paths and prefixes: no panic, shown and read again they are equal, and the recovering reader
//! accepts what the strict one does.
#![no_main]

use dtab::{Path, Prefix, Source, check_path};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let strict = Path::parse(text).ok();
    let (path, found) = check_path(&Source::new("fuzz", text));
    assert_eq!(path, strict);
    assert_eq!(found.is_empty(), strict.is_some());
    if let Some(path) = strict {
        assert_eq!(Path::parse(&path.to_string()).as_ref(), Ok(&path));
        assert_eq!(Prefix::parse(text), Ok(Prefix::from(&path)));
    }
    if let Ok(prefix) = Prefix::parse(text) {
        assert_eq!(Prefix::parse(&prefix.to_string()).as_ref(), Ok(&prefix));
    }
});
