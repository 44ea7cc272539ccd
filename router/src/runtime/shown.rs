//! What the admin server shows of what is running: `/routers.json`, `/admin/registry.json`.

mod written;

use std::net::SocketAddr;

use serde_json::{Map, Value, json};

use crate::config::kinds::IdentifierConfig;
use crate::config::{RouterConfig, ServerConfig, Trust};

/// One router as it was configured, defaults included. `addresses` has one for each of its servers.
pub(crate) fn router(config: &RouterConfig, addresses: &[SocketAddr]) -> Value {
    let servers = config.servers.iter().zip(addresses);
    json!({
        "label": config.label,
        "protocol": config.protocol.as_str(),
        "dstPrefix": config.dst_prefix.to_string(),
        "identifiers": config.identifiers.iter().map(identifier).collect::<Value>(),
        "interpreter": { "kind": "default" },
        "dtab": config.dtab.to_string(),
        "written": written::written(&config.dtab),
        "servers": servers.map(|(config, address)| server(config, *address)).collect::<Value>(),
    })
}

fn server(config: &ServerConfig, address: SocketAddr) -> Value {
    let mut shown = json!({
        "address": address.to_string(),
        "tls": config.tls.is_some(),
        "overrides": match trust(config) {
            Trust::Off => "off",
            Trust::Trusted => "trusted",
            Trust::Scoped => "scoped",
        },
        "clearContext": config.clear_context,
        "maxCallDepth": config.max_call_depth,
    });
    if let Some(limit) = config.max_concurrent_requests {
        shown["maxConcurrentRequests"] = json!(limit);
    }
    shown
}

fn trust(config: &ServerConfig) -> Trust {
    let by_address = if config.ip.is_loopback() { Trust::Trusted } else { Trust::Scoped };
    config.overrides.trust.unwrap_or(by_address)
}

fn identifier(config: &IdentifierConfig) -> Value {
    match config {
        IdentifierConfig::Header(config) => {
            json!({ "kind": "io.l5d.header", "header": config.header })
        }
        IdentifierConfig::HeaderToken(config) => {
            json!({ "kind": "io.l5d.header.token", "header": config.header })
        }
        IdentifierConfig::MethodAndHost(config) => {
            json!({ "kind": "io.l5d.methodAndHost", "httpUriInDst": config.http_uri_in_dst })
        }
        IdentifierConfig::Path(config) => json!({
            "kind": "io.l5d.path",
            "segments": config.segments,
            "consume": config.consume,
        }),
        IdentifierConfig::HeaderPath(config) => {
            let mut shown = json!({ "kind": "io.l5d.header.path", "header": config.header });
            if let Some(segments) = config.segments {
                shown["segments"] = json!(segments);
            }
            shown
        }
        IdentifierConfig::Static(config) => {
            json!({ "kind": "io.l5d.static", "path": config.path.to_string() })
        }
    }
}

/// `/admin/registry.json`, in the shape of Twitter's: servers and clients by protocol, name and
/// address, with what is configured of each. The stack of a Finagle server has no counterpart.
pub(super) fn registry(routers: &[Value], clients: &Value) -> Value {
    let mut servers: Map<String, Value> = Map::new();
    for router in routers {
        let protocol = router["protocol"].as_str().unwrap_or_default();
        for server in router["servers"].as_array().into_iter().flatten() {
            let address = server["address"].as_str().unwrap_or_default();
            let name = address.rsplit_once(':').map(|(ip, port)| format!("{ip}/{port}"));
            let mut shown = server.clone();
            shown["router"] = router["label"].clone();
            let by_protocol = servers.entry(protocol).or_insert_with(|| json!({}));
            by_protocol[name.unwrap_or_default()] = json!({ format!("/{address}"): shown });
        }
    }
    json!({ "registry": { "server": servers, "client": { "http": clients } } })
}
