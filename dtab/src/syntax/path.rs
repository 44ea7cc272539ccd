//! Productions of paths and prefixes.

use super::{Expected, Input, Parsed, Unexpected, token};
use crate::dentry::Prefix;
use crate::path::{Encoded, Path, encode, is_showable};
use nom::Parser;

/// `/`, or labels with a slash before each.
#[inline]
pub(crate) fn path(input: Input<'_>) -> Parsed<'_, Path> {
    if let Some((rest, encoded)) = plain(input) {
        return Ok((rest, Path::from_encoded(encoded)));
    }
    let (mut input, ()) = token(b'/').parse(input)?;
    let mut encoded = Encoded::new();
    if starts_label(input) {
        loop {
            (input, ()) = label(input, &mut encoded)?;
            match input.split_first() {
                Some((b'/', rest)) => input = rest,
                _ => break,
            }
        }
    }
    Ok((input, Path::from_encoded(encoded)))
}

/// As a path, whose elements may also be `*`.
#[inline]
pub(crate) fn prefix(input: Input<'_>) -> Parsed<'_, Prefix> {
    if let Some((rest, encoded)) = plain(input) {
        return Ok((rest, Prefix::from_encoded(encoded, false)));
    }
    let (mut input, ()) = token(b'/').parse(input)?;
    let mut encoded = Encoded::new();
    let mut wildcards = false;
    if starts_label(input) || input.first() == Some(&b'*') {
        loop {
            if let Some((b'*', rest)) = input.split_first() {
                encoded.push(0);
                wildcards = true;
                input = rest;
            } else {
                (input, ()) = label(input, &mut encoded)?;
            }
            match input.split_first() {
                Some((b'/', rest)) => input = rest,
                _ => break,
            }
        }
    }
    Ok((input, Prefix::from_encoded(encoded, wildcards)))
}

/// The most labels of a path that [`plain`] reads.
const PLAIN_LABELS: usize = 16;

/// Labels with a slash before each, if they are as nearly all are: without escapes, not many, and
/// short enough for a length of one byte. They are encoded as they are written, but for the length
/// of each label in the place of its slash. `None` leaves all else, mistakes too, to the productions.
#[inline]
fn plain(input: Input<'_>) -> Option<(Input<'_>, Encoded)> {
    if input.first() != Some(&b'/') {
        return None;
    }
    let mut slashes = [0_usize; PLAIN_LABELS];
    let mut labels = 1;
    let mut end = input.len();
    for (at, &byte) in input.iter().enumerate().skip(1) {
        if is_showable(byte) {
            continue;
        }
        if byte != b'/' {
            end = at;
            break;
        }
        *slashes.get_mut(labels)? = at;
        labels += 1;
    }
    let (run, rest) = input.split_at(end);
    if matches!(rest.first(), Some(b'\\' | b'*')) {
        return None;
    }
    let mut encoded = Encoded::from_slice(run);
    for &slash in slashes[..labels].iter().rev() {
        let label = end - slash - 1;
        if !(1..0x80).contains(&label) {
            return None;
        }
        (encoded[slash], end) = (label as u8, slash);
    }
    Some((rest, encoded))
}

fn starts_label(input: Input<'_>) -> bool {
    input.first().is_some_and(|&byte| byte == b'\\' || is_showable(byte))
}

/// One label, added to `encoded` with its escapes undone.
#[inline]
fn label<'a>(input: Input<'a>, encoded: &mut Encoded) -> Parsed<'a, ()> {
    let plain = input.iter().position(|&byte| !is_showable(byte)).unwrap_or(input.len());
    if input.get(plain) != Some(&b'\\') {
        if plain == 0 {
            return Unexpected::at(input, Expected::LabelChar);
        }
        encode(encoded, &input[..plain]);
        return Ok((&input[plain..], ()));
    }
    let mut label = input[..plain].to_vec();
    let mut rest = &input[plain..];
    loop {
        match rest.split_first() {
            Some((b'\\', escape)) => {
                let (after, byte) = escaped(escape)?;
                label.push(byte);
                rest = after;
            }
            Some((&byte, after)) if is_showable(byte) => {
                label.push(byte);
                rest = after;
            }
            _ => break,
        }
    }
    encode(encoded, &label);
    Ok((rest, ()))
}

/// `xNN`, behind the backslash.
fn escaped(input: Input<'_>) -> Parsed<'_, u8> {
    let (input, ()) = token(b'x').parse(input)?;
    let (input, high) = hex_digit(input)?;
    let (input, low) = hex_digit(input)?;
    Ok((input, high << 4 | low))
}

fn hex_digit(input: Input<'_>) -> Parsed<'_, u8> {
    match input.split_first().map(|(&byte, rest)| (char::from(byte).to_digit(16), rest)) {
        Some((Some(digit), rest)) => Ok((rest, digit as u8)),
        _ => Unexpected::at(input, Expected::HexDigit),
    }
}
