//! The dashboard, with the figures of the moment; in a browser with scripts `dashboard.js` goes on
//! from here.

use std::cmp::Ordering;

use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use super::figures::{count, latency, plural, rate, share};
use super::html::{each, escape, href};
use super::shell::Page;
use super::source::Source;

/// What the dashboard shows, each as its endpoint answers; null where there was no answer.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// `/stats.json`
    pub(super) stats: Value,
    /// `/routers.json`
    pub(super) routers: Value,
    /// `/bound-names.json`
    pub(super) names: Value,
}

/// The page's main part.
pub(super) fn body(shown: &Shown) -> String {
    let Shown { stats, routers, names } = shown;
    let services = busiest(&stats["services"]);
    let clients = busiest(&stats["clients"]);
    let is_known = !stats.is_null();
    let missing = if is_known {
        ""
    } else {
        "<p class=\"notice\" data-status=\"warn\" id=\"missing\">The figures cannot be had now: the \
         router has not answered.</p>\n"
    };
    format!(
        "<div class=\"page-head\"><h1>Dashboard</h1><p class=\"lede\">What goes through the routers \
         now, from the busiest down.</p></div>\n{missing}<div id=\"dashboard\"{}>\n\
         <section class=\"stack\" aria-labelledby=\"routers\"><h2 id=\"routers\">Routers</h2>\n{}\
         </section>\n<section class=\"stack live-section\" aria-labelledby=\"services\">\
         <h2 id=\"services\">Services</h2>\n{}{}</section>\n\
         <section class=\"stack live-section\" aria-labelledby=\"clients\">\
         <h2 id=\"clients\">Clients</h2>\n{}\
         <p class=\"muted\" id=\"no-client\"{}>A client is what a name is bound to, with its \
         endpoints. There is one once a request has been routed.</p></section>\n</div>\n",
        hidden(!is_known),
        strips(&stats["routers"]),
        table("Services", "Service", &services, |_| None),
        first_request(routers, names, !services.is_empty()),
        table("Clients", "Client", &clients, |row| Some(endpoints(row))),
        hidden(!clients.is_empty()),
    )
}

fn hidden(is: bool) -> &'static str {
    if is { " hidden" } else { "" }
}

/// The rows from the busiest down.
fn busiest(rows: &Value) -> Vec<&Value> {
    let mut rows: Vec<_> = rows.as_array().into_iter().flatten().collect();
    let by = |row: &Value| row["rps"].as_f64().unwrap_or(0.0);
    rows.sort_by(|a, b| by(b).partial_cmp(&by(a)).unwrap_or(Ordering::Equal));
    rows
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

fn strips(routers: &Value) -> String {
    let one = |row: &Value| {
        let figures = [
            ("Requests", rate(&row["rps"]), "/s"),
            ("Success", share(&row["success"]), ""),
            ("p50", latency(&row["p50"]), ""),
            ("p99", latency(&row["p99"]), ""),
            ("Retries", rate(&row["retries_ps"]), "/s"),
            ("Pending", count(&row["pending"]), ""),
            ("Connections", count(&row["connections"]), ""),
        ];
        let figures = each(figures, |(label, value, unit)| {
            format!(
                "<div class=\"stat\"><span class=\"stat-label\">{label}</span>\
                 <span class=\"stat-value\">{}<small>{unit}</small></span></div>",
                escape(&value)
            )
        });
        let servers = each(row["servers"].as_array().into_iter().flatten(), server);
        format!(
            "<article class=\"card strip\"><div class=\"card-head\"><h3>{}</h3></div>\
             <div class=\"card-body\"><div class=\"stats\">{figures}</div>\
             <ul class=\"servers\">{servers}</ul></div></article>\n",
            text(&row["router"])
        )
    };
    let strips = each(routers.as_array().into_iter().flatten(), one);
    format!("<div class=\"strips\">{strips}</div>\n")
}

fn server(row: &Value) -> String {
    let name = row["name"].as_str().unwrap_or_default();
    let address = name.rsplit_once('/').map(|(ip, port)| format!("{ip}:{port}"));
    let connections = row["connections"].as_u64().unwrap_or_default();
    format!(
        "<li><span class=\"tag\">server</span> <span class=\"path\">{}</span> \
         <span class=\"muted\">{} requests/s, {}</span></li>",
        escape(address.as_deref().unwrap_or(name)),
        escape(&rate(&row["rps"])),
        plural(usize::try_from(connections).unwrap_or(usize::MAX), "connection", "connections"),
    )
}

/// A table of services or clients; `extra` is what stands in a client's column of endpoints.
fn table(
    caption: &str,
    first: &str,
    rows: &[&Value],
    extra: impl Fn(&Value) -> Option<String>,
) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let has_extra = extra(&Value::Null).is_some();
    let extra_head = if has_extra { "<th scope=\"col\">Endpoints</th>" } else { "" };
    let one = |row: &&Value| {
        let (router, name) = (&row["router"], &row["name"]);
        let link = href(
            "/delegator",
            &[
                ("router", router.as_str().unwrap_or_default()),
                ("path", name.as_str().unwrap_or_default()),
            ],
        );
        let extra = extra(row).map(|cell| format!("<td>{cell}</td>")).unwrap_or_default();
        let numbers = [
            rate(&row["rps"]),
            share(&row["success"]),
            latency(&row["p50"]),
            latency(&row["p95"]),
            latency(&row["p99"]),
            rate(&row["retries_ps"]),
            count(&row["pending"]),
        ];
        let numbers = each(numbers, |n| format!("<td class=\"num\">{}</td>", escape(&n)));
        format!(
            "<tr><th scope=\"row\"><a class=\"path\" href=\"{link}\">{}</a></th><td>{}</td>{extra}{numbers}</tr>\n",
            text(name),
            text(router)
        )
    };
    let rows = each(rows, one);
    format!(
        "<div class=\"table-scroll framed\" tabindex=\"0\" role=\"region\" aria-label=\"Table of {}\">\
         <table class=\"data live\"><caption class=\"visually-hidden\">{caption}</caption><thead><tr>\
         <th scope=\"col\">{first}</th><th scope=\"col\">Router</th>{extra_head}\
         <th scope=\"col\" class=\"num\" aria-sort=\"descending\">Requests/s</th>\
         <th scope=\"col\" class=\"num\">Success</th><th scope=\"col\" class=\"num\">p50</th>\
         <th scope=\"col\" class=\"num\">p95</th><th scope=\"col\" class=\"num\">p99</th>\
         <th scope=\"col\" class=\"num\">Retries/s</th><th scope=\"col\" class=\"num\">Pending</th>\
         </tr></thead><tbody>\n{rows}</tbody></table></div>\n",
        caption.to_lowercase()
    )
}

