//! The quickstart: a router's configuration, its discovery files, and three tiny backends.
//!
//! It is the configuration of `fixtures/quickstart`, with the ports and the directory of this run.
//! Whoever runs the router (the `demo` command, a test) does so with [`Demo::config`]; the backends
//! serve, and the discovery files stay, for as long as the [`Demo`] is kept.

use std::fmt::Write;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use anstyle::Style;
use router::config::{self, Config, ConfigErrors};
use tempfile::TempDir;

mod backend;

use backend::Backend;

/// The configuration, whose ports and directory are replaced by those of this run.
const CONFIG: &str = include_str!("../../fixtures/quickstart/linkerd.yaml");

/// The discovery files: the name, the text, and what its backend calls itself.
const SERVICES: [(&str, &str, &str); 3] = [
    ("web", include_str!("../../fixtures/quickstart/disco/web"), "web v1"),
    ("web-v2", include_str!("../../fixtures/quickstart/disco/web-v2"), "web v2"),
    ("users", include_str!("../../fixtures/quickstart/disco/users"), "users"),
];

/// All that the quickstart is made of but the router.
#[derive(Debug)]
pub struct Demo {
    config: Config,
    disco: TempDir,
    backends: Vec<(&'static str, Backend)>,
}

/// Why the quickstart cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Somebody listens there already.
    #[error("{who} cannot listen on {address}: the port is in use; choose another with {option}")]
    InUse {
        /// The router or the admin server.
        who: &'static str,
        /// The address that is taken.
        address: SocketAddr,
        /// The option that changes it.
        option: &'static str,
    },
    /// A socket, a directory or a file could not be had.
    #[error("{what}: {error}")]
    Io {
        /// What failed, `cannot …`.
        what: String,
        /// Why.
        error: io::Error,
    },
    /// The configuration was refused, which happens only if the temporary directory is gone.
    #[error("{0}")]
    Config(String),
}

impl Demo {
    /// Starts the backends, and writes the discovery files into a new directory.
    ///
    /// `port` and `admin_port` are those that the router and the admin server are to listen on,
    /// on 127.0.0.1; 0 is any free one, which is known once the router runs. Others are tried here,
    /// and free again when this returns.
    /// The backends run on the present tokio runtime.
    pub async fn prepare(port: u16, admin_port: u16) -> Result<Self, DemoError> {
        check_free("the router", port, "--port")?;
        check_free("the admin server", admin_port, "--admin-port")?;
        let disco = tempfile::Builder::new()
            .prefix("fingerpost-demo-")
            .tempdir()
            .map_err(io_error("cannot make a directory for the discovery files"))?;
        let mut backends = Vec::new();
        for (name, text, called) in SERVICES {
            let backend = Backend::start(called)
                .await
                .map_err(io_error(&format!("cannot start the backend {name}")))?;
            let file = disco.path().join(name);
            std::fs::write(&file, with_port(text, backend.address().port()))
                .map_err(io_error(&format!("cannot write {}", file.display())))?;
            backends.push((name, backend));
        }
        let text = configuration(port, admin_port, disco.path());
        let config = config::parse("quickstart/linkerd.yaml", &text)
            .map_err(|errors: ConfigErrors| DemoError::Config(errors.render(false)))?;
        Ok(Demo { config, disco, backends })
    }

    /// What the router is to be run with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The directory of the discovery files, one for each service.
    pub fn disco(&self) -> &Path {
        self.disco.path()
    }

