//! Mistakes between the parts of a destination, and at its end.

use super::label::{touching_path, wildcard, without_slash};
use super::weight::{bad_weight, weight_behind, word};
use super::{Finding, Goal, PLACEHOLDER, Spot, error, missing_semicolon, name, stray};
use crate::diagnostic::Code;
use crate::span::Span;
use crate::syntax::scan::{self, Kind};

/// Where a path, `~`, `!`, `$` or a parenthesis should be.
pub(super) fn no_destination(spot: &Spot<'_>) -> Finding {
    let word = word(spot.rest());
    let end = spot.at + word.len();
    match spot.found() {
        None | Some(';' | '|' | '&' | ')') => missing_operand(spot),
        Some('*') if spot.skipped(spot.at + 1).starts_with(['/', '(', '~', '!', '$']) => {
            error(Code::BadWeight, spot.here(), "no weight before `*`", "a number is missing here")
                .help("write a weight such as `0.5` before the `*`, or leave the `*` out")
                .assuming(spot.here(), "")
        }
        Some('*') => wildcard(spot),
        Some(_) if !word.is_empty() && spot.skipped(end).starts_with('*') => {
            bad_weight(spot, spot.at..end)
        }
        Some(_) if word.starts_with(['-', '+']) && word[1..].starts_with('/') => {
            error(Code::UnexpectedText, spot.next(1), "a sign before a path", "not understood")
                .help("write the path alone")
                .mended(spot.next(1), "")
        }
        Some(_) if scan::arrow(spot.rest()).is_some() => {
            second_arrow(spot, scan::arrow(spot.rest()).unwrap_or_default())
        }
        Some(_) if !scan::run(spot.rest()).is_empty() => {
            let run = scan::run(spot.rest()).len();
            without_slash(spot, spot.next(run), spot.at)
        }
        Some(',') => comma(spot),
        Some(found) => stray(spot, found),
    }
}

/// `#/name` behind an arrow or operator: a comment, though a path was meant.
pub(super) fn path_in_comment(spot: &Spot<'_>) -> Option<Finding> {
    let behind = spot.text[spot.behind()..spot.at].trim_start();
    let start = spot.at - behind.len();
    let word = behind.split_whitespace().next().filter(|word| word.starts_with("#/"))?;
    let range = start..start + word.trim_end_matches(';').len();
    let path = &spot.text[range.clone()];
    let found = error(
        Code::PathWithoutSlash,
        range.clone(),
        "a path without `/`",
        "read as a comment, to the end of the line",
    )
    .help(format!("write `/{path}`: a `#` is part of a path only behind its `/`"));
    Some(found.mended(start..start, "/"))
}

