//! A router with something to show, and what holds for every page of it.

use std::ops::Deref;

use tests::browser::Browser;
use tests::{Backend, Router, Setup};

const DTAB: &str = "\
/host     => /#/io.l5d.fs ;
/svc      => /host ;
/svc/ab   => 9 * /host/web & 1 * /host/web-v2 ;
/svc/old  => /host/gone | /host/web ;
/round    => /trip ; /trip => /round ;
/svc/deep => /svc/deep/er ;
/svc/no   => ! ;
";

/// No lines.
pub(crate) const NOTHING: &[String] = &[];

/// A running router, its backends, and where its pages are.
pub(crate) struct World {
    router: Router,
    pub(crate) web: Backend,
    pub(crate) web_v2: Backend,
    pub(crate) users: Backend,
}

impl Deref for World {
    type Target = Router;

    fn deref(&self) -> &Router {
        &self.router
    }
}

impl World {
    pub(crate) fn start() -> Self {
        Self::with(|setup| setup)
    }

    /// One whose set-up is changed before it starts.
    pub(crate) fn with(change: impl FnOnce(Setup) -> Setup) -> Self {
        let [web, web_v2, users] = ["web", "web v2", "users"].map(Backend::fixed);
        let setup = Setup::new(DTAB)
            .service("web", &[&web])
            .service("web-v2", &[&web_v2])
            .service("users", &[&users]);
        let router = change(setup).start();
        World { router, web, web_v2, users }
    }

    /// Requests that go well, and some that do not.
    pub(crate) fn traffic(&self) {
        for host in ["web", "users", "ab", "old", "web"] {
            assert_eq!(self.get(host).status, 200, "{host}");
        }
        let override_ = ("l5d-dtab", "/svc/web => /host/web-v2");
        assert_eq!(self.get_with("web", &[override_]).text(), "web v2");
        assert_eq!(self.get("nobody").status, 502);
    }

    /// The address of a page.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.admin)
    }

    /// Panics if any page complained, or asked anybody else for anything.
    pub(crate) fn is_clean(&self, browser: &mut Browser<'_>) {
        let serious = |line: &&String| !line.starts_with("INFO") && !line.starts_with("DEBUG");
        let console: Vec<_> = browser.console().iter().filter(serious).cloned().collect();
        assert_eq!(console, NOTHING, "the console of the browser");
        self.asks_nobody_else(browser);
    }

    /// Panics if any page asked anybody else for anything.
    pub(crate) fn asks_nobody_else(&self, browser: &mut Browser<'_>) {
        let own = self.url("/");
        let foreign = |url: &&String| {
            !url.starts_with(&own) && !["data:", "blob:"].iter().any(|own| url.starts_with(own))
        };
        let foreign: Vec<_> = browser.requests().iter().filter(foreign).cloned().collect();
        assert_eq!(foreign, NOTHING, "asked of others");
        assert!(browser.requests().iter().any(|url| url.starts_with(&own)), "nothing was asked");
    }
}

/// Text as part of a query.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |all, byte| format!("{all}%{byte:02X}"))
}

/// The pages that the navigation leads to.
pub(crate) fn navigation(browser: &Browser<'_>) -> Vec<String> {
    let links = browser.attributes(".nav a", "href");
    assert!(links.len() >= 6, "{links:?}");
    links
}

/// The innermost element because of which a page is wider than its window.
pub(crate) fn beyond(browser: &Browser<'_>) -> Option<String> {
    let script = "const { scrollWidth } = document.documentElement;
        // What is positioned leaves the boxes that scroll, unless they are positioned as well.
        const inScroller = (e) => {
            let out = getComputedStyle(e).position === 'absolute';
            for (let at = e.parentElement; at && at !== document.body; at = at.parentElement) {
                const { overflowX, position } = getComputedStyle(at);
                if (position !== 'static') out = position === 'absolute';
                if (!out && overflowX !== 'visible') return true;
            }
            return false;
        };
        const beyond = [...document.body.querySelectorAll('*')].findLast(
            (e) => e.getBoundingClientRect().left + Math.max(e.scrollWidth, e.offsetWidth ?? 0) > innerWidth + 1
                && getComputedStyle(e).overflowX === 'visible' && !inScroller(e) && e.tagName !== 'MAIN');
        return scrollWidth > innerWidth ? `${scrollWidth}: ${beyond?.outerHTML.slice(0, 300)}` : null;";
    browser.run(script, &[]).as_str().map(str::to_owned)
}
