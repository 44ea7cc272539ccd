//! All TLS that a configuration asks for.

use std::sync::Arc;

use super::client::ClientsTls;
use super::reload::FromFiles;
use super::server::{self, HTTP_1, HTTP_2, ServerTls};
use crate::config::{AdminConfig, Config, Protocol, ServerTlsConfig};

/// The TLS of every router, from files that were all good.
pub(crate) struct Setup {
    /// In the order of the configuration.
    pub(crate) routers: Vec<RouterSetup>,
}

/// The TLS of one router.
pub(crate) struct RouterSetup {
    /// One for each server.
    pub(crate) servers: Vec<Option<Arc<ServerTls>>>,
    pub(crate) clients: ClientsTls,
}

impl Setup {
    /// Reads the files. Every fault has its place in the configuration. Blocks.
    pub(crate) fn load(config: &Config) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let mut routers = Vec::new();
        for router in &config.routers {
            let mut servers = Vec::new();
            // A server of HTTP/1.1 translates for callers who would rather speak HTTP/2.
            let protocols: &[&[u8]] = match router.protocol {
                Protocol::Http => &[HTTP_2, HTTP_1],
                Protocol::H2 => &[HTTP_2],
            };
            for server in &router.servers {
                let subject = format!("server {} of {}", server.address(), router.label);
                servers.push(match load_server(server.tls.as_ref(), protocols, subject) {
                    Ok(tls) => tls,
                    Err(fault) => {
                        faults.push(fault);
                        None
                    }
                });
            }
            let clients = ClientsTls::load(&router.label, &router.client, &mut faults);
            routers.push(RouterSetup { servers, clients });
        }
        if faults.is_empty() { Ok(Setup { routers }) } else { Err(faults) }
    }

    /// What follows its files.
    pub(crate) fn followers(&self) -> Vec<Arc<dyn FromFiles>> {
        let mut all = Vec::new();
        for router in &self.routers {
            let servers = router.servers.iter().flatten();
            all.extend(servers.map(|server| server.clone() as Arc<dyn FromFiles>));
            all.extend(router.clients.followers());
        }
        all
    }
}

/// The TLS of the admin server, if it has any.
pub(crate) fn load_admin(config: &AdminConfig) -> Result<Option<Arc<ServerTls>>, String> {
    load_server(config.tls.as_ref(), &[HTTP_1], "the admin server".to_owned())
}

fn load_server(
    config: Option<&ServerTlsConfig>,
    protocols: &[&[u8]],
    subject: String,
) -> Result<Option<Arc<ServerTls>>, String> {
    let load = |config: &ServerTlsConfig| {
        server::load(config, protocols, subject)
            .map_err(|fault| format!("{}: {fault}", config.place))
    };
    config.map(load).transpose()
}

/// Reads every file that TLS needs, and tells what is wrong with them: what a configuration that is
/// valid by itself still needs to be run. Nothing is kept, and no network is touched.
pub fn check(config: &Config) -> Result<(), Vec<String>> {
    let mut faults = Setup::load(config).err().unwrap_or_default();
    faults.extend(load_admin(&config.admin).err());
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}
