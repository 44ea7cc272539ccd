//! A real browser, headless, driven through chromedriver as WebDriver says (<https://www.w3.org/TR/webdriver2/>).
//!
//! The protocol is JSON over HTTP, so a handful of commands need no more than [`RawClient`]. What
//! the browser says in its console, and every request that it makes, is kept for the test to judge.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::installed::is_required;
use crate::{Proc, RawClient, free_port, installed, wait_until};

/// How long a page may take for anything, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long the browser may take for one command.
const COMMAND: Duration = Duration::from_mins(1);

/// The member by which WebDriver tells an element from other objects.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The program that starts browsers and steers them.
#[derive(Debug)]
pub struct Driver {
    _proc: Proc,
    addr: SocketAddr,
    chromium: PathBuf,
}

/// How a browser is to be.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// In CSS pixels.
    pub width: u32,
    /// In CSS pixels.
    pub height: u32,
    /// Whether the person prefers dark pages.
    pub dark: bool,
}

/// A window of a desktop, light.
pub const DESKTOP: Look = Look { width: 1440, height: 900, dark: false };

/// A phone held upright, light.
pub const PHONE: Look = Look { width: 390, height: 844, dark: false };

impl Look {
    /// The same, dark.
    pub fn dark(self) -> Self {
        Look { dark: true, ..self }
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.width, if self.dark { "dark" } else { "light" })
    }
}

/// A key that is no character, as WebDriver writes it.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names on the keys")]
pub enum Key {
    Tab,
    Enter,
    Escape,
    End,
    Home,
    Left,
    Up,
    Right,
    Down,
}

impl Key {
    fn code(self) -> char {
        match self {
            Key::Tab => '\u{e004}',
            Key::Enter => '\u{e007}',
            Key::Escape => '\u{e00c}',
            Key::End => '\u{e010}',
            Key::Home => '\u{e011}',
            Key::Left => '\u{e012}',
            Key::Up => '\u{e013}',
            Key::Right => '\u{e014}',
            Key::Down => '\u{e015}',
        }
    }
}

impl Driver {
    /// Starts chromedriver; or says what has to be installed.
    pub fn start() -> Result<Self, String> {
        let program = installed("chromedriver", "chromium-driver")?;
        let chromium = installed("chromium", "chromium")?;
        let port = free_port();
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut proc = Proc::spawn(Command::new(program).arg(format!("--port={port}")));
        proc.wait_port(addr);
        Ok(Driver { _proc: proc, addr, chromium })
    }

    /// A browser of its own, with nothing stored.
    pub fn browser(&self, look: Look) -> Browser<'_> {
        self.open(look, true)
    }

    /// A browser in which no page runs scripts.
    pub fn browser_without_scripts(&self, look: Look) -> Browser<'_> {
        self.open(look, false)
    }

    fn open(&self, look: Look, scripts: bool) -> Browser<'_> {
        let args = [
            "--headless=new",
            // Only pages of our own are shown, and its sandbox does not work for root.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            "--hide-scrollbars",
            "--force-device-scale-factor=1",
            // Whoever would be asked is not there.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ];
        let scripts = if scripts { 1 } else { 2 };
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            // A dialog, which no page opens, fails whatever comes next.
            "unhandledPromptBehavior": "ignore",
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "goog:chromeOptions": {
                "binary": self.chromium,
                "args": args,
                "perfLoggingPrefs": { "enableNetwork": true, "enablePage": false },
                "prefs": { "profile.managed_default_content_settings.javascript": scripts },
            },
        } } });
        let session = self.command("POST", "/session", &capabilities);
        let id = session["sessionId"].as_str().expect("a session").to_owned();
        let browser = Browser { driver: self, id, console: Vec::new(), requests: BTreeSet::new() };
        browser.look(look);
        browser
    }

    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        self.try_command(method, path, body).unwrap_or_else(|why| panic!("{why}"))
    }

    fn try_command(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let told = |error: std::io::Error| format!("{method} {path}: {error}");
        let host = self.addr.to_string();
        let headers = [("host", host.as_str()), ("content-type", "application/json")];
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let mut client = RawClient::connect(self.addr).map_err(told)?.timeout(COMMAND);
        let answer = client.request(method, path, &headers, body.as_bytes()).map_err(told)?;
        let mut value = answer.json()["value"].take();
        if answer.status != 200 {
            let message = value["message"].take();
            let message = message.as_str().unwrap_or_default();
            let first = message.lines().next().unwrap_or_default();
            return Err(format!("{path}: {}: {first}", value["error"]));
        }
        Ok(value)
    }
}

