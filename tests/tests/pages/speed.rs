//! How much is loaded, and how soon there is something to use.
//!
//! A server that is built without optimisation is no measure: then what it takes for page and answer is
//! left out, and a first page, for which it serves many files, may take longer. What was measured is
//! printed; `cargo test --release -p tests --test pages` holds all of it against the budgets.

use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::browser::{Browser, DESKTOP, Driver, Key};
use tests::{Backend, Proc, Router, Setup, procfs};

use crate::Test;
use crate::world::{NOTHING, World};

pub(crate) const TESTS: &[Test] = &[
    ("the_first_page_is_small_and_there_at_once", the_first_page_is_small_and_there_at_once),
    ("two_thousand_steps_are_there_within_a_second", two_thousand_steps_are_there_within_a_second),
    ("a_dashboard_of_500_services_costs_little", a_dashboard_of_500_services_costs_little),
];

/// How many loads are measured; the best of them is what the page takes, the others what else goes on.
const LOADS: usize = 5;

/// Bytes over the network, all together, for a first page.
const MOST_BYTES: f64 = 150.0 * 1024.0;

/// Milliseconds until the scripts of a first page have run.
const FIRST_PAGE: f64 = if cfg!(debug_assertions) { 600.0 } else { 200.0 };

/// Milliseconds until a large tree answers the keyboard.
const LARGE_TREE: f64 = 1000.0;

/// How many services a large dashboard shows, and for how many seconds it is watched.
const SERVICES: usize = 500;
const WATCHED: usize = 10;

/// The share of a core that the server may take for a large dashboard.
const SERVER: f64 = 0.02;

/// Before pages: milliseconds that the server has taken for the page and for the answer to a script.
const SERVED: &str = "window.served = () =>
    performance.getEntriesByType('navigation')[0].responseStart
    + performance.getEntriesByType('resource').filter(({ name }) => name.includes('/delegation.json'))
        .reduce((sum, { requestStart, responseStart }) => sum + responseStart - requestStart, 0);";

fn number(value: Value) -> f64 {
    value.as_f64().unwrap_or(f64::INFINITY)
}

/// What a time since the beginning of the page is judged by.
fn judged(browser: &Browser<'_>, time: f64) -> f64 {
    if cfg!(debug_assertions) { time - number(browser.run("return served();", &[])) } else { time }
}

fn the_first_page_is_small_and_there_at_once(driver: &Driver) {
    let world = World::start();
    world.traffic();
    let mut browser = driver.browser(DESKTOP);
    browser.before_pages(SERVED);
    for path in ["/", "/delegator?path=/svc/ab"] {
        let loads = (0..LOADS).map(|_| {
            browser.clear_cache();
            browser.open(&world.url(path));
            browser.wait_for("performance.getEntriesByType('navigation')[0].loadEventEnd > 0");
            let bytes = "return [...performance.getEntriesByType('navigation'),
                ...performance.getEntriesByType('resource')]
                .reduce((sum, { transferSize }) => sum + transferSize, 0);";
            // Module scripts run before this, whatever they wait for.
            let ready =
                "return performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd;";
            let ready = judged(&browser, number(browser.run(ready, &[])));
            (number(browser.run(bytes, &[])), ready)
        });
        let loads: Vec<_> = loads.collect();
        let bytes = loads.iter().map(|load| load.0).fold(0.0, f64::max);
        let ready = loads.iter().map(|load| load.1).fold(f64::INFINITY, f64::min);
        println!("{path}: {:.1} KiB, interactive in {ready:.0} ms", bytes / 1024.0);
        assert!(bytes > 1000.0 && bytes < MOST_BYTES, "{path}: {bytes} bytes");
        assert!(ready < FIRST_PAGE, "{path}: {loads:?}");
    }
    world.is_clean(&mut browser);
}

/// A table by which `/big` has over 2,000 steps.
fn large_table() -> String {
    let mut dtab = String::new();
    for branch in 0..40 {
        let _ = writeln!(dtab, "/big => /big-{branch} ;");
        for leaf in 0..50 {
            let _ = writeln!(dtab, "/big-{branch} => /$/inet/127.0.0.1/{} ;", 9000 + leaf);
        }
    }
    dtab
}

/// Milliseconds from the beginning of the page until the tree was drawn.
fn drawn(browser: &Browser<'_>) -> f64 {
    number(browser.wait_for("window.drawnAt"))
}

