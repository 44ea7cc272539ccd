//! The delegator's pages in a real browser, beside a running router.
//!
//! Without `chromium` and `chromedriver` the tests are reported as ignored, and the one that looks for
//! barriers also without axe-core: `AXE_JS` names its `axe.min.js`.

#![allow(clippy::unwrap_used, reason = "all of it is tests, not only the functions so marked")]

use std::env;
use std::fs;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Trial};
use serde_json::json;
use tests::browser::{Browser, keys};
use tests::{Backend, Router, Setup};

const PAGES: [&str; 9] = [
    "/",
    "/delegator",
    "/playground",
    "/why-not",
    "/requests",
    "/watches",
    "/config",
    "/logging",
    "/help",
];

/// What no page may take for markup, or for a script.
const HOSTILE: &str =
    "</textarea><script>window.hit=1</script>'\"><img src=x onerror=window.hit=1>";

/// A router with two services, and a browser.
struct Scene {
    router: Router,
    browser: Browser,
    backends: [Backend; 2],
}

fn main() -> ExitCode {
    // A browser is heavy: one at a time.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let test = |name: &str, test: fn(&Scene)| {
        Trial::ignorable_test(name, move || {
            let browser = match Browser::start(1440) {
                Ok(browser) => browser,
                Err(missing) => return Ok(Completion::ignored_with(missing)),
            };
            test(&Scene::new(browser));
            Ok(Completion::Completed)
        })
    };
    let trials = vec![
        test("a_path_is_delegated_step_by_step", a_path_is_delegated_step_by_step),
        test("an_override_is_tried_and_compared", an_override_is_tried_and_compared),
        test("a_request_is_named_and_delegated", a_request_is_named_and_delegated),
        test("the_tree_follows_discovery_without_a_reload", the_tree_follows_discovery),
        test("the_tree_is_walked_by_keyboard", the_tree_is_walked_by_keyboard),
        test("a_request_is_followed_to_its_tree", a_request_is_followed_to_its_tree),
        test("the_dashboard_shows_traffic_as_it_comes", the_dashboard_shows_traffic),
        test("no_page_complains_or_asks_elsewhere", no_page_complains_or_asks_elsewhere),
        test("hostile_texts_are_shown_and_not_run", hostile_texts_are_shown_and_not_run),
        test("a_tree_of_two_thousand_steps_is_there_in_a_second", a_large_tree_is_there_soon),
        Trial::ignorable_test("no_page_has_barriers", || match (Browser::start(1440), axe()) {
            (Ok(browser), Some(axe)) => {
                no_page_has_barriers(&Scene::new(browser), &axe);
                Ok(Completion::Completed)
            }
            (Err(missing), _) => Ok(Completion::ignored_with(missing)),
            (_, None) => Ok(Completion::ignored_with("AXE_JS does not name axe.min.js")),
        }),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn axe() -> Option<String> {
    fs::read_to_string(env::var_os("AXE_JS")?).ok()
}

impl Scene {
    fn new(browser: Browser) -> Self {
        let backends = [Backend::fixed("one"), Backend::fixed("two")];
        let router = Setup::new("/svc => /#/io.l5d.fs")
            .service("web", &[&backends[0]])
            .service("web-v2", &[&backends[1]])
            .start();
        Scene { router, browser, backends }
    }

    fn open(&self, target: &str) {
        self.browser.open(&format!("http://{}{target}", self.router.admin));
    }

    /// Asks on the delegate page for a path.
    fn delegate(&self, path: &str) {
        self.open("/delegator");
        self.browser.fill("#path", path);
        self.browser.click("#ask button.primary");
    }
}

fn a_path_is_delegated_step_by_step(scene: &Scene) {
    let Scene { browser, .. } = scene;
    scene.delegate("/svc/web");
    browser.wait_text("#answer", "bound to /#/io.l5d.fs/web");
    browser.wait_text("[role=tree]", "/#/io.l5d.fs/web");
    let backend = scene.backends[0].addr().to_string();
    browser.wait_text("[role=tree]", &backend);
    browser.wait_text("#answer", "linkerd.yaml");
    // The address restores the whole view.
    let address = browser.value("location.pathname + location.search");
    scene.open("/");
    scene.open(address.as_str().unwrap());
    browser.wait_text("[role=tree]", &backend);
    scene.delegate("/svc/wob");
    browser.wait_text("#answer", "nothing named /wob");
}

fn an_override_is_tried_and_compared(scene: &Scene) {
    let Scene { browser, .. } = scene;
    scene.open("/delegator?path=/svc/web");
    browser.wait_text("#answer", "bound to /#/io.l5d.fs/web,");
    browser.fill("#dtab", "/svc/web => /svc/web-v2");
    browser.click("#ask button.primary");
    browser.wait_text("#answer", "bound to /#/io.l5d.fs/web-v2");
    browser.wait_text("#answer", "Without the override");
    browser.fill("#dtab", "/svc/web =>");
    browser.click("#ask button.primary");
    browser.wait_text("#answer", "This cannot be asked");
}

fn a_request_is_named_and_delegated(scene: &Scene) {
    let Scene { browser, .. } = scene;
    scene.open("/delegator?ask=request&method=GET&url=http://web/a");
    browser.wait_text("#answer", "/svc/web");
    browser.wait_text("#answer", "io.l5d.header.token");
}

fn the_tree_follows_discovery(scene: &Scene) {
    let Scene { browser, router, .. } = scene;
    scene.open("/delegator?path=/svc/web");
    browser.wait_text("[role=tree]", &scene.backends[0].addr().to_string());
    router.write("web", &scene.backends[1].fs_line());
    browser.wait_text("[role=tree]", &scene.backends[1].addr().to_string());
    fs::remove_file(router.disco("web")).unwrap();
    browser.wait_text("#answer", "nothing named /web");
}

fn the_tree_is_walked_by_keyboard(scene: &Scene) {
    let Scene { browser, .. } = scene;
    scene.open("/delegator?path=/svc/web");
    browser.wait_text("[role=tree]", "/#/io.l5d.fs/web");
    let first = "[role=treeitem][tabindex='0']";
    browser.press(first, keys::HOME);
    assert!(browser.focused().contains("/svc/web"), "{}", browser.focused());
    browser.press(first, &format!("{}{}", keys::RIGHT, keys::DOWN));
    assert!(browser.focused().contains("/#/io.l5d.fs/web"), "{}", browser.focused());
    browser.press(first, keys::END);
    assert_eq!(browser.value("document.activeElement.getAttribute('role')"), "treeitem");
}

fn a_request_is_followed_to_its_tree(scene: &Scene) {
    let Scene { browser, router, .. } = scene;
    assert_eq!(router.get("web").status, 200);
    assert_eq!(router.get("nobody").status, 502);
    scene.open("/requests");
    browser.wait_text("main", "/svc/nobody");
    browser.click("main a[href*='id=']");
    browser.wait_text("main", "nothing named /nobody");
    browser.wait("!!document.querySelector('main .tree, main [role=tree]')");
}

fn the_dashboard_shows_traffic(scene: &Scene) {
    let Scene { browser, router, .. } = scene;
    scene.open("/");
    for _ in 0..20 {
        assert_eq!(router.get("web").status, 200);
    }
    browser.wait_text("main", "/svc/web");
    browser.wait_text("main", "/#/io.l5d.fs/web");
}

fn no_page_complains_or_asks_elsewhere(scene: &Scene) {
    let Scene { browser, router, .. } = scene;
    assert_eq!(router.get("web").status, 200);
    let own = format!("http://{}/", router.admin);
    for page in PAGES.into_iter().chain(["/delegator?path=/svc/web"]) {
        browser.requests();
        scene.open(page);
        browser.wait("document.readyState === 'complete'");
        assert_eq!(browser.complaints(), [""; 0], "{page}");
        let elsewhere = |url: &String| !url.starts_with(&own) && !url.starts_with("data:");
        let foreign: Vec<_> = browser.requests().into_iter().filter(elsewhere).collect();
        assert_eq!(foreign, [""; 0], "{page}");
        let sizes = "performance.getEntriesByType('resource').reduce((sum, it) => sum + it.decodedBodySize, 0)";
        let bytes = browser.value(sizes).as_f64().unwrap();
        assert!(bytes < 150.0 * 1024.0, "{page}: {bytes} bytes");
    }
}

fn hostile_texts_are_shown_and_not_run(scene: &Scene) {
    let Scene { browser, router, .. } = scene;
    // As data: in a name, and in an override.
    let _ = router.get_with("<img src=x onerror=window.hit=1>", &[]);
    let _ = router.get_with("web", &[("l5d-dtab", "/svc/web => /<script>window.hit=1</script>")]);
    let encoded: Vec<_> = HOSTILE.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let encoded = encoded.concat();
    for page in PAGES {
        let fields = ["path", "dtab", "base", "url", "header", "router", "id", "words", "q"];
        let query: Vec<_> = fields.iter().map(|field| format!("{field}={encoded}")).collect();
        for query in [query.join("&"), format!("ask=request&{}", query.join("&"))] {
            scene.open(&format!("{page}?{query}"));
            browser.wait("document.readyState === 'complete'");
            assert_eq!(browser.value("window.hit ?? null"), json!(null), "{page}?{query}");
            let foreign = "document.querySelectorAll('img[onerror], script:not([src])').length";
            assert_eq!(browser.value(foreign), 0, "{page}?{query}");
        }
    }
}

fn a_large_tree_is_there_soon(scene: &Scene) {
    let Scene { browser, .. } = scene;
    // Each of 40 branches has 50 of its own.
    let leaves: Vec<_> = (0..50).map(|at| format!("/$/inet/127.1/{}", 1000 + at)).collect();
    let branches: Vec<_> = (0..40).map(|at| format!("/b/{at}")).collect();
    let base = format!("/b => {} ; /a => {}", leaves.join(" | "), branches.join(" & "));
    // Named from within, since so long a table is no address.
    let script = "
        const began = performance.now();
        const form = document.querySelector('#ask');
        form.elements.path.value = '/a';
        form.elements.base.value = arguments[0];
        window.began = began;
        form.requestSubmit();";
    scene.open("/delegator");
    browser.wait("document.readyState === 'complete'");
    browser.run(script, &[base.into()]);
    browser.wait_text("#answer", "bound");
    browser.wait("document.querySelectorAll('[role=treeitem]').length > 0");
    // The page answers a key at once.
    let first = "[role=treeitem][tabindex='0']";
    browser.press(first, "*");
    browser.wait("document.querySelectorAll('[role=treeitem]').length > 1000");
    let script = "
        const began = performance.now();
        document.body.offsetHeight;
        document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'End', bubbles: true}));
        document.body.offsetHeight;
        return performance.now() - began;";
    let took = browser.run(script, &[]).as_f64().unwrap();
    assert!(took < 1000.0, "{took} ms for one key");
}

fn no_page_has_barriers(scene: &Scene, axe: &str) {
    let Scene { browser, router, .. } = scene;
    assert_eq!(router.get("web").status, 200);
    assert_eq!(router.get("nobody").status, 502);
    for theme in ["light", "dark"] {
        for page in PAGES.into_iter().chain(["/delegator?path=/svc/web"]) {
            scene.open(page);
            browser.wait("document.readyState === 'complete'");
            browser.run("document.documentElement.dataset.theme = arguments[0]", &[theme.into()]);
            browser.run(axe, &[]);
            let run = "window.found = null; axe.run().then((result) => {
                window.found = result.violations.map((it) => [it.id, it.nodes[0].html]);
            });";
            browser.run(run, &[]);
            browser.wait("window.found !== null");
            assert_eq!(browser.value("window.found"), json!([]), "{page}, {theme}");
        }
    }
}
