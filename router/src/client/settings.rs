//! What a service says of the streams that it takes at a time.
//!
//! The codec obeys it and does not tell when it changes. So the frames that come in are followed, as
//! far as to find the settings among them (RFC 9113, 6.5).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::sync::Notify;

use crate::http::frames::{ACK, Frames, Piece, kind};

/// Bytes of one setting.
const SETTING: usize = 6;

/// What is taken for the streams of a service that has not said yet how many it takes: the least that is
/// recommended (RFC 9113, 6.5.2).
const ASSUMED: usize = 100;

/// How many streams a service takes at a time. Who reads and who asks are on one thread; it is atomic since
/// the same kind of socket may become a tunnel, which has to be `Send`.
#[derive(Clone, Debug)]
pub(super) struct MostStreams(Arc<Told>);

#[derive(Debug)]
struct Told {
    most: AtomicUsize,
    first: Notify,
}

impl MostStreams {
    pub(super) fn new() -> Self {
        MostStreams(Arc::new(Told { most: AtomicUsize::new(ASSUMED), first: Notify::new() }))
    }

    pub(super) fn now(&self) -> usize {
        self.0.most.load(Relaxed)
    }

    /// Waits for the first settings.
    pub(super) async fn told(&self) {
        self.0.first.notified().await;
    }
}

/// Finds the settings in what a service sends.
#[derive(Debug)]
pub(super) struct Settings {
    most: MostStreams,
    frames: Frames,
    /// The setting that is being read.
    setting: [u8; SETTING],
    have: usize,
    in_settings: bool,
    seen_any: bool,
}

impl Settings {
    pub(super) fn new(most: MostStreams) -> Self {
        Settings {
            most,
            frames: Frames::default(),
            setting: [0; SETTING],
            have: 0,
            in_settings: false,
            seen_any: false,
        }
    }

    pub(super) fn follow(&mut self, mut bytes: &[u8]) {
        while let Some(piece) = self.frames.next(&mut bytes) {
            let left = match piece {
                Piece::Head { kind, flags, length } => {
                    self.in_settings = kind == kind::SETTINGS && flags & ACK == 0;
                    self.have = 0;
                    if self.in_settings && !self.seen_any {
                        // Whoever does not say takes any number.
                        self.most.0.most.store(usize::MAX, Relaxed);
                    }
                    length
                }
                Piece::Payload { bytes, left } => {
                    if self.in_settings {
                        self.read(bytes);
                    }
                    left
                }
            };
            if self.in_settings && left == 0 {
                self.seen_any = true;
                self.most.0.first.notify_one();
            }
        }
    }

    fn read(&mut self, bytes: &[u8]) {
        const MAX_CONCURRENT_STREAMS: [u8; 2] = [0, 3];
        for &byte in bytes {
            self.setting[self.have] = byte;
            self.have = (self.have + 1) % SETTING;
            let [one, other, value @ ..] = self.setting;
            if self.have == 0 && [one, other] == MAX_CONCURRENT_STREAMS {
                self.most.0.most.store(u32::from_be_bytes(value) as usize, Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::frames::tests::frame;

    /// What is known after each of these frames, however they are cut.
    fn known(frames: &[Vec<u8>]) -> Vec<usize> {
        let mut all = Vec::new();
        for size in [1, 4, 1000] {
            let mut settings = Settings::new(MostStreams::new());
            let after = frames.iter().map(|frame| {
                frame.chunks(size).for_each(|part| settings.follow(part));
                settings.most.now()
            });
            let after: Vec<_> = after.collect();
            assert!(all.is_empty() || all == after, "cut into {size}: {after:?}");
            all = after;
        }
        all
    }

    #[test]
    fn a_service_says_how_many_streams_it_takes_and_may_say_so_again() {
        let most = |n: u8| frame(4, 0, &[0, 2, 0, 0, 0, 0, 0, 3, 0, 0, 0, n]);
        let data = frame(0, 0, &[0, 3, 0, 0, 0, 9]);
        assert_eq!(known(&[most(1), data.clone(), most(7)]), [1, 1, 7]);
        let other = frame(4, 0, &[0, 4, 0, 0, 0, 9]);
        assert_eq!(known(&[other.clone(), most(5), other]), [usize::MAX, 5, 5]);
        assert_eq!(
            known(&[data, frame(4, 1, &[]), frame(4, 0, &[])]),
            [ASSUMED, ASSUMED, usize::MAX]
        );
    }
}
