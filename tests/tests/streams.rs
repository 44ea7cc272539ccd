//! Streams of HTTP/2 end, whatever happens to them: none is left open, none holds another up, and none
//! costs more memory the longer it is.

#![allow(clippy::unwrap_used, reason = "all of it is tests, not only the functions so marked")]

#[path = "streams/service.rs"]
mod service;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Version};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Body as _, Frame, Incoming};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tests::{Router, Setup, wait_until};
use tokio::runtime::Runtime;

use crate::service::{Body, CHUNK, Service};

const PATIENCE: Duration = Duration::from_secs(20);

type Sender = SendRequest<Body>;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

async fn connect(addr: SocketAddr) -> Option<Sender> {
    let socket = tokio::net::TcpStream::connect(addr).await.ok()?;
    // A window that is opened again is told at once, not with what is sent next.
    socket.set_nodelay(true).ok()?;
    // What is unread on one stream holds up no other one.
    let (sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(65_535)
        .initial_connection_window_size((1 << 31) - 1)
        .handshake(TokioIo::new(socket))
        .await
        .ok()?;
    tokio::spawn(connection);
    Some(sender)
}

fn request(path: &str, body: Body) -> Request<Body> {
    Request::builder()
        .method(Method::POST)
        .version(Version::HTTP_2)
        .uri(format!("http://web{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(body)
        .unwrap()
}

fn text(text: &'static str) -> Body {
    Full::new(Bytes::from_static(text.as_bytes())).map_err(|never| match never {}).boxed_unsync()
}

/// A body of so many chunks.
fn chunks(count: u64) -> Body {
    let chunk = Bytes::from(vec![b'x'; CHUNK]);
    let frames = (0..count).map(move |_| Ok(Frame::data(chunk.clone())));
    UnsyncBoxBody::new(StreamBody::new(futures_util::stream::iter(frames)))
}

/// A router of HTTP/2 before these services.
fn router(services: &[&Service], keys: &[&str]) -> Router {
    let lines: String = services.iter().map(|service| service.fs_line()).collect();
    let setup = Setup::by_host().protocol("h2").file("web", &lines);
    keys.iter().fold(setup, |setup, key| setup.router(key)).start()
}

/// Reads a response to its end: its bytes and trailers, if it is whole.
async fn whole(response: Response<Incoming>) -> Option<(u64, HeaderMap)> {
    let mut body = response.into_body();
    let (mut bytes, mut trailers) = (0, HeaderMap::new());
    while let Some(frame) = body.frame().await {
        match frame.ok()?.into_data() {
            Ok(data) => bytes += data.len() as u64,
            Err(frame) => trailers = frame.into_trailers().ok()?,
        }
    }
    // The codec takes a stream that is cancelled for one that has ended.
    body.is_end_stream().then_some((bytes, trailers))
}

/// The levels of the router's metrics that count what is open.
fn open(router: &Router) -> Vec<String> {
    let metrics = router.admin_page("/admin/metrics.json").json();
    let levels = metrics.as_object().unwrap().iter().filter(|(name, value)| {
        let last = name.rsplit('/').next().unwrap();
        ["pending", "pool_size", "pool_waiters"].contains(&last) && value.as_f64() != Some(0.0)
    });
    levels.map(|(name, value)| format!("{name} = {value}")).collect()
}

#[test]
fn a_storm_leaves_nothing_behind() {
    const STREAMS: usize = 200;
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let seconds = number("H2_STORM_SECONDS").unwrap_or(10);
    let seed = number("H2_STORM_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("H2_STORM_SECONDS={seconds} H2_STORM_SEED={seed}");
    let mut services = [Service::start(), Service::start(), Service::start()];
    let router = router(
        &services.each_ref(),
        &[
            "client: {failureAccrual: {kind: none}}",
            "service: {responseClassifier: {kind: io.l5d.h2.grpc.default}}",
        ],
    );
    let callers = runtime();
    storm(&callers, &router, &mut services, seed, STREAMS, Duration::from_secs(2));
    let calm = |router: &Router| wait_until(PATIENCE, || open(router).is_empty());
    assert!(calm(&router), "{:?}", open(&router));
    let held = |router: &Router| (router.proc.fd_count(), router.proc.rss_bytes() >> 20);
    let before = held(&router);

    let done = storm(&callers, &router, &mut services, seed, STREAMS, Duration::from_secs(seconds));
    println!("{done} calls whole; before (fds, MiB) {before:?}");
    assert!(done > 100, "{done}");
    assert!(calm(&router), "{:?}", open(&router));
    let near = |now: (usize, u64)| now.0 <= before.0 + 10 && now.1 <= before.1 + 16;
    assert!(wait_until(PATIENCE, || near(held(&router))), "{before:?}, then {:?}", held(&router));
    // The next calls are answered at once.
    callers.block_on(async {
        for _ in 0..20 {
            let mut sender = connect(router.addr).await.unwrap();
            let began = Instant::now();
            let response = sender.send_request(request("/echo", text("hello"))).await.unwrap();
            let (bytes, trailers) = whole(response).await.unwrap();
            assert_eq!((bytes, trailers["grpc-status"].to_str().unwrap()), (5, "0"));
            assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        }
    });
    assert!(!router.proc.stderr().contains("panicked"), "{}", router.proc.stderr());
}

/// Random numbers that a seed repeats.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// Lets callers loose for some time; how many calls came to their end.
fn storm(
    runtime: &Runtime,
    router: &Router,
    services: &mut [Service],
    seed: u64,
    streams: usize,
    time: Duration,
) -> u64 {
    let done = Arc::new(AtomicU64::new(0));
    let end = Instant::now() + time;
    let addr = router.addr;
    let tasks: Vec<_> = (0..streams as u64)
        .map(|n| {
            let done = done.clone();
            runtime.spawn(async move {
                let mut random = Random(seed.wrapping_mul(31) + n * 7919 + 1);
                let mut sender = None;
                while Instant::now() < end {
                    if sender.as_ref().is_none_or(Sender::is_closed) || random.below(50) == 0 {
                        sender = connect(addr).await;
                    }
                    let Some(sender) = &mut sender else { continue };
                    if one_call(sender, &mut random).await {
                        done.fetch_add(1, Relaxed);
                    }
                }
            })
        })
        .collect();
    let mut random = Random(seed + 1);
    while Instant::now() < end {
        std::thread::sleep(Duration::from_millis(100 + random.below(300)));
        let at = random.below(services.len() as u64) as usize;
        services[at].kill();
        std::thread::sleep(Duration::from_millis(random.below(50)));
        services[at].restart();
    }
    runtime.block_on(async {
        for task in tasks {
            tokio::time::timeout(PATIENCE, task).await.expect("every caller ends").unwrap();
        }
    });
    done.load(Relaxed)
}

/// One call of a random kind; whether it came to its end.
async fn one_call(sender: &mut Sender, random: &mut Random) -> bool {
    let wait = Duration::from_micros(random.below(20_000));
    match random.below(8) {
        // Given up before there is an answer.
        0 => {
            let call = sender.send_request(request("/never", text("x")));
            let _ = tokio::time::timeout(wait, call).await;
            false
        }
        // Given up while it is sent.
        1 => {
            let call = sender.send_request(request("/sink", chunks(1000)));
            let _ = tokio::time::timeout(wait, call).await;
            false
        }
        // Given up while it is read.
        2 => {
            let Ok(response) = sender.send_request(request("/source/100", text(""))).await else {
                return false;
            };
            let mut body = response.into_body();
            for _ in 0..random.below(5) {
                let _ = body.frame().await;
            }
            false
        }
        // Read slowly.
        3 => {
            let Ok(response) = sender.send_request(request("/source/20", text(""))).await else {
                return false;
            };
            let mut body = response.into_body();
            while let Some(Ok(_)) = body.frame().await {
                tokio::time::sleep(wait / 10).await;
            }
            false
        }
        4 => {
            let reset = sender.send_request(request("/reset", text("x"))).await;
            if let Ok(response) = reset {
                whole(response).await;
            }
            false
        }
        5 => match sender.send_request(request("/unavailable", text("x"))).await {
            Ok(response) => whole(response).await.is_some(),
            Err(_) => false,
        },
        _ => match sender.send_request(request("/echo", chunks(random.below(10)))).await {
            Ok(response) => whole(response).await.is_some(),
            Err(_) => false,
        },
    }
}

/// MiB that go through in one stream, unless `H2_LONG_MIB` says otherwise: 1024 make a gibibyte, which
/// takes minutes where nothing is optimised.
const LONG_MIB: u64 = 128;

/// Does something meanwhile, and gives back the most memory that the router had beyond what it began
/// with, in MiB.
fn growth(router: &Router, work: impl FnOnce() + Send) -> f64 {
    let before = router.proc.rss_bytes();
    let mut most = before;
    std::thread::scope(|scope| {
        let work = scope.spawn(work);
        while !work.is_finished() {
            most = most.max(router.proc.rss_bytes());
            std::thread::sleep(Duration::from_millis(5));
        }
        work.join().unwrap();
    });
    (most - before) as f64 / f64::from(1 << 20)
}

#[test]
fn a_long_stream_goes_through_each_way_in_little_memory() {
    let mib = std::env::var("H2_LONG_MIB").ok().and_then(|mib| mib.parse().ok());
    let long = mib.unwrap_or(LONG_MIB) << 20;
    let service = Service::start();
    let router = router(&[&service], &[]);
    let callers = runtime();
    let count = long / CHUNK as u64;
    let one = |path: &str, body: Body| -> (u64, HeaderMap) {
        callers.block_on(async {
            let mut sender = connect(router.addr).await.unwrap();
            whole(sender.send_request(request(path, body)).await.unwrap()).await.unwrap()
        })
    };
    one("/source/100", text(""));
    one("/sink", chunks(100));
    let up = growth(&router, || {
        let (_, trailers) = one("/sink", chunks(count));
        assert_eq!(trailers["bytes"], long.to_string().as_str());
    });
    let down = growth(&router, || {
        let (bytes, trailers) = one(&format!("/source/{count}"), text(""));
        assert_eq!((bytes, trailers["grpc-status"].to_str().unwrap()), (long, "0"));
    });
    println!("{} MiB up: {up:.1} MiB more, down: {down:.1} MiB more", long >> 20);
    assert!(up < 8.0 && down < 8.0, "{up} and {down} MiB");
}

#[test]
fn who_reads_nothing_holds_up_nobody_and_costs_little() {
    let service = Service::start();
    let router = router(&[&service], &[]);
    let callers = runtime();
    let grown = growth(&router, || {
        callers.block_on(async {
            let mut sender = connect(router.addr).await.unwrap();
            let mut unread = Vec::new();
            for _ in 0..20 {
                let call = sender.send_request(request("/source/100000", text("")));
                unread.push(call.await.unwrap());
            }
            for _ in 0..100 {
                let call = sender.send_request(request("/echo", chunks(10)));
                let response = tokio::time::timeout(PATIENCE, call).await.unwrap().unwrap();
                assert_eq!(whole(response).await.unwrap().0, 10 * CHUNK as u64);
            }
        });
    });
    assert!(grown < 16.0, "{grown} MiB");
}

#[test]
fn who_gives_up_is_told_on_at_once() {
    let service = Service::start();
    let router = router(&[&service], &[]);
    let callers = runtime();
    callers.block_on(async {
        let mut sender = connect(router.addr).await.unwrap();
        let call = sender.send_request(request("/never", text("x")));
        let _ = tokio::time::timeout(Duration::from_millis(200), call).await;
    });
    assert!(wait_until(PATIENCE, || service.given_up() == 1), "the service is told");
    assert!(wait_until(PATIENCE, || open(&router).is_empty()), "{:?}", open(&router));
}

#[test]
fn a_reset_of_the_service_is_the_callers() {
    let service = Service::start();
    let router = router(&[&service], &[]);
    let reason = |error: hyper::Error| {
        let cause = std::error::Error::source(&error).expect("a cause");
        cause.downcast_ref::<h2::Error>().expect("of HTTP/2").reason()
    };
    let reason = runtime().block_on(async {
        let mut sender = connect(router.addr).await.unwrap();
        // It may overtake the head of the response.
        let mut body = match sender.send_request(request("/reset", text("x"))).await {
            Ok(response) => response.into_body(),
            Err(error) => return reason(error),
        };
        loop {
            match body.frame().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => break reason(error),
                None => break None,
            }
        }
    });
    assert_eq!(reason, Some(h2::Reason::ENHANCE_YOUR_CALM), "the service's own code");
}

#[test]
fn a_service_that_takes_few_streams_gets_more_connections() {
    let service = Service::with_most_streams(2);
    let router = router(&[&service], &[]);
    runtime().block_on(async {
        let mut sender = connect(router.addr).await.unwrap();
        // All of them are open at a time.
        let mut open = Vec::new();
        for _ in 0..7 {
            let call = sender.send_request(request("/source/1000", text("")));
            open.push(
                tokio::time::timeout(PATIENCE, call).await.expect("no stream waits").unwrap(),
            );
        }
        for response in open {
            assert_eq!(whole(response).await.unwrap().0, 1000 * CHUNK as u64);
        }
    });
    assert!(service.connections() >= 4, "{}", service.connections());
}

#[test]
fn many_streams_share_one_connection() {
    let service = Service::start();
    let router = Setup::by_host()
        .protocol("h2")
        .file("web", &service.fs_line())
        .start_with(&["--workers", "1"]);
    runtime().block_on(async {
        let mut sender = connect(router.addr).await.unwrap();
        let mut open = Vec::new();
        for _ in 0..50 {
            open.push(sender.send_request(request("/source/10", text(""))).await.unwrap());
        }
        for response in open {
            whole(response).await.unwrap();
        }
    });
    assert_eq!(service.connections(), 1);
}
