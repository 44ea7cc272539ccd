//! Callers who send or read a byte now and then, and go away in the middle of it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use tests::RawClient;

use crate::random::Random;
use crate::world::SERVICES;

/// Slow callers until told to stop, one after the other. What comes of them is the router's limits'
/// affair.
pub(crate) fn run(router: SocketAddr, mut random: Random, stop: &AtomicBool) {
    while !stop.load(Relaxed) {
        let host = random.below(SERVICES);
        let head = format!("POST / HTTP/1.1\r\nhost: s{host}\r\ncontent-length: 50\r\n\r\n");
        let request = head + &"z".repeat(50);
        // A head, a body, or nothing but an answer that takes its time to be read.
        let at_once = [0, request.len() - 50, request.len()][random.below(3)];
        let Ok(mut client) = RawClient::connect(router) else { continue };
        let mut sent = client.send(&request.as_bytes()[..at_once]);
        let patience = random.below(100);
        for byte in request.as_bytes()[at_once..].iter().take(patience) {
            if stop.load(Relaxed) || sent.is_err() {
                break;
            }
            // This slowness is what is tested.
            thread::sleep(Duration::from_millis(random.below(40) as u64));
            sent = client.send([*byte]);
        }
        if at_once == request.len() {
            let _ = client.timeout(Duration::from_millis(random.below(300) as u64 + 1)).head();
        }
    }
}
