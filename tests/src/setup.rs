//! A router with its configuration and discovery directory, as a test wants them.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::{Backend, Proc, RawClient, RawResponse, free_port};

/// What a [`Router`] is started with. Every piece of configuration is given as it stands in
/// `linkerd.yaml`.
#[derive(Debug)]
pub struct Setup {
    dir: TempDir,
    dtab: String,
    router_keys: Vec<String>,
    server_keys: Vec<String>,
    admin_keys: Vec<String>,
    namers: Vec<String>,
    telemeters: Vec<String>,
    port: u16,
    protocol: String,
}

/// One router, running: its server, its admin server and its `io.l5d.fs` directory.
#[derive(Debug)]
pub struct Router {
    /// The process.
    pub proc: Proc,
    /// Where it serves.
    pub addr: SocketAddr,
    /// Its admin server.
    pub admin: SocketAddr,
    dir: TempDir,
    config: PathBuf,
}

impl Setup {
    /// An `http` router with this dtab and an empty discovery directory.
    pub fn new(dtab: &str) -> Self {
        let dir = tempfile::tempdir().expect("temporary directory");
        fs::create_dir(dir.path().join("disco")).expect("discovery directory");
        Setup {
            dir,
            dtab: dtab.to_owned(),
            router_keys: Vec::new(),
            server_keys: Vec::new(),
            admin_keys: Vec::new(),
            namers: Vec::new(),
            telemeters: Vec::new(),
            port: free_port(),
            protocol: "http".to_owned(),
        }
    }

    /// A router of this protocol, which is its label, too.
    pub fn protocol(mut self, protocol: &str) -> Self {
        protocol.clone_into(&mut self.protocol);
        self
    }

    /// The same of a router that speaks HTTP/2, whose label is `h2`.
    pub fn h2(dtab: &str) -> Self {
        Self::new(dtab).protocol("h2")
    }

    /// A router by which `Host: NAME` goes to the file `NAME` of the discovery directory.
    pub fn by_host() -> Self {
        Self::new("/svc => /#/io.l5d.fs")
    }

    /// A file of the discovery directory.
    pub fn file(self, name: &str, content: &str) -> Self {
        fs::write(self.dir.path().join("disco").join(name), content).expect("discovery file");
        self
    }

    /// A service of the discovery directory with these backends.
    pub fn service(self, name: &str, backends: &[&Backend]) -> Self {
        let lines: String = backends.iter().map(|backend| backend.fs_line()).collect();
        self.file(name, &lines)
    }

    /// More entries of the dtab, behind those that it has.
    pub fn dtab(mut self, more: &str) -> Self {
        self.dtab.push_str(more);
        self
    }

    /// A key of the router, on one line: `bindingTimeoutMs: 100`.
    pub fn router(mut self, key: &str) -> Self {
        self.router_keys.push(key.to_owned());
        self
    }

    /// A key of the server.
    pub fn server(mut self, key: &str) -> Self {
        self.server_keys.push(key.to_owned());
        self
    }

    /// A key of `admin`.
    pub fn admin(mut self, key: &str) -> Self {
        self.admin_keys.push(key.to_owned());
        self
    }

    /// A namer beside `io.l5d.fs`, as a flow mapping: `{kind: io.l5d.rewrite, ...}`.
    pub fn namer(mut self, namer: &str) -> Self {
        self.namers.push(namer.to_owned());
        self
    }

    /// A telemeter, as a flow mapping: `{kind: io.l5d.influxdb}`.
    pub fn telemeter(mut self, telemeter: &str) -> Self {
        self.telemeters.push(telemeter.to_owned());
        self
    }

    /// The port that the router will serve on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Writes the configuration and starts; it serves when this returns.
    pub fn start(self) -> Router {
        self.start_with(&[])
    }

