use std::fs;

use super::line::LineFormat;
use super::writer::BUFFER;
use super::*;
use crate::config::RollPolicy;
use crate::telemetry::tap::tests::{with_exchange, with_request};
use crate::telemetry::{Metrics, Value};

fn line(format: AccessLogFormat, request: http::request::Builder) -> String {
    let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    let mut text = Vec::new();
    with_request(
        request,
        |_| {},
        |exchange| {
            LineFormat::new(format, zone).write(exchange, &mut text);
        },
    );
    String::from_utf8(text).unwrap()
}

#[test]
fn the_common_line_is_linkerds() {
    let request = http::Request::get("/x?y=1").header("host", "web");
    let plain = line(AccessLogFormat::Common, request);
    assert_eq!(
        plain,
        "web 10.1.2.3 - - [25/11/2026:13:00:00 CET] \"GET /x?y=1 HTTP/1.1\" 200 2 \"-\" \"-\"\n"
    );
    let request = http::Request::put("/x")
        .version(http::Version::HTTP_10)
        .header("referer", "http://example.org/")
        .header("user-agent", "curl/8.5 (x)");
    assert_eq!(
        line(AccessLogFormat::Common, request),
        "- 10.1.2.3 - - [25/11/2026:13:00:00 CET] \"PUT /x HTTP/1.0\" 200 2 \
         \"http://example.org/\" \"curl/8.5 (x)\"\n"
    );
}

#[test]
fn no_caller_can_forge_a_field_or_a_line() {
    let forged = http::header::HeaderValue::from_bytes(b"a\" 200 1 \\\t\xff\"").unwrap();
    let request = http::Request::get("/x\"y")
        .header("host", "web - - [")
        .header("user-agent", forged.clone())
        .header("referer", forged);
    let text = line(AccessLogFormat::Common, request);
    assert_eq!(
        text,
        "web\\x20-\\x20-\\x20[ 10.1.2.3 - - [25/11/2026:13:00:00 CET] \
         \"GET /x\\\"y HTTP/1.1\" 200 2 \"a\\\" 200 1 \\\\\\x09\\xff\\\"\" \
         \"a\\\" 200 1 \\\\\\x09\\xff\\\"\"\n"
    );
}

#[test]
fn a_json_line_has_more() {
    let mut text = Vec::new();
    let change = |exchange: &mut Exchange<'_>| {
        exchange.retries = 2;
        exchange.overrides = Some("/svc/web=>/svc/\"x\"");
    };
    with_exchange(change, |exchange| {
        LineFormat::new(AccessLogFormat::Json, TimeZone::UTC).write(exchange, &mut text);
    });
    let none = |exchange: &mut Exchange<'_>| {
        exchange.endpoint = None;
        exchange.response = exchange
            .response
            .map(|head| crate::telemetry::tap::ResponseHead { length: None, ..head });
    };
    with_request(http::Request::get("/"), none, |exchange| {
        LineFormat::new(AccessLogFormat::Json, TimeZone::UTC).write(exchange, &mut text);
    });
    insta::assert_snapshot!(String::from_utf8(text).unwrap(), @r#"
    {"time":"2026-11-25T12:00:00.250Z","caller":"10.1.2.3:40000","method":"GET","uri":"/x?y=1","version":"HTTP/1.1","host":"web","status":200,"bytes":2,"service":"/svc/web","client":"/#/io.l5d.fs/web","endpoint":"127.0.0.1:8081","attempt_ms":1.5,"total_ms":20.0,"retries":2,"overrides":"/svc/web=>/svc/\"x\"","trace":"0000000000001234"}
    {"time":"2026-11-25T12:00:00.250Z","caller":"10.1.2.3:40000","method":"GET","uri":"/","version":"HTTP/1.1","status":200,"service":"/svc/web","client":"/#/io.l5d.fs/web","attempt_ms":1.5,"total_ms":20.0,"retries":0,"trace":"0000000000001234"}
    "#);
}

#[test]
fn an_exchange_without_a_response_has_no_line() {
    let mut text = Vec::new();
    with_exchange(
        |exchange| exchange.response = None,
        |exchange| {
            assert!(
                !LineFormat::new(AccessLogFormat::Json, TimeZone::UTC).write(exchange, &mut text)
            );
        },
    );
    assert!(text.is_empty());
}

struct Open {
    dir: tempfile::TempDir,
    metrics: Metrics,
    log: AccessLog,
}

