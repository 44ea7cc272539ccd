//! Durations as Twitter's tools write them: `10.seconds`, `1.minute + 500.millis`.

use std::time::Duration;

/// Reads a duration; `None` if it is none, or negative.
pub(super) fn parse(text: &str) -> Option<Duration> {
    text.split('+').map(term).try_fold(Duration::ZERO, |sum, term| sum.checked_add(term?))
}

fn term(text: &str) -> Option<Duration> {
    let (number, unit) = text.trim().split_once('.')?;
    let number: u64 = number.parse().ok()?;
    let seconds = |each: u64| number.checked_mul(each).map(Duration::from_secs);
    match unit.to_ascii_lowercase().trim_end_matches('s') {
        "day" => seconds(24 * 60 * 60),
        "hour" => seconds(60 * 60),
        "minute" => seconds(60),
        "second" => seconds(1),
        "millisecond" | "milli" => Some(Duration::from_millis(number)),
        "microsecond" | "micro" => Some(Duration::from_micros(number)),
        "nanosecond" | "nano" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_twitter_writes_them() {
        assert_eq!(parse("10.seconds"), Some(Duration::from_secs(10)));
        assert_eq!(parse("1.minute + 500.millis"), Some(Duration::from_millis(60_500)));
        for bad in ["", "10", "10.parsecs", "-1.second", "1.5.seconds", "99999999999999999999.days"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
