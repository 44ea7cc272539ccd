use crate::assert_run;
use crate::shell::Shell;

#[test]
fn a_server_that_does_not_answer_is_an_error() {
    let ran = Shell::with(&[]).run(&["top", "--once", "--admin", "http://127.0.0.1:1"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{}", ran.transcript());
    assert!(ran.stderr.starts_with("error: cannot ask http://127.0.0.1:1/stats.json"));
}

#[test]
fn what_is_wrongly_asked_is_said() {
    assert_run!(Shell::with(&[]), &["top", "--sort", "name"]);
}
