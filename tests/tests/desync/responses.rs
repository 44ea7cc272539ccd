//! What a hostile or broken service may answer.
//!
//! The caller gets one response that is the service's, or an error, or sees its connection break;
//! never a part of what stands behind the response. The connection to the service is not used again
//! once there was anything odd about it, and the next caller gets its own response.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use libtest_mimic::Trial;
use tests::wire::{self, Reading};
use tests::{RawClient, Router, Setup, wait_until};

/// What the caller has to get.
#[derive(Debug, Clone, Copy)]
enum Gets {
    /// This status and body, as the service has it.
    Response(u16, &'static str),
    /// 502 by the router.
    BadGateway,
    /// A response whose body breaks off.
    Reset,
}
use Gets::{BadGateway, Reset, Response};

/// Stands behind responses; a caller who gets any of it is mixed up with another.
const POISON: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON";

/// A name, the method of the request, the bytes that answer it, and what the caller gets. `POISON`
/// follows the bytes in the same packet; the connection stays open.
const VECTORS: &[(&str, &str, &str, Gets)] = &[
    ("extra bytes", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Response(200, "ok")),
    (
        "extra bytes behind chunks",
        "GET",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        Response(200, "ok"),
    ),
    (
        "extra bytes behind no body",
        "GET",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        Response(200, ""),
    ),
    (
        "204 with a body",
        "GET",
        "HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nbody",
        Response(204, ""),
    ),
    (
        "204 with chunks",
        "GET",
        "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        Response(204, ""),
    ),
    (
        "304 with a body",
        "GET",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nbody",
        Response(304, ""),
    ),
    (
        "HEAD with a body",
        "HEAD",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
        Response(200, ""),
    ),
    (
        "HEAD with chunks",
        "HEAD",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        Response(200, ""),
    ),
    (
        "CL and TE",
        "GET",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        BadGateway,
    ),
    (
        "TE and CL",
        "GET",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        BadGateway,
    ),
    (
        "two lengths",
        "GET",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\nok",
        BadGateway,
    ),
    (
        "two equal lengths",
        "GET",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        Response(200, "ok"),
    ),
    ("a list of lengths", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", BadGateway),
    ("a signed length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", BadGateway),
    ("a negative length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok", BadGateway),
    (
        "a length of 2^64 + 2",
        "GET",
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551618\r\n\r\nok",
        BadGateway,
    ),
    ("an empty length", "GET", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nok", BadGateway),
    ("another coding", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok", BadGateway),
    (
        "gzip, chunked",
        "GET",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        BadGateway,
    ),
    (
        "chunked twice",
        "GET",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        BadGateway,
    ),
    (
        "chunked, then another",
        "GET",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        BadGateway,
    ),
    (
        "a vertical tab in the coding",
        "GET",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: \x0bchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        BadGateway,
    ),
    (
        "chunked in HTTP/1.0",
        "GET",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        BadGateway,
    ),
    (
        "a space before a colon",
        "GET",
        "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
        BadGateway,
    ),
    (
        "a folded field",
        "GET",
        "HTTP/1.1 200 OK\r\nX: a\r\n Content-Length: 2\r\n\r\nok",
        BadGateway,
    ),
    (
        "a NUL in a field",
        "GET",
        "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok",
        BadGateway,
    ),
    (
        "a bare CR in a field",
        "GET",
        "HTTP/1.1 200 OK\r\nX: a\rContent-Length: 9\r\nContent-Length: 2\r\n\r\nok",
        BadGateway,
    ),
    ("no colon", "GET", "HTTP/1.1 200 OK\r\nX\r\nContent-Length: 2\r\n\r\nok", BadGateway),
    // The codec takes a bare LF for the end of a line. The head is written anew, so that whoever is
    // behind us reads it as we did.
    (
        "bare LFs in a head",
        "GET",
        "HTTP/1.1 200 OK\nX: a\nContent-Length: 2\n\nok",
        Response(200, "ok"),
    ),
    ("HTTP/0.9", "GET", "ok, and no more", BadGateway),
    ("another protocol", "GET", "SSH-2.0-OpenSSH_9.2\r\n", BadGateway),
    ("HTTP/2", "GET", "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok", BadGateway),
    ("a status of two digits", "GET", "HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok", BadGateway),
    (
        "a status of four digits",
        "GET",
        "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok",
        BadGateway,
    ),
    ("a status below 100", "GET", "HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nok", BadGateway),
    (
        "a switch that nobody asked for",
        "GET",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        BadGateway,
    ),
    (
        "a few interim responses",
        "GET",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        Response(200, "ok"),
    ),
    (
        "a negative chunk",
        "GET",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n",
        Reset,
    ),
    (
        "a chunk over 64 bits",
        "GET",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000002\r\nok\r\n0\r\n\r\n",
        Reset,
    ),
    (
        "a chunk longer than its size",
        "GET",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nok\r\n0\r\n\r\n",
        Reset,
    ),
    (
        "a bare LF behind a chunk",
        "GET",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\n0\r\n\r\n",
        Reset,
    ),
    (
        "a bare LF behind a size",
        "GET",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\r\n0\r\n\r\n",
        Reset,
    ),
];

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("responses::vectors", || Ok(vectors()?)),
        Trial::test("responses::bytes_on_an_idle_connection", || Ok(idle()?)),
        Trial::test("responses::bodies_that_end_early", || Ok(early_end()?)),
        Trial::test("responses::floods", || Ok(floods()?)),
        Trial::test("responses::trailers", || Ok(trailers()?)),
    ]
}

fn vectors() -> Result<(), String> {
    let (service, router) = start();
    let mut failures = Vec::new();
    for (what, method, bytes, gets) in VECTORS {
        let result = one(&service, &router, method, &format!("{bytes}{POISON}"), *gets);
        failures.extend(result.err().map(|why| format!("{what}: {why}")));
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

/// One response, and what the caller and the next one get.
fn one(
    service: &Service,
    router: &Router,
    method: &str,
    bytes: &str,
    gets: Gets,
) -> Result<(), String> {
    service.answer(bytes.as_bytes());
    let mut client = router.connect();
    client.send(format!("{method} /odd HTTP/1.1\r\nHost: web\r\n\r\n")).unwrap();
    let came = client.response_to(method);
    if let Ok(response) = &came
        && (response.text().contains("POISON") || response.header_all("content-length").len() > 1)
    {
        return Err(format!("{}\n{}", response.head, response.text()));
    }
    if let Ok(response) = &came
        && response.status == 204
        && response.header("content-length").is_some()
    {
        return Err(format!("no content, but a length of it: {}", response.head));
    }
    match (gets, came) {
        (Response(status, body), Ok(response))
            if (response.status, response.text().as_str()) == (status, body) => {}
        (BadGateway, Ok(response))
            if response.status == 502 && response.header("l5d-err").is_some() => {}
        (Reset, Err(error)) if is_end(&error) => {}
        (_, Ok(response)) => return Err(format!("{gets:?}, got {response:?}")),
        (_, Err(error)) => return Err(format!("{gets:?}, got {error}")),
    }
    // What stands behind the response is not taken for another one.
    if !matches!(gets, Reset) {
        let next = client.request("GET", "/next", &[("host", "web")], b"");
        let next = next.map_err(|error| format!("the next request of the caller: {error}"))?;
        if next.text() != "/next" {
            return Err(format!("the next request of the caller got {next:?}"));
        }
    }
    clean(service, router)
}

/// Others are served, and not on the connection that had the odd response.
fn clean(service: &Service, router: &Router) -> Result<(), String> {
    for target in ["/a", "/b", "/c"] {
        let response = RawClient::get(router.addr, target, &[("host", "web")]);
        let text = response.map(|response| response.text()).map_err(|error| error.to_string())?;
        if text != target {
            return Err(format!("another caller asked for {target} and got {text:?}"));
        }
    }
    match service.again() {
        0 => Ok(()),
        again => Err(format!("{again} requests came on the connection with the odd response")),
    }
}

fn is_end(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset)
}

/// Bytes that come when nobody has asked end the connection.
fn idle() -> Result<(), String> {
    let (service, router) = start();
    for round in 0..20 {
        let mut client = router.connect();
        service.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        let response = client.request("GET", "/odd", &[("host", "web")], b"");
        assert_eq!(response.unwrap().text(), "ok");
        let mut idle = service.take_odd();
        idle.write_all(POISON.as_bytes()).unwrap();
        idle.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let end = idle.read(&mut [0; 64]);
        assert!(!matches!(end, Ok(1..)), "round {round}: bytes on a connection that was spoilt");
        assert!(end.as_ref().err().is_none_or(is_end), "round {round}: {end:?}");
        let next = client.request("GET", "/next", &[("host", "web")], b"");
        assert_eq!(next.unwrap().text(), "/next", "round {round}");
        clean(&service, &router)?;
    }
    Ok(())
}

/// A body that ends before its time does not end politely for the caller.
fn early_end() -> Result<(), String> {
    let (service, router) = start();
    for bytes in [
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n",
    ] {
        service.answer_and_close(bytes.as_bytes());
        let mut client = router.connect();
        client.send("GET /odd HTTP/1.1\r\nHost: web\r\n\r\n").unwrap();
        let came = client.response();
        assert!(came.as_ref().is_err_and(is_end), "{bytes:?}: {came:?}");
        clean(&service, &router)?;
    }
    // Without a length, the end of the connection is the end of the body.
    service.answer_and_close(b"HTTP/1.1 200 OK\r\n\r\nall of it");
    let response = RawClient::get(router.addr, "/odd", &[("host", "web")]).unwrap();
    assert_eq!(response.text(), "all of it");
    clean(&service, &router)
}

/// A service that sends without an end before it answers costs no memory, and gets an end.
fn floods() -> Result<(), String> {
    let (service, router) = start();
    RawClient::get(router.addr, "/warm", &[("host", "web")]).unwrap();
    let before = router.proc.rss_bytes();
    let start = |end: &str| format!("HTTP/1.1 200 OK\r\n{end}").into_bytes();
    for (what, first, repeated) in [
        ("interim responses", Vec::new(), "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"),
        ("fields", start(""), "X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n"),
        ("one field", start("X: "), "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"),
        ("a reason", b"HTTP/1.1 200 ".to_vec(), "OK OK OK OK OK OK OK OK OK OK OK OK OK OK OK OK"),
        ("empty lines", Vec::new(), "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"),
    ] {
        service.flood(&first, repeated.as_bytes());
        let mut client = router.connect().timeout(Duration::from_secs(20));
        let response = client.request("GET", "/odd", &[("host", "web")], b"");
        let response = response.map_err(|error| format!("{what}: {error}"))?;
        assert_eq!(response.status, 502, "{what}: {}", response.head);
        clean(&service, &router).map_err(|why| format!("{what}: {why}"))?;
    }
    let grown = router.proc.rss_bytes().saturating_sub(before);
    assert!(grown < 16 << 20, "grown by {grown} bytes");
    Ok(())
}

/// Trailers that say how a message is framed do not pass, however they are announced.
fn trailers() -> Result<(), String> {
    let (service, router) = start();
    service.answer(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X, Content-Length, Set-Cookie\r\n\r\n\
          2\r\nok\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: gzip\r\nHost: a\r\nX: y\r\n\r\n",
    );
    let mut client = router.connect();
    let headers = [("host", "web"), ("te", "trailers"), ("connection", "te")];
    let response = client.request("GET", "/odd", &headers, b"").unwrap();
    assert_eq!(response.text(), "ok");
    assert_eq!(response.trailers, [("x".to_owned(), "y".to_owned())]);
    Ok(())
}

fn start() -> (Service, Router) {
    let service = Service::start();
    let line = format!("{} {}\n", service.addr.ip(), service.addr.port());
    let router = Setup::by_host().file("web", &line).start();
    (service, router)
}

/// A service that answers `/odd` with the bytes it is told, and any other target with that target.
struct Service {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    script: Mutex<Script>,
    /// The connection that had the odd response.
    odd: Mutex<Option<TcpStream>>,
    /// Requests on connections that had one.
    again: AtomicUsize,
}

#[derive(Default, Clone)]
struct Script {
    bytes: Vec<u8>,
    /// Sent over and over behind the bytes.
    flood: Option<Vec<u8>>,
    close: bool,
}

impl Service {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let all = shared.clone();
        thread::spawn(move || {
            while let Ok((socket, _)) = listener.accept() {
                let all = all.clone();
                thread::spawn(move || all.serve(socket));
            }
        });
        Service { addr, shared }
    }

    fn set(&self, script: Script) {
        *lock(&self.shared.script) = script;
    }

    fn answer(&self, bytes: &[u8]) {
        self.set(Script { bytes: bytes.to_vec(), ..Script::default() });
    }

    fn answer_and_close(&self, bytes: &[u8]) {
        self.set(Script { bytes: bytes.to_vec(), close: true, ..Script::default() });
    }

    fn flood(&self, first: &[u8], repeated: &[u8]) {
        let flood = Some(repeated.repeat(1000));
        self.set(Script { bytes: first.to_vec(), flood, close: true });
    }

    fn again(&self) -> usize {
        self.shared.again.swap(0, Ordering::SeqCst)
    }

    fn take_odd(&self) -> TcpStream {
        let mut odd = None;
        wait_until(Duration::from_secs(5), || {
            odd = lock(&self.shared.odd).take();
            odd.is_some()
        });
        odd.unwrap()
    }
}

impl Shared {
    fn serve(&self, mut socket: TcpStream) {
        let mut bytes = Vec::new();
        let mut piece = [0; 16 * 1024];
        let mut odd = false;
        loop {
            match wire::read(&bytes, true) {
                Reading::Whole(message, length) => {
                    bytes.drain(..length);
                    if odd {
                        self.again.fetch_add(1, Ordering::SeqCst);
                    }
                    if message.target == "/odd" {
                        odd = true;
                        let script = lock(&self.script).clone();
                        *lock(&self.odd) = socket.try_clone().ok();
                        let mut sent = socket.write_all(&script.bytes);
                        while let (Some(flood), true) = (&script.flood, sent.is_ok()) {
                            sent = socket.write_all(flood);
                        }
                        if script.close || sent.is_err() {
                            lock(&self.odd).take();
                            return;
                        }
                    } else {
                        let (target, length) = (&message.target, message.target.len());
                        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
                        if socket.write_all(format!("{head}{target}").as_bytes()).is_err() {
                            return;
                        }
                    }
                }
                Reading::Partial => match socket.read(&mut piece) {
                    Ok(0) | Err(_) => return,
                    Ok(read) => bytes.extend_from_slice(&piece[..read]),
                },
                Reading::Malformed(why) => panic!("the service got {why}"),
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