/// The script of axe-core, which finds what keeps people from using a page: the file that `AXE_JS`
/// names, or what `.ci/run` fetches. Otherwise why it is missing.
pub fn axe() -> Result<String, String> {
    const FETCHED: &str = "target/axe-core/package/axe.min.js";
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let file = std::env::var_os("AXE_JS").map_or_else(|| root.join(FETCHED), PathBuf::from);
    let script = fs::read_to_string(file);
    let missing = "axe-core is not here: npm pack axe-core, and name its axe.min.js with AXE_JS";
    assert!(script.is_ok() || !is_required(), "{missing}");
    script.map_err(|_| missing.to_owned())
}

/// One browser with one page. Dropping it closes it.
#[derive(Debug)]
pub struct Browser<'d> {
    driver: &'d Driver,
    id: String,
    console: Vec<String>,
    requests: BTreeSet<String>,
}

impl Browser<'_> {
    fn post(&self, command: &str, body: &Value) -> Value {
        self.driver.command("POST", &format!("/session/{}/{command}", self.id), body)
    }

    /// A command of the browser's own protocol.
    fn cdp(&self, cmd: &str, params: &Value) -> Value {
        self.post("goog/cdp/execute", &json!({ "cmd": cmd, "params": params }))
    }

    /// Gives the window another size or the person another preference.
    pub fn look(&self, Look { width, height, dark }: Look) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.cdp("Emulation.setDeviceMetricsOverride", &size);
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.cdp("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }

    /// Has every page run this before its own scripts.
    pub fn before_pages(&self, script: &str) {
        self.cdp("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": script }));
    }

    /// Forgets what it has loaded before.
    pub fn clear_cache(&self) {
        self.cdp("Network.clearBrowserCache", &json!({}));
    }

    /// Goes to an address, and waits until the page is loaded.
    pub fn open(&self, url: &str) {
        self.post("url", &json!({ "url": url }));
    }

    /// The address of the page.
    pub fn url(&self) -> String {
        let url = self.driver.command("GET", &format!("/session/{}/url", self.id), &Value::Null);
        url.as_str().expect("an address").to_owned()
    }

    /// Loads the page anew.
    pub fn reload(&self) {
        self.post("refresh", &json!({}));
    }

    /// Goes back to the page before.
    pub fn back(&self) {
        self.post("back", &json!({}));
    }

    /// What a function body returns in the page; it finds `args` in `arguments`.
    pub fn run(&self, script: &str, args: &[Value]) -> Value {
        self.post("execute/sync", &json!({ "script": script, "args": args }))
    }

    /// What the last argument, a function, is called with.
    pub fn run_async(&self, script: &str, args: &[Value]) -> Value {
        self.post("execute/async", &json!({ "script": script, "args": args }))
    }

    /// Waits until an expression is true in the page, and returns it. Panics with what the page says
    /// if it does not become so.
    pub fn wait_for(&self, expression: &str) -> Value {
        let mut value = Value::Null;
        let script = format!("return ({expression});");
        let done = wait_until(PATIENCE, || {
            value = self.run(&script, &[]);
            !matches!(value, Value::Null | Value::Bool(false))
                && value.as_f64() != Some(0.0)
                && value.as_str() != Some("")
        });
        assert!(done, "{expression} is not so in {}\n{}", self.url(), self.page_text());
        value
    }

    /// Waits until an element that matches has this text.
    pub fn wait_text(&self, css: &str, wanted: &str) {
        let (css, wanted) = (Value::from(css), Value::from(wanted));
        self.wait_for(&format!(
            "[...document.querySelectorAll({css})].some((e) => e.textContent.includes({wanted}))"
        ));
    }

    /// Waits until nothing of the page is on its way: no answer, no movement.
    pub fn settled(&self) {
        self.wait_for(
            "document.readyState === 'complete' && !document.querySelector('[aria-busy=true]')
                && !document.querySelector('.loading:not([hidden])')
                && document.getAnimations().every((a) => a.playState !== 'running'
                    || a.effect.getComputedTiming().iterations === Infinity)",
        );
    }

    /// An attribute of each element that matches and has it.
    pub fn attributes(&self, css: &str, name: &str) -> Vec<String> {
        let script = "const [css, name] = arguments;
            return [...document.querySelectorAll(css)].map((e) => e.getAttribute(name)).filter((v) => v !== null);";
        let found = self.run(script, &[css.into(), name.into()]);
        let found = found.as_array().into_iter().flatten();
        found.map(|value| value.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Everything that is to be read on the page.
    pub fn page_text(&self) -> String {
        self.text("body")
    }

    /// What is to be read in the first element that matches.
    pub fn text(&self, css: &str) -> String {
        let text =
            self.run("return document.querySelector(arguments[0])?.innerText;", &[css.into()]);
        text.as_str().unwrap_or_else(|| panic!("no {css} in {}", self.url())).to_owned()
    }

    /// What is to be read in all elements that match.
    pub fn texts(&self, css: &str) -> Vec<String> {
        let script = "return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText);";
        let texts = self.run(script, &[css.into()]);
        let texts = texts.as_array().into_iter().flatten();
        texts.map(|text| text.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// How many elements match.
    pub fn count(&self, css: &str) -> usize {
        let count =
            self.run("return document.querySelectorAll(arguments[0]).length;", &[css.into()]);
        count.as_u64().map_or(0, |count| count as usize)
    }

    fn element(&self, css: &str) -> String {
        let body = json!({ "using": "css selector", "value": css });
        let mut found = Err(String::new());
        wait_until(PATIENCE, || {
            let path = format!("/session/{}/element", self.id);
            found = self.driver.try_command("POST", &path, &body);
            found.is_ok()
        });
        let found = found.unwrap_or_else(|why| panic!("{css}: {why}\n{}", self.page_text()));
        found[ELEMENT].as_str().expect("an element").to_owned()
    }

    /// Clicks where the first element that matches is, once it can be seen and nothing is above it.
    pub fn click(&self, css: &str) {
        let mut clicked = Err(String::new());
        wait_until(PATIENCE, || {
            let path = format!("/session/{}/element/{}/click", self.id, self.element(css));
            clicked = self.driver.try_command("POST", &path, &json!({}));
            clicked.is_ok()
        });
        clicked.unwrap_or_else(|why| panic!("{css}: {why}\n{}", self.page_text()));
    }

    /// Clicks on the first of the elements that match which has this text.
    pub fn click_text(&self, css: &str, text: &str) {
        let script = "const [css, text] = arguments;
            const found = [...document.querySelectorAll(css)].find((e) => e.textContent.includes(text));
            document.querySelector('[data-test-click]')?.removeAttribute('data-test-click');
            found?.setAttribute('data-test-click', '');
            return Boolean(found);";
        let found = wait_until(PATIENCE, || self.run(script, &[css.into(), text.into()]) == true);
        assert!(found, "no {css} says {text:?}\n{}", self.page_text());
        self.click("[data-test-click]");
    }

    /// Types into a field, in place of what it has.
    pub fn fill(&self, css: &str, text: &str) {
        let element = self.element(css);
        self.post(&format!("element/{element}/clear"), &json!({}));
        self.post(&format!("element/{element}/value"), &json!({ "text": text }));
    }

    /// Chooses an option by its value.
    pub fn choose(&self, css: &str, value: &str) {
        self.click(&format!("{css} option[value=\"{value}\"]"));
    }

    /// Presses a key wherever the focus is.
    pub fn press(&self, key: Key) {
        self.type_keys(&key.code().to_string());
    }

    /// Types wherever the focus is.
    pub fn type_keys(&self, text: &str) {
        let strokes = text.chars().flat_map(|key| {
            let stroke = |kind| json!({ "type": kind, "value": key.to_string() });
            [stroke("keyDown"), stroke("keyUp")]
        });
        let strokes: Vec<_> = strokes.collect();
        let keys = json!({ "type": "key", "id": "keyboard", "actions": strokes });
        self.post("actions", &json!({ "actions": [keys] }));
    }

    /// Takes back what was typed last, as Ctrl-Z does.
    pub fn undo(&self) {
        const CONTROL: char = '\u{e009}';
        let stroke = |kind, key: char| json!({ "type": kind, "value": key.to_string() });
        let strokes = json!([
            stroke("keyDown", CONTROL),
            stroke("keyDown", 'z'),
            stroke("keyUp", 'z'),
            stroke("keyUp", CONTROL),
        ]);
        let keys = json!({ "type": "key", "id": "keyboard", "actions": strokes });
        self.post("actions", &json!({ "actions": [keys] }));
    }

    /// A picture of the whole page, as PNG; of no more than the window if `whole` is false.
    pub fn picture(&self, whole: bool) -> Vec<u8> {
        let shot = json!({ "format": "png", "captureBeyondViewport": whole });
        let mut shot = shot;
        if whole {
            let size = self.cdp("Page.getLayoutMetrics", &json!({}))["cssContentSize"].take();
            shot["clip"] = json!({
                "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1,
            });
        }
        let picture = self.cdp("Page.captureScreenshot", &shot)["data"].take();
        STANDARD.decode(picture.as_str().unwrap_or_default()).expect("a picture")
    }

    /// What axe-core, given as [`axe`] reads it, has against the page: a line for each rule and element.
    pub fn barriers(&self, axe: &str) -> Vec<String> {
        self.run(axe, &[]);
        let script = "const done = arguments[arguments.length - 1];
            axe.run(document, { resultTypes: ['violations'] }).then(
              ({ violations }) => done(violations.flatMap(({ id, nodes }) => nodes.map(
                ({ html, failureSummary }) => `${id}: ${html.slice(0, 300)}: ${failureSummary}`))),
              (error) => done([String(error)]));";
        let found = self.run_async(script, &[]);
        let found = found.as_array().expect("a list").iter();
        found.map(|line| line.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Takes what has been written to the logs since.
    fn read_logs(&mut self) {
        for entry in self.log("browser") {
            let [level, message] = ["level", "message"].map(|member| entry[member].as_str());
            let (level, message) = (level.unwrap_or_default(), message.unwrap_or_default());
            self.console.push(format!("{level} {message}"));
        }
        for entry in self.log("performance") {
            let message = entry["message"].as_str().unwrap_or_default();
            let event: Value = serde_json::from_str(message).unwrap_or_default();
            let (method, params) = (&event["message"]["method"], &event["message"]["params"]);
            let url = match method.as_str() {
                Some("Network.requestWillBeSent") => &params["request"]["url"],
                Some("Network.webSocketCreated") => &params["url"],
                _ => continue,
            };
            self.requests.extend(url.as_str().map(str::to_owned));
        }
    }

    fn log(&self, kind: &str) -> Vec<Value> {
        let log = self.post("se/log", &json!({ "type": kind }));
        log.as_array().cloned().unwrap_or_default()
    }

    /// What the console has, from the beginning: `SEVERE http://… Uncaught …`.
    pub fn console(&mut self) -> &[String] {
        self.read_logs();
        &self.console
    }

    /// Every address that anything has been asked for, from the beginning.
    pub fn requests(&mut self) -> &BTreeSet<String> {
        self.read_logs();
        &self.requests
    }
}

impl Drop for Browser<'_> {
    fn drop(&mut self) {
        // If this fails the browser has ended already.
        let _ = self.driver.try_command("DELETE", &format!("/session/{}", self.id), &Value::Null);
    }
}
