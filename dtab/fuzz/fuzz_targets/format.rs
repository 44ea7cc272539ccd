//! Formatting: accepts what the strict reader does, keeps every value, and is stable.
#![no_main]

use dtab::{Dtab, format};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(formatted) = format(text) else {
        assert!(Dtab::parse(text).is_err());
        return;
    };
    assert_eq!(Dtab::parse(&formatted), Dtab::parse(text));
    assert_eq!(format(&formatted).as_ref(), Ok(&formatted));
});