impl Open {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let metrics = Metrics::new();
        let config = AccessLogConfig {
            file: dir.path().join("access.log"),
            roll: RollPolicy::Never,
            append: true,
            rotate_count: None,
            format: AccessLogFormat::Common,
        };
        let log = AccessLog::open(&config, &metrics.scope(&["rt", "http"])).unwrap();
        Open { dir, metrics, log }
    }

    fn counted(&self, name: &str) -> u64 {
        let name = format!("rt/http/access_log/{name}");
        let found = self.metrics.samples().into_iter().find(|s| s.path.join("/") == name);
        match found.map(|sample| sample.value) {
            Some(Value::Counter(count)) => count,
            other => panic!("{name} is {other:?}"),
        }
    }
}

#[test]
fn lines_of_all_workers_are_in_the_file_once_it_is_flushed() {
    let open = Open::new();
    std::thread::scope(|threads| {
        for worker in 0..4 {
            let log = &open.log;
            threads.spawn(move || {
                let mut local = log.local();
                for n in 0..250 {
                    let request = http::Request::get(format!("/{worker}/{n}"));
                    with_request(request, |_| {}, |exchange| local.record(exchange));
                }
            });
        }
    });
    open.log.flush();
    let text = fs::read_to_string(open.dir.path().join("access.log")).unwrap();
    assert_eq!(text.lines().count(), 1000);
    let of_one: Vec<_> = text.lines().filter(|line| line.contains(" /3/")).collect();
    for (n, line) in of_one.iter().enumerate() {
        assert!(line.contains(&format!("GET /3/{n} ")), "{line}");
    }
    assert_eq!(open.counted("dropped"), 0);
}

#[test]
fn a_file_that_was_moved_away_is_begun_anew() {
    let open = Open::new();
    let mut local = open.log.local();
    let (path, moved) = (open.dir.path().join("access.log"), open.dir.path().join("access.log.1"));
    with_request(http::Request::get("/before"), |_| {}, |exchange| local.record(exchange));
    open.log.flush();
    fs::rename(&path, &moved).unwrap();
    open.log.reopen();
    open.log.flush();
    with_request(http::Request::get("/after"), |_| {}, |exchange| local.record(exchange));
    open.log.flush();
    assert!(fs::read_to_string(moved).unwrap().contains("/before"));
    assert!(fs::read_to_string(path).unwrap().contains("/after"));
}

#[test]
fn a_full_buffer_drops_lines_and_counts_them() {
    let open = Open::new();
    let mut local = open.log.local();
    // Larger than the buffer by itself.
    let agent = "a".repeat(BUFFER + 1);
    let request = http::Request::get("/").header("user-agent", agent);
    with_request(request, |_| {}, |exchange| local.record(exchange));
    assert_eq!(open.counted("dropped"), 1);
}

#[test]
fn lines_that_cannot_be_written_are_counted_and_later_ones_are_not_lost() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("logs");
    fs::create_dir(&folder).unwrap();
    let metrics = Metrics::new();
    let config = AccessLogConfig {
        file: folder.join("access.log"),
        roll: RollPolicy::Sighup,
        append: true,
        rotate_count: None,
        format: AccessLogFormat::Common,
    };
    let open = Open {
        log: AccessLog::open(&config, &metrics.scope(&["rt", "http"])).unwrap(),
        dir,
        metrics,
    };
    let mut local = open.log.local();
    fs::remove_dir_all(&folder).unwrap();
    open.log.reopen();
    open.log.flush();
    with_exchange(|_| {}, |exchange| local.record(exchange));
    open.log.flush();
    assert_eq!((open.counted("dropped"), open.counted("write_errors")), (1, 2));
    fs::create_dir(&folder).unwrap();
    with_exchange(|_| {}, |exchange| local.record(exchange));
    open.log.flush();
    assert_eq!(fs::read_to_string(&config.file).unwrap().lines().count(), 1);
}

#[test]
fn a_file_that_cannot_be_opened_is_an_error_at_once() {
    let config = AccessLogConfig {
        file: "/nowhere/at/all/access.log".into(),
        roll: RollPolicy::Never,
        append: true,
        rotate_count: None,
        format: AccessLogFormat::Common,
    };
    assert!(AccessLog::open(&config, &Metrics::new().scope(&["rt", "http"])).is_err());
}
