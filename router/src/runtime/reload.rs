//! Reading the configuration again while it runs.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::mpsc;

use super::ReadConfig;
use super::serving::Serving;
use crate::admin::{Reload, ReloadRequest};
use crate::config::{AdminConfig, Config, ServerTlsConfig};

/// Who asks for reloads, and what they come to.
pub(super) struct Reloads {
    read: Option<ReadConfig>,
    requests: mpsc::Receiver<ReloadRequest>,
    record: Reload,
}

impl Reloads {
    /// Reloads by `read`, and how the admin server asks for them.
    pub(super) fn new(read: Option<ReadConfig>) -> (Self, Reload) {
        let (sender, requests) = mpsc::channel(1);
        let record = if read.is_some() { Reload::by(sender) } else { Reload::default() };
        (Reloads { read, requests, record: record.clone() }, record)
    }

    /// Waits for the next request; none if none will come.
    pub(super) async fn requested(&mut self) -> Option<ReloadRequest> {
        self.requests.recv().await
    }

    /// Reads the configuration and puts it in force: what has changed, or why nothing has. Either is
    /// logged and recorded.
    pub(super) async fn reload(&self, serving: &mut Serving) -> Result<Value, String> {
        let outcome = self.try_to(serving).await;
        match &outcome {
            Ok(changes) => {
                tracing::info!(%changes, "the configuration was read again and is in force");
                self.record.succeeded();
            }
            Err(reason) => {
                tracing::error!("the configuration stays as it was: {reason}");
                self.record.failed(reason);
            }
        }
        outcome
    }

    async fn try_to(&self, serving: &mut Serving) -> Result<Value, String> {
        let Some(read) = self.read.clone() else {
            return Err("it came from standard input, which cannot be read again".to_owned());
        };
        let config = tokio::task::spawn_blocking(move || read())
            .await
            .map_err(|error| error.to_string())?
            .map_err(|errors| errors.render(false))?;
        fixed(&serving.built().config, &config)?;
        let changes = serving.replace(Arc::new(config)).await.map_err(|error| error.to_string())?;
        Ok(changes.to_json())
    }
}

/// Refuses changes of what is settled when the program starts.
fn fixed(old: &Config, new: &Config) -> Result<(), String> {
    let refuse = |key: &str, now: &dyn std::fmt::Display, then: &dyn std::fmt::Display| {
        Err(format!(
            "{key} is {now} and cannot become {then} while the program runs: restart it, or leave \
             {key} as it was\n"
        ))
    };
    let AdminConfig { ip, port, worker_threads, socket, tls, .. } = &old.admin;
    if *ip != new.admin.ip {
        return refuse("admin.ip", ip, &new.admin.ip);
    }
    if *port != new.admin.port {
        return refuse("admin.port", port, &new.admin.port);
    }
    if *worker_threads != new.admin.worker_threads {
        return refuse("admin.workerThreads", worker_threads, &new.admin.worker_threads);
    }
    if *socket != new.admin.socket {
        return refuse("admin.socketOptions", &"as it was at the start", &"another");
    }
    if old.admin.http_identifier_port != new.admin.http_identifier_port {
        return refuse("admin.httpIdentifierPort", &"as it was at the start", &"another");
    }
    let terms = |tls: &Option<ServerTlsConfig>| tls.as_ref().map(ServerTlsConfig::terms);
    if terms(tls) != terms(&new.admin.tls) {
        return refuse("admin.tls", &"as it was at the start", &"another");
    }
    for server in old.routers.iter().flat_map(|router| &router.servers) {
        let servers = new.routers.iter().flat_map(|router| &router.servers);
        for same in servers.filter(|other| other.port != 0 && other.address() == server.address()) {
            if same.socket.reuse_port != server.socket.reuse_port {
                let key = format!("socketOptions.reusePort of {}", server.address());
                return refuse(&key, &server.socket.reuse_port, &same.socket.reuse_port);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        let text = format!("{text}\nrouters:\n- protocol: http\n  servers: [{{port: 4140}}]\n");
        crate::config::parse("linkerd.yaml", &text).unwrap()
    }

    #[test]
    fn what_is_settled_at_the_start_is_named() {
        let old = config("admin: {port: 9990}");
        assert_eq!(fixed(&old, &config("admin: {port: 9990, shutdownGraceMs: 1}")), Ok(()));
        let refused = |text: &str| fixed(&old, &config(text)).unwrap_err();
        insta::assert_snapshot!(
            [
                refused("admin: {port: 9991}"),
                refused("admin: {ip: 127.0.0.2}"),
                refused("admin: {workerThreads: 3}"),
            ]
            .concat()
        );
        let mut other = old.clone();
        other.routers[0].servers[0].socket.reuse_port = true;
        insta::assert_snapshot!(fixed(&old, &other).unwrap_err());
    }
}