/// Each endpoint of a client with its state.
fn endpoints(client: &Value) -> String {
    let all: Vec<_> = client["endpoints"].as_array().into_iter().flatten().collect();
    if all.is_empty() {
        let (status, word) =
            if client["state"].is_null() { ("idle", "not in use") } else { ("bad", "no address") };
        return format!("<span class=\"chip\" data-status=\"{status}\">{word}</span>");
    }
    let healthy = all.iter().filter(|endpoint| endpoint["state"] == "open").count();
    let status = match healthy {
        n if n == all.len() => "ok",
        0 => "bad",
        _ => "warn",
    };
    let one = |endpoint: &&Value| {
        let (status, word) = match endpoint["state"].as_str().unwrap_or_default() {
            "open" => ("ok", "healthy"),
            "dead" => ("bad", "dead"),
            "probing" => ("warn", "probing"),
            "failed_fast" => ("bad", "no connection"),
            _ => ("idle", "unknown"),
        };
        format!(
            "<li><span class=\"path\">{}</span> <span class=\"chip\" data-status=\"{status}\">{word}</span> \
             <span class=\"muted\">load {}, {}</span></li>",
            text(&endpoint["address"]),
            count(&endpoint["load"]),
            plural(
                usize::try_from(endpoint["failures"].as_u64().unwrap_or_default())
                    .unwrap_or(usize::MAX),
                "failure in a row",
                "failures in a row"
            ),
        )
    };
    let list = each(&all, one);
    format!(
        "<details><summary><span class=\"chip\" data-status=\"{status}\">{healthy} of {} healthy</span>\
         </summary><ul class=\"servers\">{list}</ul></details>",
        all.len()
    )
}

/// How to send a first request: by the first router's own address and way of naming requests.
fn first_request(routers: &Value, names: &Value, is_hidden: bool) -> String {
    let command = routers
        .as_array()
        .and_then(|routers| routers.iter().find_map(|router| command(router, names)));
    let told = match command {
        None => "<p>No router of this program listens.</p>".to_owned(),
        Some(command) => format!(
            "<p>Send one through the router; it is here within a second:</p>\
             <p class=\"row-wrap\"><code>{0}</code> \
             <button type=\"button\" hidden data-copy=\"{0}\">Copy</button></p>",
            escape(&command)
        ),
    };
    format!(
        "<div class=\"empty\" id=\"first-request\"{}><h3>No requests yet</h3>{told}</div>\n",
        hidden(is_hidden)
    )
}

