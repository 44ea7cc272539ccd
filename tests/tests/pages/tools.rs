//! Tables that are tried before they are in use, and questions about them.

use tests::browser::{Browser, DESKTOP, Driver, Key};

use crate::Test;
use crate::world::World;

pub(crate) const TESTS: &[Test] = &[
    ("a_broken_dtab_is_mended_by_its_fix", a_broken_dtab_is_mended_by_its_fix),
    ("two_dtabs_are_compared_and_nothing_is_applied", two_dtabs_are_compared),
    ("names_are_completed_as_one_types", names_are_completed_as_one_types),
    ("what_keeps_a_name_from_a_destination_is_told", what_keeps_a_name_from_a_destination),
    ("examples_of_the_language_resolve", examples_of_the_language_resolve),
];

fn table(browser: &Browser<'_>) -> String {
    let text = browser.run("return document.querySelector('#dtab').value;", &[]);
    text.as_str().unwrap().to_owned()
}

fn a_broken_dtab_is_mended_by_its_fix(driver: &Driver) {
    let world = World::start();
    let mut browser = driver.browser(DESKTOP);
    browser.open(&world.url("/playground"));
    browser.wait_text("#findings", "cycle");
    browser.fill("#dtab", "/svc = /host ;\n/host => /#/io.l5d.fs ;\n");
    browser.wait_text("#findings", "single-equals");
    browser.wait_text("#findings", "line 1, column");
    // What is wrong is marked where it is.
    browser.wait_for(
        "document.querySelector('.editor-layer [data-severity=error]')?.textContent === '='",
    );
    browser.click_text("#findings button", "Fix:");
    browser.wait_text("#findings", "nothing wrong");
    assert_eq!(table(&browser), "/svc => /host ;\n/host => /#/io.l5d.fs ;\n");
    // It is one step of the editor, which can be taken back.
    browser.undo();
    browser.wait_text("#findings", "single-equals");
    world.is_clean(&mut browser);
}

fn two_dtabs_are_compared(driver: &Driver) {
    let world = World::start();
    world.traffic();
    let mut browser = driver.browser(DESKTOP);
    browser.open(&world.url("/playground"));
    browser.wait_text("#findings", "cycle");
    let own = table(&browser);
    assert!(own.contains("/svc/ab"), "{own}");
    browser.fill(
        "#dtab",
        &format!("{} ;\n/svc/web => /host/web-v2 ;\n", own.trim_end_matches([';', ' ', '\n'])),
    );
    // Names in use are compared by themselves; those that go elsewhere are shown.
    browser.wait_text("#changes-tools", "1 of ");
    let rows = || browser.texts("#changes tbody tr");
    assert_eq!(rows().len(), 1, "{:?}", rows());
    assert!(rows()[0].contains("/svc/web") && rows()[0].contains("changed"), "{:?}", rows());
    assert!(rows()[0].contains("/#/io.l5d.fs/web-v2"), "{:?}", rows());
    browser.click_text("#changes-tools button", "All");
    browser.wait_for("document.querySelectorAll('#changes tbody tr').length > 1");
    let users = rows().into_iter().find(|row| row.contains("/svc/users")).expect("it is in use");
    assert!(users.contains("same"), "{users}");
    browser.fill("#names", "/svc/web\n/svc/nobody\n");
    browser.click("#in-use");
    browser.wait_text("#changes-tools", "1 of 2 names");
    // Looking has applied nothing.
    assert_eq!(world.get("web").text(), "web");
    browser.click("#changes tbody td:nth-of-type(2) a");
    browser.wait_text("[role=treeitem] .path", "/#/io.l5d.fs/web-v2");
    browser.wait_text(".verdict-fact", "With the router’s own table");
    world.is_clean(&mut browser);
}

fn names_are_completed_as_one_types(driver: &Driver) {
    let world = World::start();
    let mut browser = driver.browser(DESKTOP);
    browser.open(&world.url("/playground"));
    browser.wait_text("#findings", "cycle");
    browser.fill("#dtab", "/svc/x => /");
    browser.type_keys("#");
    browser.type_keys("/");
    browser.wait_text(".editor-words:not([hidden]) [role=option]", "/#/io.l5d.fs");
    browser.press(Key::Down);
    browser.press(Key::Enter);
    browser.wait_for("document.querySelector('#dtab').value.startsWith('/svc/x => /#/io.l5d.fs')");
    world.is_clean(&mut browser);
}

fn what_keeps_a_name_from_a_destination(driver: &Driver) {
    let world = World::start();
    let mut browser = driver.browser(DESKTOP);
    browser.open(&world.url("/why-not"));
    browser.fill("#path", "/svc/old");
    browser.fill("#destination", "/#/io.l5d.fs/gone");
    browser.press(Key::Enter);
    browser.wait_text("#answer", "gone");
    // What would lead there does so when it is asked for.
    browser.fill("#destination", "/#/io.l5d.fs/users");
    browser.press(Key::Enter);
    browser.wait_text("#answer", "What would lead there");
    let link = "return [...document.querySelectorAll('#answer a[href^=\"/delegator?\"]')]
        .map((a) => a.getAttribute('href')).find((href) => href.includes('dtab='));";
    let link = browser.run(link, &[]);
    browser.open(&world.url(link.as_str().unwrap()));
    browser.wait_text(".verdict-sentence", "/#/io.l5d.fs/users");
    world.is_clean(&mut browser);
}

fn examples_of_the_language_resolve(driver: &Driver) {
    let world = World::start();
    let mut browser = driver.browser(DESKTOP);
    browser.open(&world.url("/help"));
    let examples = browser.count(".example");
    assert!(examples >= 3 && browser.count(".example .verdict-line .chip") == examples);
    let before = browser.text("#answer-1");
    browser.fill("#name-1", "/nobody/is/called/this");
    browser.wait_text("#answer-1", "/nobody/is/called/this");
    browser.fill("#table-1", "/nobody => /#/io.l5d.fs/web # ");
    browser.wait_text("#answer-1", "/#/io.l5d.fs/web");
    assert_ne!(browser.text("#answer-1"), before);
    browser.click(".example button");
    browser.wait_text("#answer .verdict-sentence", "/nobody/is/called/this");
    assert!(browser.url().contains("/delegator?"));
    world.is_clean(&mut browser);
}