pub(super) fn missing_operand(spot: &Spot<'_>) -> Finding {
    if let Some(finding) = path_in_comment(spot) {
        return finding;
    }
    let at = spot.behind();
    let before = spot.last().map_or(at..at, |last| last.range.clone());
    match spot.last().map(|last| last.kind) {
        Some(Kind::Char(operator @ ('|' | '&'))) => {
            if spot.found() == Some(operator) {
                return error(
                    Code::MissingOperand,
                    spot.here(),
                    format!("`{operator}{operator}` instead of `{operator}`"),
                    "a destination is missing before this",
                )
                .help(format!("write `{operator}` once"))
                .mended(spot.here(), "");
            }
            let help = match operator {
                '|' => "write the path to try next behind it, or remove the `|`",
                _ => "write the path that shares the requests behind it, or remove the `&`",
            };
            error(
                Code::MissingOperand,
                before,
                format!("nothing behind `{operator}`"),
                "a destination must follow",
            )
            .help(help)
            .assuming(at..at, PLACEHOLDER)
        }
        Some(Kind::Char('*')) => error(
            Code::MissingOperand,
            before,
            "nothing behind the weight",
            "a destination must follow",
        )
        .help("write what the weight is for, such as `0.5 * /path`")
        .assuming(at..at, PLACEHOLDER),
        Some(Kind::Char('(')) if spot.found() == Some(')') => error(
            Code::EmptyParentheses,
            before.start..spot.here().end,
            "empty parentheses",
            "no destination in here",
        )
        .help("write a path in them, or `~` in their place if nothing is meant")
        .assuming(at..at, PLACEHOLDER),
        _ if matches!(spot.found(), Some('|' | '&')) => error(
            Code::MissingOperand,
            spot.here(),
            format!("nothing before {}", spot.found_name()),
            "a destination must come first",
        )
        .help("remove it, or write a destination before it")
        .assuming(at..at, PLACEHOLDER),
        _ if spot.found() == Some(')') && spot.open_parentheses().is_empty() => closing(spot),
        Some(Kind::Char('(')) => error(
            Code::UnclosedParenthesis,
            before,
            "a parenthesis that is never closed",
            "nothing follows it",
        )
        .help("write a destination and `)` behind it, or remove it")
        .assuming(at..at, " !)"),
        last => {
            let message = match last {
                Some(Kind::Arrow) => "an entry without a destination",
                _ => "no destination",
            };
            error(Code::MissingDestination, before, message, "a destination must follow")
                .help(
                    "write a path such as `/host`; nothing on purpose is `~` (look elsewhere), \
                     `!` (fail) or `$` (empty)",
                )
                .assuming(at..at, PLACEHOLDER)
        }
    }
}

/// Behind a destination, where the entry should end or a `)`, `|` or `&` follow.
pub(super) fn after_destination(spot: &Spot<'_>) -> Finding {
    let open = spot.open_parentheses();
    let Some(found) = spot.found() else { return unclosed(spot, &open) };
    if let Some(finding) = touching_path(spot, found) {
        return finding;
    }
    let next_entry = scan::begins_entry(spot.text, spot.at);
    let run = scan::run(spot.rest());
    match found {
        ';' => unclosed(spot, &open),
        _ if !run.is_empty() && next_entry && !open.is_empty() => unclosed(spot, &open),
        _ if !run.is_empty() && next_entry && spot.goal == Goal::Entry => {
            let at = spot.behind();
            let diagnostic = missing_semicolon(at, spot.next(run.len()));
            diagnostic.assuming(at..at, " ;")
        }
        ')' => closing(spot),
        ',' => comma(spot),
        '*' => weight_behind(spot),
        _ if scan::arrow(spot.rest()).is_some() => {
            second_arrow(spot, scan::arrow(spot.rest()).unwrap_or_default())
        }
        '/' if spot.touches(Kind::Run) && spot.text[..spot.at].ends_with('$') => {
            // `$/inet` reads as the constant `$` and a path behind it.
            without_slash(spot, spot.at - 1..spot.at + run.len(), spot.at - 1)
        }
        '~' | '!' | '$' if spot.text[..spot.behind()].ends_with(found) => {
            error(Code::DoubledConstant, spot.here(), format!("`{found}` twice"), "one is enough")
                .help(format!("write `{found}` once"))
                .mended(spot.here(), "")
        }
        '0'..='9' | '.' | '/' | '~' | '!' | '$' | '(' => missing_operator(spot),
        _ if !run.is_empty() && spot.goal == Goal::Path => missing_operator(spot),
        _ if !run.is_empty() => {
            let word = spot.next(run.len());
            if spot.text[spot.behind()..spot.at].contains('\n') {
                return missing_operator(spot);
            }
            error(
                Code::SpaceInPath,
                spot.behind()..word.start,
                "a space in a path",
                "the path ends here",
            )
            .help(
                "write a space that belongs to the label as `\\x20`; if the word is a destination \
                 of its own, write `|` or `&` and a `/` before it",
            )
            .assuming(spot.behind()..word.start, "\\x20")
        }
        _ => misplaced(spot, found),
    }
}