/// The `curl` that this router understands.
fn command(router: &Value, names: &Value) -> Option<String> {
    let server = router["servers"].as_array()?.first()?;
    let address = server["address"].as_str()?;
    let address = match address.rsplit_once(':') {
        Some(("0.0.0.0", port)) => format!("127.0.0.1:{port}"),
        Some(("[::]", port)) => format!("[::1]:{port}"),
        _ => address.to_owned(),
    };
    let (curl, scheme) =
        if server["tls"] == true { ("curl -k", "https") } else { ("curl", "http") };
    let known = names.as_array().into_iter().flatten().filter_map(Value::as_str);
    let name = known.filter_map(|name| name.rsplit('/').next()).find(|name| is_plain(name));
    let name = name.unwrap_or("web");
    let identifier = router["identifiers"].as_array().and_then(|all| all.first());
    let identifier = identifier.unwrap_or(&Value::Null);
    let header = identifier["header"].as_str().filter(|header| is_plain(header));
    let (headers, path) = match identifier["kind"].as_str().unwrap_or_default() {
        "io.l5d.path" => (String::new(), format!("/{name}")),
        "io.l5d.static" => (String::new(), "/".to_owned()),
        "io.l5d.header" => {
            (format!("-H '{}: /{name}' ", header.unwrap_or("l5d-name")), "/".to_owned())
        }
        "io.l5d.header.token" => {
            (format!("-H '{}: {name}' ", header.unwrap_or("Host")), "/".to_owned())
        }
        _ => (format!("-H 'Host: {name}' "), "/".to_owned()),
    };
    Some(format!("{curl} {headers}{scheme}://{address}{path}"))
}

/// Whether a name means nothing to a shell.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// `/`
pub(super) async fn page(State(source): State<Source>) -> Response {
    let shown = Shown {
        stats: source.get("/stats.json", &[]).await.1,
        routers: source.get("/routers.json", &[]).await.1,
        names: source.get("/bound-names.json", &[]).await.1,
    };
    let page = Page {
        path: "/",
        title: "Dashboard",
        script: "dashboard",
        styles: &["dashboard"],
        wide: true,
    };
    page.with(&body(&shown))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn router(identifier: &Value, address: &str) -> Value {
        json!({
            "label": "http",
            "identifiers": [identifier],
            "servers": [{ "address": address, "tls": false }],
        })
    }

    #[test]
    fn the_first_request_goes_by_the_routers_identifier() {
        let names = json!(["/#/io.l5d.fs/it's", "/#/io.l5d.fs/users"]);
        let commands = [
            json!({ "kind": "io.l5d.header.token", "header": "Host" }),
            json!({ "kind": "io.l5d.header", "header": "l5d-name" }),
            json!({ "kind": "io.l5d.methodAndHost", "httpUriInDst": false }),
            json!({ "kind": "io.l5d.path", "segments": 1, "consume": false }),
            json!({ "kind": "io.l5d.static", "path": "/web" }),
        ]
        .map(|identifier| command(&router(&identifier, "0.0.0.0:4140"), &names).unwrap());
        assert_eq!(
            commands,
            [
                "curl -H 'Host: users' http://127.0.0.1:4140/",
                "curl -H 'l5d-name: /users' http://127.0.0.1:4140/",
                "curl -H 'Host: users' http://127.0.0.1:4140/",
                "curl http://127.0.0.1:4140/users",
                "curl http://127.0.0.1:4140/",
            ]
        );
    }

    #[test]
    fn figures_are_readable_without_scripts_and_texts_stay_texts() {
        let row = |name: &str, rps: f64| {
            json!({
                "router": "http", "name": name, "rps": rps, "success": 0.995, "failures_ps": 0.1,
                "retries_ps": 0, "p50": 1.5, "p95": 12, "p99": 1250, "pending": 1, "connections": 3,
            })
        };
        let mut client = row("/#/io.l5d.fs/web", 20.0);
        client["endpoints"] = json!([
            { "address": "127.0.0.1:1", "state": "open", "load": 1, "failures": 0 },
            { "address": "127.0.0.1:2", "state": "dead", "load": 0, "failures": 5 },
        ]);
        let mut of_router = row("", 20.5);
        of_router["servers"] = json!([{ "name": "127.0.0.1/4140", "rps": 20.5, "connections": 1 }]);
        let stats = json!({
            "routers": [of_router],
            "services": [row("/svc/<script>", 0.5), row("/svc/web", 20.0)],
            "clients": [client],
        });
        let routers = json!([router(
            &json!({ "kind": "io.l5d.header.token", "header": "Host" }),
            "127.0.0.1:4140"
        )]);
        insta::assert_snapshot!(body(&Shown { stats, routers, names: json!([""]) }));
    }

    #[test]
    fn an_idle_router_says_how_to_send_a_request_and_a_silent_one_that_it_is() {
        let stats = json!({ "routers": [], "services": [], "clients": [] });
        let routers = json!([router(
            &json!({ "kind": "io.l5d.header.token", "header": "Host" }),
            "127.0.0.1:4140"
        )]);
        let idle = body(&Shown { stats, routers, names: json!([""]) });
        assert!(
            idle.contains("<code>curl -H &#39;Host: web&#39; http://127.0.0.1:4140/</code>"),
            "{idle}"
        );
        assert!(body(&Shown::default()).contains("has not answered"));
    }
}
