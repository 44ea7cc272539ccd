//! `http_filters`: what each filter makes of a request and of the response to it.

use std::path::Path as Folder;

use http::{HeaderMap, HeaderValue, StatusCode};
use router::http::errors::{self, ErrorLimits};
use router::http::forwarded::{self, Label, Labeler};
use router::http::{framing, hop_by_hop, proxy_uri, rewrite_host, via};
use serde_json::{Value, json};

use crate::vectors::{error, pairs, text, to_list, to_map, to_version};

pub(crate) fn answer(_: &Folder, vector: &Value) -> Value {
    let mut uri = text(&vector["uri"]);
    let mut request = to_map(&vector["request_headers"]);
    let mut response = to_map(&vector["response_headers"]);
    let version = to_version(&vector["request_version"]);
    match text(&vector["filter"]) {
        "via" => {
            via::append(&mut request, version);
            via::ensure_host(&mut request, version);
            via::append(&mut response, to_version(&vector["response_version"]));
        }
        "hop_by_hop" => {
            hop_by_hop::strip(&mut request);
            hop_by_hop::strip(&mut response);
        }
        "proxy_uri" => match proxy_uri::direct(uri) {
            Ok(None) => {}
            Ok(Some(direct)) => {
                let host = HeaderValue::from_bytes(direct.host.as_bytes()).expect("a host");
                request.insert("host", host);
                uri = direct.target;
            }
            Err(failure) => return error(failure),
        },
        "forwarded" => {
            let [by, for_] = labels(vector);
            forwarded::add(&mut request, uri, None, &by, &for_);
        }
        "rewrite_host" => {
            let authority =
                HeaderValue::from_bytes(text(&vector["authority"]).as_bytes()).expect("a host");
            if let Some(original) = rewrite_host::rewrite_request(&mut request, &authority) {
                rewrite_host::rewrite_response(&mut response, &authority, &original);
            }
        }
        "framing_request" => {
            if let Err(failure) = framing::settle_length(&mut request) {
                let (status, limits) = (StatusCode::BAD_REQUEST, ErrorLimits::default());
                let refusal = errors::respond(status, &failure.to_string(), limits);
                return json!({
                    "service_request": null,
                    "response": {
                        "status": refusal.status().as_u16(),
                        "headers": to_list(refusal.headers()),
                        "body": String::from_utf8_lossy(refusal.body()),
                    },
                });
            }
        }
        "framing_response" => {
            if let Err(failure) = framing::settle_length(&mut response) {
                return error(failure);
            }
        }
        "max_call_depth" => {
            let max = vector["max"].as_u64().expect("a limit") as usize;
            if let Err(failure) = via::check_call_depth(&request, max) {
                return error(failure);
            }
        }
        other => panic!("no filter {other:?}"),
    }
    passed_on(uri, &request, &response)
}

fn passed_on(uri: &str, request: &HeaderMap, response: &HeaderMap) -> Value {
    json!({
        "service_request": { "uri": uri, "headers": to_list(request) },
        "response": { "status": 200, "headers": to_list(response) },
    })
}

fn labels(vector: &Value) -> [Label; 2] {
    if let (Some(by), Some(for_)) = (vector["by"].as_str(), vector["for"].as_str()) {
        return [by, for_].map(|label| Label::Fixed(label.to_owned()));
    }
    let labeler = match text(&vector["labeler"]) {
        "ip" => Labeler::Ip,
        "ip:port" => Labeler::IpPort,
        "requestRandom" => Labeler::RequestRandom,
        "connectionRandom" => Labeler::ConnectionRandom,
        "static" | "router" => Labeler::fixed(text(&vector["label"])),
        other => panic!("no labeler {other:?}"),
    };
    let label = labeler.label(text(&vector["address"]).parse().expect("an address"));
    [label.clone(), label]
}

/// Hop-by-hop: what is expected, and with it those fields that `Connection` may not remove.
pub(crate) fn documented(vector: &Value) -> Option<Value> {
    if vector["filter"] != "hop_by_hop" {
        return None;
    }
    let mut expected = vector["expect"].clone();
    for (message, input) in
        [("service_request", "request_headers"), ("response", "response_headers")]
    {
        let list = expected[message]["headers"].as_array_mut()?;
        for (name, value) in pairs(&vector[input]) {
            let lower = name.to_ascii_lowercase();
            let kept = lower == "host" || lower == "content-length" || lower.starts_with("l5d-");
            let pair = json!([name, value]);
            if kept && !list.contains(&pair) {
                list.push(pair);
            }
        }
    }
    Some(expected)
}
