//! Pictures of every page, to be looked at: light and dark, on a desktop and on a phone.
//!
//! ```sh
//! cargo run -p tests --bin screenshots -- OUTDIR
//! ```

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use clap::Parser;
use tests::browser::{Browser, DESKTOP, Driver, PHONE};
use tests::{Proc, RawClient, free_port, wait_until};

#[derive(Debug, Parser)]
#[command(
    bin_name = "screenshots",
    about = "Takes pictures of every page of a demo with traffic",
    after_help = "Exit status: 0 taken, 2 something is not installed or could not be run."
)]
struct Cli {
    /// Where the pictures go
    #[arg(value_name = "OUTDIR")]
    out: PathBuf,

    /// Seconds of traffic before the first picture, which the charts show
    #[arg(long, default_value_t = 10)]
    traffic: u64,
}

/// Pages with something asked, beside those of the navigation, each with the name of its picture.
const QUESTIONS: [(&str, &str); 6] = [
    ("delegate-path", "/delegator?path=/svc/web"),
    ("delegate-graph", "/delegator?path=/svc/web&view=graph"),
    (
        "delegate-override",
        "/delegator?path=/svc/web&dtab=/svc/web%20%3D%3E%209%20*%20/%23/io.l5d.fs/web%20%26%201%20*%20/%23/io.l5d.fs/web-v2",
    ),
    ("delegate-request", "/delegator?ask=request&url=http://users/profile"),
    ("delegate-negative", "/delegator?path=/svc/nobody"),
    ("why-not-answer", "/why-not?path=/svc/web&destination=/%23/io.l5d.fs/web-v2"),
];

fn main() -> ExitCode {
    let cli = Cli::parse();
    match take(&cli) {
        Ok(count) => {
            println!("{count} pictures are in {}", cli.out.display());
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("screenshots: {why}");
            ExitCode::from(2)
        }
    }
}

fn take(cli: &Cli) -> Result<usize, String> {
    let driver = Driver::start()?;
    fs::create_dir_all(&cli.out).map_err(|e| format!("{}: {e}", cli.out.display()))?;
    let [router, admin] = [free_port(), free_port()];
    let ports = [router.to_string(), admin.to_string()];
    let mut demo =
        Proc::fingerpost(["demo", "--port", &ports[0], "--admin-port", &ports[1], "--log", "off"]);
    let [router, admin] = [router, admin].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    demo.wait_port(router);
    demo.wait_port(admin);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| traffic(router, &done));
        thread::sleep(Duration::from_secs(cli.traffic));
        let taken = pictures(&driver, admin, &cli.out);
        done.store(true, Ordering::Relaxed);
        taken
    })
}

/// Requests as people make them: most go well.
fn traffic(router: SocketAddr, done: &AtomicBool) {
    let to_v2 = ("l5d-dtab", "/svc/web => /#/io.l5d.fs/web-v2");
    for nth in 0_u32.. {
        if wait_until(Duration::from_millis(20), || done.load(Ordering::Relaxed)) {
            return;
        }
        let host = match nth % 50 {
            0 => "nobody",
            n if n % 3 == 0 => "users",
            _ => "web",
        };
        let more = (nth % 10 == 1).then_some(to_v2);
        let headers: Vec<_> = [("host", host)].into_iter().chain(more).collect();
        let target = format!("/orders/{nth}");
        // One that is lost is one picture with a little less on it.
        let _ = RawClient::get(router, &target, &headers);
    }
}

fn pictures(driver: &Driver, admin: SocketAddr, out: &Path) -> Result<usize, String> {
    let browser = driver.browser(DESKTOP);
    let url = |path: &str| format!("http://{admin}{path}");
    browser.open(&url("/"));
    let mut pages: Vec<(String, String)> = browser
        .attributes(".nav a", "href")
        .into_iter()
        .map(|path| (if path == "/" { "dashboard".to_owned() } else { path[1..].to_owned() }, path))
        .collect();
    pages.extend(QUESTIONS.map(|(name, path)| (name.to_owned(), path.to_owned())));
    let mut count = 0;
    for look in [DESKTOP, DESKTOP.dark(), PHONE, PHONE.dark()] {
        browser.look(look);
        // Chosen for each look: what is remembered of requests is soon replaced.
        let request = newest_request(&browser, &url("/requests"));
        for (name, path) in request.iter().chain(&pages) {
            browser.open(&url(path));
            settle(&browser);
            let file = out.join(format!("{name}-{look}.png"));
            fs::write(&file, browser.picture(true))
                .map_err(|e| format!("{}: {e}", file.display()))?;
            count += 1;
        }
    }
    Ok(count)
}

/// The page of the newest request with an override.
fn newest_request(browser: &Browser<'_>, requests: &str) -> Option<(String, String)> {
    browser.open(requests);
    browser.wait_for("document.querySelector('#requests tr:has(code) th a')");
    let links = browser.attributes("#requests tr:has(code) th a", "href");
    links.into_iter().next().map(|path| ("request".to_owned(), path))
}

/// Waits until the page has what it is about to show, and a second of what goes on.
fn settle(browser: &Browser<'_>) {
    browser.settled();
    browser.wait_for("performance.now() > 1500");
}
