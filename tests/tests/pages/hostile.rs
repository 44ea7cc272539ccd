//! What comes from outside is text, whatever it says: in every field, and in all that is shown.

use serde_json::json;
use tests::browser::{Browser, DESKTOP, Driver, PHONE};
use tests::{RawClient, Setup};

use crate::Test;
use crate::world::{NOTHING, World, beyond, encoded, navigation};

pub(crate) const TESTS: &[Test] = &[
    ("hostile_addresses_are_text", hostile_addresses_are_text),
    ("hostile_input_is_text", hostile_input_is_text),
    ("hostile_data_is_text", hostile_data_is_text),
];

const MARKUP: &str = "\"'></textarea></title></script><script>window.ran=1</script>\
    <img src=x onerror=window.ran=1><svg onload=window.ran=1>${window.ran=1}&lt;";

/// A name of a file and of a service.
const NAME: &str = "<img src=x onerror=window.ran=1>";

fn hostile() -> Vec<String> {
    vec![
        MARKUP.to_owned(),
        "javascript:window.ran=1".to_owned(),
        "/svc/\u{202e}bew\u{2066}\u{200f}\u{feff}".to_owned(),
        "\u{1b}[31m\u{7}\r\n\u{2028}".to_owned(),
        format!("/svc/{}", "x".repeat(3000)),
        "/svc/\\x3cscript\\x3e => /\\x3cscript\\x3e".to_owned(),
    ]
}

/// Panics if anything of it was taken for markup, or ran.
fn is_text(browser: &mut Browser<'_>, what: &str) {
    let script = "return [
        window.ran ?? null,
        ...[...document.querySelectorAll('script:not([src]), img, iframe, object, embed, base, meta[http-equiv], \
            a[href^=javascript], form[action^=javascript], [onerror], [onload], [onclick]')].map((e) => e.outerHTML),
        ...[...document.querySelectorAll('script, link')].map((e) => e.src || e.href).filter(
            (url) => !url.startsWith(location.origin + '/assets/')),
    ].filter((found) => found !== null);";
    let found = browser.run(script, &[]);
    assert_eq!(found, json!([]), "{what}");
    // A policy that had to refuse anything says so; an answer that is 400 or 404 may be.
    let refused = |line: &&String| {
        let is_answer = line.contains("the server responded with a status of 40")
            || line.contains("the server responded with a status of 414")
            || line.contains("the server responded with a status of 431");
        !is_answer && !line.starts_with("INFO") && !line.starts_with("DEBUG")
    };
    let console: Vec<_> = browser.console().iter().filter(refused).cloned().collect();
    assert_eq!(console, NOTHING, "{what}");
}

/// What an address may say to a page.
const PARAMS: &[&str] = &[
    "ask",
    "router",
    "path",
    "method",
    "url",
    "header",
    "dtab",
    "base",
    "find",
    "view",
    "fold",
    "step",
    "id",
    "q",
    "failed",
    "service",
    "client",
    "kind",
    "name",
    "logger",
    "level",
    "destination",
    "before",
    "after",
    "names",
    "sort",
    "filter",
];

fn hostile_addresses_are_text(driver: &Driver) {
    let world = World::start();
    world.traffic();
    let mut browser = driver.browser(DESKTOP);
    browser.open(&world.url("/"));
    let valid = "path=/svc/web&url=http://web/&destination=/%23/io.l5d.fs/web";
    for page in navigation(&browser) {
        for hostile in hostile() {
            let all = PARAMS.iter().map(|name| format!("{name}={}", encoded(&hostile)));
            let all = all.collect::<Vec<_>>().join("&");
            let short = hostile.len() < 1000;
            let mut queries: Vec<String> = short.then_some(all).into_iter().collect();
            queries.extend(
                ["path", "dtab", "base", "header", "id", "q", "router"]
                    .map(|name| format!("{name}={}&{valid}", encoded(&hostile))),
            );
            for query in queries {
                browser.open(&world.url(&format!("{page}?{query}")));
                browser.settled();
                is_text(&mut browser, &format!("{page}?{query}"));
            }
        }
    }
    world.asks_nobody_else(&mut browser);
}

