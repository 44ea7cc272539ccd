//! What `fingerpost delegate`, `/delegator.json` and the page tell is what happens to requests on the
//! wire.
//!
//! For every `bind` vector whose namers can be had by discovery files, a router runs with its
//! table, and backends in place of its addresses. Compared are the exit status and the outcome of
//! `fingerpost delegate --config`, the tree of the running router's `/delegator.json`, the page, whose
//! tree is drawn as the command draws it, and where real requests land: who answers, and which name and residual it was told. Addresses that nobody
//! serves are told apart by the error. What is left out, and why, is printed.

#[path = "agreement/page.rs"]
mod page;
#[path = "agreement_wire/vectors.rs"]
mod vectors;
#[path = "agreement/verdict.rs"]
#[expect(dead_code, reason = "shared with the agreement of the pure functions")]
mod verdict;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path as Folder, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use dtab::{Activity, Addr, Explore, view::spread, wire};
use serde_json::{Value, json};
use tests::{Backend, Proc, RawClient, RawResponse, fingerpost_bin, free_port};

use crate::page::Page;
use crate::vectors::Vector;
use crate::verdict::Verdict;

/// Requests for a name that goes to several places.
const MANY: u32 = 300;
/// How far a share may be off: over four standard deviations.
const TOLERANCE: f64 = 0.13;

