//! What a line of the access log looks like.
//!
//! `common` is Linkerd's line, the combined log format with the `Host` in front of it:
//!
//! ```text
//! web 127.0.0.1 - - [25/11/2026:12:00:00 UTC] "GET /x HTTP/1.1" 200 2 "-" "curl/8.5"
//! ```
//!
//! The time is that of the response, in the local time zone. What comes from outside cannot end a
//! field or a line: quotes and backslashes get a backslash, and all but printable ASCII becomes
//! `\xHH`, as in Apache's logs (Linkerd writes them as they come).
//!
//! `json` is an object on each line, with the time in UTC and latencies in milliseconds:
//!
//! | member | is |
//! |---|---|
//! | `time` | when the exchange ended |
//! | `caller` | the address and port of the caller |
//! | `method`, `uri`, `version`, `host` | of the request, `uri` as it was sent on |
//! | `status`, `bytes` | of the response; `bytes` is its `Content-Length` |
//! | `service`, `client`, `endpoint` | logical name, bound name, address |
//! | `attempt_ms`, `total_ms` | up to the response's head: of this attempt, and since the request came |
//! | `retries` | attempts before this one |
//! | `overrides` | the dentries of the request's own table |
//! | `trace` | the id of the trace |
//!
//! Members without a value are left out.

use std::io::Write as _;

use http::header::{HOST, REFERER, USER_AGENT};
use http::{HeaderName, Version};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::config::AccessLogFormat;
use crate::telemetry::tap::Exchange;

/// Writes lines in one format. A time is spelled once for all lines of its second.
pub(super) struct LineFormat {
    format: AccessLogFormat,
    zone: TimeZone,
    second: Option<i64>,
    shown: String,
}

impl LineFormat {
    pub(super) fn new(format: AccessLogFormat, zone: TimeZone) -> Self {
        LineFormat { format, zone, second: None, shown: String::new() }
    }

    /// Writes the line of an exchange, with its end; nothing if there was no response.
    pub(super) fn write(&mut self, exchange: &Exchange<'_>, line: &mut Vec<u8>) -> bool {
        if exchange.response.is_none() {
            return false;
        }
        match self.format {
            AccessLogFormat::Common => self.common(exchange, line),
            AccessLogFormat::Json => json(exchange, line),
        }
        line.push(b'\n');
        true
    }

    fn common(&mut self, exchange: &Exchange<'_>, line: &mut Vec<u8>) {
        let Some(response) = exchange.response else { return };
        let head = exchange.request;
        field(line, header(exchange, &HOST), true);
        // Writing to a Vec does not fail.
        let _ = write!(line, " {} - - [", exchange.caller.ip());
        let time = self.time(exchange.ended);
        line.extend_from_slice(time.as_bytes());
        line.extend_from_slice(b"] \"");
        field(line, head.method.as_str().as_bytes(), true);
        line.push(b' ');
        field(line, target(head).as_bytes(), true);
        let _ = write!(line, " {}\" {} ", version(head.version), response.status.as_u16());
        match response.length {
            Some(length) => {
                let _ = write!(line, "{length}");
            }
            None => line.push(b'-'),
        }
        for name in [&REFERER, &USER_AGENT] {
            line.extend_from_slice(b" \"");
            field(line, header(exchange, name), false);
            line.push(b'"');
        }
    }

    fn time(&mut self, time: Timestamp) -> &str {
        if self.second != Some(time.as_second()) {
            self.second = Some(time.as_second());
            let local = time.to_zoned(self.zone.clone());
            self.shown = local.strftime("%d/%m/%Y:%H:%M:%S %Z").to_string();
        }
        &self.shown
    }
}

#[derive(Serialize)]
struct Record<'e> {
    time: String,
    caller: String,
    method: &'e str,
    uri: &'e str,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    service: String,
    client: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    attempt_ms: f64,
    total_ms: f64,
    retries: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    overrides: Option<&'e str>,
    trace: String,
}

fn json(exchange: &Exchange<'_>, line: &mut Vec<u8>) {
    let Some(response) = exchange.response else { return };
    let millis = |took: std::time::Duration| took.as_micros() as f64 / 1000.0;
    let host = exchange.request.headers.get(HOST);
    let record = Record {
        time: format!("{:.3}", exchange.ended),
        caller: exchange.caller.to_string(),
        method: exchange.request.method.as_str(),
        uri: target(exchange.request),
        version: version(exchange.request.version),
        host: host.map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned()),
        status: response.status.as_u16(),
        bytes: response.length,
        service: exchange.service.to_string(),
        client: exchange.client.to_string(),
        endpoint: exchange.endpoint.map(|endpoint| endpoint.to_string()),
        attempt_ms: millis(exchange.attempt),
        total_ms: millis(exchange.total),
        retries: exchange.retries,
        overrides: exchange.overrides,
        trace: exchange.trace_hex(),
    };
    // Texts and numbers always have a form, and a Vec takes it.
    let _ = serde_json::to_writer(line, &record);
}

fn target(head: &http::request::Parts) -> &str {
    head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str)
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_3 => "HTTP/3",
        _ => "HTTP/1.1",
    }
}

fn header<'e>(exchange: &Exchange<'e>, name: &HeaderName) -> &'e [u8] {
    exchange.request.headers.get(name).map_or(&b"-"[..], |value| value.as_bytes())
}

/// Writes a text so that it cannot be taken for anything but one field. One that is not quoted has
/// no spaces.
fn field(line: &mut Vec<u8>, text: &[u8], is_word: bool) {
    if text.is_empty() {
        line.push(b'-');
    }
    for &byte in text {
        match byte {
            b'"' | b'\\' => line.extend_from_slice(&[b'\\', byte]),
            b' ' if !is_word => line.push(byte),
            b'!'..=b'~' => line.push(byte),
            _ => {
                let _ = write!(line, "\\x{byte:02x}");
            }
        }
    }
}
