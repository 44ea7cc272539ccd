//! The way from a caller to the echo, and what holds for all bytes that are sent along it.

use std::cell::Cell;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use tempfile::TempDir;
use tests::wire::{self, Reading};
use tests::{Proc, RawClient, Router, Seen, Setup, StrictEcho, free_port, installed};

/// What stands between the proxy and the echo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    /// Nothing.
    Strict,
    /// nginx.
    Nginx,
    /// HAProxy.
    Haproxy,
}

impl Via {
    pub(crate) const ALL: [Via; 3] = [Via::Strict, Via::Nginx, Via::Haproxy];
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Via::Strict => "strict",
            Via::Nginx => "nginx",
            Via::Haproxy => "haproxy",
        })
    }
}

/// How the first request of a vector was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// By the echo.
    Served,
    /// By somebody before it: the status, or 0 if the connection just ended.
    Refused(u16),
    /// By nobody: it was sent on as far as it came, and is not whole.
    Open,
}

/// A proxy with the service `web` behind it.
pub(crate) struct Path {
    pub(crate) via: Via,
    router: Router,
    echo: StrictEcho,
    /// Whether what was sent last may still be on its way, cut short.
    cut: Cell<bool>,
    _server: Option<(Proc, TempDir)>,
}

/// A request that ends its connection, put behind those that might swallow or shift it.
pub(crate) const FOLLOW_UP: &str =
    "GET /follow-up HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n";

impl Path {
    /// Starts all of it. `Err` says which server is not installed.
    pub(crate) fn open(via: Via) -> Result<Self, String> {
        let echo = StrictEcho::start();
        let (addr, server) = match via {
            Via::Strict => (echo.addr(), None),
            Via::Nginx => nginx(echo.addr())?,
            Via::Haproxy => haproxy(echo.addr())?,
        };
        let line = format!("{} {}\n", addr.ip(), addr.port());
        let router = Setup::by_host().file("web", &line).start();
        echo.take();
        Ok(Path { via, router, echo, cut: Cell::new(false), _server: server })
    }

    /// Sends `bytes` and checks that nobody was misled by them.
    ///
    /// The requests that are in them are answered in their order, each by the echo with what it
    /// read, or by an error. What is no request is answered by an error, and the connection is
    /// closed. The echo gets the requests that it answered and no other, in canonical form. A
    /// request of another caller behind that gets its own answer.
    pub(crate) fn send(&self, bytes: &[u8]) -> Result<(Verdict, Vec<wire::Message>), String> {
        let (expected, rest) = wire::read_all(bytes, false);
        let may_be_cut = self.cut.replace(rest.is_some()) || rest.is_some();
        let mut client = self.router.connect();
        // A refusal may come, and the connection end, while we are still sending.
        let _ = client.send(bytes);
        let mut verdicts = Vec::new();
        let mut ended = false;
        for message in &expected {
            let verdict = answer(&mut client, &message.method)?;
            if let Answer::Served(text) = &verdict
                && message.method != "HEAD"
                && *text != StrictEcho::answer(message)
            {
                return Err(format!("{message:?} is answered by {text:?}"));
            }
            verdicts.push(match verdict {
                Answer::Served(_) => Verdict::Served,
                Answer::Refused(status) => Verdict::Refused(status),
                Answer::Ended => Verdict::Refused(0),
            });
            ended = verdicts.last() == Some(&Verdict::Refused(0));
            if ended {
                break;
            }
        }
        if let (Some(Reading::Malformed(why)), false) = (&rest, ended) {
            match answer(&mut client, "GET")? {
                Answer::Served(text) => return Err(format!("{why}, and is served: {text}")),
                Answer::Refused(status) => {
                    verdicts.push(Verdict::Refused(status));
                    client.expect_close().map_err(|e| format!("{why}, and goes on: {e}"))?;
                }
                Answer::Ended => verdicts.push(Verdict::Refused(0)),
            }
        } else if rest == Some(Reading::Partial) && !ended {
            let _ = client.finish();
            match answer(&mut client, "GET")? {
                Answer::Served(text) => return Err(format!("not whole, and is served: {text}")),
                // The head was taken and sent on, and the body has broken off.
                Answer::Refused(502) | Answer::Ended => verdicts.push(Verdict::Open),
                Answer::Refused(status) => verdicts.push(Verdict::Refused(status)),
            }
        } else if rest.is_none() && !ended {
            client.expect_close().map_err(|e| format!("not closed behind the last one: {e}"))?;
        }
        drop(client);

        let text = self.router.get_with("web", &[("connection", "close")]).text();
        let came = self.echo.take();
        if text != "GET / 0" {
            return Err(format!("another caller's GET / is answered by {text:?}"));
        }
        let mut seen = Vec::new();
        for what in came {
            match what {
                Seen::Request(message) => seen.push(message),
                Seen::Cut(_) if may_be_cut => {}
                Seen::Cut(bytes) => return Err(format!("cut short: {:?}", escaped(&bytes))),
                Seen::Malformed(why, bytes) => {
                    return Err(format!("the echo got {why}: {:?}", escaped(&bytes)));
                }
            }
        }
        let last = seen.pop().ok_or("the other caller's request is missing")?;
        let served = expected.iter().zip(&verdicts).filter(|(_, v)| **v == Verdict::Served);
        let served: Vec<_> = served.map(|(message, _)| message.framing()).collect();
        if last.target != "/" || seen.iter().map(|m| m.framing()).ne(served.iter().copied()) {
            return Err(format!("answered are {served:?}, but the echo got {seen:?}, {last:?}"));
        }
        Ok((verdicts.first().copied().unwrap_or(Verdict::Open), seen))
    }
}

