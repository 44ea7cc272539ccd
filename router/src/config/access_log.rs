//! `httpAccessLog…` of an http router, `h2AccessLog…` of an h2 router.

use std::path::PathBuf;

use super::error::{Code, clip};
use super::keys::{Absent::*, Key, Type, key};
use super::reader::{Field, Object};
use super::value;

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

/// What the keys of a router are called that are about its access log.
pub(super) struct Names {
    file: &'static str,
    roll: &'static str,
    append: &'static str,
    rotate_count: &'static str,
    format: &'static str,
}

/// Those of an http router.
pub(super) const HTTP: Names = Names {
    file: "httpAccessLog",
    roll: "httpAccessLogRollPolicy",
    append: "httpAccessLogAppend",
    rotate_count: "httpAccessLogRotateCount",
    format: "httpAccessLogFormat",
};

/// Those of an h2 router.
pub(super) const H2: Names = Names {
    file: "h2AccessLog",
    roll: "h2AccessLogRollPolicy",
    append: "h2AccessLogAppend",
    rotate_count: "h2AccessLogRotateCount",
    format: "h2AccessLogFormat",
};

/// The keys of these names.
pub(super) const fn keys(names: &Names) -> [Key; 5] {
    [
        key(
            names.file,
            Type::Text,
            Means("no log"),
            "The file that gets one line for each request that was sent to a service.",
        ),
        key(
            names.roll,
            Type::Form("roll policy"),
            Is("never"),
            "When a new file is begun: never, hourly, daily, weekly(1) for Sundays to weekly(7), \
             sighup, or at a size such as 3.megabytes.",
        ),
        key(
            names.append,
            Type::Boolean,
            Is("true"),
            "Whether lines that the file already has at start are kept.",
        ),
        key(
            names.rotate_count,
            Type::Integer(-1, value::MAX),
            Is("-1"),
            "Rolled files that are kept; -1 keeps them all.",
        ),
        key(
            names.format,
            Type::Words(&["common", "json"]),
            Is("common"),
            "What a line looks like: Linkerd's line, or a JSON object that also has names, endpoint, \
             timings, retries and overrides.",
        )
        .ours(),
    ]
}

/// The keys of a router. Those that say how the log is written are checked without a log, too.
pub(super) fn read(object: &mut Object<'_>, names: &Names) -> Option<AccessLogConfig> {
    const FORMATS: &[(&str, AccessLogFormat)] =
        &[("common", AccessLogFormat::Common), ("json", AccessLogFormat::Json)];
    let file = object.optional(names.file, value::text);
    let roll = object.optional(names.roll, read_policy).unwrap_or_default();
    let append = object.optional(names.append, value::boolean).unwrap_or(true);
    let rotate_count = object
        .optional(names.rotate_count, value::integer::<i32>(-1..=value::MAX))
        .and_then(|count| u32::try_from(count).ok());
    let format = object.optional(names.format, value::word(FORMATS)).unwrap_or_default();
    Some(AccessLogConfig { file: file?.into(), roll, append, rotate_count, format })
}

fn read_policy(field: &Field<'_>) -> Option<RollPolicy> {
    let text = value::text(field)?;
    let policy = policy(&text.to_ascii_lowercase());
    if policy.is_none() {
        let message = format!("Invalid log roll policy: {}", clip(&text));
        field.error(Code::Invalid, message).help(
            "it is never, hourly, daily, weekly(1) for Sundays to weekly(7), sighup, or a size such as 3.megabytes",
        );
    }
    policy
}

/// A policy in lower case, as Twitter's util library has them, sizes in powers of 1024.
fn policy(text: &str) -> Option<RollPolicy> {
    match text {
        "never" => return Some(RollPolicy::Never),
        "hourly" => return Some(RollPolicy::Hourly),
        "daily" => return Some(RollPolicy::Daily),
        "sighup" => return Some(RollPolicy::Sighup),
        _ => {}
    }
    if let Some(day) = text.strip_prefix("weekly(").and_then(|text| text.strip_suffix(')')) {
        let day = day.parse().ok().filter(|day| (1..=7).contains(day));
        return day.map(RollPolicy::Weekly);
    }
    let (count, unit) = text.split_once('.')?;
    let shift = match unit.strip_suffix('s').unwrap_or(unit) {
        "byte" => 0,
        "kilobyte" => 10,
        "megabyte" => 20,
        "gigabyte" => 30,
        "terabyte" => 40,
        _ => return None,
    };
    let count: u64 = count.parse().ok().filter(|count| *count > 0)?;
    count.checked_mul(1 << shift).map(RollPolicy::Size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roll_policy_is_a_time_a_signal_or_a_size() {
        assert_eq!(policy("never"), Some(RollPolicy::Never));
        assert_eq!(policy("sighup"), Some(RollPolicy::Sighup));
        assert_eq!(policy("weekly(1)"), Some(RollPolicy::Weekly(1)));
        assert_eq!(policy("3.megabytes"), Some(RollPolicy::Size(3 << 20)));
        assert_eq!(policy("1.gigabyte"), Some(RollPolicy::Size(1 << 30)));
        for wrong in [
            "weekly(0)",
            "weekly(8)",
            "weekly",
            "0.bytes",
            "-1.byte",
            "1.5.megabytes",
            "99999999999999.terabytes",
            "3 megabytes",
            "",
        ] {
            assert_eq!(policy(wrong), None, "{wrong}");
        }
    }
}
