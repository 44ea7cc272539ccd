//! Reading text: the grammar, and the strict entry points of the data path.
//!
//! ```text
//! dtab    = [ dentry { ";" dentry } [ ";" ] ]
//! dentry  = prefix "=>" tree
//! prefix  = "/" [ element { "/" element } ]      element = label | "*"
//! path    = "/" [ label { "/" label } ]
//! tree    = union { "|" union }
//! union   = weighted { "&" weighted }
//! weighted = [ number "*" ] simple
//! simple  = "(" tree ")" | path | "!" | "~" | "$"
//! label   = one or more of 0-9 A-Z a-z _ : . # $ % - or \xNN
//! number  = digits with at most one "."
//! ```
//!
//! White space and `#` comments may stand between any two tokens, but not inside a path. Each
//! production is one nom parser in the file of its area. A production stops right behind its last
//! token and looks through trivia only to see what comes next, so that spans end where the text
//! does.

use std::fmt;

use nom::{IResult, Parser};

use crate::dentry::{Dentry, Prefix};
use crate::path::Path;
use crate::tree::NameTree;

mod dtab;
mod path;
mod recover;
pub(crate) mod scan;
mod tree;
pub(crate) mod trivia;

pub use recover::{check_dtab, check_path, check_tree};

/// What productions read: bytes of a valid UTF-8 string. A place is told by what is left behind it.
pub(crate) type Input<'a> = &'a [u8];

/// What productions return.
pub(crate) type Parsed<'a, T> = IResult<Input<'a>, T, Unexpected>;

/// Deepest nesting of parentheses. Far above what people write, and low enough that no walk over
/// a tree can exhaust a stack.
pub const MAX_NESTING: usize = 100;

/// The error of a production: what was wanted, and how many bytes were left at that place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unexpected {
    pub(crate) left: usize,
    pub(crate) expected: Expected,
}

impl Unexpected {
    pub(crate) fn at<T>(input: Input<'_>, expected: Expected) -> Parsed<'_, T> {
        Err(nom::Err::Failure(Unexpected { left: input.len(), expected }))
    }
}

impl<'a> nom::error::ParseError<Input<'a>> for Unexpected {
    fn from_error_kind(input: Input<'a>, _: nom::error::ErrorKind) -> Self {
        Unexpected { left: input.len(), expected: Expected::End }
    }

    fn append(_: Input<'a>, _: nom::error::ErrorKind, first: Self) -> Self {
        first
    }
}

/// What the grammar wanted where it found something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Expected {
    /// This character.
    Char(char),
    /// Nothing more.
    End,
    /// A character of a label, `[0-9A-Za-z_:.#$%-]` or `\`.
    LabelChar,
    /// A hexadecimal digit of a `\xNN` escape.
    HexDigit,
    /// A digit of a weight (a second `.` was found).
    NumberChar,
    /// A weight that is a number (`.` alone is none).
    Number,
    /// A path, `!`, `~`, `$`, or a tree in parentheses.
    Simple,
    /// Fewer than [`MAX_NESTING`] nested parentheses.
    LessNesting,
}

impl fmt::Display for Expected {
    /// In Finagle's words, where it has any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expected::Char(wanted) => write!(f, "'{wanted}'"),
            Expected::End => f.write_str("end of input"),
            Expected::LabelChar => f.write_str("label char"),
            Expected::HexDigit => f.write_str("hex char"),
            Expected::NumberChar => f.write_str("number char"),
            Expected::Number => f.write_str("number"),
            Expected::Simple => f.write_str("simple"),
            Expected::LessNesting => {
                write!(f, "at most {MAX_NESTING} nested parentheses")
            }
        }
    }
}

/// The first error of a text, shown in Finagle's words: `'=' expected but ';' found at '/a[;]'`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    expected: Expected,
    found: Option<char>,
    offset: usize,
    /// The input around the place, as much of it as is shown.
    before: Box<str>,
    after: Box<str>,
}

/// How much of the input an error repeats on either side of the place.
const SHOWN: usize = 4096;

impl SyntaxError {
    pub(crate) fn new(text: &str, Unexpected { left, expected }: Unexpected) -> Self {
        let offset = text.len() - left;
        let mut rest = text[offset..].chars();
        let found = rest.next();
        let rest = rest.as_str();
        let from = text.floor_char_boundary(offset.saturating_sub(SHOWN));
        let to = rest.floor_char_boundary(SHOWN);
        let (before, after) = (text[from..offset].into(), rest[..to].into());
        SyntaxError { expected, found, offset, before, after }
    }

    /// What was wanted.
    pub fn expected(&self) -> Expected {
        self.expected
    }

    /// What stood there instead; `None` at the end of the input.
    pub fn found(&self) -> Option<char> {
        self.found
    }

    /// Where, in bytes from the start of the text.
    pub fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} expected but ", self.expected)?;
        match self.found {
            // U+FFFF is what the reference takes for the end.
            None | Some('\u{ffff}') => f.write_str("end of input")?,
            Some(found) => write!(f, "'{found}'")?,
        }
        let found = self.found.map(String::from).unwrap_or_default();
        write!(f, " found at '{}[{found}]{}'", self.before, self.after)
    }
}

impl std::error::Error for SyntaxError {}

/// Runs a production over a whole text: trivia may stand around it, nothing else.
fn whole<'a, T>(
    text: &'a str,
    mut production: impl Parser<Input<'a>, Output = T, Error = Unexpected>,
) -> Result<T, SyntaxError> {
    let parse = |input| -> Parsed<'a, T> {
        let (rest, value) = production.parse(trivia::skip(input))?;
        match trivia::skip(rest) {
            [] => Ok((&[], value)),
            more => Unexpected::at(more, Expected::End),
        }
    };
    let mut parse = parse;
    match parse(text.as_bytes()) {
        Ok((_, value)) => Ok(value),
        Err(nom::Err::Error(error) | nom::Err::Failure(error)) => {
            Err(SyntaxError::new(text, error))
        }
        // Complete parsers ask for no more input.
        Err(nom::Err::Incomplete(_)) => {
            Err(SyntaxError::new(text, Unexpected { left: 0, expected: Expected::End }))
        }
    }
}

pub(crate) fn parse_path(text: &str) -> Result<Path, SyntaxError> {
    whole(text, path::path)
}

pub(crate) fn parse_prefix(text: &str) -> Result<Prefix, SyntaxError> {
    whole(text, path::prefix)
}

/// Reads a name tree of paths, such as `0.3 * /a & 0.7 * /b | ~`.
pub fn parse_tree(text: &str) -> Result<NameTree<Path>, SyntaxError> {
    whole(text, tree::tree)
}

pub(crate) fn parse_dentry(text: &str) -> Result<Dentry, SyntaxError> {
    whole(text, dtab::dentry(text.len()))
}

pub(crate) fn parse_dtab(text: &str) -> Result<Vec<Dentry>, SyntaxError> {
    whole(text, dtab::dentries(text.len()))
}

/// The production of a fixed character.
fn token<'a>(wanted: u8) -> impl Parser<Input<'a>, Output = (), Error = Unexpected> {
    move |input: Input<'a>| match input.split_first() {
        Some((&first, rest)) if first == wanted => Ok((rest, ())),
        _ => Unexpected::at(input, Expected::Char(char::from(wanted))),
    }
}

/// What follows `separator`, if it comes next; trivia may stand around it.
fn behind(input: Input<'_>, separator: u8) -> Option<Input<'_>> {
    match trivia::skip(input).split_first() {
        Some((&first, rest)) if first == separator => Some(trivia::skip(rest)),
        _ => None,
    }
}