    /// [`Self::start`] with further arguments of `fingerpost run`.
    pub fn start_with(self, args: &[&str]) -> Router {
        let admin = free_port();
        let config = self.dir.path().join("linkerd.yaml");
        fs::write(&config, self.config(admin)).expect("configuration");
        let mut all = vec!["run".to_owned()];
        all.extend(args.iter().map(|&arg| arg.to_owned()));
        all.push(config.display().to_string());
        let mut proc = Proc::fingerpost(all);
        proc.wait_for("serve", |proc| proc.stderr().contains("serving admin"));
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Router { proc, addr: at(self.port), admin: at(admin), dir: self.dir, config }
    }

    fn config(&self, admin: u16) -> String {
        let lines = |keys: &[String], indent: &str| {
            keys.iter().fold(String::new(), |lines, key| lines + indent + key + "\n")
        };
        let protocol = &self.protocol;
        let telemetry = if self.telemeters.is_empty() { "" } else { "telemetry:\n" };
        format!(
            "admin:\n  ip: 127.0.0.1\n  port: {admin}\n{}\
             {telemetry}{}namers:\n- kind: io.l5d.fs\n  rootDir: {}\n{}\
             routers:\n- protocol: {protocol}\n  label: {protocol}\n  dtab: {}\n{}\
             \x20 servers:\n  - port: {}\n    ip: 127.0.0.1\n{}",
            lines(&self.admin_keys, "  "),
            lines(&self.telemeters, "- "),
            self.dir.path().join("disco").display(),
            lines(&self.namers, "- "),
            serde_json::Value::from(self.dtab.as_str()),
            lines(&self.router_keys, "  "),
            self.port,
            lines(&self.server_keys, "    "),
        )
    }
}

impl Router {
    /// A connection to its server.
    pub fn connect(&self) -> RawClient {
        RawClient::connect(self.addr).expect("connect to the router")
    }

    /// `GET /` with this `Host`, on a connection of its own.
    pub fn get(&self, host: &str) -> RawResponse {
        self.get_with(host, &[])
    }

    /// [`Self::get`] with further headers.
    pub fn get_with(&self, host: &str, headers: &[(&str, &str)]) -> RawResponse {
        let headers: Vec<_> = [("host", host)].into_iter().chain(headers.iter().copied()).collect();
        RawClient::get(self.addr, "/", &headers).expect("response of the router")
    }

    /// A metric of `/admin/metrics.json`; 0 if there is none of that name.
    pub fn metric(&self, name: &str) -> f64 {
        let metrics = RawClient::get(self.admin, "/admin/metrics.json", &[("host", "localhost")]);
        metrics.expect("metrics").json()[name].as_f64().unwrap_or(0.0)
    }

    /// Replaces a piece of the configuration file, which takes effect with [`Self::reload`].
    pub fn reconfigure(&self, old: &str, new: &str) {
        let text = fs::read_to_string(&self.config).expect("configuration");
        assert!(text.contains(old), "{old:?} is not in the configuration:\n{text}");
        fs::write(&self.config, text.replace(old, new)).expect("configuration");
    }

    /// Starts another process with the same configuration; it serves when this returns.
    pub fn start_successor(&self) -> Proc {
        let mut proc = Proc::fingerpost(["run".as_ref(), self.config.as_os_str()]);
        proc.wait_for("serve", |proc| proc.stderr().contains("serving admin"));
        proc
    }

    /// Asks for the configuration to be read again.
    pub fn reload(&self) -> RawResponse {
        let mut admin = RawClient::connect(self.admin).expect("connect to the admin server");
        let answer = admin.request("POST", "/admin/reload", &[("host", "localhost")], b"");
        answer.expect("answer to a reload")
    }

    /// A page of the admin server.
    pub fn admin_page(&self, target: &str) -> RawResponse {
        let page = RawClient::get(self.admin, target, &[("host", "localhost")]);
        page.expect("a page of the admin server")
    }

    /// The path of a file of the discovery directory.
    pub fn disco(&self, name: &str) -> PathBuf {
        self.dir.path().join("disco").join(name)
    }

    /// Writes a file of the discovery directory in place.
    pub fn write(&self, name: &str, content: &str) {
        fs::write(self.disco(name), content).expect("discovery file");
    }
}