fn two_thousand_steps_are_there_within_a_second(driver: &Driver) {
    let dir = tempfile::tempdir().unwrap();
    let table = dir.path().join("large.dtab");
    std::fs::write(&table, large_table()).unwrap();
    let ui = Proc::fingerpost(["ui", "--no-open", "-d", table.to_str().unwrap()]);
    let told = ui.wait_log("The pages are at ");
    let url = told.rsplit(' ').next().unwrap().trim_end_matches('/');
    let mut browser = driver.browser(DESKTOP);
    browser.before_pages(SERVED);
    // The frame after the one in which the tree has its rows is one that is painted with them.
    browser.before_pages(
        "new MutationObserver((_, observer) => {
            if (!document.querySelector('[role=tree] [role=treeitem]')) return;
            observer.disconnect();
            requestAnimationFrame(() => requestAnimationFrame(() => { window.drawnAt = performance.now(); }));
        }).observe(document, { childList: true, subtree: true });",
    );
    let mut best = f64::INFINITY;
    for _ in 0..LOADS {
        browser.open(&format!("{url}/delegator?path=/big"));
        best = best.min(judged(&browser, drawn(&browser)));
        let steps = browser.text(".steps h2");
        let count: String = steps.chars().filter(char::is_ascii_digit).collect();
        assert!(count.parse::<usize>().unwrap() > 2000, "{steps}");
    }
    // Everything unfolded, a key is answered within a frame or two.
    browser.click_text(".segmented button", "Unfold all");
    browser.click("[role=treeitem]");
    browser.run(
        "document.addEventListener('keydown', ({ timeStamp }) => requestAnimationFrame(() =>
            requestAnimationFrame(() => { window.keyTook = performance.now() - timeStamp; })), true);",
        &[],
    );
    browser.press(Key::End);
    let key = number(browser.wait_for("window.keyTook"));
    println!("over 2,000 steps: drawn in {best:.0} ms, a key in {key:.0} ms");
    assert!(best < LARGE_TREE, "drawn in {best} ms");
    assert!(key < LARGE_TREE / 2.0, "a key takes {key} ms");
    assert_eq!(browser.console(), NOTHING);
}

/// Sends each service a request a second until told to stop.
fn keep_busy(router: &Router, stop: &AtomicBool) {
    let mut caller = router.connect();
    let mut next = Instant::now();
    while !stop.load(Relaxed) {
        for service in 0..SERVICES {
            let host = format!("s{service}");
            let answer = caller.request("GET", "/", &[("host", &host)], b"").expect("an answer");
            assert_eq!(answer.status, 200, "{host}");
        }
        next += Duration::from_secs(1);
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

/// All that is not on the way of requests counts: telling of them, and the files that are looked at.
fn a_dashboard_of_500_services_costs_little(driver: &Driver) {
    let backend = Backend::fixed("fine");
    let setup = (0..SERVICES).fold(Setup::by_host(), |setup, service| {
        setup.service(&format!("s{service}"), &[&backend])
    });
    let router = setup.start();
    let stop = AtomicBool::new(false);
    let mut browser = driver.browser(DESKTOP);
    // Each event is one update of the page.
    browser.before_pages(
        "window.updates = 0;
        window.EventSource = class extends EventSource {
            constructor(...args) {
                super(...args);
                this.addEventListener('stats', () => { window.updates += 1; });
            }
        };",
    );
    thread::scope(|scope| {
        scope.spawn(|| keep_busy(&router, &stop));
        browser.open(&format!("http://{}/", router.admin));
        browser.wait_text("main", "500");
        browser.run("window.updates = 0;", &[]);
        browser.wait_for("window.updates > 0");
        let cpu = || {
            procfs::cpu_ns_of(router.proc.pid(), |name| !name.starts_with("worker-"))
                .expect("it runs")
        };
        let (began, before) = (Instant::now(), cpu());
        browser.wait_for(&format!("window.updates > {WATCHED}"));
        let (took, spent) = (began.elapsed(), cpu() - before);
        stop.store(true, Relaxed);
        let share = spent as f64 / took.as_nanos() as f64;
        println!("{SERVICES} services each second: {:.2} % of a core", share * 100.0);
        assert!(took < Duration::from_secs(WATCHED as u64 + 2), "{WATCHED} updates in {took:?}");
        assert!(share < SERVER || cfg!(debug_assertions), "{:.2} % of a core", share * 100.0);
    });
    assert_eq!(browser.console(), NOTHING);
}
