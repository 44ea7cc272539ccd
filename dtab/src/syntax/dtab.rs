//! Productions of dentries and tables.

use super::{Input, Parsed, Unexpected, behind, path, token, tree, trivia};
use crate::dentry::Dentry;
use crate::span::Span;
use nom::Parser;

/// `prefix => tree`. `total` is the length of the whole text, from which spans count.
pub(crate) fn dentry<'a>(
    total: usize,
) -> impl Parser<Input<'a>, Output = Dentry, Error = Unexpected> {
    move |input: Input<'a>| -> Parsed<'a, Dentry> {
        let start = total - input.len();
        let (input, prefix) = path::prefix(input)?;
        let (input, ()) = token(b'=').parse(trivia::skip(input))?;
        let (input, ()) = token(b'>').parse(input)?;
        let (input, dst) = tree::tree(trivia::skip(input))?;
        let span = Span::new(start, total - input.len());
        Ok((input, Dentry { prefix, dst, span, source: None }))
    }
}

/// Room is made for at most one entry in so many bytes, whatever the number of `;`: few entries of
/// real tables are shorter, and a text of semicolons is to cost no more than any other.
const SHORT_ENTRY: usize = 16;

/// Dentries between `;`. One may follow the last; a table may be empty.
pub(crate) fn dentries<'a>(
    total: usize,
) -> impl Parser<Input<'a>, Output = Vec<Dentry>, Error = Unexpected> {
    let mut one = dentry(total);
    move |mut input: Input<'a>| -> Parsed<'a, Vec<Dentry>> {
        let semicolons = memchr::memchr_iter(b';', input).count();
        let mut found = Vec::with_capacity((semicolons + 1).min(input.len() / SHORT_ENTRY + 1));
        while !input.is_empty() {
            let (rest, next) = one.parse(input)?;
            found.push(next);
            match behind(rest, b';') {
                Some(after) => input = after,
                None => return Ok((rest, found)),
            }
        }
        Ok((input, found))
    }
}
