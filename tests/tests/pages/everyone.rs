//! What holds for every page: whoever uses it, however large the window, light or dark.

use tests::browser::{Browser, DESKTOP, Driver, Look, PHONE, axe};

use crate::Test;
use crate::world::{World, beyond, encoded, navigation};

/// Those that need axe-core.
pub(crate) const WITH_AXE: &[Test] = &[
    ("nobody_is_kept_out_of_a_light_page", nobody_is_kept_out_of_a_light_page),
    ("nobody_is_kept_out_of_a_dark_page", nobody_is_kept_out_of_a_dark_page),
];

pub(crate) const TESTS: &[Test] = &[
    ("no_page_is_wider_than_a_phone", no_page_is_wider_than_a_phone),
    ("a_theme_that_is_chosen_stays", a_theme_that_is_chosen_stays),
];

/// Pages with something asked, beside those of the navigation.
fn questions(world: &World) -> Vec<String> {
    let newest = world.admin_page("/requests.json?limit=20").json();
    let with_override = newest.as_array().unwrap().iter().find(|one| one["override"].is_string());
    let id = with_override.unwrap()["id"].as_str().unwrap();
    let dtab = encoded("/svc/web => /host/web-v2 | /host/web");
    vec![
        "/delegator?path=/svc/ab".to_owned(),
        "/delegator?path=/svc/ab&view=graph".to_owned(),
        format!("/delegator?path=/svc/web&dtab={dtab}"),
        "/delegator?path=/svc/nobody".to_owned(),
        "/delegator?path=/round".to_owned(),
        "/why-not?path=/svc/old&destination=/%23/io.l5d.fs/users".to_owned(),
        "/delegator?path=wrong".to_owned(),
        "/delegator?ask=request&url=http://web/".to_owned(),
        format!("/requests?id={id}"),
    ]
}

/// Every page, once it shows what it has.
fn each_page(world: &World, browser: &Browser<'_>, mut judge: impl FnMut(&str)) {
    browser.open(&world.url("/"));
    for path in navigation(browser).into_iter().chain(questions(world)) {
        browser.open(&world.url(&path));
        browser.settled();
        judge(&path);
    }
}

fn nobody_is_kept_out(driver: &Driver, looks: [Look; 2]) {
    let world = World::start();
    world.traffic();
    let mut browser = driver.browser(looks[0]);
    let axe = axe().unwrap();
    let mut found = Vec::new();
    for look in looks {
        browser.look(look);
        each_page(&world, &browser, |path| {
            let barriers = browser.barriers(&axe);
            found.extend(barriers.iter().map(|barrier| format!("{path} {look}: {barrier}")));
        });
    }
    assert!(found.is_empty(), "{} barriers:\n{}", found.len(), found.join("\n\n"));
    world.asks_nobody_else(&mut browser);
}

fn nobody_is_kept_out_of_a_light_page(driver: &Driver) {
    nobody_is_kept_out(driver, [DESKTOP, PHONE]);
}

fn nobody_is_kept_out_of_a_dark_page(driver: &Driver) {
    nobody_is_kept_out(driver, [DESKTOP.dark(), PHONE.dark()]);
}

fn no_page_is_wider_than_a_phone(driver: &Driver) {
    let world = World::start();
    world.traffic();
    let small = Look { width: 360, ..PHONE };
    let browser = driver.browser(small);
    let mut wide = Vec::new();
    let mut judge = |path: &str| {
        wide.extend(beyond(&browser).map(|beyond| format!("{path}: {beyond}")));
    };
    each_page(&world, &browser, &mut judge);
    // A hundred levels.
    browser.open(&world.url("/delegator?path=/svc/deep"));
    browser.settled();
    judge("a deep tree");
    assert!(wide.is_empty(), "{}", wide.join("\n"));
}

fn a_theme_that_is_chosen_stays(driver: &Driver) {
    let world = World::start();
    let mut browser = driver.browser(DESKTOP);
    let background = "return getComputedStyle(document.body).backgroundColor;";
    browser.open(&world.url("/"));
    let light = browser.run(background, &[]);
    browser.choose("select.theme", "dark");
    let dark = browser.run(background, &[]);
    assert_ne!(light, dark);
    browser.open(&world.url("/watches"));
    assert_eq!(browser.run(background, &[]), dark);
    browser.look(DESKTOP.dark());
    browser.choose("select.theme", "light");
    assert_eq!(browser.run(background, &[]), light);
    browser.choose("select.theme", "system");
    assert_eq!(browser.run(background, &[]), dark);
    world.is_clean(&mut browser);
}