/// Puts a text into every field of a page as a person does, and sends each form.
fn fill_all(browser: &Browser<'_>, text: &str) {
    let script = "const [text] = arguments;
        for (const field of document.querySelectorAll('input, textarea')) {
            if (['radio', 'checkbox', 'hidden', 'submit', 'file'].includes(field.type)) continue;
            field.value = text;
            for (const type of ['input', 'change']) field.dispatchEvent(new Event(type, { bubbles: true }));
        }
        for (const form of document.forms) form.noValidate = true;
        const form = document.querySelector('main form');
        window.filledAt = performance.now();
        if (form) form.requestSubmit();";
    browser.run(script, &[text.into()]);
    // Whatever is put off is put off for less than this; or it is another page by now.
    browser.wait_for("!window.filledAt || performance.now() - window.filledAt > 400");
    browser.settled();
}

fn hostile_input_is_text(driver: &Driver) {
    let world = World::start();
    world.traffic();
    let mut browser = driver.browser(PHONE);
    let mut wide = Vec::new();
    browser.open(&world.url("/"));
    for page in navigation(&browser) {
        for hostile in hostile() {
            browser.open(&world.url(&page));
            fill_all(&browser, &hostile);
            browser.settled();
            is_text(&mut browser, &format!("{page} with {hostile:?}"));
            let what: String = hostile.chars().take(20).collect();
            wide.extend(beyond(&browser).map(|beyond| format!("{page} with {what:?}: {beyond}")));
        }
    }
    assert!(wide.is_empty(), "{}", wide.join("\n"));
    world.asks_nobody_else(&mut browser);
}

fn hostile_data_is_text(driver: &Driver) {
    let escaped = "/svc/\\x3cimg src\\x3dx\\x3e".replace(' ', "\\x20");
    let world = World::with(|setup: Setup| {
        setup
            .file(NAME, "127.0.0.1 1\n")
            .file("broken", &format!("{MARKUP}\n"))
            .file("long", "127.0.0.1 2\n")
            .dtab(&format!("{escaped} => /host/broken ;"))
    });
    let long = "x".repeat(2000);
    let targets = [
        "/?q=<script>window.ran=1</script>".to_owned(),
        "/\"'><img/src=x/onerror=window.ran=1>".to_owned(),
        "/javascript:window.ran=1".to_owned(),
        format!("/{long}"),
        "/\u{202e}gnp".to_owned(),
    ];
    let name = NAME.bytes().fold("/svc/".to_owned(), |all, byte| format!("{all}\\x{byte:02x}"));
    let dtabs = [
        format!("/svc/web => {}", name.replace("/svc", "/host")),
        format!("/svc/web => {MARKUP}"),
        format!("/svc/web => /host/{long}"),
        "/svc/web => /host/broken".to_owned(),
    ];
    let ask = |target: &str, host: &str, more: &[(&str, &str)]| {
        let headers: Vec<_> = [("host", host)].into_iter().chain(more.iter().copied()).collect();
        // Some of it is no request at all, which is as well.
        let _ = RawClient::get(world.addr, target, &headers);
    };
    for target in &targets {
        ask(target, "web", &[]);
        ask(target, "nobody", &[("user-agent", MARKUP), ("l5d-ctx-trace", MARKUP)]);
    }
    for dtab in &dtabs {
        ask("/", "web", &[("l5d-dtab", dtab)]);
    }
    for host in [NAME, "\"><svg/onload=window.ran=1>", "\u{202e}bew", &long] {
        ask("/", host, &[]);
    }
    let mut browser = driver.browser(DESKTOP);
    browser.open(&world.url("/"));
    let mut pages = navigation(&browser);
    for path in [name, escaped, "/svc/broken".to_owned(), format!("/svc/{long}")] {
        pages.push(format!("/delegator?path={}", encoded(&path)));
        pages.push(format!("/delegator?view=graph&path={}", encoded(&path)));
    }
    let kept = world.admin_page("/requests.json?limit=100").json();
    let kept = kept.as_array().unwrap();
    assert!(kept.iter().any(|one| one["uri"].as_str().unwrap().contains("window.ran")), "{kept:?}");
    pages.extend(kept.iter().map(|one| format!("/requests?id={}", one["id"].as_str().unwrap())));
    for page in &pages {
        browser.open(&world.url(page));
        browser.settled();
        is_text(&mut browser, page);
    }
    browser.open(&world.url("/requests"));
    browser.wait_text("#requests", "window.ran=1");
    world.asks_nobody_else(&mut browser);
}