    /// What listens where, and lines to paste, with ANSI escapes. `program` is how this program
    /// was called; `router` and `admin` are where it listens.
    pub fn guide(&self, program: &str, router: SocketAddr, admin: SocketAddr) -> String {
        const BOLD: Style = Style::new().bold();
        let Demo { disco, backends, .. } = self;
        let dir = disco.path().display();
        let mut text = String::new();
        let mut line = |line: std::fmt::Arguments<'_>| {
            // Writing to memory does not fail.
            let _ = writeln!(text, "{line}");
        };
        line(format_args!("{BOLD}Listening{BOLD:#}"));
        line(format_args!("  router  http://{router}   the Host header names the service"));
        line(format_args!("  admin   http://{admin}"));
        for (name, backend) in backends {
            line(format_args!("  {name:<7} http://{}", backend.address()));
        }
        line(format_args!("\nTry, in another terminal:"));
        let steps = [
            ("a service by its name", format!("curl -H 'Host: web' http://{router}/")),
            ("another", format!("curl -H 'Host: users' http://{router}/")),
            (
                "web v2 instead, for this request only",
                format!(
                    "curl -H 'Host: web' -H 'l5d-dtab: /svc/web => /#/io.l5d.fs/web-v2' http://{router}/"
                ),
            ),
            ("a name that does not exist", format!("curl -i -H 'Host: nobody' http://{router}/")),
            ("how a name resolves", format!("{program} delegate /svc/web --admin http://{admin}")),
            (
                "web v2 from now on, for everybody: change the discovery file of web",
                format!("cp {dir}/web-v2 {dir}/web"),
            ),
        ];
        for (what, command) in steps {
            line(format_args!("\n{BOLD}# {what}{BOLD:#}\n{command}"));
        }
        line(format_args!("\nCtrl-C ends it, and removes {dir}."));
        text
    }
}

fn io_error(what: &str) -> impl FnOnce(io::Error) -> DemoError {
    move |error| DemoError::Io { what: what.to_owned(), error }
}

/// Complains if somebody listens on the port already.
fn check_free(who: &'static str, port: u16, option: &'static str) -> Result<(), DemoError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            Err(DemoError::InUse { who, address, option })
        }
        Err(error) => {
            Err(DemoError::Io { what: format!("{who} cannot listen on {address}"), error })
        }
    }
}

/// The configuration with the ports and the directory of this run.
fn configuration(port: u16, admin_port: u16, disco: &Path) -> String {
    // A JSON string is a YAML string, whatever the directory is called.
    let disco = serde_json::Value::from(disco.display().to_string());
    CONFIG
        .replace("port: 4140", &format!("port: {port}"))
        .replace("port: 9990", &format!("port: {admin_port}"))
        .replace("rootDir: disco", &format!("rootDir: {disco}"))
}

/// The discovery file with another port in its one line.
fn with_port(text: &str, port: u16) -> String {
    let host = text.split_whitespace().next().unwrap_or("127.0.0.1");
    format!("{host} {port}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_configuration_is_the_quickstarts_with_the_ports_of_this_run() {
        let demo = Demo::prepare(0, 0).await.expect("free ports");
        assert_eq!(demo.config().routers.len(), 1);
        assert_eq!(demo.config().routers[0].servers[0].port, 0);
        assert_eq!(demo.config().admin.port, 0);
        let dir = demo.disco().to_owned();
        for (name, backend) in &demo.backends {
            let text = std::fs::read_to_string(dir.join(name)).expect("its discovery file");
            assert_eq!(text, format!("127.0.0.1 {}\n", backend.address().port()));
        }
        drop(demo);
        assert!(!dir.exists());
    }

    #[tokio::test]
    async fn a_port_in_use_is_told_with_the_option_that_changes_it() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = taken.local_addr().expect("it is bound").port();
        let error =
            |demo: Result<Demo, DemoError>| demo.expect_err("the port is taken").to_string();
        assert_eq!(
            error(Demo::prepare(port, 0).await),
            format!(
                "the router cannot listen on 127.0.0.1:{port}: the port is in use; choose another with --port"
            )
        );
        assert!(error(Demo::prepare(0, port).await).ends_with("with --admin-port"));
    }

    #[tokio::test]
    async fn the_guide_has_what_listens_where_and_lines_to_paste() {
        let demo = Demo::prepare(0, 0).await.expect("free ports");
        let [router, admin] =
            [4140, 9990].map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let guide = demo.guide("fingerpost", router, admin);
        let mut guide = anstream::adapter::strip_str(&guide).to_string();
        for (name, backend) in &demo.backends {
            guide = guide.replace(&backend.address().to_string(), &format!("<{name}>"));
        }
        guide = guide.replace(&demo.disco().display().to_string(), "<disco>");
        insta::assert_snapshot!(guide);
    }
}
