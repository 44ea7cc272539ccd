//! What has gone through the router: figures, requests, and the way of one of them.

use tests::browser::{DESKTOP, Driver, Key};
use tests::{Behaviour, wait_until};

use crate::Test;
use crate::world::World;

pub(crate) const TESTS: &[Test] = &[
    ("a_request_is_followed_to_its_tree", a_request_is_followed_to_its_tree),
    ("new_requests_and_failures_are_told", new_requests_and_failures_are_told),
    ("the_dashboard_moves_with_the_traffic", the_dashboard_moves_with_the_traffic),
    ("a_log_level_is_changed", a_log_level_is_changed),
    ("a_watch_that_fails_says_so", a_watch_that_fails_says_so),
];

fn a_request_is_followed_to_its_tree(driver: &Driver) {
    let world = World::start();
    let mut browser = driver.browser(DESKTOP);
    world.traffic();
    browser.open(&world.url("/requests"));
    // The one with an override, whose way is not that of the others.
    browser.wait_text("#requests tr", "/svc/web=>/host/web-v2");
    browser.click_text("#requests tr:has(code) th a", ":");
    browser.wait_text("#request h3", "How it was resolved");
    browser.wait_text("#request [role=treeitem] .path", "/#/io.l5d.fs/web-v2");
    assert!(browser.text("#request .facts").contains(&world.web_v2.addr().to_string()));
    let kept = browser.url();

    // What it was then does not change with what is now.
    world.write("web-v2", &world.users.fs_line());
    browser.click_text("#request a.button", "How it resolves now");
    browser.wait_text("[role=treeitem] .addresses", &world.users.addr().to_string());
    assert!(browser.url().contains("/delegator?"), "{}", browser.url());
    browser.open(&kept);
    browser.wait_text("#request [role=treeitem] .addresses", &world.web_v2.addr().to_string());
    browser.click_text("#request button", "Close");
    browser.wait_for("document.querySelector('#request').hidden");
    world.is_clean(&mut browser);
}

fn new_requests_and_failures_are_told(driver: &Driver) {
    let world = World::start();
    let mut browser = driver.browser(DESKTOP);
    browser.open(&world.url("/requests"));
    browser.wait_text("#requests", "No requests yet");
    world.traffic();
    browser.wait_text("#requests tr", "/svc/users");
    browser.wait_text("#requests tr", "502");
    browser.click("input[name=failed]");
    browser.wait_for("document.querySelectorAll('#requests tbody tr').length === 1");
    assert!(browser.text("#requests tbody").contains("/svc/nobody"));
    browser.click("input[name=failed]");
    browser.fill("#q", "users");
    browser.press(Key::Enter);
    browser.wait_for("document.querySelectorAll('#requests tbody tr').length === 1");
    assert!(browser.text("#requests tbody").contains("/svc/users"));
    world.is_clean(&mut browser);
}

fn the_dashboard_moves_with_the_traffic(driver: &Driver) {
    let world = World::start();
    let mut browser = driver.browser(DESKTOP);
    browser.open(&world.url("/"));
    browser.wait_text("#first-request", "No requests yet");
    world.users.set(Behaviour::status(500));
    // A second of requests is what the figures are of.
    let moves = "[...document.querySelectorAll('table tr')].some((row) =>
        row.textContent.includes('/svc/web') && /[1-9]/.test(row.querySelector('.num').textContent))";
    let script = format!("return {moves};");
    let seen = wait_until(std::time::Duration::from_secs(20), || {
        world.get("web");
        world.get("users");
        browser.run(&script, &[]) == true
    });
    assert!(seen, "{}", browser.page_text());
    browser.wait_text("table tr", "/#/io.l5d.fs/web");
    world.is_clean(&mut browser);
}

fn a_log_level_is_changed(driver: &Driver) {
    let world = World::start();
    let mut browser = driver.browser(DESKTOP);
    browser.open(&world.url("/logging"));
    browser.fill("#logger", "router::namer");
    browser.choose("#level", "DEBUG");
    browser.click("#add button.primary");
    browser.wait_for("document.querySelector('[data-logger=\"router::namer\"]')");
    let levels = world.admin_page("/logging.json").text();
    assert!(levels.contains("router::namer"), "{levels}");
    world.is_clean(&mut browser);
}

fn a_watch_that_fails_says_so(driver: &Driver) {
    let world = World::start();
    let mut browser = driver.browser(DESKTOP);
    world.traffic();
    browser.open(&world.url("/watches"));
    browser.wait_text("#watches tr, main tr", "/#/io.l5d.fs/web");
    world.write("web", "this is no address\n");
    browser.wait_text("main tr", "this is no address");
    // It keeps its last good state.
    assert_eq!(world.get("web").status, 200);
    world.is_clean(&mut browser);
}
