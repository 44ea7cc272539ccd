//! Where a name goes: asked, overridden, followed, and walked by keyboard.

use serde_json::json;
use tests::browser::{Browser, DESKTOP, Driver, Key};

use crate::Test;
use crate::world::World;

pub(crate) const TESTS: &[Test] = &[
    ("a_path_is_delegated_and_overridden", a_path_is_delegated_and_overridden),
    ("a_request_is_identified_and_delegated", a_request_is_identified_and_delegated),
    ("a_tree_follows_discovery_without_a_reload", a_tree_follows_discovery_without_a_reload),
    ("a_tree_is_walked_by_keyboard", a_tree_is_walked_by_keyboard),
    ("a_tree_is_searched_and_a_link_restores_it", a_tree_is_searched_and_a_link_restores_it),
    ("a_name_that_leads_nowhere_says_why", a_name_that_leads_nowhere_says_why),
    ("a_mistake_in_an_override_is_shown_where_it_is", a_mistake_in_an_override_is_shown),
    ("a_lost_router_is_told_and_found_again", a_lost_router_is_told),
];

fn paths(browser: &Browser<'_>) -> Vec<String> {
    browser.texts("[role=treeitem] .path")
}

fn a_path_is_delegated_and_overridden(driver: &Driver) {
    let world = World::start();
    let mut browser = driver.browser(DESKTOP);
    browser.open(&world.url("/delegator"));
    browser.fill("#path", "/svc/web");
    browser.press(Key::Enter);
    browser.wait_text(".verdict-sentence", "/svc/web: bound to /#/io.l5d.fs/web, 1 address");
    assert_eq!(paths(&browser)[..3], ["/svc/web", "/host/web", "/#/io.l5d.fs/web"]);
    assert!(browser.text(".steps").contains(&world.web.addr().to_string()));
    assert!(browser.url().ends_with("?router=http&path=/svc/web"), "{}", browser.url());

    browser.fill("#dtab", "/svc/web => /host/web-v2");
    browser.click("#ask button.primary");
    browser.wait_text(".verdict-sentence", "/svc/web: bound to /#/io.l5d.fs/web-v2, 1 address");
    browser.wait_text(".verdict-fact", "Without the override");
    let facts = browser.texts(".verdict-fact").join("\n");
    assert!(facts.contains("bound to /#/io.l5d.fs/web, 1 address"), "{facts}");
    browser.wait_text("[role=treeitem]", "override");
    assert!(browser.text(".steps").contains(&world.web_v2.addr().to_string()));

    // The address of the page is all of it.
    browser.reload();
    browser.wait_text("[role=treeitem] .path", "/#/io.l5d.fs/web-v2");
    let value = "return document.querySelector('#dtab').value;";
    assert_eq!(browser.run(value, &[]), "/svc/web => /host/web-v2");
    browser.back();
    browser.wait_text(".verdict-sentence", "/svc/web: bound to /#/io.l5d.fs/web, 1 address");
    assert_eq!(browser.run(value, &[]), "");
    world.is_clean(&mut browser);
}

fn a_request_is_identified_and_delegated(driver: &Driver) {
    let world = World::start();
    let mut browser = driver.browser(DESKTOP);
    browser.open(&world.url("/delegator"));
    browser.click_text("#ask .segmented label", "A request");
    browser.fill("#url", "http://users/profile");
    browser.press(Key::Enter);
    browser.wait_text(".verdict-fact", "/svc/users by io.l5d.header.token");
    browser.wait_text("[role=treeitem] .path", "/#/io.l5d.fs/users");
    browser.fill("#header", "Host: web");
    browser.click("#ask button.primary");
    browser.wait_text("[role=treeitem] .path", "/#/io.l5d.fs/web");
    world.is_clean(&mut browser);
}

fn a_tree_follows_discovery_without_a_reload(driver: &Driver) {
    let world = World::start();
    let mut browser = driver.browser(DESKTOP);
    browser.open(&world.url("/delegator?path=/svc/old"));
    browser.wait_text("[role=treeitem] .addresses", &world.web.addr().to_string());
    browser.wait_text(".tools .chip", "Live");
    browser.run("window.stillHere = true;", &[]);
    world.write("web", &world.users.fs_line());
    browser.wait_text("[role=treeitem] .addresses", &world.users.addr().to_string());
    // The first branch becomes one that leads somewhere.
    world.write("gone", &world.web_v2.fs_line());
    browser.wait_text(".verdict-sentence", "bound to /#/io.l5d.fs/gone, 1 address");
    std::fs::remove_file(world.disco("gone")).unwrap();
    browser.wait_text(".verdict-sentence", "bound to /#/io.l5d.fs/web, 1 address");
    assert_eq!(browser.run("return window.stillHere;", &[]), true);
    world.is_clean(&mut browser);
}

/// The row that has the focus: its name, and whether what follows is shown.
fn focused(browser: &Browser<'_>) -> (String, String) {
    let script = "const row = document.activeElement;
        return [row.querySelector?.('.path')?.textContent ?? row.outerHTML.slice(0, 200),
            row.getAttribute('aria-expanded') ?? 'end'];";
    let found = browser.run(script, &[]);
    (found[0].as_str().unwrap().to_owned(), found[1].as_str().unwrap().to_owned())
}

