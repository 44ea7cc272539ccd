//! `backoff` of retries and of failure accrual: the waits between tries.

use std::time::Duration;

use crate::config::error::Code;
use crate::config::keys::{Absent::*, Key, Type, key};
use crate::config::reader::Object;
use crate::config::value;

/// A sequence of waits without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackoffConfig {
    /// `constant`: always the same.
    Constant {
        /// `ms`; 0 unless given.
        wait: Duration,
    },
    /// `jittered`: decorrelated jitter.
    Jittered {
        /// `minMs`: the first wait.
        min: Duration,
        /// `maxMs`: the longest.
        max: Duration,
    },
    /// Half of it random; what failure accrual does unless told otherwise. It has no name.
    EqualJittered {
        /// The first wait.
        start: Duration,
        /// The longest.
        max: Duration,
    },
}

/// The keys of `constant`.
pub(super) static CONSTANT_KEYS: &[Key] =
    &[key("ms", Type::Millis(0), Is("0"), "How long each wait is.")];

/// The keys of `jittered`.
pub(super) static JITTERED_KEYS: &[Key] = &[
    key("minMs", Type::Millis(1), Required, "The first wait, and the shortest."),
    key("maxMs", Type::Millis(1), Required, "The longest wait; at least minMs."),
];

pub(super) fn read_constant(object: &mut Object<'_>) -> Option<BackoffConfig> {
    let wait = object.optional("ms", value::millis).unwrap_or(Duration::ZERO);
    Some(BackoffConfig::Constant { wait })
}

pub(super) fn read_jittered(object: &mut Object<'_>) -> Option<BackoffConfig> {
    let mut bound = |key| match object.get(key) {
        Some(field) => value::limit_millis(&field),
        None => object.field.error(Code::Missing, format!("'{key}' must be specified")).none(),
    };
    let (min, max) = (bound("minMs"), bound("maxMs"));
    let (min, max) = min.zip(max)?;
    if min > max {
        let message =
            format!("`minMs` {} is more than `maxMs` {}", min.as_millis(), max.as_millis());
        return object.field.error(Code::Conflict, message).none();
    }
    Some(BackoffConfig::Jittered { min, max })
}
