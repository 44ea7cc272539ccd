//! Pages in a browser that runs no scripts: they are read, and asked by their forms.

use std::time::Duration;

use tests::browser::{DESKTOP, Driver, Key};
use tests::wait_until;

use crate::Test;
use crate::world::{World, navigation};

pub(crate) const TESTS: &[Test] = &[
    ("a_tree_is_read_without_scripts", a_tree_is_read_without_scripts),
    ("every_page_says_something_without_scripts", every_page_says_something_without_scripts),
];

fn a_tree_is_read_without_scripts(driver: &Driver) {
    let world = World::start();
    let mut browser = driver.browser_without_scripts(DESKTOP);
    browser.open(&world.url("/delegator"));
    browser.fill("#path", "/svc/ab");
    browser.press(Key::Enter);
    browser.wait_text(".verdict-sentence", "90 % to /#/io.l5d.fs/web");
    assert_eq!(browser.count("[role=tree]"), 0, "no script has run");
    let paths = browser.texts(".tree .path");
    for path in ["/svc/ab", "/host/web", "/#/io.l5d.fs/web", "/#/io.l5d.fs/web-v2"] {
        assert!(paths.iter().any(|shown| shown == path), "{path} in {paths:?}");
    }
    let tree = browser.text(".tree");
    assert!(tree.contains(&world.web_v2.addr().to_string()) && tree.contains("10 %"), "{tree}");
    // It folds all the same.
    browser.click(".tree details details details summary");
    assert!(!browser.text(".tree").contains(&world.web.addr().to_string()));
    browser.fill("#dtab", "/svc/ab => /host/users");
    browser.click("#ask button.primary");
    browser.wait_text(".verdict-sentence", "/#/io.l5d.fs/users");
    world.is_clean(&mut browser);
}

fn every_page_says_something_without_scripts(driver: &Driver) {
    let world = World::start();
    world.traffic();
    let mut browser = driver.browser_without_scripts(DESKTOP);
    browser.open(&world.url("/"));
    for path in navigation(&browser) {
        let wanted = match path.as_str() {
            "/" | "/requests" => "/svc/users",
            "/delegator" => "Where a name or a request goes",
            "/watches" => "/#/io.l5d.fs/users",
            "/config" => "rootDir",
            "/logging" => "Level",
            _ => "\n",
        };
        // The figures of a second are there when it is over.
        let told = wait_until(Duration::from_secs(10), || {
            browser.open(&world.url(&path));
            browser.text("main").contains(wanted)
        });
        assert!(told, "{path}: {}", browser.text("main"));
    }
    browser.open(&world.url("/logging"));
    browser.fill("#logger", "router::pool");
    browser.press(Key::Enter);
    browser.wait_text("main", "router::pool");
    assert!(world.admin_page("/logging.json").text().contains("router::pool"));
    browser.open(&world.url("/playground"));
    browser.fill("#dtab", "/svc = /host ;");
    browser.click("#playground button.primary");
    browser.wait_text("#findings", "single-equals");
    browser.fill("#dtab", "/svc => /host ; /host/web => /#/io.l5d.fs/web-v2 ;");
    browser.click("#playground button.primary");
    browser.wait_text("#changes", "would change");
    world.is_clean(&mut browser);
}
