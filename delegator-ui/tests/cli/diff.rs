use crate::assert_run;
use crate::shell::Shell;

const OLD: &str = "\
/host    => /#/io.l5d.fs ;
/svc     => /host ;
/svc/web => 0.9 * /host/web & 0.1 * /host/web-v2 ;
/svc/api => /host/api-eu | /host/api-us ;
";

fn two(new: &str) -> Shell {
    Shell::with(&[("old.dtab", OLD), ("new.dtab", new)])
}

#[test]
fn each_class_that_changes_is_shown_with_a_name_and_its_steps() {
    let new = OLD.replace("0.9", "0.8").replace("0.1", "0.2");
    assert_run!(two(&new), &["diff", "old.dtab", "new.dtab"]);
}

#[test]
fn an_order_of_fallbacks_is_a_change_that_is_seen_when_both_exist() {
    let new = OLD.replace("/host/api-eu | /host/api-us", "/host/api-us | /host/api-eu");
    assert_run!(two(&new), &["diff", "old.dtab", "new.dtab", "--brief"]);
}

#[test]
fn another_text_of_the_same_meaning_is_proven_to_be_the_same() {
    let new = format!("# ratios\n{}/svc/zzz => /host/zzz ;\n", OLD.replace("0.9", "9"));
    let new = new.replace("0.1", "1");
    assert_run!(two(&new), &["diff", "old.dtab", "new.dtab"]);
}

#[test]
fn names_of_a_file_are_told_one_by_one() {
    let shell = two(&OLD.replace("web-v2", "web-v3"));
    shell.write(
        "names.txt",
        "# from the access log\n/svc/web\n/svc/web/x # with a rest\n/svc/api\n",
    );
    let args = ["diff", "old.dtab", "new.dtab", "--names", "names.txt"];
    assert_run!(shell, &[&args[..], &["--brief"]].concat());
    assert_run!(shell, &[&args[..], &["--format", "json"]].concat());
    shell.write("names.txt", "svc/web\n");
    assert_run!(shell, &args);
}

#[test]
fn what_leads_to_other_names_changes_where_they_do() {
    let text = "/svc => /$/io.buoyant.http.domainToPathPfx/host ; /host => /#/io.l5d.fs ;\n";
    let shell = two(text);
    shell.write("old.dtab", &text.replace("io.l5d.fs", "io.l5d.consul"));
    assert_run!(shell, &["diff", "old.dtab", "new.dtab", "--brief"]);
    assert_run!(shell, &["diff", "old.dtab", "new.dtab", "--brief", "--from", "/svc"]);
    let same = shell.run(&["diff", "new.dtab", "new.dtab"]);
    assert_eq!(same.status, Some(0), "{}", same.transcript());
}

#[test]
fn one_line_of_a_thousand_is_found_with_its_class() {
    let line = |at: usize| format!("/svc/s{at} => /#/io.l5d.fs/s{at} ;\n");
    let old: String = (0..1_000).map(line).collect();
    let new = old.replace("fs/s617 ;", "fs/s618 ;");
    let shell = Shell::with(&[("old.dtab", &old), ("new.dtab", &new)]);
    assert_run!(shell, &["diff", "old.dtab", "new.dtab"]);
}
