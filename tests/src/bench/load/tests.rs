use super::*;
use crate::{Backend, Behaviour};

fn response(head: &str, body: &[u8]) -> Vec<u8> {
    [head.as_bytes(), body].concat()
}

#[test]
fn a_response_is_right_only_whole_and_exact() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n";
    let whole = response(head, &BODY);
    assert_eq!(check(&whole), Ok(true));
    for cut in [0, 10, head.len(), whole.len() - 1] {
        assert_eq!(check(&whole[..cut]), Ok(false), "{cut} bytes");
    }
    let mut other = BODY;
    other[500] ^= 1;
    assert!(check(&response(head, &other)).is_err());
    assert!(check(&response("HTTP/1.1 502 Bad\r\ncontent-length: 1024\r\n\r\n", &BODY)).is_err());
    assert!(check(&response("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", &BODY)).is_err());
    assert!(check(&response(head, &[&BODY[..], b"x"].concat())).is_err());
}

#[test]
fn a_closed_loop_counts_what_the_backend_answers() {
    let backend = Backend::fixed(BODY.to_vec());
    let measured = closed_loop(backend.addr(), 4, Duration::from_millis(50), || 0).unwrap();
    assert!(measured.requests > 0 && measured.requests <= backend.answered());
    assert_eq!(backend.connections(), 4);
}

#[test]
fn a_fixed_rate_sends_as_many_as_the_time_holds() {
    let backend = Backend::fixed(BODY.to_vec());
    let measured = fixed_rate(backend.addr(), 4, 1000, Duration::from_millis(100), || 0).unwrap();
    assert_eq!(measured.requests, 100);
    assert!(measured.latency.quantile(0.5) > 0.0);
}

#[test]
fn a_fixed_rate_charges_a_stall_to_every_request_it_delays() {
    let backend = Backend::fixed(BODY.to_vec());
    let stalled = std::thread::scope(|scope| {
        let load =
            scope.spawn(|| fixed_rate(backend.addr(), 1, 1000, Duration::from_millis(60), || 0));
        assert!(crate::wait_until(TIMEOUT, || backend.answered() > 5));
        backend.set(Behaviour::body(BODY.to_vec()).held());
        let held = backend.answered();
        assert!(crate::wait_until(TIMEOUT, || backend.requests() > held));
        std::thread::sleep(Duration::from_millis(100));
        backend.set(Behaviour::body(BODY.to_vec()));
        backend.release(1);
        load.join().unwrap().unwrap()
    });
    assert_eq!(stalled.requests, 60);
    assert!(stalled.latency.quantile(0.6) > 1e6, "{}", stalled.latency.quantile(0.6));
}

#[test]
fn a_wrong_answer_fails_the_run() {
    let backend = Backend::start(Behaviour::status(503));
    let closed = closed_loop(backend.addr(), 2, Duration::from_millis(50), || 0);
    assert!(closed.unwrap_err().contains("503"));
    let paced = fixed_rate(backend.addr(), 2, 100, Duration::from_millis(50), || 0);
    assert!(paced.unwrap_err().contains("503"));
}

#[test]
fn held_connections_stay_open() {
    let backend = Backend::fixed(BODY.to_vec());
    let held = hold(backend.addr(), 20).unwrap();
    assert_eq!((backend.open(), backend.requests(), held.len()), (20, 20, 20));
}