#[test]
fn the_command_the_delegator_and_the_wire_agree() {
    let folder = Folder::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/conformance");
    let text = fs::read_to_string(folder.join("bind.jsonl")).expect("the bind vectors");
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let (mut taken, mut left) = (Vec::new(), BTreeMap::<_, usize>::new());
    for line in &lines {
        let vector = serde_json::from_str(line).expect("a vector");
        match vectors::read(&folder, &vector) {
            Ok(vector) => taken.push(vector),
            Err(why) => *left.entry(why).or_default() += 1,
        }
    }
    let sets = fs::read_to_string(folder.join("namers.json")).expect("the namers");
    let sets: Value = serde_json::from_str(&sets).expect("the namers");
    let names: HashSet<_> = taken.iter().map(|vector| vector.set.clone()).collect();
    let mut wrong = Vec::new();
    for set in names {
        let vectors: Vec<_> = taken.iter().filter(|vector| vector.set == set).collect();
        let world = World::start(&sets[&set], &vectors);
        for vector in &vectors {
            wrong.extend(world.check(vector).err().map(|why| format!("{}: {why}", vector.id)));
        }
    }
    println!("{} of {} bind vectors on the wire; not the others:", taken.len(), lines.len());
    for (why, count) in &left {
        println!("  {count}: {why}");
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n\n"));
    assert!(taken.len() > lines.len() / 2, "too few can be tried");
}

/// A running router with a set of namers, and a table for each group of vectors.
struct World {
    config: PathBuf,
    admin: SocketAddr,
    /// Label and address by the router's configuration.
    routers: HashMap<String, (String, SocketAddr)>,
    /// The backends by the name and the address that they stand for.
    backends: HashMap<(String, SocketAddr), Backend>,
    _proc: Proc,
    _dir: tempfile::TempDir,
}

impl World {
    fn start(namers: &Value, vectors: &[&Vector]) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let mut backends = HashMap::new();
        let namers = vectors::write_files(namers, dir.path(), |key, address| {
            let backend = backends.entry((key.to_owned(), address)).or_insert_with(Backend::echo);
            backend.port()
        });
        let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let mut routers: HashMap<String, (String, SocketAddr)> = HashMap::new();
        let mut configs = Vec::new();
        for vector in vectors {
            let at = routers.len();
            routers.entry(vector.router.to_string()).or_insert_with(|| {
                let (label, port) = (format!("r{at}"), free_port());
                let mut config = vector.router.clone();
                config["label"] = json!(label);
                config["servers"] = json!([{ "port": port }]);
                configs.push(config);
                (label, loopback(port))
            });
        }
        let admin = loopback(free_port());
        let text = json!({
            "admin": { "port": admin.port() }, "namers": namers, "routers": configs,
        });
        let config = dir.path().join("linkerd.json");
        fs::write(&config, text.to_string()).expect("the configuration");
        let path = config.to_str().expect("a path");
        let mut proc = Proc::fingerpost(["run", "--log", "warn", "--workers", "1", path]);
        proc.wait_port(admin);
        World { config, admin, routers, backends, _proc: proc, _dir: dir }
    }

    fn check(&self, vector: &Vector) -> Result<(), String> {
        let (label, address) = &self.routers[&vector.router.to_string()];
        let bound = vector.case.resolve(Explore::Needed).bind();
        self.check_wire(vector, &bound, *address)?;
        self.check_delegator(vector, label)?;
        let bound = Verdict::of_binding(&bound);
        self.check_command(vector, &bound, label)?;
        self.check_page(vector, &bound, label)
    }

    /// Sends requests, and compares where they land.
    fn check_wire(
        &self,
        vector: &Vector,
        bound: &Activity<dtab::NameTree<dtab::Bound>>,
        router: SocketAddr,
    ) -> Result<(), String> {
        let mut expected = BTreeMap::<String, f64>::new();
        match bound {
            Activity::Ok(tree) => {
                for (leaf, share) in spread(tree) {
                    let place = leaf.map_or("nobody".to_owned(), |leaf| self.place(leaf));
                    *expected.entry(place).or_default() += share;
                }
            }
            _ => expected.extend([("failed".to_owned(), 1.0)]),
        }
        expected.retain(|_, share| *share > 0.0);
        let count = if expected.len() > 1 { MANY } else { 2 };
        let mut client = RawClient::connect(router).map_err(|e| format!("no connection: {e}"))?;
        let mut headers = vec![("host", "x"), ("l5d-name", vector.path.as_str())];
        headers.extend((!vector.local.is_empty()).then_some(("l5d-dtab", vector.local.as_str())));
        let mut seen = BTreeMap::<String, f64>::new();
        for _ in 0..count {
            let answer = client.request("GET", "/", &headers, b"").map_err(|e| e.to_string())?;
            *seen.entry(self.landed(&answer)).or_default() += 1.0 / f64::from(count);
        }
        let off = |place: &String| {
            let [expected, seen] = [&expected, &seen].map(|all| all.get(place).copied());
            match (expected, seen) {
                (Some(expected), seen) => (expected - seen.unwrap_or(0.0)).abs() > TOLERANCE,
                (None, _) => true,
            }
        };
        if expected.keys().chain(seen.keys()).any(off) {
            return Err(format!("requests are to go to {expected:?} and went to {seen:?}"));
        }
        Ok(())
    }

    /// Where a leaf's requests land, as [`World::landed`] tells it.
    fn place(&self, leaf: &dtab::Bound) -> String {
        let Addr::Bound(set) = &leaf.addr else { return "nobody".to_owned() };
        if set.endpoints().is_empty() {
            return "nobody".to_owned();
        }
        let id = leaf.id.to_string();
        let file = id.strip_prefix("/%/io.l5d.specificHost").unwrap_or(&id);
        let mut addresses = set.endpoints().iter().map(|address| address.socket);
        // The backends listen on 127.0.0.1 only.
        let served = vectors::is_discovered(leaf)
            && addresses.any(|address| {
                address.ip() == std::net::Ipv4Addr::LOCALHOST
                    && self.backends.contains_key(&(file.to_owned(), address))
            });
        if served { format!("{id} with {}", leaf.residual) } else { format!("{id}, refused") }
    }

    /// Where a request has landed: who answered must have the name that it was told.
    fn landed(&self, answer: &RawResponse) -> String {
        let text = answer.text();
        if answer.status == 200 {
            let seen = answer.json();
            let told = |name: &str| {
                let headers = seen["headers"].as_array().expect("headers").iter();
                let mut named = headers.filter(|pair| pair[0] == name);
                named.next().and_then(|pair| pair[1].as_str()).unwrap_or("/").to_owned()
            };
            let id = told("l5d-dst-client");
            let who = seen["backend"].as_str().expect("an address");
            let file = id.strip_prefix("/%/io.l5d.specificHost").unwrap_or(&id);
            let is_its = self
                .backends
                .iter()
                .any(|((name, _), backend)| name == file && backend.addr().to_string() == who);
            let residual = told("l5d-dst-residual");
            return if is_its { format!("{id} with {residual}") } else { format!("{id}: {who}") };
        }
        let client = text.lines().find_map(|line| line.strip_prefix("client name: "));
        match (answer.status, client) {
            (502, Some(id)) if text.starts_with("Unable to establish") => format!("{id}, refused"),
            (502, _) if text.starts_with("Unable to route request!") => "nobody".to_owned(),
            (502, _) => "failed".to_owned(),
            (status, _) => format!("{status}: {text}"),
        }
    }

    /// Compares what the running router shows with what it does.
    fn check_delegator(&self, vector: &Vector, label: &str) -> Result<(), String> {
        let base = vector.router["dtab"].as_str().expect("a dtab").trim().trim_end_matches(';');
        let dtab = if base.is_empty() || vector.local.trim().is_empty() {
            format!("{base}{}", vector.local)
        } else {
            format!("{base};{}", vector.local)
        };
        let body = json!({ "namespace": label, "dtab": dtab, "path": vector.path }).to_string();
        let host = self.admin.to_string();
        let headers = [("host", host.as_str()), ("content-type", "application/json")];
        let client = RawClient::connect(self.admin).map_err(|e| e.to_string())?;
        let answer = client
            .timeout(Duration::from_secs(10))
            .request("POST", "/delegator.json", &headers, body.as_bytes())
            .map_err(|e| e.to_string())?;
        let shown = match answer.status {
            200 => Verdict::of_delegator(&answer.json()),
            500 => Verdict::Failed,
            503 => Verdict::Pending,
            _ => return Err(format!("/delegator.json says {}: {}", answer.status, answer.text())),
        };
        let expected = match wire::delegation(&vector.case.resolve(Explore::All)) {
            Ok(tree) => Verdict::of_delegator(&tree),
            Err(wire::NoTree::Pending) => Verdict::Pending,
            Err(wire::NoTree::Failed(_)) => Verdict::Failed,
        };
        if shown != expected {
            return Err(format!("/delegator.json shows {shown:?}, not {expected:?}"));
        }
        Ok(())
    }

    /// Compares what the page shows, and its tree with the one that the command draws.
    fn check_page(&self, vector: &Vector, bound: &Verdict, label: &str) -> Result<(), String> {
        let page = Page::ask(self.admin, label, &vector.path, &vector.local)?;
        page.agrees(bound)?;
        let output = self.command(vector, label, "tree")?;
        page.draws(&String::from_utf8_lossy(&output.stdout))
    }

    /// What the command prints of the configuration.
    fn command(&self, vector: &Vector, label: &str, format: &str) -> Result<Output, String> {
        let mut command = Command::new(fingerpost_bin());
        command.args(["--color", "never", "delegate", &vector.path, "--router", label]);
        command.args(["--format", format, "--config"]).arg(&self.config);
        if !vector.local.is_empty() {
            command.args(["--local", &vector.local]);
        }
        command.output().map_err(|e| e.to_string())
    }

    /// Compares what the command tells of the configuration.
    fn check_command(&self, vector: &Vector, bound: &Verdict, label: &str) -> Result<(), String> {
        let output = self.command(vector, label, "json")?;
        let (code, state) = match bound {
            Verdict::Spread(_) => (0, "bound"),
            Verdict::Neg => (1, "neg"),
            Verdict::Fail => (1, "fail"),
            Verdict::Empty => (1, "empty"),
            Verdict::Pending => (1, "pending"),
            Verdict::Failed => (1, "failed"),
        };
        let text = String::from_utf8_lossy(&output.stdout);
        let told: Value = serde_json::from_str(&text).unwrap_or_default();
        if output.status.code() != Some(code) || told["state"] != state {
            let (status, errors) = (output.status, String::from_utf8_lossy(&output.stderr));
            return Err(format!(
                "`delegate` says {} with {status}, not {state} with {code}\n{errors}",
                told["state"]
            ));
        }
        Ok(())
    }
}
