//! Mistakes in prefixes and arrows.

use std::ops::Range;

use super::label::{touching_path, without_slash};
use super::{Finding, Spot, error, stray};
use crate::diagnostic::Code;
use crate::syntax::scan::{self, Kind};

pub(super) fn no_prefix(spot: &Spot<'_>) -> Finding {
    let run = scan::run(spot.rest());
    match spot.found() {
        None => error(Code::MissingPath, spot.here(), "no path", "a path is wanted here")
            .help("the empty path is `/`")
            .assuming(spot.here(), "/"),
        Some('*') => error(
            Code::PathWithoutSlash,
            spot.next(1),
            "a path without `/`",
            "a path begins with `/`",
        )
        .help("write `/*` for all names of at least one label, `/` for all names")
        .mended(spot.next(0), "/"),
        Some(',') => error(
            Code::CommaBetweenEntries,
            spot.here(),
            "a comma between entries",
            "entries are separated by `;`",
        )
        .help("write `;` once between two entries")
        .mended(spot.here(), ""),
        Some(operator @ ('|' | '&')) => error(
            Code::UnexpectedOperator,
            spot.here(),
            format!("an entry cannot begin with `{operator}`"),
            "the entry before this has ended",
        )
        .help(format!(
            "to go on with the entry before, remove the `;` that ends it; to begin a new one, \
             remove the `{operator}`"
        ))
        .giving_up(),
        Some('(' | ')') => error(
            Code::UnexpectedParenthesis,
            spot.here(),
            "a parenthesis in a prefix",
            "only destinations have parentheses",
        )
        .help("a prefix is one path: to match several, write an entry for each")
        .assuming(spot.here(), ""),
        Some('!' | '~') => error(
            Code::MissingPrefix,
            spot.here(),
            "a prefix must be a path",
            "this can only be a destination",
        )
        .help("write the path that names begin with, such as `/svc`; `/` stands for all names")
        .assuming(spot.here(), "/"),
        Some(_) if scan::arrow(spot.rest()).is_some() => error(
            Code::MissingPrefix,
            spot.next(scan::arrow(spot.rest()).map_or(0, str::len)),
            "an entry without a prefix",
            "a path is missing before this arrow",
        )
        .help("write the path that names begin with, such as `/svc`; `/` stands for all names")
        .assuming(spot.next(0), "/ "),
        Some(_) if !run.is_empty() => without_slash(spot, spot.next(run.len()), spot.at),
        Some(found) => stray(spot, found),
    }
}

/// Behind a prefix, where `=` should be.
pub(super) fn no_arrow(spot: &Spot<'_>) -> Finding {
    let Some(found) = spot.found() else { return missing_arrow(spot) };
    if let Some(finding) = touching_path(spot, found) {
        return finding;
    }
    // `-` may stand in a label, so it has become a part of the prefix.
    if let Some(prefix) = spot.touching()
        && found == '>'
        && spot.text[prefix.range.clone()].ends_with('-')
    {
        return wrong_arrow(spot.at - 1..spot.at + 1, "->");
    }
    if let Some(arrow) = scan::arrow(spot.rest()) {
        return wrong_arrow(spot.next(arrow.len()), arrow);
    }
    let run = scan::run(spot.rest());
    if run == ":" {
        return wrong_arrow(spot.next(1), run);
    }
    match found {
        ';' => missing_arrow(spot),
        '/' if scan::begins_entry(spot.text, spot.at) => missing_arrow(spot),
        '/' | '(' | '~' | '!' | '0'..='9' => {
            let at = spot.behind();
            let mut help = "write `=>` between a prefix and what it becomes".to_owned();
            if spot.last().is_some_and(|prefix| spot.text[prefix.range.clone()].ends_with(':')) {
                help.push_str("; a `:` is read as a part of the label before it");
            }
            error(Code::MissingArrow, at..spot.here().end, "missing `=>`", "`=>` is missing here")
                .help(help)
                .mended(at..at, " =>")
        }
        '|' | '&' | ',' | ')' => {
            // All up to the arrow, if one follows.
            let arrow = scan::tokens(spot.text, spot.at)
                .find(|token| matches!(token.kind, Kind::Arrow | Kind::Char('=')));
            let message = format!("`{found}` in a prefix");
            let error = error(
                if found == ')' { Code::UnexpectedParenthesis } else { Code::UnexpectedOperator },
                spot.here(),
                message,
                "`=>` is wanted here",
            )
            .help("a prefix is one path: to match several, write an entry for each");
            match arrow {
                Some(arrow) => error.assuming(spot.at..arrow.range.start, " "),
                None => error.giving_up(),
            }
        }
        _ if !run.is_empty() => {
            let words = spot.text[spot.behind()..spot.at].contains('\n');
            if words {
                return missing_arrow(spot);
            }
            error(
                Code::SpaceInPath,
                spot.behind()..spot.at,
                "a space in a path",
                "the path ends here",
            )
            .help("write a space that belongs to the label as `\\x20`")
            .mended(spot.behind()..spot.at, "\\x20")
        }
        _ => stray(spot, found),
    }
}

pub(super) fn missing_arrow(spot: &Spot<'_>) -> Finding {
    let at = spot.behind();
    let prefix = spot.before.first().map_or(at..at, |first| first.range.start..at);
    error(Code::MissingArrow, prefix, "an entry without `=>`", "this becomes nothing")
        .help("write `=>` and a destination behind it, such as `/svc => /host ;`")
        .assuming(at..at, if spot.at_end() { " => !" } else { " => ! ;" })
}

pub(super) fn wrong_arrow(range: Range<usize>, arrow: &str) -> Finding {
    let (code, message) = match arrow {
        "=" => (Code::SingleEquals, "`=` instead of `=>`".to_owned()),
        _ => (Code::WrongArrow, format!("`{arrow}` instead of `=>`")),
    };
    let label = if arrow.contains(' ') { "`=` and `>` must touch" } else { "the arrow is `=>`" };
    error(code, range.clone(), message, label).help("write `=>`").mended(range, "=>")
}

/// Behind `=`, where `>` should be.
pub(super) fn broken_arrow(spot: &Spot<'_>) -> Finding {
    let start = spot.at - 1;
    let behind = spot.skipped(spot.at);
    if spot.rest().starts_with([' ', '\t']) && behind.starts_with('>') {
        let end = spot.text.len() - behind.len() + 1;
        return wrong_arrow(start..end, "= >");
    }
    let arrow = scan::arrow(&spot.text[start..]).unwrap_or("=");
    wrong_arrow(start..start + arrow.len(), arrow)
}