fn a_tree_is_walked_by_keyboard(driver: &Driver) {
    let world = World::start();
    let mut browser = driver.browser(DESKTOP);
    browser.open(&world.url("/delegator?path=/svc/ab"));
    browser.wait_text("[role=treeitem] .path", "/#/io.l5d.fs/web-v2");
    let in_tree = "return document.activeElement.matches('[role=treeitem]');";
    let mut steps = 0;
    while browser.run(in_tree, &[]) != true {
        browser.press(Key::Tab);
        steps += 1;
        assert!(steps < 60, "the tree cannot be reached by Tab");
        let shown = "const e = document.activeElement, s = getComputedStyle(e);
            return e === document.body || s.outlineStyle !== 'none' || s.boxShadow !== 'none'
                ? null : e.outerHTML;";
        assert_eq!(browser.run(shown, &[]), json!(null), "the focus is not to be seen");
    }
    let expect = |row: (&str, &str)| {
        let seen = focused(&browser);
        assert_eq!((seen.0.as_str(), seen.1.as_str()), row);
    };
    // Two entries match; the last one is asked first.
    expect(("/svc/ab", "true"));
    browser.press(Key::Right);
    expect(("/svc/ab", "true"));
    browser.press(Key::Down);
    expect(("/host/web", "true"));
    browser.press(Key::Right);
    expect(("/#/io.l5d.fs/web", "end"));
    browser.press(Key::Left);
    expect(("/host/web", "true"));
    browser.press(Key::Left);
    expect(("/host/web", "false"));
    browser.press(Key::Down);
    expect(("/host/web-v2", "true"));
    browser.press(Key::End);
    expect(("/#/io.l5d.fs/ab", "end"));
    browser.press(Key::Home);
    expect(("/svc/ab", "true"));
    browser.press(Key::Enter);
    expect(("/svc/ab", "false"));
    assert_eq!(
        browser.run("return document.querySelectorAll('[role=tree] [tabindex=\"0\"]').length", &[]),
        1
    );
    browser.press(Key::Enter);
    browser.type_keys("web-v");
    expect(("/host/web-v2", "true"));
    world.is_clean(&mut browser);
}

fn a_tree_is_searched_and_a_link_restores_it(driver: &Driver) {
    let world = World::start();
    let mut browser = driver.browser(DESKTOP);
    browser.open(&world.url("/delegator?path=/svc/ab"));
    browser.wait_text("[role=treeitem] .path", "/#/io.l5d.fs/web-v2");
    browser.fill(".find", "web-v2");
    browser.wait_text(".found", "1 of ");
    assert!(browser.count("[role=treeitem].match") >= 2);
    browser.click_text(".segmented button", "Graph");
    browser.wait_for("document.querySelector('.graph-part svg text')");
    browser.wait_for(
        "location.search.includes('find=web-v2') && location.search.includes('view=graph')",
    );
    browser.reload();
    browser.wait_for("document.querySelector('.graph-part svg text')");
    assert_eq!(browser.run("return document.querySelector('.find').value", &[]), "web-v2");
    world.is_clean(&mut browser);
}

fn a_name_that_leads_nowhere_says_why(driver: &Driver) {
    let world = World::start();
    let mut browser = driver.browser(DESKTOP);
    for (path, chip, mark) in [
        ("/svc/nobody", "negative", "negative"),
        ("/svc/no", "refused", "!"),
        ("/round", "failed", "cycle"),
        ("/other", "negative", "no dentry matches"),
    ] {
        browser.open(&world.url(&format!("/delegator?path={path}")));
        browser.wait_text(".verdict .chip", chip);
        let told = browser.page_text();
        assert!(told.contains(mark), "{path}: {told}");
    }
    world.is_clean(&mut browser);
}

fn a_mistake_in_an_override_is_shown(driver: &Driver) {
    let world = World::start();
    let browser = driver.browser(DESKTOP);
    browser.open(&world.url("/delegator?path=/svc/web"));
    browser.wait_text("[role=treeitem] .path", "/#/io.l5d.fs/web");
    browser.fill("#dtab", "/svc/web = /host/web-v2");
    browser.click("#ask button.primary");
    browser.wait_text("#answer [role=alert]", "=>");
    browser.fill("#dtab", "/svc/web => /host/web-v2");
    browser.click("#ask button.primary");
    browser.wait_text("[role=treeitem] .path", "/#/io.l5d.fs/web-v2");
}

fn a_lost_router_is_told(driver: &Driver) {
    let world = World::start();
    let browser = driver.browser(DESKTOP);
    browser.open(&world.url("/delegator?path=/svc/web"));
    browser.wait_text(".tools .chip", "Live");
    world.proc.signal("KILL");
    browser.wait_text(".tools .chip", "Connection lost");
    browser.wait_text("#answer", "the connection is lost");
    assert!(paths(&browser).contains(&"/#/io.l5d.fs/web".to_owned()), "what was known stays");
    let _successor = world.start_successor();
    browser.wait_text(".tools .chip", "Live");
    browser.wait_for("!document.querySelector('.steps').classList.contains('lost')");
}
