//! A real browser, headless, driven by WebDriver (<https://www.w3.org/TR/webdriver2/>): Debian's
//! `chromium` and `chromium-driver`.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::{Proc, RawClient, free_port, installed, wait_until};

/// How long a page may take to come to what is waited for.
const LIMIT: Duration = Duration::from_secs(20);

/// A browser with one window. Dropped, it is closed.
#[derive(Debug)]
pub struct Browser {
    /// The session's path at the driver.
    session: String,
    driver: SocketAddr,
    _proc: Proc,
}

/// What [`Browser::press`] presses beside letters.
pub mod keys {
    /// Arrow to the right: opens.
    pub const RIGHT: &str = "\u{E014}";
    /// Arrow down: the next one.
    pub const DOWN: &str = "\u{E015}";
    /// The end key.
    pub const END: &str = "\u{E010}";
    /// The home key.
    pub const HOME: &str = "\u{E011}";
}

impl Browser {
    /// Starts one, `width` pixels wide; or says how to install it.
    pub fn start(width: u32) -> Result<Self, String> {
        let chromium = installed("chromium", "chromium")?;
        let chromedriver = installed("chromedriver", "chromium-driver")?;
        let driver = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut proc =
            Proc::spawn(Command::new(chromedriver).arg(format!("--port={}", driver.port())));
        proc.wait_port(driver);
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "goog:chromeOptions": {
                "binary": chromium,
                "args": [
                    "--headless=new",
                    // Tests may run as root, for whom there is no sandbox, and in a small container.
                    "--no-sandbox",
                    "--disable-dev-shm-usage",
                    "--disable-gpu",
                    "--force-prefers-reduced-motion",
                    format!("--window-size={width},900"),
                ],
            },
        }}});
        let answer = send(driver, "POST", "/session", &capabilities);
        let session = answer["sessionId"].as_str().expect("a session");
        Ok(Browser { session: format!("/session/{session}"), driver, _proc: proc })
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        send(self.driver, method, &format!("{}{path}", self.session), body)
    }

    /// Opens a page, and waits until it has loaded.
    pub fn open(&self, url: &str) {
        self.call("POST", "/url", &json!({ "url": url }));
    }

    /// What the body of a JavaScript function returns, with these arguments.
    pub fn run(&self, script: &str, args: &[Value]) -> Value {
        self.call("POST", "/execute/sync", &json!({ "script": script, "args": args }))
    }

    /// What a JavaScript expression is worth.
    pub fn value(&self, expression: &str) -> Value {
        self.run(&format!("return {expression}"), &[])
    }

    /// Waits until a JavaScript expression is true.
    pub fn wait(&self, expression: &str) {
        let done = wait_until(LIMIT, || self.value(expression) == true);
        assert!(done, "{expression} does not come true; the page says:\n{}", self.text("body"));
    }

    /// The text of the first element that a selector fits, as it is rendered; empty if there is none.
    pub fn text(&self, selector: &str) -> String {
        let script = "return document.querySelector(arguments[0])?.innerText ?? ''";
        self.run(script, &[selector.into()]).as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the text of an element has this in it.
    pub fn wait_text(&self, selector: &str, part: &str) {
        let done = wait_until(LIMIT, || self.text(selector).contains(part));
        assert!(done, "no {part:?} in {selector}, which says:\n{}", self.text(selector));
    }

    fn element(&self, selector: &str) -> String {
        let found =
            self.call("POST", "/element", &json!({ "using": "css selector", "value": selector }));
        let id = found.as_object().and_then(|found| found.values().next());
        id.and_then(Value::as_str).unwrap_or_else(|| panic!("no {selector}: {found}")).to_owned()
    }

    /// Clicks on an element, which must be visible.
    pub fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.call("POST", &format!("/element/{element}/click"), &json!({}));
    }

    /// Presses keys on an element.
    pub fn press(&self, selector: &str, keys: &str) {
        let element = self.element(selector);
        self.call("POST", &format!("/element/{element}/value"), &json!({ "text": keys }));
    }

    /// Puts a text into a field in the place of what is there.
    pub fn fill(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.call("POST", &format!("/element/{element}/clear"), &json!({}));
        self.call("POST", &format!("/element/{element}/value"), &json!({ "text": text }));
    }

    /// What has had the focus, by its text.
    pub fn focused(&self) -> String {
        let text = self.value("document.activeElement?.innerText ?? ''");
        text.as_str().unwrap_or_default().to_owned()
    }

    fn log(&self, kind: &str) -> Vec<Value> {
        let entries = self.call("POST", "/se/log", &json!({ "type": kind }));
        entries.as_array().cloned().unwrap_or_default()
    }

    /// Errors and warnings in the console since the last time, with what caused them.
    pub fn complaints(&self) -> Vec<String> {
        let entries = self.log("browser").into_iter();
        let severe = |entry: &Value| entry["level"] == "SEVERE" || entry["level"] == "WARNING";
        entries.filter(severe).map(|entry| entry["message"].to_string()).collect()
    }

    /// The URLs that were asked for since the last time.
    pub fn requests(&self) -> Vec<String> {
        let url = |entry: Value| {
            let event: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            let event = &event["message"];
            (event["method"] == "Network.requestWillBeSent")
                .then(|| event["params"]["request"]["url"].as_str().map(str::to_owned))?
        };
        self.log("performance").into_iter().filter_map(url).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ended here, for the driver would leave it behind; not if the test has failed half-way in a
        // call.
        if let Ok(mut client) = RawClient::connect(self.driver) {
            let host = self.driver.to_string();
            let _ = client.request("DELETE", &self.session, &[("host", &host)], b"");
        }
    }
}

fn send(driver: SocketAddr, method: &str, path: &str, body: &Value) -> Value {
    let host = driver.to_string();
    let headers = [("host", host.as_str()), ("content-type", "application/json")];
    let client = RawClient::connect(driver).expect("the driver");
    let body = body.to_string();
    let answer = client
        .timeout(Duration::from_mins(1))
        .request(method, path, &headers, body.as_bytes())
        .expect("an answer of the driver");
    let value = answer.json()["value"].clone();
    assert_eq!(answer.status, 200, "{method} {path} {body}: {value:#}");
    value
}
