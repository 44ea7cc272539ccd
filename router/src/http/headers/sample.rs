//! `l5d-sample`: how likely this request is to be traced.

use http::{HeaderMap, HeaderValue};

use super::{SAMPLE, text};

/// The sample rate that a caller asks for, between 0 and 1; the first header line counts.
///
/// A value outside that range is the nearer end of it. One that is no number (by Java's rules, which
/// know `1d` and `0x1p-2`) is as good as none.
pub fn read(headers: &HeaderMap) -> Option<f32> {
    read_value(headers.get(SAMPLE)?)
}

/// A sample rate as headers have it.
pub(super) fn read_value(value: &HeaderValue) -> Option<f32> {
    Some(parse(&text(value))?.clamp(0.0, 1.0))
}

/// Reads the sample rate and removes its header.
pub fn take(headers: &mut HeaderMap) -> Option<f32> {
    let rate = read(headers);
    headers.remove(SAMPLE);
    rate
}

/// A number as `java.lang.Float.parseFloat` reads it.
fn parse(text: &str) -> Option<f32> {
    let text = text.trim_matches(|c| c <= ' ');
    let (negative, number) = match text.strip_prefix(['+', '-']) {
        Some(number) => (text.starts_with('-'), number),
        None => (false, text),
    };
    let value = match number {
        "NaN" => f32::NAN,
        "Infinity" => f32::INFINITY,
        _ => {
            let number = number.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(number);
            match number.strip_prefix("0x").or_else(|| number.strip_prefix("0X")) {
                Some(hex) => parse_hex(hex)?,
                // Rust also knows words such as `inf`, which Java does not.
                None if number.bytes().all(|byte| b"0123456789.eE+-".contains(&byte))
                    && number.starts_with(|c: char| c.is_ascii_digit() || c == '.') =>
                {
                    number.parse().ok()?
                }
                None => return None,
            }
        }
    };
    Some(if negative { -value } else { value })
}

/// A hexadecimal number behind its `0x`: digits with at most one dot, `p`, and a power of two.
fn parse_hex(text: &str) -> Option<f32> {
    let (digits, power) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0.0_f64;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let power: i32 = power.parse().ok()?;
    let places = i32::try_from(fraction.len()).ok()?.checked_mul(4)?;
    Some((value * 2.0_f64.powi(power.checked_sub(places)?)) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_java_does() {
        let same = [
            ("0.5", 0.5),
            (" 1 ", 1.0),
            ("1d", 1.0),
            ("1.f", 1.0),
            (".5F", 0.5),
            ("5e-1", 0.5),
            ("+.25", 0.25),
            ("-1", -1.0),
            ("-Infinity", f32::NEG_INFINITY),
            ("0x1p-2", 0.25),
            ("0X.8P0f", 0.5),
        ];
        for (text, value) in same {
            assert_eq!(parse(text), Some(value), "{text}");
        }
        for text in [
            "", ".", "1e", "inf", "infinity", "nan", "d", "1 d", "--1", "0x1", "0xp1", "1_0", "50%",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
