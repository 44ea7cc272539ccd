use crate::assert_run;
use crate::shell::Shell;

#[test]
fn a_code_is_explained_with_examples() {
    assert_run!(Shell::with(&[]), &["explain", "unused-fallback"]);
    assert_run!(Shell::with(&[]), &["explain", "unused-fallbak"]);
}

#[test]
fn all_codes_are_listed() {
    assert_run!(Shell::with(&[]), &["explain"]);
}
