//! `httpAccessLog…` of a router.

use std::path::PathBuf;

/// The access log of a router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLogConfig {
    /// `httpAccessLog`: the file; `-` is not special.
    pub file: PathBuf,
    /// `httpAccessLogRollPolicy`; never unless given.
    pub roll: RollPolicy,
    /// `httpAccessLogAppend`: whether what a file has is kept at start; true unless given.
    pub append: bool,
    /// `httpAccessLogRotateCount`: rolled files that are kept; all unless given.
    pub rotate_count: Option<u32>,
    /// `httpAccessLogFormat`: a key of ours; Linkerd's line unless given.
    pub format: AccessLogFormat,
}

/// When a log file is rolled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RollPolicy {
    /// `never`
    #[default]
    Never,
    /// `hourly`
    Hourly,
    /// `daily`
    Daily,
    /// `weekly(N)`: at the start of day N of the week, 1 being Sunday.
    Weekly(u8),
    /// `sighup`: opened anew on SIGHUP.
    Sighup,
    /// Such as `3.megabytes`: when it has more than so many bytes.
    Size(u64),
}

/// What a line looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AccessLogFormat {
    /// `common`: Linkerd's line, the combined format with the Host in front.
    #[default]
    Common,
    /// `json`: an object with more: names, endpoint, timings, retries, overrides.
    Json,
}
