//! `headers`: reading, writing and clearing context, and the error answers.

use std::path::Path as Folder;

use bytes::Bytes;
use dtab::{Dtab, Path};
use http::{HeaderMap, Response, StatusCode};
use router::http::errors::{self, ErrorLimits, NoBrokers};
use router::http::headers::deadline::{self, Deadline};
use router::http::headers::dst::DstHeaders;
use router::http::headers::trace::{self, TraceId};
use router::http::headers::{clear_request, dtab as l5d_dtab, finagle, outcome, sample};
use serde_json::{Value, json};

use crate::vectors::{equal, error, same, text, to_dtab, to_list, to_map};

pub(crate) fn answer(_: &Folder, vector: &Value) -> Value {
    let mut headers = to_map(&vector["headers"]);
    match text(&vector["op"]) {
        "finagle_read" => match finagle::read_dtab(&headers) {
            Ok(dtab) => entries(&dtab),
            Err(failure) => error(failure),
        },
        "finagle_write" => match finagle::write_dtab(&mut headers, &to_dtab(&vector["dtab"])) {
            Ok(()) => json!({ "headers": to_list(&headers) }),
            Err(failure) => error(failure),
        },
        "finagle_clear" => {
            finagle::clear_dtab(&mut headers);
            json!({ "headers": to_list(&headers) })
        }
        "finagle_server" => match finagle::take_dtab(&mut headers) {
            Ok(dtab) => service(&headers, &to_dtab(&vector["local"]).concat(&dtab)),
            Err(failure) => response(&finagle::reject(&failure)),
        },
        "finagle_client" => {
            let local = to_dtab(&vector["local"]);
            finagle::clear_dtab(&mut headers);
            match finagle::write_dtab(&mut headers, &local) {
                Ok(()) => service(&headers, &local),
                Err(failure) => error(failure),
            }
        }
        "finagle_ctx_read" => json!({
            "deadline": to_json(finagle::read_deadline(&headers)),
            "retries": finagle::read_retries(&headers),
        }),
        "finagle_ctx_write" => {
            if let Some(deadline) = to_deadline(&vector["deadline"]) {
                finagle::write_deadline(&mut headers, deadline);
            }
            if let Some(retries) = vector["retries"].as_i64() {
                finagle::write_retries(&mut headers, retries as i32);
            }
            json!({ "headers": to_list(&headers) })
        }
        "l5d_dtab_read" => match l5d_dtab::read(&headers) {
            Ok(dtab) => entries(&dtab),
            Err(failure) => error(failure),
        },
        "l5d_dtab_server" => match l5d_dtab::take(&mut headers) {
            Ok(dtab) => {
                let local = to_dtab(&vector["local"]);
                service(&headers, &local.concat(&dtab.unwrap_or_else(Dtab::empty)))
            }
            Err(failure) => {
                let limits = ErrorLimits::default();
                response(&errors::respond(StatusCode::BAD_REQUEST, &failure.to_string(), limits))
            }
        },
        "l5d_dtab_client" => {
            let local = to_dtab(&vector["local"]);
            l5d_dtab::write(&mut headers, &local);
            service(&headers, &local)
        }
        "l5d_deadline_read" => json!({ "deadline": to_json(deadline::read(&headers)) }),
        "l5d_deadline_write" => {
            let deadline = Deadline {
                timestamp_ns: vector["timestamp_ns"].as_i64().expect("a timestamp"),
                deadline_ns: vector["deadline_ns"].as_i64().expect("a deadline"),
            };
            json!({ "value": deadline.to_string() })
        }
        "l5d_deadline_server" => {
            let deadline = deadline::take(&mut headers, to_deadline(&vector["current"]));
            let mut answer = service(&headers, &Dtab::empty());
            answer["deadline"] = to_json(deadline);
            answer
        }
        "l5d_trace_read" => json!({ "trace": trace::read(&headers).map(trace_json) }),
        "l5d_trace_write" => {
            trace::write(&mut headers, to_trace(vector));
            json!({ "headers": to_list(&headers) })
        }
        "l5d_sample_read" => {
            json!({ "sample": sample::read(&headers).map(|rate| rate.to_string()) })
        }
        "l5d_retryable_read" => json!({ "retryable": outcome::is_retryable(&headers) }),
        "l5d_clear_context" => {
            clear_request(&mut headers);
            json!({ "headers": to_list(&headers) })
        }
        "l5d_dst_headers" => {
            let path = |key: &str| Path::parse(text(&vector[key])).expect("a path");
            DstHeaders::new(&path("path"), &path("bound"), &path("residual")).write(&mut headers);
            json!({ "headers": to_list(&headers) })
        }
        "l5d_err" => {
            let number = |key: &str| vector[key].as_u64().expect("a number");
            let status = StatusCode::from_u16(number("status") as u16).expect("a status");
            let limits = ErrorLimits {
                header: number("max_header") as usize,
                body: number("max_body") as usize,
            };
            response(&errors::respond(status, text(&vector["message"]), limits))
        }
        "l5d_no_brokers_message" => {
            let message = NoBrokers {
                service: &Path::parse(text(&vector["path"])).expect("a path"),
                dtab: &Dtab::empty(),
                base: &to_dtab(&vector["base"]),
                overrides: &to_dtab(&vector["local"]),
            };
            json!({ "message": message.to_string() })
        }
        other => panic!("no operation {other:?}"),
    }
}

