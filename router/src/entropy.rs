//! Random numbers for ids and labels: fast, different for every thread and process, and no secret.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

thread_local! {
    // The standard library's hasher keys are seeded by the operating system.
    static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(std::thread::current().id()));
}

/// The next number (SplitMix64), evenly spread over all values.
pub(crate) fn next_u64() -> u64 {
    STATE.with(|state| {
        let next = state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        state.set(next);
        let mut bits = next;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    })
}

/// The next number from 0 up to, but not, 1.
pub(crate) fn next_unit() -> f64 {
    (next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Makes this thread's numbers those that follow from a seed.
#[cfg(test)]
pub(crate) fn seed(seed: u64) {
    STATE.with(|state| state.set(seed));
}
