//! Mistakes within paths.

use std::ops::Range;

use super::{Finding, Goal, Spot, error, name};
use crate::diagnostic::Code;
use crate::syntax::scan::{self, Kind};

pub(super) fn bad_escape(spot: &Spot<'_>) -> Finding {
    // The production stopped up to three characters behind the backslash.
    let start = spot.text[..spot.at].rfind('\\').unwrap_or(spot.at);
    let behind = &spot.text[start + 1..];
    let digits = |text: &str| text.chars().take_while(char::is_ascii_hexdigit).take(2).count();
    let length = match behind.strip_prefix(['x', 'X']) {
        Some(hex) => 1 + digits(hex),
        None => behind
            .chars()
            .next()
            .filter(|char| !char.is_whitespace() && !";/=".contains(*char))
            .map_or(0, char::len_utf8),
    };
    let range = start..start + 1 + length;
    let error = error(
        Code::BadEscape,
        range.clone(),
        format!("`{}` is not an escape", &spot.text[range.clone()]),
        "not a whole `\\xNN`",
    ).help(
        "a byte is written `\\x` and two hexadecimal digits: a space is `\\x20`, a backslash `\\x5c`",
    );
    error.assuming(range, "x")
}

/// A slash without a label behind it.
pub(super) fn no_label(spot: &Spot<'_>) -> Finding {
    let slash = spot.at.saturating_sub(1)..spot.at;
    match spot.found() {
        Some('/') => empty_label(spot),
        Some('*') => wildcard(spot),
        Some(found) if is_stray(found) => bad_character(spot, found),
        _ => error(
            Code::TrailingSlash,
            slash.clone(),
            "a path cannot end in `/`",
            "no label follows this slash",
        )
        .help("remove the slash, or write the label that should follow it")
        .mended(slash, ""),
    }
}

pub(super) fn empty_label(spot: &Spot<'_>) -> Finding {
    let more = spot.rest().bytes().take_while(|&byte| byte == b'/').count();
    let range = spot.at - 1..spot.at + more;
    error(
        Code::EmptyLabel,
        range.clone(),
        "an empty label in a path",
        "nothing between the slashes",
    )
    .help("write a single `/`, or the label that is missing")
    .mended(range, "/")
}

/// Whether people may have meant this as a part of a label.
pub(super) fn is_stray(char: char) -> bool {
    !char.is_ascii()
        && !char.is_whitespace()
        && scan::arrow(char.encode_utf8(&mut [0; 4])).is_none()
        || "@+%?^[]{}<>".contains(char)
        || char.is_ascii_control() && !char.is_ascii_whitespace()
}

pub(super) fn bad_character(spot: &Spot<'_>, found: char) -> Finding {
    // All that is wrong in a row is one mistake.
    let length = spot.rest().chars().take_while(|&char| char == found || !char.is_ascii());
    let length = length.take_while(|&char| is_stray(char)).map(char::len_utf8).sum();
    let range = spot.next(length);
    let escaped = spot.text[range.clone()]
        .bytes()
        .fold(String::new(), |escaped, byte| format!("{escaped}\\x{byte:02x}"));
    let message = format!("{} cannot stand in a path", name(found));
    error(Code::BadCharacter, range.clone(), message, "not a character of a label")
        .help(format!(
            "labels hold letters, digits and `_ : . # $ % -`; if it belongs to the label, write \
             `{escaped}`"
        ))
        .mended(range, escaped)
}

pub(super) fn without_slash(spot: &Spot<'_>, word: Range<usize>, slash: usize) -> Finding {
    let text = &spot.text[word.clone()];
    let help = match text {
        "neg" | "nil" | "none" => {
            format!("write `/{text}`, or `~` for nothing, so that others are tried")
        }
        "fail" | "error" => format!("write `/{text}`, or `!` to fail at once"),
        "empty" => format!("write `/{text}`, or `$` for an empty set of addresses"),
        _ => format!("write `/{}`", text.get(slash - word.start..).unwrap_or(text)),
    };
    error(Code::PathWithoutSlash, word, "a path without `/`", "a path begins with `/`")
        .help(help)
        .mended(slash..slash, "/")
}

/// Mistakes right behind a path, which the path was probably to go on with.
pub(super) fn touching_path(spot: &Spot<'_>, found: char) -> Option<Finding> {
    let path = spot.touching().filter(|token| token.kind == Kind::Run)?;
    let path = &spot.text[path.range.clone()];
    match found {
        '/' if path.ends_with('/') => Some(empty_label(spot)),
        '/' if path.ends_with('*') => None,
        '*' => Some(wildcard(spot)),
        _ if path.ends_with('*') && !scan::run(spot.rest()).is_empty() => Some(wildcard(spot)),
        _ if is_stray(found) => {
            let arrow = found == '>' && path.ends_with('-') || found == '<';
            (!arrow).then(|| bad_character(spot, found))
        }
        _ => None,
    }
}

pub(super) fn wildcard(spot: &Spot<'_>) -> Finding {
    // The whole label around the star.
    let edge = |char: char| char == '/' || !char.is_ascii() || " \t\n;=|&()".contains(char);
    let start =
        spot.text[..spot.at].rfind(edge).map_or(0, |at| spot.text.ceil_char_boundary(at + 1));
    let end = spot.text[spot.at..].find(edge).map_or(spot.text.len(), |length| spot.at + length);
    let label = start.min(spot.at)..end;
    if spot.in_prefix {
        let text = &spot.text[label.clone()];
        return error(
            Code::WildcardPartOfLabel,
            label.clone(),
            format!("`*` as a part of the label `{text}`"),
            "`*` is always a whole label",
        )
        .help("write `/*`, which stands for any one label; a star itself is `\\x2a`")
        .assuming(label, "*");
    }
    let range = spot.here();
    if spot.touches(Kind::Run) || spot.text[..spot.at].ends_with('/') {
        let help = if spot.goal == Goal::Entry {
            "what follows the prefix is added to the destination by itself: leave `*` out; what \
             matched a `*` of the prefix cannot be used"
        } else {
            "`*` is for prefixes of entries; a star itself is written `\\x2a`"
        };
        return error(
            Code::WildcardInDestination,
            range.clone(),
            if spot.goal == Goal::Entry { "`*` in a destination" } else { "`*` in a path" },
            "`*` means something only in a prefix",
        )
        .help(help)
        .assuming(range, "x");
    }
    error(Code::WildcardInDestination, range.clone(), "`*` in a destination", "not a destination")
        .help("`/` adds the rest of the name to nothing; `~` stands for nothing")
        .assuming(range, "/")
}