/// A sample rate is a single-precision number. Of a refusal the status and the names of its headers
/// count; the words are an error's.
pub(crate) fn agrees(vector: &Value, got: &Value) -> bool {
    let expected = &vector["expect"];
    match text(&vector["op"]) {
        "l5d_sample_read" => match (&expected["sample"], &got["sample"]) {
            (Value::Null, got) => got.is_null(),
            (Value::String(word), got) => word == got,
            (number, got) => {
                number.as_f64().map(|number| number as f32) == text(got).parse::<f32>().ok()
            }
        },
        "finagle_server" | "l5d_dtab_server" if expected.get("status").is_some() => {
            let names = |value: &Value| {
                let headers = to_map(&value["headers"]);
                let mut names: Vec<String> = headers.keys().map(ToString::to_string).collect();
                names.sort();
                names
            };
            equal(&expected["status"], &got["status"])
                && names(expected) == names(got)
                && !text(&got["body"]).is_empty()
        }
        _ => same(vector, got),
    }
}

fn entries(dtab: &Dtab) -> Value {
    let entries: Vec<Value> = dtab
        .iter()
        .map(|dentry| json!([dentry.prefix.to_string(), dentry.dst.to_string()]))
        .collect();
    json!({ "entries": entries, "show": dtab.to_string() })
}

/// What the wrapped service sees.
fn service(headers: &HeaderMap, local: &Dtab) -> Value {
    json!({ "service_headers": to_list(headers), "local_dtab": local.to_string() })
}

fn response(response: &Response<Bytes>) -> Value {
    json!({
        "status": response.status().as_u16(),
        "headers": to_list(response.headers()),
        "body": String::from_utf8_lossy(response.body()),
    })
}

fn to_deadline(pair: &Value) -> Option<Deadline> {
    Some(Deadline { timestamp_ns: pair[0].as_i64()?, deadline_ns: pair[1].as_i64()? })
}

fn to_json(deadline: Option<Deadline>) -> Value {
    deadline.map_or(Value::Null, |deadline| {
        json!({ "timestamp_ns": deadline.timestamp_ns, "deadline_ns": deadline.deadline_ns })
    })
}

fn to_trace(vector: &Value) -> TraceId {
    let id =
        |key: &str| vector[key].as_str().map(|hex| u64::from_str_radix(hex, 16).expect("an id"));
    let span = id("span_id").expect("a span");
    let parent = id("parent_id").unwrap_or(span);
    let trace = id("trace_id").unwrap_or(parent);
    let flags = vector["flags"].as_i64().expect("flags").cast_unsigned();
    let id = TraceId { span, parent, trace, trace_high: id("trace_id_high"), flags };
    vector["sampled"].as_bool().map_or(id, |sampled| id.with_sampled(sampled))
}

fn trace_json(id: TraceId) -> Value {
    let hex = |id: u64| format!("{id:016x}");
    json!({
        "trace_id": hex(id.trace),
        "trace_id_high": id.trace_high.map(hex),
        "parent_id": hex(id.parent),
        "span_id": hex(id.span),
        "sampled": id.sampled(),
        "flags": id.flags.cast_signed(),
    })
}
