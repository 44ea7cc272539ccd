//! What no single section can see: two parts that cannot be used together.

use std::collections::HashMap;
use std::net::SocketAddr;

use dtab::Place;

use super::admin::AdminConfig;
use super::error::Code;
use super::reader::Context;
use super::router::RouterConfig;

pub(super) fn check(
    cx: &Context,
    routers: &[RouterConfig],
    admin: &AdminConfig,
    admin_place: Option<&Place>,
) {
    labels(cx, routers);
    addresses(cx, routers, admin, admin_place);
}

fn labels(cx: &Context, routers: &[RouterConfig]) {
    let mut seen: HashMap<&str, &Place> = HashMap::new();
    for router in routers {
        let Some(first) = seen.get(router.label.as_str()) else {
            seen.insert(&router.label, &router.place);
            continue;
        };
        let message =
            format!("Multiple routers with the label {}", super::error::clip(&router.label));
        cx.error(Code::Conflict, range(&router.place), &format!("{}.label", router.key), message)
            .related(range(first), "the first is here")
            .help("give each router its own `label`; without one it is the protocol");
    }
}

/// Two servers with one ip and port conflict, and so do two with port 0 on one ip; an address and
/// `0.0.0.0` do not. All that is Linkerd's rule; the admin server is ours, since it could not be
/// bound either.
fn addresses(
    cx: &Context,
    routers: &[RouterConfig],
    admin: &AdminConfig,
    admin_place: Option<&Place>,
) {
    let mut seen: HashMap<SocketAddr, (Option<&Place>, &str)> = HashMap::new();
    if admin.port != 0 {
        seen.insert(SocketAddr::new(admin.ip, admin.port), (admin_place, "the admin server"));
    }
    if let Some(port) = admin.http_identifier_port.filter(|port| *port != 0) {
        let what = (admin_place, "the identifier port of the admin server");
        seen.entry(SocketAddr::new(admin.ip, port)).or_insert(what);
    }
    for router in routers {
        for server in &router.servers {
            let Some((first, what)) = seen.get(&server.address()) else {
                seen.insert(server.address(), (Some(&server.place), "another server"));
                continue;
            };
            let (port, ip) = (server.port, server.ip);
            let message = format!("Server conflict on port {port}");
            let reported = cx.error(
                Code::Conflict,
                range(&server.place),
                &format!("{}.port", server.key),
                message,
            );
            let reported =
                reported.help(format!("{what} has {ip} and this port; each needs its own"));
            if let Some(first) = first {
                reported.related(range(first), format!("{what} is here"));
            }
        }
    }
}

fn range(place: &Place) -> std::ops::Range<usize> {
    place.span.start as usize..place.span.end as usize
}