enum Answer {
    Served(String),
    Refused(u16),
    Ended,
}

fn answer(client: &mut RawClient, method: &str) -> Result<Answer, String> {
    loop {
        return match client.response_to(method) {
            Ok(response) if response.status == 100 => continue,
            Ok(response) if response.status == 200 => Ok(Answer::Served(response.text())),
            Ok(response) if response.status >= 400 => Ok(Answer::Refused(response.status)),
            Ok(response) => Err(format!("answered by {}", response.head)),
            Err(error) if error.kind() == ErrorKind::TimedOut => Err(format!("hangs: {error}")),
            Err(error) if error.kind() == ErrorKind::InvalidData => Err(error.to_string()),
            Err(_) => Ok(Answer::Ended),
        };
    }
}

/// Bytes for a message, not too many of them.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    bytes[..bytes.len().min(400)].escape_ascii().to_string()
}

type Server = (SocketAddr, Option<(Proc, TempDir)>);

fn nginx(echo: SocketAddr) -> Result<Server, String> {
    let program = installed("nginx", "nginx-light")?;
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("nginx.conf");
    let at = dir.path().display();
    let config = format!(
        "daemon off;
master_process off;
pid {at}/nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {at}/body;
  proxy_temp_path {at}/proxy;
  fastcgi_temp_path {at}/fastcgi;
  uwsgi_temp_path {at}/uwsgi;
  scgi_temp_path {at}/scgi;
  server {{
    listen {addr};
    location / {{
      proxy_pass http://{echo};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
    }}
  }}
}}
"
    );
    fs::write(&file, config).unwrap();
    let mut command = Command::new(program);
    command.args(["-e", "stderr", "-p"]).arg(dir.path()).arg("-c").arg(&file);
    let mut proc = Proc::spawn(&mut command);
    proc.wait_port(addr);
    Ok((addr, Some((proc, dir))))
}

fn haproxy(echo: SocketAddr) -> Result<Server, String> {
    let program = installed("haproxy", "haproxy")?;
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("haproxy.cfg");
    let config = format!(
        "defaults
  mode http
  timeout connect 5s
  timeout client 1m
  timeout server 1m
frontend front
  bind {addr}
  default_backend web
backend web
  server web {echo}
"
    );
    fs::write(&file, config).unwrap();
    let mut proc = Proc::spawn(Command::new(program).arg("-db").arg("-f").arg(&file));
    proc.wait_port(addr);
    Ok((addr, Some((proc, dir))))
}
