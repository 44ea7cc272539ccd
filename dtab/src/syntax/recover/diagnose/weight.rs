//! Mistakes in and around weights.

use std::ops::Range;

use super::label::{wildcard, without_slash};
use super::{Finding, Spot, error};
use crate::diagnostic::Code;
use crate::syntax::Expected;
use crate::syntax::scan::{self, Kind};

/// In a weight, or behind one where `*` should be.
pub(super) fn bad_number(spot: &Spot<'_>) -> Finding {
    // The number began with the last token that is one, or the spot is that number.
    let number = spot.last().filter(|token| token.kind == Kind::Number);
    let start = match number {
        Some(number) if spot.expected != Expected::Number => number.range.start,
        _ => spot.at,
    };
    let end = start + word(&spot.text[start..]).len().max(1);
    let behind = spot.skipped(end);
    if behind.starts_with('*') {
        return bad_weight(spot, start..end);
    }
    if spot.expected == Expected::Char('*') && end == spot.behind() {
        let at = spot.behind();
        if matches!(spot.found(), Some('/' | '(' | '~' | '!' | '$')) {
            return error(
                Code::WeightWithoutStar,
                start..at,
                "a weight without `*`",
                "`*` is missing behind this",
            )
            .help("a weighted destination is written `0.5 * /path`")
            .mended(at..at, " *");
        }
        if matches!(spot.found(), Some('x' | 'X' | '×' | '·')) {
            let star = spot.here();
            return error(
                Code::WeightWithoutStar,
                star.clone(),
                "a weight without `*`",
                "`*` is meant",
            )
            .help("a weighted destination is written `0.5 * /path`")
            .mended(star, "*");
        }
    }
    without_slash(spot, start..end, start)
}

/// A number or word as people write it, signs, commas and percent signs included.
pub(super) fn word(text: &str) -> &str {
    let digits = text.starts_with(|first: char| first.is_ascii_digit());
    let end = text.find(|char: char| match char {
        ',' => !digits,
        _ => !char.is_alphanumeric() && !"._:#$%-+/\\".contains(char),
    });
    text[..end.unwrap_or(text.len())].trim_end_matches(',')
}

pub(super) fn bad_weight(spot: &Spot<'_>, range: Range<usize>) -> Finding {
    let text = &spot.text[range.clone()];
    if let Some(number) = text.strip_prefix('-').filter(|rest| rest.parse::<f64>().is_ok()) {
        return error(
            Code::NegativeWeight,
            range.clone(),
            "a weight cannot be negative",
            "below zero",
        )
        .help(format!("write `{number}`, or `0` for a destination that gets no requests"))
        .assuming(range, "1");
    }
    let (help, number) = if let Some(number) = text.strip_suffix('%') {
        let help = "weights count in proportion to each other: write the number alone";
        (help, Some(number.to_owned()))
    } else if text.contains(',') {
        ("the decimal point is a dot", Some(text.replace(',', ".")))
    } else if let Some(number) = text.strip_prefix('+') {
        ("write the number without a sign", Some(number.to_owned()))
    } else if text.contains(['e', 'E']) && text.parse::<f64>().is_ok() {
        ("write the number out, without an exponent", None)
    } else {
        ("a weight is digits with at most one dot: `3`, `0.25`, `.5`", None)
    };
    let message = format!("`{text}` is not a weight");
    let error = error(Code::BadWeight, range.clone(), message, "not a number").help(help);
    let digits = |number: &String| number.bytes().all(|it| it.is_ascii_digit() || it == b'.');
    match number.filter(|number| digits(number) && number.parse::<f64>().is_ok()) {
        Some(number) => error.mended(range, number),
        None => error.assuming(range, "1"),
    }
}

/// `/a * 0.5`, or a star that has lost its weight.
pub(super) fn weight_behind(spot: &Spot<'_>) -> Finding {
    let behind = spot.skipped(spot.at + 1);
    let number = scan::number(behind);
    let start = spot.text.len() - behind.len();
    if number.is_empty() {
        return wildcard(spot);
    }
    let range = spot.at..start + number.len();
    let mut diagnostic = error(
        Code::WeightAfterDestination,
        range.clone(),
        "a weight behind its destination",
        "the weight comes first",
    );
    if let Some(last) = spot.last().filter(|last| last.kind == Kind::Run) {
        let path = &spot.text[last.range.clone()];
        diagnostic = diagnostic.help(format!("write `{number} * {path}`"));
    }
    diagnostic.assuming(range, "")
}
