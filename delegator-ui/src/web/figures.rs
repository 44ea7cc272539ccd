//! Numbers as people read them, the same as `format.js` writes them. What is not known is a dash.

use serde_json::Value;

/// What stands for a number that is not known.
pub(crate) const NONE: &str = "–";

/// A number per second, without its unit: `0.25`, `12.5`, `480`, `12.3k`.
pub(crate) fn rate(value: &Value) -> String {
    known(value, |value| match value {
        0.0 => "0".to_owned(),
        v if v < 0.005 => "<0.01".to_owned(),
        v if v < 0.995 => format!("{v:.2}"),
        v if v < 99.95 => format!("{v:.1}"),
        v if v < 9_999.5 => grouped(v),
        v if v < 999_500.0 => format!("{:.1}k", v / 1e3),
        v => format!("{:.1}M", v / 1e6),
    })
}

/// A share of requests as `99.5 %`; what is not all is never rounded up to it.
pub(crate) fn share(value: &Value) -> String {
    known(value, |share| match share {
        1.0 => "100 %".to_owned(),
        share => format!("{:.1} %", (share * 1000.0).floor() / 10.0),
    })
}

/// Milliseconds as `0.4 ms`, `12 ms`, `1.25 s`, `3.5 min`.
pub(crate) fn duration(ms: &Value) -> String {
    known(ms, |ms| match ms {
        ms if ms < 9.95 => format!("{} ms", (ms * 10.0).round() / 10.0),
        ms if ms < 999.5 => format!("{ms:.0} ms"),
        ms if ms < 59_950.0 => format!("{} s", (ms / 10.0).round() / 100.0),
        ms => format!("{} min", (ms / 6000.0).round() / 10.0),
    })
}

/// A latency, which is known in whole milliseconds: none at all is less than one.
pub(super) fn latency(ms: &Value) -> String {
    if ms.as_f64() == Some(0.0) { "<1 ms".to_owned() } else { duration(ms) }
}

/// `1234567` as `1,234,567`.
pub(crate) fn count(value: &Value) -> String {
    known(value, grouped)
}

/// `1 address`, `2 addresses`.
pub(super) fn plural(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number as f64), if number == 1 { one } else { many })
}

fn known(value: &Value, write: impl FnOnce(f64) -> String) -> String {
    value.as_f64().map_or_else(|| NONE.to_owned(), write)
}

fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = if value < 0.0 { "-".to_owned() } else { String::new() };
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        let rates = [0.0, 0.001, 0.25, 12.345, 480.4, 1234.5, 12_345.0, 2_500_000.0];
        assert_eq!(
            rates.map(|value| rate(&json!(value))),
            ["0", "<0.01", "0.25", "12.3", "480", "1,234", "12.3k", "2.5M"]
        );
        let times = [0.04, 0.42, 9.0, 12.3, 1250.0, 210_000.0];
        assert_eq!(
            times.map(|ms| duration(&json!(ms))),
            ["0 ms", "0.4 ms", "9 ms", "12 ms", "1.25 s", "3.5 min"]
        );
        assert_eq!([0, 3].map(|ms| latency(&json!(ms))), ["<1 ms", "3 ms"]);
        assert_eq!(count(&json!(1_234_567)), "1,234,567");
        assert_eq!(plural(1, "client", "clients"), "1 client");
        assert_eq!(plural(0, "client", "clients"), "0 clients");
        assert_eq!(rate(&json!(null)), NONE);
    }

    #[test]
    fn what_is_not_all_is_not_said_to_be() {
        let shares = [1.0, 0.9999, 0.995, 0.0];
        assert_eq!(shares.map(|of| share(&json!(of))), ["100 %", "99.9 %", "99.5 %", "0.0 %"]);
    }
}