pub(super) fn misplaced(spot: &Spot<'_>, found: char) -> Finding {
    let goes_on = spot.skipped(spot.here().end).starts_with(['/', '(', '~', '!', '$']);
    error(
        Code::UnexpectedText,
        spot.here(),
        format!("{} has no meaning here", name(found)),
        "`;`, `|` or `&` is wanted here",
    )
    .help("end the entry with `;`, or go on with `|` (a fallback) or `&` (a share)")
    .assuming(spot.here(), if goes_on { "|" } else { "" })
}

pub(super) fn unclosed(spot: &Spot<'_>, open: &[usize]) -> Finding {
    let at = spot.behind();
    let Some(&opener) = open.last() else {
        return stray(spot, spot.found().unwrap_or(' '));
    };
    error(
        Code::UnclosedParenthesis,
        opener..opener + 1,
        "a parenthesis that is never closed",
        "opened here",
    )
    .label(Span::new(at, at), "`)` is missing, here at the latest")
    .help("every `(` needs a `)` before the `;` of its entry")
    .assuming(at..at, ")")
}

pub(super) fn closing(spot: &Spot<'_>) -> Finding {
    error(
        Code::UnexpectedParenthesis,
        spot.here(),
        "a `)` without a `(`",
        "no parenthesis is open here",
    )
    .help("remove it, or write the `(` where it belongs")
    .assuming(spot.here(), "")
}

pub(super) fn comma(spot: &Spot<'_>) -> Finding {
    let next = spot.text.len() - spot.skipped(spot.at + 1).len();
    if spot.goal == Goal::Entry
        && (scan::begins_entry(spot.text, next) || spot.skipped(next).is_empty())
    {
        return error(
            Code::CommaBetweenEntries,
            spot.here(),
            "a comma between entries",
            "entries are separated by `;`",
        )
        .help("write `;`")
        .mended(spot.here(), ";");
    }
    error(
        Code::CommaBetweenDestinations,
        spot.here(),
        "a comma between destinations",
        "`|` or `&` is wanted here",
    )
    .help("write `|` if the next one is a fallback, `&` if both share the requests")
    .assuming(spot.here(), "|")
}

pub(super) fn second_arrow(spot: &Spot<'_>, arrow: &str) -> Finding {
    let range = spot.next(arrow.len());
    if spot.last().is_some_and(|last| last.kind == Kind::Arrow) {
        return error(Code::SecondArrow, range.clone(), "a second arrow", "one is enough")
            .help("write `=>` once")
            .mended(range, "");
    }
    if spot.goal == Goal::Path {
        return error(Code::SecondArrow, range, "an arrow behind a path", "only a path is wanted")
            .help("write the path alone")
            .giving_up();
    }
    let mut diagnostic =
        error(Code::SecondArrow, range.clone(), "a second arrow in one entry", "not understood");
    if let Some(first) = spot.before.iter().find(|token| token.kind == Kind::Arrow) {
        diagnostic = diagnostic
            .label(Span::new(first.range.start, first.range.end), "the arrow of this entry");
    }
    let help = "write `|` if a fallback is meant; if a new entry begins, put `;` before its prefix";
    let ended = matches!(spot.skipped(range.end).chars().next(), None | Some(';'));
    diagnostic.help(help).assuming(range, if ended { "" } else { "|" })
}

pub(super) fn missing_operator(spot: &Spot<'_>) -> Finding {
    let (behind, run) = (spot.behind(), scan::run(spot.rest()));
    let number = scan::number(spot.rest()).len();
    let next = spot.next(run.len().max(number).max(spot.here().len()));
    if spot.goal == Goal::Path {
        return error(
            Code::SpaceInPath,
            behind..spot.at,
            "a space in a path",
            "the path ends here",
        )
        .help("write a space that belongs to a label as `\\x20`")
        .giving_up();
    }
    error(
        Code::MissingOperator,
        next,
        "two destinations with nothing between them",
        "`|`, `&` or `;` is missing before this",
    )
    .help("write `|` if the second is the fallback of the first, `&` if both share the requests")
    .assuming(behind..behind, " | ")
}
